/* SPDX-License-Identifier: Apache-2.0 */
/* Plots of a page; see html.h. */
#include <math.h>
#include <string.h>

#include "bench/html.h"

#define WIDTH 640.0
#define HEIGHT 300.0
#define LEFT 60.0
#define RIGHT 190.0 /* for the names of the lines */
#define TOP 16.0
#define BOTTOM 44.0
#define COLOURS 8u
#define LANE 36.0

/** @log_x, and the range of all curves of a panel. */
struct axes {
	bool log_x;
	double x0, x1, y0, y1;
};

static double scaled(double x, bool log)
{
	return log ? log10(x > 0 ? x : 1e-3) : x;
}

static double at_x(const struct axes *a, double x)
{
	double from = scaled(a->x0, a->log_x), to = scaled(a->x1, a->log_x);

	return LEFT + (WIDTH - LEFT - RIGHT) * (scaled(x, a->log_x) - from) /
			      (to > from ? to - from : 1);
}

static double at_y(const struct axes *a, double y)
{
	return HEIGHT - BOTTOM -
	       (HEIGHT - TOP - BOTTOM) * (y - a->y0) /
		       (a->y1 > a->y0 ? a->y1 - a->y0 : 1);
}

static bool in_panel(const struct bench_curve *curve, const char *panel)
{
	return strcmp(curve->panel, panel) == 0;
}

static struct axes axes_of(const struct bench_result *result,
			   const struct bench_curve *first)
{
	struct axes a = {
		.log_x = first->log_x, .x0 = first->x[0], .x1 = first->x[0]};

	for (unsigned c = 0; c < result->n_curves; c++) {
		const struct bench_curve *curve = &result->curve[c];

		if (!in_panel(curve, first->panel))
			continue;
		for (unsigned i = 0; i < curve->n; i++) {
			a.x0 = fmin(a.x0, curve->x[i]);
			a.x1 = fmax(a.x1, curve->x[i]);
			a.y1 = fmax(a.y1, curve->y[i]);
		}
	}
	return a;
}

static void line(FILE *to, double x1, double y1, double x2, double y2)
{
	fprintf(to,
		"<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		"y2=\"%.1f\"/>\n",
		x1, y1, x2, y2);
}

static void label(FILE *to, double x, double y, const char *anchor,
		  const char *text)
{
	fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y,
		anchor);
	bench_html_text(text, to);
	fputs("</text>\n", to);
}

static void tick_x(FILE *to, const struct axes *a, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", value);
	line(to, at_x(a, value), HEIGHT - BOTTOM, at_x(a, value),
	     HEIGHT - BOTTOM + 4);
	label(to, at_x(a, value), HEIGHT - BOTTOM + 16, "middle", text);
}

