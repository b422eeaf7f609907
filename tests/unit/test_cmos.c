/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMOS RAM and real-time clock: registers and interrupts, after the data sheet
 * MC146818A (R: CARD-8).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dis/types.h>

#include "dev/cmos.h"
#include "pc_map.h"

/* 2000-01-02 03:04:05.25 at 0 of the clock. */
#define EPOCH_NS (UINT64_C(946782245) * DIS_S_NS + 250 * DIS_MS_NS)
#define SECOND(n) ((n)*DIS_S_NS + 750 * DIS_MS_NS) /* its end */

enum {
	IRQF = 0x80,
	SET = 0x80,
	PIE = 0x40,
	AIE = 0x20,
	UIE = 0x10,
	UIP = 0x80,
};

static uint64_t clock_now_ns;

struct fixture {
	struct io_bus bus;
	struct cmos cmos;
	bool level;
	unsigned edges;
	bool deaf;
	unsigned earlier;
	unsigned by;
};

static uint64_t test_clock_ns(void)
{
	return clock_now_ns;
}

static void on_irq(void *ctx, unsigned gsi, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_RTC_GSI);
	assert_int_not_equal(level, f->level);
	f->level = level;
	f->edges += level;
}

static bool hears(void *ctx, unsigned gsi)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_RTC_GSI);
	return !f->deaf;
}

static void on_earlier(void *ctx, unsigned vcpu)
{
	struct fixture *f = ctx;

	f->earlier++;
	f->by = vcpu;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct cmos_config config = {
		.irq = {.set = on_irq, .ctx = f, .gsi = PC_RTC_GSI},
		.host = {.clock_ns = test_clock_ns,
			 .hears = hears,
			 .earlier = on_earlier,
			 .ctx = f},
		.epoch_ns = EPOCH_NS,
	};

	assert_non_null(f);
	clock_now_ns = 0;
	assert_int_equal(cmos_init(&f->cmos, &config), 0);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, PC_CMOS_PORT, CMOS_PORTS,
				    &cmos_ops, &f->cmos),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cmos_destroy(&f->cmos);
	free(f);
	return 0;
}

static void access_port(struct fixture *f, unsigned port, bool write,
			uint8_t *val, unsigned vcpu)
{
	struct io_access a = {.addr = PC_CMOS_PORT + port,
			      .width = 1,
			      .write = write,
			      .count = 1,
			      .data = val,
			      .vcpu = vcpu};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
}

static uint8_t rd(struct fixture *f, uint8_t reg)
{
	uint8_t val = 0xee;

	access_port(f, 0, true, &reg, 0);
	access_port(f, 1, false, &val, 0);
	return val;
}

static void wr_by(struct fixture *f, uint8_t reg, uint8_t val, unsigned vcpu)
{
	access_port(f, 0, true, &reg, vcpu);
	access_port(f, 1, true, &val, vcpu);
}

static void wr(struct fixture *f, uint8_t reg, uint8_t val)
{
	wr_by(f, reg, val, 0);
}

/* As hhmmss in BCD. */
static unsigned time_of_day(struct fixture *f)
{
	return (unsigned)rd(f, RTC_HOURS) << 16 | rd(f, RTC_MINUTES) << 8 |
	       rd(f, RTC_SECONDS);
}

static unsigned date(struct fixture *f)
{
	return (unsigned)rd(f, RTC_CENTURY) << 24 | rd(f, RTC_YEAR) << 16 |
	       rd(f, RTC_MONTH) << 8 | rd(f, RTC_DAY);
}

static void set_alarm(struct fixture *f, uint8_t hours, uint8_t minutes,
		      uint8_t seconds)
{
	wr(f, RTC_HOURS_ALARM, hours);
	wr(f, RTC_MINUTES_ALARM, minutes);
	wr(f, RTC_SECONDS_ALARM, seconds);
}

static void tick_at(struct fixture *f, uint64_t ns)
{
	clock_now_ns = ns;
	cmos_tick(&f->cmos, ns);
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

static void test_cmos_update_interrupt_each_second(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(0));
	tick_at(f, SECOND(0) - 1);
	assert_false(f->level);
	tick_at(f, SECOND(0));
	assert_true(f->level);
	/* Until register C is read nothing more can be noticed. */
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
	assert_int_equal(rd(f, RTC_C) & ~PIE, IRQF | UIE);
	assert_false(f->level);
	assert_int_equal(rd(f, RTC_C), 0);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(1));
}

