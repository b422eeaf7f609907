/* SPDX-License-Identifier: Apache-2.0 */
/* ATA channel: registers, commands, transfers, after T13/1410D (R: CARD-8). */
#include "test_ata_fixture.h"

static uint16_t word(const uint8_t *sector, unsigned i)
{
	return (uint16_t)(sector[2 * i] | sector[2 * i + 1] << 8);
}

static void identify(struct fixture *f, uint8_t *sector)
{
	wr(f, COMMAND, 0xec);
	assert_int_equal(wait_status(f), READY | DRQ);
	read_sector(f, sector);
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_starts_with_signature(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, STATUS), READY);
	assert_int_equal(rd(f, ERROR), 1);
	assert_int_equal(rd(f, COUNT), 1);
	assert_int_equal(rd(f, LOW), 1);
	assert_int_equal(rd(f, MID), 0);
	assert_int_equal(rd(f, HIGH), 0);
	assert_int_equal(rd(f, DEVICE), 0xa0);
}

/* How firmware finds out whether somebody is there. */
static void test_ata_registers_are_read_back(void **state)
{
	struct fixture *f = *state;

	wr(f, DEVICE, 0xa0);
	wr(f, COUNT, 0x55);
	wr(f, LOW, 0xaa);
	assert_int_equal(rd(f, COUNT), 0x55);
	assert_int_equal(rd(f, LOW), 0xaa);
	assert_int_equal(rd(f, DEVICE), 0xa0);
}

static void test_ata_hob_reads_the_values_before(void **state)
{
	struct fixture *f = *state;

	set_place(f, 0x010203, 4);
	set_place(f, 0x111213, 14);
	assert_int_equal(rd(f, LOW), 0x13);
	wr(f, CONTROL, HOB);
	assert_int_equal(rd(f, COUNT), 4);
	assert_int_equal(rd(f, LOW), 0x03);
	assert_int_equal(rd(f, MID), 0x02);
	assert_int_equal(rd(f, HIGH), 0x01);
	/* Any write to the command block ends it. */
	wr(f, FEATURE, 0);
	assert_int_equal(rd(f, LOW), 0x13);
}

static void test_ata_identify_tells_the_disk(void **state)
{
	uint8_t sector[SECTOR];

	identify(*state, sector);
	assert_int_equal(word(sector, 0), 0x0040);
	assert_memory_equal(sector + 54, "idvs midks", 10);
	assert_memory_equal(sector + 20, "idks 0", 6);
	assert_int_equal(word(sector, 49) & 0x0300, 0x0200);
	assert_int_equal(word(sector, 47) & 0xff, 16);
	assert_int_equal(word(sector, 59), 0);
	assert_int_equal(word(sector, 60) | word(sector, 61) << 16, SECTORS);
	assert_int_equal(word(sector, 80), 0x0070);
	assert_int_equal(word(sector, 83) & 0xf400, 0x7400);
	assert_int_equal(word(sector, 85), 0x0068);
	assert_int_equal(word(sector, 86), 0x3400);
	assert_int_equal(word(sector, 100), SECTORS);
	assert_int_equal(word(sector, 101), 0);
	/* Alone on its cable: SeaBIOS looks at these bits for that. */
	assert_int_equal(word(sector, 93) & 0xdf61, 0x4041);
	/* 1000 sectors in cylinders of 16 heads and 63 sectors, at least one. */
	assert_int_equal(word(sector, 1), 1);
	assert_int_equal(word(sector, 57), SECTORS);
	assert_int_equal(word(sector, 3), 16);
	assert_int_equal(word(sector, 6), 63);
}

/* With and without retries. */
static void test_ata_reads_a_sector(void **state)
{
	static const uint8_t ops[] = {0x20, 0x21, 0x24};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(ops); i++) {
		command_ext(f, ops[i], 7, 1);
		assert_int_equal(wait_status(f), READY | DRQ);
		assert_sector(f, 7);
		assert_int_equal(rd(f, STATUS), READY);
	}
}

