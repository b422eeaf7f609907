/* SPDX-License-Identifier: Apache-2.0 */
/* The fw_cfg device; see fw_cfg.h. */
#include "fw_cfg.h"

#include <endian.h>
#include <string.h>

enum {
	PORT_SELECTOR = 0,
	PORT_DATA = 1,
	PORT_DMA_HIGH = 4,
	PORT_DMA_LOW = 8,
};

/* What the DMA register reads as: "QEMU CFG". */
#define DMA_SIGNATURE UINT64_C(0x51454d5520434647)

#define DMA_ERROR 0x01u
#define DMA_READ 0x02u
#define DMA_SKIP 0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE 0x10u
#define DMA_KEY_SHIFT 16u

/* In guest memory; all numbers are big endian. */
struct dma_command {
	uint32_t control;
	uint32_t bytes;
	uint64_t gpa;
};

static void select_item(struct fw_cfg *f, uint16_t key)
{
	f->key = key;
	f->at = 0;
}

static void advance(struct fw_cfg *f, uint32_t bytes)
{
	if (__builtin_add_overflow(f->at, bytes, &f->at))
		f->at = UINT64_MAX;
}

static void read_item(struct fw_cfg *f, uint8_t *to, uint32_t bytes)
{
	const struct fw_cfg_item *item = fw_cfg_store_find(f->store, f->key);
	uint64_t left = item && f->at < item->bytes ? item->bytes - f->at : 0;
	uint32_t part = left < bytes ? (uint32_t)left : bytes;

	if (part)
		memcpy(to, item->data + f->at, part);
	memset(to + part, 0, bytes - part);
	advance(f, bytes);
}

static bool read_to_guest(struct fw_cfg *f, uint64_t gpa, uint32_t bytes)
{
	uint8_t *to = guest_mem_ptr(f->mem, gpa, bytes);

	if (!to || bytes > FW_CFG_DMA_MAX_BYTES)
		return false;
	read_item(f, to, bytes);
	return true;
}

/* Return: false on an error. */
static bool do_command(struct fw_cfg *f, const struct dma_command *command)
{
	uint32_t control = be32toh(command->control);
	uint32_t bytes = be32toh(command->bytes);

	if (control & DMA_SELECT)
		select_item(f, (uint16_t)(control >> DMA_KEY_SHIFT));
	if (control & DMA_READ)
		return read_to_guest(f, be64toh(command->gpa), bytes);
	if (control & DMA_WRITE)
		return false;
	if (control & DMA_SKIP)
		advance(f, bytes);
	return true;
}

static void start_dma(struct fw_cfg *f)
{
	struct dma_command command;
	uint64_t gpa = f->dma_gpa;
	uint32_t control;

	f->dma_gpa = 0;
	/* Who names an address that is none will not find an answer there. */
	if (guest_mem_read(f->mem, gpa, &command, sizeof(command)))
		return;
	control = do_command(f, &command) ? 0 : htobe32(DMA_ERROR);
	guest_mem_write(f->mem, gpa, &control, sizeof(control));
}

static void write_port(struct fw_cfg *f, const struct io_access *a,
		       const uint8_t *data)
{
	uint32_t val = 0;

	memcpy(&val, data, a->width);
	val = le32toh(val);
	if (a->offset == PORT_SELECTOR && a->width == 2) {
		select_item(f, (uint16_t)val);
	} else if (a->offset == PORT_DMA_HIGH && a->width == 4) {
		f->dma_gpa = (uint64_t)be32toh(val) << 32;
	} else if (a->offset == PORT_DMA_LOW && a->width == 4) {
		f->dma_gpa |= be32toh(val);
		start_dma(f);
	}
}

static void read_port(struct fw_cfg *f, struct io_access *a)
{
	uint32_t val = UINT32_MAX;

	if (a->offset == PORT_DATA && a->width == 1) {
		read_item(f, a->data, a->count);
		return;
	}
	if (a->offset == PORT_DMA_HIGH && a->width == 4)
		val = htobe32((uint32_t)(DMA_SIGNATURE >> 32));
	else if (a->offset == PORT_DMA_LOW && a->width == 4)
		val = htobe32((uint32_t)DMA_SIGNATURE);
	for (uint32_t i = 0; i < a->count; i++)
		memcpy(a->data + (size_t)i * a->width, &val, a->width);
}

/* Files are read by INSB: one call for the whole string. */
static enum io_action fw_cfg_io(void *dev, struct io_access *a)
{
	struct fw_cfg *f = dev;

	pthread_mutex_lock(&f->lock);
	for (uint32_t i = 0; a->write && i < a->count; i++)
		write_port(f, a, a->data + (size_t)i * a->width);
	if (!a->write)
		read_port(f, a);
	pthread_mutex_unlock(&f->lock);
	return IO_NONE;
}

const struct io_dev_ops fw_cfg_ops = {.io = fw_cfg_io, .strings = true};

int fw_cfg_init(struct fw_cfg *f, const struct fw_cfg_store *store,
		const struct guest_mem *mem)
{
	memset(f, 0, sizeof(*f));
	f->store = store;
	f->mem = mem;
	return -pthread_mutex_init(&f->lock, NULL);
}

void fw_cfg_destroy(struct fw_cfg *f)
{
	pthread_mutex_destroy(&f->lock);
}
