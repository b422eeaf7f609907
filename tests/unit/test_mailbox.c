/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests between cores, one at a time (R: EVO-B1, EVO-B2, EVO-B4). Threads
 * against each other are in test_mailbox_race.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst finish[] = {{.run_ns = MS,
				       .outcome = DIS_RUN_FINISH,
				       .reason = DIS_REASON_POWER_OFF}};

/* One core, @n vCPUs of @klass that have halted, a hog of @hog beside them. */
static struct world *halted_beside(enum dis_class hog, enum dis_class klass,
				   unsigned n, struct world_vcpu **out)
{
	struct world *w = world_open_cores(1);
	struct role roles[4] = {ROLE(klass, world_halt),
				ROLE(klass, world_halt),
				ROLE(klass, world_halt)};
	dis_id vm;

	roles[n] = (struct role)ROLE(hog, world_hog);
	/* The hog may be the most urgent: let the others halt before. */
	vm = world_vm(w, roles, n);
	world_run(w, MS);
	for (unsigned i = 0; i < n; i++)
		out[i] = world_vcpu(w, vm, i);
	world_vm(w, &roles[n], 1);
	world_run(w, MS);
	assert_int_equal(w->core[0].decision.vcpu != NULL, 1);
	w->core[0].kicks = 0;
	w->core[0].rings = 0;
	return w;
}

/* R: EVO-B2 */
static void test_mailbox_wakes_coalesce_into_one_message(void **state)
{
	struct world_vcpu *v[1];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 1, v);
	uint64_t before = world_core_stats(w, 0).messages;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		dis_vcpu_wake(v[0]->vcpu);
	assert_int_equal(w->core[0].kicks, 1);
	world_settle(w);
	assert_int_equal(world_core_stats(w, 0).messages, before + 1);
	assert_int_equal(world_core_stats(w, 0).kicks_coalesced, 99);
	assert_int_equal(world_stats(v[0]).wakes, 1);
	world_close(w);
}

/* R: EVO-B2: one kick brings all mail. */
static void test_mailbox_wakes_of_many_share_one_kick(void **state)
{
	struct world_vcpu *v[3];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 3, v);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		dis_vcpu_wake(v[i]->vcpu);
	assert_int_equal(w->core[0].kicks, 1);
	world_settle(w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world_stats(v[i]).wakes, 1);
	world_close(w);
}

/* In order of arrival. */
static void test_mailbox_messages_are_applied_in_order(void **state)
{
	struct world_vcpu *v[3];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 3, v);

	(void)state;
	w->n_events = 0;
	dis_vcpu_wake(v[2]->vcpu);
	dis_vcpu_wake(v[0]->vcpu);
	dis_vcpu_wake(v[1]->vcpu);
	world_settle(w);
	assert_true(w->events[0].vcpu == v[2]->id);
	assert_true(w->events[1].vcpu == v[0]->id);
	assert_true(w->events[2].vcpu == v[1]->id);
	world_close(w);
}

/* R: EVO-B2, DIS-13: who is kicked for, over all pairs of classes. */
static void test_mailbox_kick_rules_by_class(void **state)
{
	(void)state;
	for (unsigned hog = 0; hog < DIS_CLASSES; hog++) {
		for (unsigned k = 0; k < DIS_CLASSES; k++) {
			struct world_vcpu *v[2];
			struct world *w = halted_beside(hog, k, 2, v);

			/* Nothing armed: the first is seen in any case. */
			dis_vcpu_wake(v[0]->vcpu);
			assert_int_equal(w->core[0].kicks, 1);
			world_settle(w);
			world_close(w);
		}
	}
}

