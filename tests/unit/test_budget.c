/* SPDX-License-Identifier: Apache-2.0 */
/* Quantum and throttling (R: BUD-1 to BUD-4, PRE-1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS

static struct world *open_one(unsigned floor_permille)
{
	struct dis_domain_config cfg = world_config(1);

	cfg.floor_permille[DIS_CLASS_BATCH] = floor_permille;
	cfg.floor_permille[DIS_CLASS_BACKGROUND] = floor_permille;
	return world_open(&cfg, 0);
}

/* A VM of @n hogs without declared intent. */
static dis_id undeclared_hogs(struct world *w, unsigned n)
{
	struct role roles[8];

	assert_true(n <= 8);
	for (unsigned i = 0; i < n; i++)
		roles[i] = (struct role){dis_intent_default(), world_hog, 1};
	return world_vm(w, roles, n);
}

/* R: BUD-1 */
static void test_budget_undeclared_quantum_is_5ms(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 2);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, i % 2));
		world_run(w, 5 * MS - 1);
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, i % 2));
		world_run(w, 1);
	}
	world_close(w);
}

/* R: BUD-1 */
static void test_budget_quantum_is_configurable_at_launch(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.default_quantum_ns = MS / 5;
	w = world_open(&cfg, 0);
	vm = undeclared_hogs(w, 2);
	world_run(w, 100 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttles, 250);
	world_close(w);
}

/* R: BUD-1, PRE-1: the next arm uses the new length, no restart. */
static void test_budget_live_change_holds_from_next_arm(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 2);

	(void)state;
	world_run(w, 2 * MS);
	assert_int_equal(dis_domain_set_default_quantum(w->dom, MS), 0);
	/* The running slice was armed before. */
	world_run_until(w, 5 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	for (unsigned i = 1; i < 10; i++) {
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, i % 2));
		world_run(w, MS);
	}
	/* And longer again: from the next arm as well. */
	assert_int_equal(dis_domain_set_default_quantum(w->dom, 7 * MS), 0);
	for (unsigned i = 0; i < 4; i++) {
		world_run(w, 7 * MS - 1);
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, i % 2));
		world_run(w, 1);
	}
	world_close(w);
}

/*
 * R: PRE-1, EVO-D1: fair asks for the new length too. What wakes with a shorter
 * request goes before the rest of a longer one, which was the shorter one before.
 */
static void test_budget_live_change_is_the_request_of_fair(void **state)
{
	static const struct burst ticks[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS},
	};
	struct dis_domain_config cfg = world_config(1);
	const struct role roles[] = {{dis_intent_default(), world_hog, 1},
				     ROLE(DIS_CLASS_BATCH, ticks)};
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find("fair");
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 2);
	world_run(w, 100 * MS);
	assert_int_equal(dis_domain_set_default_quantum(w->dom, 40 * MS), 0);
	world_run(w, 400 * MS);
	/* Of 50; 33 if every slice of the hog were waited for. */
	assert_true(world_vcpu(w, vm, 1)->bursts_done >= 44);
	world_close(w);
}

/* R: EVO-D1: who asks for less at a time gets as much of it, in more pieces. */
static void test_budget_slice_of_an_intent_is_the_request_of_fair(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct role roles[] = {{dis_intent_default(), world_hog, 1},
			       {dis_intent_default(), world_hog, 1}};
	struct dis_vcpu_stats brief, usual;
	struct world *w;
	dis_id vm;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		roles[i].intent.declared = true;
	roles[0].intent.slice_ns = 2 * MS;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find("fair");
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 2);
	world_run(w, 1000 * MS);
	brief = world_stats(world_vcpu(w, vm, 0));
	usual = world_stats(world_vcpu(w, vm, 1));
	assert_in_range(brief.cpu_ns, 488 * MS, 512 * MS);
	assert_in_range(brief.throttles, 240, 256);
	assert_in_range(usual.throttles, 48, 51);
	world_close(w);
}

/* R: BUD-1 */
static void test_budget_quantum_of_zero_is_refused(void **state)
{
	struct world *w = open_one(0);

	(void)state;
	assert_int_equal(dis_domain_set_default_quantum(w->dom, 0), -EINVAL);
	world_close(w);
}

/* R: BUD-2: what it used before a preemption counts after it. */
static void test_budget_consumed_adds_up_across_preemptions(void **state)
{
	static const struct burst ticks[] = {
		{.run_ns = MS / 10, .outcome = DIS_RUN_HALT, .sleep_ns = MS},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, ticks),
				     {dis_intent_default(), world_hog, 1},
				     {dis_intent_default(), world_hog, 1}};
	struct world *w = open_one(0);
	dis_id vm = world_vm(w, roles, 3);
	struct world_vcpu *a = world_vcpu(w, vm, 1);
	struct dis_vcpu_stats stats;

	(void)state;
	/* 5 ms in pieces of 1 ms with 0.1 ms between. */
	world_run_until(w, 5 * MS + 5 * MS / 10 - 1);
	assert_ptr_equal(world_running(w, 0), a);
	world_run(w, 1);
	stats = world_stats(a);
	assert_int_equal(stats.cpu_ns, 5 * MS);
	assert_int_equal(stats.throttles, 1);
	assert_int_equal(stats.preemptions, 5);
	world_close(w);
}

