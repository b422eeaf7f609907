/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preemption timer of an executor thread, with vCPUs that yield, or compute
 * until they are interrupted. Nothing here waits for a time.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

#include <dis/executor.h>
#include <dis/handler_code.h>

#define VCPUS 2u
#define YIELDS 20000u

/** @yields: runs that end so, before it computes. */
struct fake {
	unsigned yields;
	volatile bool interrupted;
};

static struct fake fakes[VCPUS];
/* Runs of both that end by an interrupt, before both finish. */
static unsigned slices;
static uint64_t tick_ns; /* for the next executors */
static struct dis_domain *dom;
static struct dis_core_stats stats;
static sem_t ended;

static void run_begin(void *arg)
{
	struct fake *fake = arg;

	fake->interrupted = false;
}

static void HANDLER_CODE run_interrupt(void *arg)
{
	struct fake *fake = arg;

	fake->interrupted = true;
}

static void run(void *arg, struct dis_run_result *result)
{
	struct fake *fake = arg;

	*result = (struct dis_run_result){.outcome = DIS_RUN_CONTINUE,
					  .timer_ns = DIS_NEVER_NS};
	if (fake->yields) {
		fake->yields--;
		result->outcome = DIS_RUN_YIELD;
	} else if (slices) {
		while (!fake->interrupted)
			;
		slices--;
	} else {
		result->outcome = DIS_RUN_FINISH;
		result->reason = DIS_REASON_POWER_OFF;
	}
}

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
	sem_post(&ended);
}

static const struct dis_run_ops ops = {
	.run_begin = run_begin,
	.run = run,
	.run_interrupt = run_interrupt,
	.ended = on_ended,
};

static void spawn(struct fake *fake)
{
	const struct dis_intent intent = dis_intent_default();
	const struct dis_vm_spec spec = {
		.name = "fake", .vcpus = 1, .intents = &intent};
	void *arg = fake;
	char err[128];
	dis_id id;

	assert_int_equal(dis_vm_spawn(dom, &spec, dis_clock_ns(), &id, err,
				      sizeof(err)),
			 0);
	assert_int_equal(dis_vm_bind(dom, id, NULL, &arg), 0);
	assert_int_equal(dis_vm_start(dom, id), 0);
}

static unsigned any_cpu(void)
{
	cpu_set_t allowed;
	unsigned cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	return cpu;
}

/* Runs the fakes on one core until both have finished. */
static void run_fakes(unsigned yields_0, unsigned yields_1, unsigned computing,
		      uint64_t quantum_ns)
{
	const unsigned cpu = any_cpu();
	struct dis_executors *execs;
	struct dis_domain_config cfg;

	fakes[0].yields = yields_0;
	fakes[1].yields = yields_1;
	slices = computing;
	assert_int_equal(dis_executors_create(1, &cpu, NULL, &execs), 0);
	dis_executors_set_tick(execs, tick_ns);
	dis_domain_config_init(&cfg);
	cfg.cores = 1;
	cfg.vms_max = cfg.vcpus_max = VCPUS;
	cfg.default_quantum_ns = quantum_ns;
	cfg.ops = &ops;
	cfg.host_ops = &dis_executor_host_ops;
	cfg.host = execs;
	assert_int_equal(dis_domain_create(&cfg, &dom), 0);
	sem_init(&ended, 0, 0);
	for (unsigned i = 0; i < VCPUS; i++)
		spawn(&fakes[i]);
	assert_int_equal(dis_executors_start(execs, dom), 0);
	for (unsigned i = 0; i < VCPUS; i++)
		while (sem_wait(&ended) && errno == EINTR)
			;
	dis_executors_stop(execs);
	dis_core_get_stats(dis_domain_core(dom, 0), &stats);
	dis_domain_destroy(dom);
	dis_executors_destroy(execs);
	sem_destroy(&ended);
}

/* A dispatch does not pay for a timer that another will set again. */
static void test_executor_many_short_runs_share_one_arming(void **state)
{
	(void)state;
	run_fakes(YIELDS, YIELDS, 0, 50 * DIS_MS_NS);
	assert_true(stats.dispatches >= 2 * YIELDS);
	assert_true(stats.timer_arms > 0);
	assert_true(stats.timer_arms < stats.dispatches / 10);
}

/* The timer that was left as it was still takes the core away. R: CARD-4 */
static void test_executor_hogs_after_short_runs_are_preempted(void **state)
{
	(void)state;
	run_fakes(YIELDS, YIELDS, 10, 1 * DIS_MS_NS);
	assert_true(stats.timer_expiries > 0);
	assert_true(stats.preemptions > 0);
}

/* R: CARD-4 */
static void test_executor_long_runs_have_a_timer_each(void **state)
{
	(void)state;
	run_fakes(0, 0, 20, 1 * DIS_MS_NS);
	assert_true(stats.timer_expiries + stats.timer_spurious >= 19);
	assert_true(stats.timer_expiries > 0);
	assert_true(stats.timer_arms >= 19);
}

/* R: CARD-4, PRE-6 */
static void test_executor_one_vcpu_alone_arms_nothing(void **state)
{
	(void)state;
	run_fakes(YIELDS, 0, 0, 50 * DIS_MS_NS);
	assert_true(stats.dispatches > YIELDS);
	/* While the other one was there. */
	assert_true(stats.timer_arms <= 2);
	assert_int_equal(stats.timer_expiries + stats.timer_spurious, 0);
}

/* R: EVO-A2: each run comes back for the tick, long before its slice ends. */
static void test_executor_with_tick_ends_runs_of_a_hog(void **state)
{
	(void)state;
	tick_ns = DIS_MS_NS;
	run_fakes(0, 0, 20, 1000 * DIS_S_NS);
	tick_ns = 0;
	assert_true(stats.timer_arms >= 19);
	assert_int_equal(stats.preemptions, 0);
}

/* Ticks are by time: runs that come back by themselves are not held up. */
static void test_executor_with_tick_short_runs_share_one_arming(void **state)
{
	(void)state;
	tick_ns = DIS_S_NS;
	run_fakes(YIELDS, YIELDS, 0, 1000 * DIS_S_NS);
	tick_ns = 0;
	assert_true(stats.dispatches >= 2 * YIELDS);
	assert_true(stats.timer_arms < stats.dispatches / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_executor_many_short_runs_share_one_arming),
		cmocka_unit_test(
			test_executor_hogs_after_short_runs_are_preempted),
		cmocka_unit_test(test_executor_long_runs_have_a_timer_each),
		cmocka_unit_test(test_executor_one_vcpu_alone_arms_nothing),
		cmocka_unit_test(test_executor_with_tick_ends_runs_of_a_hog),
		cmocka_unit_test(
			test_executor_with_tick_short_runs_share_one_arming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
