/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Statistics of benches: samples in, figures out.
 *
 * Stalls: where the host is a virtual machine itself, the machine below takes
 * its cores away now and then, for milliseconds. A sample that took more than
 * BENCH_STALL_NS longer than the median of its series is such a stall; it is
 * left out and counted. The same rule holds for every contender. Where samples are
 * as different by themselves, the watch (watch.h) says which a stall touched.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_STATS_H
#define DISVM_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/bench.h"

#define BENCH_STALL_NS UINT64_C(1000000)

/** @wall_ns: how long it took; @work: dispatches that it stands for. */
struct bench_sample {
	uint64_t wall_ns;
	uint64_t work;
};

/** A series of samples. Allocated before the measurement. */
struct bench_series {
	struct bench_sample *samples;
	size_t capacity;
	size_t count;
};

/** Return: 0 or -ENOMEM. */
int bench_series_init(struct bench_series *series, size_t capacity);
void bench_series_free(struct bench_series *series);

/** A full series takes no more. */
static inline void bench_series_add(struct bench_series *series,
				    uint64_t wall_ns, uint64_t work)
{
	if (series->count < series->capacity)
		series->samples[series->count++] =
			(struct bench_sample){.wall_ns = wall_ns, .work = work};
}

/** More of the last sample; nothing if there is none. */
static inline void bench_series_extend(struct bench_series *series,
				       uint64_t wall_ns)
{
	if (series->count)
		series->samples[series->count - 1].wall_ns += wall_ns;
}

/** Sums of the samples that are no stalls. */
struct bench_sum {
	uint64_t wall_ns;
	uint64_t work;
	size_t stalls;
};

/** Sorts @series. */
struct bench_sum bench_series_sum(struct bench_series *series);

/** Mean wall time per unit of work; 0 if there was none. */
double bench_sum_mean_ns(const struct bench_sum *sum);

/** Of @n >= 1 values: smallest, median (mean of the two middle ones), largest. */
struct bench_spread {
	double min;
	double median;
	double max;
};
struct bench_spread bench_spread(const double *values, size_t n);

/**
 * Values of which those are left out that a stall touched.
 * @n: kept; @stalls: left out.
 */
struct bench_kept {
	double value[BENCH_ROUNDS_MAX];
	unsigned n;
	unsigned stalls;
};
void bench_kept_add(struct bench_kept *kept, double value, bool stalled);

/** Are as many of @n left, a quarter, as can stand for all? */
static inline bool bench_is_enough(size_t left, size_t n)
{
	return n && left * 4 >= n;
}

/** Were stalls more than a hundredth of what took @took_ns, many things together, so
 * that none of them can be left out? */
static inline bool bench_is_stalled(uint64_t stalled_ns, uint64_t took_ns)
{
	return stalled_ns * 100 > took_ns;
}

static inline bool bench_kept_is_enough(const struct bench_kept *kept)
{
	return bench_is_enough(kept->n, kept->n + kept->stalls);
}

/**
 * bench_ratio_spread - spread of a[i] / b[i], none of them negative.
 *
 * Two zeros are equal: 1. Something to nothing is undefined; it counts as INFINITY,
 * so that it is more than any other round and no loss is left out. A figure
 * of the spread that is INFINITY is undefined.
 */
struct bench_spread bench_ratio_spread(const double *a, const double *b,
				       size_t n);

#endif
