/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A core's queues (R: DIS-12): runnable vCPUs by class, sleepers by class and
 * wake time.
 *
 * Place in the flow: owned by one core, used by step.c and apply.c.
 * Invariant: a vCPU with place RUNQ is in exactly the list of its class, one
 * with place SLEEPQ in exactly the tree of its class (R: ST-4); `count` is the
 * sum of the lists, `nonempty` has the bit of every list that is not empty;
 * each in a list is in the class's policy queue as well, which knows the order;
 * who is in a list, or was dequeued to run and has not left, is in a crowd of its
 * class, that of the pinned or of the movable ones; `reach` has the bit of every
 * core on which some queued movable vCPU may run;
 * `targets` has the Interactive ones of `list` by when their target is over;
 * `reserve` has those that have a minimum share.
 * Locking: the core's owner; `reach` may be read by others.
 */
#ifndef DIS_QUEUES_H
#define DIS_QUEUES_H

#include "ends_tree.h"
#include "crowd.h"
#include "policy_guard.h"

/* So long a core remembers that it had one with short bursts. */
#define BRIEF_MEMORY_NS DIS_S_NS

/**
 * A policy at work for one class of one core.
 *
 * @guard:    NULL for the policies of this build, which are trusted.
 * @serial:   of this choice of a policy for the class, the same on all cores.
 * @fallback: that serves the class when @guard has a fault; always there then,
 *            and the last of such a chain is trusted.
 */
struct policy_slot {
	const struct dis_policy_ops *ops;
	struct policy_guard *guard;
	uint64_t serial;
	struct policy_slot *fallback;
	enum dis_class klass;     /* once fallen */
	struct policy_slot *next; /* in a list of the fallen, or to be freed */
	_Alignas(max_align_t) unsigned char queue[];
};

ENDS_TREE_HEAD(sleep_tree, dis_vcpu);
ENDS_TREE_HEAD(target_tree, dis_vcpu);

struct run_queue {
	struct policy_slot *policy[DIS_CLASSES];
	struct run_list list[DIS_CLASSES];
	struct crowd crowd[DIS_CLASSES][2]; /* by `movable` */
	struct reserve_queue reserve;       /* those with a minimum */
	unsigned length[DIS_CLASSES];
	uint64_t present_ns[DIS_CLASSES];     /* since then some wait, or run */
	uint64_t brief_until_ns[DIS_CLASSES]; /* see analyze.h */
	unsigned nonempty;
	unsigned count;
	unsigned roaming; /* queued ones that may run anywhere */
	/* The core's current vCPU, from its removal to run until it is added
	 * again or leaves. */
	struct dis_vcpu *running;
	struct policy_slot *fallen;       /* modules that were returned from */
	unsigned bound_to[DIS_CORES_MAX]; /* others, by core; movable ones */
	dis_cpumask bound;                /* cores whose bound_to is not 0 */
	atomic_ullong reach;
	struct target_tree targets;
	struct dis_queue_stats stats[DIS_CLASSES]; /* others may read them */
	struct policy_inside inside;
};

struct sleep_queue {
	struct sleep_tree tree[DIS_CLASSES];
	unsigned length; /* others may read it */
};

/**
 * An empty queue of @ops. @guard becomes its own; NULL: trusted.
 * Return: NULL without memory.
 */
struct policy_slot *policy_slot_new(const struct dis_policy_ops *ops,
				    struct policy_guard *guard);
/** Frees @slot, what it could fall back to, and all that follow it. */
void policy_slot_free(struct policy_slot *slot);

/** Without policies: run_queue_set_policy() for each class comes next. */
void run_queue_init(struct run_queue *queue);

/**
 * run_queue_set_policy - @slot serves @klass from now on; what is queued or runs
 * goes over, in the order of queueing.
 * Return: the slot that served before, to be freed, or NULL.
 */
struct policy_slot *run_queue_set_policy(struct run_queue *queue,
					 enum dis_class klass,
					 struct policy_slot *slot,
					 uint64_t now_ns);

/**
 * run_queue_fall_back - return from the module that serves @klass to the policy
 * before it, or to that before, if it has failed too. The module is not called;
 * its slot is one of the fallen. No allocation.
 */
