/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Minimum shares (R: DIS-6, DIS-14): a vCPU that wants to run gets its minimum
 * in every window of 100 ms.
 *
 * Design: a server per vCPU, after the constant bandwidth server (Abeni and
 * Buttazzo, RTSS 1998) with implicit deadlines. Time is cut into periods; in each
 * the vCPU is owed a chunk, and whatever it runs counts towards that, however it
 * came to run. While it is owed some it goes before all classes, of several the
 * one whose period ends first (EDF). The core admits no more than fits
 * (admission.c), so each period brings its chunk in full (Liu and Layland, 1973).
 *   n      = minimum of the window / 1 ms, within 2 and 20
 *   chunk  = minimum of the window / n
 *   period = window / (n + 1)
 * A window holds n whole periods at least, wherever it begins, so it holds the
 * minimum; and it touches n + 2 at most, so that what is run on the reserve in a
 * window is n + 2 chunks at most (share.h needs that).
 *
 * A period begins when the one before has ended; of a vCPU that slept, when it
 * wakes. One that wakes within a period is owed no more than fits into the rest
 * of it at its own pace, or it would take from others.
 *
 * Place in the flow: the run queue keeps those that wait (queues.c); step.c asks
 * who is owed. Invariant: in `owed` are exactly those queued with left_ns > 0,
 * in `resting` the other queued ones with a minimum, both by end of period.
 * Locking: the core's owner.
 */
#ifndef DIS_RESERVE_H
#define DIS_RESERVE_H

#include <dis/types.h>

#include "ends_tree.h"

struct dis_vcpu;

/** Of a minimum: what is owed in each period. */
struct reserve_rate {
	uint64_t chunk_ns; /* 0: no minimum */
	uint64_t period_ns;
};

/** A vCPU's reserve. */
struct reserve {
	struct reserve_rate rate;
	uint64_t left_ns; /* owed in the present period */
	uint64_t end_ns;  /* of the present period */
	RB_ENTRY(dis_vcpu) link;
};

ENDS_TREE_HEAD(reserve_tree, dis_vcpu);

struct reserve_queue {
	struct reserve_tree owed, resting;
};

/** @permille of a core, 0..1000. */
struct reserve_rate reserve_rate(unsigned permille);
/** The share of a core that is set aside for it, in millionths, rounded up. */
uint64_t reserve_pace_ppm(unsigned permille);
/** Most that is run on the reserve in any window of 100 ms. */
uint64_t reserve_most_ns(unsigned permille);

/** A rate other than before; the vCPU is not queued. */
void reserve_set(struct reserve *reserve, unsigned permille);

/** @vcpu, with a minimum, is queued; @woke: it was not runnable before. */
void reserve_queue_add(struct reserve_queue *queue, struct dis_vcpu *vcpu,
		       bool woke, uint64_t now_ns);
void reserve_queue_remove(struct reserve_queue *queue, struct dis_vcpu *vcpu);
/** Periods that have ended by now are followed by new ones. */
void reserve_queue_advance(struct reserve_queue *queue, uint64_t now_ns);
/** When next one that is not owed now will be, or DIS_NEVER_NS. */
uint64_t reserve_queue_next_ns(const struct reserve_queue *queue);
/** The one with the least time left of those owed, or NULL. */
static inline struct dis_vcpu *
reserve_queue_first(const struct reserve_queue *queue)
{
	return queue->owed.first;
}

/** The vCPU, which is not queued, ran for the last @ran_ns. */
void reserve_charge(struct reserve *reserve, uint64_t ran_ns, uint64_t now_ns);

#endif
