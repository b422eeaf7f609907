/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What all benches of `disvm bench` share: options, result, progress.
 *
 * Place in the flow: cmd_bench() (bench.c) finds the bench in its table, parses
 * the options, measures, and writes the result (output.c). A new bench
 * is one file with one struct bench, and one row.
 *
 * Invariant: a result that is written has a value of every figure for every
 * round; all contenders of a round were measured in that round, close together.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_BENCH_H
#define DISVM_BENCH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <dis/types.h>

#include "bench/load.h"

#define BENCH_ROUNDS_MAX 100u
#define BENCH_FIGURES_MAX 512u
#define BENCH_RATIOS_MAX 512u
#define BENCH_CASES_MAX 8u
#define BENCH_CONTENDERS_MAX 9u
#define BENCH_MEASURES_MAX 10u
#define BENCH_NOTES_MAX 64u
#define BENCH_CURVES_MAX 96u
#define BENCH_NAME_BYTES 64u
#define BENCH_TITLE_BYTES 96u
#define BENCH_REASON_BYTES 256u

/** As target of a figure or ratio; 0 is a target. */
#define BENCH_NO_TARGET ((double)NAN)

/**
 * @cpu:    host CPU of a bench that uses one; the main thread is bound to it.
 * @cpus:   those of a bench that uses all: what this process may use.
 * @kernel: the guest image; "" for a bench without.
 * @quick:  counts so small that the figures mean nothing: for smoke tests.
 * @html:   page to write, or NULL.
 */
struct bench_options {
	unsigned rounds;
	unsigned cpu;
	unsigned n_cpus;
	unsigned cpus[DIS_CORES_MAX];
	char kernel[512];
	const char *html;
	bool quick;
	bool json;
};

/**
 * One thing that was measured, once per round.
 *
 * @name:   key in the JSON.
 * @title:  the same for people.
 * @unit:   of its values: "ns", "bytes", "per_s", "permille" and so on.
 * @more:   more is better; otherwise less is.
 * @target: the median should not exceed it, with @more not stay below; 0: no
 *          round should; BENCH_NO_TARGET: none.
 * @absent: could not be measured, in a round at least; a note says why.
 * @starved: absent because there was nothing to measure: it lost.
 * @stalls: samples left out because the machine stood still (stats.h, watch.h).
 */
struct bench_figure {
	char name[BENCH_NAME_BYTES];
	char title[BENCH_TITLE_BYTES];
	const char *unit;
	bool more;
	bool absent;
	bool starved;
	double target;
	double value[BENCH_ROUNDS_MAX];
	unsigned stalls;
};

/** Two figures of the same round, divided: @of / @to; indices. @target: of the
 * median, as above. */
struct bench_ratio {
	char name[BENCH_NAME_BYTES];
	char title[BENCH_TITLE_BYTES];
	unsigned of;
	unsigned to;
	bool more;
	double target;
};

/** A row or column of the grid; @unit and @more: columns only. */
struct bench_label {
	const char *name;
	const char *title;
	const char *unit;
	bool more;
};

/** About a contender in a case; @impossible: what it could not do here. */
struct bench_note {
	const char *case_title;
	const char *contender;
	bool impossible;
	char reason[BENCH_REASON_BYTES];
};

/** A line of a plot; those with the same @panel share it. Owns @x and @y. */
struct bench_curve {
	char panel[BENCH_NAME_BYTES];
	char name[BENCH_NAME_BYTES];
	const char *x_title;
	const char *y_title;
	bool log_x;
	unsigned n;
	double *x;
	double *y;
};

/** Lane @lane was used by @who from @from_ns to @to_ns. @kind: colour. */
struct bench_block {
	unsigned lane;
	unsigned kind;
	unsigned who;
	uint64_t from_ns;
	uint64_t to_ns;
};

/**
 * @unit: of figures that do not say it, e.g. "ns"; @what: e.g. "per dispatch".
 * @load: of the bench's CPUs meanwhile; filled in by cmd_bench().
 * @cases, @contenders, @measures: where figures form a grid; @cell is the
 *        figure's index + 1, 0 where there is none.
 * @unwatched: why stalls were not seen, or "".
 * @strip: who ran where, for a plot; owned. @strip_kinds: names of its colours.
 */
struct bench_result {
	const char *unit;
	const char *what;
	unsigned rounds;
	struct bench_load load;
	unsigned n_figures;
	unsigned n_ratios;
	struct bench_figure figure[BENCH_FIGURES_MAX];
	struct bench_ratio ratio[BENCH_RATIOS_MAX];
	unsigned n_cases;
	unsigned n_contenders;
	unsigned n_measures;
	struct bench_label cases[BENCH_CASES_MAX];
	struct bench_label contenders[BENCH_CONTENDERS_MAX];
	struct bench_label measures[BENCH_MEASURES_MAX];
	unsigned cell[BENCH_CASES_MAX][BENCH_CONTENDERS_MAX][BENCH_MEASURES_MAX];
	char unwatched[BENCH_REASON_BYTES];
	unsigned n_notes;
	struct bench_note note[BENCH_NOTES_MAX];
	unsigned n_curves;
	struct bench_curve curve[BENCH_CURVES_MAX];
	unsigned n_strip;
	struct bench_block *strip;
	const char *strip_title;
	const char *strip_kinds[2];
};

