/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Plays what the vCPUs of a trace wanted on the scheduler itself, under a virtual
 * clock.
 *
 * Place in the flow: sim_demand.c says what they want, dis/sim.h steps the
 * cores, sim_figures.c takes the events that come of it.
 *
 * Invariant: the same trace and rules give the same figures.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_SIM_REPLAY_H
#define DISVM_SIM_REPLAY_H

#include "sim_demand.h"
#include "sim_figures.h"

/** Rules of the replay; 0 and NULL: the default of the class. */
struct sim_rules {
	unsigned cores;
	uint64_t default_quantum_ns;
	uint64_t quantum_ns[DIS_CLASSES];
	unsigned floor_permille[DIS_CLASSES];
	bool fixed_slices;
	const struct dis_policy_ops *policy[DIS_CLASSES];
};

/**
 * sim_replay - play until the time at which the trace ends.
 * @got:     of each vCPU of the trace.
 * @idle_ns: of all cores; with @got it adds up to the time of all cores.
 * @err:     one line, on error.
 *
 * Return: 0; -EINVAL for rules that the vCPUs' intents, the shares or the
 * scheduler do not take, -ENOMEM.
 */
int sim_replay(const struct sim_trace *trace, const struct sim_demand *demand,
	       const struct sim_rules *rules, struct sim_got *got,
	       uint64_t *idle_ns, char *err, size_t err_size);

#endif
