/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Text to figures and back: durations, sizes, lists.
 *
 * Return of all parsers: 0, or -EINVAL (not of the form) or -ERANGE (does not
 * fit); *out is written on success only. No trailing characters are accepted.
 */
#ifndef DIS_UNITS_H
#define DIS_UNITS_H

#include <dis/types.h>

/** "250us", "5ms", "1.5s", "100ns", "2m"; the unit is required, except for "0". */
int dis_parse_duration(const char *text, uint64_t *out_ns);

/** "4096", "64K", "64M", "2G" (powers of 1024; "KiB", "MiB", "GiB" too). */
int dis_parse_size(const char *text, uint64_t *out_bytes);

/** Decimal integer in [min, max]. */
int dis_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/**
 * "0", "0-3", "0,2-3": numbers below @limit into bitmap @words (limit bits,
 * cleared first). Separators are ',' and '+'. -EINVAL for an empty list or a
 * reversed range, -ERANGE for a number >= @limit.
 */
int dis_parse_list(const char *text, unsigned limit, uint64_t *words);

/** Shortest exact-enough text with unit, e.g. "1.25ms"; returns @buf. */
const char *dis_format_duration(uint64_t ns, char *buf, size_t size);

#endif
