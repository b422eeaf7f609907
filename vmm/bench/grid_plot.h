/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From histograms and dispatches to plots.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_GRID_PLOT_H
#define DISVM_BENCH_GRID_PLOT_H

#include "bench/bench.h"
#include "bench/scene.h"

/** One line of the panel of a case: share of the values (y) up to x us. */
void grid_plot_distribution(struct bench_result *result, unsigned case_index,
			    unsigned contender, const struct bench_hist *hist);

/** Who ran where, the last of it. */
void grid_plot_strip(struct bench_result *result,
		     const struct scene_result *played);

#endif
