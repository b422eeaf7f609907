/* SPDX-License-Identifier: Apache-2.0 */
/* Results as a page; see html.h. */
#include "bench/html.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;"
	"--line:#d0d7de;--good:#116329;--bad:#a40e26;--c0:#0550ae;--c1:#a40e26;"
	"--c2:#8250df;--c3:#7d4e00;--c4:#116329;--c5:#0a7189;--c6:#57606a;"
	"--c7:#bf3989}\n"
	"@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;"
	"--dim:#9198a1;--line:#3d444d;--good:#56d364;--bad:#ff7b72;"
	"--c0:#79c0ff;--c1:#ff7b72;--c2:#d2a8ff;--c3:#f0b72f;--c4:#56d364;"
	"--c5:#76e3ea;--c6:#b1bac4;--c7:#ff9bce}}\n"
	"body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,"
	"sans-serif;max-width:1200px;margin:2em auto;padding:0 1em}\n"
	"table{border-collapse:collapse;margin:1em 0;display:block;"
	"overflow-x:auto}\n"
	"th,td{padding:.25em .7em;border-bottom:1px solid var(--line);"
	"text-align:right;white-space:nowrap}\n"
	"th:first-child,td:first-child{text-align:left}\n"
	"caption,figcaption{text-align:left;font-weight:600;padding:.4em 0}\n"
	"small,.dim{color:var(--dim)}\n"
	".good{color:var(--good)}.bad{color:var(--bad)}\n"
	".warning{border-left:4px solid var(--bad);padding-left:.7em}\n"
	"figure{margin:1em 0;display:inline-block;width:100%;max-width:640px;"
	"vertical-align:top}.strip{max-width:1200px}\n"
	"svg{width:100%;height:auto}svg text{fill:var(--fg);font-size:11px}\n"
	".axis{stroke:var(--dim);stroke-width:1}\n"
	"polyline,line{fill:none;stroke-width:2}\n"
	".c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}"
	".c3{stroke:var(--c3)}.c4{stroke:var(--c4)}.c5{stroke:var(--c5)}"
	".c6{stroke:var(--c6)}.c7{stroke:var(--c7)}\n"
	".kind0{fill:var(--c1);background:var(--c1)}"
	".kind1{fill:var(--c0);background:var(--c0)}"
	".kind2{fill:var(--c5);background:var(--c5)}\n"
	".key{display:inline-block;width:.8em;height:.8em}\n";

void bench_html_text(const char *text, FILE *to)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

static const char *colour_of(enum bench_verdict verdict)
{
	static const char *const classes[] = {[BENCH_NOTHING] = "dim",
					      [BENCH_GOOD] = "good",
					      [BENCH_BAD] = "bad",
					      [BENCH_OPEN] = "dim"};

	return classes[verdict];
}

/* Nothing if there is no target to be @met. */
static void write_target(double target, bool more, const char *unit,
			 enum bench_verdict met, FILE *to)
{
	char text[32];

	if (met == BENCH_NOTHING)
		return;
	fprintf(to, "<span class=\"%s\">%s %s %s</span>", colour_of(met),
		more ? "&ge;" : "&le;",
		bench_format(target, unit, text, sizeof(text)),
		bench_met_word(met));
}

static void write_figure_target(const struct bench_result *result, unsigned i,
				FILE *to)
{
	const struct bench_figure *f = &result->figure[i];

	write_target(f->target, f->more, f->unit, bench_figure_met(result, i),
		     to);
}

static void write_stalls(const struct bench_result *result, unsigned stalls,
			 FILE *to)
{
	if (*result->unwatched)
		fputs("<td>-</td>", to);
	else
		fprintf(to, "<td>%u</td>", stalls);
}

static void write_figure_cells(const struct bench_result *result, unsigned i,
			       FILE *to)
{
	const struct bench_figure *f = &result->figure[i];
	struct bench_spread s = bench_figure_spread(result, i);
	const double values[] = {s.min, s.median, s.max};
	char text[32];

	for (unsigned k = 0; k < 3; k++)
		fprintf(to, "<td>%s</td>",
			bench_format(values[k], f->unit, text, sizeof(text)));
	write_stalls(result, f->stalls, to);
	fputs("<td>", to);
	write_figure_target(result, i, to);
	fputs("</td>", to);
}

/* A result without a grid: a row per figure. */
static void write_figures(const struct bench_result *result, FILE *to)
{
	fprintf(to,
		"<table class=\"figures\"><tr><th>%s %s</th><th>min</th>"
		"<th>median</th><th>max</th><th>stalls</th><th>target</th>"
		"</tr>\n",
		bench_shown_unit(result->unit), result->what);
	for (unsigned i = 0; i < result->n_figures; i++) {
		fputs("<tr><td>", to);
		bench_html_text(result->figure[i].title, to);
		fputs("</td>", to);
		write_figure_cells(result, i, to);
		fputs("</tr>\n", to);
	}
	fputs("</table>\n", to);
}

/* Median and range, and the target below. */
static void write_cell(const struct bench_result *result, unsigned cell,
		       FILE *to)
{
	const struct bench_figure *f;
	struct bench_spread s;
	char min[24], median[24], max[24];

	if (!cell) {
		fputs("<td></td>", to);
		return;
	}
	f = &result->figure[cell - 1];
	if (f->absent) {
		fputs("<td class=\"dim\">-", to);
	} else {
		s = bench_figure_spread(result, cell - 1);
		fprintf(to, "<td>%s<br><small>%s..%s</small>",
			bench_format(s.median, f->unit, median, sizeof(median)),
			bench_format(s.min, f->unit, min, sizeof(min)),
			bench_format(s.max, f->unit, max, sizeof(max)));
	}
	if (bench_figure_met(result, cell - 1) != BENCH_NOTHING)
		fputs("<br>", to);
	write_figure_target(result, cell - 1, to);
	fputs("</td>", to);
}