static void draw_axes(FILE *to, const struct axes *a,
		      const struct bench_curve *first)
{
	char text[32];

	line(to, LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
	line(to, LEFT, TOP, LEFT, HEIGHT - BOTTOM);
	for (unsigned i = 0; i <= 4; i++) {
		double y = a->y0 + (a->y1 - a->y0) * i / 4;

		snprintf(text, sizeof(text), "%.4g", y);
		line(to, LEFT - 4, at_y(a, y), LEFT, at_y(a, y));
		label(to, LEFT - 6, at_y(a, y) + 4, "end", text);
	}
	if (a->log_x) {
		int from = (int)ceil(scaled(a->x0, true));
		int end = (int)floor(scaled(a->x1, true));

		for (int i = from; i <= end; i++)
			tick_x(to, a, pow(10, i));
	} else {
		for (unsigned i = 0; i <= 4; i++)
			tick_x(to, a, a->x0 + (a->x1 - a->x0) * i / 4);
	}
	label(to, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle",
	      first->x_title);
	label(to, LEFT + 4, TOP - 4, "start", first->y_title);
}

static void draw_curve(FILE *to, const struct axes *a,
		       const struct bench_curve *curve, unsigned number)
{
	double y = TOP + 16.0 * number + 10;

	fprintf(to, "<polyline class=\"c%u\" points=\"", number % COLOURS);
	for (unsigned i = 0; i < curve->n; i++)
		fprintf(to, "%.1f,%.1f ", at_x(a, curve->x[i]),
			at_y(a, curve->y[i]));
	fputs("\"/>\n", to);
	fprintf(to,
		"<line class=\"c%u\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		"y2=\"%.1f\"/>\n",
		number % COLOURS, WIDTH - RIGHT + 8, y - 4, WIDTH - RIGHT + 28,
		y - 4);
	label(to, WIDTH - RIGHT + 34, y, "start", curve->name);
}

static void draw_panel(FILE *to, const struct bench_result *result,
		       const struct bench_curve *first)
{
	struct axes a = axes_of(result, first);
	unsigned number = 0;

	fputs("<figure class=\"plot\"><figcaption>", to);
	bench_html_text(first->panel, to);
	fprintf(to,
		"</figcaption><svg role=\"img\" viewBox=\"0 0 %.0f %.0f\">\n",
		WIDTH, HEIGHT);
	draw_axes(to, &a, first);
	for (unsigned c = 0; c < result->n_curves; c++)
		if (in_panel(&result->curve[c], first->panel))
			draw_curve(to, &a, &result->curve[c], number++);
	fputs("</svg></figure>\n", to);
}

void bench_svg_curves(const struct bench_result *result, FILE *to)
{
	for (unsigned c = 0; c < result->n_curves; c++) {
		unsigned first = 0;

		while (!in_panel(&result->curve[first], result->curve[c].panel))
			first++;
		if (first == c && result->curve[c].n)
			draw_panel(to, result, &result->curve[c]);
	}
}

static void draw_block(FILE *to, const struct bench_block *b, double ns_per_px)
{
	fprintf(to,
		"<rect class=\"kind%u\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
		"height=\"%.1f\"><title>guest %u, %.3f to %.3f ms"
		"</title></rect>\n",
		b->kind * (1 + b->who % 2), 40 + (double)b->from_ns / ns_per_px,
		TOP + LANE * b->lane,
		fmax((double)(b->to_ns - b->from_ns) / ns_per_px, 0.5),
		LANE - 8, b->who, (double)b->from_ns / 1e6,
		(double)b->to_ns / 1e6);
}

void bench_svg_strip(const struct bench_result *result, FILE *to)
{
	uint64_t end_ns = 1;
	unsigned lanes = 0;
	double height;
	char text[48];

	if (!result->n_strip)
		return;
	for (unsigned i = 0; i < result->n_strip; i++) {
		const struct bench_block *b = &result->strip[i];

		end_ns = b->to_ns > end_ns ? b->to_ns : end_ns;
		lanes = b->lane >= lanes ? b->lane + 1 : lanes;
	}
	height = TOP + LANE * lanes + 24;
	fputs("<figure class=\"strip\"><figcaption>Who ran where, DIS, ", to);
	bench_html_text(result->strip_title, to);
	fprintf(to,
		": <span class=\"key kind0\"></span> %s, <span class=\"key "
		"kind1\"></span> <span class=\"key kind2\"></span> %s"
		"</figcaption><svg role=\"img\" viewBox=\"0 0 %.0f %.0f\">\n",
		result->strip_kinds[0], result->strip_kinds[1], WIDTH, height);
	for (unsigned i = 0; i < lanes; i++) {
		snprintf(text, sizeof(text), "core %u", i);
		label(to, 36, TOP + LANE * i + LANE / 2, "end", text);
	}
	for (unsigned i = 0; i < result->n_strip; i++)
		draw_block(to, &result->strip[i], (double)end_ns / (WIDTH - 50));
	snprintf(text, sizeof(text), "%.1f ms", (double)end_ns / 1e6);
	label(to, WIDTH - 10, height - 8, "end", text);
	label(to, 40, height - 8, "start", "0");
	fputs("</svg></figure>\n", to);
}