/**
 * Says how far the bench that runs is: on a terminal in one line that moves,
 * elsewhere in a line per round, and at least one each ten seconds.
 *
 * @now_ns:  the clock.
 * @guess_s: what this bench takes as a rule; @done_s, @later_s: those before and
 *       after it, if there are any.
 * @start_ns, @begin_ns: of the first bench and of this one; @end_ns: expected.
 * @said_ns: when the last line was written.
 * @steps:   of one round; @done: of all.
 */
struct bench_progress {
	FILE *to;
	bool tty;
	uint64_t (*now_ns)(void);
	double guess_s;
	double done_s;
	double later_s;
	uint64_t start_ns;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t said_ns;
	unsigned rounds;
	unsigned steps;
	unsigned done;
};

struct grid;

/**
 * @one_cpu: measures on options->cpu, where the main thread is bound, and needs
 *       no guest image; others use all CPUs.
 * @round_s: what a round takes as a rule; for the time left.
 * @grid: what to measure, if it is a grid (grid.h); then there is no @run.
 * @run: measure. @result comes with its rounds only.
 *       Context: main thread.
 *       Return: 0, or -errno with @err (this host cannot: exit 3).
 */
struct bench {
	const char *name;
	const char *summary;
	bool one_cpu;
	unsigned round_s;
	const struct grid *grid;
	int (*run)(const struct bench_options *options,
		   struct bench_progress *progress, struct bench_result *result,
		   char *err, size_t err_size);
};

extern const struct bench bench_switch;
extern const struct bench bench_latency;
extern const struct bench bench_neighbour;
extern const struct bench bench_deadline;
extern const struct bench bench_throughput;
extern const struct bench bench_lockholder;
extern const struct bench bench_pingpong;
extern const struct bench bench_spawn;
extern const struct bench bench_density;

/* @target: 0 for none. */
/** Adds a figure, to be filled in by round. Return: its index. */
unsigned bench_add_figure(struct bench_result *result, const char *name,
			  const char *title, double target);
void bench_add_ratio(struct bench_result *result, const char *name,
		     const char *title, unsigned of, unsigned to,
		     double target);

/**
 * bench_add_cell - the figure of a place in the grid; there is none yet. It has
 * no target.
 * Return: its index.
 */
unsigned bench_add_cell(struct bench_result *result, unsigned case_index,
			unsigned contender, unsigned measure);
/**
 * bench_set_cell - a round's value of a cell that there is.
 * @value: NAN: there was nothing to measure. Then the figure is absent, whatever
 *         other rounds have, and a note says @why, once for all measures of a round.
 */
void bench_set_cell(struct bench_result *result, unsigned round,
		    unsigned case_index, unsigned contender, unsigned measure,
		    double value, const char *why);
/** A round of which stalls left too little: the cell is absent and a note says @why, but
 * nobody lost. */
void bench_leave_out_cell(struct bench_result *result, unsigned round,
			  unsigned case_index, unsigned contender,
			  unsigned measure, const char *why);
/** Has @contender any figure in this case? */
bool bench_has_cells(const struct bench_result *result, unsigned case_index,
		     unsigned contender);
/** A remark on a contender in a case. */
void bench_note(struct bench_result *result, unsigned case_index,
		unsigned contender, const char *reason);
/** The same, that it could not be measured here; its figures become absent. */
void bench_note_impossible(struct bench_result *result, unsigned case_index,
			   unsigned contender, const char *reason);
/** Room for @n points, all 0. Return: NULL without memory. */
struct bench_curve *bench_add_curve(struct bench_result *result,
				    const char *panel, const char *name,
				    unsigned n);
void bench_result_free(struct bench_result *result);

/** Of benches that take @guess_s altogether as a rule; none runs yet. */
void bench_progress_open(struct bench_progress *progress, FILE *to,
			 double guess_s);
/** The next bench takes @guess_s of that. */
void bench_progress_next(struct bench_progress *progress, double guess_s);
/** A round consists of @steps steps; the time left is told as if all took the
 * same time. */
void bench_progress_begin(struct bench_progress *progress, unsigned rounds,
			  unsigned steps);
/** One step is done; shows what is left when there is news. */
void bench_progress_step(struct bench_progress *progress);
/** A step lasts: shows the bench that runs, if nothing was shown for long. */
void bench_progress_tick(void);
/** Clears the line. */
void bench_progress_end(struct bench_progress *progress);

#endif
