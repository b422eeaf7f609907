/* SPDX-License-Identifier: Apache-2.0 */
/* What devices use on behalf of a vCPU (R: EVO-E3), under a virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS
#define SECOND_NS DIS_S_NS

struct bed {
	struct world *w;
	dis_id busy_vm;
	struct world_vcpu *busy;  /* devices work for this one, */
	struct world_vcpu *plain; /* and not for this one */
};

/* Two hogs alike on one core; @role of both. */
static void bed_open(struct bed *bed, const struct role *role,
		     const struct dis_policy_ops *policy)
{
	struct dis_domain_config cfg = world_config(1);

	cfg.policy[DIS_CLASS_BATCH] = policy;
	bed->w = world_open(&cfg, 0);
	bed->busy_vm = world_vm(bed->w, role, 1);
	bed->busy = world_vcpu(bed->w, bed->busy_vm, 0);
	bed->plain = world_vcpu(bed->w, world_vm(bed->w, role, 1), 0);
}

/* For each @every_ns devices use @ns on behalf of the first. */
static void run_with_devices(struct bed *bed, uint64_t total_ns,
			     uint64_t every_ns, uint64_t ns)
{
	for (uint64_t t = 0; t < total_ns; t += every_ns) {
		dis_vcpu_charge(bed->busy->vcpu, ns);
		world_run(bed->w, every_ns);
	}
}

static const struct dis_policy_ops *policy(const char *name)
{
	const struct dis_policy_ops *ops = dis_policy_find(name);

	assert_non_null(ops);
	return ops;
}

/* R: EVO-C1: beside cpu_ns, so that charged and idle are the cores' time. */
static void test_charge_is_no_time_of_the_cores(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct dis_vcpu_stats stats;
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, NULL);
	run_with_devices(&bed, SECOND_NS, 10 * MS, MS);
	stats = world_stats(bed.busy);
	assert_int_equal(stats.device_ns, 100 * MS);
	assert_int_equal(world_stats(bed.plain).device_ns, 0);
	world_step(bed.w, 0);
	assert_int_equal(world_stats(bed.busy).cpu_ns +
				 world_stats(bed.plain).cpu_ns,
			 SECOND_NS);
	world_check_ledger(bed.w, 0);
	world_close(bed.w);
}

/* What was not taken over yet is in the figures all the same. */
static void test_charge_of_a_sleeping_vcpu_is_seen_at_once(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_halt);
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, NULL);
	world_run(bed.w, MS);
	dis_vcpu_charge(bed.busy->vcpu, 7);
	dis_vcpu_charge(bed.busy->vcpu, 5);
	assert_int_equal(world_stats(bed.busy).device_ns, 12);
	world_wake(bed.w, bed.busy);
	assert_int_equal(world_stats(bed.busy).device_ns, 12);
	world_close(bed.w);
}

/* Fair: what it got and what devices used for it make up its half. */
static void test_charge_under_fair_costs_its_share(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	uint64_t busy_ns, plain_ns;
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, policy("fair"));
	run_with_devices(&bed, 10 * SECOND_NS, 10 * MS, 2 * MS);
	world_step(bed.w, 0);
	busy_ns = world_stats(bed.busy).cpu_ns + 2 * SECOND_NS;
	plain_ns = world_stats(bed.plain).cpu_ns;
	assert_in_range(busy_ns * 100 / plain_ns, 99, 101);
	world_close(bed.w);
}

/* Turns: its slices are shorter by what devices used. */
static void test_charge_under_rr_shortens_its_turns(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	uint64_t busy_ns, plain_ns;
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, NULL);
	run_with_devices(&bed, 10 * SECOND_NS, 10 * MS, 2 * MS);
	world_step(bed.w, 0);
	busy_ns = world_stats(bed.busy).cpu_ns;
	plain_ns = world_stats(bed.plain).cpu_ns;
	assert_true(busy_ns < plain_ns);
	world_close(bed.w);
}

/* However much it was, it gets on with each turn. */
static void test_charge_takes_half_of_a_turn_at_most(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, NULL);
	world_run(bed.w, 15 * MS);
	assert_ptr_equal(world_running(bed.w, 0), bed.plain);
	dis_vcpu_charge(bed.busy->vcpu, SECOND_NS);
	world_run(bed.w, 9 * MS);
	assert_ptr_equal(world_running(bed.w, 0), bed.busy);
	world_run(bed.w, 2 * MS);
	assert_ptr_equal(world_running(bed.w, 0), bed.plain);
	/* Once: the next turn is a whole one. */
	world_run(bed.w, 18 * MS);
	assert_ptr_equal(world_running(bed.w, 0), bed.busy);
	assert_int_equal(world_stats(bed.busy).device_ns, SECOND_NS);
	world_close(bed.w);
}

/* R: DIS-6: a maximum is one of all that is done for it. */
static void test_charge_uses_up_its_maximum(void **state)
{
	struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct dis_vcpu_stats busy;
	struct bed bed;

	(void)state;
	role.intent.max_permille = 300;
	bed_open(&bed, &role, NULL);
	run_with_devices(&bed, 10 * SECOND_NS, 10 * MS, MS);
	busy = world_stats(bed.busy);
	/* A window at the end may have been filled before the last charges. */
	assert_true(busy.cpu_ns + busy.device_ns <= 3100 * MS);
	assert_true(busy.cpu_ns <= 2100 * MS);
	assert_true(world_stats(bed.plain).cpu_ns >= 2800 * MS);
	world_close(bed.w);
}

/* R: DIS-6: so is a VM's. */
static void test_charge_uses_up_the_maximum_of_its_vm(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct dis_vcpu_stats busy;
	char err[256];
	struct bed bed;

	(void)state;
	bed_open(&bed, &role, NULL);
	assert_int_equal(dis_domain_set_shares(bed.w->dom, bed.busy_vm, 0, 300,
					       err, sizeof(err)),
			 0);
	world_settle(bed.w);
	run_with_devices(&bed, 10 * SECOND_NS, 10 * MS, MS);
	busy = world_stats(bed.busy);
	assert_true(busy.cpu_ns + busy.device_ns <= 3100 * MS);
	assert_in_range(busy.cpu_ns, 1800 * MS, 2100 * MS);
	world_close(bed.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_charge_is_no_time_of_the_cores),
		cmocka_unit_test(test_charge_of_a_sleeping_vcpu_is_seen_at_once),
		cmocka_unit_test(test_charge_under_fair_costs_its_share),
		cmocka_unit_test(test_charge_under_rr_shortens_its_turns),
		cmocka_unit_test(test_charge_takes_half_of_a_turn_at_most),
		cmocka_unit_test(test_charge_uses_up_its_maximum),
		cmocka_unit_test(test_charge_uses_up_the_maximum_of_its_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
