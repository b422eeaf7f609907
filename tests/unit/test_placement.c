/* SPDX-License-Identifier: Apache-2.0 */
/* On which core a vCPU waits (R: DIS-9, DIS-13, EVO-B1, EVO-B2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static void fill(struct role *roles, unsigned n, struct dis_intent intent,
		 const struct burst *script)
{
	for (unsigned i = 0; i < n; i++)
		roles[i] = (struct role){intent, script, 1};
}

/* R: DIS-9: new vCPUs go to the least loaded core of their class. */
static void test_placement_new_vcpus_spread_by_class(void **state)
{
	struct world *w = world_open_cores(4);
	struct role roles[16];
	unsigned of[2][4] = {{0}};
	dis_id vm;

	(void)state;
	fill(roles, 8, world_intent(DIS_CLASS_BATCH), world_hog);
	fill(roles + 8, 8, world_intent(DIS_CLASS_INTERACTIVE), world_hog);
	vm = world_vm_stopped(w, roles, 16);
	for (unsigned i = 0; i < 16; i++)
		of[i / 8][world_core_of(world_vcpu(w, vm, i))]++;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(of[i / 4][i % 4], 2);
	world_close(w);
}

/* Of cores with as many of its class the one with fewer of all. */
static void test_placement_new_vcpu_goes_where_fewer_are(void **state)
{
	struct world *w = world_open_cores(3);
	const struct role first[] = {ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	const struct role batch = ROLE(DIS_CLASS_BATCH, world_hog);

	(void)state;
	world_vm_stopped(w, first, 2);
	assert_int_equal(
		world_core_of(world_vcpu(w, world_vm_stopped(w, &batch, 1), 0)),
		2);
	world_close(w);
}

/* R: DIS-13: an idle core takes the most urgent of those who wait. */
static void test_placement_idle_core_steals_the_most_urgent(void **state)
{
	static const struct burst ends[] = {{.run_ns = 3 * MS,
					     .outcome = DIS_RUN_FINISH,
					     .reason = DIS_REASON_POWER_OFF}};
	const struct role once = {world_intent_on(DIS_CLASS_BATCH, 2), ends, 1};
	const struct role roles[] = {ROLE(DIS_CLASS_BACKGROUND, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     {world_intent_on(DIS_CLASS_INTERACTIVE, 1),
				      world_hog, 1}};
	struct world *w = world_open_cores(2);
	dis_id vm;

	(void)state;
	world_vm(w, &once, 1);
	vm = world_vm_stopped(w, roles, 3);
	world_start_on(w, vm, 0);
	world_run(w, 3 * MS);
	assert_ptr_equal(world_running(w, 1), world_vcpu(w, vm, 1));
	world_close(w);
}

/* Slots that were given back count no more. */
static void test_placement_reaped_vms_leave_no_load(void **state)
{
	struct world *w = world_open_cores(2);
	struct role roles[2];
	dis_id first, second;

	(void)state;
	fill(roles, 2, world_intent(DIS_CLASS_BATCH), world_hog);
	first = world_vm_stopped(w, roles, 1);
	assert_int_equal(world_core_of(world_vcpu(w, first, 0)), 0);
	assert_int_equal(dis_vm_reap_finish(w->dom, first), 0);
	second = world_vm_stopped(w, roles, 1);
	assert_int_equal(world_core_of(world_vcpu(w, second, 0)), 0);
	world_close(w);
}

/* R: DIS-6, DIS-13: at spawn, by offers and by stealing alike. */
static void test_placement_affinity_is_honoured_always(void **state)
{
	struct world *w = world_open_cores(4);
	struct role roles[12];
	dis_id vm;

	(void)state;
	fill(roles, 4, world_intent_on(DIS_CLASS_BATCH, 1u << 2), world_hog);
	fill(roles + 4, 4, world_intent_on(DIS_CLASS_BATCH, 0x3), world_hog);
	fill(roles + 8, 4, world_intent_on(DIS_CLASS_BATCH, 0x6), world_halt);
	vm = world_vm(w, roles, 12);
	for (unsigned i = 0; i < 400; i++) {
		world_run(w, MS);
		for (unsigned v = 8; v < 12; v++)
			world_wake(w, world_vcpu(w, vm, v));
	}
	for (size_t e = 0; e < w->n_events; e++) {
		unsigned i = w->events[e].vcpu_seq;

		assert_true(roles[i].intent.affinity >> w->events[e].cpu & 1u);
	}
	assert_null(world_running(w, 3));
	world_close(w);
}

/* R: DIS-13: whoever waits where another core idles goes there, at once. */
static void test_placement_waiting_is_offered_to_idle_core(void **state)
{
	struct world *w = world_open_cores(3);
	struct role roles[3];
	dis_id vm;

	(void)state;
	fill(roles, 3, world_intent(DIS_CLASS_BATCH), world_hog);
	vm = world_vm_stopped(w, roles, 3);
	world_start_on(w, vm, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(world_running(w, i));
	assert_int_equal(w->now_ns, 0);
	world_run(w, 100 * MS);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world_stats(world_vcpu(w, vm, i)).cpu_ns +
					 w->now_ns - w->core[i].core->last_ns,
				 100 * MS);
	world_close(w);
}

/* R: DIS-13, EVO-B1: a core that becomes idle gets one vCPU, not more. */
static void test_placement_idle_core_steals_one(void **state)
{
	static const struct burst ends[] = {{.run_ns = 3 * MS,
					     .outcome = DIS_RUN_FINISH,
					     .reason = DIS_REASON_POWER_OFF}};
	struct world *w = world_open_cores(2);
	const struct role once = {world_intent_on(DIS_CLASS_BATCH, 2), ends, 1};
	struct dis_queue_stats queue;
	struct role roles[3];
	struct world_vcpu *stolen;
	dis_id vm;

	(void)state;
	world_vm(w, &once, 1);
	fill(roles, 3, world_intent(DIS_CLASS_BATCH), world_hog);
	vm = world_vm_stopped(w, roles, 3);
	world_start_on(w, vm, 0);
	world_run(w, 3 * MS);
	stolen = world_running(w, 1);
	assert_non_null(stolen);
	assert_int_equal(world_stats(stolen).migrations, 1);
	assert_int_equal(world_core_stats(w, 1).steals, 1);
	assert_int_equal(world_core_of(stolen), 1);
	/* What it had waited before it came counts. */
	assert_int_equal(dis_core_get_queue(w->core[1].core, DIS_CLASS_BATCH,
					    &queue),
			 0);
	assert_int_equal(queue.wait_ns, 3 * MS);
	world_close(w);
}

/* R: EVO-B1: the move is an event with both cores. */
static void test_placement_move_emits_event(void **state)
{
	struct world *w = world_open_cores(2);
	struct role roles[2];
	unsigned moves = 0;
	dis_id vm;

	(void)state;
	fill(roles, 2, world_intent(DIS_CLASS_BATCH), world_hog);
	vm = world_vm_stopped(w, roles, 2);
	world_start_on(w, vm, 0);
	for (size_t e = 0; e < w->n_events; e++) {
		if (w->events[e].type != DIS_EVENT_MIGRATE)
			continue;
		assert_int_equal(w->events[e].arg, 0);
		assert_int_equal(w->events[e].cpu, 1);
		moves++;
	}
	assert_int_equal(moves, 1);
	world_close(w);
}

/* Adds the events of moves to @events, and what the cores counted to @counted. */
static void add_moves(struct world *w, uint64_t events[DIS_MOVES],
		      uint64_t counted[DIS_MOVES])
{
	for (size_t e = 0; e < w->n_events; e++)
		if (w->events[e].type == DIS_EVENT_MIGRATE)
			events[w->events[e].reason]++;
	for (unsigned i = 0; i < w->cores; i++) {
		struct dis_core_stats stats = world_core_stats(w, i);

		counted[DIS_MOVE_WAKE_IDLE] += stats.wake_idle;
		counted[DIS_MOVE_WAKE] += stats.wake_moved;
		counted[DIS_MOVE_STEAL] += stats.steals;
		counted[DIS_MOVE_PUSH] += stats.pushes;
		counted[DIS_MOVE_BALANCE] += stats.balances;
	}
}

/* R: EVO-B1, ST-6: why it moved travels with the event, of every reason. */
static void test_placement_event_of_move_says_why(void **state)
{
	static const struct burst naps[] = {
		{.run_ns = 3 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = MS}};
	static const struct burst shorter[] = {
		{.run_ns = 2 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = 5 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, naps),
				     {world_intent_on(DIS_CLASS_SYSTEM, 1),
				      shorter, 1},
				     ROLE(DIS_CLASS_INTERACTIVE, shorter),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_INTERACTIVE, world_hog)};
	/* Without hogs, so that cores idle; with those of Batch; with all. */
	static const unsigned sizes[] = {3, 6, 7};
	uint64_t events[DIS_MOVES] = {0}, counted[DIS_MOVES] = {0};
	char err[128];

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct world *w = world_open_cores(2);
		dis_id vm = world_vm_stopped(w, roles, sizes[s]);
		const struct world_vcpu *vcpu = world_vcpu(w, vm, 0);

		world_start_on(w, vm, 0);
		world_run(w, 2000 * MS);
		for (unsigned i = 0; i < 2; i++) {
			counted[DIS_MOVE_AFFINITY] += world_core_of(vcpu) != i;
			assert_int_equal(dis_domain_set_affinity(
						 w->dom, vcpu->id, 1u << i, err,
						 sizeof(err)),
					 0);
			world_run(w, 50 * MS);
			assert_int_equal(world_core_of(vcpu), i);
		}
		add_moves(w, events, counted);
		world_close(w);
	}
	for (unsigned i = 0; i < DIS_MOVES; i++) {
		assert_int_equal(events[i], counted[i]);
		assert_true(events[i] != 0);
	}
}

