/* SPDX-License-Identifier: Apache-2.0 */
/* Those that sleep under the fair policy, beside hogs (R: EVO-D1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/policies.h"
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

static void note_sleep(struct bed *bed, struct bed_actor *a)
{
	a->wake_ns = bed->now_ns;
}

/* How often it left with credit, with debt. */
struct left {
	unsigned credit, debt;
};

/*
 * One that wakes on the other of two busy cores each time, to run for @burst_ns by
 * requests of @slice_ns, gets what it was due while it was awake, and one request.
 */
static struct left wake_by_turns(uint64_t *rng, uint64_t slice_ns,
				 uint64_t burst_ns)
{
	static const struct bed_hooks hooks = {.sleeps = note_sleep};
	struct fair_world w[2];
	struct bed bed[2];
	struct bed_actor sleeper;
	struct left left = {0};
	double due_ns = 0;

	bed_actor_init(&sleeper, 100, slice_ns);
	for (unsigned i = 0; i < 2; i++) {
		open_hogs(&bed[i], &w[i], (unsigned)bed_range(rng, 2, 6), MS,
			  &hooks);
		bed_run(&bed[i], MS);
	}
	for (unsigned i = 0; i < 2000; i++) {
		struct bed *here = &bed[i % 2], *other = &bed[1 - i % 2];
		uint64_t woke_ns = here->now_ns;

		sleeper.burst_ns = burst_ns;
		bed_give(here, &sleeper);
		while (sleeper.where != BED_ASLEEP)
			bed_run(here, here->now_ns + 50 * US);
		due_ns += (double)(sleeper.wake_ns - woke_ns) /
			  (here->actors + 1);
		left.credit += sleeper.e.lag > 0;
		left.debt += sleeper.e.lag < 0;
		bed_run(here, here->now_ns + bed_range(rng, 1, 100 * US));
		bed_run(other, here->now_ns);
	}
	BED_CHECK((double)sleeper.served_ns <=
		  due_ns + (double)dis_ns_max(slice_ns, MS));
	bed_close(&bed[0]);
	bed_close(&bed[1]);
	return left;
}

/* R: EVO-D1 */
static void test_fair_waking_on_other_core_keeps_debt(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		uint64_t slice_ns = bed_range(&rng, 100 * US, 3 * MS);

		assert_true(wake_by_turns(&rng, slice_ns, slice_ns).debt > 1900);
	}
}

/* R: EVO-D1 */
static void test_fair_waking_on_other_core_multiplies_no_credit(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		assert_true(wake_by_turns(&rng, 5 * MS,
					  bed_range(&rng, 10 * US, 100 * US))
				    .credit > 500);
}

/* Before it sleeps: it will wake on the other core. */
static void change_cores(struct world_vcpu *vcpu)
{
	dis_cpumask other = dis_vcpu_intent(vcpu->vcpu).affinity ^ 3u;
	char err[128];

	assert_int_equal(dis_domain_set_affinity(vcpu->world->dom, vcpu->id,
						 other, err, sizeof(err)),
			 0);
}

/* R: EVO-D1: the same through the core, with moves between two of them. */
static void test_fair_napper_that_moves_gets_no_more_than_share(void **state)
{
	static const struct burst nap[] = {{.run_ns = 10 * MS,
					    .outcome = DIS_RUN_HALT,
					    .sleep_ns = US,
					    .hook = change_cores}};
	struct dis_domain_config cfg = world_config(2);
	struct role roles[5];
	struct dis_vcpu_stats stats;
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.policy[DIS_CLASS_BATCH] = &dis_policy_fair;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 5; i++)
		roles[i] = (struct role){world_intent_on(DIS_CLASS_BATCH,
							 1u << i % 2),
					 i < 4 ? world_hog : nap, 1};
	vm = world_vm(w, roles, 5);
	world_run(w, 10 * S);
	stats = world_stats(world_vcpu(w, vm, 4));
	assert_true(stats.migrations > 200);
	assert_in_range(stats.cpu_ns, 10 * S / 3 - 100 * MS,
			10 * S / 3 + 20 * MS);
	world_close(w);
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
		cmocka_unit_test(test_fair_waking_on_other_core_keeps_debt),
		cmocka_unit_test(
			test_fair_waking_on_other_core_multiplies_no_credit),
		cmocka_unit_test(
			test_fair_napper_that_moves_gets_no_more_than_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