static void write_case(const struct bench_result *result, unsigned ci, FILE *to)
{
	fputs("<table class=\"case\"><caption>", to);
	bench_html_text(result->cases[ci].title, to);
	fputs("</caption><tr><th></th>", to);
	for (unsigned m = 0; m < result->n_measures; m++)
		fprintf(to, "<th>%s<br><small>%s</small></th>",
			result->measures[m].title,
			bench_shown_unit(result->measures[m].unit));
	fputs("<th>stalls</th></tr>\n", to);
	for (unsigned k = 0; k < result->n_contenders; k++) {
		if (!bench_has_cells(result, ci, k))
			continue;
		fprintf(to, "<tr><td>%s</td>", result->contenders[k].title);
		for (unsigned m = 0; m < result->n_measures; m++)
			write_cell(result, result->cell[ci][k][m], to);
		write_stalls(result, bench_stalls_of(result, ci, k), to);
		fputs("</tr>\n", to);
	}
	fputs("</table>\n", to);
}

static void write_ratio(const struct bench_result *result, unsigned i, FILE *to)
{
	const struct bench_ratio *ratio = &result->ratio[i];
	enum bench_verdict verdict = bench_ratio_verdict(result, i);
	struct bench_spread s = {INFINITY, INFINITY, INFINITY};
	char min[24], median[24], max[24];

	if (!bench_ratio_absent(result, i))
		s = bench_result_ratio(result, i);
	fputs("<tr><td>", to);
	bench_html_text(ratio->title, to);
	fprintf(to,
		"</td><td>%s</td><td>%s</td><td>%s</td>"
		"<td class=\"%s\">%s</td><td>",
		bench_format_ratio(s.min, min, sizeof(min)),
		bench_format_ratio(s.median, median, sizeof(median)),
		bench_format_ratio(s.max, max, sizeof(max)), colour_of(verdict),
		bench_verdict_word(verdict));
	write_target(ratio->target, ratio->more, "", bench_ratio_met(result, i),
		     to);
	fputs("</td></tr>\n", to);
}

static void write_ratios(const struct bench_result *result, FILE *to)
{
	fputs("<table class=\"ratios\"><tr><th>ratio, round by round</th>"
	      "<th>min</th><th>median</th><th>max</th><th></th><th>target</th>"
	      "</tr>\n",
	      to);
	for (unsigned i = 0; i < result->n_ratios; i++)
		if (!bench_ratio_absent(result, i) ||
		    bench_ratio_verdict(result, i) == BENCH_BAD ||
		    bench_ratio_met(result, i) != BENCH_NOTHING)
			write_ratio(result, i, to);
	fputs("</table>\n", to);
}

static void write_notes(const struct bench_report *report, FILE *to)
{
	const struct bench_result *result = report->result;
	double others = bench_load_others_percent(&result->load);
	double steal = bench_load_steal_percent(&result->load);

	for (unsigned i = 0; i < result->n_notes; i++) {
		fprintf(to, "<p class=\"note\">%s, %s: %s",
			result->note[i].case_title, result->note[i].contender,
			result->note[i].impossible ? "not possible here: " : "");
		bench_html_text(result->note[i].reason, to);
		fputs("</p>\n", to);
	}
	if (others + steal >= BENCH_BUSY_PERCENT)
		fprintf(to,
			"<p class=\"warning\">Others used the CPUs meanwhile: "
			"programs %.0f %%, the machine below %.0f %%.</p>\n",
			others, steal);
	if (*result->unwatched) {
		fputs("<p class=\"warning\">Stalls of the machine were not "
		      "told apart: ",
		      to);
		bench_html_text(result->unwatched, to);
		fputs("</p>\n", to);
	}
	if (report->options->quick)
		fputs("<p class=\"warning\">--quick: too little was measured "
		      "for the figures to mean anything.</p>\n",
		      to);
}

static void write_report(const struct bench_report *report, FILE *to)
{
	const struct bench_result *result = report->result;

	fprintf(to, "<section id=\"%s\"><h2>%s: %s</h2>\n", report->bench->name,
		report->bench->name, report->bench->summary);
	fprintf(to,
		"<p>%s. %u rounds on CPUs %s, %.1f s; median, and min..max of "
		"the rounds.</p>\n",
		result->what, result->rounds, report->host.cpu_list,
		(double)result->load.wall_ns / 1e9);
	write_notes(report, to);
	bench_svg_curves(result, to);
	bench_svg_strip(result, to);
	for (unsigned i = 0; i < result->n_cases; i++)
		write_case(result, i, to);
	if (!result->n_cases)
		write_figures(result, to);
	if (result->n_ratios)
		write_ratios(result, to);
	fputs("</section>\n", to);
}

int bench_write_html(const struct bench_report *reports, unsigned n, FILE *to)
{
	const struct report_host *host = &reports[0].host;

	fprintf(to,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
		"charset=\"utf-8\"><meta name=\"viewport\" "
		"content=\"width=device-width\"><title>disvm bench</title>"
		"<style>%s</style></head>\n<body><h1>disvm bench</h1>\n",
		style);
	fputs("<p id=\"host\">Linux ", to);
	bench_html_text(host->kernel, to);
	fputs(", ", to);
	bench_html_text(host->kvm_backend, to);
	fprintf(to, ", commit %s</p>\n", host->commit);
	for (unsigned i = 0; i < n; i++)
		write_report(&reports[i], to);
	fputs("</body></html>\n", to);
	if (fflush(to) || ferror(to))
		return errno ? -errno : -EIO;
	return 0;
}
