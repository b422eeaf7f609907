/* SPDX-License-Identifier: Apache-2.0 */
/* The last 60 seconds of a domain (R: DIS-15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dis/collect.h>

#include "lib/world.h"

#define MS DIS_MS_NS
#define S DIS_S_NS

/* A hog that sleeps in every other second. */
static const struct burst second_on[] = {
	{.run_ns = 1 * S, .outcome = DIS_RUN_HALT, .sleep_ns = 1 * S}};

static struct world *open_world(struct dis_collector *c)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, second_on)};
	struct world *w = world_open_cores(1);

	world_vm(w, roles, 1);
	dis_collect_begin(c, w->dom, 0);
	return w;
}

static void test_collect_before_a_second_no_sample(void **state)
{
	struct dis_collector c;
	struct world *w = open_world(&c);

	(void)state;
	world_run(w, 999 * MS);
	assert_false(dis_collect_tick(&c, w->dom, w->now_ns));
	assert_int_equal(dis_collect_count(&c), 0);
	assert_null(dis_collect_get(&c, 0));
	assert_int_equal(dis_collect_average(&c).span_ns, 0);
	world_close(w);
}

static void test_collect_each_second_what_happened_in_it(void **state)
{
	struct dis_collector c;
	struct world *w = open_world(&c);

	(void)state;
	for (unsigned i = 1; i <= 4; i++) {
		world_run_until(w, i * S);
		assert_true(dis_collect_tick(&c, w->dom, w->now_ns));
		assert_false(dis_collect_tick(&c, w->dom, w->now_ns));
	}
	for (unsigned i = 0; i < 4; i++) {
		const struct dis_sample *sample = dis_collect_get(&c, i);

		assert_int_equal(sample->end_ns, (i + 1) * S);
		assert_int_equal(sample->span_ns, S);
		assert_int_equal(sample->during.cpu_ns, i % 2 ? 0 : S);
		assert_int_equal(sample->during.idle_ns, i % 2 ? S : 0);
	}
	assert_int_equal(dis_collect_average(&c).during.cpu_ns, S / 2);
	assert_int_equal(dis_collect_average(&c).during.created, 0);
	world_close(w);
}

/* Lengths are of the moment, not what was added to them. */
static void test_collect_lengths_are_those_at_the_end(void **state)
{
	static const struct burst long_sleep[] = {
		{.run_ns = 1 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = 10 * S}};
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, long_sleep),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct dis_collector c;

	(void)state;
	roles[1].intent.max_permille = 10;
	world_vm(w, roles, 2);
	dis_collect_begin(&c, w->dom, 0);
	for (unsigned i = 1; i <= 3; i++) {
		world_run_until(w, i * S);
		assert_true(dis_collect_tick(&c, w->dom, w->now_ns));
	}
	for (unsigned i = 0; i < 3; i++) {
		const struct dis_sample *sample = dis_collect_get(&c, i);

		assert_int_equal(sample->during.queued, 2);
		assert_int_equal(sample->during.sleeping, 1);
		assert_int_equal(sample->during.parked, 1);
	}
	world_close(w);
}

/* 100 seconds: the first 40 are gone. */
static void test_collect_more_than_sixty_wraps(void **state)
{
	struct dis_collector c;
	struct world *w = open_world(&c);

	(void)state;
	for (unsigned i = 1; i <= 100; i++) {
		world_run_until(w, i * S);
		dis_collect_tick(&c, w->dom, w->now_ns);
	}
	assert_int_equal(dis_collect_count(&c), DIS_COLLECT_SAMPLES);
	assert_int_equal(dis_collect_get(&c, 0)->end_ns, 41 * S);
	assert_int_equal(dis_collect_get(&c, 59)->end_ns, 100 * S);
	assert_null(dis_collect_get(&c, 60));
	assert_int_equal(dis_collect_average(&c).during.cpu_ns, S / 2);
	assert_int_equal(dis_collect_average(&c).end_ns, 100 * S);
	world_close(w);
}

/* R: PRE-3: one long interval, and the beat stays. */
static void test_collect_ticks_missing_one_sample_for_all(void **state)
{
	struct dis_collector c;
	struct world *w = open_world(&c);

	(void)state;
	world_run(w, 3500 * MS);
	assert_true(dis_collect_tick(&c, w->dom, w->now_ns));
	assert_int_equal(dis_collect_count(&c), 1);
	assert_int_equal(dis_collect_get(&c, 0)->span_ns, 3500 * MS);
	assert_int_equal(dis_collect_get(&c, 0)->during.cpu_ns, 2000 * MS);
	world_run(w, 499 * MS);
	assert_false(dis_collect_tick(&c, w->dom, w->now_ns));
	world_run(w, 1 * MS);
	assert_true(dis_collect_tick(&c, w->dom, w->now_ns));
	assert_int_equal(dis_collect_get(&c, 1)->span_ns, 500 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collect_before_a_second_no_sample),
		cmocka_unit_test(test_collect_each_second_what_happened_in_it),
		cmocka_unit_test(test_collect_lengths_are_those_at_the_end),
		cmocka_unit_test(test_collect_more_than_sixty_wraps),
		cmocka_unit_test(test_collect_ticks_missing_one_sample_for_all),
	};

	return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
