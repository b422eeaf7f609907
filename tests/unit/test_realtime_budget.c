/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Realtime vCPU has its worst case per period, whatever it does to have more: on
 * one core that is not overloaded, those beside it have theirs, too. (R: DIS-11)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/world.h"

#define US DIS_US_NS
#define MS DIS_MS_NS
#define PERIODS 100u

/* Just before its worst case is used up, for ever. */
#define NEARLY_NS (900 * US)

static void hint(struct world_vcpu *vcpu, uint64_t period_ns)
{
	struct dis_intent intent = world_intent(DIS_CLASS_REALTIME);

	intent.period_ns = intent.deadline_ns = period_ns;
	assert_int_equal(dis_vcpu_set_intent(vcpu->vcpu, &intent), 0);
}

static void hint_same(struct world_vcpu *vcpu)
{
	hint(vcpu, 10 * MS);
}

static void hint_other(struct world_vcpu *vcpu)
{
	hint(vcpu, (10 + vcpu->bursts_done % 2) * MS);
}

/*
 * Hostile, with 1 ms in 10 ms, beside one that always has work: it gets @work_ns in
 * each @period_ns.
 */
static void expect_in_time(const struct burst *hostile, uint64_t work_ns,
			   uint64_t period_ns)
{
	struct role roles[2] = {{world_intent(DIS_CLASS_REALTIME), hostile, 1},
				{world_intent(DIS_CLASS_REALTIME), world_hog,
				 1}};
	struct world *w = world_open_cores(1);
	dis_id vm;

	roles[1].intent.period_ns = roles[1].intent.deadline_ns = period_ns;
	roles[1].intent.wcet_ns = work_ns;
	vm = world_vm(w, roles, 2);
	for (uint64_t i = 1; i <= PERIODS; i++) {
		world_run(w, period_ns);
		assert_true(world_stats(world_vcpu(w, vm, 1)).cpu_ns >=
			    i * work_ns);
	}
	world_check_ledger(w, 0);
	world_close(w);
}

static void expect_harmless(const struct burst *hostile)
{
	expect_in_time(hostile, 5 * MS, 10 * MS);
	expect_in_time(hostile, 50 * MS, 100 * MS);
	expect_in_time(hostile, 900 * MS, 1000 * MS);
}

static void test_realtime_overrun_takes_no_more(void **state)
{
	(void)state;
	expect_harmless(world_hog);
}

static void test_realtime_yield_takes_no_more(void **state)
{
	static const struct burst yields = {.run_ns = NEARLY_NS,
					    .outcome = DIS_RUN_YIELD};

	(void)state;
	expect_harmless(&yields);
}

static void test_realtime_nap_takes_no_more(void **state)
{
	static const struct burst naps = {
		.run_ns = NEARLY_NS, .outcome = DIS_RUN_HALT, .sleep_ns = 1};

	(void)state;
	expect_harmless(&naps);
}

static void test_realtime_hint_takes_no_more(void **state)
{
	static const struct burst same = {.run_ns = NEARLY_NS,
					  .outcome = DIS_RUN_CONTINUE,
					  .hook = hint_same};
	static const struct burst other = {.run_ns = NEARLY_NS,
					   .outcome = DIS_RUN_CONTINUE,
					   .hook = hint_other};

	(void)state;
	expect_harmless(&same);
	expect_harmless(&other);
}

static struct role always(uint64_t work_ns)
{
	struct role role = {world_intent(DIS_CLASS_REALTIME), world_hog, 1};

	role.intent.wcet_ns = work_ns;
	return role;
}

/* While it was alone, nobody ended its slices: its deadline lies far behind. */
static void test_realtime_who_was_alone_takes_no_more(void **state)
{
	const struct role first = always(1 * MS), second = always(9 * MS);
	struct world *w = world_open_cores(1);
	dis_id vm;

	(void)state;
	world_vm(w, &first, 1);
	world_run(w, 1000 * MS);
	vm = world_vm(w, &second, 1);
	for (unsigned i = 1; i <= PERIODS; i++) {
		world_run(w, 10 * MS);
		assert_true(world_stats(world_vcpu(w, vm, 0)).cpu_ns >=
			    i * 9 * MS);
	}
	world_close(w);
}

/* Batch does @script beside one that always wants 98 % of each @period_ns. */
static void expect_reserve_kept(const struct burst *script, uint64_t period_ns)
{
	struct role roles[] = {always(period_ns * 98 / 100),
			       {world_intent(DIS_CLASS_BATCH), script, 1}};
	struct dis_domain_config cfg = world_config(1);
	uint64_t batch_ns = 0;
	struct world *w;
	dis_id vm;

	roles[0].intent.period_ns = roles[0].intent.deadline_ns = period_ns;
	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 2);
	for (unsigned i = 1; i <= PERIODS; i++) {
		world_run(w, period_ns);
		batch_ns = world_stats(world_vcpu(w, vm, 1)).cpu_ns;
		assert_true(batch_ns <= i * period_ns / 50);
	}
	assert_true(batch_ns >= PERIODS * period_ns / 500);
	world_close(w);
}

