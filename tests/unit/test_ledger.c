/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of the ledger: per VM, tenant, queue, domain; and where time goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define FIELDS (sizeof(struct dis_vcpu_stats) / sizeof(uint64_t))

static const struct burst sleeper[] = {
	{.run_ns = 300 * US, .outcome = DIS_RUN_HALT, .sleep_ns = 2 * MS},
	{.run_ns = 100 * US, .outcome = DIS_RUN_YIELD},
};

static dis_id spawn(struct world *w, const char *tenant, const char *name)
{
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	struct dis_vm_spec spec = {
		.name = name, .tenant = tenant, .vcpus = 1, .intents = &intent};
	char err[128] = "";
	dis_id id = DIS_ID_NONE;

	if (dis_vm_spawn(w->dom, &spec, w->now_ns, &id, err, sizeof(err)))
		print_message("%s\n", err);
	return id;
}

/* Every counter of @sum is that of @a and @b together. */
static void expect_sum(const struct dis_vcpu_stats *sum,
		       const struct dis_vcpu_stats *a,
		       const struct dis_vcpu_stats *b)
{
	uint64_t s[FIELDS], x[FIELDS], y[FIELDS];

	memcpy(s, sum, sizeof(s));
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (size_t i = 0; i < FIELDS; i++)
		if (i != offsetof(struct dis_vcpu_stats, last_dispatch_ns) / 8 &&
		    i != offsetof(struct dis_vcpu_stats, slice_left_ns) / 8)
			assert_int_equal(s[i], x[i] + y[i]);
	assert_int_equal(sum->last_dispatch_ns,
			 dis_ns_max(a->last_dispatch_ns, b->last_dispatch_ns));
}

/* R: EVO-C1, DIS-15: charged + idle is wall x cores, exactly. */
static void test_ledger_sums_of_vm_tenant_domain_equal_their_vcpus(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, sleeper)};
	struct world *w = world_open_cores(2);
	struct dis_vcpu_stats a, b, sum, first, second;
	struct dis_tenant_info tenant;
	struct dis_totals totals;
	dis_id vm[2];

	(void)state;
	vm[0] = world_vm(w, roles, 2);
	vm[1] = world_vm(w, roles, 2);
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 2; i++)
		world_step(w, i);
	for (unsigned i = 0; i < 2; i++) {
		a = world_stats(world_vcpu(w, vm[i], 0));
		b = world_stats(world_vcpu(w, vm[i], 1));
		assert_int_equal(dis_vm_get_stats(w->dom, vm[i], &sum), 0);
		expect_sum(&sum, &a, &b);
		assert_true(sum.cpu_ns > 0 && sum.yields > 0 && sum.blocks > 0);
	}
	dis_vm_get_stats(w->dom, vm[0], &first);
	dis_vm_get_stats(w->dom, vm[1], &second);
	assert_int_equal(dis_domain_get_tenant(w->dom, 0, &tenant), 0);
	assert_string_equal(tenant.name, "default");
	assert_int_equal(tenant.vms, 2);
	assert_int_equal(tenant.vcpus, 4);
	expect_sum(&tenant.stats, &first, &second);
	dis_domain_get_totals(w->dom, w->now_ns, &totals);
	assert_int_equal(totals.cpu_ns, tenant.stats.cpu_ns);
	assert_int_equal(totals.cpu_ns + totals.idle_ns, 2 * 1000 * MS);
	assert_int_equal(totals.dispatches, tenant.stats.dispatches);
	assert_int_equal(totals.switches_involuntary, tenant.stats.preemptions);
	assert_int_equal(totals.switches_voluntary,
			 tenant.stats.yields + tenant.stats.blocks);
	world_close(w);
}

/* R: EVO-C1: between two steps the figure grows as well. */
static void test_totals_run_not_over_counts_up_to_now(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(2);
	struct dis_totals totals;

	(void)state;
	world_vm(w, roles, 1);
	world_run(w, 1000 * MS);
	assert_int_equal(world_core_stats(w, 0).charged_ns, 0);
	dis_domain_get_totals(w->dom, w->now_ns, &totals);
	assert_int_equal(totals.cpu_ns, 1000 * MS);
	assert_int_equal(totals.idle_ns, 1000 * MS);
	world_close(w);
}