/* R: EVO-B2: with the slice end armed, what cannot preempt waits for it. */
static void test_mailbox_armed_slice_lets_equals_wait(void **state)
{
	static const enum dis_class classes[] = {
		DIS_CLASS_INTERACTIVE, DIS_CLASS_BATCH, DIS_CLASS_BACKGROUND};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		const struct role hog = ROLE(DIS_CLASS_BATCH, world_hog);
		struct world_vcpu *v[1];
		struct world *w =
			halted_beside(DIS_CLASS_BATCH, classes[i], 1, v);

		world_vm(w, &hog, 1);
		world_run(w, MS);
		w->core[0].kicks = 0;
		dis_vcpu_wake(v[0]->vcpu);
		assert_int_equal(w->core[0].kicks, classes[i] < DIS_CLASS_BATCH);
		world_run(w, 20 * MS);
		assert_int_equal(world_stats(v[0]).wakes, 1);
		world_close(w);
	}
}

/* R: EVO-B2: what runs must see its own interrupt, it cannot wait. */
static void test_mailbox_wake_of_running_vcpu_kicks(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	w->core[0].kicks = 0;
	dis_vcpu_wake(world_vcpu(w, vm, 0)->vcpu);
	assert_int_equal(w->core[0].kicks, 1);
	world_settle(w);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	assert_int_equal(world_stats(world_vcpu(w, vm, 0)).wakes, 0);
	world_close(w);
}

/* R: EVO-B2: a core that steps looks at its mail before it enters anything. */
static void test_mailbox_busy_core_is_not_kicked(void **state)
{
	struct world_vcpu *v[1];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 1, v);
	struct dis_core *core = w->core[0].core;

	(void)state;
	dis_core_leave(core);
	dis_vcpu_wake(v[0]->vcpu);
	assert_int_equal(w->core[0].kicks + w->core[0].rings, 0);
	assert_false(dis_core_enter(core));
	world_close(w);
}

/* R: EVO-B2: the race: it comes between the decision and the entry. */
static void test_mailbox_wake_before_entry_refuses_entry(void **state)
{
	struct world_vcpu *v[1];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 1, v);
	struct dis_core *core = w->core[0].core;
	struct dis_decision decision;

	(void)state;
	dis_core_leave(core);
	decision = dis_core_step(core, w->now_ns, DIS_NEVER_NS, NULL);
	assert_ptr_not_equal(decision.vcpu, v[0]->vcpu);
	dis_vcpu_wake(v[0]->vcpu);
	assert_false(dis_core_enter(core));
	decision = dis_core_step(core, w->now_ns, DIS_NEVER_NS, NULL);
	assert_ptr_equal(decision.vcpu, v[0]->vcpu);
	assert_true(dis_core_enter(core));
	world_close(w);
}

/* R: EVO-B2: rung once. */
static void test_mailbox_idle_core_is_rung_once(void **state)
{
	const struct role role = ROLE(DIS_CLASS_BACKGROUND, world_halt);
	struct world *w = world_open_cores(1);
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, &role, 1), 0);

	(void)state;
	world_run(w, MS);
	w->core[0].rings = 0;
	dis_vcpu_wake(vcpu->vcpu);
	dis_vcpu_wake(vcpu->vcpu);
	assert_int_equal(w->core[0].rings, 1);
	assert_int_equal(w->core[0].kicks, 0);
	world_settle(w);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	world_close(w);
}

/* A kick from an earlier run must not swallow one that a later run needs. */
static void test_mailbox_stale_kick_does_not_swallow_next(void **state)
{
	struct world_vcpu *v[2];
	struct world *w =
		halted_beside(DIS_CLASS_BATCH, DIS_CLASS_INTERACTIVE, 2, v);

	(void)state;
	dis_vcpu_wake(v[0]->vcpu);
	world_settle(w);
	world_run(w, MS);
	dis_vcpu_wake(v[1]->vcpu);
	assert_int_equal(w->core[0].kicks, 2);
	world_close(w);
}

/* Two cores; vCPU 0 of the VM queued on core 0 behind a hog there. */
static struct world *open_transit(struct world_vcpu **vcpu, dis_id *vm)
{
	const struct role pinned = {world_intent_on(DIS_CLASS_BATCH, 1),
				    world_hog, 1};
	const struct role busy = {world_intent_on(DIS_CLASS_BATCH, 2), finish,
				  1};
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world *w = world_open_cores(2);

