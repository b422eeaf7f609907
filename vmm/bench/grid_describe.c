/* SPDX-License-Identifier: Apache-2.0 */
/* What the result of a grid consists of, before anything is measured: grid.h. */
#include <stdio.h>
#include <string.h>

#include <dis/assert.h>

#include "bench/grid.h"

#define WARM_NS (300 * DIS_MS_NS)
/* Of guests without deadlines: whoever wakes late is served in a slice or two. */
#define SETTLE_NS (20 * DIS_MS_NS)
#define QUICK_WINDOW_NS (200 * DIS_MS_NS)
#define QUICK_WARM_NS (20 * DIS_MS_NS)

const struct scene_contender grid_contenders[] = {
	{"dis", "DIS", SCENE_DIS, TUNE_NONE, false},
	{"threads", "threads", SCENE_THREADS, TUNE_NONE, false},
	{"nice", "threads, nice -20", SCENE_THREADS, TUNE_NICE, false},
	{"slice", "threads, 100 us slice", SCENE_THREADS, TUNE_SLICE, false},
	{"batch", "threads, Batch, 10 ms", SCENE_THREADS, TUNE_BATCH, false},
	{"fifo", "threads, SCHED_FIFO", SCENE_THREADS, TUNE_FIFO, false},
	{"deadline", "threads, SCHED_DEADLINE", SCENE_THREADS, TUNE_DEADLINE,
	 false},
	{"qemu", "QEMU", SCENE_QEMU, TUNE_NONE, false},
	{"early", "DIS, early entry", SCENE_DIS, TUNE_NONE, true},
};
#define N_CONTENDERS (sizeof(grid_contenders) / sizeof(grid_contenders[0]))
_Static_assert(N_CONTENDERS <= BENCH_CONTENDERS_MAX, "contenders");

/** The description while it is made. @scene: of the case at hand. */
struct description {
	const struct grid *grid;
	struct grid_plan *plan;
	struct bench_result *result;
	struct scene scene;
};

bool grid_prepare(const struct grid *grid, const struct grid_case *c,
		  const struct bench_options *options, struct scene *scene,
		  char *why, size_t why_size)
{
	*scene = (struct scene){
		.kernel = options->kernel,
		.cpus = options->cpus,
		.n_cpus = options->n_cpus,
		.warm_ns = options->quick ? QUICK_WARM_NS : WARM_NS,
		.settle_ns = SETTLE_NS,
		.window_ns = options->quick ? QUICK_WINDOW_NS : grid->window_ns,
	};
	return grid->scene(c, options->quick, scene, why, why_size);
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

static bool is_ours(const struct description *d, unsigned k)
{
	return d->plan->contender[k]->by == SCENE_DIS;
}

/* @to: NULL: of the figure itself. */
static bool is_of(const struct description *d, const struct grid_target *t,
		  unsigned ci, unsigned mi, unsigned of, const char *to)
{
	const struct bench_result *result = d->result;

	return (!t->case_name ||
		!strcmp(t->case_name, result->cases[ci].name)) &&
	       !strcmp(t->measure, result->measures[mi].name) &&
	       !strcmp(t->of, result->contenders[of].name) &&
	       (to ? t->to && !strcmp(t->to, to) : !t->to);
}

static void add_cell(struct description *d, unsigned ci, unsigned k, unsigned mi)
{
	unsigned i = bench_add_cell(d->result, ci, k, mi);

	for (unsigned t = 0; t < d->grid->n_targets; t++)
		if (is_of(d, &d->grid->targets[t], ci, mi, k, NULL))
			d->result->figure[i].target = d->grid->targets[t].limit;
}

/* @nth: of those of this pair, from 1, each with another target. */
static void add_ratio(struct description *d, unsigned ci, unsigned mi,
		      unsigned of, unsigned to, unsigned nth, double target)
{
	struct bench_result *result = d->result;
	const struct bench_label *c = &result->cases[ci];
	const struct bench_label *m = &result->measures[mi];
	char name[BENCH_NAME_BYTES], title[BENCH_TITLE_BYTES];
	char suffix[16] = "", limit[24] = "";

	if (nth > 1) {
		snprintf(suffix, sizeof(suffix), "_%u", nth);
		snprintf(limit, sizeof(limit), ", limit %u", nth);
	}
	snprintf(name, sizeof(name), "%s_%s%s%s_to_%s%s", c->name, m->name,
		 of ? "_" : "", of ? result->contenders[of].name : "",
		 result->contenders[to].name, suffix);
	snprintf(title, sizeof(title), "%s: %s%s%s, to %s%s", c->title,
		 m->title, of ? ", " : "",
		 of ? result->contenders[of].title : "",
		 result->contenders[to].title, limit);
	bench_add_ratio(result, name, title, result->cell[ci][of][mi] - 1,
			result->cell[ci][to][mi] - 1, target);
	result->ratio[result->n_ratios - 1].more = m->more;
}

/* One with each target, or one without. */
static void add_ratios(struct description *d, unsigned ci, unsigned mi,
		       unsigned of, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->grid->n_targets; i++) {
		const struct grid_target *t = &d->grid->targets[i];

		if (is_of(d, t, ci, mi, of, d->result->contenders[to].name))
			add_ratio(d, ci, mi, of, to, ++n, t->limit);
	}
	if (!n)
		add_ratio(d, ci, mi, of, to, 1, BENCH_NO_TARGET);
}