static void test_totals_created_exited_killed_are_vcpus(void **state)
{
	static const struct burst finish[] = {{.run_ns = 1 * MS,
					       .outcome = DIS_RUN_FINISH,
					       .reason = DIS_REASON_POWER_OFF}};
	const struct role ends[] = {ROLE(DIS_CLASS_BATCH, finish)};
	const struct role hogs[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				    ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct dis_totals totals;
	dis_id vm;

	(void)state;
	world_vm(w, ends, 1);
	vm = world_vm(w, hogs, 2);
	world_run(w, 100 * MS);
	dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED);
	world_settle(w);
	dis_domain_get_totals(w->dom, w->now_ns, &totals);
	assert_int_equal(totals.created, 3);
	assert_int_equal(totals.exited, 1);
	assert_int_equal(totals.killed, 2);
	assert_int_equal(totals.queued, 0);
	world_close(w);
}

static void expect_queued(struct world *w, uint64_t queued, uint64_t sleeping,
			  uint64_t parked)
{
	struct dis_totals totals;

	dis_domain_check(w->dom);
	dis_domain_get_totals(w->dom, w->now_ns, &totals);
	assert_int_equal(totals.queued, queued);
	assert_int_equal(totals.sleeping, sleeping);
	assert_int_equal(totals.parked, parked);
}

/* R: DIS-12: of a hog that runs, two that wait, two that sleep, one that used
 * its maximum up, and one that halts without a timer. */
static void test_totals_queued_counts_all_queues(void **state)
{
	static const struct burst sleeps[] = {{.run_ns = 1 * MS,
					       .outcome = DIS_RUN_HALT,
					       .sleep_ns = 1000 * MS}};
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BACKGROUND, world_hog),
			       ROLE(DIS_CLASS_INTERACTIVE, sleeps),
			       ROLE(DIS_CLASS_BATCH, sleeps),
			       ROLE(DIS_CLASS_SYSTEM, world_hog),
			       ROLE(DIS_CLASS_SYSTEM, world_halt)};
	struct world *w = world_open_cores(1);
	dis_id vm;

	(void)state;
	roles[5].intent.max_permille = 10;
	vm = world_vm(w, roles, 7);
	expect_queued(w, 6, 0, 0);
	world_run(w, 90 * MS);
	expect_queued(w, 5, 2, 1);
	/* Moves from one sleepers' tree to the other. */
	assert_int_equal(dis_domain_set_intent(w->dom, world_vcpu(w, vm, 3)->id,
					       &roles[4].intent, NULL, 0),
			 0);
	world_settle(w);
	expect_queued(w, 5, 2, 1);
	dis_vm_end(w->dom, vm, DIS_STATE_FINISHED, DIS_REASON_STOPPED);
	world_settle(w);
	expect_queued(w, 0, 0, 0);
	world_close(w);
}

/* R: PRE-5 */
static void test_totals_switches_are_counted_by_whose_will(void **state)
{
	static const struct burst yields[] = {
		{.run_ns = 1 * MS, .outcome = DIS_RUN_YIELD}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, yields)};
	struct world *w = world_open_cores(1);
	struct dis_totals totals;

	(void)state;
	world_vm(w, roles, 2);
	/* Ten rounds of the hog's 10 ms and the other's 1 ms. */
	world_run(w, 110 * MS);
	dis_domain_get_totals(w->dom, w->now_ns, &totals);
	assert_int_equal(totals.switches_involuntary, 10);
	assert_int_equal(totals.switches_voluntary, 10);
	world_close(w);
}

static void reap(struct world *w, dis_id vm)
{
	dis_vm_end(w->dom, vm, DIS_STATE_FINISHED, DIS_REASON_STOPPED);
	world_settle(w);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
}

