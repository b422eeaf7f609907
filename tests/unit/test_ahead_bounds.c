/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anticipation (sched/ahead.h): what it may cost others, for whom it is, and that
 * the cost is learned of each victim and core.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test_ahead_fixture.h"

#define CREDIT_MAX_NS (5 * DIS_MS_NS)
/* A wait that has begun is not cut short. */
#define WAIT_MAX_NS (250 * DIS_US_NS)

/* It asks for its core so often that what is saved up cannot last. */
static const struct burst often[] = {
	{.run_ns = 10 * DIS_US_NS,
	 .outcome = DIS_RUN_HALT,
	 .sleep_ns = 300 * DIS_US_NS},
};

static void test_ahead_waits_take_a_tenth_of_the_core_at_most(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed_with(&intent, often, 200 * DIS_US_NS);
	uint64_t from_ns, waited_ns, hog_ns, passed_ns, most_ns;

	(void)state;
	pass_sleeps(&bed, 400);
	/* What was learned is far too much from now on, for a while. */
	bed.w->late_ns = 0;
	from_ns = bed.w->now_ns;
	waited_ns = world_core_stats(bed.w, 0).ahead_ns;
	hog_ns = world_stats(bed.hog).cpu_ns;
	pass_sleeps(&bed, 100);
	passed_ns = bed.w->now_ns - from_ns;
	most_ns = passed_ns / 10 + CREDIT_MAX_NS + WAIT_MAX_NS;
	waited_ns = world_core_stats(bed.w, 0).ahead_ns - waited_ns;
	assert_in_range(waited_ns, CREDIT_MAX_NS, most_ns);
	hog_ns = world_stats(bed.hog).cpu_ns - hog_ns;
	assert_true(hog_ns >= passed_ns - most_ns - 101 * often[0].run_ns);
	world_check_ledger(bed.w, DIS_S_NS);
	world_close(bed.w);
}

static void test_ahead_spent_credit_is_earned_again(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	pass_sleeps(&bed, 50);
	assert_true(next_lateness(&bed) <= STEP_NS);
	bed.w->core[0].core->ahead.credit_ns = -(int64_t)(DIS_MS_NS / 2);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(next_lateness(&bed), COST_NS);
	pass_sleeps(&bed, 2);
	assert_true(next_lateness(&bed) <= STEP_NS);
	world_close(bed.w);
}

static void test_ahead_small_cost_is_not_worth_a_lead(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, AHEAD_WORTH_NS - 1);

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(next_lateness(&bed), AHEAD_WORTH_NS - 1);
	bed.w->late_ns = AHEAD_WORTH_NS;
	pass_sleeps(&bed, 1);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(next_lateness(&bed), 0);
	world_close(bed.w);
}

static struct dis_intent realtime(uint64_t deadline_ns)
{
	struct dis_intent intent = world_intent(DIS_CLASS_REALTIME);

	intent.period_ns = DIS_MS_NS;
	intent.wcet_ns = 100 * DIS_US_NS;
	intent.deadline_ns = deadline_ns;
	return intent;
}

static void test_ahead_realtime_is_woken_in_time(void **state)
{
	struct dis_intent intent = realtime(DIS_MS_NS);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	expect_taught(&bed);
	world_close(bed.w);
}

/* A quarter of what the worst case leaves of the deadline. */
static void test_ahead_near_deadline_limits_the_lead(void **state)
{
	struct dis_intent intent = realtime(140 * DIS_US_NS);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	pass_sleeps(&bed, 50);
	assert_int_equal(next_lateness(&bed), COST_NS - 10 * DIS_US_NS);
	world_close(bed.w);
}

static uint64_t by_victim(struct world *w, unsigned core,
			  enum dis_sim_signal signal)
{
	const struct dis_vcpu *vcpu = w->core[core].decision.vcpu;

	if (signal != DIS_SIM_TIMER || !vcpu)
		return 0;
	return vcpu->klass == DIS_CLASS_BATCH        ? COST_NS
	       : vcpu->klass == DIS_CLASS_BACKGROUND ? COST_NS / 3
						     : 0;
}

static void test_ahead_two_kinds_of_victims_are_told_apart(void **state)
{
	static const struct burst busy[] = {{.run_ns = 5 * DIS_MS_NS,
					     .outcome = DIS_RUN_HALT,
					     .sleep_ns = 5 * DIS_MS_NS}};
	const struct role role = ROLE(DIS_CLASS_BATCH, busy);
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	const uint64_t *lead_ns = bed.w->core[0].core->ahead.lead_ns;

	(void)state;
	bed.w->delay_ns = by_victim;
	world_vm(bed.w, &role, 1);
	pass_sleeps(&bed, 300);
	assert_in_range(lead_ns[DIS_CLASS_BATCH], COST_NS - STEP_NS, COST_NS);
	assert_in_range(lead_ns[DIS_CLASS_BACKGROUND], COST_NS / 3 - STEP_NS,
			COST_NS / 3);
	world_close(bed.w);
}

static uint64_t by_core(struct world *w, unsigned core,
			enum dis_sim_signal signal)
{
	(void)w;
	if (signal != DIS_SIM_TIMER)
		return 0;
	return core ? COST_NS / 3 : COST_NS;
}

