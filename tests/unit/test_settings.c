/* SPDX-License-Identifier: Apache-2.0 */
/* Intents changed while vCPUs run, wherever they are (settings.c, control.c). */
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

#define MS DIS_MS_NS

static char err[256];

static void set(struct world *w, const struct world_vcpu *vcpu,
		const struct dis_intent *intent)
{
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu->id, intent, err,
					       sizeof(err)),
			 0);
	world_settle(w);
	dis_domain_check(w->dom);
}

static void bind_to(struct world *w, const struct world_vcpu *vcpu,
		    dis_cpumask cores)
{
	assert_int_equal(dis_domain_set_affinity(w->dom, vcpu->id, cores, err,
						 sizeof(err)),
			 0);
	world_settle(w);
	dis_domain_check(w->dom);
}

/* R: CARD-3, DIS-10 */
static void test_set_intent_of_running_takes_effect_at_once(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	dis_id vm = world_vm(w, roles, 2);
	struct dis_intent less = world_intent(DIS_CLASS_BACKGROUND);

	(void)state;
	world_run(w, MS);
	set(w, world_vcpu(w, vm, 0), &less);
	assert_ptr_equal(w->core[0].decision.vcpu, world_vcpu(w, vm, 1)->vcpu);
	assert_int_equal(dis_vcpu_intent(world_vcpu(w, vm, 0)->vcpu).klass,
			 DIS_CLASS_BACKGROUND);
	world_close(w);
}

/* R: DIS-12, DIS-10 */
static void test_set_intent_of_queued_changes_its_queue(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {ROLE(DIS_CLASS_INTERACTIVE, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	dis_id vm = world_vm(w, roles, 2);
	struct dis_intent more = world_intent(DIS_CLASS_SYSTEM);

	(void)state;
	world_run(w, MS);
	set(w, world_vcpu(w, vm, 1), &more);
	assert_ptr_equal(w->core[0].decision.vcpu, world_vcpu(w, vm, 1)->vcpu);
	world_close(w);
}

/* R: DIS-10 */
static void test_set_intent_of_sleeper_counts_at_its_wake(void **state)
{
	static const struct burst nap[] = {
		{.outcome = DIS_RUN_HALT, .sleep_ns = 5 * MS},
		{.run_ns = DIS_NEVER_NS, .outcome = DIS_RUN_CONTINUE}};
	struct world *w = world_open_cores(1);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BACKGROUND, nap)};
	dis_id vm = world_vm(w, roles, 2);
	struct dis_intent more = world_intent(DIS_CLASS_INTERACTIVE);

	(void)state;
	world_run(w, 11 * MS);
	set(w, world_vcpu(w, vm, 1), &more);
	world_run(w, 6 * MS);
	assert_ptr_equal(w->core[0].decision.vcpu, world_vcpu(w, vm, 1)->vcpu);
	world_close(w);
}

/* R: DIS-10: before its VM is started. */
static void test_set_affinity_before_start_counts_from_the_start(void **state)
{
	struct world *w = world_open_cores(2);
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	dis_id vm = world_vm_stopped(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);

	(void)state;
	bind_to(w, vcpu, 2);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	assert_int_equal(world_core_of(vcpu), 1);
	world_close(w);
}

/* R: DIS-10: running, it moves at once, and may not come back. */
static void test_set_affinity_of_running_moves_it(void **state)
{
	struct world *w = world_open_cores(2);
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	dis_id vm = world_vm(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);
	unsigned there = !world_core_of(vcpu);

	(void)state;
	world_run(w, MS);
	bind_to(w, vcpu, 1ull << there);
	assert_int_equal(world_core_of(vcpu), there);
	assert_ptr_equal(w->core[there].decision.vcpu, vcpu->vcpu);
	assert_null(w->core[!there].decision.vcpu);
	assert_int_equal(world_stats(vcpu).migrations, 1);
	world_close(w);
}

/* R: DIS-10 */
static void test_set_affinity_of_queued_moves_it(void **state)
{
	struct world *w = world_open_cores(2);
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	roles[0].intent.affinity = 1;
	roles[1].intent.affinity = 1;
	vm = world_vm(w, roles, 2);
	vcpu = world_vcpu(w, vm, 1);
	bind_to(w, vcpu, 2);
	assert_ptr_equal(w->core[1].decision.vcpu, vcpu->vcpu);
	world_close(w);
}

