/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The result of a bench as a table (table.c) or as JSON, schema
 * disvm.bench.NAME/1 (output.c).
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_BENCH_OUTPUT_H
#define DISVM_BENCH_OUTPUT_H

#include "bench/bench.h"
#include "bench/stats.h"
#include "cli/report.h"

/** Use of the CPUs by others that is worth a warning, in percent. */
#define BENCH_BUSY_PERCENT 5.0

/** What is written; all of it is the caller's. */
struct bench_report {
	const struct bench *bench;
	const struct bench_options *options;
	struct bench_result *result;
	struct report_host host;
};

/** Return: 0 or -errno of writing. */
int bench_write_text(const struct bench_report *report, FILE *to);
/** One report as an object, several as those of schema disvm.bench.all/1.
 * Return: 0, -ENOMEM, or -errno of writing. */
int bench_write_json(const struct bench_report *reports, unsigned n, FILE *to);

struct bench_spread bench_figure_spread(const struct bench_result *result,
					unsigned figure);
struct bench_spread bench_result_ratio(const struct bench_result *result,
				       unsigned ratio);
/** One of its figures could not be measured. */
bool bench_ratio_absent(const struct bench_result *result, unsigned ratio);

/** OPEN: there is something to judge, but not enough was measured. */
enum bench_verdict {
	BENCH_NOTHING,
	BENCH_GOOD,
	BENCH_BAD,
	BENCH_OPEN,
};

/** Was the figure's target met? Of 0 only if it was in every round; not by who
 * starved. */
enum bench_verdict bench_figure_met(const struct bench_result *result,
				    unsigned figure);
/** Was the ratio's target met? Something to nothing is BENCH_BAD where less is
 * better, else BENCH_OPEN. */
enum bench_verdict bench_ratio_met(const struct bench_result *result,
				   unsigned ratio);
/** Is ours better than the peer's? Not if ours starved. Grids only: others have
 * no peers. */
enum bench_verdict bench_ratio_verdict(const struct bench_result *result,
				       unsigned ratio);
/** "met" and so on. */
const char *bench_met_word(enum bench_verdict verdict);
/** "better" and so on. */
const char *bench_verdict_word(enum bench_verdict verdict);
/** Slices or starts left out of what @contender was measured in, of the measure with
 * the most. */
unsigned bench_stalls_of(const struct bench_result *result, unsigned case_index,
			 unsigned contender);

/** "12.3", "1234" or so, nanoseconds as microseconds; returns @buf. */
const char *bench_format(double value, const char *unit, char *buf, size_t size);
/** "0.123", or "-" if it is undefined; returns @buf. */
const char *bench_format_ratio(double value, char *buf, size_t size);
/** "us" for "ns", else @unit. */
const char *bench_shown_unit(const char *unit);

#endif
