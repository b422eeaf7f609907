/* SPDX-License-Identifier: Apache-2.0 */
/* Yielding to a vCPU that waits on another core (gang.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define HOGS 6u
#define QUANTUM_NS (10 * MS)

static void yield_to_holder(struct world_vcpu *vcpu)
{
	if (vcpu->arg)
		dis_vcpu_yield_to(vcpu->vcpu, vcpu->arg);
}

/* Looks every 100 us whether it may go on, and says whom it waits for. */
static const struct burst spinner_script[] = {
	{.run_ns = 100 * US, .outcome = DIS_RUN_YIELD, .hook = yield_to_holder}};

/** A spinner alone on core 0; on core 1 the holder and hogs, all of Batch. */
struct bed {
	struct world *w;
	struct world_vcpu *spinner;
	struct world_vcpu *holder;
	struct world_vcpu *hog[HOGS];
};

static void bed_open(struct bed *bed, const struct dis_policy_ops *policy)
{
	struct dis_domain_config cfg = world_config(2);
	struct role roles[2 + HOGS];
	dis_id vm;

	cfg.policy[DIS_CLASS_BATCH] = policy;
	bed->w = world_open(&cfg, 0);
	roles[0] = (struct role){world_intent_on(DIS_CLASS_BATCH, 1),
				 spinner_script, 1};
	for (unsigned i = 1; i < 2 + HOGS; i++)
		roles[i] = (struct role){world_intent_on(DIS_CLASS_BATCH, 2),
					 world_hog, 1};
	vm = world_vm(bed->w, roles, 2 + HOGS);
	bed->spinner = world_vcpu(bed->w, vm, 0);
	bed->holder = world_vcpu(bed->w, vm, 1);
	for (unsigned i = 0; i < HOGS; i++)
		bed->hog[i] = world_vcpu(bed->w, vm, 2 + i);
}

static uint64_t turns(const struct world_vcpu *vcpu)
{
	return world_stats(vcpu).dispatches;
}

/* Until the holder's turn is just over, so that it is behind all others. */
static void pass_holders_turn(struct bed *bed)
{
	uint64_t before = turns(bed->holder);

	while (turns(bed->holder) == before)
		world_run(bed->w, 100 * US);
	world_run(bed->w, QUANTUM_NS);
	assert_int_equal(turns(bed->holder), before + 1);
	assert_int_equal(bed->holder->vcpu->place, DIS_PLACE_RUNQ);
}

static void test_gang_holder_on_another_core_runs_next(void **state)
{
	uint64_t before;
	struct bed bed;

	(void)state;
	bed_open(&bed, NULL);
	pass_holders_turn(&bed);
	before = turns(bed.holder);
	bed.spinner->arg = bed.holder->vcpu;
	world_run(bed.w, QUANTUM_NS + 100 * US);
	assert_int_equal(turns(bed.holder), before + 1);
	assert_int_equal(bed.holder->vcpu->decided.choice, DIS_CHOICE_GANG);
	world_close(bed.w);
}

/* Nobody is interrupted for it: the slice that runs is run to its end. */
static void test_gang_interrupts_nobody(void **state)
{
	uint64_t kicks;
	struct bed bed;

	(void)state;
	bed_open(&bed, NULL);
	pass_holders_turn(&bed);
	kicks = world_core_stats(bed.w, 0).kicks_sent +
		world_core_stats(bed.w, 1).kicks_sent;
	bed.spinner->arg = bed.holder->vcpu;
	world_run(bed.w, 500 * MS);
	assert_int_equal(world_core_stats(bed.w, 0).kicks_sent +
				 world_core_stats(bed.w, 1).kicks_sent,
			 kicks);
	for (unsigned i = 0; i < HOGS; i++)
		assert_int_equal(world_stats(bed.hog[i]).preemptions,
				 world_stats(bed.hog[i]).throttles);
	world_close(bed.w);
}

/* However often it is asked for: twice the turns of the others at most. */
static void test_gang_gets_one_turn_more_per_round(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, NULL);
	bed.spinner->arg = bed.holder->vcpu;
	world_run(bed.w, 7000 * MS);
	for (unsigned i = 0; i < HOGS; i++) {
		assert_true(turns(bed.holder) > turns(bed.hog[i]));
		assert_true(turns(bed.holder) <= 2 * turns(bed.hog[i]) + 1);
		assert_in_range(turns(bed.hog[i]), turns(bed.hog[0]) - 1,
				turns(bed.hog[0]) + 1);
	}
	world_check_ledger(bed.w, 0);
	world_close(bed.w);
}

/* Policies with an order of their own keep it. */
static void test_gang_leaves_other_policies_their_order(void **state)
{
	static const char *const names[] = {"edf", "fair", "priority"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct bed bed;

		bed_open(&bed, dis_policy_find(names[i]));
		bed.spinner->arg = bed.holder->vcpu;
		world_run(bed.w, 2000 * MS);
		assert_int_equal(
			world_core_stats(bed.w, 1).picks[DIS_CHOICE_GANG], 0);
		world_close(bed.w);
	}
}

/* The wish outlives the vCPU that it was for: nothing stale is dispatched. */
static void test_gang_of_an_ended_vm_is_dropped(void **state)
{
	const struct role role = {world_intent_on(DIS_CLASS_BATCH, 2),
				  world_hog, 1};
	struct dis_core *core;
	struct bed bed;
	dis_id other;

	(void)state;
	bed_open(&bed, NULL);
	core = bed.w->core[1].core;
	other = world_vm(bed.w, &role, 1);
	bed.spinner->arg = bed.holder->vcpu;
	while (atomic_load(&core->gang_wanted) == DIS_ID_NONE)
		world_run(bed.w, 10 * US);
	assert_int_equal(dis_vm_end(bed.w->dom, bed.holder->vcpu->vm->id,
				    DIS_STATE_FINISHED, DIS_REASON_STOPPED),
			 0);
	world_settle(bed.w);
	world_run(bed.w, 100 * MS);
	assert_ptr_equal(core->current, world_vcpu(bed.w, other, 0)->vcpu);
	assert_int_equal(atomic_load(&core->gang_wanted), DIS_ID_NONE);
	dis_domain_check(bed.w->dom);
	world_close(bed.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gang_holder_on_another_core_runs_next),
		cmocka_unit_test(test_gang_interrupts_nobody),
		cmocka_unit_test(test_gang_gets_one_turn_more_per_round),
		cmocka_unit_test(test_gang_leaves_other_policies_their_order),
		cmocka_unit_test(test_gang_of_an_ended_vm_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