void run_queue_fall_back(struct run_queue *queue, enum dis_class klass,
			 uint64_t now_ns);

/** @vcpu has nothing of another policy any more, and is now @serial's. */
void run_queue_forget_policy(struct dis_vcpu *vcpu, uint64_t serial);

/*
 * What follows, for classes that a module serves: the policy's part of it, and
 * the return to the former policy if need be. Kept apart from the code that
 * serves the policies of this build.
 */
#define MODULE_CODE __attribute__((cold, noinline))
MODULE_CODE void run_queue_module_add(struct run_queue *queue,
				      struct dis_vcpu *vcpu,
				      enum dis_enqueue why, uint64_t now_ns);
MODULE_CODE void run_queue_module_remove(struct run_queue *queue,
					 struct dis_vcpu *vcpu,
					 enum dis_leave why, uint64_t now_ns);
MODULE_CODE struct dis_vcpu *run_queue_module_pick(struct run_queue *queue,
						   enum dis_class klass,
						   uint64_t now_ns);
MODULE_CODE enum dis_choice run_queue_module_explain(struct run_queue *queue,
						     const struct dis_vcpu *vcpu,
						     uint64_t now_ns);
MODULE_CODE void run_queue_module_charge(struct run_queue *queue,
					 struct dis_vcpu *vcpu, uint64_t ran_ns,
					 uint64_t now_ns);
MODULE_CODE void run_queue_module_leave(struct run_queue *queue,
					struct dis_vcpu *vcpu,
					enum dis_leave why, uint64_t now_ns);
MODULE_CODE bool run_queue_module_preempts(struct run_queue *queue,
					   const struct dis_vcpu *running,
					   uint64_t now_ns);

/** @vcpu is Scheduled and becomes the queue's. */
void run_queue_add(struct run_queue *queue, struct dis_vcpu *vcpu,
		   enum dis_enqueue why, uint64_t now_ns);
void run_queue_remove(struct run_queue *queue, struct dis_vcpu *vcpu,
		      enum dis_leave why, uint64_t now_ns);
/** The one to run next of a class that is not empty. */
struct dis_vcpu *run_queue_pick(struct run_queue *queue, enum dis_class klass,
				uint64_t now_ns);
/**
 * One of @klass was removed to run: fetches the next of its policy, if that is
 * one of this build, into the cache.
 */
void run_queue_prefetch(struct run_queue *queue, enum dis_class klass,
			uint64_t now_ns);
/**
 * The one of @klass that has waited longest past its target latency (R: DIS-9),
 * or NULL. Only Interactive knows targets.
 */
struct dis_vcpu *run_queue_overdue(const struct run_queue *queue,
				   enum dis_class klass, uint64_t now_ns);
/** Why @vcpu, still queued, is the one that its policy picked. */
enum dis_choice run_queue_explain(struct run_queue *queue,
				  const struct dis_vcpu *vcpu, uint64_t now_ns);
/** @vcpu, which was removed to run, consumed @ran_ns. */
void run_queue_charge(struct run_queue *queue, struct dis_vcpu *vcpu,
		      uint64_t ran_ns, uint64_t now_ns);
/** @vcpu ran here and is not put back. */
void run_queue_leave(struct run_queue *queue, struct dis_vcpu *vcpu,
		     enum dis_leave why, uint64_t now_ns);
/** Does the policy of @klass know preemption at all? */
bool run_queue_preempting(const struct run_queue *queue, enum dis_class klass);
/** Must @running give way to one of its own class? */
bool run_queue_preempts(struct run_queue *queue, const struct dis_vcpu *running,
			uint64_t now_ns);
/** Most urgent class with a vCPU, or DIS_CLASSES. */
enum dis_class run_queue_top(const struct run_queue *queue);

void sleep_queue_init(struct sleep_queue *queue);
/** By vcpu->wake_ns, which must not change while queued. O(log n). */
void sleep_queue_add(struct sleep_queue *queue, struct dis_vcpu *vcpu);
void sleep_queue_remove(struct sleep_queue *queue, struct dis_vcpu *vcpu);
/** Earliest wake time in classes [from, to), or DIS_NEVER_NS. */
uint64_t sleep_queue_next_ns(const struct sleep_queue *queue, unsigned from,
			     unsigned to);

#endif
