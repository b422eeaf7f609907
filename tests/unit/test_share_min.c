/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum shares: rates and order (reserve.h, shares.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define SECOND_NS DIS_S_NS

static char err[256];

static struct role reserved(enum dis_class klass, uint16_t min)
{
	struct role role = ROLE(klass, world_hog);

	role.intent.min_permille = min;
	return role;
}

static uint64_t cpu_ns(struct world *w, dis_id vm, unsigned i)
{
	return world_stats(world_vcpu(w, vm, i)).cpu_ns;
}

/* R: DIS-6: any window holds the minimum, none more than is left out of maxima. */
static void test_min_rate_fits_the_window(void **state)
{
	(void)state;
	for (unsigned permille = 1; permille <= 1000; permille++) {
		struct reserve_rate rate = reserve_rate(permille);
		uint64_t whole = SHARE_WINDOW_NS / rate.period_ns - 1;
		uint64_t touched = SHARE_WINDOW_NS / rate.period_ns + 1;

		assert_true(whole * rate.chunk_ns >=
			    share_of_window_ns(permille));
		assert_true(touched * rate.chunk_ns <=
			    reserve_most_ns(permille));
		assert_true(rate.chunk_ns <= rate.period_ns || permille > 900);
	}
}

/* R: DIS-6, DIS-14: below hogs of every class above. */
static void test_min_holds_below_hogs_of_every_class(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {
		ROLE(DIS_CLASS_SYSTEM, world_hog),
		ROLE(DIS_CLASS_INTERACTIVE, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		reserved(DIS_CLASS_BACKGROUND, 250),
	};
	dis_id vm = world_vm(w, roles, 4);

	(void)state;
	world_run(w, 10 * SECOND_NS);
	assert_true(cpu_ns(w, vm, 3) >= 2500 * MS);
	/* Not much more than was set aside. */
	assert_true(cpu_ns(w, vm, 3) <=
		    10 * reserve_pace_ppm(250) * 1000 + 2 * MS);
	world_close(w);
}

/* R: DIS-6: a Realtime vCPU that overruns its wcet takes no minimum. */
static void test_min_holds_beside_realtime_that_overruns(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {
		ROLE(DIS_CLASS_REALTIME, world_hog),
		reserved(DIS_CLASS_BATCH, 500),
	};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 10 * SECOND_NS);
	assert_true(cpu_ns(w, vm, 1) >= 5 * SECOND_NS);
	world_close(w);
}

/* R: DIS-11: Realtime within its wcet keeps its deadlines beside minima. */
static void test_min_leaves_realtime_its_deadlines(void **state)
{
	static const struct burst job[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct world *w = world_open_cores(1);
	struct role roles[] = {
		ROLE(DIS_CLASS_REALTIME, job),
		reserved(DIS_CLASS_BATCH, 400),
		reserved(DIS_CLASS_BACKGROUND, 400),
	};
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 10 * SECOND_NS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).deadline_misses, 0);
	assert_true(world_stats(world_vcpu(w, vm, 0)).blocks > 500);
	assert_true(cpu_ns(w, vm, 1) >= 4 * SECOND_NS);
	assert_true(cpu_ns(w, vm, 2) >= 4 * SECOND_NS);
	world_close(w);
}

static void test_min_dispatch_names_its_reason(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {ROLE(DIS_CLASS_SYSTEM, world_hog),
			       reserved(DIS_CLASS_BATCH, 10)};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 5 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 1)),
			    "scheduled/spawn running/share-min "
			    "scheduled/preempt");
	world_close(w);
}

/*
 * R: DIS-8, EVO-A1: a Realtime vCPU that goes before a minimum does so for what the
 * policy of its class says, and is counted as any choice.
 */
static void expect_realtime_choice(const char *policy, enum dis_choice choice)
{
	static const struct burst job[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct role roles[] = {ROLE(DIS_CLASS_REALTIME, job),
			       ROLE(DIS_CLASS_REALTIME, job),
			       reserved(DIS_CLASS_BATCH, 100)};
	struct dis_domain_config cfg = world_config(1);
	struct dis_core_stats stats;
	uint64_t candidates = 0;
	struct world *w;

	roles[0].intent.deadline_ns = 3 * MS;
	roles[1].intent.deadline_ns = 4 * MS;
	cfg.policy[DIS_CLASS_REALTIME] = dis_policy_find(policy);
	cfg.counters = true;
	w = world_open(&cfg, 0);
	world_vm(w, roles, 3);
	world_run(w, 1000 * MS);
	stats = world_core_stats(w, 0);
	assert_true(stats.picks[DIS_CHOICE_SHARE] > 5);
	assert_true(stats.picks[choice] > 5);
	if (choice != DIS_CHOICE_DEADLINE)
		assert_int_equal(stats.picks[DIS_CHOICE_DEADLINE], 0);
	for (size_t i = 0; i < w->n_events; i++)
		candidates += w->events[i].candidates;
	assert_int_equal(stats.candidates, candidates);
	world_close(w);
}

static void test_min_realtime_before_it_names_its_policy(void **state)
{
	(void)state;
	expect_realtime_choice("edf", DIS_CHOICE_DEADLINE);
	expect_realtime_choice("rr", DIS_CHOICE_TURN);
	expect_realtime_choice("fair", DIS_CHOICE_VIRTUAL_DEADLINE);
	expect_realtime_choice("priority", DIS_CHOICE_PRIORITY);
}

/* Sleeping earns nothing: at most a chunk at the wake. */
static void test_min_sleeper_saves_nothing_up(void **state)
{
	static const struct burst nap[] = {
		{.run_ns = 0, .outcome = DIS_RUN_HALT, .sleep_ns = 500 * MS},
		{.run_ns = 100 * MS, .outcome = DIS_RUN_HALT}};
	struct world *w = world_open_cores(1);
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BACKGROUND, nap)};
	dis_id vm;

	(void)state;
	roles[1].intent.min_permille = 100;
	vm = world_vm(w, roles, 2);
	/* The timer of a less urgent one is seen at the slice end at last. */
	world_run(w, 612 * MS);
	assert_true(cpu_ns(w, vm, 1) >= 10 * MS);
	assert_true(cpu_ns(w, vm, 1) <= 13 * MS);
	world_close(w);
}

