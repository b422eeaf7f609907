/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Realtime up to its bound and beyond, and mixed load beyond what the cores can
 * serve (R: DIS-13, DIS-14, PRE-7, EVO-D1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define SETS 200u
#define TASKS_MAX 32u
#define MILLION 1000000u

static uint64_t rng = 7;

static uint64_t rnd(uint64_t from, uint64_t to)
{
	/* xorshift64* */
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return from +
	       (rng * UINT64_C(2685821657736338717) >> 11) % (to - from + 1);
}

/* A job of wcet each period; the next release does not move. */
struct task {
	struct burst bursts[2]; /* the job; the halt */
	struct dis_intent intent;
	uint64_t release_ns;
	struct world_vcpu *vcpu;
};

static void next_release(struct world_vcpu *vcpu)
{
	struct task *task = vcpu->arg;
	uint64_t now_ns = vcpu->world->now_ns;

	task->release_ns += task->intent.period_ns;
	task->bursts[1].sleep_ns =
		dis_ns_max(dis_ns_sub(task->release_ns, now_ns), 1);
}

static uint64_t set_task(struct task *task, uint64_t period_ns, uint64_t wcet_ns)
{
	*task = (struct task){
		.intent = world_intent(DIS_CLASS_REALTIME),
		.bursts = {{.run_ns = wcet_ns - DIS_US_NS,
			    .outcome = DIS_RUN_CONTINUE,
			    .hook = next_release},
			   {.outcome = DIS_RUN_HALT}},
	};
	task->intent.period_ns = period_ns;
	task->intent.deadline_ns = period_ns;
	task->intent.wcet_ns = wcet_ns;
	return wcet_ns * MILLION / period_ns + 1;
}

static void start_tasks(struct world *w, struct task *tasks, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct role role = {tasks[i].intent, tasks[i].bursts, 2};
		dis_id vm = world_vm_stopped(w, &role, 1);

		tasks[i].vcpu = world_vcpu(w, vm, 0);
		tasks[i].vcpu->arg = &tasks[i];
		assert_int_equal(dis_vm_start(w->dom, vm), 0);
		world_settle(w);
	}
}

static void start_hog(struct world *w, enum dis_class klass)
{
	const struct role role = {world_intent(klass), world_hog, 1};

	world_vm(w, &role, 1);
}

static uint64_t misses(const struct task *tasks, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += world_stats(tasks[i].vcpu).deadline_misses;
	return sum;
}

/* R: PRE-7: with a sum up to m - (m - 1) * largest share no deadline is missed,
 * whatever runs below. */
static void test_overload_realtime_within_bound_misses_nothing(void **state)
{
	static struct task tasks[TASKS_MAX];

	(void)state;
	for (unsigned set = 0; set < SETS; set++) {
		unsigned cores = (unsigned)rnd(2, 4), n = 0;
		uint64_t most = rnd(50, 600), sum = 0, jobs = 0;
		uint64_t bound = cores * 1000 - (cores - 1) * most;
		struct world *w = world_open_cores(cores);

		while (n < TASKS_MAX) {
			uint64_t period_ns = rnd(2, 50) * MS;
			uint64_t wcet_ns = period_ns * rnd(10, most - 1) / 1000;

			sum += set_task(&tasks[n], period_ns, wcet_ns) / 1000 +
			       1;
			if (sum > bound)
				break;
			n++;
		}
		for (unsigned i = 0; i < cores; i++)
			start_hog(w, DIS_CLASS_BATCH);
		start_tasks(w, tasks, n);
		world_run(w, 1000 * MS);
		assert_int_equal(misses(tasks, n), 0);
		for (unsigned i = 0; i < n; i++)
			jobs += tasks[i].vcpu->bursts_done;
		assert_true(jobs > n);
		dis_domain_check(w->dom);
		world_close(w);
	}
}

/* Three that need 0.6 of a core each fit on no two: misses, but not for all. */
static void test_overload_realtime_above_bound_misses_where_it_must(void **state)
{
	struct world *w = world_open_cores(2);
	struct task tasks[3];
	uint64_t done = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		set_task(&tasks[i], 10 * MS, 6 * MS);
	start_tasks(w, tasks, 3);
	world_run(w, 2000 * MS);
	assert_true(misses(tasks, 3) > 0);
	for (unsigned i = 0; i < 3; i++) {
		/* None is starved by the others. */
		assert_true(tasks[i].vcpu->bursts_done > 50);
		done += tasks[i].vcpu->bursts_done;
	}
	/* One core in full, the other by the one that is alone there. */
	assert_true(done * 6 * MS > 3000 * MS);
	world_close(w);
}

