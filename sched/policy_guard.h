/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What stands between the core and a policy module (R: DIS-16).
 *
 * Place in the flow: queues.c calls the operations of modules through here, those
 * of this build directly. When a module breaks a rule of policy.h its guard has a
 * `fault`, and the caller returns to the former policy.
 *
 * Invariant: `queued` has the bits of the entities that are in the module's
 * queue, by index of their vCPU in the slab: so a pointer that it returns is
 * proven to be one of them by arithmetic alone, before anything is read from it.
 * Locking: the core's owner, but `inside`, which others may read.
 */
#ifndef DIS_POLICY_GUARD_H
#define DIS_POLICY_GUARD_H

#include "module.h"
#include "slab.h"
#include "vcpu.h"

/** Which module's operation a core is in, and since when, for the watch. */
struct policy_inside {
	_Atomic(const struct policy_module *) module;
	atomic_ullong since_ns;
};

struct policy_guard {
	struct policy_module *module;
	const struct slab *vcpus;
	const struct dis_domain_config *cfg; /* its clock */
	enum dis_reason fault; /* the first that it made here, or NONE */
	uint32_t late;         /* bit per operation of the last 32 */
	unsigned may_not_hang; /* in so many more operations: one did */
	/* The one that has been queued longest, and how often others ran. */
	const struct dis_vcpu *oldest;
	uint64_t oldest_since_ns;
	uint64_t passed;
	uint64_t look_at; /* how often that is before weights are added up */
	uint64_t queued[];
};

/** Return: NULL without memory. Counts as one of @module's queues until freed. */
struct policy_guard *policy_guard_new(struct policy_module *module,
				      const struct slab *vcpus,
				      const struct dis_domain_config *cfg);
void policy_guard_free(struct policy_guard *guard);

/** Is @vcpu in the module's queue, as far as it was told? */
bool policy_guard_has(const struct policy_guard *guard,
		      const struct dis_vcpu *vcpu);

/** One call of @guard's module: what every operation needs. */
struct policy_call {
	struct policy_guard *guard;
	struct policy_inside *inside;
	void *queue;
	uint64_t now_ns;
};

/* The operations, by their names. charge, leave may be absent. */
void policy_guard_init(const struct policy_call *call);
void policy_guard_enqueue(const struct policy_call *call, struct dis_vcpu *vcpu,
			  enum dis_enqueue why);
void policy_guard_dequeue(const struct policy_call *call, struct dis_vcpu *vcpu,
			  enum dis_leave why);
/**
 * @oldest: the one queued longest, @length: how many are queued, not 0.
 * Return: the vCPU to run, proven to be queued; NULL with a fault.
 */
struct dis_vcpu *policy_guard_pick(const struct policy_call *call,
				   const struct dis_vcpu *oldest,
				   unsigned length);
void policy_guard_charge(const struct policy_call *call, struct dis_vcpu *vcpu,
			 uint64_t ran_ns);
void policy_guard_leave(const struct policy_call *call, struct dis_vcpu *vcpu,
			enum dis_leave why);
bool policy_guard_preempts(const struct policy_call *call,
			   const struct dis_vcpu *running);

/** What is no reason of a policy's counts as its usual one. */
enum dis_choice policy_guard_explain(const struct policy_call *call,
				     const struct dis_vcpu *vcpu);

/** The guard of the module whose operation this thread is in, or NULL. */
extern _Thread_local struct policy_guard *policy_guard_within;
void policy_guard_note_reentry(void);

/**
 * Is this thread inside a module's operation? Then what it asks for is to be
 * refused, and the module has failed. For functions that change something or
 * take a mutex.
 */
static inline bool policy_guard_reentered(void)
{
	if (!policy_guard_within)
		return false;
	policy_guard_note_reentry();
	return true;
}

#endif
