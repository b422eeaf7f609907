/* SPDX-License-Identifier: Apache-2.0 */
/* Direct hand-off between vCPUs of one core (R: EVO-B3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define HOGS 4u

static void wake_partner(struct world_vcpu *vcpu)
{
	dis_vcpu_wake(vcpu->arg);
}

static void wake_partner_by(struct world_vcpu *vcpu)
{
	dis_vcpu_wake_by(vcpu->arg, vcpu->vcpu);
}

/* A message, then at once or after 5 us the halt. */
static const struct burst plain[] = {
	{.run_ns = 100 * US, .outcome = DIS_RUN_HALT, .hook = wake_partner}};
static const struct burst known[] = {
	{.run_ns = 100 * US, .outcome = DIS_RUN_HALT, .hook = wake_partner_by}};
static const struct burst two_exits[] = {{.run_ns = 95 * US,
					  .outcome = DIS_RUN_CONTINUE,
					  .hook = wake_partner_by},
					 {.run_ns = 5 * US,
					  .outcome = DIS_RUN_HALT}};
static const struct burst too_late[] = {{.run_ns = 100 * US,
					 .outcome = DIS_RUN_CONTINUE,
					 .hook = wake_partner_by},
					{.run_ns = MS, .outcome = DIS_RUN_HALT}};

struct pair {
	struct world *w;
	struct world_vcpu *of[2];
	struct world_vcpu *hog[HOGS];
};

/* Two that exchange messages and hogs, all of @klass, on one core. */
static struct pair open_pair(const struct burst *script, unsigned bursts,
			     enum dis_class klass,
			     const struct dis_policy_ops *policy)
{
	struct dis_domain_config cfg = world_config(1);
	struct pair pair;
	struct role roles[2 + HOGS];
	dis_id vm;

	cfg.policy[klass] = policy;
	pair.w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 2 + HOGS; i++)
		roles[i] = (struct role){world_intent(klass),
					 i < 2 ? script : world_hog,
					 i < 2 ? bursts : 1};
	vm = world_vm_stopped(pair.w, roles, 2 + HOGS);
	for (unsigned i = 0; i < 2; i++)
		pair.of[i] = world_vcpu(pair.w, vm, i);
	for (unsigned i = 0; i < 2; i++)
		pair.of[i]->arg = pair.of[1 - i]->vcpu;
	for (unsigned i = 0; i < HOGS; i++)
		pair.hog[i] = world_vcpu(pair.w, vm, 2 + i);
	assert_int_equal(dis_vm_start(pair.w->dom, vm), 0);
	world_settle(pair.w);
	return pair;
}

static uint64_t exchanges(const struct pair *pair)
{
	return pair->of[0]->bursts_done + pair->of[1]->bursts_done;
}

/* Without it each message waits for all hogs; with it, for a slice of each one
 * in a slice's worth of messages. */
static void test_handoff_pair_exchanges_more_than_without(void **state)
{
	struct pair with = open_pair(known, 1, DIS_CLASS_BATCH, NULL);
	struct pair without = open_pair(plain, 1, DIS_CLASS_BATCH, NULL);
	size_t said = 0;

	(void)state;
	world_run(with.w, 1000 * MS);
	world_run(without.w, 1000 * MS);
	assert_int_equal(world_core_stats(without.w, 0).handoffs, 0);
	assert_in_range(exchanges(&without), 20, 60);
	assert_in_range(exchanges(&with), 1900, 2100);
	/* R: DIS-8: the event says why. */
	for (size_t i = 0; i < with.w->n_events; i++)
		said += with.w->events[i].choice == DIS_CHOICE_HANDOFF;
	assert_true(said > 0);
	/* All but the first message of a turn. */
	assert_true(world_core_stats(with.w, 0).handoffs >=
		    exchanges(&with) * 9 / 10);
	world_close(with.w);
	world_close(without.w);
}

