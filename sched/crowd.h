/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runnable vCPUs of a class by age: since when each has been runnable on its
 * core without a pause.
 *
 * Place in the flow: part of the run queue (queues.h); balance.c and placement.c
 * choose from it whom to move. A vCPU joins when it becomes runnable here and
 * parts when it blocks, ends or leaves; to be dispatched and queued again does
 * not touch it, so a dispatch costs nothing.
 * Invariant: in order of runnable_ns; those before `young` are settled, those
 * from it on are not; `load` is the sum of all weights, `settled` that of the
 * settled ones.
 * Locking: the core's owner.
 */
#ifndef DIS_CROWD_H
#define DIS_CROWD_H

#include "vcpu.h"

/** Who was runnable for so long is no short sleeper: worth a move. */
#define SETTLED_NS (50 * DIS_MS_NS)

TAILQ_HEAD(run_list, dis_vcpu);

struct crowd {
	struct run_list list; /* by crowd_link, the eldest first */
	struct dis_vcpu *young;
	uint64_t load;
	uint64_t settled;
};

void crowd_init(struct crowd *crowd);
/** @vcpu, in no crowd, is runnable from now on. O(1). */
void crowd_join(struct crowd *crowd, struct dis_vcpu *vcpu, uint64_t now_ns);
/** @vcpu leaves its crowd; a no-op if it is in none. O(1). */
void crowd_part(struct dis_vcpu *vcpu);
/** Settles those who are old enough, a bounded number at a time. */
void crowd_age(struct crowd *crowd, uint64_t now_ns);
/** Does the invariant hold? O(n), for checks. */
bool crowd_is_sound(const struct crowd *crowd);

#endif
