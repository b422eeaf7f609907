/* SPDX-License-Identifier: Apache-2.0 */
/* What commands mean to an ATA disk; see ata.h. */
#include "ata_priv.h"

enum {
	RECALIBRATE = 0x10, /* to 0x1f */
	READ_SECTORS = 0x20,
	READ_SECTORS_ONCE = 0x21, /* "without retries" */
	READ_SECTORS_EXT = 0x24,
	READ_MULTIPLE_EXT = 0x29,
	WRITE_SECTORS = 0x30,
	WRITE_SECTORS_ONCE = 0x31,
	WRITE_SECTORS_EXT = 0x34,
	WRITE_MULTIPLE_EXT = 0x39,
	READ_VERIFY = 0x40,
	READ_VERIFY_ONCE = 0x41,
	READ_VERIFY_EXT = 0x42,
	SEEK = 0x70, /* to 0x7f */
	DIAGNOSE = 0x90,
	INIT_PARAMETERS = 0x91,
	READ_MULTIPLE = 0xc4,
	WRITE_MULTIPLE = 0xc5,
	SET_MULTIPLE = 0xc6,
	STANDBY_NOW = 0xe0,
	IDLE_NOW = 0xe1,
	STANDBY = 0xe2,
	IDLE = 0xe3,
	CHECK_POWER = 0xe5,
	SLEEP = 0xe6,
	FLUSH = 0xe7,
	FLUSH_EXT = 0xea,
	IDENTIFY = 0xec,
	SET_FEATURES = 0xef,
};

/* Subcommands of SET FEATURES. */
enum {
	WRITE_CACHE_ON = 0x02,
	SET_TRANSFER_MODE = 0x03,
	LOOK_AHEAD_OFF = 0x55,
	KEEP_SETTINGS = 0x66,
	WRITE_CACHE_OFF = 0x82,
	LOOK_AHEAD_ON = 0xaa,
	DEFAULT_SETTINGS = 0xcc,
};

/* Transfer modes: PIO by default, and 0 to 4 with flow control. */
#define MODE_PIO_DEFAULT_LAST 0x01u
#define MODE_PIO_FIRST 0x08u
#define MODE_PIO_LAST 0x0cu

#define POWER_ACTIVE 0xffu

/* Sectors that the command is about: 0 stands for the most. */
static uint32_t count_of(const struct ata *ata, bool lba48)
{
	uint32_t count = ata->count[0];

	if (lba48)
		count |= (uint32_t)ata->count[1] << 8;
	if (count)
		return count;
	return lba48 ? 65536 : 256;
}

/* By cylinder, head and sector, which count from 1. Return: false: no place. */
static bool chs_to_lba(const struct ata *ata, uint64_t *lba)
{
	const struct ata_device *dev = ata->at;
	uint32_t cylinder = ata->mid[0] | (uint32_t)ata->high[0] << 8;
	uint32_t head = ata->device & 0xfu;
	uint32_t sector = ata->low[0];

	if (!sector || sector > dev->track_sectors || head >= dev->heads)
		return false;
	*lba = ((uint64_t)cylinder * dev->heads + head) * dev->track_sectors +
	       sector - 1;
	return true;
}

static bool lba_of(const struct ata *ata, bool lba48, uint64_t *lba)
{
	if (!(ata->device & ATA_DEVICE_LBA))
		return !lba48 && chs_to_lba(ata, lba);
	*lba = ata->low[0] | (uint64_t)ata->mid[0] << 8 |
	       (uint64_t)ata->high[0] << 16;
	if (lba48)
		*lba |= (uint64_t)ata->low[1] << 24 |
			(uint64_t)ata->mid[1] << 32 |
			(uint64_t)ata->high[1] << 40;
	else
		*lba |= (uint64_t)(ata->device & 0xfu) << 24;
	return true;
}

/* @block: sectors between two interrupts; 0: no such command was set up. */
static void transfer(struct ata *ata, bool lba48, uint32_t block, bool write)
{
	uint64_t lba;
	uint32_t count = count_of(ata, lba48);

	if (!block) {
		ata_fail(ata, 0, ATA_ERROR_ABORTED);
		return;
	}
	if (!lba_of(ata, lba48, &lba) || lba > ata->at->sectors ||
	    count > ata->at->sectors - lba) {
		ata_fail(ata, 0, ATA_ERROR_NOT_FOUND);
		return;
	}
	if (write && ata->at->read_only) {
		ata_fail(ata, 0, ATA_ERROR_DATA | ATA_ERROR_ABORTED);
		return;
	}
	ata->lba = lba;
	ata->left = count;
	ata->block_sectors = block;
	if (write)
		ata_start_write(ata);
	else
		ata_start_read(ata);
}

