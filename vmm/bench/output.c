/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a bench as JSON; see output.h. */
#include "bench/output.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "cli/json_write.h"

struct bench_spread bench_figure_spread(const struct bench_result *result,
					unsigned figure)
{
	return bench_spread(result->figure[figure].value, result->rounds);
}

struct bench_spread bench_result_ratio(const struct bench_result *result,
				       unsigned ratio)
{
	const struct bench_ratio *r = &result->ratio[ratio];

	return bench_ratio_spread(result->figure[r->of].value,
				  result->figure[r->to].value, result->rounds);
}

bool bench_ratio_absent(const struct bench_result *result, unsigned ratio)
{
	const struct bench_ratio *r = &result->ratio[ratio];

	return result->figure[r->of].absent || result->figure[r->to].absent;
}

static enum bench_verdict judge(bool good)
{
	return good ? BENCH_GOOD : BENCH_BAD;
}

enum bench_verdict bench_figure_met(const struct bench_result *result,
				    unsigned figure)
{
	const struct bench_figure *f = &result->figure[figure];
	struct bench_spread s;

	if (isnan(f->target))
		return BENCH_NOTHING;
	if (f->absent)
		return f->starved ? BENCH_BAD : BENCH_OPEN;
	s = bench_figure_spread(result, figure);
	if (f->more)
		return judge(s.median >= f->target);
	return judge((f->target == 0 ? s.max : s.median) <= f->target);
}

/* Ours starved where theirs did not. */
static bool is_lost(const struct bench_result *result,
		    const struct bench_ratio *ratio)
{
	return result->figure[ratio->of].starved &&
	       !result->figure[ratio->to].absent;
}

enum bench_verdict bench_ratio_met(const struct bench_result *result,
				   unsigned ratio)
{
	const struct bench_ratio *r = &result->ratio[ratio];
	double median;

	if (isnan(r->target))
		return BENCH_NOTHING;
	if (is_lost(result, r))
		return BENCH_BAD;
	if (bench_ratio_absent(result, ratio))
		return BENCH_OPEN;
	median = bench_result_ratio(result, ratio).median;
	if (isinf(median))
		return r->more ? BENCH_OPEN : BENCH_BAD;
	return judge(r->more ? median >= r->target : median <= r->target);
}

enum bench_verdict bench_ratio_verdict(const struct bench_result *result,
				       unsigned ratio)
{
	const struct bench_ratio *r = &result->ratio[ratio];
	double median;

	if (is_lost(result, r))
		return BENCH_BAD;
	if (!result->n_cases || bench_ratio_absent(result, ratio))
		return BENCH_NOTHING;
	median = bench_result_ratio(result, ratio).median;
	if (median == 1 || (isinf(median) && r->more))
		return BENCH_NOTHING;
	return judge((median > 1) == r->more);
}

unsigned bench_stalls_of(const struct bench_result *result, unsigned case_index,
			 unsigned contender)
{
	unsigned most = 0;

	for (unsigned m = 0; m < result->n_measures; m++) {
		unsigned cell = result->cell[case_index][contender][m];

		if (cell && result->figure[cell - 1].stalls > most)
			most = result->figure[cell - 1].stalls;
	}
	return most;
}

/* JSON knows no infinity: null. */
static json_t *number_of(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *rounds_of(const double *values, unsigned n)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(array, json_real(values[i]));
	return array;
}

/* null without target. */
static void set_target(json_t *object, const char *key, double target,
		       enum bench_verdict met)
{
	json_object_set_new(object, key, number_of(target));
	json_object_set_new(object, "met",
			    met == BENCH_GOOD || met == BENCH_BAD
				    ? json_boolean(met == BENCH_GOOD)
				    : json_null());
}

static json_t *figure_of(const struct bench_result *result, unsigned i)
{
	const struct bench_figure *figure = &result->figure[i];
	struct bench_spread s = bench_figure_spread(result, i);
	const double values[] = {s.min, s.median, s.max};
	static const char *const names[] = {"min", "median", "max"};
	json_t *object = json_object();
	char key[48];

	for (unsigned k = 0; k < 3; k++) {
		snprintf(key, sizeof(key), "%s_%s", names[k], figure->unit);
		json_object_set_new(object, key, json_real(values[k]));
	}
	snprintf(key, sizeof(key), "rounds_%s", figure->unit);
	json_object_set_new(object, key,
			    rounds_of(figure->value, result->rounds));
	json_object_set_new(object, "stalls",
			    *result->unwatched
				    ? json_null()
				    : json_integer((json_int_t)figure->stalls));
	snprintf(key, sizeof(key), "target_%s", figure->unit);
	set_target(object, key, figure->target, bench_figure_met(result, i));
	return object;
}

