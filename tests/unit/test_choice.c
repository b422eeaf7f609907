/* SPDX-License-Identifier: Apache-2.0 */
/* Why a vCPU was chosen: each reason in a situation made for it (R: DIS-8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst short_burst[] = {
	{.run_ns = 1 * MS, .outcome = DIS_RUN_HALT}};

static struct world *open_world(enum dis_class klass, const char *policy)
{
	struct dis_domain_config cfg = world_config(1);

	cfg.policy[klass] = dis_policy_find(policy);
	return world_open(&cfg, 0);
}

/* The last dispatch's event, which the checks of a test look at. */
static const struct dis_event *last_dispatch(const struct world *w)
{
	for (size_t i = w->n_events; i-- > 0;)
		if (w->events[i].type == DIS_EVENT_STATE &&
		    w->events[i].state == DIS_STATE_RUNNING)
			return &w->events[i];
	fail_msg("no dispatch");
	return NULL;
}

static void expect(const struct world *w, unsigned vcpu, enum dis_choice choice)
{
	const struct dis_event *event = last_dispatch(w);

	assert_int_equal(event->vcpu_seq, vcpu);
	assert_string_equal(dis_choice_name(event->choice),
			    dis_choice_name(choice));
}

static void test_choice_nobody_else_alone_with_whole_slice(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");

	(void)state;
	world_vm(w, roles, 1);
	expect(w, 0, DIS_CHOICE_ALONE);
	assert_int_equal(last_dispatch(w)->slice_ns, 10 * MS);
	assert_int_equal(last_dispatch(w)->candidates, 1);
	assert_int_equal(last_dispatch(w)->priority, 100);
	world_close(w);
}

static void test_choice_round_robin_turn_with_wait_and_candidates(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, 25 * MS);
	expect(w, 2, DIS_CHOICE_TURN);
	assert_int_equal(last_dispatch(w)->arg, 20 * MS);
	assert_int_equal(last_dispatch(w)->candidates, 3);
	world_close(w);
}

static void test_choice_only_one_of_top_class_class(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");

	(void)state;
	world_vm(w, roles, 2);
	expect(w, 1, DIS_CHOICE_CLASS);
	world_close(w);
}

static void test_choice_wake_of_urgent_class_urgent(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, short_burst)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	world_run(w, 3 * MS);
	world_wake(w, world_vcpu(w, vm, 1));
	expect(w, 1, DIS_CHOICE_URGENT);
	assert_int_equal(last_dispatch(w)->arg, 0);
	world_close(w);
}

/* What is left of a quantum is what the decision says. */
static void test_choice_back_after_preemption_rest_of_slice(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, short_burst)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	world_run(w, 4 * MS);
	world_wake(w, world_vcpu(w, vm, 1));
	world_run(w, 2 * MS);
	expect(w, 0, DIS_CHOICE_ALONE);
	assert_int_equal(last_dispatch(w)->slice_ns, 7 * MS);
	assert_int_equal(last_dispatch(w)->arg, 1 * MS);
	world_close(w);
}

static void test_choice_class_owed_time_floor(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BACKGROUND] = 50;
	w = world_open(&cfg, 0);
	world_vm(w, roles, 2);
	world_run(w, 97 * MS);
	expect(w, 1, DIS_CHOICE_FLOOR);
	assert_int_equal(last_dispatch(w)->slice_ns, 5 * MS);
	world_close(w);
}

static void test_choice_edf_two_jobs_deadline_with_time_left(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_REALTIME, short_burst),
				     ROLE(DIS_CLASS_REALTIME, short_burst)};
	struct world *w = open_world(DIS_CLASS_REALTIME, "edf");

	(void)state;
	world_vm(w, roles, 2);
	expect(w, 0, DIS_CHOICE_DEADLINE);
	/* R: DIS-9: 10 ms to the deadline, on the class's base of 10. */
	assert_int_equal(last_dispatch(w)->priority, 20);
	world_close(w);
}

static void test_choice_edf_without_deadlines_turn(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "edf");

	(void)state;
	world_vm(w, roles, 2);
	expect(w, 0, DIS_CHOICE_TURN);
	world_close(w);
}

