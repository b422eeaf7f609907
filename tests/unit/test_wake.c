/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a vCPU goes when it wakes (R: DIS-9, DIS-13, EVO-B2). Wakes that reach an
 * idle core by an offer are in test_placement.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst short_job[] = {
	{.run_ns = MS / 10, .outcome = DIS_RUN_HALT}};
static const struct burst naps[] = {
	{.run_ns = MS / 10, .outcome = DIS_RUN_HALT, .sleep_ns = 2 * MS}};

/* Starts one vCPU on core @core; it may be moved from there. */
static struct world_vcpu *start_on(struct world *w, unsigned core,
				   enum dis_class klass,
				   const struct burst *script)
{
	const struct role role = {world_intent(klass), script, 1};
	dis_id vm = world_vm_stopped(w, &role, 1);

	world_start_on(w, vm, core);
	return world_vcpu(w, vm, 0);
}

static void pin_on(struct world *w, unsigned core, enum dis_class klass,
		   const struct burst *script)
{
	const struct role role = {world_intent_on(klass, 1ull << core), script,
				  1};

	world_vm(w, &role, 1);
}

/* R: DIS-13: its own core, if that idles too: the cache is warm there. */
static void test_wake_both_cores_idle_stays_where_it_ran(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 1, DIS_CLASS_BATCH, short_job);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		world_run(w, MS);
		world_wake(w, vcpu);
		assert_int_equal(world_core_of(vcpu), 1);
	}
	assert_int_equal(world_stats(vcpu).migrations, 0);
	assert_int_equal(world_core_stats(w, 1).wake_warm, 10);
	world_close(w);
}

/*
 * R: DIS-13, EVO-B2: a sleeper whose core runs an equal is woken in time, by and
 * on a core that idled before, and sleeps there from then on.
 */
static void test_wake_sleeper_behind_hog_goes_to_idle_core(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, naps);
	unsigned kicks;

	(void)state;
	world_run(w, MS);
	assert_int_equal(dis_vcpu_state(vcpu->vcpu), DIS_STATE_SLEEPING);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	world_run(w, 2 * MS);
	assert_int_equal(world_core_of(vcpu), 1);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	assert_int_equal(world_core_stats(w, 0).wake_idle, 1);
	kicks = w->core[0].kicks;
	world_run(w, 100 * MS);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	assert_int_equal(world_stats(vcpu).migrations, 1);
	assert_int_equal(w->core[0].kicks, kicks);
	world_close(w);
}

/* R: EVO-B2: the same if the other core becomes idle only later. */
static void test_wake_sleeper_is_seen_to_by_core_idle_later(void **state)
{
	static const struct burst once[] = {
		{.run_ns = 3 * MS / 2, .outcome = DIS_RUN_HALT}};
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, naps);

	(void)state;
	world_run(w, MS / 2);
	pin_on(w, 1, DIS_CLASS_BATCH, once);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	/* Nobody idles: it is not worth an interruption. */
	assert_true(w->core[0].decision.until_ns >= 10 * MS);
	world_run(w, 3 * MS / 2 - 1);
	assert_non_null(w->core[1].decision.vcpu);
	world_run(w, MS);
	assert_int_equal(world_core_of(vcpu), 1);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	world_close(w);
}

/* R: DIS-13: more urgent than what runs there: no move at all. */
static void test_wake_more_urgent_stays_and_preempts(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 1, DIS_CLASS_BACKGROUND, world_hog);
	world_wake(w, vcpu);
	assert_int_equal(world_core_of(vcpu), 0);
	assert_ptr_equal(world_running(w, 0), vcpu);
	world_close(w);
}

/* R: DIS-13: behind a more urgent one: the core that runs the least urgent. */
static void test_wake_behind_realtime_takes_least_urgent_core(void **state)
{
	struct world *w = world_open_cores(3);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_REALTIME, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 2, DIS_CLASS_BACKGROUND, world_hog);
	world_wake(w, vcpu);
	assert_ptr_equal(world_running(w, 2), vcpu);
	assert_int_equal(world_core_stats(w, 0).wake_moved, 1);
	world_close(w);
}

