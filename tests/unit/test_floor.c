/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floors: what less urgent classes keep (R: DIS-14). The share is that of CPU
 * time, whatever the class's vCPUs and the more urgent ones do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/vcpu.h"

#define MS DIS_MS_NS
#define US DIS_US_NS

/* One core; 5 % for Interactive, Batch and Background. */
static struct world *open_world(void)
{
	struct dis_domain_config cfg;
	struct dis_domain_config defaults;

	dis_domain_config_init(&defaults);
	cfg = world_config(1);
	cfg.ring_events = 1u << 16;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		cfg.floor_permille[k] = defaults.floor_permille[k];
	return world_open(&cfg, 0);
}

/* CPU time of vCPUs [from, to) of @vm. */
static uint64_t cpu_ns(struct world *w, dis_id vm, unsigned from, unsigned to)
{
	uint64_t sum_ns = 0;

	for (unsigned i = from; i < to; i++)
		sum_ns += world_stats(world_vcpu(w, vm, i)).cpu_ns;
	return sum_ns;
}

/* Longest time from Scheduled to Running of vCPUs [from, to). */
static uint64_t longest_wait_ns(const struct world *w, unsigned from,
				unsigned to)
{
	uint64_t since_ns[16] = {0}, longest_ns = 0;

	for (size_t e = 0; e < w->n_events; e++) {
		const struct dis_event *event = &w->events[e];
		unsigned i = event->vcpu_seq;

		if (event->type != DIS_EVENT_STATE || i < from || i >= to)
			continue;
		if (event->state == DIS_STATE_SCHEDULED)
			since_ns[i] = event->time_ns;
		else if (event->state == DIS_STATE_RUNNING)
			longest_ns = dis_ns_max(longest_ns,
						event->time_ns - since_ns[i]);
	}
	return longest_ns;
}

/* R: DIS-14, BUD-4: each class under a hog of the class above. */
static void test_floor_hog_above_leaves_five_percent(void **state)
{
	(void)state;
	for (unsigned low = DIS_CLASS_INTERACTIVE; low < DIS_CLASSES; low++) {
		const struct role roles[] = {ROLE(low - 1, world_hog),
					     ROLE(low, world_hog)};
		struct world *w = open_world();
		dis_id vm = world_vm(w, roles, 2);

		world_run(w, 20000 * MS);
		assert_in_range(cpu_ns(w, vm, 1, 2), 900 * MS, 1050 * MS);
		world_close(w);
	}
}

/* R: DIS-14: all three under one Realtime hog, and no more than their floors. */
static void test_floor_all_classes_keep_theirs(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_REALTIME, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 4);

	(void)state;
	world_run(w, 20000 * MS);
	for (unsigned i = 1; i < 4; i++)
		assert_in_range(cpu_ns(w, vm, i, i + 1), 850 * MS, 1050 * MS);
	world_close(w);
}

static void test_floor_none_means_strict_order(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_SYSTEM, world_hog),
				     ROLE(DIS_CLASS_REALTIME, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 20000 * MS);
	assert_int_equal(cpu_ns(w, vm, 1, 2), 0);
	world_close(w);
}

/* A slice of a floor says so, and lasts 5 ms. R: ST-6 */
static void test_floor_slice_has_its_reason_and_length(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 102 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 1)),
			    "scheduled/spawn running/floor scheduled/preempt");
	assert_int_equal(cpu_ns(w, vm, 1, 2), 5 * MS);
	world_close(w);
}

/* R: DIS-14: the documented bound, see sched/README.md. */
static void expect_longest_wait(enum dis_class above, uint64_t longest_ns)
{
	const struct role roles[] = {ROLE(above, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();

	world_vm(w, roles, 4);
	world_run(w, 10000 * MS);
	assert_in_range(longest_wait_ns(w, 1, 4), 90 * MS, longest_ns);
	world_close(w);
}

static void test_floor_longest_wait_is_bounded(void **state)
{
	(void)state;
	/* Period, one slice above, two other floors, lateness of the pick. */
	expect_longest_wait(DIS_CLASS_SYSTEM, (95 + 1 + 2 * 5 + 5) * MS);
	/* Due after a period, and the slice has begun one later. */
	expect_longest_wait(DIS_CLASS_REALTIME, (95 + 95) * MS);
}

/* R: DIS-14: an urgent arrival does not wait for a floor slice. */
static void test_floor_slice_gives_way_to_urgent_arrival(void **state)
{
	static const struct burst wakes[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 97 * MS},
		{.run_ns = MS / 2, .outcome = DIS_RUN_HALT}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, wakes)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 96 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	world_run(w, MS + MS / 4);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 2));
	assert_int_equal(world_stats(world_vcpu(w, vm, 2)).wait_ns, 0);
	world_close(w);
}

