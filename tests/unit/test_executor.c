/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executor threads in real time, with vCPUs that no KVM runs (R: DIS-13,
 * CARD-4). Limits of time are wide: the host may be busy. timeout: 240
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/fakevm.h"
#include "lib/interpose.h"

#define MS DIS_MS_NS
#define LIMIT_NS (20 * DIS_S_NS)

static void pass_ns(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / DIS_S_NS),
			      .tv_nsec = (long)(ns % DIS_S_NS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

static uint64_t process_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

static struct dis_core_stats core_stats(struct fake *fake, unsigned core)
{
	struct dis_core_stats stats;

	dis_core_get_stats(dis_domain_core(fake_domain(fake), core), &stats);
	return stats;
}

static struct dis_vcpu_stats stats_of(struct fake_vcpu *vcpu)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(vcpu->vcpu, &stats);
	return stats;
}

/* @n vCPUs that never return by themselves. */
static dis_id spinners(struct fake *fake, enum dis_class klass, unsigned n)
{
	struct fake_role roles[16];
	dis_id vm;

	for (unsigned i = 0; i < n; i++)
		roles[i] = (struct fake_role){klass, fake_spin, NULL};
	vm = fake_vm(fake, roles, n);
	fake_start(fake, vm);
	return vm;
}

/* R: CARD-4, BUD-2, BUD-4: a vCPU that never exits is taken off its core. */
static void test_executor_timer_preempts_endless_run(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = spinners(fake, DIS_CLASSES, 2);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_true(fake_wait_until(&fake_vcpu(fake, vm, i)->runs, 20,
					    LIMIT_NS));
	assert_true(stats_of(fake_vcpu(fake, vm, 0)).throttles >= 19);
	assert_true(core_stats(fake, 0).timer_expiries >= 19);
	fake_end(fake, vm);
	fake_close(fake);
}

/* R: PRE-6, CARD-4: alone it runs once, with no timer. */
static void test_executor_lone_run_is_not_interrupted(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = spinners(fake, DIS_CLASSES, 1);

	(void)state;
	assert_true(fake_wait_until(&fake_vcpu(fake, vm, 0)->runs, 1, LIMIT_NS));
	pass_ns(100 * MS);
	assert_int_equal(atomic_load(&fake_vcpu(fake, vm, 0)->runs), 1);
	assert_int_equal(core_stats(fake, 0).timer_arms, 0);
	fake_end(fake, vm);
	fake_close(fake);
}

/* R: DIS-13, EVO-B2: a kick gets through to a run that never returns. */
static void test_executor_urgent_wake_interrupts_endless_run(void **state)
{
	struct fake_config cfg = {.cores = 1};
	const struct fake_role role = {DIS_CLASS_INTERACTIVE, fake_halt, NULL};
	struct fake *fake = fake_open(&cfg);
	dis_id hog = spinners(fake, DIS_CLASS_BATCH, 1);
	dis_id vm = fake_vm(fake, &role, 1);
	struct fake_vcpu *vcpu = fake_vcpu(fake, vm, 0);

	(void)state;
	fake_start(fake, vm);
	for (unsigned i = 1; i <= 2000; i++) {
		assert_true(fake_wait_until(&vcpu->runs, i, LIMIT_NS));
		dis_vcpu_wake(vcpu->vcpu);
	}
	fake_end(fake, vm);
	fake_end(fake, hog);
	fake_close(fake);
}

/* R: CARD-4, PRE-6: nothing to do costs nothing. */
static void test_executor_idle_uses_no_cpu(void **state)
{
	struct fake_config cfg = {.cores = 4};
	const struct fake_role roles[] = {{DIS_CLASS_BATCH, fake_halt, NULL},
					  {DIS_CLASS_INTERACTIVE, fake_halt,
					   NULL}};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = fake_vm(fake, roles, 2);
	uint64_t before_ns, arms = 0;

	(void)state;
	fake_start(fake, vm);
	for (unsigned i = 0; i < 2; i++)
		assert_true(fake_wait_until(&fake_vcpu(fake, vm, i)->runs, 1,
					    LIMIT_NS));
	pass_ns(20 * MS);
	before_ns = process_cpu_ns();
	pass_ns(500 * MS);
	assert_true(process_cpu_ns() - before_ns < 5 * MS);
	for (unsigned i = 0; i < 4; i++)
		arms += core_stats(fake, i).timer_arms;
	assert_int_equal(arms, 0);
	fake_end(fake, vm);
	fake_close(fake);
}

