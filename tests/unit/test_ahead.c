/* SPDX-License-Identifier: Apache-2.0 */
/* Anticipation (sched/ahead.h), with timers that come late by a known time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "test_ahead_fixture.h"

static void test_ahead_prompt_timers_take_nothing_before(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(next_lateness(&bed), 0);
	assert_int_equal(world_stats(bed.sleeper).ahead_ns, 0);
	world_close(bed.w);
}

static void test_ahead_late_timers_taught_wake_in_time(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	expect_taught(&bed);
	world_close(bed.w);
}

static void test_ahead_cost_changes_is_followed(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	pass_sleeps(&bed, 50);
	assert_in_range(learned_ns(&bed), COST_NS - STEP_NS, COST_NS);
	bed.w->late_ns = COST_NS / 3;
	pass_sleeps(&bed, 100);
	assert_in_range(learned_ns(&bed), COST_NS / 3 - STEP_NS,
			COST_NS / 3 + STEP_NS);
	bed.w->late_ns = 2 * COST_NS;
	pass_sleeps(&bed, 50);
	assert_in_range(learned_ns(&bed), 2 * COST_NS - STEP_NS, 2 * COST_NS);
	world_close(bed.w);
}

static void test_ahead_one_stall_moves_one_step(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);

	(void)state;
	next_lateness(&bed);
	bed.w->late_ns = 8 * DIS_MS_NS;
	next_lateness(&bed);
	assert_in_range(learned_ns(&bed), 1, 2 * STEP_NS);
	world_close(bed.w);
}

/* A timer on time is a sample, too: the cost is unlearned when it is gone. */
static void test_ahead_cost_that_is_gone_is_forgotten(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	expect_taught(&bed);
	assert_true(learned_ns(&bed) > COST_NS / 2);
	bed.w->late_ns = 0;
	pass_sleeps(&bed, 100);
	assert_true(learned_ns(&bed) < COST_NS / 10);
	world_close(bed.w);
}

static void test_ahead_batch_sleeper_is_woken_at_its_time(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	struct bed bed = open_bed(&intent, COST_NS);

	(void)state;
	pass_sleeps(&bed, 50);
	assert_true(learned_ns(&bed) > 0);
	assert_int_equal(world_stats(bed.sleeper).ahead_ns, 0);
	world_close(bed.w);
}

static void test_ahead_short_target_limits_the_lead(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed;

	(void)state;
	intent.latency_ns = COST_NS;
	bed = open_bed(&intent, COST_NS);
	pass_sleeps(&bed, 50);
	/* A quarter of the target. */
	assert_int_equal(next_lateness(&bed), COST_NS - COST_NS / 4);
	world_close(bed.w);
}

static void test_ahead_message_while_waiting_enters_at_once(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);
	struct dis_sim_core *c = &bed.w->core[0];

	(void)state;
	pass_sleeps(&bed, 50);
	/* A timer that is prompt for once: there is a while to wait. */
	bed.w->late_ns = 0;
	while (bed.sleeper->vcpu->state != DIS_STATE_SLEEPING)
		world_run(bed.w, DIS_US_NS);
	while (c->decision.vcpu != bed.sleeper->vcpu)
		world_run(bed.w, DIS_US_NS);
	assert_true(c->decision.start_ns > bed.w->now_ns);
	world_wake(bed.w, bed.sleeper);
	assert_ptr_equal(c->decision.vcpu, bed.sleeper->vcpu);
	assert_int_equal(c->decision.start_ns, 0);
	world_close(bed.w);
}

static void test_ahead_thread_executor_never_does(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct dis_domain_config cfg = world_config(1);
	struct role role = {intent, sleeper, 1};
	struct world *w;
	struct world_vcpu *vcpu;

	(void)state;
	cfg.vcpus_max = 1;
	cfg.per_vcpu = true;
	w = world_open(&cfg, DIS_S_NS);
	w->late_ns = COST_NS;
	vcpu = world_vcpu(w, world_vm(w, &role, 1), 0);
	world_run(w, 100 * SLEEP_NS);
	assert_true(vcpu->bursts_done > 50);
	assert_int_equal(world_stats(vcpu).ahead_ns, 0);
	world_close(w);
}

