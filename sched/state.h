/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The life cycle: seven states, their legal edges, and the one function that
 * walks along them (R: ST-1, ST-2).
 *
 * Place in the flow: called by apply.c and step.c for every change of a vCPU's state.
 * Locking: the owner of the vCPU.
 */
#ifndef DIS_STATE_H
#define DIS_STATE_H

#include "vcpu.h"

/** Is there an edge from @from to @to? */
bool dis_state_edge(enum dis_state from, enum dis_state to);

/** Finished or Failed. */
static inline bool dis_state_final(enum dis_state state)
{
	return state == DIS_STATE_FINISHED || state == DIS_STATE_FAILED;
}

/**
 * state_set - change state: checks the edge, accounts the time spent in the old
 * state, counts, emits one event.
 * @arg: the event's arg.
 */
void state_set(struct dis_vcpu *vcpu, enum dis_state state,
	       enum dis_reason reason, uint64_t arg, uint64_t now_ns);

/** The first state, at spawn: the edge [*] -> Scheduled. */
void state_init(struct dis_vcpu *vcpu, uint64_t now_ns);

/** Count and emit that first state, once a core owns the vCPU. */
void state_announce(struct dis_vcpu *vcpu, uint64_t now_ns);

#endif
