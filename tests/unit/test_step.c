/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduling pass on one core: order, slices, states, accounting; the exact
 * sequences of ST-8 (that of join is in test_join.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS
#define T0 (1000 * MS) /* when the world begins */

static struct world *open_one(void)
{
	struct dis_domain_config cfg = world_config(1);

	return world_open(&cfg, T0);
}

/* R: ST-8, ST-3, ST-6: sleep. */
static void test_step_sleep_walks_exact_states(void **state)
{
	static const struct burst script[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 2 * MS},
		{.run_ns = MS,
		 .outcome = DIS_RUN_FINISH,
		 .reason = DIS_REASON_POWER_OFF},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, script)};
	struct world *w = open_one();
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);
	struct dis_vcpu_stats stats;

	(void)state;
	world_run(w, 10 * MS);
	assert_string_equal(world_history(w, vcpu),
			    "scheduled/spawn running/dispatch sleeping/halt "
			    "scheduled/timer running/dispatch "
			    "finished/power-off");
	stats = world_stats(vcpu);
	assert_int_equal(stats.cpu_ns, 2 * MS);
	assert_int_equal(stats.sleep_ns, 2 * MS);
	assert_int_equal(stats.wait_ns, 0);
	assert_int_equal(stats.blocks, 1);
	assert_int_equal(stats.wakes, 1);
	assert_int_equal(stats.dispatches, 2);
	world_close(w);
}

/* R: ST-6: the event of Sleeping carries the wake time, all carry theirs. */
static void test_step_sleep_events_carry_times(void **state)
{
	static const struct burst script[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 2 * MS},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, script)};
	struct world *w = open_one();

	(void)state;
	world_vm(w, roles, 1);
	world_run(w, 3 * MS);
	assert_int_equal(w->n_events, 5);
	assert_int_equal(w->events[2].state, DIS_STATE_SLEEPING);
	assert_int_equal(w->events[2].time_ns, T0 + MS);
	assert_int_equal(w->events[2].arg, T0 + 3 * MS);
	assert_int_equal(w->events[3].time_ns, T0 + 3 * MS);
	assert_int_equal(w->events[3].cpu, 0);
	world_close(w);
}

/* R: ST-8, BUD-2: throttle. */
static void test_step_throttle_walks_exact_states(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_one();
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 25 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 0)),
			    "scheduled/spawn running/dispatch "
			    "throttled/slice-end scheduled/requeue "
			    "running/dispatch");
	assert_string_equal(world_history(w, world_vcpu(w, vm, 1)),
			    "scheduled/spawn running/dispatch "
			    "throttled/slice-end scheduled/requeue");
	world_close(w);
}

/* R: ST-3 */
static void test_step_halt_without_timer_waits_until_woken(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_halt)};
	struct world *w = open_one();
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);

	(void)state;
	world_run(w, 1000 * MS);
	assert_string_equal(world_history(w, vcpu),
			    "scheduled/spawn running/dispatch waiting/halt");
	world_wake(w, vcpu);
	world_run(w, MS);
	assert_string_equal(world_history(w, vcpu),
			    "scheduled/spawn running/dispatch waiting/halt "
			    "scheduled/interrupt running/dispatch "
			    "waiting/halt");
	world_close(w);
}

static unsigned off_core;

static void on_preempted(void *arg)
{
	(void)arg;
	off_core++;
}

/* Who yielded is off its core, and could go on: whoever spins for it is told. */
static void yield_test(struct world *w, uint64_t turn_ns, unsigned turns)
{
	const struct burst script[] = {
		{.run_ns = turn_ns, .outcome = DIS_RUN_YIELD}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, script),
				     ROLE(DIS_CLASS_BATCH, script),
				     ROLE(DIS_CLASS_BATCH, script)};
	dis_id vm = world_vm(w, roles, 3);

	w->sim.run_ops.preempted = on_preempted;
	off_core = 0;
	for (unsigned i = 0; i < turns; i++) {
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, i % 3));
		world_run(w, turn_ns);
	}
	assert_int_equal(off_core, turns);
	for (unsigned i = 0; i < 3; i++) {
		struct dis_vcpu_stats stats = world_stats(world_vcpu(w, vm, i));

		assert_int_equal(stats.yields, turns / 3);
		assert_int_equal(stats.preemptions, 0);
		assert_int_equal(stats.throttles, 0);
	}
}

