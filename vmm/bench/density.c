/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench density: guests that idle are added until a limit; on the way, what
 * one of them costs in memory (ours, the kernel's, the guest's), how long the last
 * ones took to their first instruction and until they were ready, what all of them
 * use of a core, and how late a guest that sleeps 1 ms at a time wakes among them.
 * Our own ones have their VMs made ahead, as disvm run does it.
 *
 * The limit is that of open files, two for a guest; threads and QEMU, with whom
 * each guest is a thread or a process, are taken as far as their curves tell.
 * The kernel's memory is what the host lacks beside that which is accounted for:
 * whoever else uses memory meanwhile is in it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/density_grow.h"

enum {
	AT_END,
	AT_EARLY,
	AT_LATE,
	CASES
};

static const struct bench_label measures[DENSITY_MEASURES] = {
	[DENSITY_GUESTS] = {"guests", "guests", "count", true},
	[DENSITY_OWN] = {"own", "monitor/guest", "bytes", false},
	[DENSITY_KERNEL] = {"kernel", "kernel/guest", "bytes", false},
	[DENSITY_GUEST] = {"guest", "guest's own", "bytes", false},
	[DENSITY_FIRST] = {"first", "first instr., last", "ns", false},
	[DENSITY_SPAWN] = {"spawn", "ready, last ones", "ns", false},
	[DENSITY_IDLE_CPU] = {"idle", "idle CPU of all", "permille", false},
	[DENSITY_PROBE_P50] = {"probe_p50", "probe p50", "ns", false},
	[DENSITY_PROBE_P99] = {"probe_p99", "probe p99", "ns", false},
};

static const struct bench_label contenders[] = {
	[SCENE_DIS] = {.name = "dis", .title = "DIS"},
	[SCENE_THREADS] = {.name = "threads", .title = "threads"},
	[SCENE_QEMU] = {.name = "qemu", .title = "QEMU"},
};
#define N_CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

/* Where the cost of a start is compared. */
static unsigned early_at(bool quick)
{
	return quick ? 1 : 100;
}

static unsigned late_at(bool quick)
{
	return quick ? DENSITY_QUICK_GUESTS : 8000;
}

static bool has_case(enum scene_by by, unsigned ci)
{
	return ci != AT_LATE || by == SCENE_DIS;
}

static void describe(struct bench_result *result, bool quick)
{
	const struct bench_label cases[CASES] = {
		[AT_END] = {.name = "most", .title = "at the end"},
		[AT_EARLY] = {.name = "early",
			      .title = quick ? "at 1 guest" : "at 100 guests"},
		[AT_LATE] = {.name = "late",
			     .title = quick ? "at 10 guests"
					    : "at 8,000 guests"}};

	result->unit = "ns";
	result->what = "guests that idle, with the most there were; curves "
		       "are those of the last round";
	result->n_cases = CASES;
	memcpy(result->cases, cases, sizeof(cases));
	result->n_contenders = N_CONTENDERS;
	memcpy(result->contenders, contenders, sizeof(contenders));
	result->n_measures = DENSITY_MEASURES;
	memcpy(result->measures, measures, sizeof(measures));
	for (unsigned ci = 0; ci < CASES; ci++)
		for (unsigned k = 0; k < N_CONTENDERS; k++)
			for (unsigned m = 0;
			     has_case(k, ci) && m < DENSITY_MEASURES; m++)
				bench_add_cell(result, ci, k, m);
	result->figure[result->cell[AT_END][SCENE_DIS][DENSITY_GUESTS] - 1]
		.target = 8000;
	result->figure[result->cell[AT_END][SCENE_DIS][DENSITY_OWN] - 1].target =
		8192;
	result->figure[result->cell[AT_END][SCENE_DIS][DENSITY_IDLE_CPU] - 1]
		.target = 20;
	bench_add_ratio(result, "first_late_to_early",
			quick ? "first instruction: at 10 guests, to at 1"
			      : "first instruction: at 8,000 guests, to at 100",
			result->cell[AT_LATE][SCENE_DIS][DENSITY_FIRST] - 1,
			result->cell[AT_EARLY][SCENE_DIS][DENSITY_FIRST] - 1,
			2);
}

