/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin: one lock for all vCPUs that run this; about 5 us with it, 5 us without.
 * Counts acquisitions, records how long each one took to get. What a monitor
 * does to lock holders shows here.
 */
#include <task.h>

#define SECTION_UNITS 5
/* Turns between looks at the holder: some microseconds. */
#define SPINS 64

/* A cache line of its own. */
static struct {
	char lock;
	uint32_t owner;
	uint64_t count;
} __attribute__((aligned(64))) shared;

uint64_t spin_total(void)
{
	return shared.count;
}

static void compute(void)
{
	for (unsigned i = 0; i < SECTION_UNITS; i++)
		compute_unit();
}

/* Then there is nothing to spin for. */
static bool holder_is_preempted(void)
{
	const volatile uint32_t *owner = &shared.owner;

	return __atomic_load_n(&tasks[*owner].steal.preempted, __ATOMIC_RELAXED);
}

/* No more calls than needed: each is a trip to the monitor. */
static void give_way(void)
{
	const volatile uint32_t *owner = &shared.owner;
	uint16_t port = machine.hypercall_port;

	if (!port)
		return;
	sys(SYS_OUT, port + DISVM_HC_ARG0, 4, *owner);
	sys(SYS_OUT, port + DISVM_HC_CALL, 4, DISVM_CALL_YIELD_TO);
}

/* False when the run is over first. */
static bool acquire(struct task *task)
{
	while (__atomic_test_and_set(&shared.lock, __ATOMIC_ACQUIRE)) {
		unsigned spins = 0;

		while (__atomic_load_n(&shared.lock, __ATOMIC_RELAXED)) {
			if (task_over(task, rdtsc()))
				return false;
			__builtin_ia32_pause();
			if (++spins % SPINS == 0 && holder_is_preempted())
				give_way();
		}
	}
	return true;
}

void spin_run(struct task *task)
{
	volatile uint64_t *count = &shared.count;
	volatile uint32_t *owner = &shared.owner;
	uint64_t from, before;

	for (;;) {
		from = rdtsc();
		if (task_over(task, from) || !acquire(task))
			return;
		task_record(task, ticks_to_ns(rdtsc() - from));
		*owner = task->index;
		before = *count;
		compute();
		*count = before + 1;
		if (*owner != task->index)
			task_print(task, "spin: mutual exclusion violated");
		__atomic_clear(&shared.lock, __ATOMIC_RELEASE);
		report_of(task)->work++;
		compute();
	}
}
