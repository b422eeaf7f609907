/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of benches; see stats.h. */
#include "bench/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>
#include <dis/types.h>

int bench_series_init(struct bench_series *series, size_t capacity)
{
	*series = (struct bench_series){.capacity = capacity};
	series->samples = calloc(capacity, sizeof(*series->samples));
	if (!series->samples)
		return -ENOMEM;
	/* Page faults now, not between two samples. */
	memset(series->samples, 1, capacity * sizeof(*series->samples));
	return 0;
}

void bench_series_free(struct bench_series *series)
{
	free(series->samples);
	*series = (struct bench_series){0};
}

static int by_wall(const void *a, const void *b)
{
	const struct bench_sample *x = a, *y = b;

	return (x->wall_ns > y->wall_ns) - (x->wall_ns < y->wall_ns);
}

struct bench_sum bench_series_sum(struct bench_series *series)
{
	struct bench_sum sum = {0};
	uint64_t limit_ns;

	if (!series->count)
		return sum;
	qsort(series->samples, series->count, sizeof(*series->samples), by_wall);
	limit_ns = dis_ns_add(series->samples[(series->count - 1) / 2].wall_ns,
			      BENCH_STALL_NS);
	for (size_t i = 0; i < series->count; i++) {
		const struct bench_sample *sample = &series->samples[i];

		if (sample->wall_ns > limit_ns) {
			sum.stalls++;
			continue;
		}
		sum.wall_ns += sample->wall_ns;
		sum.work += sample->work;
	}
	return sum;
}

double bench_sum_mean_ns(const struct bench_sum *sum)
{
	return sum->work ? (double)sum->wall_ns / (double)sum->work : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_spread bench_spread(const double *values, size_t n)
{
	double sorted[BENCH_ROUNDS_MAX];

	DIS_ASSERT(n >= 1 && n <= BENCH_ROUNDS_MAX);
	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), by_value);
	return (struct bench_spread){
		.min = sorted[0],
		.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2,
		.max = sorted[n - 1],
	};
}

void bench_kept_add(struct bench_kept *kept, double value, bool stalled)
{
	if (stalled) {
		kept->stalls++;
		return;
	}
	DIS_ASSERT(kept->n < BENCH_ROUNDS_MAX);
	kept->value[kept->n++] = value;
}

static double ratio_of(double a, double b)
{
	if (b != 0)
		return a / b;
	return a != 0 ? INFINITY : 1;
}

struct bench_spread bench_ratio_spread(const double *a, const double *b,
				       size_t n)
{
	double ratios[BENCH_ROUNDS_MAX];

	DIS_ASSERT(n <= BENCH_ROUNDS_MAX);
	for (size_t i = 0; i < n; i++)
		ratios[i] = ratio_of(a[i], b[i]);
	return bench_spread(ratios, n);
}