	world_vm(w, &pinned, 1);
	world_vm(w, &busy, 1);
	*vm = world_vm_stopped(w, &role, 1);
	*vcpu = world_vcpu(w, *vm, 0);
	world_start_on(w, *vm, 0);
	assert_int_equal((*vcpu)->vcpu->place, DIS_PLACE_RUNQ);
	/* Core 1 finishes and idles; core 0 answers its request. */
	w->now_ns = MS;
	world_step(w, 1);
	assert_null(world_running(w, 1));
	assert_int_equal((*vcpu)->vcpu->place, DIS_PLACE_RUNQ);
	return w;
}

/* R: EVO-B1, EVO-B2: woken on its way: arrives once, nothing is lost. */
static void test_mailbox_wake_in_transit_arrives_once(void **state)
{
	struct world_vcpu *vcpu;
	dis_id vm;
	struct world *w = open_transit(&vcpu, &vm);

	(void)state;
	world_step(w, 0);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_TRANSIT);
	dis_vcpu_wake(vcpu->vcpu);
	dis_domain_check(w->dom);
	world_settle(w);
	assert_ptr_equal(world_running(w, 1), vcpu);
	assert_int_equal(world_stats(vcpu).migrations, 1);
	dis_domain_check(w->dom);
	world_close(w);
}

/* R: EVO-B4: ended on its way: final on the new core, gone from the old. */
static void test_mailbox_end_in_transit_stops_on_new_core(void **state)
{
	struct world_vcpu *vcpu;
	dis_id vm;
	struct world *w = open_transit(&vcpu, &vm);

	(void)state;
	world_step(w, 0);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_TRANSIT);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	world_settle(w);
	assert_int_equal(vcpu->vcpu->state, DIS_STATE_FINISHED);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_NONE);
	dis_domain_check(w->dom);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_close(w);
}

/*
 * R: EVO-B1: a sender has set its bit, and is slow to link: meanwhile the vCPU
 * moves. The mail gets to the old core, which passes it on.
 */
static void test_mailbox_slow_sender_mail_is_forwarded(void **state)
{
	struct world_vcpu *vcpu;
	dis_id vm;
	struct world *w = open_transit(&vcpu, &vm);
	struct dis_core *old = w->core[0].core;

	(void)state;
	atomic_fetch_or(&vcpu->vcpu->pending, DIS_MSG_WAKE);
	world_step(w, 0);
	world_settle(w);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_TRANSIT);
	assert_null(world_running(w, 1));
	/* It goes on as mailbox_post() would. */
	vcpu->vcpu->mail_next = atomic_load(&old->mail);
	atomic_store(&old->mail, vcpu->vcpu);
	mailbox_force(old);
	world_settle(w);
	assert_ptr_equal(world_running(w, 1), vcpu);
	dis_domain_check(w->dom);
	world_close(w);
}

/* R: EVO-B4, ST-5: an end reaches a vCPU wherever it is, without a timer. */
static void test_mailbox_end_reaches_every_place(void **state)
{
	static const struct burst sleeps[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 1000 * MS}};
	static dis_id other;
	static const struct burst joins[] = {
		{.outcome = DIS_RUN_JOIN, .join = &other}};
	const struct role forever = ROLE(DIS_CLASS_BACKGROUND, world_halt);
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_halt),
				     ROLE(DIS_CLASS_INTERACTIVE, sleeps),
				     ROLE(DIS_CLASS_INTERACTIVE, joins),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	static const enum dis_place places[] = {
		DIS_PLACE_BLOCKED, DIS_PLACE_SLEEPQ, DIS_PLACE_JOINING,
		DIS_PLACE_CURRENT, DIS_PLACE_RUNQ};
	struct world *w = world_open_cores(1);
	uint64_t now[DIS_STATES], total[DIS_STATES];
	dis_id vm;

	(void)state;
	other = world_vm(w, &forever, 1);
	vm = world_vm(w, roles, 5);
	world_run(w, MS);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(world_vcpu(w, vm, i)->vcpu->place, places[i]);
	assert_int_equal(
		dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED), 0);
	world_settle(w);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(world_vcpu(w, vm, i)->vcpu->state,
				 DIS_STATE_FAILED);
		assert_int_equal(world_vcpu(w, vm, i)->vcpu->place,
				 DIS_PLACE_NONE);
	}
	assert_int_equal(w->ends, 1);
	assert_int_equal(atomic_load(&w->dom->joining), 0);
	dis_domain_count_states(w->dom, now, total);
	assert_int_equal(now[DIS_STATE_FAILED], 5);
	dis_domain_check(w->dom);
	world_close(w);
}

