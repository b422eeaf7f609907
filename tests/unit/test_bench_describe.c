/* SPDX-License-Identifier: Apache-2.0 */
/* What a grid makes of its declaration: figures, ratios and their targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "bench/grid.h"

static const struct grid_case cases[] = {
	{{.name = "k0", .title = "alone"}, 0, true},
	{{.name = "k1", .title = "one"}, 1, false},
};
static const struct grid_measure measures[] = {
	{{"p99", "p99", "ns", false}, 0, 0, true, grid_p99},
	{{"busy", "busy work", "per_s", true}, 1, 0, true, grid_work_per_s},
	{{"exits", "exits", "count", false}, 0, 0, false, grid_exits_per_wake},
};
static const struct grid_target targets[] = {
	{"k1", "p99", "dis", "threads", 0.05},
	{"k1", "p99", "dis", "threads", 0.025},
	{"k1", "p99", "early", "threads", 0.5},
	{"k1", "p99", "early", NULL, 20000},
	{NULL, "exits", "dis", NULL, 0},
};

static bool scene_of(const struct grid_case *c, bool quick, struct scene *scene,
		     char *why, size_t why_size)
{
	(void)quick;
	(void)why;
	(void)why_size;
	scene->n_groups = 1 + c->value;
	return true;
}

static const struct grid grid = {
	.cases = cases,
	.n_cases = 2,
	.measures = measures,
	.n_measures = 3,
	.targets = targets,
	.n_targets = 5,
	.contenders = GRID_DIS | GRID_THREADS | GRID_QEMU | GRID_EARLY,
	.scene = scene_of,
};
static struct bench_options options;
static struct grid_plan plan;
static struct bench_result result;

static int begin(void **state)
{
	(void)state;
	memset(&result, 0, sizeof(result));
	options.quick = false;
	return 0;
}

static const struct bench_ratio *ratio(const char *name)
{
	for (unsigned i = 0; i < result.n_ratios; i++)
		if (!strcmp(result.ratio[i].name, name))
			return &result.ratio[i];
	return NULL;
}

static const struct bench_figure *figure(const char *name)
{
	for (unsigned i = 0; i < result.n_figures; i++)
		if (!strcmp(result.figure[i].name, name))
			return &result.figure[i];
	return NULL;
}

static void test_describe_early_is_compared_with_its_own_target(void **state)
{
	const struct bench_ratio *r;

	(void)state;
	grid_describe(&grid, &options, &plan, &result);
	r = ratio("k1_p99_early_to_threads");
	assert_non_null(r);
	assert_string_equal(result.figure[r->of].name, "k1_early_p99");
	assert_string_equal(result.figure[r->to].name, "k1_threads_p99");
	assert_float_equal(r->target, 0.5, 0);
	assert_string_equal(r->title, "one: p99, DIS, early entry, to threads");
}

static void test_describe_two_limits_are_two_ratios(void **state)
{
	(void)state;
	grid_describe(&grid, &options, &plan, &result);
	assert_float_equal(ratio("k1_p99_to_threads")->target, 0.05, 0);
	assert_float_equal(ratio("k1_p99_to_threads_2")->target, 0.025, 0);
	assert_int_equal(ratio("k1_p99_to_threads_2")->of,
			 ratio("k1_p99_to_threads")->of);
	assert_null(ratio("k0_p99_to_threads_2"));
}

static void test_describe_ours_are_not_compared_with_each_other(void **state)
{
	(void)state;
	grid_describe(&grid, &options, &plan, &result);
	assert_null(ratio("k1_p99_to_early"));
	assert_null(ratio("k1_p99_early_to_dis"));
	assert_non_null(ratio("k1_p99_to_qemu"));
	assert_true(isnan(ratio("k1_p99_to_qemu")->target));
	assert_true(ratio("k1_busy_to_qemu")->more);
}

static void test_describe_figures_have_targets_that_may_be_zero(void **state)
{
	(void)state;
	grid_describe(&grid, &options, &plan, &result);
	assert_float_equal(figure("k1_early_p99")->target, 20000, 0);
	assert_true(isnan(figure("k1_dis_p99")->target));
	assert_true(isnan(figure("k0_early_p99")->target));
	assert_float_equal(figure("k0_dis_exits")->target, 0, 0);
	assert_float_equal(figure("k1_dis_exits")->target, 0, 0);
}

static void test_describe_what_a_scene_lacks_has_no_figure(void **state)
{
	(void)state;
	grid_describe(&grid, &options, &plan, &result);
	assert_null(figure("k0_dis_busy"));
	assert_null(ratio("k0_busy_to_threads"));
	assert_null(figure("k1_qemu_exits"));
	assert_non_null(figure("k1_threads_exits"));
}

static void test_describe_quick_leaves_cases_out(void **state)
{
	(void)state;
	options.quick = true;
	grid_describe(&grid, &options, &plan, &result);
	assert_int_equal(result.n_cases, 1);
	assert_ptr_equal(plan.cases[0], &cases[0]);
	assert_string_equal(plan.contender[3]->name, "early");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_describe_early_is_compared_with_its_own_target),
		TEST(test_describe_two_limits_are_two_ratios),
		TEST(test_describe_ours_are_not_compared_with_each_other),
		TEST(test_describe_figures_have_targets_that_may_be_zero),
		TEST(test_describe_what_a_scene_lacks_has_no_figure),
		TEST(test_describe_quick_leaves_cases_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
