/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of benches: spread, ratios, sums without stalls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "bench/stats.h"

static struct bench_series series;

static int begin(void **state)
{
	(void)state;
	return bench_series_init(&series, 8);
}

static int end(void **state)
{
	(void)state;
	bench_series_free(&series);
	return 0;
}

static void add(const uint64_t *wall_ns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bench_series_add(&series, wall_ns[i], 1);
}

static void test_spread_odd_count_has_middle_as_median(void **state)
{
	const double values[] = {5, 1, 9};
	struct bench_spread s = bench_spread(values, 3);

	(void)state;
	assert_float_equal(s.min, 1, 0);
	assert_float_equal(s.median, 5, 0);
	assert_float_equal(s.max, 9, 0);
}

static void test_spread_even_count_has_mean_of_middle_as_median(void **state)
{
	const double values[] = {8, 2, 4, 100};

	(void)state;
	assert_float_equal(bench_spread(values, 4).median, 6, 0);
}

static void test_spread_one_value_is_all(void **state)
{
	const double value = -3;
	struct bench_spread s = bench_spread(&value, 1);

	(void)state;
	assert_float_equal(s.min, -3, 0);
	assert_float_equal(s.median, -3, 0);
	assert_float_equal(s.max, -3, 0);
}

static void test_spread_leaves_values_in_order(void **state)
{
	const double values[] = {3, 1, 2};

	(void)state;
	bench_spread(values, 3);
	assert_float_equal(values[0], 3, 0);
	assert_float_equal(values[2], 2, 0);
}

/* Not the ratio of the medians, which would be 3. */
static void test_ratio_is_taken_round_by_round(void **state)
{
	const double of[] = {2, 30, 300}, to[] = {1, 10, 200};
	struct bench_spread s = bench_ratio_spread(of, to, 3);

	(void)state;
	assert_float_equal(s.min, 1.5, 1e-12);
	assert_float_equal(s.median, 2, 1e-12);
	assert_float_equal(s.max, 3, 1e-12);
}

static void test_ratio_of_something_to_zero_is_undefined(void **state)
{
	const double of = 7, to = 0;
	struct bench_spread s = bench_ratio_spread(&of, &to, 1);

	(void)state;
	assert_true(isinf(s.min));
	assert_true(isinf(s.median));
	assert_true(isinf(s.max));
}

static void test_ratio_of_zero_to_zero_is_one(void **state)
{
	const double of = 0, to = 0;

	(void)state;
	assert_float_equal(bench_ratio_spread(&of, &to, 1).median, 1, 0);
}

/* As a 0, or left out, the undefined rounds would make 0.5 of it, or less. */
static void test_ratio_undefined_round_is_above_all_others(void **state)
{
	const double of[] = {1, 4, 9}, to[] = {2, 0, 3};
	struct bench_spread s = bench_ratio_spread(of, to, 3);

	(void)state;
	assert_float_equal(s.min, 0.5, 1e-12);
	assert_float_equal(s.median, 3, 1e-12);
	assert_true(isinf(s.max));
}

static void test_ratio_half_of_rounds_undefined_is_undefined(void **state)
{
	const double of[] = {1, 4}, to[] = {2, 0};

	(void)state;
	assert_true(isinf(bench_ratio_spread(of, to, 2).median));
}

static void test_sum_quiet_series_counts_all(void **state)
{
	const uint64_t wall_ns[] = {10, 30, 20};
	struct bench_sum sum;

	(void)state;
	add(wall_ns, 3);
	sum = bench_series_sum(&series);
	assert_int_equal(sum.wall_ns, 60);
	assert_int_equal(sum.work, 3);
	assert_int_equal(sum.stalls, 0);
	assert_float_equal(bench_sum_mean_ns(&sum), 20, 1e-12);
}

