/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum shares and the cores that they are admitted on (admission.c, control.c). */
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

static char err[256];

static struct role reserved(enum dis_class klass, uint16_t min)
{
	struct role role = ROLE(klass, world_hog);

	role.intent.min_permille = min;
	return role;
}

static int spawn(struct world *w, const struct dis_intent *intents,
		 unsigned vcpus, unsigned min, unsigned max, dis_id *id)
{
	const struct dis_vm_spec spec = {.name = "vm",
					 .vcpus = vcpus,
					 .mem_bytes = 4096,
					 .min_permille = min,
					 .max_permille = max,
					 .intents = intents};

	return dis_vm_spawn(w->dom, &spec, 0, id, err, sizeof(err));
}

/* R: DIS-6, CARD-5: all or nothing, with a reason and an event. */
static void test_min_beyond_a_core_is_refused_at_spawn(void **state)
{
	struct world *w = world_open_cores(2);
	struct dis_intent intents[3];
	struct dis_domain_usage usage;
	struct dis_event event;
	dis_id id;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		intents[i] = world_intent(DIS_CLASS_BATCH);
		intents[i].min_permille = 500;
	}
	assert_int_equal(spawn(w, intents, 3, 0, 0, &id), -DIS_ERESOURCE);
	assert_string_equal(err,
			    "out of CPU time: no core has room for the minimum "
			    "of vCPU 2 (500 per mille of a core)");
	dis_domain_get_usage(w->dom, &usage);
	assert_int_equal(usage.vms, 0);
	assert_int_equal(usage.spawns_denied, 1);
	assert_int_equal(dis_domain_read_events(w->dom, 2, &event, 1), 1);
	assert_int_equal(event.reason, DIS_REASON_SHARE_EXHAUSTED);
	/* Nothing was kept: two fit, one per core. */
	assert_int_equal(spawn(w, intents, 2, 0, 0, &id), 0);
	assert_int_equal(spawn(w, intents, 1, 0, 0, &id), -DIS_ERESOURCE);
	world_close(w);
}

/* R: MEM-4 */
static void test_min_is_given_back_at_reap(void **state)
{
	struct world *w = world_open_cores(1);
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	dis_id id;

	(void)state;
	intent.min_permille = 800;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(spawn(w, &intent, 1, 0, 0, &id), 0);
		assert_int_equal(dis_vm_reap_finish(w->dom, id), 0);
	}
	assert_int_equal(w->core[0].core->dom->reserved_ppm[0], 0);
	world_close(w);
}

/* R: DIS-6: only where the vCPU may run. */
static void test_min_is_admitted_on_allowed_cores_only(void **state)
{
	struct world *w = world_open_cores(2);
	struct dis_intent intent = world_intent_on(DIS_CLASS_BATCH, 2);
	dis_id id;

	(void)state;
	intent.min_permille = 600;
	assert_int_equal(spawn(w, &intent, 1, 0, 0, &id), 0);
	assert_int_equal(spawn(w, &intent, 1, 0, 0, &id), -DIS_ERESOURCE);
	intent.affinity = DIS_CPUMASK_ALL;
	assert_int_equal(spawn(w, &intent, 1, 0, 0, &id), 0);
	assert_int_equal(w->core[0].core->dom->reserved_ppm[0],
			 reserve_pace_ppm(600));
	world_close(w);
}

/* To the last millionth: these three paces add up to 90 %, the one beside to more. */
static void test_min_fills_a_core_to_the_limit(void **state)
{
	static const uint16_t sizes[] = {61, 112, 673};
	struct world *w = world_open_cores(1);
	struct dis_intent intents[3];
	uint64_t sum_ppm = 0;
	dis_id id;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		intents[i] = world_intent(DIS_CLASS_BATCH);
		intents[i].min_permille = sizes[i];
		sum_ppm += reserve_pace_ppm(sizes[i]);
	}
	assert_int_equal(sum_ppm, 900000);
	intents[0].min_permille = 62;
	assert_int_equal(spawn(w, intents, 3, 0, 0, &id), -DIS_ERESOURCE);
	intents[0].min_permille = 61;
	assert_int_equal(spawn(w, intents, 3, 0, 0, &id), 0);
	world_close(w);
}

