/* SPDX-License-Identifier: Apache-2.0 */
/* Values that measures of grids are: of known figures, and of none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "bench/grid.h"

static struct scene_window window;
static struct scene_figures group, before;
static const struct grid_view view = {&window, &group, &before};

static int begin(void **state)
{
	(void)state;
	window = (struct scene_window){0};
	group = before = (struct scene_figures){0};
	return 0;
}

static void woke(struct scene_figures *figures, uint64_t late_ns, unsigned times)
{
	figures->hist.count[disvm_hist_bucket(late_ns)] += times;
	figures->wakes += times;
}

/* Below 32 ns a bucket is one value wide: its end is the next value. */
static void test_values_percentiles_of_1000_wakes(void **state)
{
	(void)state;
	woke(&group, 1, 500);
	woke(&group, 2, 400);
	woke(&group, 3, 90);
	woke(&group, 4, 9);
	woke(&group, 5, 1);
	assert_float_equal(grid_p50(&view), 2, 0);
	assert_float_equal(grid_p90(&view), 3, 0);
	assert_float_equal(grid_p99(&view), 4, 0);
	assert_float_equal(grid_p999(&view), 5, 0);
	assert_float_equal(grid_max(&view), 6, 0);
}

/* Two late, and one that another ran over. */
static void test_values_3_missed_of_1000_are_3_permille(void **state)
{
	(void)state;
	group.misses = 3;
	group.skipped = 1;
	group.wakes = 999;
	assert_float_equal(grid_missed_permille(&view), 3, 1e-12);
	assert_float_equal(grid_periods(&view), 1000, 0);
}

static void test_values_all_missed_is_1000_permille(void **state)
{
	(void)state;
	group.misses = 4;
	group.skipped = 2;
	group.wakes = 2;
	assert_float_equal(grid_missed_permille(&view), 1000, 0);
}

static void test_values_work_is_per_second_of_clean_slices(void **state)
{
	(void)state;
	group.work = 600;
	window.clean_ns = 1500 * DIS_MS_NS;
	assert_float_equal(grid_work_per_s(&view), 400, 1e-9);
}

static void test_values_growth_is_p99_after_to_before(void **state)
{
	(void)state;
	woke(&before, 9, 100);
	woke(&group, 24, 100);
	assert_float_equal(grid_growth_p99(&view), 2.5, 1e-12);
}

static void test_values_tardiness_is_mean_of_the_late(void **state)
{
	(void)state;
	group.wakes = 10;
	group.misses = 4;
	group.tardiness_sum_ns = 1000;
	group.tardiness_max_ns = 700;
	assert_float_equal(grid_tardiness_mean(&view), 250, 1e-9);
	assert_float_equal(grid_tardiness_max(&view), 700, 0);
}

static void test_values_nobody_late_has_tardiness_zero(void **state)
{
	(void)state;
	group.wakes = 10;
	assert_float_equal(grid_missed_permille(&view), 0, 0);
	assert_float_equal(grid_tardiness_mean(&view), 0, 0);
	assert_float_equal(grid_tardiness_max(&view), 0, 0);
}

static void test_values_exits_are_per_wake_and_per_work(void **state)
{
	(void)state;
	group.exits = 12;
	group.wakes = 8;
	group.work = 3;
	assert_float_equal(grid_exits_per_wake(&view), 1.5, 1e-12);
	assert_float_equal(grid_exits_per_work(&view), 4, 1e-12);
}

/* Who never woke was not perfect: nothing is 0. */
static void test_values_of_a_starved_guest_are_none(void **state)
{
	double (*const values[])(
		const struct grid_view *) = {grid_p50,
					     grid_p90,
					     grid_p99,
					     grid_p999,
					     grid_max,
					     grid_missed_permille,
					     grid_periods,
					     grid_tardiness_mean,
					     grid_tardiness_max,
					     grid_growth_p99,
					     grid_exits_per_wake,
					     grid_exits_per_work};

	(void)state;
	window.clean_ns = DIS_S_NS;
	woke(&before, 9, 100);
	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_true(isnan(values[i](&view)));
}

static void test_values_growth_from_nothing_is_none(void **state)
{
	(void)state;
	woke(&group, 9, 100);
	assert_true(isnan(grid_growth_p99(&view)));
}

static void test_values_no_work_is_zero_per_second(void **state)
{
	(void)state;
	window.clean_ns = DIS_S_NS;
	assert_float_equal(grid_work_per_s(&view), 0, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_values_percentiles_of_1000_wakes),
		TEST(test_values_3_missed_of_1000_are_3_permille),
		TEST(test_values_all_missed_is_1000_permille),
		TEST(test_values_work_is_per_second_of_clean_slices),
		TEST(test_values_growth_is_p99_after_to_before),
		TEST(test_values_tardiness_is_mean_of_the_late),
		TEST(test_values_nobody_late_has_tardiness_zero),
		TEST(test_values_exits_are_per_wake_and_per_work),
		TEST(test_values_of_a_starved_guest_are_none),
		TEST(test_values_growth_from_nothing_is_none),
		TEST(test_values_no_work_is_zero_per_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
