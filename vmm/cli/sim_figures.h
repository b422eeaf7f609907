/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What vCPUs got: CPU time, wake latencies, deadlines; by one rule for what was
 * recorded and for what was replayed.
 *
 * Place in the flow: fed with the events of a trace and with those of its
 * replay; sim_report.c puts the two side by side.
 *
 * A wake's latency is the time from when a sleep was over, or from the event that
 * ended a wait, until the vCPU runs. A Realtime job is released by that same
 * moment and has missed if the vCPU stops later than its deadline, or has not
 * stopped when its time is over and the trace ends.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_SIM_FIGURES_H
#define DISVM_SIM_FIGURES_H

#include "sim_trace.h"

/** Times in ns; @p50_ns and so on are 0 without wakes. */
struct sim_got {
	uint64_t cpu_ns;
	uint64_t dispatches;
	uint64_t wakes;
	uint64_t p50_ns, p99_ns, max_ns;
	uint64_t jobs;
	uint64_t misses;
};

struct sim_figures;

/** Return: 0 or -ENOMEM. */
int sim_figures_open(const struct sim_trace *trace, struct sim_figures **out);
/** Events of each vCPU in order. An error is kept until close. */
void sim_figures_take(struct sim_figures *f, const struct sim_event *event);
/**
 * sim_figures_close - releases @f.
 * @got: one for each vCPU of the trace.
 * Return: 0 or -ENOMEM, if there was no room for some event.
 */
int sim_figures_close(struct sim_figures *f, uint64_t end_ns,
		      struct sim_got *got);

#endif