/* R: ST-3, DIS-10 */
static void test_step_yield_goes_to_the_tail(void **state)
{
	struct world *w = open_one();

	(void)state;
	yield_test(w, MS, 9);
	world_close(w);
}

/* R: DIS-5, DIS-12: the most urgent class runs first, whatever came first. */
static void test_step_classes_are_dispatched_in_order(void **state)
{
	static const struct burst job[] = {{.run_ns = MS / 2,
					    .outcome = DIS_RUN_FINISH,
					    .reason = DIS_REASON_POWER_OFF}};
	struct world *w = open_one();
	struct world_vcpu *vcpus[DIS_CLASSES];
	unsigned turn = 0;

	(void)state;
	/* One VM each, as each ends its own; least urgent first. */
	for (unsigned k = DIS_CLASSES; k-- > 0;) {
		const struct role role = {world_intent(k), job, 1};
		dis_id vm = world_vm_stopped(w, &role, 1);

		vcpus[k] = world_vcpu(w, vm, 0);
		assert_int_equal(dis_vm_start(w->dom, vm), 0);
	}
	world_settle(w);
	for (; turn < DIS_CLASSES; turn++) {
		assert_ptr_equal(world_running(w, 0), vcpus[turn]);
		world_run(w, MS / 2);
	}
	assert_null(world_running(w, 0));
	assert_int_equal(w->ends, DIS_CLASSES);
	world_close(w);
}

/* R: DIS-13: every more urgent class takes the core at once. */
static void test_step_urgent_wake_preempts_at_once(void **state)
{
	static const struct burst script[] = {
		{.outcome = DIS_RUN_HALT},
		{.run_ns = MS / 2, .outcome = DIS_RUN_HALT},
	};

	(void)state;
	for (unsigned low = 1; low < DIS_CLASSES; low++) {
		const struct role roles[] = {ROLE(low, world_hog),
					     ROLE(low - 1, script)};
		struct world *w = open_one();
		dis_id vm = world_vm(w, roles, 2);
		struct world_vcpu *hog = world_vcpu(w, vm, 0);
		struct world_vcpu *urgent = world_vcpu(w, vm, 1);

		world_run(w, MS / 4);
		assert_ptr_equal(world_running(w, 0), hog);
		world_wake(w, urgent);
		assert_ptr_equal(world_running(w, 0), urgent);
		assert_int_equal(w->core[0].kicks, 1);
		assert_int_equal(world_stats(urgent).wait_ns, 0);
		assert_int_equal(world_stats(hog).preemptions, 1);
		assert_int_equal(world_stats(hog).throttles, 0);
		world_run(w, MS / 2);
		assert_ptr_equal(world_running(w, 0), hog);
		world_close(w);
	}
}

/* A less urgent wake does not even interrupt. */
static void test_step_less_urgent_wake_does_not_preempt(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_halt)};
	struct world *w = open_one();
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	/* Let it halt first: the hog is woken last. */
	world_run(w, MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).preemptions, 0);
	world_wake(w, world_vcpu(w, vm, 1));
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).preemptions, 0);
	world_close(w);
}

/* R: BUD-2: preempted: keeps its place and the rest of its quantum. */
static void test_step_preempted_keeps_place_and_rest_of_quantum(void **state)
{
	static const struct burst script[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 4 * MS},
		{.run_ns = MS, .outcome = DIS_RUN_HALT},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, script),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_one();
	dis_id vm = world_vm(w, roles, 3);
	struct world_vcpu *a = world_vcpu(w, vm, 1);
	struct world_vcpu *b = world_vcpu(w, vm, 2);

	(void)state;
	/* a runs [0,4), is preempted, goes on [5,11); then b. */
	world_run(w, 4 * MS + MS / 2);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	world_run(w, MS);
	assert_ptr_equal(world_running(w, 0), a);
	world_run_until(w, T0 + 11 * MS - 1);
	assert_ptr_equal(world_running(w, 0), a);
	assert_int_equal(world_stats(a).throttles, 0);
	world_run(w, 1);
	assert_ptr_equal(world_running(w, 0), b);
	assert_int_equal(world_stats(a).throttles, 1);
	assert_int_equal(world_stats(a).preemptions, 2);
	assert_int_equal(world_stats(a).cpu_ns, 10 * MS);
	world_close(w);
}

