/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The progress line of a run, on standard error.
 *
 * Place in the flow: the main thread of cmd_run() calls progress_update() as
 * often as it likes while the guests run; a line appears when one is due: every
 * 500 ms, over the last one, on a terminal; else every second, a line each.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_PROGRESS_H
#define DISVM_PROGRESS_H

#include <stdio.h>

#include <dis/stats.h>

/**
 * @limit_ns: time limit of the run, DIS_NEVER_NS for none.
 * @cores:    snapshot of @n_cores cores, counted from the start of the run.
 * @live_vms: guests that have not ended.
 */
struct progress_sample {
	uint64_t elapsed_ns;
	uint64_t limit_ns;
	const struct dis_core_stats *cores;
	unsigned n_cores;
	unsigned live_vms;
	unsigned vms;
	unsigned vcpus;
};

struct progress {
	FILE *to;
	bool tty;
	unsigned width; /**< of the line that stands on the terminal */
	uint64_t due_ns;
	uint64_t last_charged_ns[DIS_CORES_MAX];
	uint64_t last_idle_ns[DIS_CORES_MAX];
};

/** @to: usually stderr; its kind decides between \r and plain lines. */
void progress_init(struct progress *p, FILE *to);

/**
 * progress_update - write a line if one is due.
 *
 * Busy is the charged part of what a core accounted since the last line; "no
 * switch": it accounted nothing, one vCPU (or none) had it all the time.
 */
void progress_update(struct progress *p, const struct progress_sample *sample);

/** Remove the line from the terminal; before anything else is written. */
void progress_end(struct progress *p);

#endif
