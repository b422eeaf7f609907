/* SPDX-License-Identifier: Apache-2.0 */
/* Slices of a window: which count, and what of their reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bench/grid.h"
#include "bench/tally.h"

#define PAGE 4096
#define SLICE 10
#define SETTLE 25

/* Two guests of one vCPU each, each a group. */
static _Alignas(PAGE) uint8_t mem[2][PAGE * 2];
static struct window_guest guests[2];
static struct window_source source = {.guest = guests, .n = 2};
static struct scene_window window;
static struct tally tally;
static uint64_t now, stalls;

static struct disvm_guest_report *report(unsigned guest)
{
	return (void *)(mem[guest] + PAGE);
}

static int begin(void **state)
{
	(void)state;
	memset(mem, 0, sizeof(mem));
	memset(&window, 0, sizeof(window));
	for (unsigned i = 0; i < 2; i++)
		guests[i] = (struct window_guest){.mem = mem[i],
						  .bytes = sizeof(mem[i]),
						  .group = i,
						  .vcpus = 1,
						  .report = PAGE};
	now = 1000;
	stalls = 0;
	return tally_open(&tally, &source, SETTLE);
}

static int end(void **state)
{
	(void)state;
	tally_close(&tally);
	return 0;
}

/* A slice with a unit of work and 10 * its number misses; "!": and a stall. */
static void play(const char *slices)
{
	for (uint64_t i = 1; *slices; slices++, i++) {
		report(0)->work++;
		report(0)->misses += 10 * i;
		stalls += *slices == '!';
		now += SLICE;
		tally_slice(&tally, now, stalls);
	}
}

/* @clean of @slices slices, whose misses are @misses, @stalled in the others. */
static void counted(unsigned slices, unsigned clean, unsigned misses,
		    unsigned stalled)
{
	assert_int_equal(window.slices, slices);
	assert_int_equal(window.stalled, slices - clean);
	assert_int_equal(window.clean_ns, clean * SLICE);
	assert_int_equal(window.group[0].work, clean);
	assert_int_equal(window.group[0].misses, misses);
	assert_int_equal(window.group[0].stalled_misses, stalled);
}

static void test_tally_without_stalls_counts_all_but_the_last(void **state)
{
	(void)state;
	tally_begin(&tally, &window, now, stalls);
	play("....");
	counted(3, 3, 10 + 20 + 30, 0);
}

/* It may have begun in the slice before; then SETTLE ns are no whole slices. */
static void test_tally_stall_leaves_out_around_it_until_settled(void **state)
{
	(void)state;
	tally_begin(&tally, &window, now, stalls);
	play("..!.....");
	/* Slices 2 and 3, then 4, 5 and 6, which begins 20 ns after. */
	counted(7, 2, 10 + 70, 20 + 30 + 40 + 50 + 60);
}

static void test_tally_settling_starts_again_with_each_stall(void **state)
{
	(void)state;
	tally_begin(&tally, &window, now, stalls);
	play("!.!.....");
	counted(7, 1, 70, 10 + 20 + 30 + 40 + 50 + 60);
}

static void test_tally_without_settling_leaves_out_two_slices(void **state)
{
	(void)state;
	tally.settle_ns = 0;
	tally_begin(&tally, &window, now, stalls);
	play("..!..");
	counted(4, 2, 10 + 40, 20 + 30);
}

static void
test_tally_stall_seen_in_the_last_slice_hits_the_one_before(void **state)
{
	(void)state;
	tally_begin(&tally, &window, now, stalls);
	play("..!");
	counted(2, 1, 10, 20);
}

/* While guests warmed up, for example. */
static void test_tally_stall_before_the_window_is_settled_in_it(void **state)
{
	(void)state;
	stalls = 3;
	report(0)->work = 77;
	tally_begin(&tally, &window, now, stalls);
	play(".....");
	counted(4, 1, 40, 10 + 20 + 30);
}