/* R: EVO-B2: also by a message that would wait for the end of the slice. */
static void test_wake_behind_equal_takes_batch_core_at_once(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_INTERACTIVE, world_hog);
	pin_on(w, 0, DIS_CLASS_INTERACTIVE, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	assert_true(w->core[0].core->slice_armed);
	world_wake(w, vcpu);
	assert_ptr_equal(world_running(w, 1), vcpu);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	world_close(w);
}

/* Many at once must not all take the one core that runs something less urgent. */
static void test_wake_of_many_spreads_them(void **state)
{
	static const struct burst nap[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 20 * MS}};
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu[6];
	unsigned moved = 0;

	(void)state;
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	for (unsigned i = 0; i < 6; i++)
		vcpu[i] = start_on(w, 0, DIS_CLASS_INTERACTIVE, nap);
	world_run(w, 10 * MS);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(dis_vcpu_state(vcpu[i]->vcpu),
				 DIS_STATE_SLEEPING);
	world_run(w, 40 * MS);
	for (unsigned i = 0; i < 6; i++)
		moved += world_core_of(vcpu[i]) == 1;
	assert_in_range(moved, 1, 4);
	world_close(w);
}

/* R: DIS-13: with a longer queue here than there it goes there, once. */
static void test_wake_behind_long_queue_goes_to_short_one(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, short_job);

	(void)state;
	world_run(w, MS);
	for (unsigned i = 0; i < 4; i++)
		pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	world_run(w, MS);
	world_wake(w, vcpu);
	world_run(w, 20 * MS);
	assert_int_equal(world_core_of(vcpu), 1);
	assert_int_equal(world_stats(vcpu).migrations, 1);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	world_close(w);
}

/* R: DIS-13: a queue that is shorter by one is not worth a cold cache. */
static void test_wake_behind_queue_longer_by_one_stays(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, short_job);

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	world_wake(w, vcpu);
	world_run(w, 30 * MS);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	assert_int_equal(world_core_of(vcpu), 0);
	world_close(w);
}

/* The same behind one that is alone: by the wake, and not by a push after it. */
static void test_wake_behind_lone_equal_takes_batch_core_at_once(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_INTERACTIVE, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	world_wake(w, vcpu);
	assert_ptr_equal(world_running(w, 1), vcpu);
	assert_int_equal(world_core_stats(w, 0).wake_moved, 1);
	assert_int_equal(world_core_stats(w, 0).pushes, 0);
	world_close(w);
}

/* One pass wakes three: one for each core that runs Batch, and the other waits. */
static void test_wake_of_three_takes_each_batch_core_once(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu[3];
	unsigned moved = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		vcpu[i] = start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);
		world_run(w, MS);
		assert_int_equal(world_core_of(vcpu[i]), 0);
	}
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	for (unsigned i = 0; i < 3; i++)
		dis_vcpu_wake(vcpu[i]->vcpu);
	world_settle(w);
	for (unsigned i = 0; i < 3; i++)
		moved += world_core_of(vcpu[i]);
	assert_int_equal(moved, 1);
	assert_int_equal(world_core_stats(w, 0).wake_moved, 1);
	assert_int_equal(world_core_stats(w, 0).pushes, 0);
	world_close(w);
}

static void wake_other(struct world_vcpu *vcpu)
{
	struct world_vcpu *other = vcpu->arg;

	dis_vcpu_wake_by(other->vcpu, vcpu->vcpu);
}

/* Wakes another one after 5 ms. */
static const struct burst calls[] = {
	{.run_ns = 5 * MS, .outcome = DIS_RUN_CONTINUE, .hook = wake_other},
	{.run_ns = DIS_NEVER_NS}};

/*
 * One that sleeps on core 0 is woken by one on core 1. Beside the latter so many Batch
 * hogs are on the cores. Return: where it goes.
 */