/* R: PRE-6: its wake may be owed at once: it waits for no slice end. */
static void test_min_woken_by_message_is_seen_at_once(void **state)
{
	static const struct burst jobs[] = {
		{.run_ns = MS / 10, .outcome = DIS_RUN_HALT}};
	struct world *w = world_open_cores(1);
	struct role roles[] = {ROLE(DIS_CLASS_BACKGROUND, jobs),
			       ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	roles[0].intent.min_permille = 100;
	vm = world_vm(w, roles, 3);
	vcpu = world_vcpu(w, vm, 0);
	world_run(w, 25 * MS);
	assert_int_equal(dis_vcpu_state(vcpu->vcpu), DIS_STATE_WAITING);
	assert_true(w->core[0].core->slice_armed);
	world_wake(w, vcpu);
	assert_ptr_equal(world_running(w, 0), vcpu);
	world_close(w);
}

/* Both begin their periods at once; what runs has its chunk in one piece. */
static void test_min_that_runs_gives_way_to_no_equal(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {reserved(DIS_CLASS_SYSTEM, 400),
			       reserved(DIS_CLASS_SYSTEM, 400),
			       ROLE(DIS_CLASS_SYSTEM, world_hog)};
	uint64_t chunk_ns = reserve_rate(400).chunk_ns;
	struct world_vcpu *first;

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, MS / 2);
	first = world_running(w, 0);
	assert_true(first->vcpu->has_min);
	/* In the middle, and after the end of a slice of the class. */
	assert_true(chunk_ns > 3 * MS / 2);
	for (unsigned i = 0; i < 2; i++) {
		world_step(w, 0);
		assert_ptr_equal(world_running(w, 0), first);
		world_run(w, MS);
	}
	world_run(w, chunk_ns - 5 * MS / 2 + 1);
	assert_ptr_not_equal(world_running(w, 0), first);
	assert_true(world_running(w, 0)->vcpu->has_min);
	world_close(w);
}

/* A Realtime vCPU with a minimum is as urgent as the earlier of its two ends. */
static void test_min_of_realtime_delays_no_deadline(void **state)
{
	static const struct burst job[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct world *w = world_open_cores(1);
	struct role roles[] = {ROLE(DIS_CLASS_REALTIME, job),
			       reserved(DIS_CLASS_BATCH, 400)};
	struct world_vcpu *vcpu;

	(void)state;
	roles[0].intent.min_permille = 100;
	roles[0].intent.deadline_ns = 2 * MS;
	vcpu = world_vcpu(w, world_vm(w, roles, 2), 0);
	world_run(w, SECOND_NS);
	assert_true(world_stats(vcpu).jobs > 90);
	assert_int_equal(world_stats(vcpu).deadline_misses, 0);
	world_close(w);
}

/* R: DIS-6: a VM's minimum is its vCPUs' in equal parts. */
static void test_min_of_vm_is_split_evenly(void **state)
{
	struct world *w = world_open_cores(2);
	struct dis_intent intents[2] = {world_intent(DIS_CLASS_BACKGROUND),
					world_intent(DIS_CLASS_BACKGROUND)};
	const struct role hogs[] = {ROLE(DIS_CLASS_SYSTEM, world_hog),
				    ROLE(DIS_CLASS_SYSTEM, world_hog)};
	struct role roles[] = {{intents[0], world_hog, 1},
			       {intents[1], world_hog, 1}};
	dis_id vm;

	(void)state;
	vm = world_vm_stopped(w, roles, 2);
	assert_int_equal(
		dis_domain_set_shares(w->dom, vm, 500, 0, err, sizeof(err)), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_vm(w, hogs, 2);
	world_run(w, 10 * SECOND_NS);
	for (unsigned i = 0; i < 2; i++)
		assert_true(cpu_ns(w, vm, i) >= 2490 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_min_rate_fits_the_window),
		cmocka_unit_test(test_min_holds_below_hogs_of_every_class),
		cmocka_unit_test(test_min_holds_beside_realtime_that_overruns),
		cmocka_unit_test(test_min_leaves_realtime_its_deadlines),
		cmocka_unit_test(test_min_dispatch_names_its_reason),
		cmocka_unit_test(test_min_realtime_before_it_names_its_policy),
		cmocka_unit_test(test_min_sleeper_saves_nothing_up),
		cmocka_unit_test(test_min_woken_by_message_is_seen_at_once),
		cmocka_unit_test(test_min_that_runs_gives_way_to_no_equal),
		cmocka_unit_test(test_min_of_realtime_delays_no_deadline),
		cmocka_unit_test(test_min_of_vm_is_split_evenly),
	};

	return cmocka_run_group_tests_name("share_min", tests, NULL, NULL);
}
