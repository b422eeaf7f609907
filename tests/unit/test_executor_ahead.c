/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executor threads with a sleeper that is given its core ahead of its time
 * (sched/ahead.h): it is entered at its time, or when a signal comes. Limits of time are
 * wide: the host may be busy. timeout: 240
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/fakevm.h"

#define LIMIT_NS (60 * DIS_S_NS)
#define SLEEP_NS (1 * DIS_MS_NS)
/* What it takes to get the core from the hog, every second time. */
#define SLOW_NS (100 * DIS_US_NS)
/* What fake_vcpu.interrupt is set to outside of a run and of its beginning. */
#define NO_RUN 2u

struct bed {
	struct fake *fake;
	dis_id vm;
	struct fake_vcpu *vcpu;
	_Atomic uint64_t due_ns;   /* of the present sleep */
	_Atomic uint64_t poked_ns; /* the due time that it was woken before */
	atomic_uint early;         /* runs that began before their time, */
	atomic_uint poked;         /* and as they were woken in the wait */
};

static void doze(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	struct bed *bed = vcpu->arg;
	uint64_t due_ns = atomic_load(&bed->due_ns);

	if (dis_clock_ns() < due_ns) {
		atomic_fetch_add(&bed->early, 1u);
		if (atomic_load(&bed->poked_ns) == due_ns)
			atomic_fetch_add(&bed->poked, 1u);
	}
	atomic_store(&vcpu->interrupt, NO_RUN);
	due_ns = dis_clock_ns() + SLEEP_NS;
	atomic_store(&bed->due_ns, due_ns);
	result->outcome = DIS_RUN_HALT;
	result->timer_ns = due_ns;
}

/* So there is a cost to learn, and mostly a while to wait. */
static void spin_on(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	uint64_t end_ns;

	fake_spin(vcpu, result);
	end_ns = dis_clock_ns() + (vcpu->rnd++ % 2 ? SLOW_NS : 0);
	while (dis_clock_ns() < end_ns)
		;
}

static void open_bed(struct bed *bed)
{
	const struct fake_config cfg = {.cores = 1};
	const struct fake_role roles[] = {
		{DIS_CLASS_INTERACTIVE, doze, bed},
		{DIS_CLASS_BACKGROUND, spin_on, NULL},
	};

	*bed = (struct bed){.fake = fake_open(&cfg)};
	bed->vm = fake_vm(bed->fake, roles, 2);
	bed->vcpu = fake_vcpu(bed->fake, bed->vm, 0);
	atomic_store(&bed->vcpu->interrupt, NO_RUN);
	fake_start(bed->fake, bed->vm);
}

static void close_bed(struct bed *bed)
{
	fake_end(bed->fake, bed->vm);
	fake_close(bed->fake);
}

static uint64_t waited_ns(const struct bed *bed)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(bed->vcpu->vcpu, &stats);
	return stats.ahead_ns;
}

static void test_executor_ahead_run_begins_at_its_time(void **state)
{
	uint64_t end_ns = dis_clock_ns() + LIMIT_NS;
	struct bed bed;

	(void)state;
	open_bed(&bed);
	while (waited_ns(&bed) < DIS_MS_NS)
		assert_true(dis_clock_ns() < end_ns);
	assert_int_equal(atomic_load(&bed.early), 0);
	close_bed(&bed);
}

static void test_executor_ahead_signal_ends_the_wait(void **state)
{
	uint64_t end_ns = dis_clock_ns() + LIMIT_NS;
	struct bed bed;

	(void)state;
	open_bed(&bed);
	while (!atomic_load(&bed.poked)) {
		uint64_t due_ns = atomic_load(&bed.due_ns);

		assert_true(dis_clock_ns() < end_ns);
		/* Between the beginning and the run. */
		if (atomic_load(&bed.vcpu->interrupt) ||
		    atomic_load(&bed.poked_ns) == due_ns)
			continue;
		atomic_store(&bed.poked_ns, due_ns);
		dis_vcpu_wake(bed.vcpu->vcpu);
	}
	close_bed(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_executor_ahead_run_begins_at_its_time),
		cmocka_unit_test(test_executor_ahead_signal_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