/* R: DIS-10 */
static void test_set_affinity_of_waiting_moves_it_at_its_wake(void **state)
{
	static const struct burst wait[] = {{.outcome = DIS_RUN_HALT},
					    {.run_ns = DIS_NEVER_NS,
					     .outcome = DIS_RUN_CONTINUE}};
	struct world *w = world_open_cores(2);
	const struct role role = ROLE(DIS_CLASS_BATCH, wait);
	dis_id vm = world_vm(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);
	unsigned here = world_core_of(vcpu);

	(void)state;
	world_run(w, MS);
	bind_to(w, vcpu, 1ull << !here);
	assert_int_equal(world_core_of(vcpu), here);
	world_wake(w, vcpu);
	assert_int_equal(world_core_of(vcpu), !here);
	assert_ptr_equal(w->core[!here].decision.vcpu, vcpu->vcpu);
	world_close(w);
}

/* R: DIS-10: one that is parked. */
static void test_set_affinity_of_parked_moves_it(void **state)
{
	struct world *w = world_open_cores(2);
	struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world_vcpu *vcpu;
	unsigned here;
	dis_id vm;

	(void)state;
	role.intent.max_permille = 10;
	vm = world_vm(w, &role, 1);
	vcpu = world_vcpu(w, vm, 0);
	world_run(w, 10 * MS);
	here = world_core_of(vcpu);
	assert_int_equal(vcpu->vcpu->place, DIS_PLACE_PARKED);
	bind_to(w, vcpu, 1ull << !here);
	assert_int_equal(world_core_of(vcpu), !here);
	world_run(w, 100 * MS);
	assert_int_equal(world_stats(vcpu).cpu_ns, 2 * MS);
	world_close(w);
}

/* R: DIS-10, DIS-11 */
static void test_set_priority_reorders_the_queue(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find("priority");
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 3);
	assert_int_equal(dis_domain_set_priority(w->dom,
						 world_vcpu(w, vm, 2)->id, 0,
						 err, sizeof(err)),
			 0);
	world_settle(w);
	assert_ptr_equal(w->core[0].decision.vcpu, world_vcpu(w, vm, 2)->vcpu);
	world_close(w);
}

/* R: DIS-11, EVO-D1: the weights of the fair policy, live. */
static void test_set_weight_changes_shares(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_intent heavy = world_intent(DIS_CLASS_BATCH);
	uint64_t before_ns, after_ns;
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find("fair");
	w = world_open(&cfg, 0);
	vm = world_vm(w, roles, 2);
	world_run(w, DIS_S_NS);
	before_ns = world_stats(world_vcpu(w, vm, 0)).cpu_ns;
	assert_in_range(before_ns, 480 * MS, 520 * MS);
	heavy.weight = 3 * DIS_WEIGHT_DEFAULT;
	set(w, world_vcpu(w, vm, 0), &heavy);
	world_run(w, 4 * DIS_S_NS);
	after_ns = world_stats(world_vcpu(w, vm, 0)).cpu_ns - before_ns;
	assert_in_range(after_ns, 2970 * MS, 3030 * MS);
	world_close(w);
}

/* R: DIS-6: a minimum takes its room along to where it is admitted. */
static void test_set_minimum_moves_to_a_core_with_room(void **state)
{
	struct world *w = world_open_cores(2);
	struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_intent min = world_intent(DIS_CLASS_BATCH);
	const struct dis_domain *dom = w->dom;
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	min.min_permille = 500;
	set(w, world_vcpu(w, vm, 0), &min);
	set(w, world_vcpu(w, vm, 1), &min);
	assert_int_not_equal(world_core_of(world_vcpu(w, vm, 0)),
			     world_core_of(world_vcpu(w, vm, 1)));
	assert_int_equal(dom->reserved_ppm[0], reserve_pace_ppm(500));
	assert_int_equal(dom->reserved_ppm[1], reserve_pace_ppm(500));
	/* More of it on the same core is no new one beside the old. */
	min.min_permille = 800;
	set(w, world_vcpu(w, vm, 0), &min);
	min.min_permille = 0;
	set(w, world_vcpu(w, vm, 0), &min);
	set(w, world_vcpu(w, vm, 1), &min);
	assert_int_equal(dom->reserved_ppm[0] + dom->reserved_ppm[1], 0);
	world_close(w);
}