static void test_budget_voluntary_exit_resets_consumed(void **state)
{
	static const struct burst bursts[] = {
		{.run_ns = 4 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = MS},
	};
	const struct role roles[] = {{dis_intent_default(), bursts, 1},
				     {dis_intent_default(), world_hog, 1}};
	struct world *w = open_one(0);
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 1000 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttles, 0);
	assert_true(world_stats(world_vcpu(w, vm, 1)).throttles > 50);
	world_close(w);
}

/* R: BUD-3: the counter is per vCPU and equals the events. */
static void test_budget_throttle_counter_equals_events(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 3);

	(void)state;
	world_run(w, 300 * MS);
	for (unsigned i = 0; i < 3; i++) {
		struct world_vcpu *vcpu = world_vcpu(w, vm, i);
		unsigned events = 0;

		for (size_t e = 0; e < w->n_events; e++)
			events += w->events[e].vcpu == vcpu->id &&
				  w->events[e].type == DIS_EVENT_STATE &&
				  w->events[e].state == DIS_STATE_THROTTLED;
		assert_int_equal(world_stats(vcpu).throttles, events);
		assert_int_equal(events, 20);
	}
	world_close(w);
}

/* R: BUD-2, BUD-3: alone there is nobody to make room for. */
static void test_budget_lone_hog_is_never_throttled(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 1);

	(void)state;
	world_run(w, 1000 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttles, 0);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).dispatches, 1);
	world_close(w);
}

/* R: BUD-2: over its quantum already, it gives way to the first who comes. */
static void test_budget_overdue_hog_gives_way_to_equal_wake(void **state)
{
	const struct role roles[] = {{dis_intent_default(), world_halt, 1},
				     {dis_intent_default(), world_hog, 1}};
	struct world *w = open_one(0);
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 100 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	world_wake(w, world_vcpu(w, vm, 0));
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).wait_ns, 0);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).dispatches, 2);
	assert_int_equal(world_stats(world_vcpu(w, vm, 1)).throttles, 1);
	world_close(w);
}

/* R: BUD-4: equal priority. */
static void test_budget_hog_and_equal_sibling_interleave(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 2);

	(void)state;
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 2; i++) {
		struct dis_vcpu_stats stats = world_stats(world_vcpu(w, vm, i));

		assert_int_equal(stats.cpu_ns, 500 * MS);
		assert_int_equal(stats.dispatches, 100 + (i == 0));
	}
	world_close(w);
}

/* R: BUD-4, DIS-14: lower priority: the class's floor. */
static void test_budget_hog_and_lower_sibling_interleave(void **state)
{
	const struct role roles[] = {{dis_intent_default(), world_hog, 1},
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_one(50);
	dis_id vm = world_vm(w, roles, 2);
	struct dis_vcpu_stats low;

	(void)state;
	world_run(w, 10000 * MS);
	low = world_stats(world_vcpu(w, vm, 1));
	assert_in_range(low.cpu_ns, 450 * MS, 550 * MS);
	assert_true(low.dispatches >= 90);
	world_close(w);
}

/* R: BUD-4: nobody waits longer than all others' quanta. */
static void test_budget_longest_wait_is_bounded_by_others_quanta(void **state)
{
	struct world *w = open_one(0);
	dis_id vm = undeclared_hogs(w, 8);
	uint64_t since_ns[8] = {0};

	(void)state;
	world_run(w, 4000 * MS);
	for (size_t e = 0; e < w->n_events; e++) {
		const struct dis_event *event = &w->events[e];

		if (event->state == DIS_STATE_SCHEDULED)
			since_ns[event->vcpu_seq] = event->time_ns;
		else if (event->state == DIS_STATE_RUNNING)
			assert_true(event->time_ns - since_ns[event->vcpu_seq] <=
				    7 * 5 * MS);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(world_stats(world_vcpu(w, vm, i)).cpu_ns,
				 500 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget_undeclared_quantum_is_5ms),
		cmocka_unit_test(test_budget_quantum_is_configurable_at_launch),
		cmocka_unit_test(test_budget_live_change_holds_from_next_arm),
		cmocka_unit_test(test_budget_live_change_is_the_request_of_fair),
		cmocka_unit_test(
			test_budget_slice_of_an_intent_is_the_request_of_fair),
		cmocka_unit_test(test_budget_quantum_of_zero_is_refused),
		cmocka_unit_test(
			test_budget_consumed_adds_up_across_preemptions),
		cmocka_unit_test(test_budget_voluntary_exit_resets_consumed),
		cmocka_unit_test(test_budget_throttle_counter_equals_events),
		cmocka_unit_test(test_budget_lone_hog_is_never_throttled),
		cmocka_unit_test(
			test_budget_overdue_hog_gives_way_to_equal_wake),
		cmocka_unit_test(test_budget_hog_and_equal_sibling_interleave),
		cmocka_unit_test(test_budget_hog_and_lower_sibling_interleave),
		cmocka_unit_test(
			test_budget_longest_wait_is_bounded_by_others_quanta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
