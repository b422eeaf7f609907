/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts of the real-time clock, after the data sheet MC146818A (R: CARD-8). */
#include "test_cmos_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("cmos-irq", tests, NULL, NULL);
}
