/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The analyzer: from intent, history and what waits to the decision of a
 * dispatch and its reason (R: DIS-8, DIS-9, PRE-7).
 *
 * Place in the flow: step.c charges, then asks who runs next and for how long;
 * apply.c tells when a burst or a job is over. What is said here is what is
 * done: the decision goes to the timer and, with the event, into the trace.
 *
 * History: a burst is the CPU time from one block to the next. Mean and variance
 * run along in integers, after Welford, "Note on a Method for Calculating
 * Corrected Sums of Squares and Products", Technometrics 4 (1962): exact for the
 * first BURST_WINDOW bursts, then each new one counts 1/BURST_WINDOW.
 *
 * Stretched slices: a burst that, by its history (mean + 2 standard deviations),
 * ends within a quarter of a quantum after the slice's end is let end there. It
 * would wait for everybody's turn to do that rest, and they gain no more than
 * it. Bound: a slice is at most 5/4 of its quantum. Only for Batch and
 * Background, which were promised no latency, under a policy by turns, and only
 * if none of the class whose bursts fit into a quantum was queued on the core for
 * BRIEF_MEMORY_NS: such a one would pay for it, as it profits from every turn
 * that is cut short. tests/sim/test_stretch.c has the figures.
 *
 * Boost: an Interactive vCPU that has waited past its target goes before the
 * others of its class, the longest overdue first, under a policy by turns. No
 * starvation: whoever comes later has a later target time, unless its target is
 * shorter, and is passed by all that have become overdue meanwhile.
 *
 * Locking: the core's owner; others may read a history.
 */
#ifndef DIS_ANALYZE_H
#define DIS_ANALYZE_H

#include "core.h"

#define BURST_WINDOW 16u
/* So many bursts say something about the next one. */
#define BURSTS_KNOWN 8u
/* Longer ones count as this: squares fit, and no slice is that long. */
#define BURST_MAX_NS (UINT64_C(1) << 30)
/* A slice is stretched by at most 1/4 of the quantum. */
#define STRETCH_SHARE 4u

/** One more burst, of @burst_ns, is over. O(1). */
void analyze_burst(struct history *history, uint64_t burst_ns);

/** @vcpu, which is not queued, blocks: its burst is over. */
void analyze_block(struct dis_vcpu *vcpu);

/** Square root, rounded down. */
uint64_t analyze_root(uint64_t square);

/**
 * By how much @vcpu's present quantum of @quantum_ns is longer, so that the
 * burst it is in can end; 0 if it need not be, or that would be too much.
 */
uint64_t analyze_stretch_ns(const struct dis_vcpu *vcpu, uint64_t quantum_ns);

/** Priority of a Realtime vCPU: the less time to its deadline, the smaller. */
uint8_t analyze_realtime_priority(uint64_t deadline_ns, uint64_t now_ns);

/**
 * analyze_pick - who of @klass, of which some wait, runs next, and why.
 * @floor:  the class runs on its floor.
 * @displaced: who had to give way in this pass to one more urgent, or NULL.
 *
 * The vCPU is still queued; its `decided` is filled but for the slice.
 */
struct dis_vcpu *analyze_pick(struct dis_core *core, enum dis_class klass,
			      bool floor, const struct dis_vcpu *displaced,
			      uint64_t now_ns);

/** @vcpu, still queued, is chosen, for the reason @choice. */
void analyze_decide(struct dis_core *core, struct dis_vcpu *vcpu,
		    enum dis_choice choice);

/** How long @vcpu, just picked, may run until its quantum is used up. */
uint64_t analyze_slice_ns(const struct dis_core *core, struct dis_vcpu *vcpu,
			  uint64_t now_ns);

#endif
