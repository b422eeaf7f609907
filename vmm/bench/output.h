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
static inline bool bench_target_met(double target, double median, bool more)
{
	return more ? median >= target : median <= target;
}

/** "12.3", "1234" or so, nanoseconds as microseconds; returns @buf. */
const char *bench_format(double value, const char *unit, char *buf, size_t size);
/** "us" for "ns", else @unit. */
const char *bench_shown_unit(const char *unit);

#endif