/* R: EVO-B4: it may end before its own start got through. */
static void test_mailbox_end_before_start_is_taken(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(2);
	dis_id vm = world_vm_stopped(w, roles, 2);
	struct dis_vcpu *vcpu = world_vcpu(w, vm, 0)->vcpu;

	(void)state;
	/* Its core sees the end alone, then the start. */
	vm_end(vcpu->vm, DIS_STATE_FAILED, DIS_REASON_KILLED);
	world_settle(w);
	assert_int_equal(vcpu->state, DIS_STATE_FAILED);
	assert_int_equal(w->ends, 1);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(vcpu->state, DIS_STATE_FAILED);
	assert_null(world_running(w, 0));
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_close(w);
}

/* Started and ended before any core looked. */
static void test_mailbox_start_and_end_together_end(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(2);
	dis_id vm = world_vm_stopped(w, roles, 2);

	(void)state;
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	world_settle(w);
	assert_int_equal(w->ends, 1);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(world_history(w, world_vcpu(w, vm, i)),
				    "scheduled/spawn running/dispatch "
				    "finished/stopped");
	world_close(w);
}

/* R: EVO-B4: a slot is free only once its core has let go. */
static void test_mailbox_retire_waits_for_the_core(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, finish),
				     ROLE(DIS_CLASS_BATCH, finish)};
	struct world *w = world_open_cores(2);
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	world_run(w, 2 * MS);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	/* A wake that a device still had under way. */
	dis_vcpu_wake(world_vcpu(w, vm, 1)->vcpu);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), -EAGAIN);
	world_step(w, 0);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), -EAGAIN);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	assert_null(dis_vm_vcpu(w->dom, vm, 0));
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox_wakes_coalesce_into_one_message),
		cmocka_unit_test(test_mailbox_wakes_of_many_share_one_kick),
		cmocka_unit_test(test_mailbox_messages_are_applied_in_order),
		cmocka_unit_test(test_mailbox_kick_rules_by_class),
		cmocka_unit_test(test_mailbox_armed_slice_lets_equals_wait),
		cmocka_unit_test(test_mailbox_wake_of_running_vcpu_kicks),
		cmocka_unit_test(test_mailbox_busy_core_is_not_kicked),
		cmocka_unit_test(test_mailbox_wake_before_entry_refuses_entry),
		cmocka_unit_test(test_mailbox_idle_core_is_rung_once),
		cmocka_unit_test(test_mailbox_stale_kick_does_not_swallow_next),
		cmocka_unit_test(test_mailbox_wake_in_transit_arrives_once),
		cmocka_unit_test(test_mailbox_end_in_transit_stops_on_new_core),
		cmocka_unit_test(test_mailbox_slow_sender_mail_is_forwarded),
		cmocka_unit_test(test_mailbox_end_reaches_every_place),
		cmocka_unit_test(test_mailbox_end_before_start_is_taken),
		cmocka_unit_test(test_mailbox_start_and_end_together_end),
		cmocka_unit_test(test_mailbox_retire_waits_for_the_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
