/* SPDX-License-Identifier: Apache-2.0 */
/* Those that sleep under the fair policy, beside hogs (R: EVO-D1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sim/fair_world.h"

#define US DIS_US_NS
#define MS DIS_MS_NS
#define S DIS_S_NS

/*
 * R: EVO-D1: one that uses less than its share runs by its virtual deadline, its
 * request by weight of all by own weight, however long the slices of others are.
 */
static void test_fair_short_sleepers_run_by_their_deadline(void **state)
{
	struct fair_world w;
	struct bed bed;

	(void)state;
	open_hogs(&bed, &w, 10, 5 * MS, &checked_hooks);
	for (unsigned i = 0; i < 2; i++) {
		make_periodic(&w.actors[i], 10 * MS, 100 * US);
		w.actors[i].e.slice_ns = 100 * US;
	}
	bed_run(&bed, 10 * S);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(w.actors[i].longest_wait_ns <= 10 * 100 * US);
		assert_true(w.actors[i].served_ns >= 10 * S / 100 - MS);
	}
	bed_close(&bed);
}

/* R: EVO-D1: sleeping earns nothing. */
static void test_fair_long_sleeper_gets_no_arrears(void **state)
{
	struct fair_world w;
	struct bed bed;

	(void)state;
	open_hogs(&bed, &w, 2, MS, &checked_hooks);
	w.actors[0].wake_ns = 10 * S;
	bed_run(&bed, 10 * S);
	bed_run(&bed, 10 * S + 100 * MS);
	check_within(w.actors[0].served_ns, 50 * MS, 2 * MS);
	bed_close(&bed);
}

/*
 * R: EVO-D1: napping does not shed debt. One that runs a whole slice, naps and
 * comes back has no more than its share and one request.
 */
static void test_fair_napper_gets_no_more_than_share(void **state)
{
	struct fair_world w;
	struct bed bed;

	(void)state;
	open_hogs(&bed, &w, 3, MS, &checked_hooks);
	make_periodic(&w.actors[0], 1, MS);
	bed_run(&bed, 10 * S);
	assert_true(w.actors[0].served_ns <= 10 * S / 3 + 2 * MS);
	bed_close(&bed);
}

static void ping(struct bed *bed, struct bed_actor *a)
{
	struct fair_world *w = bed->arg;
	struct bed_actor *peer = a == &w->actors[0] ? &w->actors[1]
						    : &w->actors[0];

	peer->wake_ns = bed->now_ns;
	peer->burst_ns = 20 * US;
	a->wake_ns = DIS_NEVER_NS;
	a->burst_ns = 20 * US;
	a->turns++;
}

/* R: EVO-D1: two that wait for each other in turn, beside hogs. */
static void test_fair_ipc_pair_gets_its_share_beside_hogs(void **state)
{
	static const struct bed_hooks hooks = {.sleeps = ping,
					       .check = check_lag};
	struct fair_world w;
	struct bed bed;
	uint64_t both_ns;

	(void)state;
	open_hogs(&bed, &w, 6, 3 * MS, &hooks);
	w.actors[0].burst_ns = 20 * US;
	w.actors[0].e.slice_ns = 200 * US;
	w.actors[1].wake_ns = DIS_NEVER_NS;
	w.actors[1].e.slice_ns = 200 * US;
	bed_run(&bed, 2 * S);
	both_ns = w.actors[0].served_ns + w.actors[1].served_ns;
	/* One competes at a time, but each has a share: 1/5 to 2/6 for both. */
	assert_true(both_ns >= 2 * S / 5 && both_ns <= 2 * S / 3);
	check_within(w.actors[0].served_ns, w.actors[1].served_ns, 20 * US);
	bed_close(&bed);
}

/* R: EVO-D1: many VMs, of which each is a hog, a sleeper or a mix. */
static void test_fair_many_vms_hogs_share_what_is_left_evenly(void **state)
{
	struct fair_world w;
	struct bed bed;
	uint64_t left_ns = 10 * S;

	(void)state;
	open_hogs(&bed, &w, ACTORS_MAX, MS, &checked_hooks);
	for (unsigned i = 0; i < ACTORS_MAX / 2; i++)
		make_periodic(&w.actors[i], (50 + i) * MS, 200 * US);
	bed_run(&bed, 10 * S);
	for (unsigned i = 0; i < ACTORS_MAX / 2; i++)
		left_ns -= w.actors[i].served_ns;
	for (unsigned i = ACTORS_MAX / 2; i < ACTORS_MAX; i++)
		check_within(w.actors[i].served_ns, left_ns / (ACTORS_MAX / 2),
			     left_ns / (ACTORS_MAX / 2) / 100);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fair_short_sleepers_run_by_their_deadline),
		cmocka_unit_test(test_fair_long_sleeper_gets_no_arrears),
		cmocka_unit_test(test_fair_napper_gets_no_more_than_share),
		cmocka_unit_test(test_fair_ipc_pair_gets_its_share_beside_hogs),
		cmocka_unit_test(
			test_fair_many_vms_hogs_share_what_is_left_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