static void test_ahead_each_core_learns_its_own_cost(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	struct world *w = world_open(&cfg, DIS_S_NS);

	(void)state;
	w->delay_ns = by_core;
	for (unsigned i = 0; i < 2; i++) {
		const struct role roles[] = {
			{world_intent_on(DIS_CLASS_INTERACTIVE, 1u << i),
			 sleeper, 1},
			{world_intent_on(DIS_CLASS_BACKGROUND, 1u << i),
			 world_hog, 1},
		};

		world_vm(w, roles, 2);
	}
	world_run(w, 100 * SLEEP_NS);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t cost_ns = by_core(w, i, DIS_SIM_TIMER);

		assert_in_range(
			w->core[i].core->ahead.lead_ns[DIS_CLASS_BACKGROUND],
			cost_ns - STEP_NS, cost_ns);
	}
	world_close(w);
}

/*
 * The sleeper is entered early by 50 us, runs for @ran_ns, and says that it had
 * @slack_ns to wait. Return: what it was charged for that.
 */
static uint64_t charged_for(uint64_t ran_ns, int64_t slack_ns)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	struct world *w = bed.w;
	struct dis_core *core = w->core[0].core;
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;
	uint64_t due_ns, ahead_ns;
	int64_t credit_ns;

	pass_sleeps(&bed, 10);
	vcpu->entry_ns = 50 * DIS_US_NS;
	due_ns = w->now_ns + SLEEP_NS;
	halt(w, core, due_ns, 100 * DIS_US_NS, DIS_SLACK_NONE);
	assert_int_equal(vcpu->wake_ns, due_ns - 50 * DIS_US_NS);
	w->now_ns = vcpu->wake_ns;
	w->core[0].decision =
		dis_core_step(core, w->now_ns, DIS_NEVER_NS, NULL);
	assert_ptr_equal(w->core[0].decision.vcpu, vcpu);
	assert_true(dis_core_enter(core));
	ahead_ns = world_stats(bed.sleeper).ahead_ns;
	credit_ns = core->ahead.credit_ns;
	w->now_ns += ran_ns;
	halt(w, core, w->now_ns + SLEEP_NS, 100 * DIS_US_NS, slack_ns);
	assert_int_equal(world_stats(bed.sleeper).early_wakes, slack_ns > 0);
	ahead_ns = world_stats(bed.sleeper).ahead_ns - ahead_ns;
	assert_int_equal(world_core_stats(w, 0).ahead_ns,
			 world_stats(bed.sleeper).ahead_ns);
	assert_int_equal(core->ahead.credit_ns,
			 credit_ns + (int64_t)(ran_ns / 10) - (int64_t)ahead_ns);
	dis_core_enter(core);
	world_close(w);
	return ahead_ns;
}

static void test_ahead_early_guest_pays_for_what_it_waits(void **state)
{
	(void)state;
	assert_int_equal(charged_for(DIS_MS_NS, 30 * DIS_US_NS), 30 * DIS_US_NS);
	assert_int_equal(charged_for(DIS_MS_NS, 0), 0);
	assert_int_equal(charged_for(DIS_MS_NS, -5000), 0);
	assert_int_equal(charged_for(DIS_MS_NS, DIS_SLACK_NONE), 0);
}

/* Not beyond its run, nor beyond what it was entered early by. */
static void test_ahead_lie_of_a_guest_costs_what_it_can_have(void **state)
{
	(void)state;
	assert_int_equal(charged_for(10 * DIS_US_NS, INT64_MAX), 10 * DIS_US_NS);
	assert_int_equal(charged_for(DIS_MS_NS, INT64_MAX), 50 * DIS_US_NS);
}

static void
test_ahead_early_guest_without_credit_is_entered_at_its_time(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	struct dis_core *core = bed.w->core[0].core;
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;

	(void)state;
	pass_sleeps(&bed, 1);
	vcpu->entry_ns = 50 * DIS_US_NS;
	core->ahead.credit_ns = 0;
	halt(bed.w, core, bed.w->now_ns + SLEEP_NS, 100 * DIS_US_NS,
	     DIS_SLACK_NONE);
	assert_int_equal(vcpu->wake_ns, vcpu->timer_ns);
	dis_core_enter(core);
	world_close(bed.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_ahead_waits_take_a_tenth_of_the_core_at_most),
		cmocka_unit_test(test_ahead_spent_credit_is_earned_again),
		cmocka_unit_test(test_ahead_small_cost_is_not_worth_a_lead),
		cmocka_unit_test(test_ahead_realtime_is_woken_in_time),
		cmocka_unit_test(test_ahead_near_deadline_limits_the_lead),
		cmocka_unit_test(test_ahead_two_kinds_of_victims_are_told_apart),
		cmocka_unit_test(test_ahead_each_core_learns_its_own_cost),
		cmocka_unit_test(test_ahead_early_guest_pays_for_what_it_waits),
		cmocka_unit_test(
			test_ahead_lie_of_a_guest_costs_what_it_can_have),
		cmocka_unit_test(
			test_ahead_early_guest_without_credit_is_entered_at_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