static void test_choice_fair_virtual_deadline(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "fair");

	(void)state;
	world_vm(w, roles, 2);
	expect(w, 0, DIS_CHOICE_VIRTUAL_DEADLINE);
	world_close(w);
}

static void test_choice_priority_most_urgent_priority(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "priority");
	dis_id vm;

	(void)state;
	vm = world_vm_stopped(w, roles, 2);
	world_vcpu(w, vm, 1)->vcpu->entity.priority = 90;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	expect(w, 1, DIS_CHOICE_PRIORITY);
	assert_int_equal(last_dispatch(w)->priority, 90);
	world_close(w);
}

/* One level less urgent, it comes after 4 ms of waiting, at a slice end. */
static void test_choice_priority_waited_for_long_aged(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "priority");
	dis_id vm;

	(void)state;
	vm = world_vm_stopped(w, roles, 3);
	world_vcpu(w, vm, 2)->vcpu->entity.priority = 101;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 21 * MS);
	expect(w, 2, DIS_CHOICE_AGED);
	world_close(w);
}

/* R: DIS-9: two wait past their targets; the one with the shorter goes first. */
static void test_choice_interactive_past_target_boost_reorders(void **state)
{
	struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog)};
	struct world *w = open_world(DIS_CLASS_INTERACTIVE, "rr");

	(void)state;
	roles[1].intent.latency_ns = 1000 * MS;
	world_vm(w, roles, 3);
	world_run(w, 5 * MS);
	expect(w, 2, DIS_CHOICE_BOOST);
	world_close(w);
}

/* R: DIS-9: a long target is no sentence: its time comes as well. */
static void test_choice_interactive_long_target_served_past_it(void **state)
{
	struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog)};
	struct world *w = open_world(DIS_CLASS_INTERACTIVE, "rr");
	dis_id vm;

	(void)state;
	roles[1].intent.latency_ns = 100 * MS;
	vm = world_vm(w, roles, 3);
	world_run(w, 120 * MS);
	assert_in_range(world_stats(world_vcpu(w, vm, 1)).dispatches, 1, 2);
	world_run(w, 1000 * MS);
	assert_in_range(world_stats(world_vcpu(w, vm, 1)).wait_ns /
				world_stats(world_vcpu(w, vm, 1)).dispatches,
			90 * MS, 120 * MS);
	world_close(w);
}

static void test_choice_interactive_under_fair_not_boosted(void **state)
{
	struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, world_hog)};
	struct world *w = open_world(DIS_CLASS_INTERACTIVE, "fair");

	(void)state;
	roles[1].intent.latency_ns = 1000 * MS;
	world_vm(w, roles, 3);
	world_run(w, 5 * MS);
	expect(w, 1, DIS_CHOICE_VIRTUAL_DEADLINE);
	world_close(w);
}

static void test_choice_ended_while_queued_none(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(DIS_CLASS_BATCH, "rr");
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED);
	world_settle(w);
	expect(w, 1, DIS_CHOICE_NONE);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice_nobody_else_alone_with_whole_slice),
		cmocka_unit_test(
			test_choice_round_robin_turn_with_wait_and_candidates),
		cmocka_unit_test(test_choice_only_one_of_top_class_class),
		cmocka_unit_test(test_choice_wake_of_urgent_class_urgent),
		cmocka_unit_test(
			test_choice_back_after_preemption_rest_of_slice),
		cmocka_unit_test(test_choice_class_owed_time_floor),
		cmocka_unit_test(
			test_choice_edf_two_jobs_deadline_with_time_left),
		cmocka_unit_test(test_choice_edf_without_deadlines_turn),
		cmocka_unit_test(test_choice_fair_virtual_deadline),
		cmocka_unit_test(test_choice_priority_most_urgent_priority),
		cmocka_unit_test(test_choice_priority_waited_for_long_aged),
		cmocka_unit_test(
			test_choice_interactive_past_target_boost_reorders),
		cmocka_unit_test(
			test_choice_interactive_long_target_served_past_it),
		cmocka_unit_test(test_choice_interactive_under_fair_not_boosted),
		cmocka_unit_test(test_choice_ended_while_queued_none),
	};

	return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
