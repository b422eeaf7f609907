/* SPDX-License-Identifier: Apache-2.0 */
/* Who else used a CPU: reading /proc/stat, shares. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dis/types.h>

#include "bench/load.h"

static const char stat[] = "cpu  900 900 900 900 900 900 900 900 0 0\n"
			   "cpu0 1 1 1 1 1 1 1 1 0 0\n"
			   "cpu1 10 20 30 4000 5000 60 70 80 90 100\n"
			   "cpu11 7 7 7 7 7 7 7 7 0 0\n"
			   "intr 1 2 3\n";

static void test_load_of_cpu_is_found_by_its_whole_number(void **state)
{
	struct bench_load load = {0};

	(void)state;
	assert_int_equal(bench_load_parse(stat, 1, 100, &load), 0);
	assert_int_equal(load.busy_ns,
			 (10 + 20 + 30 + 60 + 70) * 10 * DIS_MS_NS);
	assert_int_equal(load.steal_ns, 80 * 10 * DIS_MS_NS);
}

static void test_load_of_missing_cpu_is_refused(void **state)
{
	struct bench_load load = {.busy_ns = 1};

	(void)state;
	assert_int_equal(bench_load_parse(stat, 2, 100, &load), -ENOENT);
	assert_int_equal(load.busy_ns, 1);
}

static void test_load_of_short_line_is_refused(void **state)
{
	struct bench_load load = {0};

	(void)state;
	assert_int_equal(bench_load_parse("cpu 1\ncpu0 1 2 3\n", 0, 100, &load),
			 -ENOENT);
}

static void test_load_others_are_busy_less_own(void **state)
{
	const struct bench_load then = {
		.wall_ns = 1000, .busy_ns = 500, .steal_ns = 10, .own_ns = 100};
	const struct bench_load now = {.cpus = 1,
				       .wall_ns = 2000,
				       .busy_ns = 1400,
				       .steal_ns = 60,
				       .own_ns = 700};
	struct bench_load load = bench_load_since(&then, &now);

	(void)state;
	assert_float_equal(bench_load_others_percent(&load), 30, 1e-9);
	assert_float_equal(bench_load_steal_percent(&load), 5, 1e-9);
}

/* The ticks of the host are coarser than our own clock. */
static void test_load_own_above_busy_leaves_nothing_to_others(void **state)
{
	const struct bench_load load = {
		.cpus = 1, .wall_ns = 100, .busy_ns = 10, .own_ns = 20};

	(void)state;
	assert_float_equal(bench_load_others_percent(&load), 0, 0);
}

static void test_load_of_no_time_is_zero(void **state)
{
	const struct bench_load load = {0};

	(void)state;
	assert_float_equal(bench_load_others_percent(&load), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_of_cpu_is_found_by_its_whole_number),
		cmocka_unit_test(test_load_of_missing_cpu_is_refused),
		cmocka_unit_test(test_load_of_short_line_is_refused),
		cmocka_unit_test(test_load_others_are_busy_less_own),
		cmocka_unit_test(
			test_load_own_above_busy_leaves_nothing_to_others),
		cmocka_unit_test(test_load_of_no_time_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
