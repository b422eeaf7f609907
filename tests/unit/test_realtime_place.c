/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Realtime fits (realtime.c; R: DIS-9, DIS-13): what vCPUs reserve, and which
 * cores take them. Nothing runs, so that each figure is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define PERIOD_NS (10 * MS)
/* Millionths of a core. */
#define TENTH 100000u
#define WHOLE 1000000u

static struct dis_intent realtime(uint64_t wcet_ns)
{
	struct dis_intent intent = world_intent(DIS_CLASS_REALTIME);

	intent.period_ns = intent.deadline_ns = PERIOD_NS;
	intent.wcet_ns = wcet_ns;
	return intent;
}

struct bed {
	struct world *w;
	struct dis_vcpu *vcpu; /* on core 0 */
	struct dis_core *from, *to;
};

/* One of so many tenths, on cores that have reserved as much as said. */
static struct bed bed_open(unsigned tenths, uint64_t from, uint64_t to)
{
	struct dis_domain_config cfg = world_config(2);
	const struct role role = {realtime(tenths * MS), world_hog, 1};
	struct bed bed = {.w = world_open(&cfg, 0)};
	dis_id vm = world_vm_stopped(bed.w, &role, 1);

	bed.vcpu = world_vcpu(bed.w, vm, 0)->vcpu;
	bed.from = bed.w->core[0].core;
	bed.to = bed.w->core[1].core;
	assert_ptr_equal(vcpu_core(bed.vcpu), bed.from);
	assert_int_equal(bed.from->reserved, tenths * TENTH);
	atomic_store(&bed.from->reserved, from);
	atomic_store(&bed.to->reserved, to);
	/* Its job is in time. */
	bed.vcpu->entity.deadline_ns = PERIOD_NS;
	return bed;
}

static void expect_claim(unsigned tenths, uint64_t from, uint64_t to, bool late,
			 bool claimed)
{
	struct bed bed = bed_open(tenths, from, to);
	uint64_t share = tenths * TENTH;

	if (late)
		bed.vcpu->entity.deadline_ns = 0;
	assert_int_equal(realtime_claim(bed.vcpu, bed.to, MS), claimed);
	assert_int_equal(bed.from->reserved, from - (claimed ? share : 0));
	assert_int_equal(bed.to->reserved, to + (claimed ? share : 0));
	/* And back, if somebody else was faster. */
	if (claimed)
		realtime_unclaim(bed.vcpu, bed.to);
	assert_int_equal(bed.from->reserved, from);
	assert_int_equal(bed.to->reserved, to);
	world_close(bed.w);
}

static void test_realtime_share_is_rounded_up(void **state)
{
	struct dis_intent intent = realtime(MS);

	(void)state;
	intent.deadline_ns = 3 * MS;
	assert_int_equal(realtime_share(&intent), 333334);
	intent.wcet_ns = 3 * MS;
	assert_int_equal(realtime_share(&intent), WHOLE);
	intent.wcet_ns = 1;
	assert_int_equal(realtime_share(&intent), 1);
	intent.klass = DIS_CLASS_BATCH;
	assert_int_equal(realtime_share(&intent), 0);
	assert_int_equal(realtime_share(NULL), 0);
}

/* It is served where it is, also if the other core is empty. */
static void test_realtime_in_time_stays(void **state)
{
	(void)state;
	expect_claim(6, 10 * TENTH, 0, false, false);
}

static void test_realtime_late_goes_where_it_fits(void **state)
{
	(void)state;
	expect_claim(6, 6 * TENTH, 4 * TENTH, true, true);
	expect_claim(6, 6 * TENTH, 4 * TENTH + 1, true, false);
}

/* From a core that is overloaded to any that is less so afterwards. */
static void test_realtime_overload_is_evened_out(void **state)
{
	(void)state;
	expect_claim(6, 15 * TENTH, 9 * TENTH - 1, false, true);
	expect_claim(6, 15 * TENTH, 9 * TENTH, false, false);
	/* All of a core is not more than it has. */
	expect_claim(6, 10 * TENTH + 1, 0, false, true);
}

