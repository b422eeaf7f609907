/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Histograms of guests, added up, and shares among many.
 *
 * Place in the flow: guests fill histograms (disvm/guest_abi.h), window.c adds
 * up what two looks at them differ in, benches ask for percentiles.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_HIST_H
#define DISVM_BENCH_HIST_H

#include <stddef.h>
#include <stdint.h>

#include <disvm/guest_abi.h>

struct bench_hist {
	uint64_t count[DISVM_HIST_BUCKETS];
};

/** Add what @now has more than @before; a guest's counters wrap at 2^32. */
void bench_hist_add(struct bench_hist *hist, const uint32_t *before,
		    const uint32_t *now);
void bench_hist_merge(struct bench_hist *hist, const struct bench_hist *more);
uint64_t bench_hist_total(const struct bench_hist *hist);

/** Upper end of @bucket, so that no figure flatters, in ns. */
uint64_t bench_hist_end(uint32_t bucket);

/**
 * bench_hist_percentile - nearest rank: the bucket's upper end that at least
 * @permille of 1000 values do not exceed. 0 without values. 1000 is the largest.
 */
uint64_t bench_hist_percentile(const struct bench_hist *hist, unsigned permille);

/** The same as a figure: NAN without values, of which there is no percentile. */
double bench_hist_figure(const struct bench_hist *hist, unsigned permille);

/**
 * bench_jain - Jain's fairness index of @n >= 1 shares: 1 all equal, 1/n one has
 * it all. (Jain, Chiu, Hawe 1984.) NAN if all are 0: that nobody got anything is
 * not fair.
 */
double bench_jain(const uint64_t *shares, size_t n);

#endif
