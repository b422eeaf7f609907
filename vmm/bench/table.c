/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a bench as tables; see output.h. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/output.h"

#define TITLE_WIDTH 32
#define CELL_WIDTH 23

const char *bench_shown_unit(const char *unit)
{
	return strcmp(unit, "ns") == 0 ? "us" : unit;
}

const char *bench_format(double value, const char *unit, char *buf, size_t size)
{
	if (!strcmp(unit, "ns"))
		value /= 1000;
	snprintf(buf, size, "%.*f",
		 value >= 100 || value == 0 ? 0
		 : value >= 10              ? 1
		 : value >= 1               ? 2
					    : 3,
		 value);
	return buf;
}

const char *bench_format_ratio(double value, char *buf, size_t size)
{
	if (isfinite(value))
		snprintf(buf, size, "%.3f", value);
	else
		snprintf(buf, size, "-");
	return buf;
}

const char *bench_met_word(enum bench_verdict verdict)
{
	static const char *const words[] = {[BENCH_NOTHING] = "",
					    [BENCH_GOOD] = "met",
					    [BENCH_BAD] = "missed",
					    [BENCH_OPEN] = "not measured"};

	return words[verdict];
}

const char *bench_verdict_word(enum bench_verdict verdict)
{
	static const char *const words[] = {[BENCH_NOTHING] = "",
					    [BENCH_GOOD] = "better",
					    [BENCH_BAD] = "worse",
					    [BENCH_OPEN] = ""};

	return words[verdict];
}

static const char *bound(bool more)
{
	return more ? ">=" : "<=";
}

/* @target: as text; nothing if there is none to be @met. */
static void write_target(FILE *to, bool more, const char *target,
			 enum bench_verdict met)
{
	char text[40] = "";

	if (met != BENCH_NOTHING)
		snprintf(text, sizeof(text), "%s %s", bound(more), target);
	fprintf(to, " %10s", text);
	if (met != BENCH_NOTHING)
		fprintf(to, "  %s", bench_met_word(met));
	fputc('\n', to);
}

static void write_figures(const struct bench_result *result, FILE *to)
{
	char head[64], target[32];

	snprintf(head, sizeof(head), "%s %s", result->unit, result->what);
	fprintf(to, "\n%-30s %9s %9s %9s %7s %10s\n", head, "min", "median",
		"max", "stalls", "target");
	for (unsigned i = 0; i < result->n_figures; i++) {
		const struct bench_figure *figure = &result->figure[i];
		struct bench_spread s = bench_figure_spread(result, i);

		fprintf(to, "%-30s %9.0f %9.0f %9.0f %7u", figure->title, s.min,
			s.median, s.max, figure->stalls);
		snprintf(target, sizeof(target), "%.0f", figure->target);
		write_target(to, figure->more, target,
			     bench_figure_met(result, i));
	}
}

/* To a peer as it comes, of ours as it comes. */
static bool is_plain(const struct bench_ratio *ratio)
{
	return !strstr(ratio->name, "_early_to_") &&
	       (strstr(ratio->name, "_to_threads") ||
		strstr(ratio->name, "_to_qemu"));
}

/* Rows to show: a grid has more ratios than anybody reads; those with a target,
 * those to the default peers, and whatever is lost. */
static bool is_shown(const struct bench_result *result, unsigned i)
{
	const struct bench_ratio *ratio = &result->ratio[i];

	if (bench_ratio_met(result, i) != BENCH_NOTHING ||
	    bench_ratio_verdict(result, i) == BENCH_BAD)
		return true;
	return !bench_ratio_absent(result, i) &&
	       (!result->n_cases || is_plain(ratio));
}

/* Targets of figures themselves: a grid has no column for them. */
static void write_targets(const struct bench_result *result, FILE *to)
{
	for (unsigned i = 0; result->n_cases && i < result->n_figures; i++) {
		const struct bench_figure *figure = &result->figure[i];
		enum bench_verdict met = bench_figure_met(result, i);
		char median[32] = "-", target[32];

		if (met == BENCH_NOTHING)
			continue;
		if (!figure->absent)
			bench_format(bench_figure_spread(result, i).median,
				     figure->unit, median, sizeof(median));
		fprintf(to, "%s: %s %s, target %s %s: %s\n", figure->title,
			median, bench_shown_unit(figure->unit),
			bound(figure->more),
			bench_format(figure->target, figure->unit, target,
				     sizeof(target)),
			bench_met_word(met));
	}
}

static void write_ratio(const struct bench_result *result, unsigned i,
			int width, FILE *to)
{
	const struct bench_ratio *ratio = &result->ratio[i];
	struct bench_spread s = {INFINITY, INFINITY, INFINITY};
	char min[24], median[24], max[24], target[32];

	if (!bench_ratio_absent(result, i))
		s = bench_result_ratio(result, i);
	fprintf(to, "%-*s %9s %9s %9s %7s", width, ratio->title,
		bench_format_ratio(s.min, min, sizeof(min)),
		bench_format_ratio(s.median, median, sizeof(median)),
		bench_format_ratio(s.max, max, sizeof(max)),
		bench_verdict_word(bench_ratio_verdict(result, i)));
	bench_format(ratio->target, "", target, sizeof(target));
	write_target(to, ratio->more, target, bench_ratio_met(result, i));
}

