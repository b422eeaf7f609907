/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A counter of an 8254, tick by tick, after Intel's data sheet 231164 (R: CARD-8).
 * The drawings of its modes are written here as one character a tick, '_' for low
 * and '-' for high, beginning with the tick after the write of the count.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/pit_counter.h"

#define START 1000u

enum {
	LOW = 0x10,
	HIGH = 0x20,
	BOTH = 0x30,
	BCD = 1,
};

static uint8_t control(unsigned access, unsigned mode)
{
	return (uint8_t)(access | mode << 1);
}

/* Mode and count are written at tick START. */
static struct pit_counter counting(unsigned mode, uint8_t count)
{
	struct pit_counter c;

	pit_counter_init(&c, true);
	pit_counter_control(&c, control(LOW, mode));
	pit_counter_write(&c, count, START);
	return c;
}

static void assert_out(const struct pit_counter *c, uint64_t from,
		       const char *drawing)
{
	for (size_t i = 0; drawing[i]; i++)
		if (pit_counter_out(c, from + i) != (drawing[i] == '-'))
			fail_msg("tick %zu of %s is wrong", i, drawing);
}

static unsigned contents(struct pit_counter *c, uint64_t tick)
{
	pit_counter_latch(c, tick);
	return pit_counter_read(c, tick);
}

static unsigned status(struct pit_counter *c, uint64_t tick)
{
	pit_counter_latch_status(c, tick);
	return pit_counter_read(c, tick);
}

/* "OUT does not go high until N + 1 CLK pulses after the initial count". */
static void test_pit_counter_mode0_rises_after_count_and_one(void **state)
{
	struct pit_counter c = counting(0, 4);

	(void)state;
	assert_out(&c, START + 1, "____--------");
	assert_int_equal(pit_counter_next_rise(&c, START), START + 5);
	assert_int_equal(pit_counter_next_rise(&c, START + 5), PIT_TICK_NEVER);
}

static void test_pit_counter_mode0_counts_on_after_the_end(void **state)
{
	struct pit_counter c = counting(0, 3);

	(void)state;
	assert_int_equal(contents(&c, START + 1), 3);
	assert_int_equal(contents(&c, START + 4), 0);
	assert_int_equal(contents(&c, START + 5), 0xff);
	assert_int_equal(contents(&c, START + 1 + 3 + 65536), 0);
}

/* "If GATE = 0, counting is disabled; GATE has no effect on OUT." */
static void test_pit_counter_mode0_gate_stops_counting(void **state)
{
	struct pit_counter c = counting(0, 5);

	(void)state;
	pit_counter_set_gate(&c, false, START + 3);
	assert_int_equal(contents(&c, START + 100), 3);
	assert_int_equal(pit_counter_next_rise(&c, START + 100), PIT_TICK_NEVER);
	pit_counter_set_gate(&c, true, START + 100);
	assert_int_equal(pit_counter_next_rise(&c, START + 100), START + 103);
	assert_out(&c, START + 100, "___---");
}

/* A two-byte count: the first byte stops the counter and lowers OUT. */
static void test_pit_counter_mode0_first_byte_stops(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, true);
	pit_counter_control(&c, control(BOTH, 0));
	pit_counter_write(&c, 2, START);
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
	pit_counter_write(&c, 0, START);
	assert_out(&c, START + 1, "__---");
	pit_counter_write(&c, 2, START + 10);
	assert_out(&c, START + 10, "_____");
	pit_counter_write(&c, 1, START + 20);
	assert_int_equal(pit_counter_next_rise(&c, START + 20),
			 START + 21 + 0x102);
}

static void test_pit_counter_mode0_gate_low_at_write_waits(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, false);
	pit_counter_control(&c, control(LOW, 0));
	pit_counter_write(&c, 3, START);
	assert_int_equal(contents(&c, START + 50), 3);
	pit_counter_set_gate(&c, true, START + 50);
	assert_out(&c, START + 50, "___--");
}

static void test_pit_counter_mode1_gate_triggers_pulse(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, false);
	pit_counter_control(&c, control(LOW, 1));
	pit_counter_write(&c, 3, START);
	assert_out(&c, START, "-----");
	pit_counter_set_gate(&c, true, START + 10);
	assert_out(&c, START + 10, "-___---");
	pit_counter_set_gate(&c, false, START + 12);
	assert_out(&c, START + 12, "__--");
}