static void test_ahead_agreeing_guest_is_entered_early_as_it_needs(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	struct dis_core *core = bed.w->core[0].core;
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;

	(void)state;
	/* For some credit. */
	pass_sleeps(&bed, 1);
	/* It says each time that it was 50 us late; agreed are 100 us. */
	for (unsigned i = 0; i < 10; i++) {
		uint64_t due_ns = bed.w->now_ns + SLEEP_NS;
		int64_t slack_ns =
			(int64_t)vcpu->entry_ns - (int64_t)(50 * DIS_US_NS);

		assert_ptr_equal(core->current, vcpu);
		halt(bed.w, core, due_ns, 100 * DIS_US_NS, slack_ns);
		assert_int_equal(vcpu->wake_ns, due_ns - vcpu->entry_ns);
		assert_true(vcpu->entry_ns <= 50 * DIS_US_NS);
		bed.w->now_ns = vcpu->wake_ns;
		bed.w->core[0].decision =
			dis_core_step(core, bed.w->now_ns, DIS_NEVER_NS, NULL);
		assert_true(dis_core_enter(core));
	}
	assert_int_equal(vcpu->entry_ns, 50 * DIS_US_NS);
	/* It withdraws. */
	halt(bed.w, core, bed.w->now_ns + SLEEP_NS, 0, DIS_SLACK_NONE);
	assert_int_equal(vcpu->wake_ns, vcpu->timer_ns);
	dis_core_enter(core);
	world_close(bed.w);
}

/* Its own timer is taken at the entry: it must not end the wait that follows. */
static void test_ahead_early_guest_got_late_is_not_interrupted(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	struct dis_core *core = bed.w->core[0].core;
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;

	(void)state;
	pass_sleeps(&bed, 1);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t due_ns = bed.w->now_ns + SLEEP_NS;
		struct dis_decision decision;

		halt(bed.w, core, due_ns, 100 * DIS_US_NS, -(int64_t)COST_NS);
		assert_true(vcpu->wake_ns < due_ns);
		bed.w->now_ns = due_ns - (due_ns - vcpu->wake_ns) / 2;
		decision =
			dis_core_step(core, bed.w->now_ns, DIS_NEVER_NS, NULL);
		assert_ptr_equal(decision.vcpu, vcpu);
		assert_true(decision.until_ns > due_ns);
		assert_true(decision.start_ns <= bed.w->now_ns);
		bed.w->core[0].decision = decision;
		assert_true(dis_core_enter(core));
	}
	bed.w->core[0].entered = false;
	dis_core_leave(core);
	world_close(bed.w);
}

/* When the timer is set for, once the sleeper on the core has set its own. */
static uint64_t until_with_timer(const struct bed *bed, uint64_t timer_ns)
{
	const struct dis_run_result result = {.timer_ns = timer_ns,
					      .slack_ns = DIS_SLACK_NONE};
	struct dis_core *core = bed->w->core[0].core;
	struct dis_decision decision;

	dis_core_leave(core);
	decision = dis_core_step(core, bed->w->now_ns, 0, &result);
	assert_ptr_equal(decision.vcpu, bed->sleeper->vcpu);
	return decision.until_ns;
}

/* Then it need not be set once more when it sleeps. */
static void test_ahead_timer_of_brief_vcpu_is_armed_for_its_sleep(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);
	struct dis_core *core = bed.w->core[0].core;
	uint64_t due_ns, until_ns;

	(void)state;
	pass_sleeps(&bed, 50);
	assert_true(bed.sleeper->vcpu->brief);
	due_ns = bed.w->now_ns + SLEEP_NS;
	until_ns = until_with_timer(&bed, due_ns);
	assert_int_equal(until_ns, due_ns - learned_ns(&bed));
	halt(bed.w, core, due_ns, 0, DIS_SLACK_NONE);
	assert_ptr_not_equal(bed.w->core[0].decision.vcpu, bed.sleeper->vcpu);
	assert_int_equal(bed.w->core[0].decision.until_ns, until_ns);
	world_close(bed.w);
}

/* Against its habit it goes on until then, and has its interrupt in time. */
static void test_ahead_timer_of_brief_vcpu_that_stays_is_on_time(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);
	uint64_t due_ns;

	(void)state;
	pass_sleeps(&bed, 50);
	due_ns = bed.w->now_ns + SLEEP_NS;
	bed.w->now_ns = until_with_timer(&bed, due_ns);
	assert_true(bed.w->now_ns < due_ns);
	assert_int_equal(until_with_timer(&bed, due_ns), due_ns);
	bed.w->core[0].entered = false;
	world_close(bed.w);
}

