/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The guests under DIS: a domain of one core with its executor, and the
 * run operations of the product around the clock reads of the bench.
 */
#ifndef DISVM_BENCH_DIS_H
#define DISVM_BENCH_DIS_H

#include "bench/switch_guest.h"

/**
 * @cpu:         the executor's.
 * @batch:       all guests declare it, and take the class's quantum.
 * @quantum_ns:  of those that do not.
 * @threads:     an executor per guest on that CPU, which the host schedules.
 * @window_ns:   how long they run, or 0: until all samples are taken.
 * @counters:    as in struct dis_domain_config.
 * @ring_events: as in struct dis_domain_config; nobody reads them meanwhile.
 */
struct bench_dis {
	unsigned cpu;
	bool batch;
	uint64_t quantum_ns;
	bool threads;
	uint64_t window_ns;
	unsigned ring_events;
	bool counters;
};

/**
 * bench_dis_run - run all guests, and count at the end of a window.
 * @all: loaded.
 * Return: 0 or -errno with @err.
 */
int bench_dis_run(struct bench_guests *all, const struct bench_dis *how,
		  char *err, size_t err_size);

#endif