/* The partner stays for it, where another core has less to do. */
static void test_handoff_partner_stays_on_its_core(void **state)
{
	struct role roles[2 + HOGS];
	struct dis_domain_config cfg = world_config(2);
	const struct role other = {world_intent_on(DIS_CLASS_BATCH, 2),
				   world_hog, 1};
	struct world_vcpu *of[2];
	struct world *w = world_open(&cfg, 0);
	dis_id vm;

	(void)state;
	world_vm(w, &other, 1);
	/* It alone may move. */
	roles[0] = (struct role){world_intent(DIS_CLASS_BATCH), known, 1};
	for (unsigned i = 1; i < 2 + HOGS; i++)
		roles[i] = (struct role){world_intent_on(DIS_CLASS_BATCH, 1),
					 i < 2 ? known : world_hog, 1};
	vm = world_vm_stopped(w, roles, 2 + HOGS);
	for (unsigned i = 0; i < 2; i++)
		of[i] = world_vcpu(w, vm, i);
	for (unsigned i = 0; i < 2; i++)
		of[i]->arg = of[1 - i]->vcpu;
	world_start_on(w, vm, 0);
	world_run(w, 1000 * MS);
	assert_int_equal(world_stats(of[0]).migrations, 0);
	assert_in_range(of[0]->bursts_done + of[1]->bursts_done, 1900, 2100);
	world_close(w);
}

/* R: EVO-D1: the two share what one hog gets, and nobody waits for longer. */
static void test_handoff_pair_gets_one_slice_per_turn(void **state)
{
	struct pair pair = open_pair(known, 1, DIS_CLASS_BATCH, NULL);
	uint64_t cpu_ns = 0;

	(void)state;
	world_run(pair.w, 1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		cpu_ns += world_stats(pair.of[i]).cpu_ns;
	assert_in_range(cpu_ns, 190 * MS, 210 * MS);
	for (unsigned i = 0; i < HOGS; i++)
		assert_in_range(world_stats(pair.hog[i]).cpu_ns, 190 * MS,
				210 * MS);
	world_close(pair.w);
}

/* Also where slices end late: what is over is not passed on. */
static void test_handoff_past_the_slice_gives_nothing(void **state)
{
	struct pair pair = open_pair(known, 1, DIS_CLASS_BATCH, NULL);
	uint64_t cpu_ns = 0;

	(void)state;
	/* Messages that do not fit into a slice exactly. */
	world_run(pair.w, 30 * US);
	pair.w->late_ns = MS;
	world_run(pair.w, 1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		cpu_ns += world_stats(pair.of[i]).cpu_ns;
	assert_in_range(cpu_ns, 170 * MS, 210 * MS);
	for (unsigned i = 0; i < HOGS; i++)
		assert_in_range(world_stats(pair.hog[i]).cpu_ns, 190 * MS,
				210 * MS);
	world_close(pair.w);
}

/* A message, and then no halt. */
static const struct burst keeps_on[] = {{.run_ns = 100 * US,
					 .outcome = DIS_RUN_CONTINUE,
					 .hook = wake_partner_by},
					{.run_ns = DIS_NEVER_NS}};

/* It has to be the sender that blocks. */
static void test_handoff_halt_of_another_does_not_count(void **state)
{
	static const struct burst once[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 150 * US},
		{.run_ns = 50 * US, .outcome = DIS_RUN_HALT}};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, once),
				     ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_BATCH, keeps_on)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w = world_open(&cfg, 0);
	dis_id vm = world_vm_stopped(w, roles, 3);

	(void)state;
	world_vcpu(w, vm, 2)->arg = world_vcpu(w, vm, 1)->vcpu;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 190 * US);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	world_run(w, 20 * US);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 2));
	assert_int_equal(world_core_stats(w, 0).handoffs, 0);
	world_close(w);
}

static void test_handoff_halt_by_next_exit_counts(void **state)
{
	struct pair pair = open_pair(two_exits, 2, DIS_CLASS_BATCH, NULL);

	(void)state;
	world_run(pair.w, 1000 * MS);
	assert_true(world_core_stats(pair.w, 0).handoffs > 1000);
	world_close(pair.w);
}

static void test_handoff_halt_long_after_does_not_count(void **state)
{
	struct pair pair = open_pair(too_late, 2, DIS_CLASS_BATCH, NULL);

	(void)state;
	world_run(pair.w, 1000 * MS);
	assert_int_equal(world_core_stats(pair.w, 0).handoffs, 0);
	world_close(pair.w);
}

static void yield_to_partner(struct world_vcpu *vcpu)
{
	dis_vcpu_yield_to(vcpu->vcpu, vcpu->arg);
}

static const struct burst yields_to[] = {{.run_ns = 100 * US,
					  .outcome = DIS_RUN_YIELD,
					  .hook = yield_to_partner}};
static const struct burst yields[] = {
	{.run_ns = 100 * US, .outcome = DIS_RUN_YIELD}};

