/* SPDX-License-Identifier: Apache-2.0 */
/* A core whose CPU others of the host use is a worse place (R: DIS-8, DIS-9). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static void set_foreign(struct world *w, unsigned core, uint32_t permille)
{
	struct dis_host_load load;

	memset(&load, 0xff, sizeof(load));
	load.foreign[core] = permille;
	dis_domain_set_host_load(w->dom, &load);
}

static void test_foreign_busy_cpu_first_vcpu_elsewhere(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_domain_config cfg = world_config(2);
	struct world *w = world_open(&cfg, 0);

	(void)state;
	assert_int_equal(world_core_of(world_vcpu(w, world_vm(w, roles, 1), 0)),
			 0);
	world_close(w);
	w = world_open(&cfg, 0);
	set_foreign(w, 0, 700);
	assert_int_equal(world_core_of(world_vcpu(w, world_vm(w, roles, 1), 0)),
			 1);
	world_close(w);
}

static void test_foreign_less_than_half_no_competitor(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(2);

	(void)state;
	set_foreign(w, 0, 499);
	assert_int_equal(world_core_of(world_vcpu(w, world_vm(w, roles, 1), 0)),
			 0);
	/* Nor what is not known. */
	set_foreign(w, 0, DIS_LOAD_ABSENT);
	assert_int_equal(dis_domain_core(w->dom, 0)->foreign, 0);
	world_close(w);
}

/* Three hogs take turns on two cores; not if one core is half another's. */
static void test_foreign_busy_cpu_gets_fewer_hogs_for_good(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(2);
	uint64_t migrations = 0;
	unsigned on_busy = 0;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 3);
	set_foreign(w, 0, 1000);
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 3; i++) {
		migrations += world_stats(world_vcpu(w, vm, i)).migrations;
		on_busy += world_core_of(world_vcpu(w, vm, i)) == 0;
	}
	assert_int_equal(on_busy, 1);
	world_run(w, 2000 * MS);
	for (unsigned i = 0; i < 3; i++)
		migrations -= world_stats(world_vcpu(w, vm, i)).migrations;
	assert_int_equal(migrations, 0);
	/* The load is gone: they take turns again. */
	set_foreign(w, 0, 0);
	world_run(w, 2000 * MS);
	for (unsigned i = 0; i < 3; i++)
		migrations += world_stats(world_vcpu(w, vm, i)).migrations;
	assert_true(migrations > 5);
	world_close(w);
}

/* One hog on each core: a turn would only put two where one is. */
static void test_foreign_busy_cpu_keeps_its_only_hog(void **state)
{
	static const struct burst naps[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 3 * MS}};
	/* Now and then it waits behind another. */
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     {world_intent_on(DIS_CLASS_SYSTEM, 1),
				      naps, 1}};
	struct dis_domain_config cfg = world_config(2);
	struct world *w = world_open(&cfg, 0);
	uint64_t migrations = 0;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 3);
	set_foreign(w, 0, 1000);
	world_run(w, 10 * MS);
	for (unsigned i = 0; i < 2; i++)
		migrations += world_stats(world_vcpu(w, vm, i)).migrations;
	assert_int_not_equal(world_core_of(world_vcpu(w, vm, 0)),
			     world_core_of(world_vcpu(w, vm, 1)));
	world_run(w, 2000 * MS);
	for (unsigned i = 0; i < 2; i++)
		migrations -= world_stats(world_vcpu(w, vm, i)).migrations;
	assert_int_equal(migrations, 0);
	world_close(w);
}

static void test_host_load_at_first_absent_then_as_set(void **state)
{
	struct world *w = world_open_cores(2);
	struct dis_host_load load;

	(void)state;
	dis_domain_get_host_load(w->dom, &load);
	assert_int_equal(load.foreign[1], DIS_LOAD_ABSENT);
	assert_int_equal(load.io_wait, DIS_LOAD_ABSENT);
	set_foreign(w, 1, 321);
	dis_domain_get_host_load(w->dom, &load);
	assert_int_equal(load.foreign[1], 321);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_busy_cpu_first_vcpu_elsewhere),
		cmocka_unit_test(test_foreign_less_than_half_no_competitor),
		cmocka_unit_test(test_foreign_busy_cpu_gets_fewer_hogs_for_good),
		cmocka_unit_test(test_foreign_busy_cpu_keeps_its_only_hog),
		cmocka_unit_test(test_host_load_at_first_absent_then_as_set),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