static void test_ata_reads_more_than_the_buffer(void **state)
{
	struct fixture *f = *state;

	command_ext(f, 0x24, 3, 300);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(wait_status(f), READY | DRQ);
		assert_sector(f, (uint8_t)(3 + i));
	}
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_count_0_is_256_sectors(void **state)
{
	struct fixture *f = *state;

	command(f, 0x20, 0, 0);
	for (unsigned i = 0; i < 256; i++) {
		assert_int_equal(wait_status(f), READY | DRQ);
		assert_sector(f, (uint8_t)i);
	}
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_reads_in_32_bits(void **state)
{
	struct fixture *f = *state;
	uint8_t sector[SECTOR], wanted[SECTOR];

	command(f, 0x20, 9, 1);
	wait_status(f);
	memset(wanted, 9, sizeof(wanted));
	access_port(f, DATA, false, 4, sector, SECTOR / 4);
	assert_memory_equal(sector, wanted, SECTOR);
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_reads_word_by_word(void **state)
{
	struct fixture *f = *state;

	command(f, 0x20, 9, 1);
	wait_status(f);
	for (unsigned i = 0; i < SECTOR / 2; i++) {
		uint16_t val = 0;

		assert_int_equal(rd(f, STATUS), READY | DRQ);
		access_port(f, DATA, false, 2, &val, 1);
		assert_int_equal(val, 0x0909);
	}
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_writes_sectors(void **state)
{
	static const uint8_t ops[] = {0x30, 0x31, 0x34};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(ops); i++) {
		uint8_t byte = (uint8_t)(0xa0 + 2 * i);

		command_ext(f, ops[i], 5, 2);
		assert_int_equal(wait_status(f), READY | DRQ);
		write_sector(f, byte);
		assert_int_equal(wait_status(f), READY | DRQ);
		write_sector(f, byte + 1);
		assert_int_equal(wait_status(f), READY);
		assert_int_equal(on_disk(f, 4), 4);
		assert_int_equal(on_disk(f, 5), byte);
		assert_int_equal(on_disk(f, 6), byte + 1);
		assert_int_equal(on_disk(f, 7), 7);
	}
}

static void test_ata_writes_more_than_the_buffer(void **state)
{
	struct fixture *f = *state;

	command_ext(f, 0x34, 10, 300);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(wait_status(f), READY | DRQ);
		write_sector(f, (uint8_t)(i + 100));
	}
	assert_int_equal(wait_status(f), READY);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(on_disk(f, 10 + i), (uint8_t)(i + 100));
	assert_int_equal(on_disk(f, 310), (uint8_t)310);
}

static void test_ata_reads_what_it_wrote(void **state)
{
	struct fixture *f = *state;

	command(f, 0x30, 999, 1);
	wait_status(f);
	write_sector(f, 0x77);
	wait_status(f);
	command(f, 0x20, 999, 1);
	wait_status(f);
	assert_sector(f, 0x77);
}

/* "INTRQ is asserted at the beginning of each DRQ data block". */
static void test_ata_multiple_interrupts_once_per_block(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4 * SECTOR];

	wr(f, COUNT, 4);
	wr(f, COMMAND, 0xc6);
	assert_int_equal(wait_status(f), READY);
	identify(f, data);
	assert_int_equal(word(data, 59), 0x0104);
	for (unsigned ext = 0; ext < 2; ext++) {
		atomic_store(&f->edges, 0);
		command_ext(f, ext ? 0x29 : 0xc4, 20, 10);
		for (unsigned i = 0; i < 10; i += 4) {
			assert_int_equal(wait_status(f), READY | DRQ);
			assert_int_equal(atomic_load(&f->edges), i / 4 + 1);
			access_port(f, DATA, false, 2, data,
				    (i == 8 ? 2 : 4) * SECTOR / 2);
			assert_int_equal(data[0], 20 + i);
		}
		assert_int_equal(rd(f, STATUS), READY);
		assert_int_equal(atomic_load(&f->edges), 3);
	}
}