/* "The one-shot is retriggerable", and a new count waits for the trigger. */
static void test_pit_counter_mode1_is_retriggered_with_new_count(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, false);
	pit_counter_control(&c, control(LOW, 1));
	pit_counter_write(&c, 4, START);
	pit_counter_set_gate(&c, true, START + 10);
	pit_counter_write(&c, 2, START + 11);
	assert_out(&c, START + 11, "____--");
	pit_counter_set_gate(&c, false, START + 12);
	pit_counter_set_gate(&c, true, START + 13);
	assert_out(&c, START + 13, "___-");
	assert_out(&c, START + 14, "__---");
}

static void test_pit_counter_mode2_is_low_for_one_tick(void **state)
{
	struct pit_counter c = counting(2, 3);

	(void)state;
	assert_out(&c, START + 1, "--_--_--_--_");
	assert_int_equal(contents(&c, START + 1), 3);
	assert_int_equal(contents(&c, START + 3), 1);
	assert_int_equal(contents(&c, START + 4), 3);
	assert_int_equal(pit_counter_next_rise(&c, START + 1), START + 4);
	assert_int_equal(pit_counter_next_rise(&c, START + 4), START + 7);
}

/* Mode bits x10: the highest does not count, but is read back as written. */
static void test_pit_counter_mode6_is_mode2(void **state)
{
	struct pit_counter c = counting(6, 3);

	(void)state;
	assert_out(&c, START + 1, "--_--_");
	assert_int_equal(status(&c, START + 1), 0x80 | LOW | 6 << 1);
}

/* "The current counting sequence is not affected when a new count is written." */
static void test_pit_counter_mode2_new_count_follows_the_period(void **state)
{
	struct pit_counter c = counting(2, 4);

	(void)state;
	pit_counter_write(&c, 2, START + 3);
	assert_int_equal(status(&c, START + 3) & 0x40, 0x40);
	assert_int_equal(pit_counter_next_rise(&c, START + 3), START + 5);
	assert_int_equal(pit_counter_next_rise(&c, START + 5), START + 7);
	assert_out(&c, START + 3, "-_-_-_-_");
	assert_int_equal(status(&c, START + 5) & 0x40, 0);
}

/* "If GATE goes low during an output pulse, OUT is set high immediately"; the
 * trigger reloads. */
static void test_pit_counter_mode2_gate_reloads(void **state)
{
	struct pit_counter c;

	(void)state;
	c = counting(2, 3);
	pit_counter_set_gate(&c, false, START + 3);
	assert_out(&c, START + 3, "----");
	assert_int_equal(pit_counter_next_rise(&c, START + 3), PIT_TICK_NEVER);
	pit_counter_set_gate(&c, true, START + 20);
	assert_out(&c, START + 20, "---_--_");
}

static void test_pit_counter_mode2_gate_low_at_write_waits(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, false);
	pit_counter_control(&c, control(LOW, 2));
	pit_counter_write(&c, 9, START);
	pit_counter_write(&c, 3, START + 1);
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
	pit_counter_set_gate(&c, true, START + 20);
	assert_out(&c, START + 20, "---_--_");
}

static void test_pit_counter_mode3_even_count_is_symmetric(void **state)
{
	static const uint8_t read[] = {4, 2, 4, 2, 4, 2};
	struct pit_counter c = counting(3, 4);

	(void)state;
	assert_out(&c, START + 1, "--__--__--__");
	for (unsigned i = 0; i < sizeof(read); i++)
		assert_int_equal(contents(&c, START + 1 + i), read[i]);
	assert_int_equal(pit_counter_next_rise(&c, START + 1), START + 5);
}

/* "OUT will be high for (N + 1)/2 counts and low for (N - 1)/2 counts." */
static void test_pit_counter_mode3_odd_count_is_longer_high(void **state)
{
	static const uint8_t read[] = {4, 2, 0, 4, 2, 4, 2, 0, 4, 2};
	struct pit_counter c = counting(3, 5);

	(void)state;
	assert_out(&c, START + 1, "---__---__---__");
	for (unsigned i = 0; i < sizeof(read); i++)
		assert_int_equal(contents(&c, START + 1 + i), read[i]);
}

/* A new count comes in at the end of the half in which it was written. */
static void test_pit_counter_mode3_new_count_follows_the_half(void **state)
{
	struct pit_counter c = counting(3, 8);

	(void)state;
	pit_counter_write(&c, 4, START + 2);
	assert_out(&c, START + 2, "---__--__--");
	assert_int_equal(pit_counter_next_rise(&c, START + 2), START + 7);
	c = counting(3, 8);
	pit_counter_write(&c, 4, START + 6);
	assert_out(&c, START + 6, "___--__--__");
	assert_int_equal(pit_counter_next_rise(&c, START + 6), START + 9);
	assert_int_equal(pit_counter_next_rise(&c, START + 9), START + 13);
}

