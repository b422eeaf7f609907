/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the end of a VM (R: ST-5, ST-8). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static dis_id target;

static const struct burst joins[] = {
	{.run_ns = MS, .outcome = DIS_RUN_JOIN, .join = &target},
	{.run_ns = MS,
	 .outcome = DIS_RUN_FINISH,
	 .reason = DIS_REASON_POWER_OFF},
};
static const struct burst finishes[] = {{.run_ns = 5 * MS,
					 .outcome = DIS_RUN_FINISH,
					 .reason = DIS_REASON_POWER_OFF}};
static const struct burst fails[] = {{.run_ns = 5 * MS,
				      .outcome = DIS_RUN_FAIL,
				      .reason = DIS_REASON_TRIPLE_FAULT}};

static const char joined_history[] =
	"scheduled/spawn running/dispatch waiting/child-exit "
	"scheduled/joined running/dispatch finished/power-off";

static dis_id one(struct world *w, const struct burst *script, unsigned bursts)
{
	const struct role role = {world_intent(DIS_CLASS_BATCH), script, bursts};

	return world_vm(w, &role, 1);
}

/* What the event of the joiner's wake says of the end. */
static uint64_t told(const struct world *w, const struct world_vcpu *vcpu)
{
	for (size_t e = 0; e < w->n_events; e++)
		if (w->events[e].vcpu == vcpu->id &&
		    w->events[e].reason == DIS_REASON_JOINED)
			return w->events[e].arg;
	fail_msg("it was not told");
	return 0;
}

static void join_test(unsigned cores, const struct burst *script,
		      enum dis_state expected)
{
	struct world *w = world_open_cores(cores);
	struct world_vcpu *joiner;
	dis_id vm;

	target = one(w, script, 1);
	vm = one(w, joins, 2);
	joiner = world_vcpu(w, vm, 0);
	world_run(w, 100 * MS);
	assert_string_equal(world_history(w, joiner), joined_history);
	assert_int_equal(told(w, joiner), expected);
	assert_int_equal(dis_vcpu_joined(joiner->vcpu), expected);
	assert_int_equal(atomic_load(&w->dom->joining), 0);
	dis_domain_check(w->dom);
	world_close(w);
}

/* R: ST-5, ST-8 */
static void test_join_finished_vm_wakes_and_tells(void **state)
{
	(void)state;
	join_test(1, finishes, DIS_STATE_FINISHED);
}

/* R: ST-5, ST-8 */
static void test_join_failed_vm_wakes_and_tells(void **state)
{
	(void)state;
	join_test(1, fails, DIS_STATE_FAILED);
}

/* R: ST-5, EVO-B2: the VM ends on another core. */
static void test_join_across_cores_wakes_and_tells(void **state)
{
	(void)state;
	join_test(2, finishes, DIS_STATE_FINISHED);
	join_test(4, fails, DIS_STATE_FAILED);
}

/* R: ST-5: the end alone wakes it, not an interrupt. */
static void test_join_waits_until_the_end(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *joiner;

	(void)state;
	target = one(w, finishes, 1);
	joiner = world_vcpu(w, one(w, joins, 2), 0);
	world_run(w, 4 * MS);
	world_wake(w, joiner);
	assert_int_equal(joiner->vcpu->state, DIS_STATE_WAITING);
	assert_int_equal(joiner->vcpu->reason, DIS_REASON_CHILD_EXIT);
	world_run(w, MS);
	assert_int_equal(joiner->vcpu->state, DIS_STATE_RUNNING);
	world_close(w);
}

/* R: ST-5: ended before, but not reaped: known at once. */
static void test_join_ended_vm_returns_at_once(void **state)
{
	struct world *w = world_open_cores(1);
	struct world_vcpu *joiner;

	(void)state;
	target = one(w, fails, 1);
	world_run(w, 10 * MS);
	joiner = world_vcpu(w, one(w, joins, 2), 0);
	world_run(w, 2 * MS);
	assert_string_equal(world_history(w, joiner), joined_history);
	assert_int_equal(told(w, joiner), DIS_STATE_FAILED);
	world_close(w);
}