/* R: DIS-7, DIS-6: nothing changes. */
static void test_set_what_is_refused_changes_nothing(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	dis_id vm = world_vm(w, &role, 1);
	struct world_vcpu *vcpu = world_vcpu(w, vm, 0);
	struct dis_intent bad = world_intent(DIS_CLASS_BATCH);

	(void)state;
	bad.min_permille = 900;
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu->id, &bad, err,
					       sizeof(err)),
			 -DIS_ERESOURCE);
	bad.max_permille = 100;
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu->id, &bad, err,
					       sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "min 900 is more than max 100");
	assert_int_equal(dis_domain_set_affinity(w->dom, vcpu->id, 2, err,
						 sizeof(err)),
			 -DIS_ENOCPU);
	assert_int_equal(dis_domain_set_priority(w->dom, vcpu->id + 1, 2, err,
						 sizeof(err)),
			 -DIS_ENOTFOUND);
	assert_int_equal(dis_domain_set_shares(w->dom, vm, 0, 1001, err,
					       sizeof(err)),
			 -DIS_EINTENT);
	assert_int_equal(dis_vcpu_intent(vcpu->vcpu).min_permille, 0);
	assert_int_equal(dis_vcpu_intent(vcpu->vcpu).max_permille, 0);
	world_close(w);
}

/* R: DIS-1 */
static void test_set_after_the_end_is_refused(void **state)
{
	static const struct burst end[] = {
		{.outcome = DIS_RUN_FINISH, .reason = DIS_REASON_POWER_OFF}};
	struct world *w = world_open_cores(1);
	const struct role role = ROLE(DIS_CLASS_BATCH, end);
	dis_id vm = world_vm(w, &role, 1);

	(void)state;
	world_run(w, MS);
	assert_int_equal(dis_domain_set_priority(w->dom,
						 world_vcpu(w, vm, 0)->id, 2,
						 err, sizeof(err)),
			 -DIS_ESTATE);
	world_close(w);
}

static struct dis_intent hint_wanted;
static int hint_ret;

static void hint(struct world_vcpu *vcpu)
{
	hint_ret = dis_vcpu_set_intent(vcpu->vcpu, &hint_wanted);
}

/* R: CARD-3: a hint cannot get rid of what limits the guest. */
static void test_hint_keeps_what_was_granted(void **state)
{
	static const struct burst hints[] = {
		{.run_ns = MS, .outcome = DIS_RUN_CONTINUE, .hook = hint},
		{.run_ns = DIS_NEVER_NS, .outcome = DIS_RUN_CONTINUE}};
	struct world *w = world_open_cores(1);
	struct role role = ROLE(DIS_CLASS_INTERACTIVE, hints);
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	role.intent.max_permille = 500;
	role.intent.weight = 7;
	vm = world_vm(w, &role, 1);
	vcpu = world_vcpu(w, vm, 0);
	hint_wanted = world_intent(DIS_CLASS_BACKGROUND);
	hint_wanted.weight = 9;
	world_run(w, 2 * MS);
	assert_int_equal(hint_ret, 0);
	assert_int_equal(vcpu->vcpu->intent.klass, DIS_CLASS_BACKGROUND);
	assert_int_equal(vcpu->vcpu->intent.max_permille, 500);
	assert_int_equal(vcpu->vcpu->entity.weight, 7);
	world_run(w, DIS_S_NS);
	assert_true(world_stats(vcpu).cpu_ns <= 551 * MS);
	world_close(w);
}

/* Of a new class it has a whole slice. */
static void test_hint_begins_a_quantum_of_the_new_class(void **state)
{
	static const struct burst hints[] = {
		{.run_ns = 3 * MS, .outcome = DIS_RUN_CONTINUE, .hook = hint},
		{.run_ns = DIS_NEVER_NS, .outcome = DIS_RUN_CONTINUE}};
	struct world *w = world_open_cores(1);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, hints),
				     ROLE(DIS_CLASS_BACKGROUND, world_hog)};
	dis_id vm = world_vm(w, roles, 2);

	(void)state;
	hint_wanted = world_intent(DIS_CLASS_BACKGROUND);
	/* The other one's slice of 50 ms first. */
	world_run(w, 54 * MS);
	assert_int_equal(hint_ret, 0);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 0));
	assert_int_equal(w->core[0].core->slice_end_ns, 103 * MS);
	world_close(w);
}

/* One that waits goes on waiting: what is changed is not when it came. */
static void test_set_intent_of_queued_keeps_its_waiting(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	dis_id vm = world_vm(w, roles, 2);
	struct dis_intent heavier = world_intent(DIS_CLASS_BATCH);
	struct dis_queue_stats stats;

	(void)state;
	heavier.weight = 2048;
	world_run(w, 7 * MS);
	set(w, world_vcpu(w, vm, 1), &heavier);
	world_run(w, 4 * MS);
	assert_ptr_equal(world_running(w, 0), world_vcpu(w, vm, 1));
	assert_int_equal(dis_core_get_queue(w->core[0].core, DIS_CLASS_BATCH,
					    &stats),
			 0);
	assert_int_equal(stats.wait_ns, 10 * MS);
	world_close(w);
}

