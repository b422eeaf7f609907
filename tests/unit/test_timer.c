/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the next step is due: the preemption timer is armed for what could take
 * the core away, and for nothing else (R: CARD-4, PRE-6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS

static struct world *open_world(unsigned floor_permille)
{
	struct dis_domain_config cfg = world_config(1);

	cfg.floor_permille[DIS_CLASS_BACKGROUND] = floor_permille;
	return world_open(&cfg, 0);
}

static uint64_t until(const struct world *w)
{
	return w->core[0].decision.until_ns;
}

static const struct burst sleep_20ms[] = {
	{.outcome = DIS_RUN_HALT, .sleep_ns = 20 * MS}};
static const struct burst sleep_3ms[] = {
	{.outcome = DIS_RUN_HALT, .sleep_ns = 3 * MS}};

/* R: PRE-6, CARD-4 */
static void test_timer_empty_core_is_not_armed(void **state)
{
	struct world *w = open_world(50);

	(void)state;
	assert_true(until(w) == DIS_NEVER_NS);
	world_run(w, 10000 * MS);
	assert_int_equal(w->core[0].steps, 1);
	world_close(w);
}

/* R: PRE-6, CARD-4 */
static void test_timer_lone_hog_is_not_armed(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(50);

	(void)state;
	world_vm(w, roles, 1);
	assert_non_null(world_running(w, 0));
	assert_true(until(w) == DIS_NEVER_NS);
	world_run(w, 10000 * MS);
	assert_int_equal(w->core[0].arms, 0);
	world_close(w);
}

/* R: PRE-6, CARD-4 */
static void test_timer_all_halted_is_not_armed(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_INTERACTIVE, world_halt),
				     ROLE(DIS_CLASS_REALTIME, world_halt)};
	struct world *w = open_world(50);
	unsigned steps;

	(void)state;
	world_vm(w, roles, 3);
	world_run(w, MS);
	steps = w->core[0].steps;
	assert_null(world_running(w, 0));
	assert_true(until(w) == DIS_NEVER_NS);
	world_run(w, 10000 * MS);
	assert_int_equal(w->core[0].steps, steps);
	world_close(w);
}

/* R: PRE-6: with the halted beside it, too. */
static void test_timer_hog_beside_halted_is_not_armed(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(50);
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 100 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 2));
	assert_true(until(w) == DIS_NEVER_NS);
	world_close(w);
}

/* R: CARD-4 */
static void test_timer_competitor_arms_slice_end(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(0);

	(void)state;
	world_vm(w, roles, 2);
	assert_int_equal(until(w), 10 * MS);
	world_close(w);
}

/* R: CARD-4 */
static void test_timer_urgent_sleeper_arms_its_wake(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, sleep_3ms),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(0);
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	assert_int_equal(until(w), 3 * MS);
	world_close(w);
}

/* R: CARD-4: not before the slice end, and not before it wakes. */
static void test_timer_equal_sleeper_waits_for_slice_end(void **state)
{
	const struct role early[] = {ROLE(DIS_CLASS_BATCH, sleep_3ms),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	const struct role late[] = {ROLE(DIS_CLASS_BATCH, sleep_20ms),
				    ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(0);

	(void)state;
	world_vm(w, early, 2);
	world_run(w, MS);
	assert_int_equal(until(w), 10 * MS);
	world_close(w);
	w = open_world(0);
	world_vm(w, late, 2);
	world_run(w, MS);
	assert_int_equal(until(w), 20 * MS);
	world_close(w);
}

/* R: PRE-6: less urgent and without a floor: it cannot take the core. */
static void test_timer_powerless_waiter_is_not_armed_for(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world(0);

	(void)state;
	world_vm(w, roles, 2);
	assert_true(until(w) == DIS_NEVER_NS);
	world_run(w, 10000 * MS);
	assert_int_equal(w->core[0].arms, 0);
	world_close(w);
}

/* R: DIS-14 */
static void test_timer_floor_waiter_arms_its_due_time(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world(50);

	(void)state;
	world_vm(w, roles, 2);
	assert_int_equal(until(w), 95 * MS);
	world_close(w);
}

/* The guest's own timer must be injected in time. */
static void test_timer_own_guest_timer_is_armed_until_due(void **state)
{
	static const struct burst script[] = {{.run_ns = MS,
					       .outcome = DIS_RUN_CONTINUE},
					      {.run_ns = DIS_NEVER_NS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, script)};
	struct world *w = open_world(0);
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, roles, 1), 0);

	(void)state;
	vcpu->sim.timer_ns = 4 * MS;
	world_run(w, 2 * MS);
	assert_int_equal(until(w), 4 * MS);
	world_run(w, 2 * MS);
	/* Due: the guest gets it at the entry, nothing more to arm for. */
	assert_true(until(w) == DIS_NEVER_NS);
	world_close(w);
}