/* R: DIS-9, DIS-14: nor one that comes in the very step that would start it. */
static void test_floor_start_does_not_delay_urgent_arrival(void **state)
{
	static const struct burst wakes[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 95 * MS},
		{.run_ns = MS / 2, .outcome = DIS_RUN_HALT}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_REALTIME, wakes)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 110 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 2)).wait_ns, 0);
	assert_true(cpu_ns(w, vm, 1, 2) > 0);
	world_close(w);
}

/* R: DIS-14: frequent urgent wakes cut every slice short, not the share. */
static void test_floor_share_holds_under_urgent_wakes(void **state)
{
	static const struct burst ticks[] = {{.run_ns = 20 * US,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 200 * US}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, ticks)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 10000 * MS);
	assert_in_range(cpu_ns(w, vm, 1, 2), 400 * MS, 550 * MS);
	world_close(w);
}

/* R: DIS-14: wakes of its own class are no reason to cut it. */
static void test_floor_slice_is_not_cut_by_own_class(void **state)
{
	static const struct burst nap[] = {{.run_ns = 10 * US,
					    .outcome = DIS_RUN_HALT,
					    .sleep_ns = 12 * MS}};
	static const struct burst once[] = {
		{.run_ns = 10 * US, .outcome = DIS_RUN_HALT}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, nap),
				     ROLE(DIS_CLASS_BACKGROUND, once),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 4);

	(void)state;
	/* Bursts of the two at 95 and 105 ms, then the slice of the hog. */
	world_run(w, 108 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 3));
	assert_int_equal(world_vcpu(w, vm, 1)->vcpu->place, DIS_PLACE_SLEEPQ);
	assert_int_equal(world_vcpu(w, vm, 2)->vcpu->place, DIS_PLACE_BLOCKED);
	/* Timer and message wait for a pass: here is one. */
	world_wake(w, world_vcpu(w, vm, 2));
	world_step(w, 0);
	assert_int_equal(world_vcpu(w, vm, 1)->vcpu->place, DIS_PLACE_RUNQ);
	assert_int_equal(world_vcpu(w, vm, 2)->vcpu->place, DIS_PLACE_RUNQ);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 3));
	world_run(w, 10000 * MS);
	assert_in_range(cpu_ns(w, vm, 1, 4), 450 * MS, 550 * MS);
	world_close(w);
}

/* R: DIS-14: a class of short bursts gets its share, too. */
static void test_floor_share_holds_for_short_bursts(void **state)
{
	static const struct burst ticks[] = {{.run_ns = 100 * US,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 100 * US}};
	struct role roles[9] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world();
	dis_id vm;

	(void)state;
	for (unsigned i = 1; i < 9; i++)
		roles[i] = (struct role)ROLE(DIS_CLASS_BACKGROUND, ticks);
	vm = world_vm(w, roles, 9);
	world_run(w, 10000 * MS);
	assert_in_range(cpu_ns(w, vm, 1, 9), 400 * MS, 550 * MS);
	world_close(w);
}

/* Wakes its partner, then halts: one of the two is always runnable. */
static void wake_partner(struct world_vcpu *vcpu)
{
	dis_vcpu_wake(vcpu->arg);
}

/* R: DIS-14: two that always arrive anew starve nobody. */
static void test_floor_pingpong_above_does_not_starve(void **state)
{
	static const struct burst turn[] = {{.run_ns = 50 * US,
					     .outcome = DIS_RUN_HALT,
					     .hook = wake_partner}};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, turn),
				     ROLE(DIS_CLASS_INTERACTIVE, turn),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm_stopped(w, roles, 4);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		world_vcpu(w, vm, i)->arg = world_vcpu(w, vm, 1 - i)->vcpu;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 10000 * MS);
	assert_in_range(cpu_ns(w, vm, 2, 3), 400 * MS, 550 * MS);
	assert_in_range(cpu_ns(w, vm, 3, 4), 400 * MS, 550 * MS);
	assert_true(longest_wait_ns(w, 2, 4) <= (95 + 4 + 5 + 5) * MS);
	world_close(w);
}

/* R: DIS-14: inside the class it is round robin, by quantum. */
static void test_floor_siblings_share_it_evenly(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm = world_vm(w, roles, 3);
	uint64_t a_ns, b_ns;

	(void)state;
	world_run(w, 40000 * MS);
	a_ns = cpu_ns(w, vm, 1, 2);
	b_ns = cpu_ns(w, vm, 2, 3);
	assert_in_range(a_ns, 950 * MS, 1050 * MS);
	assert_in_range(b_ns, 950 * MS, 1050 * MS);
	world_close(w);
}