/* Of the last round, by number of guests. */
static void plot(struct bench_result *result, enum scene_by by,
		 const struct density_grown *grown)
{
	for (unsigned m = DENSITY_OWN; m < DENSITY_MEASURES; m++) {
		struct bench_curve *curve =
			bench_add_curve(result, measures[m].title,
					contenders[by].title, grown->n);
		unsigned n = 0;

		if (!curve)
			return;
		curve->x_title = "guests";
		curve->y_title = measures[m].unit;
		curve->log_x = true;
		for (unsigned i = 0; i < grown->n; i++) {
			if (isnan(grown->point[i].value[m]))
				continue;
			curve->x[n] = grown->point[i].value[DENSITY_GUESTS];
			curve->y[n++] = grown->point[i].value[m];
		}
		curve->n = n;
	}
}

static void take_point(struct bench_result *result, unsigned round, unsigned ci,
		       enum scene_by by, const struct density_point *point)
{
	for (unsigned m = 0; m < DENSITY_MEASURES; m++) {
		if (point->still[m])
			bench_leave_out_cell(
				result, round, ci, by, m,
				"the machine stood still too often");
		else
			bench_set_cell(result, round, ci, by, m,
				       point->value[m],
				       "the probe did not wake");
		result->figure[result->cell[ci][by][m] - 1].stalls +=
			point->stalls[m];
	}
}

/* The look at @guests, which there may not have been. */
static void take_at(struct bench_result *result, unsigned round, unsigned ci,
		    enum scene_by by, const struct density_grown *grown,
		    unsigned guests)
{
	for (unsigned i = 0; i < grown->n; i++)
		if (grown->point[i].value[DENSITY_GUESTS] == guests) {
			take_point(result, round, ci, by, &grown->point[i]);
			return;
		}
	if (!result->figure[result->cell[ci][by][DENSITY_GUESTS] - 1].absent)
		bench_note_impossible(result, ci, by,
				      "there were not so many guests");
}

static void take(struct bench_result *result, unsigned round, enum scene_by by,
		 const struct density_grown *grown, bool quick)
{
	take_point(result, round, AT_END, by, &grown->point[grown->n - 1]);
	take_at(result, round, AT_EARLY, by, grown, early_at(quick));
	if (has_case(by, AT_LATE))
		take_at(result, round, AT_LATE, by, grown, late_at(quick));
	if (round == result->rounds - 1)
		plot(result, by, grown);
	if (*grown->scene.unwatched)
		snprintf(result->unwatched, sizeof(result->unwatched), "%s",
			 grown->scene.unwatched);
	if (*grown->ended)
		bench_note(result, AT_END, by, grown->ended);
	else if (by != SCENE_DIS && round == 0)
		bench_note(result, AT_END, by,
			   "no more were tried: this is not its limit");
}

static int run_job(const struct bench_options *options,
		   struct bench_result *result, unsigned round,
		   enum scene_by by, char *err, size_t err_size)
{
	static struct density_grown grown;
	const struct density_job job = {.by = by, .options = options};
	int ret;

	if (result->figure[result->cell[AT_END][by][DENSITY_GUESTS] - 1].absent)
		return 0;
	ret = scene_child(density_grow, &job, &grown, sizeof(grown), err,
			  err_size);
	if (ret)
		return ret;
	if (grown.scene.outcome == SCENE_DONE) {
		take(result, round, by, &grown, options->quick);
	} else if (grown.scene.outcome == SCENE_IMPOSSIBLE) {
		for (unsigned ci = 0; ci < CASES; ci++)
			if (has_case(by, ci))
				bench_note_impossible(result, ci, by,
						      grown.scene.reason);
	} else {
		snprintf(err, err_size, "%s: %s", contenders[by].title,
			 grown.scene.reason);
		ret = -EIO;
	}
	return ret;
}

static int run_density(const struct bench_options *options,
		       struct bench_progress *progress,
		       struct bench_result *result, char *err, size_t err_size)
{
	int ret = 0;

	describe(result, options->quick);
	bench_progress_begin(progress, result->rounds, N_CONTENDERS);
	for (unsigned i = 0; i < result->rounds * N_CONTENDERS && !ret; i++) {
		unsigned round = i / N_CONTENDERS;

		ret = run_job(options, result, round,
			      (enum scene_by)((i + round) % N_CONTENDERS), err,
			      err_size);
		bench_progress_step(progress);
	}
	bench_progress_end(progress);
	return ret;
}

const struct bench bench_density = {
	.name = "density",
	.summary = "how many guests there can be, and what each costs",
	.round_s = 90,
	.run = run_density,
};