static void sleep_a_little(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	result->outcome = DIS_RUN_HALT;
	result->timer_ns = dis_clock_ns() + 200 * DIS_US_NS;
}

/* R: ST-3: timers wake an idle core and preempt a busy one. */
static void test_executor_sleepers_wake_by_timer(void **state)
{
	struct fake_config cfg = {.cores = 1};
	const struct fake_role role = {DIS_CLASS_INTERACTIVE, sleep_a_little,
				       NULL};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = fake_vm(fake, &role, 1), hog;
	atomic_uint *runs = &fake_vcpu(fake, vm, 0)->runs;

	(void)state;
	fake_start(fake, vm);
	assert_true(fake_wait_until(runs, 200, LIMIT_NS));
	hog = spinners(fake, DIS_CLASS_BATCH, 1);
	assert_true(fake_wait_until(runs, atomic_load(runs) + 200, LIMIT_NS));
	fake_end(fake, vm);
	fake_end(fake, hog);
	fake_close(fake);
}

/* R: CARD-4: the lost kick: with many short quanta no core ever stops. */
static void test_executor_short_quanta_stop_no_core(void **state)
{
	struct fake_config cfg = {.cores = 2, .quantum_ns = 200 * DIS_US_NS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = spinners(fake, DIS_CLASSES, 16);
	uint64_t dispatches[2] = {0}, preemptions = 0;

	(void)state;
	for (unsigned round = 0; round < 30; round++) {
		uint64_t end_ns = dis_clock_ns() + LIMIT_NS;

		pass_ns(100 * MS);
		for (unsigned i = 0; i < 2; i++) {
			struct dis_core_stats now = core_stats(fake, i);

			/* The host may take the thread away for a while. */
			while (now.dispatches == dispatches[i]) {
				assert_true(dis_clock_ns() < end_ns);
				sched_yield();
				now = core_stats(fake, i);
			}
			dispatches[i] = now.dispatches;
		}
	}
	for (unsigned i = 0; i < 16; i++) {
		struct dis_vcpu_stats stats = stats_of(fake_vcpu(fake, vm, i));

		assert_true(stats.throttles > 0);
		preemptions += stats.preemptions;
	}
	/* 3 s x 2 / 200 us = 30,000 where nothing disturbs. */
	assert_true(preemptions > 1000);
	fake_end(fake, vm);
	fake_close(fake);
}

/* A quantum of few times what a pass costs: runs still happen. */
static void test_executor_tiny_quantum_makes_progress(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = 50 * DIS_US_NS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = spinners(fake, DIS_CLASSES, 2);

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_true(fake_wait_until(&fake_vcpu(fake, vm, i)->runs, 100,
					    LIMIT_NS));
	fake_end(fake, vm);
	fake_close(fake);
}

/* R: EVO-C1: charged plus idle is the time since the start, within 1 %. */
static void test_executor_ledger_sums_to_wall_time(void **state)
{
	struct fake_config cfg = {.cores = 2, .quantum_ns = MS};
	const struct fake_role role = {DIS_CLASS_INTERACTIVE, sleep_a_little,
				       NULL};
	uint64_t opening_ns = dis_clock_ns(), sum_ns = 0, start_ns, wall_ns;
	struct fake *fake = fake_open(&cfg);
	dis_id vm = fake_vm(fake, &role, 1), hogs;

	(void)state;
	/* The cores' time began somewhere between the two. */
	start_ns = dis_clock_ns();
	fake_start(fake, vm);
	hogs = spinners(fake, DIS_CLASSES, 3);
	pass_ns(1000 * MS);
	fake_end(fake, hogs);
	fake_end(fake, vm);
	wall_ns = dis_clock_ns() - start_ns;
	/* Idle cores account up to their last step: make them take one. */
	hogs = spinners(fake, DIS_CLASSES, 2);
	fake_end(fake, hogs);
	for (unsigned i = 0; i < 2; i++)
		sum_ns += core_stats(fake, i).charged_ns +
			  core_stats(fake, i).idle_ns;
	assert_in_range(sum_ns, 2 * wall_ns - wall_ns / 50,
			2 * (dis_clock_ns() - opening_ns) + wall_ns / 50);
	fake_close(fake);
}

/* R: MEM-4: no thread, timer or memory stays (leaks are ASan's). */
static void test_executor_start_and_stop_again_and_again(void **state)
{
	struct fake_config cfg = {.cores = 3};

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		struct fake *fake = fake_open(&cfg);

		if (i % 2)
			fake_end(fake, spinners(fake, DIS_CLASSES, 3));
		fake_close(fake);
	}
}