static void test_tenant_vm_reaped_sums_stay(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct dis_tenant_info tenant;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		dis_id vm = world_vm(w, roles, 1);

		world_run(w, 100 * MS);
		reap(w, vm);
	}
	assert_int_equal(dis_domain_get_tenant(w->dom, 0, &tenant), 0);
	assert_int_equal(tenant.vms, 0);
	assert_int_equal(tenant.stats.cpu_ns, 300 * MS);
	world_close(w);
}

static void test_tenant_names_each_has_its_own_sums(void **state)
{
	struct world *w = world_open_cores(1);
	struct dis_tenant_info tenant;
	struct dis_vm_info info;
	dis_id vm;

	(void)state;
	vm = spawn(w, "blue", "a");
	assert_true(vm != DIS_ID_NONE);
	assert_true(spawn(w, "green", "b") != DIS_ID_NONE);
	assert_true(spawn(w, "blue", "c") != DIS_ID_NONE);
	assert_int_equal(dis_domain_get_tenant(w->dom, 0, &tenant), 0);
	assert_string_equal(tenant.name, "blue");
	assert_int_equal(tenant.vms, 2);
	assert_int_equal(dis_domain_get_tenant(w->dom, 1, &tenant), 0);
	assert_string_equal(tenant.name, "green");
	assert_int_equal(tenant.vms, 1);
	assert_int_equal(dis_domain_get_tenant(w->dom, 2, &tenant),
			 -DIS_ENOTFOUND);
	dis_vm_get_info(w->dom, vm, &info);
	assert_string_equal(info.tenant, "blue");
	world_close(w);
}

static void test_tenant_name_bad_or_too_many_refused(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct dis_domain_usage usage;
	struct world *w;
	char name[16];

	(void)state;
	cfg.vms_max = DIS_TENANTS_MAX + 8u;
	w = world_open(&cfg, 0);
	assert_true(spawn(w, "", "a") == DIS_ID_NONE);
	assert_true(spawn(w, "a b", "a") == DIS_ID_NONE);
	assert_true(spawn(w, "a\"b", "a") == DIS_ID_NONE);
	assert_true(spawn(w, "12345678901234567890123456789012", "a") ==
		    DIS_ID_NONE);
	for (unsigned i = 0; i < DIS_TENANTS_MAX; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		assert_true(spawn(w, name, "a") != DIS_ID_NONE);
	}
	assert_true(spawn(w, "onemore", "a") == DIS_ID_NONE);
	assert_true(spawn(w, "t0", "a") != DIS_ID_NONE);
	dis_domain_get_usage(w->dom, &usage);
	assert_int_equal(usage.vms, DIS_TENANTS_MAX + 1u);
	world_close(w);
}

/* R: DIS-15 */
static void test_queue_three_hogs_lengths_and_mean_wait(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct dis_queue_stats queue;

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, 3005 * MS);
	assert_int_equal(dis_core_get_queue(w->core[0].core, DIS_CLASS_BATCH,
					    &queue),
			 0);
	assert_int_equal(queue.length, 2);
	assert_int_equal(queue.length_max, 3);
	assert_int_equal(queue.enqueued, 303);
	assert_int_equal(queue.dequeued, 301);
	assert_int_equal(queue.waits, 301);
	/* 0, 10 and then always 20 ms. */
	assert_int_equal(queue.wait_ns, (10 + 299 * 20) * MS);
	assert_int_equal(dis_core_get_queue(w->core[0].core, DIS_CLASSES,
					    &queue),
			 -EINVAL);
	world_close(w);
}

/* R: EVO-A1: every dispatch has one reason. */
static void test_picks_sum_of_reasons_is_dispatches(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, sleeper)};
	struct world *w = world_open_cores(1);
	struct dis_core_stats stats;
	uint64_t sum = 0;

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, 1000 * MS);
	stats = world_core_stats(w, 0);
	for (unsigned i = 0; i < DIS_CHOICES; i++)
		sum += stats.picks[i];
	assert_int_equal(sum, stats.dispatches);
	assert_true(stats.picks[DIS_CHOICE_URGENT] > 100);
	assert_true(stats.picks[DIS_CHOICE_TURN] > 10);
	world_close(w);
}