/* R: DIS-6: where most is left. */
static void test_min_is_admitted_where_least_is_reserved(void **state)
{
	static const uint16_t sizes[] = {300, 100, 100, 200, 50};
	static const unsigned homes[] = {0, 1, 1, 1, 0};
	struct world *w = world_open_cores(2);
	struct role roles[5];
	dis_id vm;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		roles[i] = reserved(DIS_CLASS_BATCH, sizes[i]);
	vm = world_vm_stopped(w, roles, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(world_vcpu(w, vm, i)->vcpu->settings.home,
				 homes[i]);
	world_close(w);
}

/* R: CARD-3, DIS-6: cores that it may use no more are no home, room or not. */
static void test_min_moves_with_the_affinity(void **state)
{
	struct world *w = world_open_cores(2);
	const struct role role = reserved(DIS_CLASS_BATCH, 300);
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, &role, 1), 0);
	const struct dis_domain *dom = w->core[0].core->dom;

	(void)state;
	assert_int_equal(vcpu->vcpu->settings.home, 0);
	assert_int_equal(dis_domain_set_affinity(w->dom, vcpu->id, 2, err,
						 sizeof(err)),
			 0);
	world_settle(w);
	assert_int_equal(vcpu->vcpu->settings.home, 1);
	assert_int_equal(dom->reserved_ppm[0], 0);
	assert_int_equal(dom->reserved_ppm[1], reserve_pace_ppm(300));
	assert_ptr_equal(world_running(w, 1), vcpu);
	world_close(w);
}

/* One that had none so far keeps its core if that has room, wherever it began. */
static void test_min_of_running_is_admitted_where_it_runs(void **state)
{
	struct world *w = world_open_cores(2);
	struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	dis_id vm = world_vm_stopped(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);

	(void)state;
	assert_int_equal(vcpu->vcpu->settings.home, 0);
	world_start_on(w, vm, 1);
	role.intent.min_permille = 100;
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu->id, &role.intent,
					       err, sizeof(err)),
			 0);
	world_settle(w);
	assert_int_equal(vcpu->vcpu->settings.home, 1);
	assert_int_equal(world_stats(vcpu).migrations, 0);
	world_close(w);
}

/* Parts are rounded up: a third of 100 is 34. */
static void test_min_of_vm_part_is_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(admission_min(0, 100, 3), 34);
	assert_int_equal(admission_min(0, 99, 3), 33);
	assert_int_equal(admission_min(35, 100, 3), 35);
	assert_int_equal(admission_min(33, 100, 3), 34);
	assert_int_equal(admission_min(0, 0, 3), 0);
}

/* R: DIS-7 */
static void test_shares_of_vm_out_of_range_refused(void **state)
{
	struct world *w = world_open_cores(1);
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	dis_id id;

	(void)state;
	assert_int_equal(spawn(w, &intent, 1, 0, 1001, &id), -DIS_EINTENT);
	assert_string_equal(err, "shares of a VM with 1 vCPUs are 1000 per "
				 "mille at most");
	assert_int_equal(spawn(w, &intent, 1, 0, 1000, &id), 0);
	assert_int_equal(spawn(w, &intent, 1, 1001, 0, &id), -DIS_EINTENT);
	/* In range, but no core has room for that. */
	assert_int_equal(spawn(w, &intent, 1, 1000, 0, &id), -DIS_ERESOURCE);
	assert_int_equal(spawn(w, &intent, 1, 500, 549, &id), -DIS_EINTENT);
	assert_int_equal(spawn(w, &intent, 1, 500, 550, &id), 0);
	assert_int_equal(spawn(w, &intent, 1, 500, 510, &id), -DIS_EINTENT);
	assert_string_equal(err, "the VM's maximum 510 is too close to its "
				 "minima: it must be 550 at least");
	intent.max_permille = 100;
	assert_int_equal(spawn(w, &intent, 1, 100, 0, &id), -DIS_EINTENT);
	assert_string_equal(err, "max 100 of vCPU 0 is too close to its part "
				 "of the VM's minimum, 100");
	intent.max_permille = 119;
	assert_int_equal(spawn(w, &intent, 1, 100, 0, &id), -DIS_EINTENT);
	intent.max_permille = 120;
	assert_int_equal(spawn(w, &intent, 1, 100, 0, &id), 0);
	world_close(w);
}

/* R: DIS-6: nothing that is ignored. */
static void test_shares_without_own_scheduling_not_supported(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	struct world *w;
	dis_id id;

	(void)state;
	cfg.per_vcpu = true;
	cfg.vcpus_max = cfg.cores;
	w = world_open(&cfg, 0);
	intent.max_permille = 100;
	assert_int_equal(spawn(w, &intent, 1, 0, 0, &id), -DIS_ENOTSUPPORTED);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_min_beyond_a_core_is_refused_at_spawn),
		cmocka_unit_test(test_min_is_given_back_at_reap),
		cmocka_unit_test(test_min_is_admitted_on_allowed_cores_only),
		cmocka_unit_test(test_min_fills_a_core_to_the_limit),
		cmocka_unit_test(test_min_is_admitted_where_least_is_reserved),
		cmocka_unit_test(test_min_moves_with_the_affinity),
		cmocka_unit_test(test_min_of_running_is_admitted_where_it_runs),
		cmocka_unit_test(test_min_of_vm_part_is_rounded_up),
		cmocka_unit_test(test_shares_of_vm_out_of_range_refused),
		cmocka_unit_test(
			test_shares_without_own_scheduling_not_supported),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
