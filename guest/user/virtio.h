/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A driver of one virtio block device over MMIO (virtio 1.2, 4.2, 5.2): one request
 * at a time, answered by polling.
 *
 * Place in the flow: disk.c works with it; fdt_machine.c found where devices are.
 * Locking: one vCPU alone uses it.
 */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include <user.h>

#define SECTOR_BYTES 512u

#define DISK_READ 0u
#define DISK_WRITE 1u
#define DISK_FLUSH 4u

/** Answers of a disk_request(), beside those of the device: 0 is well. */
#define DISK_TOO_LATE 100u /**< the run is over */

/** The data of a request. */
extern uint64_t disk_data[SECTOR_BYTES / 8];

/** Bring up the first disk; ends the guest if there is none. Its sectors. */
uint64_t disk_open(void);
/** @type: DISK_*; until @end_tsc. Return: 0, or why not. */
uint32_t disk_request(uint32_t type, uint64_t sector, uint64_t end_tsc);
/** A chain that goes in circles. Return: does the device say that it has stopped? */
bool disk_misuse(uint64_t end_tsc);

#endif
