/* SPDX-License-Identifier: Apache-2.0 */
/* Benches that are grids; see grid.h. */
#include "bench/grid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/grid_plot.h"

#define WARM_NS (300 * DIS_MS_NS)
#define STRIP_NS (100 * DIS_MS_NS)
#define QUICK_WINDOW_NS (200 * DIS_MS_NS)
#define QUICK_WARM_NS (20 * DIS_MS_NS)

const struct scene_contender grid_contenders[] = {
	{"dis", "DIS", SCENE_DIS, TUNE_NONE, false},
	{"threads", "threads", SCENE_THREADS, TUNE_NONE, false},
	{"nice", "threads, nice -20", SCENE_THREADS, TUNE_NICE, false},
	{"slice", "threads, 100 us slice", SCENE_THREADS, TUNE_SLICE, false},
	{"fifo", "threads, SCHED_FIFO", SCENE_THREADS, TUNE_FIFO, false},
	{"deadline", "threads, SCHED_DEADLINE", SCENE_THREADS, TUNE_DEADLINE,
	 false},
	{"qemu", "QEMU", SCENE_QEMU, TUNE_NONE, false},
	{"early", "DIS, early entry", SCENE_DIS, TUNE_NONE, true},
};
#define N_CONTENDERS (sizeof(grid_contenders) / sizeof(grid_contenders[0]))
_Static_assert(N_CONTENDERS <= BENCH_CONTENDERS_MAX, "contenders");

/** The bench while it runs. @merged: by case and contender, for plots. */
struct run {
	const struct grid *grid;
	const struct bench_options *options;
	struct bench_result *result;
	const struct scene_contender *contender[N_CONTENDERS];
	const struct grid_case *cases[BENCH_CASES_MAX];
	struct scene scene;
	struct scene_result *played;
	struct bench_hist (*merged)[N_CONTENDERS];
	struct scene_figures critical[SCENE_WINDOWS_MAX];
};

static bool prepare(struct run *r, const struct grid_case *c, char *why,
		    size_t why_size)
{
	const struct bench_options *o = r->options;

	r->scene = (struct scene){
		.kernel = o->kernel,
		.cpus = o->cpus,
		.n_cpus = o->n_cpus,
		.warm_ns = o->quick ? QUICK_WARM_NS : WARM_NS,
		.window_ns = o->quick ? QUICK_WINDOW_NS : r->grid->window_ns,
	};
	return r->grid->scene(c, o->quick, &r->scene, why, why_size);
}

static bool has_measure(const struct scene *scene, const struct grid_measure *m)
{
	return (m->group == GRID_CRITICAL || m->group < scene->n_groups) &&
	       m->window < scene_windows(scene);
}

static bool counts_exits(const struct grid_measure *m)
{
	return m->value == grid_exits_per_wake ||
	       m->value == grid_exits_per_work;
}

static double target_of(const struct grid *grid, const struct grid_case *c,
			const struct grid_measure *m, const char *contender)
{
	for (unsigned i = 0; i < grid->n_targets; i++) {
		const struct grid_target *t = &grid->targets[i];

		if ((!t->case_name || !strcmp(t->case_name, c->label.name)) &&
		    !strcmp(t->measure, m->label.name) &&
		    !strcmp(t->contender, contender))
			return t->limit;
	}
	return BENCH_NO_TARGET;
}

/* Ours, which is contender 0, to that of another. */
static void add_ratio(struct run *r, unsigned ci, unsigned k, unsigned mi)
{
	struct bench_result *result = r->result;
	const struct grid_measure *m = &r->grid->measures[mi];
	const struct grid_case *c = r->cases[ci];
	const char *other = result->contenders[k].name;
	char name[BENCH_NAME_BYTES], title[BENCH_TITLE_BYTES];

	snprintf(name, sizeof(name), "%s_%s_to_%s", c->label.name,
		 m->label.name, other);
	snprintf(title, sizeof(title), "%s: %s, to %s", c->label.title,
		 m->label.title, result->contenders[k].title);
	bench_add_ratio(result, name, title, result->cell[ci][0][mi] - 1,
			result->cell[ci][k][mi] - 1,
			target_of(r->grid, c, m, other));
	result->ratio[result->n_ratios - 1].more = m->label.more;
}

