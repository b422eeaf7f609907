/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATA channel while its disk takes its time: busy, interrupts, resets (R: CARD-8).
 */
#include "test_ata_fixture.h"

static void wait_entered(void)
{
	while (sem_wait(&entered))
		;
}

/* A read is with the I/O thread and stays there until go_on. */
static void begin_read(struct fixture *f, unsigned lba, unsigned count)
{
	f->images[0].ops = &waiting_ops;
	command(f, 0x20, lba, count);
	wait_entered();
}

static void test_ata_is_busy_until_the_disk_is_done(void **state)
{
	struct fixture *f = *state;

	begin_read(f, 3, 1);
	assert_int_equal(rd(f, STATUS), BUSY);
	assert_false(atomic_load(&f->level));
	sem_post(&go_on);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 3);
}

static void test_ata_busy_takes_no_command_and_no_data(void **state)
{
	struct fixture *f = *state;
	uint16_t data = 0;

	begin_read(f, 3, 1);
	command(f, 0x30, 9, 1);
	write_sector(f, 0xdd);
	access_port(f, DATA, false, 2, &data, 1);
	assert_int_equal(data, 0xffff);
	sem_post(&go_on);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 3);
	assert_int_equal(rd(f, STATUS), READY);
	assert_int_equal(on_disk(f, 9), 9);
}

/* One channel, one command: the other disk is busy with it. */
static void test_ata_busy_holds_for_both_devices(void **state)
{
	struct fixture *f = *state;

	begin_read(f, 3, 1);
	wr(f, DEVICE, 0xb0);
	assert_int_equal(rd(f, STATUS), BUSY);
	sem_post(&go_on);
	wait_status(f);
	assert_sector(f, 3);
	wr(f, DEVICE, 0xb0);
	assert_int_equal(rd(f, STATUS), READY);
}

static void wait_level(struct fixture *f)
{
	while (!atomic_load(&f->level))
		sched_yield();
}

static void test_ata_interrupt_is_taken_by_status_alone(void **state)
{
	struct fixture *f = *state;

	command(f, 0x20, 3, 1);
	wait_level(f);
	assert_int_equal(rd(f, CONTROL), READY | DRQ);
	assert_true(atomic_load(&f->level));
	assert_int_equal(rd(f, STATUS), READY | DRQ);
	assert_false(atomic_load(&f->level));
	/* The end of a read has none of its own. */
	assert_sector(f, 3);
	assert_false(atomic_load(&f->level));
	assert_int_equal(atomic_load(&f->edges), 1);
}

static void test_ata_interrupt_is_held_back_by_nien(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, NO_IRQ);
	command(f, 0x20, 3, 1);
	while (rd(f, CONTROL) & BUSY)
		sched_yield();
	assert_false(atomic_load(&f->level));
	wr(f, CONTROL, 0);
	assert_true(atomic_load(&f->level));
	wr(f, CONTROL, NO_IRQ);
	assert_false(atomic_load(&f->level));
	wr(f, CONTROL, 0);
	/* A new command takes it as well. */
	assert_true(atomic_load(&f->level));
	assert_sector(f, 3);
	command(f, 0x30, 3, 1);
	assert_false(atomic_load(&f->level));
}

/* "No interrupt for the first block of a write", one for each that follows. */
static void test_ata_write_interrupts_after_blocks(void **state)
{
	struct fixture *f = *state;

	command(f, 0x30, 3, 2);
	assert_int_equal(rd(f, STATUS), READY | DRQ);
	assert_int_equal(atomic_load(&f->edges), 0);
	write_sector(f, 1);
	assert_int_equal(atomic_load(&f->edges), 1);
	rd(f, STATUS);
	write_sector(f, 2);
	wait_level(f);
	assert_int_equal(rd(f, STATUS), READY);
	assert_int_equal(atomic_load(&f->edges), 2);
}

static void test_ata_software_reset_sets_signature(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xa1);
	wait_status(f);
	set_place(f, 0x123456, 7);
	wr(f, CONTROL, SRST);
	assert_int_equal(rd(f, STATUS), BUSY);
	wr(f, COMMAND, 0xec);
	wr(f, CONTROL, 0);
	assert_int_equal(rd(f, STATUS), READY);
	assert_int_equal(rd(f, ERROR), 1);
	assert_int_equal(rd(f, COUNT), 1);
	assert_int_equal(rd(f, LOW), 1);
	assert_int_equal(rd(f, MID), 0);
	assert_int_equal(rd(f, HIGH), 0);
	assert_int_equal(rd(f, DEVICE), 0xa0);
}

