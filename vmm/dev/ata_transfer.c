/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of the data between the guest, the channel's buffer and the disk; see
 * ata.h.
 *
 *   read:  submit -> done -> the guest empties the buffer -> submit ...
 *   write: the guest fills the buffer -> submit -> done -> the guest ...
 */
#include "ata_priv.h"

#include <string.h>

void ata_complete(struct ata *ata)
{
	ata->phase = ATA_IDLE;
	ata->pending = true;
}

void ata_fail(struct ata *ata, uint8_t status, uint8_t error)
{
	ata->at->status = status | ATA_STATUS_ERROR;
	ata->at->error = error;
	ata_complete(ata);
}

static uint32_t chunk_sectors(const struct ata *ata)
{
	return ata->left < ATA_BUFFER_SECTORS ? ata->left : ATA_BUFFER_SECTORS;
}

static void set_block_end(struct ata *ata)
{
	uint32_t block = ata->block_sectors * IMAGE_SECTOR_BYTES;

	ata->block_end = ata->bytes - ata->pos < block ? ata->bytes
						       : ata->pos + block;
}

static void offer_buffer(struct ata *ata, enum ata_phase phase, uint32_t bytes)
{
	ata->phase = phase;
	ata->pos = 0;
	ata->bytes = bytes;
	set_block_end(ata);
}

static void on_done(struct block_request *request, int err);

static void submit(struct ata *ata, enum image_op op, uint32_t sectors)
{
	ata->phase = ATA_BUSY;
	ata->bytes = sectors * IMAGE_SECTOR_BYTES;
	ata->in_flight = true;
	ata->iov = (struct iovec){ata->buffer, ata->bytes};
	ata->request = (struct block_request){
		.op = op,
		.offset = ata->lba * IMAGE_SECTOR_BYTES,
		.iov = &ata->iov,
		.n = sectors ? 1 : 0,
		.vcpu = ata->vcpu,
		.done = on_done,
		.ctx = ata,
	};
	block_submit(ata->at->block, &ata->request);
}

static void submit_chunk(struct ata *ata)
{
	submit(ata, ata->op, chunk_sectors(ata));
}

void ata_start_read(struct ata *ata)
{
	ata->op = IMAGE_READ;
	submit_chunk(ata);
}

void ata_start_write(struct ata *ata)
{
	ata->op = ata->at->write_through ? IMAGE_WRITE_THROUGH : IMAGE_WRITE;
	/* No interrupt before the first block. */
	offer_buffer(ata, ATA_DATA_OUT, chunk_sectors(ata) * IMAGE_SECTOR_BYTES);
}

void ata_start_flush(struct ata *ata)
{
	ata->op = IMAGE_FLUSH;
	submit(ata, IMAGE_FLUSH, 0);
}

void ata_start_data_in(struct ata *ata)
{
	ata->op = IMAGE_READ;
	ata->left = 1;
	ata->block_sectors = 1;
	ata->verify = false;
	offer_buffer(ata, ATA_DATA_IN, IMAGE_SECTOR_BYTES);
	ata->pending = true;
}

/* The buffer's sectors are where they belong. Return: are there more? */
static bool next_chunk(struct ata *ata)
{
	uint32_t sectors = ata->bytes / IMAGE_SECTOR_BYTES;

	ata->lba += sectors;
	ata->left -= sectors;
	return ata->left;
}

/* 6.2: the first sector in error; of the buffer, as nobody says which it is. */
static void tell_place(struct ata *ata)
{
	uint64_t lba = ata->lba;

	ata->low[0] = (uint8_t)lba;
	ata->mid[0] = (uint8_t)(lba >> 8);
	ata->high[0] = (uint8_t)(lba >> 16);
	ata->low[1] = (uint8_t)(lba >> 24);
	ata->mid[1] = (uint8_t)(lba >> 32);
	ata->high[1] = (uint8_t)(lba >> 40);
}

static void failed(struct ata *ata)
{
	if (ata->op == IMAGE_READ) {
		tell_place(ata);
		ata_fail(ata, 0, ATA_ERROR_DATA);
	} else {
		ata_fail(ata, ATA_STATUS_FAULT, ATA_ERROR_ABORTED);
	}
}

static void succeeded(struct ata *ata)
{
	if (ata->op == IMAGE_READ && !ata->verify) {
		offer_buffer(ata, ATA_DATA_IN, ata->bytes);
		ata->pending = true;
	} else if (ata->op == IMAGE_FLUSH || !next_chunk(ata)) {
		ata_complete(ata);
	} else if (ata->op == IMAGE_READ) {
		submit_chunk(ata);
	} else {
		offer_buffer(ata, ATA_DATA_OUT,
			     chunk_sectors(ata) * IMAGE_SECTOR_BYTES);
		ata->pending = true;
	}
}

/* On an I/O thread. */
static void on_done(struct block_request *request, int err)
{
	struct ata *ata = request->ctx;

	pthread_mutex_lock(&ata->lock);
	ata->in_flight = false;
	if (ata->reset) {
		ata->reset = false;
		ata->phase = ATA_IDLE;
	} else if (err) {
		failed(ata);
	} else {
		succeeded(ata);
	}
	ata_update_line(ata);
	pthread_mutex_unlock(&ata->lock);
}

/* The guest is through with a block. */
static void end_block(struct ata *ata)
{
	if (ata->pos < ata->bytes) {
		set_block_end(ata);
		ata->pending = true;
	} else if (ata->phase == ATA_DATA_OUT || next_chunk(ata)) {
		submit_chunk(ata);
	} else {
		/* 9.5: the last block is not followed by an interrupt. */
		ata->phase = ATA_IDLE;
	}
}

void ata_read_data(struct ata *ata, uint8_t *to, uint32_t bytes)
{
	while (bytes && ata->phase == ATA_DATA_IN) {
		uint32_t part = ata->block_end - ata->pos;

		if (part > bytes)
			part = bytes;
		memcpy(to, ata->buffer + ata->pos, part);
		to += part;
		bytes -= part;
		ata->pos += part;
		if (ata->pos == ata->block_end)
			end_block(ata);
	}
}

void ata_write_data(struct ata *ata, const uint8_t *from, uint32_t bytes)
{
	while (bytes && ata->phase == ATA_DATA_OUT) {
		uint32_t part = ata->block_end - ata->pos;

		if (part > bytes)
			part = bytes;
		memcpy(ata->buffer + ata->pos, from, part);
		from += part;
		bytes -= part;
		ata->pos += part;
		if (ata->pos == ata->block_end)
			end_block(ata);
	}
}