static void test_tally_second_window_starts_from_nothing(void **state)
{
	struct scene_window second = {0};

	(void)state;
	tally_begin(&tally, &window, now, stalls);
	play("...");
	now += 100;
	report(0)->work += 1000;
	tally_begin(&tally, &second, now, stalls);
	play("...");
	counted(2, 2, 30, 0);
	assert_int_equal(second.slices, 2);
	assert_int_equal(second.group[0].work, 2);
}

static void test_tally_adds_what_is_new_by_group(void **state)
{
	struct scene_figures *f = &window.group[1];

	(void)state;
	report(1)->wakes = 100;
	report(1)->tardiness_max_ns = 9;
	tally_begin(&tally, &window, now, stalls);
	report(1)->wakes = 104;
	report(1)->skipped = 2;
	report(1)->misses = 3;
	report(1)->tardiness_sum_ns = 40;
	report(1)->lateness[5] = 4;
	play("..");
	assert_int_equal(f->wakes, 4);
	assert_int_equal(f->skipped, 2);
	assert_int_equal(f->misses, 3);
	assert_int_equal(f->tardiness_sum_ns, 40);
	assert_int_equal(f->tardiness_max_ns, 9);
	assert_int_equal(bench_hist_total(&f->hist), 4);
	assert_int_equal(window.group[0].wakes, 0);
}

static void test_tally_fairness_is_of_the_slices_that_count(void **state)
{
	(void)state;
	guests[1].group = 0;
	tally_begin(&tally, &window, now, stalls);
	report(1)->work = 1;
	play("..");
	stalls++;
	report(1)->work = 1000000;
	play(".");
	assert_int_equal(tally_end(&tally, 1), 0);
	assert_true(window.group[0].jain == 1);
}

/* 5 ms that 9 of 10 parts of a core do not catch up with in less than 45 ms. */
static void test_tally_settle_time_is_backlog_and_longest_period(void **state)
{
	(void)state;
	assert_int_equal(tally_settle_ns(50, 40 * DIS_MS_NS), 45 * DIS_MS_NS);
	assert_int_equal(tally_settle_ns(90, 40 * DIS_MS_NS), 85 * DIS_MS_NS);
	assert_int_equal(tally_settle_ns(95, 40 * DIS_MS_NS), 135 * DIS_MS_NS);
}

static void test_window_counts_with_a_quarter_of_its_slices(void **state)
{
	struct scene_window w = {.slices = 200, .stalled = 150};

	(void)state;
	assert_true(scene_window_counts(&w));
	w.stalled = 151;
	assert_false(scene_window_counts(&w));
	w = (struct scene_window){0};
	assert_false(scene_window_counts(&w));
}

/* Of 6 periods 4 began; 1 of these ended late, 40 ns after its deadline. */
static void test_values_of_deadlines_are_of_all_periods(void **state)
{
	const struct scene_figures group = {.wakes = 4,
					    .misses = 3,
					    .skipped = 2,
					    .stalled_misses = 7,
					    .tardiness_sum_ns = 40};
	const struct grid_view view = {&window, &group, &group};

	(void)state;
	assert_true(grid_periods(&view) == 6);
	assert_true(grid_missed_permille(&view) == 500);
	assert_true(grid_tardiness_mean(&view) == 40);
	assert_true(grid_stalled_misses(&view) == 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tally_without_stalls_counts_all_but_the_last),
		TEST(test_tally_stall_leaves_out_around_it_until_settled),
		TEST(test_tally_settling_starts_again_with_each_stall),
		TEST(test_tally_without_settling_leaves_out_two_slices),
		TEST(test_tally_stall_seen_in_the_last_slice_hits_the_one_before),
		TEST(test_tally_stall_before_the_window_is_settled_in_it),
		TEST(test_tally_second_window_starts_from_nothing),
		TEST(test_tally_adds_what_is_new_by_group),
		TEST(test_tally_fairness_is_of_the_slices_that_count),
		TEST(test_tally_settle_time_is_backlog_and_longest_period),
		TEST(test_window_counts_with_a_quarter_of_its_slices),
		TEST(test_values_of_deadlines_are_of_all_periods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