static void no_kick(void *host, unsigned core)
{
	(void)host;
	(void)core;
}

static void no_op(void *vcpu)
{
	(void)vcpu;
}

static void no_run(void *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	(void)result;
	abort();
}

static void no_end(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
}

/* A host CPU that is not there is an error, and nothing is left running. */
static void test_executor_absent_host_cpu_fails_to_start(void **state)
{
	static const struct dis_run_ops ops = {.run_begin = no_op,
					       .run = no_run,
					       .run_interrupt = no_op,
					       .ended = no_end};
	static const struct dis_host_ops host_ops = {.kick = no_kick,
						     .ring = no_kick};
	const unsigned cpus[2] = {0, CPU_SETSIZE - 1};
	struct dis_domain_config cfg;
	struct dis_executors *execs;
	struct dis_domain *dom;

	(void)state;
	dis_domain_config_init(&cfg);
	cfg.cores = 2;
	cfg.vms_max = 1;
	cfg.vcpus_max = 1;
	cfg.ops = &ops;
	cfg.host_ops = &host_ops;
	assert_int_equal(dis_executors_create(2, cpus, NULL, &execs), 0);
	assert_int_equal(dis_domain_create(&cfg, &dom), 0);
	assert_int_equal(dis_executors_start(execs, dom), -EINVAL);
	dis_executors_stop(execs);
	dis_domain_destroy(dom);
	dis_executors_destroy(execs);
}

/* Siblings that wake each other all the time, from inside their runs. */
struct family {
	struct dis_vcpu *member[4];
};

static void wake_sibling(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	struct family *family = vcpu->arg;

	vcpu->rnd = vcpu->rnd * 1103515245u + 12345u;
	dis_vcpu_wake(family->member[vcpu->rnd >> 16 & 3u]);
	if (vcpu->rnd >> 20 & 1u)
		result->outcome = DIS_RUN_HALT;
	else if (vcpu->rnd >> 21 & 1u)
		result->outcome = DIS_RUN_YIELD;
}

static void join_previous(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	result->outcome = DIS_RUN_JOIN;
	result->join = *(dis_id *)vcpu->arg;
}

struct churn {
	struct fake *fake;
	unsigned rounds;
	pthread_mutex_t *lock; /* of fakevm's own table */
};