static unsigned core_after_call(const unsigned *hogs, unsigned cores)
{
	const struct role role = {world_intent_on(DIS_CLASS_BATCH, 2), calls, 1};
	struct role caller = role;
	struct world *w = world_open_cores(cores);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, short_job);
	unsigned core;
	dis_id vm;

	caller.bursts = 2;
	world_run(w, MS);
	vm = world_vm_stopped(w, &caller, 1);
	world_vcpu(w, vm, 0)->arg = vcpu;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	for (unsigned i = 0; i < cores; i++)
		for (unsigned n = 0; n < hogs[i]; n++)
			pin_on(w, i, DIS_CLASS_BATCH, world_hog);
	/* To the end of the slice on core 0. */
	world_run(w, 16 * MS);
	assert_int_equal(world_stats(vcpu).wakes, 1);
	core = world_core_of(vcpu);
	world_close(w);
	return core;
}

/* R: EVO-B3: those who talk come together, if that costs nothing. */
static void test_wake_by_other_core_goes_there_if_it_has_no_more(void **state)
{
	(void)state;
	assert_int_equal(core_after_call((unsigned[]){2, 1}, 2), 1);
	assert_int_equal(core_after_call((unsigned[]){2, 2}, 2), 0);
	/* Before the core with the least to do. */
	assert_int_equal(core_after_call((unsigned[]){4, 2, 1}, 3), 1);
	assert_int_equal(core_after_call((unsigned[]){4, 4, 1}, 3), 2);
}

/* R: DIS-9: but a core where it runs at once goes before that. */
static void test_wake_by_other_core_goes_where_it_runs_at_once(void **state)
{
	struct role caller = {world_intent_on(DIS_CLASS_SYSTEM, 2), calls, 2};
	struct world *w = world_open_cores(3);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);
	dis_id vm;

	(void)state;
	world_run(w, MS);
	vm = world_vm_stopped(w, &caller, 1);
	world_vcpu(w, vm, 0)->arg = vcpu;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	pin_on(w, 0, DIS_CLASS_SYSTEM, world_hog);
	pin_on(w, 2, DIS_CLASS_BATCH, world_hog);
	world_run(w, 5 * MS);
	assert_ptr_equal(world_running(w, 2), vcpu);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	assert_int_equal(world_stats(vcpu).migrations, 1);
	world_close(w);
}

/* What it had waited before it slept counts no more, also not elsewhere. */
static void test_wake_moved_waits_from_then_on(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, short_job);
	struct dis_queue_stats stats;

	(void)state;
	world_run(w, 1000 * MS);
	pin_on(w, 0, DIS_CLASS_REALTIME, world_hog);
	pin_on(w, 1, DIS_CLASS_BATCH, world_hog);
	world_wake(w, vcpu);
	assert_ptr_equal(world_running(w, 1), vcpu);
	assert_int_equal(dis_core_get_queue(w->core[1].core,
					    DIS_CLASS_INTERACTIVE, &stats),
			 0);
	assert_int_equal(stats.waits, 1);
	assert_int_equal(stats.wait_ns, 0);
	world_close(w);
}

/* R: EVO-B2: of several sleepers behind a hog the first is seen to, whatever its class. */
static void test_wake_first_of_sleepers_goes_to_idle_core(void **state)
{
	static const struct burst long_naps[] = {{.run_ns = MS / 10,
						  .outcome = DIS_RUN_HALT,
						  .sleep_ns = 20 * MS}};
	struct world *w = world_open_cores(2);
	struct world_vcpu *later =
		start_on(w, 0, DIS_CLASS_INTERACTIVE, long_naps);
	struct world_vcpu *vcpu;

	(void)state;
	world_run(w, MS);
	vcpu = start_on(w, 0, DIS_CLASS_BATCH, naps);
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_INTERACTIVE, world_hog);
	assert_int_equal(dis_vcpu_state(later->vcpu), DIS_STATE_SLEEPING);
	assert_int_equal(dis_vcpu_state(vcpu->vcpu), DIS_STATE_SLEEPING);
	world_run(w, 3 * MS / 2);
	assert_int_equal(world_core_of(vcpu), 1);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	world_close(w);
}