static void test_cmos_missed_updates_are_one_interrupt(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	tick_at(f, SECOND(20));
	rd(f, RTC_C);
	assert_int_equal(f->edges, 1);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(21));
}

/* "SET going high clears UIE." */
static void test_cmos_set_bit_clears_update_interrupt(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	wr(f, RTC_B, UIE | SET | RTC_B_24_HOURS);
	assert_int_equal(rd(f, RTC_B), SET | RTC_B_24_HOURS);
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
}

/* Data sheet, table 5, with a 32.768 kHz crystal. */
static void test_cmos_periodic_interrupt_has_the_rate_of_register_a(void **state)
{
	static const unsigned hz[16] = {0,    256, 128, 8192, 4096, 2048,
					1024, 512, 256, 128,  64,   32,
					16,   8,   4,   2};
	struct fixture *f = *state;

	wr(f, RTC_B, PIE | RTC_B_24_HOURS);
	for (unsigned rate = 1; rate < 16; rate++) {
		unsigned before;

		clock_now_ns = rate * 10 * DIS_S_NS;
		wr(f, RTC_A, (uint8_t)(0x20 | rate));
		rd(f, RTC_C);
		before = f->edges;
		while (cmos_expiry_ns(&f->cmos) <=
		       rate * 10 * DIS_S_NS + DIS_S_NS) {
			tick_at(f, cmos_expiry_ns(&f->cmos));
			assert_int_equal(rd(f, RTC_C) & (IRQF | PIE),
					 IRQF | PIE);
		}
		assert_int_equal(f->edges - before, hz[rate]);
	}
	wr(f, RTC_A, 0x20);
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
}

/* Flags are set whether enabled or not; to enable is to raise the line. */
static void test_cmos_flags_are_set_without_enable(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
	clock_now_ns = SECOND(0);
	assert_int_equal(rd(f, RTC_C), PIE | UIE);
	assert_int_equal(rd(f, RTC_C), 0);
	clock_now_ns = SECOND(1);
	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	assert_true(f->level);
	wr(f, RTC_B, RTC_B_24_HOURS);
	assert_false(f->level);
	assert_int_equal(rd(f, RTC_C), PIE | UIE);
}

static void test_cmos_set_bit_does_not_stop_periods(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, SET | PIE | RTC_B_24_HOURS);
	assert_true(cmos_expiry_ns(&f->cmos) <= 1000000);
	wr(f, RTC_A, 0x76);
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
}

static void test_cmos_alarm_interrupts_at_its_time(void **state)
{
	struct fixture *f = *state;

	set_alarm(f, 0x03, 0x05, 0x00);
	wr(f, RTC_B, AIE | RTC_B_24_HOURS);
	/* It is 03:04:05.25. */
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(54));
	tick_at(f, SECOND(54));
	assert_true(f->level);
	assert_int_equal(time_of_day(f), 0x030500);
	assert_int_equal(rd(f, RTC_C), IRQF | PIE | AIE | UIE);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(54 + 86400));
}

static void test_cmos_alarm_each_second(void **state)
{
	struct fixture *f = *state;

	set_alarm(f, 0xff, 0xff, 0xff);
	wr(f, RTC_B, AIE | RTC_B_24_HOURS);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(i));
		tick_at(f, SECOND(i));
		rd(f, RTC_C);
	}
	assert_int_equal(f->edges, 3);
}

/* "Don't care": any code from C0 to FF, of each register on its own. */
static void test_cmos_alarm_ignores_what_it_does_not_care_for(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, AIE | RTC_B_24_HOURS);
	/* Each hour, each minute; it is 03:04:05.25. */
	set_alarm(f, 0xc0, 0x04, 0x04);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(3600 - 2));
	set_alarm(f, 0xc0, 0xc0, 0x04);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(60 - 2));
	/* 0xbf is a code that no second has. */
	set_alarm(f, 0xc0, 0xc0, 0xbf);
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
}

