/* SPDX-License-Identifier: Apache-2.0 */
/* CMOS RAM and real-time clock: registers and time, after MC146818A (R: CARD-8). */
#include "test_cmos_fixture.h"

static unsigned date(struct fixture *f)
{
	return (unsigned)rd(f, RTC_CENTURY) << 24 | rd(f, RTC_YEAR) << 16 |
	       rd(f, RTC_MONTH) << 8 | rd(f, RTC_DAY);
}

static void test_cmos_starts_with_time_of_the_host(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, RTC_A), 0x26);
	assert_int_equal(rd(f, RTC_B), 0x02);
	assert_int_equal(rd(f, RTC_C), 0x00);
	assert_int_equal(rd(f, RTC_D), 0x80);
	assert_int_equal(time_of_day(f), 0x030405);
	assert_int_equal(date(f), 0x20000102);
	assert_int_equal(rd(f, RTC_DAY_OF_WEEK), 1);
}

static void test_cmos_time_runs(void **state)
{
	struct fixture *f = *state;

	clock_now_ns = SECOND(0) - 1;
	assert_int_equal(time_of_day(f), 0x030405);
	clock_now_ns = SECOND(0);
	assert_int_equal(time_of_day(f), 0x030406);
	clock_now_ns = SECOND(54);
	assert_int_equal(time_of_day(f), 0x030500);
	clock_now_ns = SECOND(86400 * 30 - 1);
	assert_int_equal(time_of_day(f), 0x030405);
	assert_int_equal(date(f), 0x20000201);
}

static void test_cmos_time_is_in_the_form_of_register_b(void **state)
{
	struct fixture *f = *state;

	clock_now_ns = UINT64_C(12) * 3600 * DIS_S_NS;
	assert_int_equal(rd(f, RTC_HOURS), 0x15);
	wr(f, RTC_B, RTC_B_24_HOURS | RTC_B_BINARY);
	assert_int_equal(rd(f, RTC_HOURS), 15);
	wr(f, RTC_B, RTC_B_BINARY);
	assert_int_equal(rd(f, RTC_HOURS), 0x83);
	wr(f, RTC_B, 0);
	assert_int_equal(rd(f, RTC_HOURS), 0x83);
	assert_int_equal(rd(f, RTC_CENTURY), 0x20);
	/* "12 AM" is midnight, "12 PM" noon. */
	clock_now_ns = UINT64_C(21) * 3600 * DIS_S_NS;
	assert_int_equal(rd(f, RTC_HOURS), 0x12);
	clock_now_ns = UINT64_C(33) * 3600 * DIS_S_NS;
	assert_int_equal(rd(f, RTC_HOURS), 0x92);
}

/* "UIP: ... the update cycle is in progress or will soon begin": 244 us before,
 * 1984 us long. */
static void test_cmos_uip_precedes_each_second(void **state)
{
	struct fixture *f = *state;

	clock_now_ns = SECOND(7) - 2228001;
	assert_int_equal(rd(f, RTC_A), 0x26);
	clock_now_ns = SECOND(7) - 2228000;
	assert_int_equal(rd(f, RTC_A), 0x26 | UIP);
	clock_now_ns = SECOND(7) - 1;
	assert_int_equal(rd(f, RTC_A), 0x26 | UIP);
	clock_now_ns = SECOND(7);
	assert_int_equal(rd(f, RTC_A), 0x26);
	/* It cannot be written. */
	wr(f, RTC_A, 0x26 | UIP);
	assert_int_equal(rd(f, RTC_A), 0x26);
}

static void test_cmos_set_bit_stops_updates(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, SET | RTC_B_24_HOURS);
	clock_now_ns = SECOND(9) - 1;
	assert_int_equal(rd(f, RTC_A), 0x26);
	assert_int_equal(time_of_day(f), 0x030405);
	wr(f, RTC_HOURS, 0x23);
	wr(f, RTC_MINUTES, 0x59);
	wr(f, RTC_SECONDS, 0x59);
	wr(f, RTC_YEAR, 0x99);
	wr(f, RTC_MONTH, 0x12);
	wr(f, RTC_DAY, 0x31);
	wr(f, RTC_DAY_OF_WEEK, 0x03);
	assert_int_equal(time_of_day(f), 0x235959);
	wr(f, RTC_B, RTC_B_24_HOURS);
	assert_int_equal(time_of_day(f), 0x235959);
	/* The divider has run on: the second ends when it always did. */
	clock_now_ns = SECOND(9);
	assert_int_equal(time_of_day(f), 0x000000);
	assert_int_equal(date(f), 0x21000101);
	assert_int_equal(rd(f, RTC_DAY_OF_WEEK), 4);
}

static void test_cmos_time_is_set_while_it_runs(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_HOURS, 0x20);
	clock_now_ns = SECOND(0);
	assert_int_equal(time_of_day(f), 0x200406);
}

/* Not one after the other: 31 days, then a month that has them. */
static void test_cmos_date_that_is_none_stands_still(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_MONTH, 0x02);
	wr(f, RTC_DAY, 0x31);
	clock_now_ns = SECOND(5);
	assert_int_equal(date(f), 0x20000231);
	assert_int_equal(time_of_day(f), 0x030405);
	wr(f, RTC_MONTH, 0x03);
	clock_now_ns = SECOND(6);
	assert_int_equal(date(f), 0x20000331);
	assert_int_equal(time_of_day(f), 0x030406);
}