/* R: EVO-A1 */
static void test_counters_off_cost_nothing_on_count(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_halt)};
	struct world *w = world_open_cores(1);
	struct dis_core_stats stats;
	struct world_vcpu *third;
	uint64_t dispatches;

	(void)state;
	third = world_vcpu(w, world_vm(w, roles, 3), 2);
	world_run(w, 105 * MS);
	stats = world_core_stats(w, 0);
	assert_int_equal(stats.candidates, 0);
	assert_int_equal(stats.message_waits, 0);
	dispatches = stats.dispatches;
	dis_domain_set_counters(w->dom, true);
	/* Of an equal: not worth a kick, so it waits for the slice end. */
	world_wake(w, third);
	world_run(w, 10 * MS);
	stats = world_core_stats(w, 0);
	assert_int_equal(stats.message_waits, 1);
	assert_int_equal(stats.message_wait_ns, 5 * MS);
	assert_true(stats.dispatches > dispatches);
	assert_in_range(stats.candidates, 2 * (stats.dispatches - dispatches),
			3 * (stats.dispatches - dispatches));
	dis_domain_set_counters(w->dom, false);
	world_wake(w, third);
	world_run(w, 50 * MS);
	assert_int_equal(world_core_stats(w, 0).message_waits, 1);
	world_close(w);
}

/* R: DIS-3: what the run says of the guest, and never more than is charged. */
static void test_step_guest_time_split_from_cpu_time(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_run_result result = {.outcome = DIS_RUN_CONTINUE,
					.timer_ns = DIS_NEVER_NS};
	struct world *w = world_open_cores(1);
	struct world_vcpu *vcpu;
	struct dis_core *core;

	(void)state;
	vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);
	core = w->core[0].core;
	result.guest_ns = 7 * MS;
	dis_core_step(core, 10 * MS, DIS_NEVER_NS, &result);
	assert_int_equal(world_stats(vcpu).cpu_ns, 10 * MS);
	assert_int_equal(world_stats(vcpu).guest_ns, 7 * MS);
	result.guest_ns = 100 * MS;
	dis_core_step(core, 20 * MS, DIS_NEVER_NS, &result);
	assert_int_equal(world_stats(vcpu).guest_ns, 17 * MS);
	/* Charged together later, as by threads. */
	result.guest_ns = 2 * MS;
	dis_core_step(core, 23 * MS, 0, &result);
	dis_core_step(core, 26 * MS, 5 * MS, &result);
	assert_int_equal(world_stats(vcpu).cpu_ns, 25 * MS);
	assert_int_equal(world_stats(vcpu).guest_ns, 21 * MS);
	world_close(w);
}

static void test_stats_slice_left_when_it_gave_way(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, world_halt)};
	struct world *w = world_open_cores(1);
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	world_run(w, 4 * MS);
	world_wake(w, world_vcpu(w, vm, 1));
	world_run(w, 1 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).slice_left_ns,
			 6 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).last_dispatch_ns,
			 4 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_ledger_sums_of_vm_tenant_domain_equal_their_vcpus),
		cmocka_unit_test(test_totals_run_not_over_counts_up_to_now),
		cmocka_unit_test(test_totals_created_exited_killed_are_vcpus),
		cmocka_unit_test(test_totals_queued_counts_all_queues),
		cmocka_unit_test(test_totals_switches_are_counted_by_whose_will),
		cmocka_unit_test(test_tenant_vm_reaped_sums_stay),
		cmocka_unit_test(test_tenant_names_each_has_its_own_sums),
		cmocka_unit_test(test_tenant_name_bad_or_too_many_refused),
		cmocka_unit_test(test_queue_three_hogs_lengths_and_mean_wait),
		cmocka_unit_test(test_picks_sum_of_reasons_is_dispatches),
		cmocka_unit_test(test_counters_off_cost_nothing_on_count),
		cmocka_unit_test(test_step_guest_time_split_from_cpu_time),
		cmocka_unit_test(test_stats_slice_left_when_it_gave_way),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