/*
 * R: DIS-13: a core must not idle beside a vCPU that could run on it, whatever
 * that vCPU's class and whatever runs where it was.
 */
static void test_placement_wake_behind_hog_reaches_idle_core(void **state)
{
	(void)state;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct role hog = {world_intent_on(DIS_CLASS_INTERACTIVE,
							 1),
					 world_hog, 1};
		const struct role role = {world_intent(k), world_halt, 1};
		struct world *w = world_open_cores(2);
		struct world_vcpu *vcpu;
		dis_id vm;

		vm = world_vm_stopped(w, &role, 1);
		vcpu = world_vcpu(w, vm, 0);
		world_start_on(w, vm, 0);
		world_run(w, MS);
		world_vm(w, &hog, 1);
		world_run(w, MS);
		assert_int_equal(world_core_of(vcpu), 0);
		assert_null(world_running(w, 1));
		world_wake(w, vcpu);
		assert_int_equal(world_stats(vcpu).dispatches, 2);
		assert_int_equal(world_stats(vcpu).wait_ns, 0);
		world_close(w);
	}
}

/* R: DIS-13: also where the hog's slice end is armed already. */
static void test_placement_wake_behind_slice_reaches_idle_core(void **state)
{
	static const struct burst sleeps[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 6 * MS}};
	const struct role pinned[] = {
		{world_intent_on(DIS_CLASS_BATCH, 1), sleeps, 1},
		{world_intent_on(DIS_CLASS_BATCH, 1), world_hog, 1}};
	const struct role role = {world_intent(DIS_CLASS_BATCH), world_halt, 1};
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	vm = world_vm_stopped(w, &role, 1);
	vcpu = world_vcpu(w, vm, 0);
	world_start_on(w, vm, 0);
	world_vm(w, pinned, 2);
	world_run(w, MS);
	assert_true(w->core[0].core->slice_armed);
	assert_null(world_running(w, 1));
	world_wake(w, vcpu);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	assert_int_equal(world_stats(vcpu).wait_ns, 0);
	world_close(w);
}

