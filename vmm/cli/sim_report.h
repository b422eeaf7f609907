/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What was recorded beside what was replayed, as a table or as JSON
 * (disvm.sim/1).
 *
 * Place in the flow: last step of `disvm sim`.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_SIM_REPORT_H
#define DISVM_SIM_REPORT_H

#include <stdio.h>

#include "sim_figures.h"
#include "sim_replay.h"

/** @recorded, @replayed: of each vCPU. @idle_ns: of the replay. */
struct sim_report {
	const char *path;
	const struct sim_trace *trace;
	const struct sim_rules *rules;
	const struct sim_got *recorded;
	const struct sim_got *replayed;
	uint64_t idle_ns;
};

/** Return: 0 or -errno of writing, -ENOMEM. */
int sim_report_text(const struct sim_report *report, FILE *to);
int sim_report_json(const struct sim_report *report, FILE *to);

#endif
