/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a vCPU wherever it is (R: DIS-2): by the thread that owns it, in no
 * run, and without a change for the vCPU.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/fakevm.h"
#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

/* What the operation saw. */
static unsigned looks;
static const struct world_vcpu *last;

static void on_look(void *arg)
{
	last = arg;
	looks++;
}

static struct world *open_world(unsigned cores)
{
	struct world *w = world_open_cores(cores);

	w->sim.run_ops.inspect = on_look;
	looks = 0;
	last = NULL;
	return w;
}

/* Of the vCPU, and nothing has changed for it. */
static void expect_look(struct world *w, struct world_vcpu *v)
{
	struct dis_vcpu_stats before = world_stats(v), after;
	unsigned place = v->vcpu->place, state = v->vcpu->state;
	size_t events = w->n_events;

	looks = 0;
	dis_vcpu_inspect(v->vcpu);
	world_settle(w);
	assert_int_equal(looks, 1);
	assert_ptr_equal(last, v);
	assert_int_equal(v->vcpu->place, place);
	assert_int_equal(v->vcpu->state, state);
	after = world_stats(v);
	assert_int_equal(after.wakes, before.wakes);
	assert_int_equal(after.dispatches, before.dispatches);
	assert_int_equal(after.preemptions, before.preemptions);
	assert_int_equal(w->n_events, events);
	dis_domain_check(w->dom);
}

/* R: DIS-2 */
static void test_inspect_reaches_every_place(void **state)
{
	static const struct burst sleeps[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 1000 * MS}};
	static dis_id other;
	static const struct burst joins[] = {
		{.outcome = DIS_RUN_JOIN, .join = &other}};
	const struct role forever = ROLE(DIS_CLASS_BACKGROUND, world_halt);
	struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_halt),
			       ROLE(DIS_CLASS_INTERACTIVE, sleeps),
			       ROLE(DIS_CLASS_INTERACTIVE, joins),
			       ROLE(DIS_CLASS_SYSTEM, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	static const enum dis_place places[] = {
		DIS_PLACE_BLOCKED, DIS_PLACE_SLEEPQ,  DIS_PLACE_JOINING,
		DIS_PLACE_PARKED,  DIS_PLACE_CURRENT, DIS_PLACE_RUNQ};
	struct world *w = open_world(1);
	dis_id vm;

	(void)state;
	other = world_vm(w, &forever, 1);
	roles[3].intent.max_permille = 10;
	vm = world_vm(w, roles, 6);
	world_run(w, 8 * MS);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(world_vcpu(w, vm, i)->vcpu->place, places[i]);
		expect_look(w, world_vcpu(w, vm, i));
	}
	world_close(w);
}

static void test_inspect_of_ended_vcpu_is_done(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world *w = open_world(1);
	dis_id vm = world_vm(w, &role, 1);

	(void)state;
	world_run(w, MS);
	dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED);
	world_settle(w);
	expect_look(w, world_vcpu(w, vm, 0));
	world_close(w);
}

/* R: EVO-B4: what was asked before the reaping is done before it ends. */
static void test_inspect_before_reap_is_done(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world *w = open_world(1);
	dis_id vm = world_vm(w, &role, 1);

	(void)state;
	world_run(w, MS);
	dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED);
	world_settle(w);
	dis_vcpu_inspect(world_vcpu(w, vm, 0)->vcpu);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(looks, 1);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_close(w);
}

static void test_inspect_twice_before_the_pass_is_one_look(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world *w = open_world(1);
	struct world_vcpu *v = world_vcpu(w, world_vm(w, &role, 1), 0);

	(void)state;
	world_run(w, MS);
	w->core[0].kicks = 0;
	dis_vcpu_inspect(v->vcpu);
	dis_vcpu_inspect(v->vcpu);
	world_settle(w);
	assert_int_equal(looks, 1);
	/* A hog alone comes back for nothing else. */
	assert_int_equal(w->core[0].kicks, 1);
	world_close(w);
}

static void test_inspect_with_wake_does_both(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_halt);
	struct world *w = open_world(1);
	struct world_vcpu *v = world_vcpu(w, world_vm(w, &role, 1), 0);

	(void)state;
	world_run(w, MS);
	dis_vcpu_inspect(v->vcpu);
	dis_vcpu_wake(v->vcpu);
	world_settle(w);
	assert_int_equal(looks, 1);
	assert_int_equal(world_stats(v).wakes, 1);
	world_close(w);
}

static void test_inspect_without_operation_is_nothing(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world *w = open_world(1);
	struct world_vcpu *v = world_vcpu(w, world_vm(w, &role, 1), 0);

	(void)state;
	w->sim.run_ops.inspect = NULL;
	world_run(w, MS);
	dis_vcpu_inspect(v->vcpu);
	world_settle(w);
	assert_int_equal(looks, 0);
	assert_int_equal(v->vcpu->place, DIS_PLACE_CURRENT);
	world_close(w);
}

/* Halts with a short timer, so that it changes cores all the time. */
static void nap(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	result->outcome = DIS_RUN_HALT;
	result->timer_ns = dis_clock_ns() + 50 * DIS_US_NS;
}

/*
 * R: EVO-B1: with real threads, of vCPUs that move between cores: the fake ends
 * the test if a vCPU is looked at within a run.
 */
static void test_inspect_of_moving_vcpus_is_never_in_a_run(void **state)
{
	const struct fake_config cfg = {.cores = 2};
	const struct fake_role roles[] = {
		{DIS_CLASS_INTERACTIVE, nap, NULL},
		{DIS_CLASS_BATCH, nap, NULL},
		{DIS_CLASS_BATCH, fake_spin, NULL},
		{DIS_CLASS_BATCH, fake_halt, NULL},
	};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = fake_vm(fake, roles, 4);

	(void)state;
	fake_start(fake, vm);
	for (unsigned i = 1; i <= 2000; i++)
		for (unsigned k = 0; k < 4; k++) {
			struct fake_vcpu *v = fake_vcpu(fake, vm, k);

			dis_vcpu_inspect(v->vcpu);
			assert_true(
				fake_wait_until(&v->looks, i, 10 * DIS_S_NS));
		}
	fake_end(fake, vm);
	fake_close(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inspect_reaches_every_place),
		cmocka_unit_test(test_inspect_of_ended_vcpu_is_done),
		cmocka_unit_test(test_inspect_before_reap_is_done),
		cmocka_unit_test(test_inspect_twice_before_the_pass_is_one_look),
		cmocka_unit_test(test_inspect_with_wake_does_both),
		cmocka_unit_test(test_inspect_without_operation_is_nothing),
		cmocka_unit_test(test_inspect_of_moving_vcpus_is_never_in_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