/* Behind one of class System it is not in time, whatever its share. */
static void test_realtime_behind_system_goes_where_it_fits(void **state)
{
	struct bed bed = bed_open(1, TENTH, 0);
	struct dis_vcpu urgent = {.intent = {.klass = DIS_CLASS_SYSTEM}};

	(void)state;
	bed.from->current = &urgent;
	assert_true(realtime_claim(bed.vcpu, bed.to, MS));
	realtime_unclaim(bed.vcpu, bed.to);
	urgent.intent.klass = DIS_CLASS_REALTIME;
	assert_false(realtime_claim(bed.vcpu, bed.to, MS));
	bed.from->current = NULL;
	world_close(bed.w);
}

/* What has to go because of its cores is reserved there, fit or not. */
static void test_realtime_moved_by_affinity_takes_its_share_along(void **state)
{
	struct bed bed = bed_open(6, 6 * TENTH, 8 * TENTH);
	char err[256];

	(void)state;
	assert_int_equal(dis_vm_start(bed.w->dom, bed.vcpu->vm->id), 0);
	world_settle(bed.w);
	assert_int_equal(dis_domain_set_affinity(bed.w->dom, bed.vcpu->id, 2,
						 err, sizeof(err)),
			 0);
	world_settle(bed.w);
	assert_ptr_equal(vcpu_core(bed.vcpu), bed.to);
	assert_int_equal(bed.from->reserved, 0);
	assert_int_equal(bed.to->reserved, 14 * TENTH);
	world_close(bed.w);
}

/*
 * What is left of a job may be more than its share of the time that is left: it gets a
 * new deadline where that would harm others, and only there. 4 ms are to be done.
 */
static void test_realtime_moved_gets_new_deadline_if_it_would_harm(void **state)
{
	struct bed bed = bed_open(4, 4 * TENTH, 9 * TENTH);
	uint64_t *deadline_ns = &bed.vcpu->entity.deadline_ns;

	(void)state;
	/* Half of the core is for others. */
	*deadline_ns = MS + 8 * MS;
	realtime_moved(bed.vcpu, bed.to, MS);
	assert_int_equal(*deadline_ns, 9 * MS);
	*deadline_ns = MS + 8 * MS - 1000;
	realtime_moved(bed.vcpu, bed.to, MS);
	assert_int_equal(*deadline_ns, MS + PERIOD_NS);
	world_close(bed.w);
}

/* The wake rule of the constant bandwidth server. */
static void test_realtime_wake_keeps_deadline_within_its_share(void **state)
{
	struct bed bed = bed_open(2, 2 * TENTH, 0);

	(void)state;
	bed.vcpu->consumed_ns = MS;
	assert_true(realtime_keeps_deadline(bed.vcpu, 5 * MS));
	assert_false(realtime_keeps_deadline(bed.vcpu, 5 * MS + 1000));
	/* None is ahead. */
	bed.vcpu->consumed_ns = 2 * MS;
	assert_true(realtime_keeps_deadline(bed.vcpu, PERIOD_NS - 1));
	assert_false(realtime_keeps_deadline(bed.vcpu, PERIOD_NS));
	bed.vcpu->entity.deadline_ns = DIS_NEVER_NS;
	assert_false(realtime_keeps_deadline(bed.vcpu, 5 * MS));
	world_close(bed.w);
}

/* By shares, not by heads: where most is left. */
static void test_realtime_new_one_goes_where_most_is_left(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	const struct role roles[] = {{realtime(6 * MS), world_hog, 1},
				     {realtime(2 * MS), world_hog, 1},
				     {realtime(2 * MS), world_hog, 1},
				     {realtime(1 * MS), world_hog, 1}};
	static const unsigned cores[] = {0, 1, 1, 1};
	struct world *w = world_open(&cfg, 0);
	dis_id vm = world_vm_stopped(w, roles, 4);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(vcpu_core(world_vcpu(w, vm, i)->vcpu)->index,
				 cores[i]);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_realtime_share_is_rounded_up),
		cmocka_unit_test(test_realtime_in_time_stays),
		cmocka_unit_test(test_realtime_late_goes_where_it_fits),
		cmocka_unit_test(test_realtime_overload_is_evened_out),
		cmocka_unit_test(test_realtime_behind_system_goes_where_it_fits),
		cmocka_unit_test(
			test_realtime_moved_by_affinity_takes_its_share_along),
		cmocka_unit_test(
			test_realtime_moved_gets_new_deadline_if_it_would_harm),
		cmocka_unit_test(
			test_realtime_wake_keeps_deadline_within_its_share),
		cmocka_unit_test(test_realtime_new_one_goes_where_most_is_left),
	};

	return cmocka_run_group_tests_name("realtime-place", tests, NULL, NULL);
}