static void test_ata_software_reset_ends_a_transfer(void **state)
{
	struct fixture *f = *state;

	command(f, 0x30, 3, 2);
	write_sector(f, 0x99);
	wr(f, CONTROL, SRST);
	wr(f, CONTROL, 0);
	assert_int_equal(rd(f, STATUS), READY);
	assert_false(atomic_load(&f->level));
	write_sector(f, 0x98);
	command(f, 0x20, 3, 1);
	wait_status(f);
	assert_sector(f, 3);
}

/* The I/O thread still writes to the buffer: nothing may begin before it ends. */
static void test_ata_software_reset_waits_for_the_disk(void **state)
{
	struct fixture *f = *state;

	begin_read(f, 3, 1);
	wr(f, CONTROL, SRST);
	wr(f, CONTROL, 0);
	assert_int_equal(rd(f, STATUS), BUSY);
	wr(f, CONTROL, SRST);
	sem_post(&go_on);
	wr(f, CONTROL, 0);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(rd(f, COUNT), 1);
	assert_int_equal(atomic_load(&f->edges), 0);
	f->images[0].ops = &image_host_ops;
	command(f, 0x20, 4, 1);
	assert_int_equal(wait_status(f), READY | DRQ);
	assert_sector(f, 4);
}

static void test_ata_diagnostic_resets_both_devices(void **state)
{
	struct fixture *f = *state;

	wr(f, DEVICE, 0xb0);
	wr(f, COMMAND, 0xa1);
	wait_status(f);
	wr(f, COMMAND, 0x90);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(rd(f, DEVICE), 0xa0);
	assert_int_equal(rd(f, ERROR), 1);
	wr(f, DEVICE, 0xb0);
	assert_int_equal(rd(f, STATUS), READY);
	assert_int_equal(rd(f, ERROR), 1);
}

/* One string of a guest that asks for more than there is. */
static void test_ata_data_beyond_the_end_is_ones(void **state)
{
	struct fixture *f = *state;
	uint8_t data[2 * SECTOR];

	command(f, 0x20, 3, 1);
	wait_status(f);
	access_port(f, DATA, false, 2, data, SECTOR);
	assert_int_equal(data[SECTOR - 1], 3);
	assert_int_equal(data[SECTOR], 0xff);
	assert_int_equal(data[2 * SECTOR - 1], 0xff);
	command(f, 0x30, 3, 1);
	memset(data, 0x11, sizeof(data));
	access_port(f, DATA, true, 2, data, SECTOR);
	assert_int_equal(wait_status(f), READY);
	assert_int_equal(on_disk(f, 3), 0x11);
	assert_int_equal(on_disk(f, 4), 4);
}

static void test_ata_bytes_at_the_data_port_are_none(void **state)
{
	struct fixture *f = *state;

	command(f, 0x20, 3, 1);
	wait_status(f);
	assert_int_equal(rd(f, DATA), 0xff);
	assert_sector(f, 3);
}

/* The machine is taken down while a guest's request is on its way. */
static void *let_go(void *arg)
{
	(void)arg;
	sem_post(&go_on);
	return NULL;
}

static void test_ata_disk_closes_while_busy(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	begin_read(f, 3, 1);
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	close_disks(f);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ata_is_busy_until_the_disk_is_done),
		T(test_ata_busy_takes_no_command_and_no_data),
		T2(test_ata_busy_holds_for_both_devices),
		T(test_ata_interrupt_is_taken_by_status_alone),
		T(test_ata_interrupt_is_held_back_by_nien),
		T(test_ata_write_interrupts_after_blocks),
		T(test_ata_software_reset_sets_signature),
		T(test_ata_software_reset_ends_a_transfer),
		T(test_ata_software_reset_waits_for_the_disk),
		T2(test_ata_diagnostic_resets_both_devices),
		T(test_ata_data_beyond_the_end_is_ones),
		T(test_ata_bytes_at_the_data_port_are_none),
		T(test_ata_disk_closes_while_busy),
	};

	return cmocka_run_group_tests_name("ata_busy", tests, NULL, NULL);
}
