/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bench that is a grid: scenes by case, each played by every contender, and
 * the same measures taken of each.
 *
 * Place in the flow: a bench names its struct grid, bench.c calls grid_run().
 * Within a case the contenders follow each other closely; who is first changes
 * from round to round.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_BENCH_GRID_H
#define DISVM_BENCH_GRID_H

#include "bench/bench.h"
#include "bench/scene.h"

/** Contenders, by bit. */
#define GRID_DIS (1u << 0)
#define GRID_THREADS (1u << 1)
#define GRID_NICE (1u << 2)
#define GRID_SLICE (1u << 3)
#define GRID_BATCH (1u << 4)
#define GRID_FIFO (1u << 5)
#define GRID_DEADLINE (1u << 6)
#define GRID_QEMU (1u << 7)
#define GRID_EARLY (1u << 8)
#define GRID_PEERS (GRID_DIS | GRID_THREADS | GRID_QEMU)
/** Those of scenes with guests that must not be late. */
#define GRID_PROMPT \
	(GRID_PEERS | GRID_NICE | GRID_SLICE | GRID_FIFO | GRID_DEADLINE | \
	 GRID_EARLY)

extern const struct scene_contender grid_contenders[];

/** Instead of a group: all that are critical, together. */
#define GRID_CRITICAL SCENE_GROUPS_MAX

/** What a measure is computed from. @before: the group in the first window. */
struct grid_view {
	const struct scene_window *window;
	const struct scene_figures *group;
	const struct scene_figures *before;
};

/**
 * @group, @window: of which group in which window; a scene that lacks one of
 *         them has no such figure.
 * @group: or GRID_CRITICAL.
 * @ratio: also as ratio, each of ours to each peer's.
 */
struct grid_measure {
	struct bench_label label;
	unsigned group;
	unsigned window;
	bool ratio;
	/** NAN where there is nothing to measure: not 0, which looks perfect. */
	double (*value)(const struct grid_view *view);
};

/**
 * The figure of @of to that of @to: the median is to be at most @limit, at least
 * for a measure of which more is better. There may be several for one pair, the
 * easiest first.
 *
 * @case_name: NULL: of all.
 * @of: a contender of ours: "dis" or "early".
 * @to: NULL: the figure of @of itself.
 */
struct grid_target {
	const char *case_name;
	const char *measure;
	const char *of;
	const char *to;
	double limit;
};

/** @quick: also part of --quick. @value: what scene() makes of it. */
struct grid_case {
	struct bench_label label;
	unsigned value;
	bool quick;
};

/**
 * @scene: fill in groups, windows and CPUs of a case; @scene comes with kernel
 *         and all CPUs, times as below. False: not possible here, with the
 *         scene's reason in @why.
 * @window_ns: of a window; --quick has shorter ones.
 * @starved: what a guest did not do where there is nothing to measure.
 * @plots: panels: distribution of the first group by case, strip.
 */
struct grid {
	const struct grid_case *cases;
	unsigned n_cases;
	const struct grid_measure *measures;
	unsigned n_measures;
	const struct grid_target *targets;
	unsigned n_targets;
	unsigned contenders;
	uint64_t window_ns;
	bool plots;
	const char *what;
	const char *starved;
	bool (*scene)(const struct grid_case *c, bool quick,
		      struct scene *scene, char *why, size_t why_size);
};

/** Who plays what, in the order of the result. */
struct grid_plan {
	const struct scene_contender *contender[BENCH_CONTENDERS_MAX];
	const struct grid_case *cases[BENCH_CASES_MAX];
};

/** The scene of case @c. Return: false with @why: not possible here. */
bool grid_prepare(const struct grid *grid, const struct grid_case *c,
		  const struct bench_options *options, struct scene *scene,
		  char *why, size_t why_size);

/** What will be measured: figures, ratios, targets of @result, and @plan. */
void grid_describe(const struct grid *grid, const struct bench_options *options,
		   struct grid_plan *plan, struct bench_result *result);

int grid_run(const struct grid *grid, const struct bench_options *options,
	     struct bench_progress *progress, struct bench_result *result,
	     char *err, size_t err_size);

/* Values that many measures are. */
double grid_growth_p99(const struct grid_view *view);
double grid_tardiness_mean(const struct grid_view *view);
double grid_tardiness_max(const struct grid_view *view);
double grid_p50(const struct grid_view *view);
double grid_p90(const struct grid_view *view);
double grid_p99(const struct grid_view *view);
double grid_p999(const struct grid_view *view);
double grid_max(const struct grid_view *view);
double grid_periods(const struct grid_view *view);
double grid_missed_permille(const struct grid_view *view);
double grid_stalled_misses(const struct grid_view *view);
double grid_work_per_s(const struct grid_view *view);
double grid_jain(const struct grid_view *view);
/* These two are known of guests in this program alone. */
double grid_exits_per_wake(const struct grid_view *view);
double grid_exits_per_work(const struct grid_view *view);

#endif
