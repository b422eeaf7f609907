/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executor threads on a faulty machine: a clock that goes back, timers that are
 * late or never fire, signals from elsewhere. Nothing is lost, and a counter
 * shows it. timeout: 240
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/fakevm.h"
#include "lib/interpose.h"

#define MS DIS_MS_NS
#define LIMIT_NS (30 * DIS_S_NS)
#define STORM 20000u
/* Longer than a loaded host keeps a thread waiting. */
#define BACK_NS (500 * MS)

static struct dis_core_stats core_stats(struct fake *fake)
{
	struct dis_core_stats stats;

	dis_core_get_stats(dis_domain_core(fake_domain(fake), 0), &stats);
	return stats;
}

static struct dis_vcpu_stats stats_of(const struct fake_vcpu *vcpu)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(vcpu->vcpu, &stats);
	return stats;
}

static dis_id two_spinners(struct fake *fake)
{
	const struct fake_role roles[2] = {{DIS_CLASSES, fake_spin, NULL},
					   {DIS_CLASSES, fake_spin, NULL}};
	dis_id vm = fake_vm(fake, roles, 2);

	fake_start(fake, vm);
	return vm;
}

static int machine_is_well(void **state)
{
	(void)state;
	atomic_store(&interpose_skew_ns, 0);
	atomic_store(&interpose_timers_dead, false);
	atomic_store(&interpose_timers_late_ns, 0);
	return 0;
}

/* Both get @more runs from now on. */
static void assert_progress(struct fake *fake, dis_id vm, unsigned more)
{
	unsigned goal[2];

	for (unsigned i = 0; i < 2; i++)
		goal[i] = atomic_load(&fake_vcpu(fake, vm, i)->runs) + more;
	for (unsigned i = 0; i < 2; i++)
		assert_true(fake_wait_until(&fake_vcpu(fake, vm, i)->runs,
					    goal[i], LIMIT_NS));
}

static void assert_ledger(struct fake *fake, dis_id vm)
{
	uint64_t vcpus_ns = 0;

	for (unsigned i = 0; i < 2; i++)
		vcpus_ns += stats_of(fake_vcpu(fake, vm, i)).cpu_ns;
	/* They run on: it is read first. */
	assert_true(vcpus_ns <= core_stats(fake).charged_ns);
}

/* R: EVO-C1, PRE-3 */
static void test_executor_clock_going_back_loses_no_core(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = two_spinners(fake);
	struct dis_core_stats stats;
	uint64_t before_ns, start_ns;

	(void)state;
	assert_progress(fake, vm, 5);
	start_ns = dis_clock_ns();
	before_ns = core_stats(fake).charged_ns;
	atomic_store(&interpose_skew_ns, -(int64_t)BACK_NS);
	assert_progress(fake, vm, 20);
	stats = core_stats(fake);
	assert_true(stats.time_backward > 0);
	assert_in_range(stats.charged_ns, before_ns,
			before_ns + (dis_clock_ns() - start_ns) + BACK_NS);
	assert_ledger(fake, vm);
	fake_end(fake, vm);
	fake_close(fake);
}

/* Both get @more runs, and the control thread looks meanwhile. */
static void watch_progress(struct fake *fake, dis_id vm, unsigned more)
{
	const struct timespec pause = {.tv_nsec = 10 * (long)MS};
	uint64_t end_ns = dis_clock_ns() + LIMIT_NS;

	for (unsigned i = 0; i < 2; i++) {
		struct fake_vcpu *vcpu = fake_vcpu(fake, vm, i);
		unsigned goal = atomic_load(&vcpu->runs) + more;

		while (atomic_load(&vcpu->runs) < goal) {
			assert_true(dis_clock_ns() < end_ns);
			nanosleep(&pause, NULL);
			fake_watch(fake);
		}
	}
}

/* R: CARD-4: nothing but the control thread's look brings the core back. */
static void test_executor_timers_that_never_fire_lose_no_core(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = two_spinners(fake);

	(void)state;
	assert_progress(fake, vm, 5);
	atomic_store(&interpose_timers_dead, true);
	watch_progress(fake, vm, 3);
	assert_true(core_stats(fake).timer_lost >= 4);
	assert_ledger(fake, vm);
	/* And when timers work again, so does the core by itself. */
	atomic_store(&interpose_timers_dead, false);
	watch_progress(fake, vm, 2);
	assert_progress(fake, vm, 10);
	fake_end(fake, vm);
	fake_close(fake);
}

