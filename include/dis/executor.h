/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Executors: one host thread per core of a domain, each doing step and run for
 * ever (R: DIS-13, CARD-4).
 *
 * Place in the flow: the VMM creates them before the domain (they are its
 * host operations), starts them once the domain exists, stops them when all VMs
 * have ended. Tests and the simulator have their own loop instead.
 */
#ifndef DIS_EXECUTOR_H
#define DIS_EXECUTOR_H

#include <sched.h>

#include <dis/domain.h>

struct dis_executors;

/** Host operations to put into the domain's configuration, with the executors
 * as `host`. */
extern const struct dis_host_ops dis_executor_host_ops;

/**
 * dis_executors_create - prepare @cores executors.
 * @host_cpus: host CPU of each core: the thread is pinned to it; or NULL.
 * @allowed:   with @host_cpus NULL: all threads may run on these host CPUs and
 *             vCPUs are charged by thread CPU time instead of wall time.
 *
 * Return: 0, -ENOMEM.
 */
int dis_executors_create(unsigned cores, const unsigned *host_cpus,
			 const cpu_set_t *allowed, struct dis_executors **out);

/**
 * dis_executors_set_tick - every run comes back within @tick_ns of its core's last
 * tick, whoever runs: for whoever samples guests. 0, as at first: there is no tick.
 * A core that idles has none.
 *
 * Context: before dis_executors_start().
 */
void dis_executors_set_tick(struct dis_executors *execs, uint64_t tick_ns);

/**
 * dis_executors_start - start the threads; returns when all are in their loops.
 * Return: 0 or the -errno of the thread, timer or affinity that failed (nothing
 * runs then).
 */
int dis_executors_start(struct dis_executors *execs, struct dis_domain *dom);

/**
 * dis_executors_watch - kick each core whose timer should have ended its run
 * long ago (100 ms) and did not, though its thread had the host core meanwhile: a
 * lost timer must not lose a core.
 *
 * Context: the control thread, now and then, between start and stop. What it
 * finds is counted by the core, in timer_lost.
 */
void dis_executors_watch(struct dis_executors *execs);

/** Time when the executors' clocks started, CLOCK_MONOTONIC ns. */
uint64_t dis_executors_started_ns(const struct dis_executors *execs);

/**
 * CPU time that core @core's thread has used, ns; 0 if it does not run.
 * Context: any thread that may call dis_executors_stop().
 */
uint64_t dis_executors_cpu_ns(const struct dis_executors *execs, unsigned core);

/** Ends the threads. No vCPU may be live. A no-op if not started. */
void dis_executors_stop(struct dis_executors *execs);

void dis_executors_destroy(struct dis_executors *execs);

/** CLOCK_MONOTONIC in ns. */
uint64_t dis_clock_ns(void);

#endif
