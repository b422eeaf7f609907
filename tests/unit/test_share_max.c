/* SPDX-License-Identifier: Apache-2.0 */
/* Maximum shares of vCPUs and VMs under a virtual clock (park.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define SECOND_NS DIS_S_NS

static char err[256];

static struct role capped(enum dis_class klass, uint16_t max)
{
	struct role role = ROLE(klass, world_hog);

	role.intent.max_permille = max;
	return role;
}

static uint64_t cpu_ns(struct world *w, dis_id vm, unsigned i)
{
	return world_stats(world_vcpu(w, vm, i)).cpu_ns;
}

/* R: DIS-6: a hog alone on its core: not more, and 95 % at least. */
static void test_max_hog_gets_all_of_its_maximum(void **state)
{
	static const uint16_t sizes[] = {1, 3, 10, 50, 250, 500, 900, 990};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct world *w = world_open_cores(1);
		struct role role = capped(DIS_CLASS_BATCH, sizes[i]);
		dis_id vm = world_vm(w, &role, 1);
		uint64_t ran_ns;

		world_run(w, 10 * SECOND_NS);
		ran_ns = cpu_ns(w, vm, 0);
		assert_true(ran_ns <= 10 * SECOND_NS / 1000 * sizes[i]);
		assert_true(ran_ns * 100 >=
			    95 * (10 * SECOND_NS / 1000 * sizes[i]));
		world_check_ledger(w, 0);
		world_close(w);
	}
}

/* R: DIS-6 */
static void test_max_rest_goes_to_less_urgent_ones(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {capped(DIS_CLASS_SYSTEM, 300),
			       ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 10 * SECOND_NS);
	assert_true(cpu_ns(w, vm, 0) <= 3 * SECOND_NS);
	assert_true(cpu_ns(w, vm, 0) >= 3 * SECOND_NS / 100 * 95);
	assert_int_equal(cpu_ns(w, vm, 0) + cpu_ns(w, vm, 1), 10 * SECOND_NS);
	world_close(w);
}

/* R: ST-8, DIS-6 */
static void test_max_used_up_is_throttled_until_released(void **state)
{
	struct world *w = world_open_cores(1);
	struct role role = capped(DIS_CLASS_BATCH, 10);
	dis_id vm = world_vm(w, &role, 1);

	(void)state;
	world_run(w, 103 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 0)),
			    "scheduled/spawn running/dispatch "
			    "throttled/share-max scheduled/requeue "
			    "running/dispatch throttled/share-max");
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttles, 2);
	/* 1 ms, 101 ms apart, and again. */
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttled_ns,
			 101 * MS);
	world_close(w);
}

/* Nothing to do until then: the core sleeps, and wakes once. */
static void test_max_parked_core_idles_until_release(void **state)
{
	struct world *w = world_open_cores(1);
	struct role role = capped(DIS_CLASS_BATCH, 10);

	(void)state;
	world_vm(w, &role, 1);
	world_run(w, 50 * MS);
	assert_null(w->core[0].decision.vcpu);
	assert_int_equal(w->core[0].decision.until_ns, 102 * MS);
	world_close(w);
}

/* R: DIS-6: over all cores, and no sibling starves. */
static void test_max_of_vm_holds_over_all_cores(void **state)
{
	struct world *w = world_open_cores(4);
	const struct role roles[] = {
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
	};
	dis_id vm = world_vm_stopped(w, roles, 6);
	uint64_t sum_ns = 0;

	(void)state;
	assert_int_equal(dis_domain_set_shares(w->dom, vm, 0, 1500, err,
					       sizeof(err)),
			 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 10 * SECOND_NS);
	for (unsigned i = 0; i < 6; i++) {
		sum_ns += cpu_ns(w, vm, i);
		assert_true(cpu_ns(w, vm, i) >= SECOND_NS);
	}
	assert_true(sum_ns <= 15 * SECOND_NS);
	assert_true(sum_ns >= 15 * SECOND_NS / 100 * 95);
	world_close(w);
}

/* R: DIS-6: the vCPUs of a VM take turns on what it has, on one core too. */
static void test_max_of_vm_on_one_core_shared_by_turns(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
	};
	dis_id vm = world_vm_stopped(w, roles, 3);

	(void)state;
	assert_int_equal(
		dis_domain_set_shares(w->dom, vm, 0, 300, err, sizeof(err)), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 10 * SECOND_NS);
	for (unsigned i = 0; i < 3; i++)
		assert_true(cpu_ns(w, vm, i) >= SECOND_NS / 100 * 80);
	world_close(w);
}

