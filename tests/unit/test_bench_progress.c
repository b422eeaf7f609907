/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench tells of the time left, off a terminal; the clock is ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "bench/bench.h"

static struct bench_progress progress;
static uint64_t now_s;
static FILE *to;
static char text[4096];

static uint64_t our_ns(void)
{
	return now_s * DIS_S_NS;
}

static int begin(void **state)
{
	(void)state;
	now_s = 0;
	to = tmpfile();
	return to ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	bench_progress_end(&progress);
	return fclose(to);
}

static void open_suite(double guess_s)
{
	bench_progress_open(&progress, to, guess_s);
	progress.now_ns = our_ns;
	progress.start_ns = 0;
}

static void step_at(uint64_t s)
{
	now_s = s;
	bench_progress_step(&progress);
}

static void tick_at(uint64_t s)
{
	now_s = s;
	bench_progress_tick();
}

static void told(const char *expected)
{
	rewind(to);
	text[fread(text, 1, sizeof(text) - 1, to)] = '\0';
	assert_string_equal(text, expected);
}

static void test_progress_short_rounds_are_a_line_each(void **state)
{
	(void)state;
	open_suite(20);
	bench_progress_next(&progress, 20);
	bench_progress_begin(&progress, 3, 2);
	for (uint64_t s = 1; s <= 6; s++)
		step_at(s);
	told("round 2 of 3, about 4 s left\n"
	     "round 3 of 3, about 2 s left\n");
}

static void test_progress_long_round_is_told_each_ten_seconds(void **state)
{
	(void)state;
	open_suite(60);
	bench_progress_next(&progress, 60);
	bench_progress_begin(&progress, 1, 10);
	for (uint64_t s = 4; s <= 40; s += 4)
		step_at(s);
	told("round 1 of 1, about 28 s left\n"
	     "round 1 of 1, about 16 s left\n"
	     "round 1 of 1, about 4 s left\n");
}

/* The first step by the rule, later ones by those before. */
static void test_progress_long_step_is_told_while_it_lasts(void **state)
{
	(void)state;
	open_suite(60);
	bench_progress_next(&progress, 60);
	bench_progress_begin(&progress, 1, 2);
	tick_at(9);
	tick_at(10);
	tick_at(19);
	tick_at(20);
	step_at(25);
	tick_at(29);
	tick_at(30);
	told("round 1 of 1, about 50 s left\n"
	     "round 1 of 1, about 40 s left\n"
	     "round 1 of 1, about 20 s left\n");
}

static void test_progress_overdue_step_has_nothing_left(void **state)
{
	(void)state;
	open_suite(5);
	bench_progress_next(&progress, 5);
	bench_progress_begin(&progress, 1, 1);
	tick_at(12);
	told("round 1 of 1, about 0 s left\n");
}

/* 60 s by the rule took 120: so will the 240 s to come. */
static void test_progress_of_several_tells_what_all_take(void **state)
{
	(void)state;
	open_suite(360);
	bench_progress_next(&progress, 60);
	bench_progress_begin(&progress, 1, 2);
	step_at(60);
	bench_progress_step(&progress);
	bench_progress_end(&progress);
	now_s = 120;
	bench_progress_next(&progress, 60);
	bench_progress_begin(&progress, 1, 2);
	tick_at(130);
	step_at(240);
	told("round 1 of 1, about 60 s left, all in about 11 min\n"
	     "round 1 of 1, about 50 s left, all in about 10 min\n"
	     "round 1 of 1, about 120 s left, all in about 13 min\n");
}

static void test_progress_without_bench_tells_nothing(void **state)
{
	(void)state;
	open_suite(5);
	bench_progress_next(&progress, 5);
	bench_progress_begin(&progress, 1, 1);
	step_at(3);
	tick_at(30);
	bench_progress_end(&progress);
	tick_at(60);
	told("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_progress_short_rounds_are_a_line_each),
		TEST(test_progress_long_round_is_told_each_ten_seconds),
		TEST(test_progress_long_step_is_told_while_it_lasts),
		TEST(test_progress_overdue_step_has_nothing_left),
		TEST(test_progress_of_several_tells_what_all_take),
		TEST(test_progress_without_bench_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