static void set_multiple(struct ata *ata)
{
	uint8_t count = ata->count[0];

	if (count > ATA_MULTIPLE_MAX || count & (count - 1u)) {
		ata_fail(ata, 0, ATA_ERROR_ABORTED);
		return;
	}
	ata->at->multiple = count;
	ata_complete(ata);
}

static void init_parameters(struct ata *ata)
{
	struct ata_device *dev = ata->at;
	uint64_t heads = (ata->device & 0xfu) + 1u;
	uint32_t track_sectors = ata->count[0];
	uint64_t cylinders;

	if (!track_sectors) {
		ata_fail(ata, 0, ATA_ERROR_ABORTED);
		return;
	}
	cylinders = dev->sectors / (heads * track_sectors);
	dev->heads = (uint8_t)heads;
	dev->track_sectors = (uint8_t)track_sectors;
	dev->cylinders =
		(uint16_t)(cylinders < UINT16_MAX ? cylinders : UINT16_MAX);
	ata_complete(ata);
}

static bool is_pio(uint8_t mode)
{
	return mode <= MODE_PIO_DEFAULT_LAST ||
	       (mode >= MODE_PIO_FIRST && mode <= MODE_PIO_LAST);
}

static void set_features(struct ata *ata)
{
	bool known = true;

	switch (ata->feature[0]) {
	case WRITE_CACHE_ON:
	case WRITE_CACHE_OFF:
		ata->at->write_through = ata->feature[0] == WRITE_CACHE_OFF;
		break;
	case SET_TRANSFER_MODE:
		known = is_pio(ata->count[0]);
		break;
	case LOOK_AHEAD_OFF:
	case LOOK_AHEAD_ON:
	case KEEP_SETTINGS:
	case DEFAULT_SETTINGS:
		break;
	default:
		known = false;
		break;
	}
	if (known)
		ata_complete(ata);
	else
		ata_fail(ata, 0, ATA_ERROR_ABORTED);
}

static void verify(struct ata *ata, bool lba48)
{
	ata->verify = true;
	transfer(ata, lba48, 1, false);
}

void ata_command(struct ata *ata, uint8_t command, unsigned vcpu)
{
	struct ata_device *dev = ata_selected(ata);

	dev->status = 0;
	dev->error = 0;
	ata->at = dev;
	ata->vcpu = vcpu;
	ata->verify = false;
	switch (command) {
	case READ_SECTORS:
	case READ_SECTORS_ONCE:
		transfer(ata, false, 1, false);
		break;
	case READ_SECTORS_EXT:
		transfer(ata, true, 1, false);
		break;
	case READ_MULTIPLE:
		transfer(ata, false, dev->multiple, false);
		break;
	case READ_MULTIPLE_EXT:
		transfer(ata, true, dev->multiple, false);
		break;
	case WRITE_SECTORS:
	case WRITE_SECTORS_ONCE:
		transfer(ata, false, 1, true);
		break;
	case WRITE_SECTORS_EXT:
		transfer(ata, true, 1, true);
		break;
	case WRITE_MULTIPLE:
		transfer(ata, false, dev->multiple, true);
		break;
	case WRITE_MULTIPLE_EXT:
		transfer(ata, true, dev->multiple, true);
		break;
	case READ_VERIFY:
	case READ_VERIFY_ONCE:
		verify(ata, false);
		break;
	case READ_VERIFY_EXT:
		verify(ata, true);
		break;
	case DIAGNOSE:
		/* Of both devices, whichever was told. */
		ata_set_signature(ata);
		ata_complete(ata);
		break;
	case INIT_PARAMETERS:
		init_parameters(ata);
		break;
	case SET_MULTIPLE:
		set_multiple(ata);
		break;
	case CHECK_POWER:
		ata->count[0] = POWER_ACTIVE;
		ata_complete(ata);
		break;
	case RECALIBRATE ... RECALIBRATE + 0xf:
	case SEEK ... SEEK + 0xf:
	case STANDBY_NOW:
	case IDLE_NOW:
	case STANDBY:
	case IDLE:
	case SLEEP:
		ata_complete(ata);
		break;
	case FLUSH:
	case FLUSH_EXT:
		ata_start_flush(ata);
		break;
	case IDENTIFY:
		ata_identify(ata);
		ata_start_data_in(ata);
		break;
	case SET_FEATURES:
		set_features(ata);
		break;
	default:
		ata_fail(ata, 0, ATA_ERROR_ABORTED);
		break;
	}
}
