/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An ATA channel of a PC with one or two disks, by programmed I/O alone: what
 * firmware and systems without drivers for anything newer can use (R: CARD-8).
 *
 * Place in the flow: two rows of the VM's port bus (command block at 0x1f0, control
 * block at 0x3f6). Commands that need the disk are block requests (block.h): the
 * channel is busy until the I/O thread is done with them; no vCPU waits in here.
 *
 * A command moves up to ATA_BUFFER_SECTORS at a time between the disk and the
 * buffer, which the guest fills or empties in blocks of a sector, or of as many as
 * it set for the MULTIPLE commands; between blocks of the same buffer the channel
 * is never seen busy.
 *
 * Registers are shared by both devices, as both hear all that is written to them;
 * status and error are each one's own. While a command is carried out no other is
 * taken, also by the other device. Software reset of a channel whose request is with
 * the I/O thread is over when that is.
 *
 * Invariant: a request is with the I/O thread if and only if in_flight; the buffer is
 * that thread's then.
 *
 * Locking: one mutex per channel, rank "device"; any thread may call anything but
 * ata_init() and ata_destroy(). The line is set with it held.
 *
 * Source: ATA/ATAPI-6, T13/1410D.
 */
#ifndef DISVM_ATA_H
#define DISVM_ATA_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "block.h"
#include "bus.h"
#include "irq.h"

#define ATA_PORTS 8u
#define ATA_CONTROL_PORTS 1u
#define ATA_DEVICES 2u
#define ATA_BUFFER_SECTORS 128u
#define ATA_BUFFER_BYTES (ATA_BUFFER_SECTORS * IMAGE_SECTOR_BYTES)

/** @heads, @track_sectors: of the translation that cylinders are counted by. */
struct ata_device {
	struct block *block; /**< NULL: there is no such device */
	uint64_t sectors;
	bool read_only;
	uint8_t status; /**< ERR and DF */
	uint8_t error;
	uint8_t multiple; /**< sectors of a block; 0: not set */
	bool write_through;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t track_sectors;
};

enum ata_phase {
	ATA_IDLE,
	ATA_BUSY,     /**< waits for the I/O thread */
	ATA_DATA_IN,  /**< the guest has to read the buffer */
	ATA_DATA_OUT, /**< the guest has to write the buffer */
};

/** A register that LBA48 writes twice: [0] the last value, [1] the one before. */
typedef uint8_t ata_register[2];

struct ata {
	struct irq_line irq;
	struct ata_device devices[ATA_DEVICES];
	pthread_mutex_t lock;

	/* All below is guarded by lock. */
	ata_register feature, count, low, mid, high;
	uint8_t device;
	uint8_t control;
	bool pending; /**< INTRQ of the selected device, before nIEN */
	bool level;

	/* The command. */
	enum ata_phase phase;
	struct ata_device *at;
	enum image_op op;
	bool verify;   /**< reads, but keeps the data to itself */
	uint64_t lba;  /**< of the buffer */
	uint32_t left; /**< sectors, with those of the buffer */
	uint32_t block_sectors;
	uint32_t pos;       /**< in the buffer */
	uint32_t block_end; /**< of the block that @pos is in */
	uint32_t bytes;     /**< of the buffer that are used */
	unsigned vcpu;      /**< that gave the command */

	bool in_flight;
	bool reset; /**< the request's answer is nobody's */
	struct block_request request;
	struct iovec iov;
	uint8_t buffer[ATA_BUFFER_BYTES];
};

/** Both with a struct ata. */
extern const struct io_dev_ops ata_ops;
extern const struct io_dev_ops ata_control_ops;

/**
 * @blocks: disks of device 0 and 1, the second or none may be NULL, opened. They
 *          must be closed before ata_destroy().
 * Return: 0 or the negative error of pthread_mutex_init().
 */
int ata_init(struct ata *ata, struct block *const blocks[ATA_DEVICES],
	     const struct irq_line *irq);
void ata_destroy(struct ata *ata);

#endif