/* The same where there is enough for one of them at a time only. */
static void test_max_of_vm_who_waits_longest_is_next(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
	};
	dis_id vm = world_vm_stopped(w, roles, 2);

	(void)state;
	assert_int_equal(
		dis_domain_set_shares(w->dom, vm, 0, 10, err, sizeof(err)), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 10 * SECOND_NS);
	for (unsigned i = 0; i < 2; i++)
		assert_true(cpu_ns(w, vm, i) >= 40 * MS);
	world_close(w);
}

/* Its quantum begins anew: 7 ms in one turn, each time. R: BUD-3 */
static void test_max_released_has_a_whole_slice(void **state)
{
	struct world *w = world_open_cores(1);
	struct role roles[] = {capped(DIS_CLASS_BATCH, 70),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 250 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 0)),
			    "scheduled/spawn running/dispatch "
			    "throttled/share-max scheduled/requeue "
			    "running/dispatch throttled/share-max "
			    "scheduled/requeue running/dispatch "
			    "throttled/share-max");
	world_close(w);
}

/* R: EVO-B4: ended while parked, Throttled or Scheduled. */
static void test_max_parked_vcpus_end_along_legal_edges(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {
		ROLE(DIS_CLASS_BATCH, world_hog),
		ROLE(DIS_CLASS_BATCH, world_hog),
	};
	dis_id vm = world_vm_stopped(w, roles, 2);

	(void)state;
	assert_int_equal(
		dis_domain_set_shares(w->dom, vm, 0, 10, err, sizeof(err)), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 50 * MS);
	assert_int_equal(world_vcpu(w, vm, 0)->vcpu->place, DIS_PLACE_PARKED);
	assert_int_equal(world_vcpu(w, vm, 0)->vcpu->state, DIS_STATE_THROTTLED);
	assert_int_equal(world_vcpu(w, vm, 1)->vcpu->place, DIS_PLACE_PARKED);
	dis_domain_check(w->dom);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	world_settle(w);
	assert_int_equal(w->ends, 1);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_close(w);
}

/* R: DIS-10, DIS-6: at once, parked or not. */
static void test_max_lifted_while_parked_runs_at_once(void **state)
{
	struct world *w = world_open_cores(1);
	struct role role = capped(DIS_CLASS_BATCH, 10);
	dis_id vm = world_vm(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);

	(void)state;
	world_run(w, 50 * MS);
	role.intent.max_permille = 0;
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu->id, &role.intent,
					       err, sizeof(err)),
			 0);
	world_settle(w);
	world_run(w, 50 * MS);
	world_step(w, 0);
	assert_int_equal(cpu_ns(w, vm, 0), 51 * MS);
	/* And no timer is needed for a hog alone. */
	assert_true(w->core[0].decision.until_ns == DIS_NEVER_NS);
	world_close(w);
}

/* R: DIS-6: who has no maximum has no timer because of it. */
static void test_max_of_others_arms_nothing_for_free_ones(void **state)
{
	struct world *w = world_open_cores(1);
	struct role role = ROLE(DIS_CLASS_BATCH, world_hog);

	(void)state;
	world_vm(w, &role, 1);
	world_run(w, SECOND_NS);
	assert_int_equal(w->core[0].arms, 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max_hog_gets_all_of_its_maximum),
		cmocka_unit_test(test_max_rest_goes_to_less_urgent_ones),
		cmocka_unit_test(test_max_used_up_is_throttled_until_released),
		cmocka_unit_test(test_max_parked_core_idles_until_release),
		cmocka_unit_test(test_max_of_vm_holds_over_all_cores),
		cmocka_unit_test(test_max_of_vm_on_one_core_shared_by_turns),
		cmocka_unit_test(test_max_of_vm_who_waits_longest_is_next),
		cmocka_unit_test(test_max_released_has_a_whole_slice),
		cmocka_unit_test(test_max_parked_vcpus_end_along_legal_edges),
		cmocka_unit_test(test_max_lifted_while_parked_runs_at_once),
		cmocka_unit_test(test_max_of_others_arms_nothing_for_free_ones),
	};

	return cmocka_run_group_tests_name("share_max", tests, NULL, NULL);
}
