/* SPDX-License-Identifier: Apache-2.0 */
/* Policies at work in a domain: chosen per class, changed live (R: DIS-11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/world.h"
#include "sched/core.h"
#include "sched/policy_fair.h"

#define MS DIS_MS_NS

static struct world *open_world(const char *batch_policy)
{
	struct dis_domain_config cfg = world_config(1);

	if (batch_policy)
		cfg.policy[DIS_CLASS_BATCH] = dis_policy_find(batch_policy);
	return world_open(&cfg, 0);
}

static dis_id hogs(struct world *w, unsigned n)
{
	struct role roles[8];

	for (unsigned i = 0; i < n; i++)
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 world_hog, 1};
	return world_vm(w, roles, n);
}

/* Equal hogs have equal shares under every policy, to a slice. */
static void test_policy_swap_each_policy_shares_equally(void **state)
{
	(void)state;
	for (unsigned p = 0; dis_policies[p]; p++) {
		struct world *w = open_world(dis_policies[p]->name);
		dis_id vm = hogs(w, 5);

		world_run(w, 1000 * MS);
		for (unsigned i = 0; i < 5; i++)
			assert_in_range(world_stats(world_vcpu(w, vm, i)).cpu_ns,
					190 * MS, 210 * MS);
		world_close(w);
	}
}

/* Changed every 7 ms, whatever is queued or running: nobody is lost. */
static void test_policy_swap_under_load_loses_nobody(void **state)
{
	struct world *w = open_world(NULL);
	dis_id vm = hogs(w, 8);
	unsigned count = 0;

	(void)state;
	while (dis_policies[count])
		count++;
	for (unsigned i = 0; i < 400; i++) {
		assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH,
						       dis_policies[i % count]),
				 0);
		world_settle(w);
		dis_domain_check(w->dom);
		world_run(w, 7 * MS);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_true(world_stats(world_vcpu(w, vm, i)).cpu_ns > 100 * MS);
	world_check_ledger(w, 0);
	world_close(w);
}

static void set_policy(struct world *w, const char *name)
{
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH,
					       dis_policy_find(name)),
			 0);
	world_settle(w);
}

static const struct fair_queue *fair_queue(const struct world *w)
{
	const struct policy_slot *slot =
		w->core[0].core->runq.policy[DIS_CLASS_BATCH];

	assert_ptr_equal(slot->ops, dis_policy_find("fair"));
	return (const struct fair_queue *)slot->queue;
}

/* The new policy accounts for who runs from then on, not from its next turn on. */
static void test_policy_swap_takes_over_who_runs(void **state)
{
	struct world *w = open_world(NULL);
	dis_id vm = hogs(w, 2);
	struct dis_vcpu *runs = world_vcpu(w, vm, 0)->vcpu;

	(void)state;
	world_run(w, 3 * MS);
	set_policy(w, "fair");
	assert_ptr_equal(w->core[0].decision.vcpu, runs);
	assert_ptr_equal(fair_queue(w)->running, &runs->entity);
	world_run(w, 4 * MS);
	world_step(w, 0);
	/* Half of what it had since then is the other one's. */
	assert_in_range(-fair_lag_ns(fair_queue(w), &runs->entity),
			2 * MS - 1000, 2 * MS + 1000);
	world_close(w);
}

/* What it owed to a policy is no debt to another, nor to the next of the same kind. */
static void test_policy_swap_during_sleep_forgets_debts(void **state)
{
	static const struct burst once[] = {
		{.run_ns = 8 * MS, .outcome = DIS_RUN_HALT}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, once),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world("fair");
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 2), 0);

	(void)state;
	world_run(w, 9 * MS);
	assert_int_equal(dis_vcpu_state(vcpu->vcpu), DIS_STATE_WAITING);
	assert_in_range(-vcpu->vcpu->entity.lag, 3 * MS, 5 * MS);
	set_policy(w, "rr");
	set_policy(w, "fair");
	dis_vcpu_wake(vcpu->vcpu);
	world_step(w, 0);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_RUNQ);
	assert_int_equal(fair_lag_ns(fair_queue(w), &vcpu->vcpu->entity), 0);
	world_close(w);
}

static void test_policy_swap_wrong_class_or_abi_is_refused(void **state)
{
	struct world *w = open_world(NULL);
	struct dis_policy_ops other = *dis_policies[0];

	(void)state;
	other.classes = 1u << DIS_CLASS_SYSTEM;
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH, &other),
			 -DIS_ENOTSUPPORTED);
	other = *dis_policies[0];
	other.abi = DIS_POLICY_ABI + 1;
	assert_int_equal(dis_domain_set_policy(w->dom, DIS_CLASS_BATCH, &other),
			 -DIS_ENOTSUPPORTED);
	world_close(w);
}

/* R: DIS-11: EDF is Realtime's default, and the nearer deadline preempts. */
static void test_policy_swap_realtime_earlier_deadline_preempts(void **state)
{
	static const struct burst long_job[] = {
		{.run_ns = 6 * MS, .outcome = DIS_RUN_HALT}};
	static const struct burst short_job[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT}};
	struct world *w = open_world(NULL);
	struct role roles[2] = {{world_intent(DIS_CLASS_REALTIME), long_job, 1},
				{world_intent(DIS_CLASS_REALTIME), short_job,
				 1}};
	struct world_vcpu *slow, *fast;
	dis_id vm;

	(void)state;
	roles[0].intent.period_ns = roles[0].intent.deadline_ns = 100 * MS;
	roles[0].intent.wcet_ns = 10 * MS;
	vm = world_vm(w, roles, 2);
	slow = world_vcpu(w, vm, 0);
	fast = world_vcpu(w, vm, 1);
	world_run(w, 20 * MS);
	world_wake(w, slow);
	world_run(w, 2 * MS);
	world_wake(w, fast);
	assert_int_equal(dis_vcpu_state(fast->vcpu), DIS_STATE_RUNNING);
	assert_int_equal(dis_vcpu_state(slow->vcpu), DIS_STATE_SCHEDULED);
	assert_int_equal(world_stats(slow).preemptions, 1);
	world_close(w);
}

/* One that never ends its job gets its worst case per period, no more. */
static void test_policy_swap_realtime_overrun_starves_no_realtime(void **state)
{
	static const struct burst job[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct world *w = open_world(NULL);
	struct role roles[2] = {{world_intent(DIS_CLASS_REALTIME), world_hog, 1},
				{world_intent(DIS_CLASS_REALTIME), job, 1}};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 1000 * MS);
	assert_true(world_vcpu(w, vm, 1)->bursts_done >= 98);
	assert_int_equal(world_stats(world_vcpu(w, vm, 1)).deadline_misses, 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_swap_each_policy_shares_equally),
		cmocka_unit_test(test_policy_swap_under_load_loses_nobody),
		cmocka_unit_test(test_policy_swap_takes_over_who_runs),
		cmocka_unit_test(test_policy_swap_during_sleep_forgets_debts),
		cmocka_unit_test(test_policy_swap_wrong_class_or_abi_is_refused),
		cmocka_unit_test(
			test_policy_swap_realtime_earlier_deadline_preempts),
		cmocka_unit_test(
			test_policy_swap_realtime_overrun_starves_no_realtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