/* R: DIS-14: Realtime that never blocks: all get on, and so do the floors. */
static void test_overload_realtime_hogs_share_and_leave_floors(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct world_vcpu *of[4];
	struct role roles[4];
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.floor_permille[DIS_CLASS_BATCH] = 50;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 4; i++)
		roles[i] = (struct role){world_intent(i < 3 ? DIS_CLASS_REALTIME
							    : DIS_CLASS_BATCH),
					 world_hog, 1};
	vm = world_vm(w, roles, 4);
	for (unsigned i = 0; i < 4; i++)
		of[i] = world_vcpu(w, vm, i);
	world_run(w, 3000 * MS);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(world_stats(of[i]).cpu_ns, 900 * MS, 1000 * MS);
	assert_in_range(world_stats(of[3]).cpu_ns, 120 * MS, 170 * MS);
	world_close(w);
}

static void wake_partner(struct world_vcpu *vcpu)
{
	dis_vcpu_wake_by(vcpu->arg, vcpu->vcpu);
}

static const struct burst sleeps[] = {
	{.run_ns = MS / 2, .outcome = DIS_RUN_HALT, .sleep_ns = 20 * MS}};
static const struct burst talks[] = {
	{.run_ns = MS / 10, .outcome = DIS_RUN_HALT, .hook = wake_partner}};

/* What one hog of @n got, in per mille of what each should have. */
static void check_even(struct world_vcpu *const *hogs, unsigned n,
		       unsigned slack)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += world_stats(hogs[i]).cpu_ns;
	for (unsigned i = 0; i < n; i++)
		assert_in_range(world_stats(hogs[i]).cpu_ns * n * 1000 / sum,
				1000 - slack, 1000 + slack);
}

/*
 * R: EVO-D1: single hogs, a VM of siblings, short sleepers and an IPC pair on
 * cores that are far too few, under @policy: hogs have equal shares, whichever
 * VM they are of, and who needs little gets all of it.
 */
static void mixed_load(const struct dis_policy_ops *policy, unsigned cores)
{
	struct dis_domain_config cfg = world_config(cores);
	struct world_vcpu *hogs[10], *nap[4], *pair[2];
	struct role roles[4];
	struct world *w;
	uint64_t pair_ns = 0;
	dis_id vm;

	cfg.policy[DIS_CLASS_BATCH] = policy;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 4; i++)
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 world_hog, 1};
	for (unsigned i = 0; i < 6; i++)
		hogs[i] = world_vcpu(w, world_vm(w, roles, 1), 0);
	vm = world_vm(w, roles, 4);
	for (unsigned i = 0; i < 4; i++) {
		hogs[6 + i] = world_vcpu(w, vm, i);
		roles[i].script = sleeps;
		nap[i] = world_vcpu(w, world_vm(w, &roles[i], 1), 0);
	}
	roles[0].script = talks;
	roles[1].script = talks;
	vm = world_vm_stopped(w, roles, 2);
	for (unsigned i = 0; i < 2; i++) {
		pair[i] = world_vcpu(w, vm, i);
		pair[i]->arg = world_vcpu(w, vm, 1 - i)->vcpu;
	}
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 20000 * MS);
	check_even(hogs, 10, 250);
	for (unsigned i = 0; i < 2; i++)
		pair_ns += world_stats(pair[i]).cpu_ns;
	assert_true(pair_ns > 50 * MS);
	/* Of one round of 20.5 ms and a wait of all others' slices. */
	for (unsigned i = 0; i < 4; i++)
		assert_true(nap[i]->bursts_done > 20000 / (21 + 16 * 10));
	dis_domain_check(w->dom);
	world_close(w);
}

static void test_overload_mixed_load_shares_alike(void **state)
{
	static const char *const names[] = {"rr", "fair"};

	(void)state;
	for (unsigned p = 0; p < 2; p++)
		for (unsigned cores = 2; cores <= 4; cores++)
			mixed_load(dis_policy_find(names[p]), cores);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_overload_realtime_within_bound_misses_nothing),
		cmocka_unit_test(
			test_overload_realtime_above_bound_misses_where_it_must),
		cmocka_unit_test(
			test_overload_realtime_hogs_share_and_leave_floors),
		cmocka_unit_test(test_overload_mixed_load_shares_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