/* As a pair that spins on a lock does: turns of it, not of all the others. */
static void test_handoff_yield_to_partner_runs_it_next(void **state)
{
	struct pair with = open_pair(yields_to, 1, DIS_CLASS_BATCH, NULL);
	struct pair without = open_pair(yields, 1, DIS_CLASS_BATCH, NULL);

	(void)state;
	world_run(with.w, 1000 * MS);
	world_run(without.w, 1000 * MS);
	assert_true(exchanges(&with) > 10 * exchanges(&without));
	assert_true(world_core_stats(with.w, 0).handoffs > 0);
	/* One slice per turn for the two together: a fifth of five. */
	for (unsigned i = 0; i < HOGS; i++)
		assert_in_range(world_stats(with.hog[i]).cpu_ns, 190 * MS,
				215 * MS);
	world_close(with.w);
	world_close(without.w);
}

/* Deadlines, shares and priorities have their own order. */
static void test_handoff_leaves_other_policies_their_order(void **state)
{
	static const char *const names[] = {"edf", "fair", "priority"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pair pair = open_pair(known, 1, DIS_CLASS_BATCH,
					     dis_policy_find(names[i]));

		world_run(pair.w, 1000 * MS);
		assert_int_equal(world_core_stats(pair.w, 0).handoffs, 0);
		world_close(pair.w);
	}
}

/* R: DIS-14: who is more urgent goes first. */
static void test_handoff_yields_to_more_urgent(void **state)
{
	const struct role urgent = {world_intent(DIS_CLASS_INTERACTIVE),
				    world_hog, 1};
	struct pair pair = open_pair(known, 1, DIS_CLASS_BATCH, NULL);

	(void)state;
	world_run(pair.w, MS / 20);
	world_vm(pair.w, &urgent, 1);
	world_run(pair.w, 100 * MS);
	assert_true(exchanges(&pair) <= 1);
	assert_int_equal(world_core_stats(pair.w, 0).handoffs, 0);
	world_close(pair.w);
}

/* R: DIS-14: and so does a floor that is due. */
static void test_handoff_leaves_floors_what_is_theirs(void **state)
{
	const struct role background = {world_intent(DIS_CLASS_BACKGROUND),
					world_hog, 1};
	struct dis_domain_config cfg = world_config(1);
	struct role roles[2] = {{world_intent(DIS_CLASS_BATCH), known, 1},
				{world_intent(DIS_CLASS_BATCH), known, 1}};
	struct world *w;
	uint64_t cpu_ns;
	dis_id vm, low;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BACKGROUND] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm_stopped(w, roles, 2);
	for (unsigned i = 0; i < 2; i++)
		world_vcpu(w, vm, i)->arg = world_vcpu(w, vm, 1 - i)->vcpu;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	low = world_vm(w, &background, 1);
	world_run(w, 2000 * MS);
	cpu_ns = world_stats(world_vcpu(w, low, 0)).cpu_ns;
	assert_in_range(cpu_ns, 80 * MS, 110 * MS);
	world_close(w);
}

/* The partner ends before its turn: nothing stale is dispatched. */
static void test_handoff_to_ended_partner_is_dropped(void **state)
{
	struct pair pair = open_pair(two_exits, 2, DIS_CLASS_BATCH, NULL);
	struct dis_core *core = pair.w->core[0].core;

	(void)state;
	while (core->handoff.to == DIS_ID_NONE)
		world_run(pair.w, US);
	assert_int_equal(dis_vm_end(pair.w->dom, pair.of[0]->vcpu->vm->id,
				    DIS_STATE_FINISHED, DIS_REASON_STOPPED),
			 0);
	world_settle(pair.w);
	world_run(pair.w, MS);
	assert_null(pair.w->core[0].decision.vcpu);
	dis_domain_check(pair.w->dom);
	world_close(pair.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handoff_pair_exchanges_more_than_without),
		cmocka_unit_test(test_handoff_partner_stays_on_its_core),
		cmocka_unit_test(test_handoff_pair_gets_one_slice_per_turn),
		cmocka_unit_test(test_handoff_past_the_slice_gives_nothing),
		cmocka_unit_test(test_handoff_halt_of_another_does_not_count),
		cmocka_unit_test(test_handoff_halt_by_next_exit_counts),
		cmocka_unit_test(test_handoff_halt_long_after_does_not_count),
		cmocka_unit_test(test_handoff_yield_to_partner_runs_it_next),
		cmocka_unit_test(test_handoff_leaves_other_policies_their_order),
		cmocka_unit_test(test_handoff_yields_to_more_urgent),
		cmocka_unit_test(test_handoff_leaves_floors_what_is_theirs),
		cmocka_unit_test(test_handoff_to_ended_partner_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