/* R: DIS-14: what others keep is what Realtime has not reserved. */
static void test_realtime_reserve_is_kept_from_floors(void **state)
{
	static const struct burst naps = {.run_ns = 20 * MS,
					  .outcome = DIS_RUN_HALT,
					  .sleep_ns = 1000 * MS};

	(void)state;
	expect_reserve_kept(world_hog, 10 * MS);
	expect_reserve_kept(world_hog, 1000 * MS);
	expect_reserve_kept(&naps, 10 * MS);
	expect_reserve_kept(&naps, 1000 * MS);
}

/* A class that was not there has saved nothing up: its period begins when it comes. */
static void test_realtime_late_class_takes_no_more(void **state)
{
	const struct role roles[] = {always(10 * MS * 98 / 100)};
	const struct role late[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	uint64_t before_ns;
	dis_id vm;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 1);
	world_run(w, 10000 * MS);
	world_vm(w, late, 1);
	before_ns = world_stats(world_vcpu(w, vm, 0)).cpu_ns;
	for (unsigned i = 1; i <= PERIODS; i++) {
		world_run(w, 10 * MS);
		world_step(w, 0);
		assert_true(world_stats(world_vcpu(w, vm, 0)).cpu_ns -
				    before_ns >=
			    (i - 1) * 98 * MS / 10);
	}
	world_close(w);
}

/* R: DIS-14: of several floors the one with the earliest deadline is first. */
static void test_realtime_floors_go_by_their_deadlines(void **state)
{
	static const unsigned permille[][2] = {{200, 50}, {50, 200}};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct role roles[] = {always(500 * MS),
				       ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				       ROLE(DIS_CLASS_BACKGROUND, world_hog)};
		struct dis_domain_config cfg = world_config(1);
		struct world *w;
		dis_id vm;

		roles[0].intent.period_ns = roles[0].intent.deadline_ns =
			1000 * MS;
		cfg.floor_permille[DIS_CLASS_INTERACTIVE] = permille[i][0];
		cfg.floor_permille[DIS_CLASS_BACKGROUND] = permille[i][1];
		w = world_open(&cfg, 0);
		vm = world_vm(w, roles, 3);
		/* When its slice ends both are owed. */
		world_run(w, 501 * MS);
		assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1 + i));
		world_close(w);
	}
}

/* R: DIS-14: a slice that is cut short costs the class no more than it had. */
static void test_realtime_floor_share_holds_under_urgent_wakes(void **state)
{
	static const struct burst ticks[] = {{.run_ns = 20 * US,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 200 * US}};
	const struct role roles[] = {always(5 * MS),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_SYSTEM, ticks)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 3);
	world_run(w, 10 * DIS_S_NS);
	assert_in_range(world_stats(world_vcpu(w, vm, 1)).cpu_ns, 400 * MS,
			550 * MS);
	world_close(w);
}

/* R: DIS-14: where more than a core is reserved floors go first. */
static void test_realtime_overload_leaves_floors_what_is_theirs(void **state)
{
	const struct role roles[] = {always(8 * MS), always(8 * MS),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 3);
	world_run(w, 10 * DIS_S_NS);
	assert_in_range(world_stats(world_vcpu(w, vm, 2)).cpu_ns, 400 * MS,
			550 * MS);
	world_close(w);
}

/* Beside one that wants @work_ns of 10 ms. */
static void expect_a_little(uint64_t work_ns)
{
	const struct role roles[] = {always(work_ns),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	dis_id vm;

	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 2);
	world_run(w, 20 * DIS_S_NS);
	assert_in_range(world_stats(world_vcpu(w, vm, 1)).cpu_ns, 15 * MS,
			20 * MS);
	world_close(w);
}

/* R: DIS-14: who has reserved all of a core leaves others a little all the same. */
static void test_realtime_whole_core_leaves_a_little(void **state)
{
	(void)state;
	expect_a_little(10 * MS);
	expect_a_little(10 * MS - US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_realtime_overrun_takes_no_more),
		cmocka_unit_test(test_realtime_yield_takes_no_more),
		cmocka_unit_test(test_realtime_nap_takes_no_more),
		cmocka_unit_test(test_realtime_hint_takes_no_more),
		cmocka_unit_test(test_realtime_who_was_alone_takes_no_more),
		cmocka_unit_test(test_realtime_reserve_is_kept_from_floors),
		cmocka_unit_test(test_realtime_late_class_takes_no_more),
		cmocka_unit_test(test_realtime_floors_go_by_their_deadlines),
		cmocka_unit_test(
			test_realtime_floor_share_holds_under_urgent_wakes),
		cmocka_unit_test(
			test_realtime_overload_leaves_floors_what_is_theirs),
		cmocka_unit_test(test_realtime_whole_core_leaves_a_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