/* An idle core sleeps until its first sleeper's time. */
static void test_timer_idle_core_waits_for_first_sleeper(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, sleep_20ms),
				     ROLE(DIS_CLASS_BACKGROUND, sleep_3ms)};
	struct world *w = open_world(0);

	(void)state;
	world_vm(w, roles, 2);
	world_run(w, MS);
	assert_null(world_running(w, 0));
	assert_int_equal(until(w), 3 * MS);
	world_close(w);
}

/*
 * R: BUD-4: a timer that is armed for something far away is no reason to let an
 * equal wait for it: the wake must get through at the slice end.
 */
static void test_timer_far_sleeper_does_not_delay_equal_wake(void **state)
{
	static const struct burst sleep_1s[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 1000 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, sleep_1s),
				     ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(0);
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 2 * MS);
	assert_int_equal(until(w), 1000 * MS);
	world_wake(w, world_vcpu(w, vm, 1));
	assert_int_equal(until(w), 10 * MS);
	world_run(w, 10 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 1)).dispatches, 2);
	world_close(w);
}

/* R: DIS-14: the same with a floor that is due later. */
static void test_timer_far_floor_does_not_delay_equal_wake(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	struct world *w = open_world(50);
	dis_id vm = world_vm(w, roles, 3);

	(void)state;
	world_run(w, 2 * MS);
	world_wake(w, world_vcpu(w, vm, 0));
	world_run(w, 10 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).dispatches, 2);
	world_close(w);
}

/* R: PRE-3: time that was slept through gives one expiry, not many. */
static void test_timer_missed_expiries_are_skipped(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = open_world(0);
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	w->now_ns = 105 * MS; /* the host took the core away */
	world_step(w, 0);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	assert_int_equal(until(w), 115 * MS);
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).throttles, 1);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_empty_core_is_not_armed),
		cmocka_unit_test(test_timer_lone_hog_is_not_armed),
		cmocka_unit_test(test_timer_all_halted_is_not_armed),
		cmocka_unit_test(test_timer_hog_beside_halted_is_not_armed),
		cmocka_unit_test(test_timer_competitor_arms_slice_end),
		cmocka_unit_test(test_timer_urgent_sleeper_arms_its_wake),
		cmocka_unit_test(test_timer_equal_sleeper_waits_for_slice_end),
		cmocka_unit_test(test_timer_powerless_waiter_is_not_armed_for),
		cmocka_unit_test(test_timer_floor_waiter_arms_its_due_time),
		cmocka_unit_test(test_timer_own_guest_timer_is_armed_until_due),
		cmocka_unit_test(test_timer_idle_core_waits_for_first_sleeper),
		cmocka_unit_test(
			test_timer_far_sleeper_does_not_delay_equal_wake),
		cmocka_unit_test(test_timer_far_floor_does_not_delay_equal_wake),
		cmocka_unit_test(test_timer_missed_expiries_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
