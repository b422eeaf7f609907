/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spin, ticket: one lock for all vCPUs that run this; about 5 us with it, 5 us
 * without. Count acquisitions, record how long each one took to get. What a
 * monitor does to those who hold a lock, or are next to get it, shows here.
 *
 *   spin    whoever sees it free first takes it (test and set).
 *   ticket  first come, first served, as the locks of kernels are: also one that
 *           waits, and is off its core when its turn comes, stops all behind it.
 */
#include <task.h>

#define SECTION_UNITS 5
/* Turns between looks at the one that is waited for: some microseconds. */
#define SPINS 64

/*
 * @owner: who has it. @next, @serving: tickets; @who[ticket % MAX_VCPUS] has, or
 * waits with, that ticket. @count: acquisitions, under the lock.
 */
struct lock {
	bool (*acquire)(struct lock *lock, struct task *task);
	void (*release)(struct lock *lock);
	uint64_t count;
	uint32_t owner;
	char taken __attribute__((aligned(64)));
	uint32_t next __attribute__((aligned(64)));
	uint32_t serving __attribute__((aligned(64)));
	uint32_t who[MAX_VCPUS];
};

/* Argument 0 of each vCPU's device, plus 1, once written; no other call is made meanwhile. */
static uint32_t told[MAX_VCPUS];

/* No more writes than needed: each is a trip to the monitor. */
static void give_way_to(const struct task *task, uint32_t index)
{
	uint16_t port = machine.hypercall_port;

	if (!port)
		return;
	if (told[task->index] != index + 1)
		sys(SYS_OUT, port + DISVM_HC_ARG0, 4, index);
	told[task->index] = index + 1;
	sys(SYS_OUT, port + DISVM_HC_CALL, 4, DISVM_CALL_YIELD_TO);
}

/* One look in vain at what @index holds up. False when the run is over. */
static bool spin_once(struct task *task, unsigned *spins, uint32_t index)
{
	if (task_over(task, rdtsc()))
		return false;
	__builtin_ia32_pause();
	/* Off its core: there is nothing to spin for. */
	if (++*spins % SPINS == 0 &&
	    __atomic_load_n(&tasks[index].steal.preempted, __ATOMIC_RELAXED))
		give_way_to(task, index);
	return true;
}

static bool spin_acquire(struct lock *lock, struct task *task)
{
	const volatile uint32_t *owner = &lock->owner;
	unsigned spins = 0;

	while (__atomic_test_and_set(&lock->taken, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
			if (!spin_once(task, &spins, *owner))
				return false;
	return true;
}

static void spin_release(struct lock *lock)
{
	__atomic_clear(&lock->taken, __ATOMIC_RELEASE);
}

/* A ticket that is left when the run is over: nobody is served any more. */
static bool ticket_acquire(struct lock *lock, struct task *task)
{
	uint32_t mine = __atomic_fetch_add(&lock->next, 1u, __ATOMIC_RELAXED);
	unsigned spins = 0;

	__atomic_store_n(&lock->who[mine % MAX_VCPUS], task->index,
			 __ATOMIC_RELAXED);
	for (;;) {
		uint32_t served =
			__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE);

		if (served == mine)
			return true;
		if (!spin_once(task, &spins,
			       __atomic_load_n(&lock->who[served % MAX_VCPUS],
					       __ATOMIC_RELAXED)))
			return false;
	}
}

static void ticket_release(struct lock *lock)
{
	__atomic_fetch_add(&lock->serving, 1u, __ATOMIC_RELEASE);
}

static struct lock spin_lock = {.acquire = spin_acquire,
				.release = spin_release};
static struct lock ticket_lock = {.acquire = ticket_acquire,
				  .release = ticket_release};

uint64_t spin_total(void)
{
	return spin_lock.count + ticket_lock.count;
}

static void compute(void)
{
	for (unsigned i = 0; i < SECTION_UNITS; i++)
		compute_unit();
}

static void contend(struct task *task, struct lock *lock)
{
	volatile uint64_t *count = &lock->count;
	volatile uint32_t *owner = &lock->owner;
	uint64_t from, before;

	for (;;) {
		from = rdtsc();
		if (task_over(task, from) || !lock->acquire(lock, task))
			return;
		task_record(task, ticks_to_ns(rdtsc() - from));
		*owner = task->index;
		before = *count;
		compute();
		*count = before + 1;
		if (*owner != task->index)
			task_print(task, "spin: mutual exclusion violated");
		lock->release(lock);
		report_of(task)->work++;
		compute();
	}
}

void spin_run(struct task *task)
{
	contend(task, &spin_lock);
}

void ticket_run(struct task *task)
{
	contend(task, &ticket_lock);
}