/* In the form of the time: hours to 12 and PM, binary. */
static void test_cmos_alarm_is_in_the_form_of_register_b(void **state)
{
	struct fixture *f = *state;

	set_alarm(f, 0x83, 4, 10);
	wr(f, RTC_B, AIE | RTC_B_BINARY);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(12 * 3600 + 4));
	/* 10 is 16 in BCD. */
	wr(f, RTC_B, AIE);
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
	set_alarm(f, 0x83, 4, 0x10);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(12 * 3600 + 4));
	/* Midnight is 12 AM. */
	set_alarm(f, 0x12, 0x00, 0x00);
	assert_int_equal(cmos_expiry_ns(&f->cmos),
			 SECOND(20 * 3600 + 55 * 60 + 54));
}

/* The clock of another thread was read later than that of the tick. */
static void test_cmos_tick_of_the_past_brings_nothing_back(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	clock_now_ns = SECOND(0);
	rd(f, RTC_C);
	assert_int_equal(f->edges, 1);
	cmos_tick(&f->cmos, SECOND(0) - 1);
	cmos_tick(&f->cmos, SECOND(0));
	assert_int_equal(f->edges, 1);
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(1));
}

static void test_cmos_alarm_flag_is_set_for_the_past(void **state)
{
	struct fixture *f = *state;

	set_alarm(f, 0x03, 0x05, 0x00);
	clock_now_ns = SECOND(53);
	assert_int_equal(rd(f, RTC_C) & AIE, 0);
	clock_now_ns = SECOND(200);
	assert_int_equal(rd(f, RTC_C) & AIE, AIE);
	clock_now_ns = SECOND(400);
	assert_int_equal(rd(f, RTC_C) & AIE, 0);
}

static void test_cmos_unheard_asks_for_no_expiry(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, UIE | RTC_B_24_HOURS);
	f->deaf = true;
	assert_int_equal(cmos_expiry_ns(&f->cmos), DIS_NEVER_NS);
	f->deaf = false;
	assert_int_equal(cmos_expiry_ns(&f->cmos), SECOND(0));
}

static void test_cmos_earlier_expiry_is_told(void **state)
{
	struct fixture *f = *state;

	wr(f, RTC_B, RTC_B_24_HOURS);
	assert_int_equal(f->earlier, 0);
	wr_by(f, RTC_B, UIE | RTC_B_24_HOURS, 2);
	assert_int_equal(f->earlier, 1);
	assert_int_equal(f->by, 2);
	wr_by(f, RTC_B, UIE | RTC_B_24_HOURS, 2);
	assert_int_equal(f->earlier, 1);
	wr_by(f, RTC_B, PIE | UIE | RTC_B_24_HOURS, 1);
	assert_int_equal(f->earlier, 2);
	/* A read of register C makes the next one possible. */
	tick_at(f, cmos_expiry_ns(&f->cmos));
	rd(f, RTC_C);
	assert_int_equal(f->earlier, 3);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(test_cmos_update_interrupt_each_second),
		T(test_cmos_missed_updates_are_one_interrupt),
		T(test_cmos_set_bit_clears_update_interrupt),
		T(test_cmos_periodic_interrupt_has_the_rate_of_register_a),
		T(test_cmos_flags_are_set_without_enable),
		T(test_cmos_set_bit_does_not_stop_periods),
		T(test_cmos_alarm_interrupts_at_its_time),
		T(test_cmos_alarm_each_second),
		T(test_cmos_alarm_ignores_what_it_does_not_care_for),
		T(test_cmos_alarm_is_in_the_form_of_register_b),
		T(test_cmos_tick_of_the_past_brings_nothing_back),
		T(test_cmos_alarm_flag_is_set_for_the_past),
		T(test_cmos_unheard_asks_for_no_expiry),
		T(test_cmos_earlier_expiry_is_told),
		T(test_cmos_registers_c_and_d_cannot_be_written),
		T(test_cmos_ram_keeps_what_is_written),
		T(test_cmos_index_reads_ones),
		T(test_cmos_word_writes_index_and_data),
		T(test_cmos_tells_memory_and_vcpus),
		T(test_cmos_tells_little_memory),
	};

	return cmocka_run_group_tests_name("cmos", tests, NULL, NULL);
}
