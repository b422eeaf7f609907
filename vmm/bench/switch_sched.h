/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The scheduler alone: one core stepped by hand, with the product's objects,
 * fake runs that take no time, and a clock that is moved on.
 */
#ifndef DISVM_BENCH_SCHED_H
#define DISVM_BENCH_SCHED_H

#include <stdbool.h>

#include "bench/stats.h"

/**
 * @vcpus:    runnable on the one core, each a guest of its own.
 * @policy:   of their class; NULL for its default.
 * @sleepers: each dispatch ends in a halt with a timer, half of the vCPUs sleep
 *            at any time; otherwise each ends with its slice.
 * @periods:  of random length, Realtime: each end of a slice moves the deadline
 *            on by a period, to anywhere among the others.
 * @mixed:    of random priority, weight and slice, Batch: under the policies that
 *            ask for these, each end of a slice does the same.
 * @counters: as in struct dis_domain_config.
 * @ring_events: as in struct dis_domain_config; read between the samples.
 */
struct bench_sched {
	unsigned vcpus;
	const char *policy;
	bool sleepers;
	bool periods;
	bool mixed;
	unsigned ring_events;
	bool counters;
};

/**
 * bench_sched_run - fill @series: wall time of BENCH_SCHED_STEPS scheduling
 * passes, and how many dispatches they made as work.
 *
 * A pass is dis_core_step(), dis_core_enter() and dis_core_leave(): all that
 * the executor calls for a dispatch.
 * Return: 0 or -errno with @err.
 */
#define BENCH_SCHED_STEPS 1000u
int bench_sched_run(const struct bench_sched *how, struct bench_series *series,
		    char *err, size_t err_size);

#endif
