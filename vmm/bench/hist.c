/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms added up; see hist.h. */
#include "bench/hist.h"

#include <math.h>

void bench_hist_add(struct bench_hist *hist, const uint32_t *before,
		    const uint32_t *now)
{
	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++)
		hist->count[i] += (uint32_t)(now[i] - before[i]);
}

void bench_hist_merge(struct bench_hist *hist, const struct bench_hist *more)
{
	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++)
		hist->count[i] += more->count[i];
}

uint64_t bench_hist_total(const struct bench_hist *hist)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++)
		total += hist->count[i];
	return total;
}

uint64_t bench_hist_end(uint32_t bucket)
{
	return bucket + 1 < DISVM_HIST_BUCKETS ? disvm_hist_value(bucket + 1)
					       : disvm_hist_value(bucket);
}

uint64_t bench_hist_percentile(const struct bench_hist *hist, unsigned permille)
{
	uint64_t total = bench_hist_total(hist);
	uint64_t rank = (total * permille + 999) / 1000, seen = 0;

	for (uint32_t i = 0; rank && i < DISVM_HIST_BUCKETS; i++) {
		seen += hist->count[i];
		if (seen >= rank)
			return bench_hist_end(i);
	}
	return 0;
}

double bench_hist_figure(const struct bench_hist *hist, unsigned permille)
{
	return bench_hist_total(hist)
		       ? (double)bench_hist_percentile(hist, permille)
		       : (double)NAN;
}

double bench_jain(const uint64_t *shares, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++) {
		sum += (double)shares[i];
		squares += (double)shares[i] * (double)shares[i];
	}
	return squares > 0 ? sum * sum / ((double)n * squares) : (double)NAN;
}