/* The job that is under way has the new deadline, not the one before. */
static void test_set_deadline_of_running_counts_at_once(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role role = ROLE(DIS_CLASS_REALTIME, world_hog);
	struct world_vcpu *vcpu = world_vcpu(w, world_vm(w, &role, 1), 0);
	struct dis_intent sooner = world_intent(DIS_CLASS_REALTIME);

	(void)state;
	world_run(w, MS / 2);
	assert_int_equal(vcpu->vcpu->deadline_ns, 10 * MS);
	sooner.deadline_ns = 5 * MS;
	set(w, vcpu, &sooner);
	assert_int_equal(vcpu->vcpu->deadline_ns, 5 * MS + MS / 2);
	assert_int_equal(vcpu->vcpu->entity.deadline_ns, 5 * MS + MS / 2);
	world_close(w);
}

/* In the middle of a write the owner reads nothing: another message comes. */
static void test_settings_half_written_are_not_read(void **state)
{
	struct world *w = world_open_cores(1);
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct dis_vcpu *vcpu = world_vcpu(w, world_vm(w, &role, 1), 0)->vcpu;
	struct settings settings;

	(void)state;
	assert_true(settings_read(vcpu, &settings));
	atomic_fetch_add(&vcpu->settings_seq, 1u);
	assert_false(settings_read(vcpu, &settings));
	atomic_fetch_add(&vcpu->settings_seq, 1u);
	assert_true(settings_read(vcpu, &settings));
	world_close(w);
}

/* R: DIS-1: IDs of what is gone, though their slots live again. */
static void test_set_with_stale_id_is_refused(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	const struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	struct world_vcpu *lives;
	struct world *w;
	dis_id vm, vcpu;

	(void)state;
	cfg.vms_max = cfg.vcpus_max = 1;
	w = world_open(&cfg, 0);
	vm = world_vm_stopped(w, &role, 1);
	vcpu = world_vcpu(w, vm, 0)->id;
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	lives = world_vcpu(w, world_vm(w, &role, 1), 0);
	assert_int_equal(dis_domain_set_shares(w->dom, vm, 0, 500, err,
					       sizeof(err)),
			 -DIS_ENOTFOUND);
	assert_int_equal(dis_domain_set_intent(w->dom, vcpu, &role.intent, err,
					       sizeof(err)),
			 -DIS_ENOTFOUND);
	assert_int_equal(dis_domain_set_priority(w->dom, vcpu, 1, err,
						 sizeof(err)),
			 -DIS_ENOTFOUND);
	assert_int_equal(dis_domain_set_affinity(w->dom, vcpu, 1, err,
						 sizeof(err)),
			 -DIS_ENOTFOUND);
	world_settle(w);
	assert_int_equal(dis_vcpu_intent(lives->vcpu).affinity, DIS_CPUMASK_ALL);
	assert_false(dis_vcpu_intent(lives->vcpu).has_priority);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_set_intent_of_running_takes_effect_at_once),
		cmocka_unit_test(test_set_intent_of_queued_changes_its_queue),
		cmocka_unit_test(test_set_intent_of_sleeper_counts_at_its_wake),
		cmocka_unit_test(
			test_set_affinity_before_start_counts_from_the_start),
		cmocka_unit_test(test_set_affinity_of_running_moves_it),
		cmocka_unit_test(test_set_affinity_of_queued_moves_it),
		cmocka_unit_test(
			test_set_affinity_of_waiting_moves_it_at_its_wake),
		cmocka_unit_test(test_set_affinity_of_parked_moves_it),
		cmocka_unit_test(test_set_priority_reorders_the_queue),
		cmocka_unit_test(test_set_weight_changes_shares),
		cmocka_unit_test(test_set_minimum_moves_to_a_core_with_room),
		cmocka_unit_test(test_set_what_is_refused_changes_nothing),
		cmocka_unit_test(test_set_after_the_end_is_refused),
		cmocka_unit_test(test_hint_begins_a_quantum_of_the_new_class),
		cmocka_unit_test(test_set_intent_of_queued_keeps_its_waiting),
		cmocka_unit_test(test_set_deadline_of_running_counts_at_once),
		cmocka_unit_test(test_settings_half_written_are_not_read),
		cmocka_unit_test(test_set_with_stale_id_is_refused),
		cmocka_unit_test(test_hint_keeps_what_was_granted),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
