/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The collector: what a domain did in each of the last 60 seconds (R: DIS-15).
 *
 * Place in the flow: whoever waits for guests calls dis_collect_tick() now and
 * then, by its own clock; a report or a display reads.
 * Invariant: the samples kept are consecutive; together they span the time from
 * the first of them to the last tick that took one.
 * Locking: none, the caller's thread.
 */
#ifndef DIS_COLLECT_H
#define DIS_COLLECT_H

#include <dis/domain.h>

#define DIS_COLLECT_NS DIS_S_NS
#define DIS_COLLECT_SAMPLES 60u

/**
 * One interval: @during is what happened in it (its `queued` is how many waited
 * at its end).
 */
struct dis_sample {
	uint64_t end_ns;
	uint64_t span_ns; /**< DIS_COLLECT_NS, unless ticks were late */
	struct dis_totals during;
};

struct dis_collector {
	struct dis_sample samples[DIS_COLLECT_SAMPLES]; /* a ring */
	unsigned taken;                                 /* so far, all */
	uint64_t due_ns;
	uint64_t last_ns;
	struct dis_totals last;
};

/** Begins the first interval. */
void dis_collect_begin(struct dis_collector *c, struct dis_domain *dom,
		       uint64_t now_ns);

/**
 * dis_collect_tick - ends an interval if a second is over.
 *
 * Seconds without a tick are one long interval; the next one ends on the beat of
 * the first (R: PRE-3). Return: whether a sample was taken.
 */
bool dis_collect_tick(struct dis_collector *c, struct dis_domain *dom,
		      uint64_t now_ns);

/** Samples that are kept. */
unsigned dis_collect_count(const struct dis_collector *c);

/** Sample @index of those kept, 0 the oldest; or NULL. */
const struct dis_sample *dis_collect_get(const struct dis_collector *c,
					 unsigned index);

/**
 * Mean of every field over the samples kept, rounded down; `end_ns` is that of
 * the last one. All 0 without samples.
 */
struct dis_sample dis_collect_average(const struct dis_collector *c);

#endif