/* It has long been longer than its history says: no more of that. */
static void test_ahead_timer_in_a_long_burst_is_armed_as_it_is(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;
	uint64_t due_ns;

	(void)state;
	pass_sleeps(&bed, 50);
	assert_true(vcpu->brief);
	vcpu->burst_ns = core_quantum_ns(vcpu);
	due_ns = bed.w->now_ns + SLEEP_NS;
	assert_int_equal(until_with_timer(&bed, due_ns), due_ns);
	bed.w->core[0].entered = false;
	world_close(bed.w);
}

/* Without a timer there is nothing to be early for, and nothing to arm. */
static void test_ahead_brief_vcpu_without_timer_arms_none(void **state)
{
	const struct role alone = {world_intent(DIS_CLASS_INTERACTIVE), sleeper,
				   1};
	struct dis_domain_config cfg = world_config(1);
	struct bed bed = {.w = world_open(&cfg, DIS_S_NS)};

	(void)state;
	bed.w->late_ns = COST_NS;
	bed.sleeper = world_vcpu(bed.w, world_vm(bed.w, &alone, 1), 0);
	pass_sleeps(&bed, 50);
	assert_true(bed.sleeper->vcpu->brief);
	assert_true(until_with_timer(&bed, DIS_NEVER_NS) == DIS_NEVER_NS);
	bed.w->core[0].entered = false;
	world_close(bed.w);
}

/* Of whom nothing is known it is armed as it is. */
static void test_ahead_timer_of_unknown_vcpu_is_armed_as_it_is(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, COST_NS);
	uint64_t due_ns = bed.w->now_ns + SLEEP_NS;

	(void)state;
	assert_false(bed.sleeper->vcpu->brief);
	assert_int_equal(until_with_timer(&bed, due_ns), due_ns);
	bed.w->core[0].entered = false;
	world_close(bed.w);
}

static void test_ahead_lying_guest_gets_what_it_agreed_at_most(void **state)
{
	struct dis_intent intent = world_intent(DIS_CLASS_INTERACTIVE);
	struct bed bed = open_bed(&intent, 0);
	struct dis_core *core = bed.w->core[0].core;
	struct dis_vcpu *vcpu = bed.sleeper->vcpu;
	static const int64_t lies[] = {INT64_MIN + 1, INT64_MAX, -1, 0};

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t due_ns = bed.w->now_ns + SLEEP_NS;

		halt(bed.w, core, due_ns, 20 * DIS_US_NS,
		     lies[i < 180 ? 0 : i % 4]);
		assert_in_range(due_ns - vcpu->wake_ns, 0, 20 * DIS_US_NS);
		assert_true(vcpu->entry_ns <= AHEAD_MAX_NS);
		bed.w->now_ns = vcpu->wake_ns;
		dis_core_step(core, bed.w->now_ns, DIS_NEVER_NS, NULL);
		assert_true(dis_core_enter(core));
	}
	bed.w->core[0].entered = false;
	dis_core_leave(core);
	world_close(bed.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ahead_prompt_timers_take_nothing_before),
		cmocka_unit_test(test_ahead_late_timers_taught_wake_in_time),
		cmocka_unit_test(test_ahead_cost_changes_is_followed),
		cmocka_unit_test(test_ahead_one_stall_moves_one_step),
		cmocka_unit_test(test_ahead_cost_that_is_gone_is_forgotten),
		cmocka_unit_test(test_ahead_batch_sleeper_is_woken_at_its_time),
		cmocka_unit_test(test_ahead_short_target_limits_the_lead),
		cmocka_unit_test(
			test_ahead_message_while_waiting_enters_at_once),
		cmocka_unit_test(test_ahead_thread_executor_never_does),
		cmocka_unit_test(
			test_ahead_timer_of_brief_vcpu_is_armed_for_its_sleep),
		cmocka_unit_test(
			test_ahead_timer_of_brief_vcpu_that_stays_is_on_time),
		cmocka_unit_test(test_ahead_brief_vcpu_without_timer_arms_none),
		cmocka_unit_test(
			test_ahead_timer_in_a_long_burst_is_armed_as_it_is),
		cmocka_unit_test(
			test_ahead_timer_of_unknown_vcpu_is_armed_as_it_is),
		cmocka_unit_test(
			test_ahead_agreeing_guest_is_entered_early_as_it_needs),
		cmocka_unit_test(
			test_ahead_early_guest_got_late_is_not_interrupted),
		cmocka_unit_test(
			test_ahead_lying_guest_gets_what_it_agreed_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