/* R: EVO-B2: nor beside one whose wake was not worth a kick when it came. */
static void test_placement_idle_core_finds_unread_wake(void **state)
{
	static const struct burst busy[] = {
		{.run_ns = 3 * MS, .outcome = DIS_RUN_HALT}};
	const struct role one = {world_intent_on(DIS_CLASS_BATCH, 2), busy, 1};
	const struct role pinned[] = {
		{world_intent_on(DIS_CLASS_BATCH, 1), world_hog, 1},
		{world_intent_on(DIS_CLASS_BATCH, 1), world_hog, 1}};
	const struct role role = {world_intent(DIS_CLASS_BATCH), world_halt, 1};
	struct world *w = world_open_cores(2);
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	vm = world_vm_stopped(w, &role, 1);
	vcpu = world_vcpu(w, vm, 0);
	world_start_on(w, vm, 0);
	world_vm(w, pinned, 2);
	world_vm(w, &one, 1);
	world_run(w, MS);
	world_wake(w, vcpu);
	assert_int_equal(world_stats(vcpu).dispatches, 1);
	world_run(w, 2 * MS);
	assert_int_equal(world_stats(vcpu).dispatches, 2);
	world_close(w);
}

/* R: EVO-B2: an idle core asks nobody who has nothing for it. */
static void test_placement_pinned_waiters_cost_no_kicks(void **state)
{
	static const struct burst ticks[] = {
		{.run_ns = MS / 10, .outcome = DIS_RUN_HALT, .sleep_ns = MS}};
	const struct role pinned[] = {
		{world_intent_on(DIS_CLASS_BATCH, 1), world_hog, 1},
		{world_intent_on(DIS_CLASS_BATCH, 1), world_hog, 1},
		{world_intent_on(DIS_CLASS_BATCH, 2), ticks, 1}};
	struct world *w = world_open_cores(2);

	(void)state;
	world_vm(w, pinned, 3);
	world_run(w, MS);
	w->core[0].kicks = 0;
	world_run(w, 1000 * MS);
	assert_int_equal(w->core[0].kicks, 0);
	world_close(w);
}