/* R: DIS-5: quanta of the classes; Realtime's is its wcet. */
static void test_step_slice_is_the_class_quantum(void **state)
{
	static const uint64_t quantum_ns[DIS_CLASSES] = {
		[DIS_CLASS_SYSTEM] = 1 * MS,      [DIS_CLASS_REALTIME] = 1 * MS,
		[DIS_CLASS_INTERACTIVE] = 4 * MS, [DIS_CLASS_BATCH] = 10 * MS,
		[DIS_CLASS_BACKGROUND] = 50 * MS,
	};

	(void)state;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct role roles[] = {ROLE(k, world_hog),
					     ROLE(k, world_hog),
					     ROLE(k, world_hog)};
		struct world *w = open_one();
		dis_id vm = world_vm(w, roles, 3);

		for (unsigned i = 0; i < 7; i++) {
			assert_ptr_equal(world_running(w, 0),
					 world_vcpu(w, vm, i % 3));
			world_run(w, quantum_ns[k]);
		}
		world_close(w);
	}
}

/* R: ST-5, DIS-3: the end of one vCPU ends its VM, wherever the others are. */
static void test_step_failure_ends_siblings_in_every_place(void **state)
{
	static const struct burst fails[] = {
		{.run_ns = 5 * MS,
		 .outcome = DIS_RUN_FAIL,
		 .reason = DIS_REASON_TRIPLE_FAULT}};
	static const struct burst sleeps[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 100 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, fails),
				     ROLE(DIS_CLASS_INTERACTIVE, sleeps),
				     ROLE(DIS_CLASS_INTERACTIVE, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_one();
	dis_id vm = world_vm(w, roles, 4);
	struct dis_vm_info info;

	(void)state;
	world_run(w, 10 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 0)),
			    "scheduled/spawn running/dispatch "
			    "failed/triple-fault");
	assert_string_equal(world_history(w, world_vcpu(w, vm, 1)),
			    "scheduled/spawn running/dispatch sleeping/halt "
			    "scheduled/interrupt running/dispatch "
			    "failed/killed");
	assert_string_equal(world_history(w, world_vcpu(w, vm, 2)),
			    "scheduled/spawn running/dispatch waiting/halt "
			    "scheduled/interrupt running/dispatch "
			    "failed/killed");
	assert_string_equal(world_history(w, world_vcpu(w, vm, 3)),
			    "scheduled/spawn running/dispatch failed/killed");
	assert_int_equal(w->ends, 1);
	assert_int_equal(w->ended_state, DIS_STATE_FAILED);
	assert_int_equal(w->ended_reason, DIS_REASON_TRIPLE_FAULT);
	assert_int_equal(dis_vm_get_info(w->dom, vm, &info), 0);
	assert_true(info.ended);
	assert_int_equal(info.state, DIS_STATE_FAILED);
	assert_int_equal(info.reason, DIS_REASON_TRIPLE_FAULT);
	assert_null(world_running(w, 0));
	assert_true(w->core[0].decision.until_ns == DIS_NEVER_NS);
	world_close(w);
}