static void describe_case(struct description *d, unsigned ci)
{
	struct bench_result *result = d->result;
	const struct grid_measure *measures = d->grid->measures;

	for (unsigned k = 0; k < result->n_contenders; k++)
		for (unsigned mi = 0; mi < d->grid->n_measures; mi++)
			if (has_measure(&d->scene, &measures[mi]) &&
			    (!counts_exits(&measures[mi]) ||
			     d->plan->contender[k]->by != SCENE_QEMU))
				add_cell(d, ci, k, mi);
	for (unsigned mi = 0; mi < d->grid->n_measures; mi++)
		for (unsigned of = 0; of < result->n_contenders; of++)
			for (unsigned to = 0; to < result->n_contenders; to++)
				if (measures[mi].ratio && is_ours(d, of) &&
				    !is_ours(d, to) &&
				    result->cell[ci][of][mi] &&
				    result->cell[ci][to][mi])
					add_ratios(d, ci, mi, of, to);
}

static bool has_label(const struct bench_label *labels, unsigned n,
		      const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(labels[i].name, name))
			return true;
	return false;
}

/* A name with a slip in it would make a target vanish. */
static void check_targets(const struct description *d)
{
	const struct bench_result *r = d->result;

	for (unsigned i = 0; i < d->grid->n_targets; i++) {
		const struct grid_target *t = &d->grid->targets[i];
		bool found = !t->case_name;

		for (unsigned ci = 0; ci < d->grid->n_cases; ci++)
			found |= t->case_name &&
				 !strcmp(d->grid->cases[ci].label.name,
					 t->case_name);
		DIS_ASSERT(found);
		DIS_ASSERT(has_label(r->measures, r->n_measures, t->measure));
		DIS_ASSERT(has_label(r->contenders, r->n_contenders, t->of));
		DIS_ASSERT(!t->to ||
			   has_label(r->contenders, r->n_contenders, t->to));
	}
}

static void describe_contenders(struct description *d)
{
	struct bench_result *result = d->result;

	for (unsigned i = 0; i < N_CONTENDERS; i++) {
		const struct scene_contender *k = &grid_contenders[i];

		if (!(d->grid->contenders & (1u << i)))
			continue;
		d->plan->contender[result->n_contenders] = k;
		result->contenders[result->n_contenders++] =
			(struct bench_label){.name = k->name, .title = k->title};
	}
}

void grid_describe(const struct grid *grid, const struct bench_options *options,
		   struct grid_plan *plan, struct bench_result *result)
{
	struct description d = {grid, plan, result, {0}};

	result->unit = "ns";
	result->what = grid->what;
	describe_contenders(&d);
	for (unsigned i = 0; i < grid->n_measures; i++)
		result->measures[result->n_measures++] =
			grid->measures[i].label;
	check_targets(&d);
	for (unsigned i = 0; i < grid->n_cases; i++) {
		unsigned ci = result->n_cases;
		char why[BENCH_REASON_BYTES];
		bool possible;

		if (options->quick && !grid->cases[i].quick)
			continue;
		plan->cases[ci] = &grid->cases[i];
		result->cases[result->n_cases++] = grid->cases[i].label;
		possible = grid_prepare(grid, plan->cases[ci], options,
					&d.scene, why, sizeof(why));
		describe_case(&d, ci);
		for (unsigned k = 0; !possible && k < result->n_contenders; k++)
			bench_note_impossible(result, ci, k, why);
	}
}
