/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The results of benches as one page that needs nothing else: tables, and plots
 * as inline SVG (svg.c), in the reader's light or dark scheme.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_BENCH_HTML_H
#define DISVM_BENCH_HTML_H

#include "bench/output.h"

/** Return: 0 or -errno of writing. */
int bench_write_html(const struct bench_report *reports, unsigned n, FILE *to);

/** Text with what has a meaning in HTML replaced. */
void bench_html_text(const char *text, FILE *to);

/** All curves of @result, a figure per panel; its strip. */
void bench_svg_curves(const struct bench_result *result, FILE *to);
void bench_svg_strip(const struct bench_result *result, FILE *to);

#endif
