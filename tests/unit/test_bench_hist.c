/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of scenes: histograms, fairness, the rule of stalls, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "bench/hist.h"
#include "bench/memory.h"
#include "bench/watch.h"

static struct bench_hist hist;
static uint32_t before[DISVM_HIST_BUCKETS], now[DISVM_HIST_BUCKETS];

static int begin(void **state)
{
	(void)state;
	hist = (struct bench_hist){0};
	for (unsigned i = 0; i < DISVM_HIST_BUCKETS; i++)
		before[i] = now[i] = 0;
	return 0;
}

static void add(uint64_t value_ns, uint32_t times)
{
	hist.count[disvm_hist_bucket(value_ns)] += times;
}

static void test_hist_add_counts_what_is_new(void **state)
{
	(void)state;
	before[3] = 10;
	now[3] = 14;
	now[5] = 1;
	bench_hist_add(&hist, before, now);
	assert_int_equal(hist.count[3], 4);
	assert_int_equal(hist.count[5], 1);
	assert_int_equal(bench_hist_total(&hist), 5);
}

static void test_hist_add_survives_a_wrap_of_the_guest(void **state)
{
	(void)state;
	before[7] = UINT32_MAX;
	now[7] = 2;
	bench_hist_add(&hist, before, now);
	assert_int_equal(hist.count[7], 3);
}

/* Below 32 ns a bucket is one value wide: its end is the next value. */
static void test_hist_percentiles_of_1_to_10_are_nearest_ranks(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 10; i++)
		add(i, 1);
	assert_int_equal(bench_hist_percentile(&hist, 500), 5 + 1);
	assert_int_equal(bench_hist_percentile(&hist, 900), 9 + 1);
	assert_int_equal(bench_hist_percentile(&hist, 901), 10 + 1);
	assert_int_equal(bench_hist_percentile(&hist, 1000), 10 + 1);
}

static void test_hist_one_late_wake_of_1000_is_above_p999(void **state)
{
	(void)state;
	add(10, 999);
	add(5000000, 1);
	assert_int_equal(bench_hist_percentile(&hist, 999), 11);
	assert_in_range(bench_hist_percentile(&hist, 1000), 5000000,
			5000000 + 5000000 / 32);
}

static void test_hist_of_nothing_has_no_figure(void **state)
{
	(void)state;
	assert_true(isnan(bench_hist_figure(&hist, 500)));
	add(10, 1);
	assert_true(bench_hist_figure(&hist, 500) == 11);
}

static void test_hist_percentile_never_flatters(void **state)
{
	(void)state;
	for (uint64_t ns = 33; ns < UINT64_C(1) << 31; ns = ns * 5 / 3) {
		hist = (struct bench_hist){0};
		add(ns, 1);
		assert_true(bench_hist_percentile(&hist, 500) > ns);
		assert_true(bench_hist_percentile(&hist, 500) <=
			    ns + ns / 32 + 1);
	}
}

static void test_hist_empty_has_percentile_zero(void **state)
{
	(void)state;
	assert_int_equal(bench_hist_percentile(&hist, 990), 0);
}

static void test_hist_merge_adds_up(void **state)
{
	struct bench_hist more = {0};

	(void)state;
	add(9, 2);
	more.count[9] = 3;
	bench_hist_merge(&hist, &more);
	assert_int_equal(hist.count[9], 5);
}

static void test_jain_of_equal_shares_is_one(void **state)
{
	const uint64_t shares[] = {7, 7, 7, 7};

	(void)state;
	assert_float_equal(bench_jain(shares, 4), 1, 1e-12);
}

static void test_jain_of_one_who_has_all_is_its_part(void **state)
{
	const uint64_t shares[] = {0, 9, 0, 0};

	(void)state;
	assert_float_equal(bench_jain(shares, 4), 0.25, 1e-12);
}

/* (1 + 2 + 3)^2 / (3 * (1 + 4 + 9)) */
static void test_jain_of_1_2_3_is_6_of_7(void **state)
{
	const uint64_t shares[] = {1, 2, 3};

	(void)state;
	assert_float_equal(bench_jain(shares, 3), 6.0 / 7, 1e-12);
}

static void test_jain_of_nothing_is_no_number(void **state)
{
	const uint64_t shares[] = {0, 0};

	(void)state;
	assert_true(isnan(bench_jain(shares, 2)));
}

static void test_watch_late_wake_without_queueing_is_stall(void **state)
{
	(void)state;
	assert_true(bench_watch_is_stall(WATCH_STALL_NS + 1, 0));
	assert_false(bench_watch_is_stall(WATCH_STALL_NS, 0));
}

/* Another thread of the host had the CPU: nothing that the machine did. */
static void test_watch_queued_wake_is_no_stall(void **state)
{
	(void)state;
	assert_false(bench_watch_is_stall(50 * DIS_MS_NS, 50 * DIS_MS_NS));
	assert_true(bench_watch_is_stall(50 * DIS_MS_NS, 40 * DIS_MS_NS));
	assert_false(bench_watch_is_stall(1, UINT64_MAX));
}

/* Whatever the phase of a guest that sleeps 1 ms at a time, it is hit alike. */
static void test_watch_looks_at_all_phases_of_a_millisecond(void **state)
{
	unsigned looks[20] = {0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		looks[i * WATCH_PERIOD_NS % DIS_MS_NS / (50 * DIS_US_NS)]++;
	for (unsigned i = 0; i < 20; i++)
		assert_in_range(looks[i], 45, 55);
}

static void test_text_kib_is_found_by_whole_name(void **state)
{
	static const char text[] = "MemFreeish:      7 kB\n"
				   "MemFree:        11 kB\n"
				   "Pages:           3\n";

	(void)state;
	assert_int_equal(bench_text_kib(text, "MemFree"), 11 * 1024);
	assert_int_equal(bench_text_kib(text, "Pages"), 0);
	assert_int_equal(bench_text_kib(text, "MemAvailable"), 0);
	assert_int_equal(bench_text_kib("", "MemFree"), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hist_add_counts_what_is_new),
		TEST(test_hist_add_survives_a_wrap_of_the_guest),
		TEST(test_hist_percentiles_of_1_to_10_are_nearest_ranks),
		TEST(test_hist_one_late_wake_of_1000_is_above_p999),
		TEST(test_hist_of_nothing_has_no_figure),
		TEST(test_hist_percentile_never_flatters),
		TEST(test_hist_empty_has_percentile_zero),
		TEST(test_hist_merge_adds_up),
		TEST(test_jain_of_equal_shares_is_one),
		TEST(test_jain_of_one_who_has_all_is_its_part),
		TEST(test_jain_of_1_2_3_is_6_of_7),
		TEST(test_jain_of_nothing_is_no_number),
		TEST(test_watch_late_wake_without_queueing_is_stall),
		TEST(test_watch_queued_wake_is_no_stall),
		TEST(test_watch_looks_at_all_phases_of_a_millisecond),
		TEST(test_text_kib_is_found_by_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
