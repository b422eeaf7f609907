/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who else used CPUs of the host while a bench ran on them.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_LOAD_H
#define DISVM_BENCH_LOAD_H

#include <stdint.h>

/** Readings, or the difference of two; whole ticks of 10 ms but for @own_ns. */
struct bench_load {
	unsigned cpus; /**< how many they are of */
	uint64_t wall_ns;
	uint64_t busy_ns;  /**< these CPUs, anybody, interrupts included */
	uint64_t steal_ns; /**< the machine below had it */
	uint64_t own_ns;   /**< this process and its children, on any CPU */
};

/**
 * All 0 but the time if /proc/stat does not tell. Children count once they were
 * waited for.
 */
struct bench_load bench_load_read(const unsigned *cpus, unsigned n);

/**
 * bench_load_parse - find @cpu in the text of /proc/stat (proc(5)), add it to
 * busy_ns and steal_ns.
 * Return: 0, or -ENOENT without either being written.
 */
int bench_load_parse(const char *stat, unsigned cpu, long ticks_per_s,
		     struct bench_load *out);

struct bench_load bench_load_since(const struct bench_load *then,
				   const struct bench_load *now);

/** Share of the time, in percent, that others / the machine below had it. */
double bench_load_others_percent(const struct bench_load *load);
double bench_load_steal_percent(const struct bench_load *load);

#endif