static void test_pit_counter_mode3_gate_low_raises_out(void **state)
{
	struct pit_counter c = counting(3, 4);

	(void)state;
	assert_false(pit_counter_out(&c, START + 3));
	pit_counter_set_gate(&c, false, START + 3);
	assert_out(&c, START + 3, "-----");
	pit_counter_set_gate(&c, true, START + 9);
	assert_out(&c, START + 9, "---__--__");
}

/* "OUT will be initially high; when the initial count expires, OUT will go low for
 * one CLK pulse and then go high again", once. */
static void test_pit_counter_mode4_strobes_once(void **state)
{
	struct pit_counter c = counting(4, 3);

	(void)state;
	assert_out(&c, START + 1, "---_-------");
	assert_int_equal(pit_counter_next_rise(&c, START), START + 5);
	assert_int_equal(pit_counter_next_rise(&c, START + 5), PIT_TICK_NEVER);
	assert_int_equal(contents(&c, START + 5), 0xff);
}

static void test_pit_counter_mode4_write_starts_anew(void **state)
{
	struct pit_counter c = counting(4, 3);

	(void)state;
	pit_counter_write(&c, 2, START + 3);
	assert_out(&c, START + 4, "--_---");
}

static void test_pit_counter_mode5_gate_triggers_strobe(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, false);
	pit_counter_control(&c, control(LOW, 5));
	pit_counter_write(&c, 2, START);
	assert_out(&c, START, "------");
	pit_counter_set_gate(&c, true, START + 10);
	assert_out(&c, START + 10, "---_----");
	/* The gate's level means nothing. */
	pit_counter_set_gate(&c, false, START + 11);
	assert_out(&c, START + 11, "--_---");
}

/* Counter 0's gate is always high: these two never come to count there. */
static void test_pit_counter_high_gate_triggers_nothing(void **state)
{
	struct pit_counter c = counting(1, 3);

	(void)state;
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
	c = counting(5, 3);
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
	assert_out(&c, START, "------");
}

static void test_pit_counter_zero_is_the_largest_count(void **state)
{
	struct pit_counter c = counting(0, 0);

	(void)state;
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 65536);
	c = counting(2, 0);
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 65536);
}

static void test_pit_counter_high_byte_access_counts_in_256s(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, true);
	pit_counter_control(&c, control(HIGH, 0));
	pit_counter_write(&c, 3, START);
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 0x300);
	assert_int_equal(pit_counter_read(&c, START + 2), 2);
	assert_int_equal(pit_counter_read(&c, START + 2), 2);
}

static void test_pit_counter_bcd_counts_decimal(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, true);
	pit_counter_control(&c, control(BOTH, 0) | BCD);
	pit_counter_write(&c, 0x00, START);
	pit_counter_write(&c, 0x12, START);
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 1200);
	assert_int_equal(pit_counter_read(&c, START + 2), 0x99);
	assert_int_equal(pit_counter_read(&c, START + 2), 0x11);
	/* 0 is 10000, and wraps to 9999. */
	pit_counter_control(&c, control(BOTH, 0) | BCD);
	pit_counter_write(&c, 0, START);
	pit_counter_write(&c, 0, START);
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 10000);
	assert_int_equal(pit_counter_read(&c, START + 2), 0x99);
	assert_int_equal(pit_counter_read(&c, START + 2), 0x99);
}

/* Digits above 9 are nobody's right to ask for; they must only do no harm. */
static void test_pit_counter_bcd_with_wrong_digits_counts(void **state)
{
	struct pit_counter c;

	(void)state;
	for (unsigned mode = 0; mode < 6; mode++) {
		pit_counter_init(&c, true);
		pit_counter_control(&c, control(BOTH, mode) | BCD);
		pit_counter_write(&c, 0xff, START);
		pit_counter_write(&c, 0xff, START);
		pit_counter_out(&c, START + 1);
		pit_counter_next_rise(&c, START);
		pit_counter_read(&c, START + 7);
	}
	pit_counter_control(&c, control(BOTH, 2) | BCD);
	pit_counter_write(&c, 0xff, START);
	pit_counter_write(&c, 0xff, START);
	assert_int_equal(pit_counter_next_rise(&c, START), START + 1 + 16665);
}

/* Data sheet: "the count is held in the latch until it is read". */
static void test_pit_counter_latch_holds_until_read(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, true);
	pit_counter_control(&c, control(BOTH, 2));
	pit_counter_write(&c, 0x34, START);
	pit_counter_write(&c, 0x12, START);
	pit_counter_latch(&c, START + 1);
	pit_counter_latch(&c, START + 0x200);
	assert_int_equal(pit_counter_read(&c, START + 0x201), 0x34);
	assert_int_equal(pit_counter_read(&c, START + 0x202), 0x12);
	assert_int_equal(pit_counter_read(&c, START + 1 + 0x200), 0x34);
	assert_int_equal(pit_counter_read(&c, START + 1 + 0x200), 0x10);
}

