/* SPDX-License-Identifier: Apache-2.0 */
/* Filling in the result of a bench; see bench.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>

#include "bench/bench.h"

static double target_or_none(double target)
{
	return target > 0 ? target : BENCH_NO_TARGET;
}

unsigned bench_add_figure(struct bench_result *result, const char *name,
			  const char *title, double target)
{
	unsigned i = result->n_figures++;
	struct bench_figure *figure;

	DIS_ASSERT(i < BENCH_FIGURES_MAX);
	figure = &result->figure[i];
	*figure = (struct bench_figure){.unit = result->unit,
					.target = target_or_none(target)};
	snprintf(figure->name, sizeof(figure->name), "%s", name);
	snprintf(figure->title, sizeof(figure->title), "%s", title);
	return i;
}

void bench_add_ratio(struct bench_result *result, const char *name,
		     const char *title, unsigned of, unsigned to, double target)
{
	unsigned i = result->n_ratios++;
	struct bench_ratio *ratio;

	DIS_ASSERT(i < BENCH_RATIOS_MAX && of < result->n_figures &&
		   to < result->n_figures);
	ratio = &result->ratio[i];
	*ratio = (struct bench_ratio){
		.of = of, .to = to, .target = target_or_none(target)};
	snprintf(ratio->name, sizeof(ratio->name), "%s", name);
	snprintf(ratio->title, sizeof(ratio->title), "%s", title);
}

unsigned bench_add_cell(struct bench_result *result, unsigned case_index,
			unsigned contender, unsigned measure)
{
	const struct bench_label *c = &result->cases[case_index];
	const struct bench_label *k = &result->contenders[contender];
	const struct bench_label *m = &result->measures[measure];
	char name[BENCH_NAME_BYTES], title[BENCH_TITLE_BYTES];
	unsigned i;

	snprintf(name, sizeof(name), "%s_%s_%s", c->name, k->name, m->name);
	snprintf(title, sizeof(title), "%s: %s, %s", c->title, m->title,
		 k->title);
	i = bench_add_figure(result, name, title, 0);
	result->figure[i].unit = m->unit;
	result->figure[i].more = m->more;
	result->cell[case_index][contender][measure] = i + 1;
	return i;
}

bool bench_has_cells(const struct bench_result *result, unsigned case_index,
		     unsigned contender)
{
	for (unsigned m = 0; m < result->n_measures; m++)
		if (result->cell[case_index][contender][m])
			return true;
	return false;
}

void bench_note(struct bench_result *result, unsigned case_index,
		unsigned contender, const char *reason)
{
	struct bench_note *note;

	if (result->n_notes == BENCH_NOTES_MAX)
		return;
	note = &result->note[result->n_notes++];
	note->case_title = result->cases[case_index].title;
	note->contender = result->contenders[contender].title;
	snprintf(note->reason, sizeof(note->reason), "%s", reason);
}

static bool is_noted(const struct bench_result *result, unsigned case_index,
		     unsigned contender, const char *reason)
{
	for (unsigned i = 0; i < result->n_notes; i++) {
		const struct bench_note *note = &result->note[i];

		if (note->case_title == result->cases[case_index].title &&
		    note->contender == result->contenders[contender].title &&
		    !strcmp(note->reason, reason))
			return true;
	}
	return false;
}

static struct bench_figure *figure_at(struct bench_result *result,
				      unsigned case_index, unsigned contender,
				      unsigned measure)
{
	unsigned cell = result->cell[case_index][contender][measure];

	DIS_ASSERT(cell);
	return &result->figure[cell - 1];
}

void bench_leave_out_cell(struct bench_result *result, unsigned round,
			  unsigned case_index, unsigned contender,
			  unsigned measure, const char *why)
{
	struct bench_figure *figure =
		figure_at(result, case_index, contender, measure);
	char reason[BENCH_REASON_BYTES];

	snprintf(reason, sizeof(reason), "%s in round %u", why, round + 1);
	if (!figure->absent && !is_noted(result, case_index, contender, reason))
		bench_note(result, case_index, contender, reason);
	figure->absent = true;
}

void bench_set_cell(struct bench_result *result, unsigned round,
		    unsigned case_index, unsigned contender, unsigned measure,
		    double value, const char *why)
{
	struct bench_figure *figure =
		figure_at(result, case_index, contender, measure);

	if (!isnan(value)) {
		figure->value[round] = value;
		return;
	}
	bench_leave_out_cell(result, round, case_index, contender, measure, why);
	figure->starved = true;
}

void bench_note_impossible(struct bench_result *result, unsigned case_index,
			   unsigned contender, const char *reason)
{
	bench_note(result, case_index, contender, reason);
	result->note[result->n_notes - 1].impossible = true;
	for (unsigned m = 0; m < result->n_measures; m++) {
		unsigned cell = result->cell[case_index][contender][m];

		if (cell)
			result->figure[cell - 1].absent = true;
	}
}

struct bench_curve *bench_add_curve(struct bench_result *result,
				    const char *panel, const char *name,
				    unsigned n)
{
	struct bench_curve *curve;
	double *points;

	DIS_ASSERT(result->n_curves < BENCH_CURVES_MAX);
	points = calloc((size_t)n * 2 + 1, sizeof(*points));
	if (!points)
		return NULL;
	curve = &result->curve[result->n_curves++];
	*curve = (struct bench_curve){.n = n, .x = points, .y = points + n};
	snprintf(curve->panel, sizeof(curve->panel), "%s", panel);
	snprintf(curve->name, sizeof(curve->name), "%s", name);
	return curve;
}

void bench_result_free(struct bench_result *result)
{
	for (unsigned i = 0; i < result->n_curves; i++)
		free(result->curve[i].x);
	free(result->strip);
}