/* A core in time is left alone. R: PRE-6 */
static void test_executor_watch_of_a_lone_run_does_nothing(void **state)
{
	const struct fake_role role = {DIS_CLASSES, fake_spin, NULL};
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	dis_id vm = fake_vm(fake, &role, 1);

	(void)state;
	fake_start(fake, vm);
	assert_true(fake_wait_until(&fake_vcpu(fake, vm, 0)->runs, 1, LIMIT_NS));
	for (unsigned i = 0; i < 1000; i++)
		fake_watch(fake);
	assert_int_equal(atomic_load(&fake_vcpu(fake, vm, 0)->runs), 1);
	assert_int_equal(core_stats(fake).timer_lost, 0);
	fake_end(fake, vm);
	fake_close(fake);
}

/* R: PRE-3: slices that passed meanwhile are one, not a queue of them. */
static void test_executor_late_timer_ends_one_slice(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = MS};
	struct fake *fake = fake_open(&cfg);
	struct dis_core_stats before, after;
	dis_id vm;

	(void)state;
	atomic_store(&interpose_timers_late_ns, 20 * MS);
	vm = two_spinners(fake);
	assert_progress(fake, vm, 2);
	before = core_stats(fake);
	assert_progress(fake, vm, 5);
	after = core_stats(fake);
	assert_true(after.preemptions > before.preemptions);
	/* Of 1 ms each; a slice is 21 ms long. */
	assert_true((after.preemptions - before.preemptions) * 20 * MS <=
		    after.charged_ns - before.charged_ns + 20 * MS);
	assert_ledger(fake, vm);
	fake_end(fake, vm);
	fake_close(fake);
}

static void note_thread(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	if (!vcpu->rnd)
		atomic_store((atomic_uint *)vcpu->arg, (unsigned)gettid());
	vcpu->rnd = 1;
	fake_spin(vcpu, result);
}

/* Another process's signals, as fast as they go. */
static pid_t storm(unsigned thread)
{
	pid_t us = getpid(), child = fork();

	assert_true(child >= 0);
	if (child)
		return child;
	for (unsigned i = 0; i < STORM; i++)
		if (syscall(SYS_tgkill, us, thread,
			    i % 2 ? SIGURG : SIGRTMIN + 1) &&
		    errno != EAGAIN)
			_exit(1);
	_exit(0);
}

/* R: CARD-4, PRE-3 */
static void test_executor_signal_storm_costs_no_pass(void **state)
{
	struct fake_config cfg = {.cores = 1, .quantum_ns = 5 * MS};
	struct fake *fake = fake_open(&cfg);
	atomic_uint thread = 0;
	const struct fake_role roles[2] = {{DIS_CLASSES, note_thread, &thread},
					   {DIS_CLASSES, fake_spin, NULL}};
	dis_id vm = fake_vm(fake, roles, 2);
	struct dis_core_stats stats;
	int status;
	pid_t child;

	(void)state;
	fake_start(fake, vm);
	assert_true(fake_wait_until(&thread, 1, LIMIT_NS));
	child = storm(atomic_load(&thread));
	assert_progress(fake, vm, 5);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_progress(fake, vm, 2);
	stats = core_stats(fake);
	/* Equal ones may have become one on their way. */
	assert_in_range(stats.stray_signals, 1, STORM);
	assert_true(stats.timer_expiries > 0);
	assert_true(stats.dispatches < stats.stray_signals / 2 + 1000);
	assert_ledger(fake, vm);
	fake_end(fake, vm);
	fake_close(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			test_executor_clock_going_back_loses_no_core,
			machine_is_well),
		cmocka_unit_test_teardown(
			test_executor_timers_that_never_fire_lose_no_core,
			machine_is_well),
		cmocka_unit_test_teardown(
			test_executor_watch_of_a_lone_run_does_nothing,
			machine_is_well),
		cmocka_unit_test_teardown(
			test_executor_late_timer_ends_one_slice,
			machine_is_well),
		cmocka_unit_test_teardown(
			test_executor_signal_storm_costs_no_pass,
			machine_is_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