static void test_ata_write_multiple_takes_blocks(void **state)
{
	struct fixture *f = *state;

	wr(f, COUNT, 2);
	wr(f, COMMAND, 0xc6);
	wait_status(f);
	for (unsigned ext = 0; ext < 2; ext++) {
		unsigned byte = ext ? 0xb0 : 0xc0;

		atomic_store(&f->edges, 0);
		command_ext(f, ext ? 0x39 : 0xc5, 30, 4);
		assert_int_equal(wait_status(f), READY | DRQ);
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(atomic_load(&f->edges), i / 2);
			write_sector(f, (uint8_t)(byte + i));
			rd(f, STATUS);
		}
		wait_status(f);
		assert_int_equal(rd(f, STATUS), READY);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(on_disk(f, 30 + i), byte + i);
	}
}

/* "If the content is zero, READ MULTIPLE and WRITE MULTIPLE are disabled." */
static void test_ata_multiple_of_zero_disables_it(void **state)
{
	static const uint8_t ops[] = {0xc4, 0xc5, 0x29, 0x39};
	struct fixture *f = *state;
	uint8_t sector[SECTOR];

	wr(f, COUNT, 16);
	wr(f, COMMAND, 0xc6);
	assert_int_equal(wait_status(f), READY);
	wr(f, COUNT, 0);
	wr(f, COMMAND, 0xc6);
	assert_int_equal(wait_status(f), READY);
	identify(f, sector);
	assert_int_equal(word(sector, 59) & 0x100, 0);
	for (unsigned i = 0; i < sizeof(ops); i++) {
		command_ext(f, ops[i], 0, 1);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x04);
	}
}

static void test_ata_multiple_of_odd_size_is_aborted(void **state)
{
	static const uint8_t wrong[] = {3, 17, 32, 255};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(wrong); i++) {
		wr(f, COUNT, wrong[i]);
		wr(f, COMMAND, 0xc6);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x04);
	}
	command(f, 0xc4, 0, 1);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x04);
}

static void test_ata_verify_reads_without_data(void **state)
{
	struct fixture *f = *state;

	command_ext(f, 0x42, 0, 300);
	assert_int_equal(wait_status(f), READY);
	command(f, 0x41, SECTORS - 1, 1);
	assert_int_equal(wait_status(f), READY);
	f->images[0].ops = &failing_ops;
	command(f, 0x40, 5, 1);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x40);
}

/* Cylinder 0, head 2, sector 3 of 63: sector 2 * 63 + 2. */
static void test_ata_chs_names_the_same_sectors(void **state)
{
	struct fixture *f = *state;

	wr(f, COUNT, 1);
	wr(f, LOW, 3);
	wr(f, MID, 0);
	wr(f, HIGH, 0);
	wr(f, DEVICE, 0xa2);
	wr(f, COMMAND, 0x20);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 128);
	/* With 4 heads and 10 sectors: cylinder 3, head 1, sector 1. */
	wr(f, COUNT, 10);
	wr(f, DEVICE, 0xa3);
	wr(f, COMMAND, 0x91);
	assert_int_equal(wait_status(f), READY);
	wr(f, COUNT, 1);
	wr(f, LOW, 1);
	wr(f, MID, 3);
	wr(f, DEVICE, 0xa1);
	wr(f, COMMAND, 0x20);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 130);
}

static void test_ata_chs_that_is_none_is_not_found(void **state)
{
	static const struct {
		uint8_t sector, device, op;
	} wrong[] = {{0, 0xa0, 0x20},
		     {64, 0xa0, 0x20},
		     /* Of 4 heads, below. */
		     {1, 0xa4, 0x20},
		     /* LBA48 has no cylinders. */
		     {1, 0xa0, 0x24}};
	struct fixture *f = *state;

	wr(f, COUNT, 63);
	wr(f, DEVICE, 0xa3);
	wr(f, COMMAND, 0x91);
	assert_int_equal(wait_status(f), READY);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		command(f, 0x20, 0, 1);
		wait_status(f);
		assert_sector(f, 0);
		wr(f, LOW, wrong[i].sector);
		wr(f, DEVICE, wrong[i].device);
		wr(f, COMMAND, wrong[i].op);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x10);
	}
}

/* Tracks without sectors are none: the ones before stay. */
static void test_ata_parameters_without_sectors_are_aborted(void **state)
{
	struct fixture *f = *state;
	uint8_t sector[SECTOR];

	wr(f, COUNT, 0);
	wr(f, DEVICE, 0xaf);
	wr(f, COMMAND, 0x91);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x04);
	identify(f, sector);
	assert_int_equal(word(sector, 55), 16);
	assert_int_equal(word(sector, 56), 63);
}

