/* SPDX-License-Identifier: Apache-2.0 */
/* Disks on an ATA channel; see machine_ata.h. */
#include "machine_ata.h"

#include <errno.h>
#include <stdlib.h>

#include "machine.h"
#include "machine_devices.h"

static int open_blocks(struct machine *machine, struct machine_ata *ata)
{
	const struct machine_kind *kind = machine->kind;
	int ret = 0;

	for (; ata->n < kind->io.n_images && ata->n < ATA_DEVICES; ata->n++) {
		ret = block_open(&ata->blocks[ata->n], &kind->io.images[ata->n],
				 kind->io.pool, &machine->io.account,
				 kind->spec.io.disk_priority);
		if (ret)
			break;
	}
	return ret;
}

int machine_ata_add(struct machine *machine)
{
	const struct irq_line irq = machine_irq_line(machine, PC_ATA_GSI);
	struct machine_ata *ata = calloc(1, sizeof(*ata));
	struct block *disks[ATA_DEVICES] = {NULL, NULL};
	int ret;

	if (!ata)
		return -ENOMEM;
	for (unsigned i = 0; i < ATA_DEVICES; i++)
		if (i < machine->kind->io.n_images)
			disks[i] = &ata->blocks[i];
	ret = open_blocks(machine, ata);
	if (!ret)
		ret = ata_init(&ata->channel, disks, &irq);
	if (ret)
		goto err_blocks;
	ret = io_bus_add(&machine->bus, PC_ATA_PORT, ATA_PORTS, &ata_ops,
			 &ata->channel);
	if (!ret)
		ret = io_bus_add(&machine->bus, PC_ATA_CONTROL_PORT,
				 ATA_CONTROL_PORTS, &ata_control_ops,
				 &ata->channel);
	if (ret)
		goto err_channel;
	machine->io.ata = ata;
	return 0;

err_channel:
	ata_destroy(&ata->channel);
err_blocks:
	while (ata->n)
		block_close(&ata->blocks[--ata->n]);
	free(ata);
	return ret;
}

void machine_ata_stop(struct machine *machine)
{
	struct machine_ata *ata = machine->io.ata;

	while (ata && ata->n)
		block_close(&ata->blocks[--ata->n]);
}

void machine_ata_remove(struct machine *machine)
{
	struct machine_ata *ata = machine->io.ata;

	if (!ata)
		return;
	machine_ata_stop(machine);
	ata_destroy(&ata->channel);
	free(ata);
	machine->io.ata = NULL;
}
