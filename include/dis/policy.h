/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Policies: in which order the vCPUs of a class run on a core (R: DIS-11).
 *
 * Place in the flow: the core owns one policy queue per class. It enqueues what
 * becomes runnable, asks which is next, dequeues that one, tells what it has
 * consumed, and enqueues it again or says that it left. Strict order between
 * classes, floors, states and accounting are the core's, not the policy's.
 *
 * Invariant: an entity is in at most one queue, from enqueue to dequeue; pick
 * returns one that is in there. The core checks both.
 *
 * Context: all functions are called by the core's executor, one at a time per
 * queue; they must not block, allocate, log or call back. O(log n) or better.
 * No function fails.
 *
 * A policy may also come as a shared object, a module (R: DIS-16): it includes
 * this file alone and exports one `const struct dis_policy_module
 * dis_policy_module`. See <dis/module.h>, and sched/modules/stride for one.
 */
#ifndef DIS_POLICY_H
#define DIS_POLICY_H

#include <sys/queue.h>

#include <bsd/sys/tree.h>

#include <dis/types.h>

/** Raised with every change of this file's structures or contracts. */
#define DIS_POLICY_ABI 2u

/** The symbol that a module exports. */
#define DIS_POLICY_MODULE_SYMBOL "dis_policy_module"

/**
 * What the core demands of a module; it returns to the former policy when one is
 * broken. An operation is late when it takes longer than OP_MAX, and hangs when it
 * takes as long as OP_HANG. The time is that of the wall, and the host may have
 * taken the core away meanwhile, so once is no proof: four of the last 32 may not
 * be late, and after one that hangs none of the next HANG_APART may. An entity
 * whose share by weight of those queued is one in n counts as lost when it waits
 * longer than WAIT_MAX, while pick returned others more than PASSED_MAX * n times.
 */
#define DIS_POLICY_OP_MAX_NS (100 * DIS_US_NS)
#define DIS_POLICY_OP_HANG_NS (100 * DIS_MS_NS)
#define DIS_POLICY_LATE_MAX 4u
#define DIS_POLICY_HANG_APART 1024u
#define DIS_POLICY_WAIT_MAX_NS (10 * DIS_S_NS)
#define DIS_POLICY_PASSED_MAX 64u

/** Largest queue and longest name and version (with the final 0) of a module. */
#define DIS_POLICY_QUEUE_BYTES_MAX ((size_t)1 << 20)
#define DIS_POLICY_NAME_MAX 32u

/** Weight of a vCPU that declares none. */
#define DIS_WEIGHT_DEFAULT 1024u
#define DIS_WEIGHT_MIN 1u
#define DIS_WEIGHT_MAX 65536u

/**
 * A vCPU as policies see it.
 *
 * The first part is the core's: set before enqueue, constant while queued. The
 * second belongs to the policy whose queue the entity is or was in last; it is
 * zeroed when the class's policy changes. @lag is signed service that the entity
 * is owed (> 0) or has had too much (< 0), in ns of its own weight's time: the
 * policy keeps it true when the entity sleeps or leaves for another core, and
 * honours it at the next enqueue.
 */
struct dis_entity {
	dis_id id;
	uint64_t deadline_ns; /**< absolute, DIS_NEVER_NS for none */
	uint64_t queued_ns;   /**< runnable and waiting since */
	uint64_t slice_ns;    /**< length of a full slice: the request */
	uint32_t weight;      /**< DIS_WEIGHT_MIN..MAX */
	uint8_t priority;     /**< 0 most urgent .. 255 */

	union {
		TAILQ_ENTRY(dis_entity) list;
		RB_ENTRY(dis_entity) tree;
	} link;
	uint64_t key[4];
	int64_t lag;
};

/** Why an entity is enqueued. */
enum dis_enqueue {
	DIS_ENQUEUE_WAKE,  /**< was blocked or is new */
	DIS_ENQUEUE_AGAIN, /**< its slice ended, or it yielded */
	DIS_ENQUEUE_PREEMPT, /**< gave way before its slice ended: keeps its turn */
	DIS_ENQUEUE_ARRIVE, /**< was queued on another core, or in a queue of the
			      *   policy before this one */
};

/** Why an entity is taken out of its queue, or left after it ran. */
enum dis_leave {
	DIS_LEAVE_RUN,   /**< dequeued to run on this core */
	DIS_LEAVE_MOVE,  /**< dequeued to go to another core */
	DIS_LEAVE_SLEEP, /**< ran, and blocks now (not queued) */
	DIS_LEAVE_END,   /**< ends, queued or not */
};

/**
 * @name:        lower-case letters, digits, '-' and '_'.
 * @queue_bytes: memory of one queue; zeroed before init, aligned for any type.
 * @classes:     bit per enum dis_class that the policy can serve.
 * @choice:      what its order goes by, TURN to VIRTUAL_DEADLINE.
 * @by_turns:    it orders turns and does not count service. Then the core may
 *               stretch a slice, or let one past its latency target go first
 *               (analyze.h); else that would break what the policy promises.
 *
 * When another policy takes the class over, this one's queue is dropped as it is,
 * without a call.
 */
struct dis_policy_ops {
	uint32_t abi; /**< DIS_POLICY_ABI */
	const char *name;
	size_t queue_bytes;
	unsigned classes;
	enum dis_choice choice;
	bool by_turns;

	/** init - an empty queue. */
	void (*init)(void *queue);

	/** enqueue - @e becomes the queue's. */
	void (*enqueue)(void *queue, struct dis_entity *e, enum dis_enqueue why,
			uint64_t now_ns);

	/**
	 * dequeue - @e leaves the queue (RUN, MOVE, END).
	 * For RUN it stays the policy's to account until leave or the next
	 * enqueue; it may be another than pick named, if a minimum share is
	 * owed to it.
	 */
	void (*dequeue)(void *queue, struct dis_entity *e, enum dis_leave why,
			uint64_t now_ns);

	/** pick - the entity to run next, still queued; NULL only if empty. */
	struct dis_entity *(*pick)(void *queue, uint64_t now_ns);

	/**
	 * charge - @e, dequeued to RUN, has consumed @ran_ns since the last
	 * charge. Optional.
	 */
	void (*charge)(void *queue, struct dis_entity *e, uint64_t ran_ns,
		       uint64_t now_ns);

	/** leave - @e ran here and does not come back now: SLEEP, MOVE, END.
	 * Optional. */
	void (*leave)(void *queue, struct dis_entity *e, enum dis_leave why,
		      uint64_t now_ns);

	/**
	 * preempts - must @running give way to the queue's best before its
	 * slice ends? By what was charged so far. Optional: never.
	 */
	bool (*preempts)(void *queue, const struct dis_entity *running,
			 uint64_t now_ns);

	/**
	 * explain - why @e, still queued, is what pick returned; where that is
	 * not always @choice. Optional. TURN to VIRTUAL_DEADLINE.
	 */
	enum dis_choice (*explain)(void *queue, const struct dis_entity *e);
};

/**
 * What a module exports under DIS_POLICY_MODULE_SYMBOL.
 *
 * @abi:     DIS_POLICY_ABI; read before anything else.
 * @version: the module's own, for people.
 */
struct dis_policy_module {
	uint32_t abi;
	const char *version;
	const struct dis_policy_ops *ops;
};

/** The policies of this build, ending with NULL; the first serves all classes. */
extern const struct dis_policy_ops *const dis_policies[];

/** By name, or NULL. */
const struct dis_policy_ops *dis_policy_find(const char *name);

#endif
