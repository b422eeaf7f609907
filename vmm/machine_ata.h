/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The disks of a guest with a firmware, on an ATA channel, which firmware can drive
 * (R: CARD-8).
 *
 * Place in the flow: a part of machine_io.h, which opens the images and stops the
 * I/O of a guest; the place of its disks is here instead of on virtio.
 * Locking: control thread.
 */
#ifndef DISVM_MACHINE_ATA_H
#define DISVM_MACHINE_ATA_H

#include "dev/ata.h"

struct machine;

/** @n: of the blocks that are open. */
struct machine_ata {
	unsigned n;
	struct block blocks[ATA_DEVICES];
	struct ata channel;
};

/** The images of the kind, as disks on machine->bus. Return: 0 or -errno, with
 * nothing left. */
int machine_ata_add(struct machine *machine);

/** No I/O thread works for them any more; twice is fine. No vCPU runs any more. */
void machine_ata_stop(struct machine *machine);
/** Stops as well. Fine if there are none. */
void machine_ata_remove(struct machine *machine);

#endif