/* R: EVO-B2: an idle core stays asleep as long as there is nothing for it. */
static void test_placement_idle_core_is_not_rung_for_nothing(void **state)
{
	struct world *w = world_open_cores(4);
	struct role roles[2];
	unsigned steps;

	(void)state;
	fill(roles, 2, world_intent_on(DIS_CLASS_BATCH, 1), world_hog);
	world_vm(w, roles, 2);
	steps = w->core[3].steps;
	world_run(w, 1000 * MS);
	assert_int_equal(w->core[3].steps, steps);
	assert_int_equal(w->core[3].rings, 0);
	world_close(w);
}

/* R: EVO-D1: busy cores even out: 5 hogs on 2 cores are 3 and 2. */
static void test_placement_busy_cores_even_out(void **state)
{
	struct world *w = world_open_cores(2);
	const struct role first = {world_intent_on(DIS_CLASS_BATCH, 2),
				   world_hog, 1};
	struct role roles[8];
	unsigned on_core[2] = {0};
	dis_id vm;

	(void)state;
	world_vm(w, &first, 1);
	fill(roles, 8, world_intent(DIS_CLASS_BATCH), world_hog);
	vm = world_vm_stopped(w, roles, 8);
	world_start_on(w, vm, 0);
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 8; i++)
		on_core[world_core_of(world_vcpu(w, vm, i))]++;
	assert_in_range(on_core[0], 4, 5);
	world_close(w);
}

/*
 * R: DIS-9, DIS-13: who was promised latency does not wait behind its own class
 * or a more urgent one while another core runs Batch, and stays there.
 */
static void test_placement_interactive_takes_a_batch_core(void **state)
{
	static const struct burst short_job[] = {
		{.run_ns = MS / 10, .outcome = DIS_RUN_HALT}};
	struct world *w = world_open_cores(2);
	struct role roles[3];
	struct world_vcpu *second;
	dis_id vm;

	(void)state;
	roles[0] = (struct role){world_intent_on(DIS_CLASS_INTERACTIVE, 1),
				 world_hog, 1};
	roles[1] = (struct role){world_intent_on(DIS_CLASS_BATCH, 2), world_hog,
				 1};
	roles[2] = (struct role){world_intent(DIS_CLASS_INTERACTIVE), short_job,
				 1};
	vm = world_vm(w, roles, 3);
	second = world_vcpu(w, vm, 2);
	world_run(w, MS);
	assert_int_equal(dis_vcpu_state(second->vcpu), DIS_STATE_WAITING);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t done = second->bursts_done;

		world_wake(w, second);
		world_run(w, MS / 5);
		assert_int_equal(second->bursts_done, done + 1);
		assert_int_equal(world_core_of(second), 1);
	}
	world_close(w);
}

/* Thread executor: vCPU slot i on core i, nothing moves. */
static void test_placement_per_vcpu_cores_are_fixed(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct world *w;
	struct role roles[3];
	dis_id vm;

	(void)state;
	cfg.per_vcpu = true;
	cfg.cores = 4;
	cfg.vcpus_max = 4;
	w = world_open(&cfg, 0);
	fill(roles, 3, world_intent(DIS_CLASS_BATCH), world_hog);
	vm = world_vm(w, roles, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(
			world_running(w, world_core_of(world_vcpu(w, vm, i))),
			world_vcpu(w, vm, i));
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world_stats(world_vcpu(w, vm, i)).migrations,
				 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement_new_vcpus_spread_by_class),
		cmocka_unit_test(test_placement_new_vcpu_goes_where_fewer_are),
		cmocka_unit_test(
			test_placement_idle_core_steals_the_most_urgent),
		cmocka_unit_test(test_placement_reaped_vms_leave_no_load),
		cmocka_unit_test(test_placement_affinity_is_honoured_always),
		cmocka_unit_test(test_placement_waiting_is_offered_to_idle_core),
		cmocka_unit_test(test_placement_idle_core_steals_one),
		cmocka_unit_test(test_placement_move_emits_event),
		cmocka_unit_test(test_placement_event_of_move_says_why),
		cmocka_unit_test(
			test_placement_wake_behind_hog_reaches_idle_core),
		cmocka_unit_test(
			test_placement_wake_behind_slice_reaches_idle_core),
		cmocka_unit_test(test_placement_idle_core_finds_unread_wake),
		cmocka_unit_test(test_placement_pinned_waiters_cost_no_kicks),
		cmocka_unit_test(
			test_placement_idle_core_is_not_rung_for_nothing),
		cmocka_unit_test(test_placement_busy_cores_even_out),
		cmocka_unit_test(test_placement_interactive_takes_a_batch_core),
		cmocka_unit_test(test_placement_per_vcpu_cores_are_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