static json_t *ratio_of(const struct bench_result *result, unsigned i)
{
	const struct bench_ratio *ratio = &result->ratio[i];
	struct bench_spread s = bench_result_ratio(result, i);
	json_t *object = json_pack("{s:s,s:s,s:o,s:o,s:o,s:b}", "of",
				   result->figure[ratio->of].name, "to",
				   result->figure[ratio->to].name, "min",
				   number_of(s.min), "median",
				   number_of(s.median), "max", number_of(s.max),
				   "more_is_better", (int)ratio->more);

	set_target(object, "target", ratio->target, bench_ratio_met(result, i));
	return object;
}

static json_t *host_of(const struct report_host *host)
{
	json_t *cpus = json_array();

	for (unsigned i = 0; i < host->n_cpus; i++)
		json_array_append_new(cpus, json_integer(host->cpus[i]));
	return json_pack("{s:s,s:s,s:o,s:s}", "kernel", host->kernel,
			 "kvm_backend", host->kvm_backend, "cpus", cpus,
			 "commit", host->commit);
}

static json_t *load_of(const struct bench_load *load)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "wall_ns",
			 (json_int_t)load->wall_ns, "busy_ns",
			 (json_int_t)load->busy_ns, "steal_ns",
			 (json_int_t)load->steal_ns, "own_ns",
			 (json_int_t)load->own_ns);
}

static json_t *notes_of(const struct bench_result *result, bool impossible)
{
	json_t *notes = json_array();

	for (unsigned i = 0; i < result->n_notes; i++) {
		const struct bench_note *note = &result->note[i];

		if (note->impossible != impossible)
			continue;
		json_array_append_new(notes,
				      json_pack("{s:s,s:s,s:s}", "case",
						note->case_title, "contender",
						note->contender, "reason",
						note->reason));
	}
	return notes;
}

static json_t *curves_of(const struct bench_result *result)
{
	json_t *curves = json_array();

	for (unsigned i = 0; i < result->n_curves; i++) {
		const struct bench_curve *c = &result->curve[i];

		json_array_append_new(
			curves, json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "panel",
					  c->panel, "name", c->name, "x_title",
					  c->x_title, "y_title", c->y_title,
					  "x", rounds_of(c->x, c->n), "y",
					  rounds_of(c->y, c->n)));
	}
	return curves;
}

static json_t *report_of(const struct bench_report *report)
{
	const struct bench_result *result = report->result;
	json_t *figures = json_object(), *ratios = json_object();
	char schema[64];

	for (unsigned i = 0; i < result->n_figures; i++)
		if (!result->figure[i].absent)
			json_object_set_new(figures, result->figure[i].name,
					    figure_of(result, i));
	for (unsigned i = 0; i < result->n_ratios; i++)
		if (!bench_ratio_absent(result, i))
			json_object_set_new(ratios, result->ratio[i].name,
					    ratio_of(result, i));
	snprintf(schema, sizeof(schema), "disvm.bench.%s/1",
		 report->bench->name);
	return json_pack(
		"{s:s,s:o,s:o,s:i,s:b,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "schema",
		schema, "host", host_of(&report->host), "cpu",
		report->bench->one_cpu ? json_integer(report->options->cpu)
				       : json_null(),
		"rounds", (int)result->rounds, "quick",
		(int)report->options->quick, "load", load_of(&result->load),
		"unwatched", result->unwatched, "figures", figures, "ratios",
		ratios, "not_possible", notes_of(result, true), "remarks",
		notes_of(result, false), "curves", curves_of(result));
}

static json_t *all_of(const struct bench_report *reports, unsigned n)
{
	json_t *benches = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(benches, report_of(&reports[i]));
	return json_pack("{s:s,s:o}", "schema", "disvm.bench.all/1", "benches",
			 benches);
}

int bench_write_json(const struct bench_report *reports, unsigned n, FILE *to)
{
	return json_write(n == 1 ? report_of(reports) : all_of(reports, n), to);
}