static void test_pit_counter_status_goes_before_count(void **state)
{
	struct pit_counter c = counting(2, 7);

	(void)state;
	pit_counter_latch(&c, START + 2);
	pit_counter_latch_status(&c, START + 2);
	assert_int_equal(pit_counter_read(&c, START + 4), 0x80 | LOW | 2 << 1);
	assert_int_equal(pit_counter_read(&c, START + 4), 6);
	assert_int_equal(pit_counter_read(&c, START + 4), 4);
}

/* Null count: from the write until the next tick, on which it is loaded. */
static void test_pit_counter_status_shows_null_count(void **state)
{
	struct pit_counter c;

	(void)state;
	pit_counter_init(&c, true);
	pit_counter_control(&c, control(LOW, 0));
	assert_int_equal(status(&c, START), 0x40 | LOW);
	pit_counter_write(&c, 3, START);
	assert_int_equal(status(&c, START), 0x40 | LOW);
	assert_int_equal(status(&c, START + 1), LOW);
	assert_int_equal(status(&c, START + 4), 0x80 | LOW);
}

static void test_pit_counter_control_forgets_latches(void **state)
{
	struct pit_counter c = counting(2, 7);

	(void)state;
	pit_counter_latch(&c, START + 2);
	pit_counter_latch_status(&c, START + 2);
	pit_counter_control(&c, control(LOW, 0));
	assert_int_equal(pit_counter_read(&c, START + 3), 0);
	pit_counter_write(&c, 9, START + 3);
	assert_int_equal(pit_counter_read(&c, START + 5), 8);
}

/* Illegal there, says the data sheet. Nothing to interrupt with. */
static void test_pit_counter_count_of_one_never_rises(void **state)
{
	struct pit_counter c = counting(2, 1);

	(void)state;
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
	c = counting(3, 1);
	assert_int_equal(pit_counter_next_rise(&c, START), PIT_TICK_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_pit_counter_mode0_rises_after_count_and_one),
		cmocka_unit_test(test_pit_counter_mode0_counts_on_after_the_end),
		cmocka_unit_test(test_pit_counter_mode0_gate_stops_counting),
		cmocka_unit_test(test_pit_counter_mode0_first_byte_stops),
		cmocka_unit_test(test_pit_counter_mode0_gate_low_at_write_waits),
		cmocka_unit_test(test_pit_counter_mode1_gate_triggers_pulse),
		cmocka_unit_test(
			test_pit_counter_mode1_is_retriggered_with_new_count),
		cmocka_unit_test(test_pit_counter_mode2_is_low_for_one_tick),
		cmocka_unit_test(test_pit_counter_mode6_is_mode2),
		cmocka_unit_test(
			test_pit_counter_mode2_new_count_follows_the_period),
		cmocka_unit_test(test_pit_counter_mode2_gate_reloads),
		cmocka_unit_test(test_pit_counter_mode2_gate_low_at_write_waits),
		cmocka_unit_test(test_pit_counter_mode3_even_count_is_symmetric),
		cmocka_unit_test(
			test_pit_counter_mode3_odd_count_is_longer_high),
		cmocka_unit_test(
			test_pit_counter_mode3_new_count_follows_the_half),
		cmocka_unit_test(test_pit_counter_mode3_gate_low_raises_out),
		cmocka_unit_test(test_pit_counter_mode4_strobes_once),
		cmocka_unit_test(test_pit_counter_mode4_write_starts_anew),
		cmocka_unit_test(test_pit_counter_mode5_gate_triggers_strobe),
		cmocka_unit_test(test_pit_counter_high_gate_triggers_nothing),
		cmocka_unit_test(test_pit_counter_zero_is_the_largest_count),
		cmocka_unit_test(
			test_pit_counter_high_byte_access_counts_in_256s),
		cmocka_unit_test(test_pit_counter_bcd_counts_decimal),
		cmocka_unit_test(test_pit_counter_bcd_with_wrong_digits_counts),
		cmocka_unit_test(test_pit_counter_latch_holds_until_read),
		cmocka_unit_test(test_pit_counter_status_goes_before_count),
		cmocka_unit_test(test_pit_counter_status_shows_null_count),
		cmocka_unit_test(test_pit_counter_control_forgets_latches),
		cmocka_unit_test(test_pit_counter_count_of_one_never_rises),
	};

	return cmocka_run_group_tests_name("pit_counter", tests, NULL, NULL);
}