/* R: EVO-B2: a wake of Batch is worth no interruption, but for an idle core. */
static void test_wake_of_batch_waits_for_the_slice_end(void **state)
{
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu = start_on(w, 0, DIS_CLASS_BATCH, short_job);
	unsigned kicks;

	(void)state;
	world_run(w, MS);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 0, DIS_CLASS_BATCH, world_hog);
	pin_on(w, 1, DIS_CLASS_BACKGROUND, world_hog);
	assert_true(w->core[0].core->slice_armed);
	kicks = w->core[0].kicks;
	world_wake(w, vcpu);
	assert_int_equal(w->core[0].kicks, kicks);
	assert_int_equal(world_core_of(vcpu), 0);
	/* Then it goes where it runs at once. */
	world_run(w, 10 * MS);
	assert_int_equal(world_core_of(vcpu), 1);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	world_close(w);
}

/* R: EVO-B2: where many are bound to busy cores, no pass looks for idle ones. */
static void test_wake_reach_names_only_cores_of_those_who_wait(void **state)
{
	const struct role bound = {world_intent_on(DIS_CLASS_BATCH, 0x3),
				   world_hog, 1};
	struct world *w = world_open_cores(4);
	dis_cpumask reach = 0;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		world_vm(w, &bound, 1);
	for (unsigned i = 0; i < 4; i++)
		reach |= atomic_load(&w->core[i].core->runq.reach);
	assert_int_equal(reach, 0x3);
	w->core[2].rings = 0;
	world_run(w, 100 * MS);
	assert_int_equal(w->core[2].rings, 0);
	world_close(w);
}

/* R: EVO-B2: when nobody waits any more nobody is looked for. */
static void test_wake_reach_ends_with_who_waited(void **state)
{
	const struct role bound = {world_intent_on(DIS_CLASS_BATCH, 0x3),
				   short_job, 1};
	const struct role free_one = {world_intent(DIS_CLASS_BATCH), short_job,
				      1};
	struct world *w = world_open_cores(4);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		world_vm(w, &bound, 1);
		world_vm(w, &free_one, 1);
	}
	assert_int_not_equal(atomic_load(&w->core[0].core->runq.reach), 0);
	world_run(w, 10 * MS);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(atomic_load(&w->core[i].core->runq.reach), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wake_both_cores_idle_stays_where_it_ran),
		cmocka_unit_test(test_wake_sleeper_behind_hog_goes_to_idle_core),
		cmocka_unit_test(
			test_wake_sleeper_is_seen_to_by_core_idle_later),
		cmocka_unit_test(test_wake_more_urgent_stays_and_preempts),
		cmocka_unit_test(
			test_wake_behind_realtime_takes_least_urgent_core),
		cmocka_unit_test(
			test_wake_behind_equal_takes_batch_core_at_once),
		cmocka_unit_test(
			test_wake_behind_lone_equal_takes_batch_core_at_once),
		cmocka_unit_test(test_wake_of_many_spreads_them),
		cmocka_unit_test(test_wake_of_three_takes_each_batch_core_once),
		cmocka_unit_test(
			test_wake_by_other_core_goes_there_if_it_has_no_more),
		cmocka_unit_test(
			test_wake_by_other_core_goes_where_it_runs_at_once),
		cmocka_unit_test(test_wake_moved_waits_from_then_on),
		cmocka_unit_test(test_wake_first_of_sleepers_goes_to_idle_core),
		cmocka_unit_test(test_wake_of_batch_waits_for_the_slice_end),
		cmocka_unit_test(test_wake_behind_long_queue_goes_to_short_one),
		cmocka_unit_test(test_wake_behind_queue_longer_by_one_stays),
		cmocka_unit_test(
			test_wake_reach_names_only_cores_of_those_who_wait),
		cmocka_unit_test(test_wake_reach_ends_with_who_waited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
