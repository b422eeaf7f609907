/* SPDX-License-Identifier: Apache-2.0 */
/* What an ATA disk says of itself (T13/1410D, 8.15); see ata.h. */
#include "ata_priv.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* Numbers are those of the words. */
enum {
	GENERAL = 0,
	CYLINDERS = 1,
	HEADS = 3,
	TRACK_SECTORS = 6,
	SERIAL = 10,
	SERIAL_WORDS = 10,
	REVISION = 23,
	REVISION_WORDS = 4,
	MODEL = 27,
	MODEL_WORDS = 20,
	MULTIPLE_MAX = 47,
	CAPABILITIES = 49,
	CAPABILITIES_2 = 50,
	PIO_MODE = 51,
	VALID = 53,
	CURRENT_CYLINDERS = 54,
	CURRENT_HEADS = 55,
	CURRENT_TRACK_SECTORS = 56,
	CURRENT_SECTORS = 57, /* two words */
	MULTIPLE = 59,
	LBA28_SECTORS = 60, /* two words */
	PIO_ADVANCED = 64,
	PIO_CYCLE_NS = 67,
	PIO_CYCLE_FLOW_NS = 68,
	MAJOR_VERSION = 80,
	COMMANDS = 82, /* three words; three more: those switched on */
	RESET_RESULT = 93,
	LBA48_SECTORS = 100, /* four words */
	WORDS = 256,
};

#define GENERAL_FIXED 0x0040u
#define CAPABILITY_LBA 0x0200u
#define CAPABILITY_FLOW 0x0800u
#define ONE_AND_ZERO 0x4000u /* bits 15:14 of words that say "valid" by it */
#define PIO_MODE_2 0x0200u
#define VALID_CURRENT_AND_PIO 0x0003u
#define MULTIPLE_VALID 0x0100u
#define MULTIPLE_MARK 0x8000u
#define PIO_MODES_3_AND_4 0x0003u
#define PIO_MODE_4_NS 120u
#define VERSIONS_4_TO_6 0x0070u
#define COMMAND_POWER 0x0008u
#define COMMAND_WRITE_CACHE 0x0020u
#define COMMAND_LOOK_AHEAD 0x0040u
#define COMMAND_LBA48 0x0400u
#define COMMAND_FLUSH 0x1000u
#define COMMAND_FLUSH_EXT 0x2000u
/* Device 0 passed, has its number by other means; answers for device 1. */
#define RESET_DEVICE_0 0x000fu
#define RESET_ANSWERS 0x0040u
#define RESET_DEVICE_1 0x0f00u

/* Two characters a word, the first one in its upper byte; padded by spaces. */
static void put_text(uint16_t *words, unsigned n, const char *text)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned first = *text ? (uint8_t)*text++ : ' ';
		unsigned second = *text ? (uint8_t)*text++ : ' ';

		words[i] = htole16((uint16_t)(first << 8 | second));
	}
}

static void put(uint16_t *words, unsigned n, uint64_t val)
{
	for (unsigned i = 0; i < n; i++)
		words[i] = htole16((uint16_t)(val >> 16 * i));
}

static unsigned reset_result(const struct ata *ata)
{
	if (ata->at == &ata->devices[1])
		return ONE_AND_ZERO | RESET_DEVICE_1;
	return ONE_AND_ZERO | RESET_DEVICE_0 |
	       (ata->devices[1].block ? 0 : RESET_ANSWERS);
}

static uint64_t current_sectors(const struct ata_device *dev)
{
	uint64_t sectors =
		(uint64_t)dev->cylinders * dev->heads * dev->track_sectors;

	return sectors < dev->sectors ? sectors : dev->sectors;
}

void ata_identify(struct ata *ata)
{
	const struct ata_device *dev = ata->at;
	uint64_t sectors = dev->sectors;
	uint16_t w[WORDS] = {0};
	char serial[2 * SERIAL_WORDS + 1];

	snprintf(serial, sizeof(serial), "disk%u",
		 dev == &ata->devices[1] ? 1u : 0u);
	put(&w[GENERAL], 1, GENERAL_FIXED);
	put(&w[CYLINDERS], 1, dev->cylinders);
	put(&w[HEADS], 1, dev->heads);
	put(&w[TRACK_SECTORS], 1, dev->track_sectors);
	put_text(&w[SERIAL], SERIAL_WORDS, serial);
	put_text(&w[REVISION], REVISION_WORDS, "1");
	put_text(&w[MODEL], MODEL_WORDS, "disvm disk");
	put(&w[MULTIPLE_MAX], 1, MULTIPLE_MARK | ATA_MULTIPLE_MAX);
	put(&w[CAPABILITIES], 1, CAPABILITY_LBA | CAPABILITY_FLOW);
	put(&w[CAPABILITIES_2], 1, ONE_AND_ZERO);
	put(&w[PIO_MODE], 1, PIO_MODE_2);
	put(&w[VALID], 1, VALID_CURRENT_AND_PIO);
	put(&w[CURRENT_CYLINDERS], 1, dev->cylinders);
	put(&w[CURRENT_HEADS], 1, dev->heads);
	put(&w[CURRENT_TRACK_SECTORS], 1, dev->track_sectors);
	put(&w[CURRENT_SECTORS], 2, current_sectors(dev));
	if (dev->multiple)
		put(&w[MULTIPLE], 1, MULTIPLE_VALID | dev->multiple);
	put(&w[LBA28_SECTORS], 2,
	    sectors < ATA_LBA28_SECTORS ? sectors : ATA_LBA28_SECTORS);
	put(&w[PIO_ADVANCED], 1, PIO_MODES_3_AND_4);
	put(&w[PIO_CYCLE_NS], 1, PIO_MODE_4_NS);
	put(&w[PIO_CYCLE_FLOW_NS], 1, PIO_MODE_4_NS);
	put(&w[MAJOR_VERSION], 1, VERSIONS_4_TO_6);
	put(&w[COMMANDS], 1,
	    COMMAND_POWER | COMMAND_WRITE_CACHE | COMMAND_LOOK_AHEAD);
	put(&w[COMMANDS + 1], 1,
	    ONE_AND_ZERO | COMMAND_LBA48 | COMMAND_FLUSH | COMMAND_FLUSH_EXT);
	put(&w[COMMANDS + 2], 1, ONE_AND_ZERO);
	put(&w[COMMANDS + 3], 1,
	    COMMAND_POWER | COMMAND_LOOK_AHEAD |
		    (dev->write_through ? 0 : COMMAND_WRITE_CACHE));
	put(&w[COMMANDS + 4], 1,
	    COMMAND_LBA48 | COMMAND_FLUSH | COMMAND_FLUSH_EXT);
	put(&w[COMMANDS + 5], 1, ONE_AND_ZERO);
	put(&w[RESET_RESULT], 1, reset_result(ata));
	put(&w[LBA48_SECTORS], 4, sectors);
	memcpy(ata->buffer, w, sizeof(w));
}
