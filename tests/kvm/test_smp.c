/* SPDX-License-Identifier: Apache-2.0 */
/* Guests with many vCPUs come up, report, and cost nothing when all halt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "kvm/pool.h"

#define QUIET_S 3

static void come_up_and_report(enum pool_executor executor, bool kernel_irqchip,
			       unsigned vcpus)
{
	struct machine_kind kind;
	struct machine *guest;
	struct dis_vm_info info;
	struct pool pool;

	pool_open(&pool, executor, 1, vcpus);
	pool_kind_open(&kind, "work=idle time=1ms", vcpus, 1, kernel_irqchip);
	guest = pool_boot(&pool, &kind, 0);
	pool_wait_ended(&pool, 1);
	info = pool_info(&pool, guest);
	assert_int_equal(info.state, DIS_STATE_FINISHED);
	assert_int_equal(pool_count_done(guest), vcpus);
	pool_reap(&pool, guest);
	pool_close(&pool);
	machine_kind_close(&kind);
}

/* R: CARD-1 */
static void test_guest_with_256_vcpus_reports_all(void **state)
{
	(void)state;
	come_up_and_report(POOL_DIS, false, DIS_VCPUS_PER_VM_MAX);
}

static void test_guest_on_threads_reports_all(void **state)
{
	(void)state;
	come_up_and_report(POOL_THREADS, false, 32);
}

static void test_guest_with_kernel_irqchip_reports_all(void **state)
{
	(void)state;
	come_up_and_report(POOL_THREADS, true, 32);
}

static uint64_t process_cpu_ns(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       DIS_S_NS +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       DIS_US_NS;
}

static struct dis_core_stats sum_cores(const struct pool *pool)
{
	struct dis_core_stats sum = {0};

	for (unsigned i = 0; i < pool->cores; i++) {
		struct dis_core_stats s;

		dis_core_get_stats(dis_domain_core(pool->dom, i), &s);
		sum.timer_arms += s.timer_arms;
		sum.dispatches += s.dispatches;
		sum.kicks_sent += s.kicks_sent;
	}
	return sum;
}

static void wait_all_waiting(const struct pool *pool, unsigned vcpus)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	uint64_t now[DIS_STATES], total[DIS_STATES];

	do {
		nanosleep(&pause, NULL);
		dis_domain_count_states(pool->dom, now, total);
	} while (now[DIS_STATE_WAITING] != vcpus);
}

/* A wake on its way to one that waits is still part of the boot. */
static struct dis_core_stats wait_settled(const struct pool *pool)
{
	const struct timespec pause = {.tv_nsec = 200 * (long)DIS_MS_NS};
	struct dis_core_stats before, after = sum_cores(pool);

	do {
		before = after;
		nanosleep(&pause, NULL);
		after = sum_cores(pool);
	} while (after.dispatches != before.dispatches);
	return after;
}

/* R: CARD-4, PRE-6: boot is over when the first figures are taken. */
static void test_pool_all_vcpus_halted_does_nothing(void **state)
{
	const struct timespec quiet = {.tv_sec = QUIET_S};
	struct dis_core_stats before, after;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;
	uint64_t cpu_ns;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, 8);
	pool_kind_open(&kind, "work=idle", 8, 1, false);
	guest = pool_boot(&pool, &kind, 0);
	wait_all_waiting(&pool, 8);
	assert_int_equal(pool_count_done(guest), 8);

	before = wait_settled(&pool);
	cpu_ns = process_cpu_ns();
	nanosleep(&quiet, NULL);
	cpu_ns = process_cpu_ns() - cpu_ns;
	after = sum_cores(&pool);

	assert_int_equal(after.timer_arms, before.timer_arms);
	assert_int_equal(after.dispatches, before.dispatches);
	assert_int_equal(after.kicks_sent, before.kicks_sent);
	assert_in_range(cpu_ns, 0, QUIET_S * DIS_S_NS / 100);
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	pool_reap(&pool, guest);
	pool_close(&pool);
	machine_kind_close(&kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_with_256_vcpus_reports_all),
		cmocka_unit_test(test_guest_on_threads_reports_all),
		cmocka_unit_test(test_guest_with_kernel_irqchip_reports_all),
		cmocka_unit_test(test_pool_all_vcpus_halted_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