static void write_ratios(const struct bench_result *result, FILE *to)
{
	size_t width = 28;

	if (!result->n_ratios)
		return;
	for (unsigned i = 0; i < result->n_ratios; i++)
		if (is_shown(result, i) &&
		    strlen(result->ratio[i].title) > width)
			width = strlen(result->ratio[i].title);
	fprintf(to, "\n%-*s %9s %9s %9s %7s %10s\n", (int)width,
		"ratio, round by round", "min", "median", "max", "", "target");
	for (unsigned i = 0; i < result->n_ratios; i++)
		if (is_shown(result, i))
			write_ratio(result, i, (int)width, to);
}

static void write_cell(const struct bench_result *result, unsigned cell,
		       FILE *to)
{
	const struct bench_figure *figure;
	struct bench_spread s;
	char min[24], median[24], max[24], text[80];

	if (!cell) {
		fprintf(to, " %*s", CELL_WIDTH, "");
		return;
	}
	figure = &result->figure[cell - 1];
	if (figure->absent) {
		fprintf(to, " %*s", CELL_WIDTH, "-");
		return;
	}
	s = bench_figure_spread(result, cell - 1);
	snprintf(text, sizeof(text), "%s (%s..%s)",
		 bench_format(s.median, figure->unit, median, sizeof(median)),
		 bench_format(s.min, figure->unit, min, sizeof(min)),
		 bench_format(s.max, figure->unit, max, sizeof(max)));
	fprintf(to, " %*s", CELL_WIDTH, text);
}

static bool uses_measure(const struct bench_result *result, unsigned ci,
			 unsigned m)
{
	for (unsigned k = 0; k < result->n_contenders; k++)
		if (result->cell[ci][k][m])
			return true;
	return false;
}

static void write_case(const struct bench_result *result, unsigned ci, FILE *to)
{
	char head[64];

	fprintf(to, "\n%-*s", TITLE_WIDTH, result->cases[ci].title);
	for (unsigned m = 0; m < result->n_measures; m++) {
		const struct bench_label *label = &result->measures[m];

		if (!uses_measure(result, ci, m))
			continue;
		snprintf(head, sizeof(head), "%s, %s", label->title,
			 bench_shown_unit(label->unit));
		fprintf(to, " %*s", CELL_WIDTH, head);
	}
	fprintf(to, " %7s\n", "stalls");
	for (unsigned k = 0; k < result->n_contenders; k++) {
		if (!bench_has_cells(result, ci, k))
			continue;
		fprintf(to, "%-*s", TITLE_WIDTH, result->contenders[k].title);
		for (unsigned m = 0; m < result->n_measures; m++)
			if (uses_measure(result, ci, m))
				write_cell(result, result->cell[ci][k][m], to);
		if (*result->unwatched)
			fprintf(to, " %7s\n", "-");
		else
			fprintf(to, " %7u\n", bench_stalls_of(result, ci, k));
	}
}

static void write_grid(const struct bench_result *result, FILE *to)
{
	fprintf(to, "%s; median (min..max) of the rounds\n", result->what);
	for (unsigned i = 0; i < result->n_cases; i++)
		write_case(result, i, to);
	for (unsigned i = 0; i < result->n_notes; i++)
		fprintf(to, "%s%s, %s: %s%s\n", i ? "" : "\n",
			result->note[i].case_title, result->note[i].contender,
			result->note[i].impossible ? "not possible here: " : "",
			result->note[i].reason);
}

static void write_warnings(const struct bench_report *report, FILE *to)
{
	const struct bench_result *result = report->result;
	double others = bench_load_others_percent(&result->load);
	double steal = bench_load_steal_percent(&result->load);

	if (others + steal >= BENCH_BUSY_PERCENT)
		fprintf(to,
			"\nwarning: others used CPU%s %s meanwhile (programs "
			"%.0f %%, the machine below %.0f %%)\n",
			report->host.n_cpus > 1 ? "s" : "",
			report->host.cpu_list, others, steal);
	if (*result->unwatched)
		fprintf(to,
			"\nwarning: stalls of the machine were not "
			"told apart: %s\n",
			result->unwatched);
	if (report->options->quick)
		fprintf(to, "\nwarning: --quick: too little was measured for "
			    "the figures to mean anything\n");
}

int bench_write_text(const struct bench_report *report, FILE *to)
{
	const struct bench_result *result = report->result;

	fprintf(to, "%s: %s\n", report->bench->name, report->bench->summary);
	fprintf(to, "%u rounds on CPU%s %s, %.1f s; Linux %s, %s, commit %s\n",
		result->rounds, report->host.n_cpus > 1 ? "s" : "",
		report->host.cpu_list, (double)result->load.wall_ns / 1e9,
		report->host.kernel, report->host.kvm_backend,
		report->host.commit);
	if (result->n_cases)
		write_grid(result, to);
	else
		write_figures(result, to);
	write_ratios(result, to);
	write_targets(result, to);
	write_warnings(report, to);
	if (fflush(to) || ferror(to))
		return errno ? -errno : -EIO;
	return 0;
}