static void test_sum_sample_1_ms_over_median_is_stall(void **state)
{
	const uint64_t wall_ns[] = {100, 100 + BENCH_STALL_NS,
				    101 + BENCH_STALL_NS, 90, 100};
	struct bench_sum sum;

	(void)state;
	add(wall_ns, 5);
	sum = bench_series_sum(&series);
	assert_int_equal(sum.stalls, 1);
	assert_int_equal(sum.work, 4);
	assert_int_equal(sum.wall_ns, 390 + BENCH_STALL_NS);
}

/* The rule is about the excess, whatever a sample takes. */
static void test_sum_long_samples_are_no_stalls(void **state)
{
	const uint64_t wall_ns[] = {50 * BENCH_STALL_NS, 50 * BENCH_STALL_NS};

	(void)state;
	add(wall_ns, 2);
	assert_int_equal(bench_series_sum(&series).stalls, 0);
}

static void test_sum_empty_series_has_mean_zero(void **state)
{
	struct bench_sum sum = bench_series_sum(&series);

	(void)state;
	assert_float_equal(bench_sum_mean_ns(&sum), 0, 0);
}

static void test_series_full_takes_no_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		bench_series_add(&series, 1, 1);
	assert_int_equal(series.count, 8);
}

static void test_series_extended_sample_is_longer_but_one(void **state)
{
	struct bench_sum sum;

	(void)state;
	bench_series_extend(&series, 1000); /* of nothing: nothing */
	bench_series_add(&series, 10, 1);
	bench_series_extend(&series, 5);
	sum = bench_series_sum(&series);
	assert_int_equal(sum.wall_ns, 15);
	assert_int_equal(sum.work, 1);
}

static void test_kept_leaves_out_and_counts_what_was_stalled(void **state)
{
	struct bench_kept kept = {0};
	struct bench_spread s;

	(void)state;
	bench_kept_add(&kept, 3, false);
	bench_kept_add(&kept, 900, true);
	bench_kept_add(&kept, 1, false);
	s = bench_spread(kept.value, kept.n);
	assert_int_equal(kept.stalls, 1);
	assert_float_equal(s.median, 2, 0);
	assert_float_equal(s.max, 3, 0);
}

static void test_kept_less_than_a_quarter_is_not_enough(void **state)
{
	struct bench_kept kept = {0};

	(void)state;
	assert_false(bench_kept_is_enough(&kept));
	bench_kept_add(&kept, 1, false);
	for (unsigned i = 0; i < 3; i++)
		bench_kept_add(&kept, 1, true);
	assert_true(bench_kept_is_enough(&kept));
	bench_kept_add(&kept, 1, true);
	assert_false(bench_kept_is_enough(&kept));
}

static void test_stalls_of_a_hundredth_are_borne(void **state)
{
	(void)state;
	assert_false(bench_is_stalled(0, 0));
	assert_false(bench_is_stalled(10, 1000));
	assert_true(bench_is_stalled(11, 1000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_spread_odd_count_has_middle_as_median),
		TEST(test_spread_even_count_has_mean_of_middle_as_median),
		TEST(test_spread_one_value_is_all),
		TEST(test_spread_leaves_values_in_order),
		TEST(test_ratio_is_taken_round_by_round),
		TEST(test_ratio_of_something_to_zero_is_undefined),
		TEST(test_ratio_of_zero_to_zero_is_one),
		TEST(test_ratio_undefined_round_is_above_all_others),
		TEST(test_ratio_half_of_rounds_undefined_is_undefined),
		TEST(test_sum_quiet_series_counts_all),
		TEST(test_sum_sample_1_ms_over_median_is_stall),
		TEST(test_sum_long_samples_are_no_stalls),
		TEST(test_sum_empty_series_has_mean_zero),
		TEST(test_series_full_takes_no_more),
		TEST(test_series_extended_sample_is_longer_but_one),
		TEST(test_kept_leaves_out_and_counts_what_was_stalled),
		TEST(test_kept_less_than_a_quarter_is_not_enough),
		TEST(test_stalls_of_a_hundredth_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