/* What a class did not need it does not save up: one slice, then the period. */
static void test_floor_credit_is_one_slice_at_most(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_halt)};
	const struct role late[] = {ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world();
	dis_id vm;

	(void)state;
	world_vm(w, roles, 2);
	world_run(w, 10000 * MS);
	vm = world_vm(w, late, 1);
	world_run(w, 80 * MS);
	assert_true(cpu_ns(w, vm, 0, 1) <= 5 * MS);
	world_close(w);
}

/* The same if it comes in bursts that are shorter than a slice. */
static void test_floor_credit_of_short_bursts_is_one_period(void **state)
{
	static const struct burst ticks[] = {{.run_ns = 100 * US,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 100 * US}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct role late[8];
	struct world *w = open_world();
	dis_id vm;

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		late[i] = (struct role)ROLE(DIS_CLASS_BACKGROUND, ticks);
	world_vm(w, roles, 1);
	world_run(w, 10000 * MS);
	vm = world_vm(w, late, 8);
	world_run(w, 1000 * MS);
	/* 5 %, and that of a period. */
	assert_in_range(cpu_ns(w, vm, 0, 8), 40 * MS, 56 * MS);
	world_close(w);
}

/* R: DIS-14: what a class had while nobody else wanted the core is not held against it. */
static void test_floor_time_without_rivals_costs_one_period(void **state)
{
	static const struct burst ticks[] = {{.run_ns = 100 * US,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 100 * US}};
	static const struct burst late[] = {{.outcome = DIS_RUN_HALT,
					     .sleep_ns = 1000 * MS},
					    {.run_ns = DIS_NEVER_NS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, ticks),
				     ROLE(DIS_CLASS_INTERACTIVE, late)};
	struct world *w = open_world();

	(void)state;
	world_vm(w, roles, 2);
	world_run(w, 1200 * MS);
	assert_in_range(longest_wait_ns(w, 0, 1), 90 * MS, 100 * MS);
	world_close(w);
}

/* Three floors, owed from 20, 45 and 95 ms on, at the end of a slice of 100 ms. */
static void expect_order(const unsigned order[3])
{
	static const unsigned permille[] = {200, 100, 50};
	struct dis_domain_config cfg = world_config(1);
	struct role roles[4] = {ROLE(DIS_CLASS_SYSTEM, world_hog)};
	struct world *w;
	dis_id vm;

	cfg.quantum_ns[DIS_CLASS_SYSTEM] = 100 * MS;
	for (unsigned i = 0; i < 3; i++) {
		unsigned klass = DIS_CLASS_INTERACTIVE + order[i];

		cfg.floor_permille[klass] = permille[i];
		roles[1 + i] = (struct role)ROLE(klass, world_hog);
	}
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 4);
	world_run(w, 98 * MS);
	for (unsigned i = 0; i < 3; i++) {
		world_run(w, 4 * MS);
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1 + i));
	}
	world_close(w);
}

/* R: DIS-14. Not the most urgent class, nor the least: the one that is owed for longest. */
static void test_floor_longest_overdue_goes_first(void **state)
{
	static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		expect_order(orders[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor_hog_above_leaves_five_percent),
		cmocka_unit_test(test_floor_all_classes_keep_theirs),
		cmocka_unit_test(test_floor_none_means_strict_order),
		cmocka_unit_test(test_floor_slice_has_its_reason_and_length),
		cmocka_unit_test(test_floor_longest_wait_is_bounded),
		cmocka_unit_test(test_floor_slice_gives_way_to_urgent_arrival),
		cmocka_unit_test(test_floor_start_does_not_delay_urgent_arrival),
		cmocka_unit_test(test_floor_share_holds_under_urgent_wakes),
		cmocka_unit_test(test_floor_slice_is_not_cut_by_own_class),
		cmocka_unit_test(test_floor_share_holds_for_short_bursts),
		cmocka_unit_test(test_floor_pingpong_above_does_not_starve),
		cmocka_unit_test(test_floor_siblings_share_it_evenly),
		cmocka_unit_test(test_floor_credit_is_one_slice_at_most),
		cmocka_unit_test(
			test_floor_credit_of_short_bursts_is_one_period),
		cmocka_unit_test(
			test_floor_time_without_rivals_costs_one_period),
		cmocka_unit_test(test_floor_longest_overdue_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