static void test_ata_beyond_the_end_is_not_found(void **state)
{
	static const uint8_t ops[] = {0x20, 0x30, 0x40};
	static const uint8_t ext[] = {0x24, 0x34, 0x42};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		command(f, ops[i], SECTORS - 1, 2);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x10);
		command(f, ops[i], 0x0fffffff, 0);
		assert_int_equal(wait_status(f), READY | ERR);
		command_ext(f, ext[i], UINT64_C(0xffffffffffff), 0);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x10);
	}
	/* The last one is there. */
	command(f, 0x20, SECTORS - 1, 1);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, (uint8_t)(SECTORS - 1));
}

static void test_ata_error_is_forgotten_by_the_next_command(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xa1);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x04);
	wr(f, COMMAND, 0xe5);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(rd(f, ERROR), 0x00);
}

static void test_ata_disk_error_fails_a_read(void **state)
{
	struct fixture *f = *state;

	f->images[0].ops = &failing_ops;
	command_ext(f, 0x24, 0x123, 2);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x40);
	assert_int_equal(rd(f, LOW), 0x23);
	assert_int_equal(rd(f, MID), 0x01);
	f->images[0].ops = &image_host_ops;
	command(f, 0x20, 1, 1);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 1);
}

static void test_ata_disk_error_fails_a_write(void **state)
{
	struct fixture *f = *state;

	f->images[0].ops = &failing_ops;
	command(f, 0x30, 1, 1);
	wait_status(f);
	write_sector(f, 1);
	assert_int_equal(wait_status(f), READY | FAULT | ERR);
	wr(f, COMMAND, 0xe7);
	assert_int_equal(wait_status(f), READY | FAULT | ERR);
}

static void test_ata_flush_succeeds(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xe7);
	assert_int_equal(wait_status(f), READY);
	wr(f, COMMAND, 0xea);
	assert_int_equal(wait_status(f), READY);
}

static void test_ata_read_only_disk_refuses_writes(void **state)
{
	struct fixture *f = *state;

	command(f, 0x30, 1, 1);
	assert_int_equal(wait_status(f), READY | ERR);
	assert_int_equal(rd(f, ERROR), 0x44);
	command(f, 0x20, 1, 1);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 1);
}

static void test_ata_write_cache_is_switched(void **state)
{
	struct fixture *f = *state;
	uint8_t sector[SECTOR];

	wr(f, FEATURE, 0x82);
	wr(f, COMMAND, 0xef);
	assert_int_equal(wait_status(f), READY);
	identify(f, sector);
	assert_int_equal(word(sector, 85) & 0x20, 0);
	command(f, 0x30, 1, 1);
	wait_status(f);
	write_sector(f, 0x55);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(f->ata.op, IMAGE_WRITE_THROUGH);
	wr(f, FEATURE, 0x02);
	wr(f, COMMAND, 0xef);
	wait_status(f);
	identify(f, sector);
	assert_int_equal(word(sector, 85) & 0x20, 0x20);
}

/* PIO modes are taken, DMA is not there. */
static void test_ata_features_are_those_of_pio(void **state)
{
	static const struct {
		uint8_t feature, count, status;
	} sets[] = {{0x03, 0x00, READY},       {0x03, 0x01, READY},
		    {0x03, 0x02, READY | ERR}, {0x03, 0x07, READY | ERR},
		    {0x03, 0x08, READY},       {0x03, 0x0c, READY},
		    {0x03, 0x0d, READY | ERR}, {0x03, 0x22, READY | ERR},
		    {0x03, 0x45, READY | ERR}, {0x55, 0, READY},
		    {0xaa, 0, READY},          {0x66, 0, READY},
		    {0xcc, 0, READY},          {0x05, 0, READY | ERR}};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		wr(f, FEATURE, sets[i].feature);
		wr(f, COUNT, sets[i].count);
		wr(f, COMMAND, 0xef);
		assert_int_equal(wait_status(f), sets[i].status);
	}
}

