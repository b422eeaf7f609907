/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU that a device holds back, as in a reset, does not go on before it is let go,
 * whatever wakes it; its core is free meanwhile (R: CARD-11).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "kvm/pool.h"

static void pause_a_little(void)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};

	nanosleep(&pause, NULL);
}

static struct dis_vcpu_stats stats_of(const struct machine *machine)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(machine->vcpus[0].dis, &stats);
	return stats;
}

static void wait_until_held(const struct machine *machine)
{
	const struct dis_vcpu *vcpu = machine->vcpus[0].dis;

	while (dis_vcpu_state(vcpu) != DIS_STATE_WAITING ||
	       dis_vcpu_reason(vcpu) != DIS_REASON_IO)
		pause_a_little();
}

static void hold_and_release(enum pool_executor executor, bool kernel_irqchip)
{
	struct machine_kind kind;
	struct machine *machine;
	struct pool pool;
	uint64_t work, blocks;

	pool_open(&pool, executor, 1, 1);
	pool_kind_open(&kind, "work=yield", 1, 1, kernel_irqchip);
	machine = pool_boot(&pool, &kind, 0);
	pool_wait_work(machine, 0, 1);
	atomic_fetch_add(&machine->vcpus[0].holds, 1);
	/* Seen at its next exit, which it makes all the time. */
	wait_until_held(machine);
	work = pool_work(machine, 0);
	for (unsigned i = 0; i < 3; i++) {
		blocks = stats_of(machine).blocks;
		dis_vcpu_wake(machine->vcpus[0].dis);
		/* Its state may still be the old one when it counts as woken. */
		while (stats_of(machine).blocks == blocks)
			pause_a_little();
		wait_until_held(machine);
	}
	assert_int_equal(pool_work(machine, 0), work);
	atomic_fetch_sub(&machine->vcpus[0].holds, 1);
	dis_vcpu_wake(machine->vcpus[0].dis);
	pool_wait_work(machine, 0, 5);
	pool_stop(&pool, machine);
	pool_wait_ended(&pool, 1);
	pool_reap(&pool, machine);
	machine_kind_close(&kind);
	pool_close(&pool);
}

static void test_vcpu_held_waits_until_released(void **state)
{
	(void)state;
	hold_and_release(POOL_DIS, false);
}

static void test_vcpu_held_with_thread_of_its_own_waits(void **state)
{
	(void)state;
	hold_and_release(POOL_THREADS, true);
}

/* A VM ends while its vCPU is held. */
static void test_vcpu_held_can_end(void **state)
{
	struct machine_kind kind;
	struct machine *machine;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, 1);
	pool_kind_open(&kind, "work=yield", 1, 1, false);
	machine = pool_boot(&pool, &kind, 0);
	pool_wait_work(machine, 0, 1);
	atomic_fetch_add(&machine->vcpus[0].holds, 1);
	wait_until_held(machine);
	pool_stop(&pool, machine);
	pool_wait_ended(&pool, 1);
	pool_reap(&pool, machine);
	machine_kind_close(&kind);
	pool_close(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpu_held_waits_until_released),
		cmocka_unit_test(test_vcpu_held_with_thread_of_its_own_waits),
		cmocka_unit_test(test_vcpu_held_can_end),
	};

	return cmocka_run_group_tests_name("vcpu-hold", tests, NULL, NULL);
}
