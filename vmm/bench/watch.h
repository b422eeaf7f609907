/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The stall watch: sees when the machine below took a CPU away, the same way
 * whoever runs on it.
 *
 * One thread per CPU, of the highest real-time priority, sleeps until times
 * WATCH_PERIOD_NS apart. If it wakes more than WATCH_STALL_NS late, and did not
 * spend that time ready in the run queue of the host's kernel, then the CPU did
 * not take its timer interrupt: nobody ran there. What the host's scheduler does
 * to threads, its throttling of real-time threads for example, is no stall.
 *
 * Locking: the counters are atomic.
 */
#ifndef DISVM_BENCH_WATCH_H
#define DISVM_BENCH_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include <dis/types.h>

/* No multiple of what guests sleep: else it would run at their due times all through
 * one round, and in another never. */
#define WATCH_PERIOD_NS (2039 * DIS_US_NS)
#define WATCH_STALL_NS (1 * DIS_MS_NS)

struct bench_watch;

/**
 * bench_watch_start - one thread for each of @cpus.
 * Return: 0, or -errno with @err: this host or user cannot.
 */
int bench_watch_start(const unsigned *cpus, unsigned n,
		      struct bench_watch **out, char *err, size_t err_size);
void bench_watch_stop(struct bench_watch *watch);

/** Stalls seen so far, and how long they took in sum; 0 for NULL. */
uint64_t bench_watch_stalls(const struct bench_watch *watch);
uint64_t bench_watch_stalled_ns(const struct bench_watch *watch);
/** CPU time of the watch itself; 0 for NULL. */
uint64_t bench_watch_cpu_ns(const struct bench_watch *watch);

/** The rule alone: a wake @late_ns after its time, of which @queued_ns were
 * spent ready to run. */
static inline bool bench_watch_is_stall(uint64_t late_ns, uint64_t queued_ns)
{
	return dis_ns_sub(late_ns, queued_ns) > WATCH_STALL_NS;
}

#endif