/* Starts, ends and reaps families while others run and join them. */
static void *churn(void *arg)
{
	struct churn *c = arg;
	dis_id previous = DIS_ID_NONE;

	for (unsigned i = 0; i < c->rounds; i++) {
		struct family family;
		struct fake_vcpu *vcpu[4];
		struct fake_role roles[5];
		dis_id vm, joined = previous;

		for (unsigned m = 0; m < 4; m++)
			roles[m] = (struct fake_role){(enum dis_class)(m + 1),
						      wake_sibling, &family};
		roles[4] = (struct fake_role){DIS_CLASS_SYSTEM, join_previous,
					      &joined};
		pthread_mutex_lock(c->lock);
		vm = fake_vm(c->fake, roles, 5);
		for (unsigned m = 0; m < 4; m++) {
			vcpu[m] = fake_vcpu(c->fake, vm, m);
			family.member[m] = vcpu[m]->vcpu;
		}
		pthread_mutex_unlock(c->lock);
		if (i % 8)
			joined = vm; /* own: refused, tries again */
		fake_start(c->fake, vm);
		for (unsigned m = 0; m < 4 && i % 3; m++)
			fake_wait_until(&vcpu[m]->runs, 2, DIS_S_NS);
		pthread_mutex_lock(c->lock);
		fake_end(c->fake, vm);
		pthread_mutex_unlock(c->lock);
		previous = vm;
	}
	return NULL;
}

/* R: EVO-B4, MEM-4, DIS-1: slots are reused while everything is moving. */
static void test_executor_churn_of_vms_keeps_order(void **state)
{
	struct fake_config cfg = {
		.cores = 3, .quantum_ns = 100 * DIS_US_NS, .ring_events = 64};
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct fake *fake = fake_open(&cfg);
	struct churn churns[2];
	pthread_t threads[2];
	struct dis_domain_usage usage;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		churns[i] = (struct churn){fake, 400, &lock};
		assert_int_equal(pthread_create(&threads[i], NULL, churn,
						&churns[i]),
				 0);
	}
	/* Someone looks on all the while. */
	for (unsigned i = 0; i < 200; i++) {
		uint64_t now[DIS_STATES], total[DIS_STATES];
		struct dis_event events[32];

		dis_domain_count_states(fake_domain(fake), now, total);
		for (unsigned c = 0; c < 3; c++) {
			core_stats(fake, c);
			dis_domain_read_events(fake_domain(fake), c, events, 32);
		}
		sched_yield();
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	dis_domain_get_usage(fake_domain(fake), &usage);
	assert_int_equal(usage.vms + usage.vcpus, 0);
	fake_close(fake);
}

static pthread_mutex_t forbidden = PTHREAD_MUTEX_INITIALIZER;

static void lock_and_unlock(void)
{
	pthread_mutex_lock(&forbidden);
	pthread_mutex_unlock(&forbidden);
}

/* The watch of the dispatch path sees the loop around it. R: BUD-5, PRE-4 */
static void test_executor_lock_in_its_loop_is_noticed(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = spinners(fake, DIS_CLASSES, 2);
	struct fake_vcpu *vcpu = fake_vcpu(fake, vm, 0);
	unsigned runs;

	(void)state;
	interpose_expect(true);
	atomic_store(&vcpu->begin, lock_and_unlock);
	runs = atomic_load(&vcpu->runs);
	assert_true(fake_wait_until(&vcpu->runs, runs + 4, LIMIT_NS));
	atomic_store(&vcpu->begin, NULL);
	fake_end(fake, vm);
	fake_close(fake);
	assert_true(interpose_forbidden() >= 3);
	interpose_expect(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_executor_timer_preempts_endless_run),
		cmocka_unit_test(test_executor_lone_run_is_not_interrupted),
		cmocka_unit_test(
			test_executor_urgent_wake_interrupts_endless_run),
		cmocka_unit_test(test_executor_idle_uses_no_cpu),
		cmocka_unit_test(test_executor_sleepers_wake_by_timer),
		cmocka_unit_test(test_executor_short_quanta_stop_no_core),
		cmocka_unit_test(test_executor_tiny_quantum_makes_progress),
		cmocka_unit_test(test_executor_ledger_sums_to_wall_time),
		cmocka_unit_test(test_executor_start_and_stop_again_and_again),
		cmocka_unit_test(test_executor_absent_host_cpu_fails_to_start),
		cmocka_unit_test(test_executor_churn_of_vms_keeps_order),
		cmocka_unit_test(test_executor_lock_in_its_loop_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