/* "The first update cycle begins one-half second later" than the divider. */
static void test_cmos_divider_reset_sets_the_phase(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_A, 0x76);
	clock_now_ns = SECOND(10) + 123456789;
	assert_int_equal(time_of_day(f), 0x030405);
	wr(f, RTC_A, 0x26);
	clock_now_ns += 499999999;
	assert_int_equal(time_of_day(f), 0x030405);
	clock_now_ns += 1;
	assert_int_equal(time_of_day(f), 0x030406);
	clock_now_ns += DIS_S_NS;
	assert_int_equal(time_of_day(f), 0x030407);
}

/* How Linux sets the clock: SET, divider reset, time, both back. */
static void test_cmos_time_is_set_as_linux_does(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, SET | RTC_B_24_HOURS);
	wr(f, RTC_A, 0x76);
	wr(f, RTC_SECONDS, 0x10);
	clock_now_ns = SECOND(3);
	wr(f, RTC_B, RTC_B_24_HOURS);
	clock_now_ns = SECOND(4);
	wr(f, RTC_A, 0x26);
	clock_now_ns += 500 * DIS_MS_NS;
	assert_int_equal(time_of_day(f), 0x030411);
}

static void test_cmos_registers_c_and_d_cannot_be_written(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_C, 0xff);
	wr(f, RTC_D, 0x00);
	assert_int_equal(rd(f, RTC_C), 0x00);
	assert_int_equal(rd(f, RTC_D), 0x80);
}

/* Bit 7 of the index masks NMI on a PC, and is no part of it. */
static void test_cmos_ram_keeps_what_is_written(void **state)
{
	struct fixture *f = *state;

	for (unsigned reg = 0x0e; reg < 0x80; reg++)
		if (reg != RTC_CENTURY)
			wr(f, (uint8_t)(reg | 0x80), (uint8_t)(reg * 3));
	for (unsigned reg = 0x0e; reg < 0x80; reg++)
		if (reg != RTC_CENTURY)
			assert_int_equal(rd(f, (uint8_t)reg),
					 (uint8_t)(reg * 3));
}

static void test_cmos_index_reads_ones(void **state)
{
	struct fixture *f = *state;
	uint8_t val = RTC_D;

	access_port(f, 0, true, &val, 0);
	access_port(f, 0, false, &val, 0);
	assert_int_equal(val, 0xff);
}

/* A word to the index sets register and value at once. */
static void test_cmos_word_writes_index_and_data(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0x40, 0x77, 0x11, 0x22};
	struct io_access a = {.addr = PC_CMOS_PORT,
			      .width = 2,
			      .write = true,
			      .count = 1,
			      .data = data};

	io_bus_access(&f->bus, &a);
	assert_int_equal(rd(f, 0x40), 0x77);
	a.width = 4;
	a.write = false;
	io_bus_access(&f->bus, &a);
	assert_int_equal(io_get(&a), 0xffff77ff);
}

static unsigned rd16(struct fixture *f, uint8_t reg)
{
	return (unsigned)rd(f, reg) | rd(f, (uint8_t)(reg + 1)) << 8;
}

static void test_cmos_tells_memory_and_vcpus(void **state)
{
	struct fixture *f = *state;

	cmos_set_machine(&f->cmos, UINT64_C(3) << 30, UINT64_C(5) << 30, 256);
	assert_int_equal(rd16(f, 0x15), 640);
	assert_int_equal(rd16(f, 0x17), 65535);
	assert_int_equal(rd16(f, 0x30), 65535);
	assert_int_equal(rd16(f, 0x34), (3072 - 16) * 16);
	assert_int_equal(rd16(f, 0x5b) | rd(f, 0x5d) << 16, 5120 * 16);
	assert_int_equal(rd(f, 0x5f), 255);
	/* The disk first, whose signature counts. */
	assert_int_equal(rd(f, 0x3d), 2);
	assert_int_equal(rd(f, 0x38), 1);
}

static void test_cmos_tells_little_memory(void **state)
{
	struct fixture *f = *state;

	cmos_set_machine(&f->cmos, UINT64_C(4) << 20, 0, 1);
	assert_int_equal(rd16(f, 0x30), 3072);
	assert_int_equal(rd16(f, 0x34), 0);
	assert_int_equal(rd16(f, 0x5b), 0);
	assert_int_equal(rd(f, 0x5f), 0);
	cmos_set_machine(&f->cmos, UINT64_C(1) << 20, 0, 1);
	assert_int_equal(rd16(f, 0x30), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cmos_starts_with_time_of_the_host),
		T(test_cmos_time_runs),
		T(test_cmos_time_is_in_the_form_of_register_b),
		T(test_cmos_uip_precedes_each_second),
		T(test_cmos_set_bit_stops_updates),
		T(test_cmos_time_is_set_while_it_runs),
		T(test_cmos_date_that_is_none_stands_still),
		T(test_cmos_divider_reset_sets_the_phase),
		T(test_cmos_time_is_set_as_linux_does),
		T(test_cmos_registers_c_and_d_cannot_be_written),
		T(test_cmos_ram_keeps_what_is_written),
		T(test_cmos_index_reads_ones),
		T(test_cmos_word_writes_index_and_data),
		T(test_cmos_tells_memory_and_vcpus),
		T(test_cmos_tells_little_memory),
	};

	return cmocka_run_group_tests_name("cmos", tests, NULL, NULL);
}
