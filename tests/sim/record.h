/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When something ran, and how much of any window of 100 ms that was.
 *
 * Place in the flow: tests note each dispatch and each end of one, by time, and
 * ask at the end.
 * Locking: none, one thread.
 */
#ifndef TESTS_RECORD_H
#define TESTS_RECORD_H

#include <stddef.h>
#include <stdint.h>

/** Of a vCPU, or of a VM: cumulated, a point at each change. */
struct record {
	uint64_t *time_ns, *ran_ns;
	unsigned *rate; /* cores it has from then on */
	size_t n, max;
};

/** From @time_ns on it has @change cores more. */
void record_change(struct record *r, uint64_t time_ns, int change);
void record_free(struct record *r);

/** Least and most that was run in any window within [start, end]. */
void record_extremes(const struct record *r, uint64_t start_ns, uint64_t end_ns,
		     uint64_t *least_ns, uint64_t *most_ns);

#endif
