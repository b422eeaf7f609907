/* SPDX-License-Identifier: Apache-2.0 */
/* Benches that are grids; see grid.h. */
#include "bench/grid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/grid_plot.h"

#define STRIP_NS (100 * DIS_MS_NS)

/** The bench while it runs. @merged: by case and contender, for plots. */
struct run {
	const struct grid *grid;
	const struct bench_options *options;
	struct bench_result *result;
	struct grid_plan plan;
	struct scene scene;
	struct scene_result *played;
	struct bench_hist (*merged)[BENCH_CONTENDERS_MAX];
	struct scene_figures critical[SCENE_WINDOWS_MAX];
};

/* Where it is not possible, nothing is played: see grid_describe(). */
static void prepare(struct run *r, unsigned ci)
{
	char why[BENCH_REASON_BYTES];

	grid_prepare(r->grid, r->plan.cases[ci], r->options, &r->scene, why,
		     sizeof(why));
}

/* Of what was not to be measured in one round, others tell nothing. */
static bool is_absent(const struct bench_result *result, unsigned ci, unsigned k)
{
	for (unsigned mi = 0; mi < result->n_measures; mi++) {
		unsigned cell = result->cell[ci][k][mi];

		if (cell && !result->figure[cell - 1].absent)
			return false;
	}
	return true;
}

/* All critical groups as if they were one; fairness among them has no meaning. */
static void add_critical(struct run *r)
{
	for (unsigned w = 0; w < SCENE_WINDOWS_MAX; w++) {
		struct scene_figures *sum = &r->critical[w];

		*sum = (struct scene_figures){0};
		for (unsigned g = 0; g < r->scene.n_groups; g++) {
			const struct scene_figures *f =
				&r->played->window[w].group[g];

			if (!r->scene.group[g].critical)
				continue;
			sum->work += f->work;
			sum->wakes += f->wakes;
			sum->misses += f->misses;
			sum->skipped += f->skipped;
			sum->tardiness_sum_ns += f->tardiness_sum_ns;
			sum->tardiness_max_ns = dis_ns_max(
				sum->tardiness_max_ns, f->tardiness_max_ns);
			sum->stalled_misses += f->stalled_misses;
			sum->exits += f->exits;
			bench_hist_merge(&sum->hist, &f->hist);
		}
	}
}

static const struct scene_figures *figures_of(const struct run *r, unsigned w,
					      unsigned group)
{
	return group == GRID_CRITICAL ? &r->critical[w]
				      : &r->played->window[w].group[group];
}

static void take(struct run *r, unsigned round, unsigned ci, unsigned k)
{
	struct bench_result *result = r->result;

	add_critical(r);
	for (unsigned mi = 0; mi < result->n_measures; mi++) {
		const struct grid_measure *m = &r->grid->measures[mi];
		const struct scene_window *w = &r->played->window[m->window];
		const struct grid_view view = {
			w, figures_of(r, m->window, m->group),
			figures_of(r, 0, m->group)};

		if (!result->cell[ci][k][mi])
			continue;
		bench_set_cell(result, round, ci, k, mi, m->value(&view),
			       r->grid->starved);
		result->figure[result->cell[ci][k][mi] - 1].stalls +=
			w->stalled;
	}
	bench_hist_merge(&r->merged[ci][k], &r->played->window[0].group[0].hist);
	if (*r->played->unwatched)
		snprintf(result->unwatched, sizeof(result->unwatched), "%s",
			 r->played->unwatched);
}

/* Stalls left too little: there is nothing to take. */
static bool nothing_clean(const struct run *r)
{
	for (unsigned i = 0; i < scene_windows(&r->scene); i++)
		if (!scene_window_counts(&r->played->window[i]))
			return true;
	return false;
}

static int play(struct run *r, unsigned round, unsigned ci, unsigned k,
		char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned try = 0; try < SCENE_TRIES; try++) {
		ret = scene_run(&r->scene, r->plan.contender[k], r->played, err,
				err_size);
		if (ret || r->played->outcome != SCENE_DONE || !nothing_clean(r))
			break;
	}
	if (ret)
		return ret;
	if (r->played->outcome == SCENE_DONE && nothing_clean(r))
		scene_fail(r->played, SCENE_IMPOSSIBLE,
			   "the machine stood still so often that less than a "
			   "quarter of the time is left");
	switch (r->played->outcome) {
	case SCENE_DONE:
		take(r, round, ci, k);
		break;
	case SCENE_IMPOSSIBLE:
		bench_note_impossible(r->result, ci, k, r->played->reason);
		break;
	case SCENE_BROKEN:
		snprintf(err, err_size, "%s, %s: %s",
			 r->result->cases[ci].title,
			 r->plan.contender[k]->title, r->played->reason);
		ret = -EIO;
		break;
	}
	return ret;
}

static int play_round(struct run *r, unsigned round,
		      struct bench_progress *progress, char *err,
		      size_t err_size)
{
	struct bench_result *result = r->result;
	int ret = 0;

	for (unsigned ci = 0; ci < result->n_cases && !ret; ci++) {
		prepare(r, ci);
		for (unsigned i = 0; i < result->n_contenders && !ret; i++) {
			unsigned k = (i + round + ci) % result->n_contenders;

			if (!is_absent(result, ci, k))
				ret = play(r, round, ci, k, err, err_size);
			bench_progress_step(progress);
		}
	}
	return ret;
}

/* A short scene more of the last case, with events on. */
static int play_strip(struct run *r, char *err, size_t err_size)
{
	int ret;

	prepare(r, r->result->n_cases - 1);
	r->scene.strip = true;
	r->scene.warm_ns = 0;
	r->scene.window_ns = STRIP_NS;
	ret = scene_run(&r->scene, &grid_contenders[0], r->played, err,
			err_size);
	if (!ret && r->played->outcome == SCENE_DONE)
		grid_plot_strip(r->result, r->played);
	return ret;
}

static int play_all(struct run *r, struct bench_progress *progress, char *err,
		    size_t err_size)
{
	struct bench_result *result = r->result;
	int ret = 0;

	bench_progress_begin(progress, result->rounds,
			     result->n_cases * result->n_contenders);
	for (unsigned round = 0; round < result->rounds && !ret; round++)
		ret = play_round(r, round, progress, err, err_size);
	if (!ret && r->grid->plots) {
		for (unsigned ci = 0; ci < result->n_cases; ci++)
			for (unsigned k = 0; k < result->n_contenders; k++)
				grid_plot_distribution(result, ci, k,
						       &r->merged[ci][k]);
		ret = play_strip(r, err, err_size);
	}
	bench_progress_end(progress);
	return ret;
}

int grid_run(const struct grid *grid, const struct bench_options *options,
	     struct bench_progress *progress, struct bench_result *result,
	     char *err, size_t err_size)
{
	struct run r = {.grid = grid, .options = options, .result = result};
	int ret = -ENOMEM;

	r.played = malloc(sizeof(*r.played));
	r.merged = calloc(BENCH_CASES_MAX, sizeof(*r.merged));
	if (r.played && r.merged) {
		grid_describe(grid, options, &r.plan, result);
		ret = play_all(&r, progress, err, err_size);
	} else {
		snprintf(err, err_size, "out of memory");
	}
	free(r.merged);
	free(r.played);
	return ret;
}