static void test_ata_power_commands_do_nothing(void **state)
{
	static const uint8_t ops[] = {0xe0, 0xe1, 0xe2, 0xe3, 0xe6,
				      0x10, 0x1f, 0x70, 0x7f};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(ops); i++) {
		wr(f, COMMAND, ops[i]);
		assert_int_equal(wait_status(f), READY);
	}
	wr(f, COMMAND, 0xe5);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(rd(f, COUNT), 0xff);
}

static void test_ata_unknown_command_is_aborted(void **state)
{
	static const uint8_t ops[] = {0x00, 0x08, 0x25, 0xa0, 0xa1,
				      0xb0, 0xc8, 0xca, 0xff};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(ops); i++) {
		wr(f, COMMAND, ops[i]);
		assert_int_equal(wait_status(f), READY | ERR);
		assert_int_equal(rd(f, ERROR), 0x04);
	}
}

/* 9.16.1: device 0 answers for the one that is not there, with zeros. */
static void test_ata_absent_device_has_no_status(void **state)
{
	struct fixture *f = *state;

	wr(f, DEVICE, 0xb0);
	assert_int_equal(rd(f, STATUS), 0);
	assert_int_equal(rd(f, CONTROL), 0);
	atomic_store(&f->edges, 0);
	wr(f, COMMAND, 0xec);
	assert_int_equal(rd(f, STATUS), 0);
	assert_int_equal(atomic_load(&f->edges), 0);
	wr(f, DEVICE, 0xa0);
	assert_int_equal(rd(f, STATUS), READY);
}

static void test_ata_second_disk_is_another(void **state)
{
	struct fixture *f = *state;
	uint8_t sector[SECTOR];

	wr(f, DEVICE, 0xb0);
	identify(f, sector);
	assert_memory_equal(sector + 20, "idks 1", 6);
	assert_int_equal(word(sector, 93) & 0xff00, 0x4f00);
	set_place(f, 7, 1);
	wr(f, DEVICE, LBA | SLAVE);
	wr(f, COMMAND, 0x20);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 8);
	/* Errors are each one's own. */
	wr(f, COMMAND, 0xa1);
	assert_int_equal(wait_status(f), READY | ERR);
	wr(f, DEVICE, 0xa0);
	assert_int_equal(rd(f, STATUS), READY);
	identify(f, sector);
	assert_int_equal(word(sector, 93) & 0xdf61, 0x4001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ata_starts_with_signature),
		T(test_ata_registers_are_read_back),
		T(test_ata_hob_reads_the_values_before),
		T(test_ata_identify_tells_the_disk),
		T(test_ata_reads_a_sector),
		T(test_ata_reads_more_than_the_buffer),
		T(test_ata_count_0_is_256_sectors),
		T(test_ata_reads_in_32_bits),
		T(test_ata_reads_word_by_word),
		T(test_ata_writes_sectors),
		T(test_ata_writes_more_than_the_buffer),
		T(test_ata_reads_what_it_wrote),
		T(test_ata_multiple_interrupts_once_per_block),
		T(test_ata_write_multiple_takes_blocks),
		T(test_ata_multiple_of_zero_disables_it),
		T(test_ata_multiple_of_odd_size_is_aborted),
		T(test_ata_verify_reads_without_data),
		T(test_ata_chs_names_the_same_sectors),
		T(test_ata_chs_that_is_none_is_not_found),
		T(test_ata_parameters_without_sectors_are_aborted),
		T(test_ata_beyond_the_end_is_not_found),
		T(test_ata_error_is_forgotten_by_the_next_command),
		T(test_ata_disk_error_fails_a_read),
		T(test_ata_disk_error_fails_a_write),
		T(test_ata_flush_succeeds),
		T_RO(test_ata_read_only_disk_refuses_writes),
		T(test_ata_write_cache_is_switched),
		T(test_ata_features_are_those_of_pio),
		T(test_ata_power_commands_do_nothing),
		T(test_ata_unknown_command_is_aborted),
		T(test_ata_absent_device_has_no_status),
		T2(test_ata_second_disk_is_another),
	};

	return cmocka_run_group_tests_name("ata", tests, NULL, NULL);
}
