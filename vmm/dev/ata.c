/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of an ATA channel; see ata.h. */
#include "ata_priv.h"

#include <string.h>

enum {
	REG_DATA,
	REG_FEATURE, /* error, when read */
	REG_COUNT,
	REG_LOW,
	REG_MID,
	REG_HIGH,
	REG_DEVICE,
	REG_COMMAND, /* status, when read */
};

/* Bits of the device register that are always 1. */
#define DEVICE_ONES 0xa0u

#define CONTROL_HIGH_ORDER 0x80u
#define CONTROL_RESET 0x04u
#define CONTROL_NO_IRQ 0x02u

/*
 * The usual translation; no more cylinders can be told, and firmware reads nothing
 * of a disk with less than one.
 */
#define HEADS 16u
#define TRACK_SECTORS 63u
#define CYLINDERS_MIN 1u
#define CYLINDERS_MAX 16383u

struct ata_device *ata_selected(struct ata *ata)
{
	return &ata->devices[ata->device & ATA_DEVICE_SELECT ? 1 : 0];
}

void ata_update_line(struct ata *ata)
{
	bool level = ata->pending && !(ata->control & CONTROL_NO_IRQ);

	if (level != ata->level)
		irq_line_set(&ata->irq, level);
	ata->level = level;
}

void ata_set_signature(struct ata *ata)
{
	ata->device = DEVICE_ONES;
	ata->count[0] = ata->low[0] = 1;
	ata->mid[0] = ata->high[0] = 0;
	for (unsigned i = 0; i < ATA_DEVICES; i++) {
		ata->devices[i].status = 0;
		ata->devices[i].error = ATA_ERROR_NONE;
	}
}

static bool is_busy(const struct ata *ata)
{
	return ata->phase == ATA_BUSY || ata->control & CONTROL_RESET;
}

static bool wants_data(const struct ata *ata)
{
	return ata->phase == ATA_DATA_IN || ata->phase == ATA_DATA_OUT;
}

static uint8_t status_of(struct ata *ata)
{
	const struct ata_device *dev = ata_selected(ata);
	uint8_t status = dev->status | ATA_STATUS_READY | ATA_STATUS_SEEK;

	/* 9.16.1: device 0 answers for one that is not there. */
	if (!dev->block)
		return 0;
	if (is_busy(ata))
		return ATA_STATUS_BUSY;
	if (wants_data(ata) && dev == ata->at)
		status |= ATA_STATUS_DATA;
	return status;
}

static void push(ata_register reg, uint8_t val)
{
	reg[1] = reg[0];
	reg[0] = val;
}

static void write_register(struct ata *ata, unsigned reg, uint8_t val,
			   unsigned vcpu)
{
	/* To a busy channel nothing may be written. */
	if (is_busy(ata) || wants_data(ata))
		return;
	ata->control &= (uint8_t)~CONTROL_HIGH_ORDER;
	switch (reg) {
	case REG_FEATURE:
		push(ata->feature, val);
		break;
	case REG_COUNT:
		push(ata->count, val);
		break;
	case REG_LOW:
		push(ata->low, val);
		break;
	case REG_MID:
		push(ata->mid, val);
		break;
	case REG_HIGH:
		push(ata->high, val);
		break;
	case REG_DEVICE:
		ata->device = val | DEVICE_ONES;
		break;
	case REG_COMMAND:
		ata->pending = false;
		if (ata_selected(ata)->block)
			ata_command(ata, val, vcpu);
		break;
	default:
		break;
	}
}

static uint8_t read_register(struct ata *ata, unsigned reg)
{
	unsigned byte = ata->control & CONTROL_HIGH_ORDER ? 1 : 0;

	switch (reg) {
	case REG_FEATURE:
		return ata_selected(ata)->error;
	case REG_COUNT:
		return ata->count[byte];
	case REG_LOW:
		return ata->low[byte];
	case REG_MID:
		return ata->mid[byte];
	case REG_HIGH:
		return ata->high[byte];
	case REG_DEVICE:
		return ata->device;
	default:
		ata->pending = false;
		return status_of(ata);
	}
}

/* Of 16 or 32 bits, and mostly strings of them. */
static void access_data(struct ata *ata, struct io_access *a)
{
	uint32_t bytes = a->count * a->width;

	if (!a->write)
		memset(a->data, 0xff, bytes);
	if (a->width == 1 || is_busy(ata))
		return;
	if (a->write)
		ata_write_data(ata, a->data, bytes);
	else
		ata_read_data(ata, a->data, bytes);
}

/* The others have 8 bits: of a wider access they see the lowest byte. */
static void access_registers(struct ata *ata, struct io_access *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		uint8_t *element = a->data + (size_t)i * a->width;

		if (a->write) {
			write_register(ata, (unsigned)a->offset, *element,
				       a->vcpu);
			continue;
		}
		memset(element, 0xff, a->width);
		*element = read_register(ata, (unsigned)a->offset);
	}
}

static enum io_action ata_io(void *dev, struct io_access *a)
{
	struct ata *ata = dev;

	pthread_mutex_lock(&ata->lock);
	if (a->offset == REG_DATA)
		access_data(ata, a);
	else
		access_registers(ata, a);
	ata_update_line(ata);
	pthread_mutex_unlock(&ata->lock);
	return IO_NONE;
}

/* 9.2: a rise of SRST ends what was begun, its fall makes the devices ready. */
static void write_control(struct ata *ata, uint8_t val)
{
	bool rises = val & ~ata->control & CONTROL_RESET;

	ata->control = val;
	if (!rises)
		return;
	ata_set_signature(ata);
	ata->pending = false;
	ata->reset = ata->in_flight;
	ata->phase = ata->in_flight ? ATA_BUSY : ATA_IDLE;
}

static enum io_action control_io(void *dev, struct io_access *a)
{
	struct ata *ata = dev;

	pthread_mutex_lock(&ata->lock);
	if (a->write) {
		write_control(ata, a->data[0]);
		ata_update_line(ata);
	} else {
		/* The alternate status clears nothing. */
		memset(a->data, 0xff, a->width);
		a->data[0] = status_of(ata);
	}
	pthread_mutex_unlock(&ata->lock);
	return IO_NONE;
}

const struct io_dev_ops ata_ops = {.io = ata_io, .strings = true};
const struct io_dev_ops ata_control_ops = {.io = control_io};

static void init_device(struct ata_device *dev, struct block *block)
{
	const uint64_t size = (uint64_t)HEADS * TRACK_SECTORS;
	uint64_t cylinders;

	dev->block = block;
	if (!block)
		return;
	dev->sectors = block->image->bytes / IMAGE_SECTOR_BYTES;
	dev->read_only = block->image->read_only;
	dev->heads = HEADS;
	dev->track_sectors = TRACK_SECTORS;
	cylinders = dev->sectors / size;
	if (cylinders < CYLINDERS_MIN)
		cylinders = CYLINDERS_MIN;
	if (cylinders > CYLINDERS_MAX)
		cylinders = CYLINDERS_MAX;
	dev->cylinders = (uint16_t)cylinders;
}

int ata_init(struct ata *ata, struct block *const blocks[ATA_DEVICES],
	     const struct irq_line *irq)
{
	memset(ata, 0, sizeof(*ata));
	ata->irq = *irq;
	for (unsigned i = 0; i < ATA_DEVICES; i++)
		init_device(&ata->devices[i], blocks[i]);
	ata_set_signature(ata);
	return -pthread_mutex_init(&ata->lock, NULL);
}

void ata_destroy(struct ata *ata)
{
	pthread_mutex_destroy(&ata->lock);
}
