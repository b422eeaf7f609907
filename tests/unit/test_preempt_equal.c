/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wakes takes the core from one of its own class where the policy says so,
 * in the middle of a slice: by virtual deadline, by priority (R: DIS-11, DIS-13).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst on_wake[] = {
	{.outcome = DIS_RUN_HALT},
	{.run_ns = MS, .outcome = DIS_RUN_CONTINUE},
};
static const struct burst on_timer[] = {
	{.outcome = DIS_RUN_HALT, .sleep_ns = 3 * MS},
	{.run_ns = MS, .outcome = DIS_RUN_CONTINUE},
};

/* Whose turn the policy says comes earlier: a sleeper's than the hog's? */
enum rank {
	LATER,
	EARLIER
};

/* Weights make virtual deadlines: the requests are all one quantum long. */
static struct dis_intent sleeper_of(enum rank rank)
{
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);

	intent.has_priority = true;
	intent.priority = rank == EARLIER ? 10 : 200;
	intent.weight = rank == EARLIER ? 8192 : 128;
	return intent;
}

/* A hog, and a sleeper that wakes after 3 ms of its slice. */
static void wake_in_slice(const char *policy, const struct burst *script,
			  enum rank rank)
{
	struct dis_domain_config cfg = world_config(1);
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       {sleeper_of(rank), script, 2}};
	struct world_vcpu *hog, *sleeper;
	struct world *w;
	dis_id vm;

	roles[0].intent.has_priority = true;
	roles[0].intent.priority = 100;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find(policy);
	w = world_open(&cfg, 0);
	vm = world_vm(w, &roles[1], 1);
	sleeper = world_vcpu(w, vm, 0);
	hog = world_vcpu(w, world_vm(w, roles, 1), 0);
	world_run(w, 3 * MS);
	if (script == on_wake)
		world_wake(w, sleeper);
	if (rank == EARLIER) {
		assert_ptr_equal(w->core[0].decision.vcpu, sleeper->vcpu);
		assert_int_equal(world_stats(hog).cpu_ns, 3 * MS);
		world_run(w, MS);
	}
	/* It has the rest of its slice again, or has it still. */
	assert_ptr_equal(w->core[0].decision.vcpu, hog->vcpu);
	assert_int_equal(world_stats(hog).preemptions, rank == EARLIER);
	assert_int_equal(world_stats(hog).throttles, 0);
	world_close(w);
}

static void test_fair_earlier_virtual_deadline_preempts_at_wake(void **state)
{
	(void)state;
	wake_in_slice("fair", on_wake, EARLIER);
	wake_in_slice("fair", on_wake, LATER);
}

static void test_fair_earlier_virtual_deadline_preempts_by_timer(void **state)
{
	(void)state;
	wake_in_slice("fair", on_timer, EARLIER);
	wake_in_slice("fair", on_timer, LATER);
}

static void test_priority_more_urgent_preempts_at_wake(void **state)
{
	(void)state;
	wake_in_slice("priority", on_wake, EARLIER);
	wake_in_slice("priority", on_wake, LATER);
}

static void test_priority_more_urgent_preempts_by_timer(void **state)
{
	(void)state;
	wake_in_slice("priority", on_timer, EARLIER);
	wake_in_slice("priority", on_timer, LATER);
}

/* The same while others wait, so that the core would look at the slice end anyway. */
static void test_earlier_one_preempts_before_an_armed_slice_end(void **state)
{
	static const char *const policies[] = {"fair", "priority"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct dis_domain_config cfg = world_config(1);
		struct role roles[] = {{sleeper_of(EARLIER), on_wake, 2},
				       ROLE(DIS_CLASS_BATCH, world_hog),
				       ROLE(DIS_CLASS_BATCH, world_hog)};
		struct world_vcpu *sleeper;
		struct world *w;

		roles[1].intent.has_priority = roles[2].intent.has_priority =
			true;
		roles[1].intent.priority = roles[2].intent.priority = 100;
		cfg.policy[DIS_CLASS_BATCH] = dis_policy_find(policies[i]);
		w = world_open(&cfg, 0);
		sleeper = world_vcpu(w, world_vm(w, roles, 3), 0);
		world_run(w, 3 * MS);
		assert_int_equal(dis_vcpu_state(sleeper->vcpu),
				 DIS_STATE_WAITING);
		assert_true(w->core[0].core->slice_armed);
		world_wake(w, sleeper);
		assert_ptr_equal(w->core[0].decision.vcpu, sleeper->vcpu);
		world_close(w);
	}
}

/* Turns know no preference: whoever wakes waits for the slice's end. */
static void test_turns_wake_preempts_nobody(void **state)
{
	(void)state;
	wake_in_slice("rr", on_wake, LATER);
	wake_in_slice("rr", on_timer, LATER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_fair_earlier_virtual_deadline_preempts_at_wake),
		cmocka_unit_test(
			test_fair_earlier_virtual_deadline_preempts_by_timer),
		cmocka_unit_test(test_priority_more_urgent_preempts_at_wake),
		cmocka_unit_test(test_priority_more_urgent_preempts_by_timer),
		cmocka_unit_test(
			test_earlier_one_preempts_before_an_armed_slice_end),
		cmocka_unit_test(test_turns_wake_preempts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
