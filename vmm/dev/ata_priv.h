/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the ATA channel share: ata.c has the registers, ata_command.c
 * what commands mean, ata_transfer.c the way of the data, ata_identify.c what a
 * disk says of itself.
 *
 * Locking: all with the channel's lock held.
 */
#ifndef DISVM_ATA_PRIV_H
#define DISVM_ATA_PRIV_H

#include "ata.h"

#define ATA_STATUS_BUSY 0x80u
#define ATA_STATUS_READY 0x40u
#define ATA_STATUS_FAULT 0x20u
#define ATA_STATUS_SEEK 0x10u
#define ATA_STATUS_DATA 0x08u
#define ATA_STATUS_ERROR 0x01u

#define ATA_ERROR_DATA 0x40u /* UNC; WP when written */
#define ATA_ERROR_NOT_FOUND 0x10u
#define ATA_ERROR_ABORTED 0x04u
#define ATA_ERROR_NONE 0x01u /* the code of a passed diagnostic */

#define ATA_DEVICE_LBA 0x40u
#define ATA_DEVICE_SELECT 0x10u

/** Most sectors of a block of the MULTIPLE commands. */
#define ATA_MULTIPLE_MAX 16u
/** Sectors that 28 bits can name. */
#define ATA_LBA28_SECTORS UINT64_C(0x0fffffff)

/** The device that is selected; its block is NULL if there is none. */
struct ata_device *ata_selected(struct ata *ata);

/** What the guest sees as INTRQ may have changed. */
void ata_update_line(struct ata *ata);

/** The registers after a reset; no device is in error. */
void ata_set_signature(struct ata *ata);

/** The command is over: without an error, or with. Both interrupt. */
void ata_complete(struct ata *ata);
void ata_fail(struct ata *ata, uint8_t status, uint8_t error);

/** A command of the selected device, which is there; the channel is idle. */
void ata_command(struct ata *ata, uint8_t command, unsigned vcpu);

/** Begin to move @left sectors from @lba on; both are set and checked. */
void ata_start_read(struct ata *ata);
void ata_start_write(struct ata *ata);
void ata_start_flush(struct ata *ata);

/** A sector that is in the buffer, for the guest to read. */
void ata_start_data_in(struct ata *ata);

/** @bytes of data at the data port; the guest may give too many, or too few. */
void ata_read_data(struct ata *ata, uint8_t *to, uint32_t bytes);
void ata_write_data(struct ata *ata, const uint8_t *from, uint32_t bytes);

/** The 512 bytes of IDENTIFY DEVICE, into the buffer. */
void ata_identify(struct ata *ata);

#endif