static void add_cell(struct run *r, unsigned ci, unsigned k, unsigned mi)
{
	unsigned i = bench_add_cell(r->result, ci, k, mi);

	if (r->contender[k]->by == SCENE_DIS)
		r->result->figure[i].target = target_of(r->grid, r->cases[ci],
							&r->grid->measures[mi],
							r->contender[k]->name);
}

static void describe_case(struct run *r, unsigned ci)
{
	struct bench_result *result = r->result;

	for (unsigned k = 0; k < result->n_contenders; k++)
		for (unsigned mi = 0; mi < r->grid->n_measures; mi++)
			if (has_measure(&r->scene, &r->grid->measures[mi]) &&
			    (!counts_exits(&r->grid->measures[mi]) ||
			     r->contender[k]->by != SCENE_QEMU))
				add_cell(r, ci, k, mi);
	for (unsigned mi = 0; mi < r->grid->n_measures; mi++)
		for (unsigned k = 1; k < result->n_contenders; k++)
			if (result->cell[ci][k][mi] &&
			    r->contender[k]->by != SCENE_DIS &&
			    r->grid->measures[mi].ratio)
				add_ratio(r, ci, k, mi);
}

static void describe(struct run *r)
{
	const struct grid *grid = r->grid;
	struct bench_result *result = r->result;

	result->unit = "ns";
	result->what = grid->what;
	for (unsigned i = 0; i < N_CONTENDERS; i++) {
		if (!(grid->contenders & (1u << i)))
			continue;
		r->contender[result->n_contenders] = &grid_contenders[i];
		result->contenders[result->n_contenders++] =
			(struct bench_label){.name = grid_contenders[i].name,
					     .title = grid_contenders[i].title};
	}
	for (unsigned i = 0; i < grid->n_measures; i++)
		result->measures[result->n_measures++] =
			grid->measures[i].label;
	for (unsigned i = 0; i < grid->n_cases; i++) {
		unsigned ci = result->n_cases;
		char why[BENCH_REASON_BYTES];
		bool possible;

		if (r->options->quick && !grid->cases[i].quick)
			continue;
		r->cases[ci] = &grid->cases[i];
		result->cases[result->n_cases++] = grid->cases[i].label;
		possible = prepare(r, r->cases[ci], why, sizeof(why));
		describe_case(r, ci);
		for (unsigned k = 0; !possible && k < result->n_contenders; k++)
			bench_note_impossible(result, ci, k, why);
	}
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

/* All slices stalled: there is nothing to take. */
static bool nothing_clean(const struct run *r)
{
	for (unsigned i = 0; i < scene_windows(&r->scene); i++)
		if (!r->played->window[i].clean_ns)
			return true;
	return false;
}

/* A bad time of the machine below lasts for seconds. */
#define TRIES 10u

static int play(struct run *r, unsigned round, unsigned ci, unsigned k,
		char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned try = 0; try < TRIES; try++) {
		ret = scene_run(&r->scene, r->contender[k], r->played, err,
				err_size);
		if (ret || r->played->outcome != SCENE_DONE || !nothing_clean(r))
			break;
	}
	if (ret)
		return ret;
	if (r->played->outcome == SCENE_DONE && nothing_clean(r))
		scene_fail(r->played, SCENE_IMPOSSIBLE,
			   "the machine stood still in every slice");
	switch (r->played->outcome) {
	case SCENE_DONE:
		take(r, round, ci, k);
		break;
	case SCENE_IMPOSSIBLE:
		bench_note_impossible(r->result, ci, k, r->played->reason);
		break;
	case SCENE_BROKEN:
		snprintf(err, err_size, "%s, %s: %s",
			 r->result->cases[ci].title, r->contender[k]->title,
			 r->played->reason);
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
	char why[BENCH_REASON_BYTES];
	int ret = 0;

	for (unsigned ci = 0; ci < result->n_cases && !ret; ci++) {
		prepare(r, r->cases[ci], why, sizeof(why));
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
	char why[BENCH_REASON_BYTES];
	int ret;

	prepare(r, r->cases[r->result->n_cases - 1], why, sizeof(why));
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
		describe(&r);
		ret = play_all(&r, progress, err, err_size);
	} else {
		snprintf(err, err_size, "out of memory");
	}
	free(r.merged);
	free(r.played);
	return ret;
}
