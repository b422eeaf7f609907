/* SPDX-License-Identifier: Apache-2.0 */
/* Plots of grids; see grid_plot.h. */
#include "bench/grid_plot.h"

#include <stdio.h>
#include <stdlib.h>

/* As much of the end of the scene as is legible. */
#define STRIP_NS (40 * DIS_MS_NS)

static unsigned filled(const struct bench_hist *hist)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++)
		n += hist->count[i] != 0;
	return n;
}

void grid_plot_distribution(struct bench_result *result, unsigned case_index,
			    unsigned contender, const struct bench_hist *hist)
{
	uint64_t total = bench_hist_total(hist), seen = 0;
	struct bench_curve *curve;
	unsigned n = 0;

	if (!total)
		return;
	curve = bench_add_curve(result, result->cases[case_index].title,
				result->contenders[contender].title,
				filled(hist));
	if (!curve)
		return;
	curve->x_title = "us";
	curve->y_title = "share of wakes";
	curve->log_x = true;
	for (uint32_t i = 0; i < DISVM_HIST_BUCKETS; i++) {
		if (!hist->count[i])
			continue;
		seen += hist->count[i];
		curve->x[n] = (double)bench_hist_end(i) / 1e3;
		curve->y[n++] = (double)seen / (double)total;
	}
}

void grid_plot_strip(struct bench_result *result,
		     const struct scene_result *played)
{
	uint64_t end_ns = 0, from_ns;

	for (unsigned i = 0; i < played->n_strip; i++)
		end_ns = dis_ns_max(end_ns, played->strip[i].to_ns);
	from_ns = dis_ns_sub(end_ns, STRIP_NS);
	result->strip = calloc(played->n_strip + 1, sizeof(*result->strip));
	if (!result->strip)
		return;
	for (unsigned i = 0; i < played->n_strip; i++) {
		const struct scene_run_of *run = &played->strip[i];

		if (run->to_ns <= from_ns)
			continue;
		result->strip[result->n_strip++] = (struct bench_block){
			.lane = run->core,
			.kind = run->group != 0,
			.who = run->guest,
			.from_ns = dis_ns_sub(run->from_ns, from_ns),
			.to_ns = run->to_ns - from_ns,
		};
	}
	result->strip_title = result->cases[result->n_cases - 1].title;
	result->strip_kinds[0] = "the sleeper";
	result->strip_kinds[1] = "a busy guest";
}
