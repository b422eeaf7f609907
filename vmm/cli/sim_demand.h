/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What each vCPU of a trace wanted, apart from what it got: bursts of CPU time
 * between voluntary stops, and what ended each wait.
 *
 * Place in the flow: made from a sim_trace, played by sim_replay.c.
 *
 * The model. A burst is the CPU time between two voluntary stops; preemptions and
 * throttles do not end it. A sleep lasts until an absolute time. A wait, or a
 * sleep that was cut short, ends with a *signal*: by the sibling vCPU that was
 * running then, or that stopped at most SIM_CAUSE_NS before, once that one has
 * had as much CPU time as then; by nobody's hand, at the same time as then. A
 * join lasts until the VM has ended that ended last before it was over. What a
 * VM still wanted when the trace ended or it was stopped is unknown: it computes
 * for ever.
 *
 * Invariant: signals of a vCPU, and those from outside, ascend.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_SIM_DEMAND_H
#define DISVM_SIM_DEMAND_H

#include <dis/ops.h>

#include "sim_trace.h"

/* From a sibling's message until the woken one's core takes it. */
#define SIM_CAUSE_NS DIS_MS_NS

/**
 * A burst and the stop that ends it.
 * @run_ns:   DIS_NEVER_NS: for ever.
 * @outcome:  CONTINUE: a hint, the next burst is of class @klass.
 * @timer_ns: HALT: asleep until then; DIS_NEVER_NS: not.
 * @signalled: HALT: a signal ends it (too).
 * @join:     JOIN: index of the VM.
 */
struct sim_burst {
	uint64_t run_ns;
	uint64_t timer_ns;
	uint32_t join;
	uint8_t outcome; /* enum dis_outcome */
	uint8_t reason;
	uint8_t klass;
	bool signalled;
};

/**
 * Ends the stop of burst @burst of vCPU @target.
 * @at_ns: CPU time of the sender, or time of the trace.
 */
struct sim_signal {
	uint64_t at_ns;
	uint32_t target;
	uint32_t burst;
};

struct sim_signals {
	struct sim_signal *list;
	size_t count, room;
};

/** @sends: to its siblings. */
struct sim_program {
	struct sim_burst *bursts;
	size_t count, room;
	struct sim_signals sends;
};

/** @end_ns: when it was ended from outside; DIS_NEVER_NS: it was not. */
struct sim_life {
	uint64_t start_ns;
	uint64_t end_ns;
	uint8_t state;
	uint8_t reason;
};

/** Indices are those of the trace. */
struct sim_demand {
	struct sim_program *programs;
	struct sim_life *lives;
	struct sim_signals outside;
	size_t n_programs;
};

/** Return: 0 or -ENOMEM. Release with sim_demand_free(). */
int sim_demand_of(const struct sim_trace *trace, struct sim_demand *out);
void sim_demand_free(struct sim_demand *demand);

#endif