static void reap(struct world *w, dis_id vm)
{
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
}

/* R: ST-5, DIS-1: a stale ID is refused, also if the slot lives again. */
static void test_join_stale_id_is_refused(void **state)
{
	struct world *w = world_open_cores(1);
	struct world_vcpu *joiner;

	(void)state;
	target = one(w, finishes, 1);
	world_run(w, 10 * MS);
	reap(w, target);
	one(w, world_hog, 1);
	joiner = world_vcpu(w, one(w, joins, 2), 0);
	world_run(w, 100 * MS);
	assert_string_equal(world_history(w, joiner), joined_history);
	assert_int_equal(told(w, joiner), 0);
	assert_int_equal(dis_vcpu_joined(joiner->vcpu), DIS_STATE_SCHEDULED);
	world_close(w);
}

/* R: ST-5: it would wait for ever. */
static void test_join_own_vm_is_refused(void **state)
{
	struct world *w = world_open_cores(1);
	struct world_vcpu *joiner;

	(void)state;
	target = one(w, joins, 2);
	joiner = world_vcpu(w, target, 0);
	world_run(w, 100 * MS);
	assert_string_equal(world_history(w, joiner), joined_history);
	assert_int_equal(told(w, joiner), 0);
	world_close(w);
}

/* R: ST-5 */
static void test_join_many_joiners_are_all_told(void **state)
{
	struct world *w = world_open_cores(3);
	dis_id vms[12];

	(void)state;
	target = one(w, finishes, 1);
	for (unsigned i = 0; i < 12; i++)
		vms[i] = one(w, joins, 2);
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(told(w, world_vcpu(w, vms[i], 0)),
				 DIS_STATE_FINISHED);
	assert_int_equal(w->ends, 13);
	world_close(w);
}

/* Another VM's end is not theirs. */
static void test_join_other_end_does_not_wake(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *joiner;

	(void)state;
	target = one(w, world_halt, 1);
	joiner = world_vcpu(w, one(w, joins, 2), 0);
	one(w, finishes, 1);
	world_run(w, 100 * MS);
	assert_int_equal(w->ends, 1);
	assert_int_equal(joiner->vcpu->place, DIS_PLACE_JOINING);
	world_close(w);
}

/*
 * R: ST-5, EVO-B4: the slot is kept until every joiner was told, also by a core
 * that is slow to look.
 */
static void test_join_reap_waits_for_joiners(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *joiner;
	dis_id vm;

	(void)state;
	target = one(w, finishes, 1);
	vm = one(w, joins, 2);
	joiner = world_vcpu(w, vm, 0);
	world_run(w, 2 * MS);
	assert_int_equal(vcpu_core(joiner->vcpu)->index, 1);
	/* Core 0 ends it, lets go; core 1 has not looked yet. */
	w->now_ns = 5 * MS;
	world_step(w, 0);
	assert_int_equal(w->ends, 1);
	assert_int_equal(dis_vm_reap_begin(w->dom, target), 0);
	world_step(w, 0);
	assert_int_equal(dis_vm_reap_finish(w->dom, target), -EAGAIN);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, target), 0);
	assert_int_equal(told(w, joiner), DIS_STATE_FINISHED);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_finished_vm_wakes_and_tells),
		cmocka_unit_test(test_join_failed_vm_wakes_and_tells),
		cmocka_unit_test(test_join_across_cores_wakes_and_tells),
		cmocka_unit_test(test_join_waits_until_the_end),
		cmocka_unit_test(test_join_ended_vm_returns_at_once),
		cmocka_unit_test(test_join_stale_id_is_refused),
		cmocka_unit_test(test_join_own_vm_is_refused),
		cmocka_unit_test(test_join_many_joiners_are_all_told),
		cmocka_unit_test(test_join_other_end_does_not_wake),
		cmocka_unit_test(test_join_reap_waits_for_joiners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