/* R: DIS-3: a job that blocks after its deadline is a miss, at it is not. */
static void test_step_realtime_late_block_counts_a_miss(void **state)
{
	static const struct burst script[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 10 * MS},
		{.run_ns = 10 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = MS},
		{.run_ns = 10 * MS + 1, .outcome = DIS_RUN_HALT, .sleep_ns = MS},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_REALTIME, script)};
	struct world *w = open_one();
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);

	(void)state;
	world_run(w, 20 * MS);
	assert_int_equal(world_stats(vcpu).jobs, 2);
	assert_int_equal(world_stats(vcpu).deadline_misses, 0);
	world_run(w, 12 * MS);
	assert_int_equal(world_stats(vcpu).jobs, 3);
	assert_int_equal(world_stats(vcpu).deadline_misses, 1);
	world_close(w);
}

/* A hint takes the vCPU down at the end of the run, not up. R: CARD-3 */
static void hint_background(struct world_vcpu *vcpu)
{
	struct dis_intent want = world_intent(DIS_CLASS_BACKGROUND);
	struct dis_intent up = world_intent(DIS_CLASS_SYSTEM);

	assert_int_equal(dis_vcpu_set_intent(vcpu->vcpu, &up), -EPERM);
	assert_int_equal(dis_vcpu_set_intent(vcpu->vcpu, &want), 0);
}

static void test_step_intent_hint_gives_way_to_class_above(void **state)
{
	static const struct burst script[] = {{.run_ns = MS,
					       .outcome = DIS_RUN_CONTINUE,
					       .hook = hint_background},
					      {.run_ns = DIS_NEVER_NS}};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, script),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_one();
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	world_run(w, MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	dis_domain_check(w->dom);
	world_close(w);
}

/* R: EVO-C1: time going back is counted and charged to nobody. */
static void test_step_clock_going_back_stands_still(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_one();
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);

	(void)state;
	world_run(w, 5 * MS);
	world_step(w, 0);
	assert_int_equal(world_stats(vcpu).cpu_ns, 5 * MS);
	dis_core_leave(w->core[0].core);
	dis_core_step(w->core[0].core, T0 + 2 * MS, DIS_NEVER_NS, NULL);
	assert_int_equal(world_stats(vcpu).cpu_ns, 5 * MS);
	assert_int_equal(world_core_stats(w, 0).time_backward, 1);
	dis_core_step(w->core[0].core, T0 + 6 * MS, DIS_NEVER_NS, NULL);
	assert_int_equal(world_stats(vcpu).cpu_ns, 6 * MS);
	world_check_ledger(w, T0);
	world_close(w);
}

/* R: EVO-C1: it grows while running and stands still while blocked. */
static void test_step_ledger_counts_running_time_only(void **state)
{
	static const struct burst script[] = {
		{.run_ns = 3 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = 7 * MS},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, script)};
	struct world *w = open_one();
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);
	struct dis_core_stats core;

	(void)state;
	world_run(w, 100 * MS);
	assert_int_equal(world_stats(vcpu).cpu_ns, 30 * MS);
	assert_int_equal(world_stats(vcpu).sleep_ns, 70 * MS);
	core = world_core_stats(w, 0);
	assert_int_equal(core.charged_ns, 30 * MS);
	assert_int_equal(core.idle_ns, 70 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step_sleep_walks_exact_states),
		cmocka_unit_test(test_step_sleep_events_carry_times),
		cmocka_unit_test(test_step_throttle_walks_exact_states),
		cmocka_unit_test(test_step_halt_without_timer_waits_until_woken),
		cmocka_unit_test(test_step_yield_goes_to_the_tail),
		cmocka_unit_test(test_step_classes_are_dispatched_in_order),
		cmocka_unit_test(test_step_urgent_wake_preempts_at_once),
		cmocka_unit_test(test_step_less_urgent_wake_does_not_preempt),
		cmocka_unit_test(
			test_step_preempted_keeps_place_and_rest_of_quantum),
		cmocka_unit_test(test_step_slice_is_the_class_quantum),
		cmocka_unit_test(test_step_failure_ends_siblings_in_every_place),
		cmocka_unit_test(test_step_realtime_late_block_counts_a_miss),
		cmocka_unit_test(test_step_intent_hint_gives_way_to_class_above),
		cmocka_unit_test(test_step_clock_going_back_stands_still),
		cmocka_unit_test(test_step_ledger_counts_running_time_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
