/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Words that every part of DIS uses: time, IDs, classes, states, reasons, CPU
 * masks.
 *
 * Place in the flow: the bottom; includes nothing of the project.
 */
#ifndef DIS_TYPES_H
#define DIS_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* Time is CLOCK_MONOTONIC in nanoseconds; arithmetic saturates. */
#define DIS_NEVER_NS UINT64_MAX
#define DIS_US_NS UINT64_C(1000)
#define DIS_MS_NS UINT64_C(1000000)
#define DIS_S_NS UINT64_C(1000000000)

static inline uint64_t dis_ns_add(uint64_t a_ns, uint64_t b_ns)
{
	uint64_t sum_ns;

	return __builtin_add_overflow(a_ns, b_ns, &sum_ns) ? DIS_NEVER_NS
							   : sum_ns;
}

static inline uint64_t dis_ns_sub(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns > b_ns ? a_ns - b_ns : 0;
}

static inline uint64_t dis_ns_min(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static inline uint64_t dis_ns_max(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns > b_ns ? a_ns : b_ns;
}

/**
 * ID of a VM or a vCPU (R: DIS-1): generation in the upper half, slab index + 1
 * in the lower. 0 is invalid. Never reused in a session.
 */
typedef uint64_t dis_id;
#define DIS_ID_NONE ((dis_id)0)

/** Intent classes in order of urgency (R: DIS-5). */
enum dis_class {
	DIS_CLASS_SYSTEM,
	DIS_CLASS_REALTIME,
	DIS_CLASS_INTERACTIVE,
	DIS_CLASS_BATCH,
	DIS_CLASS_BACKGROUND,
	DIS_CLASSES,
};

/** The seven states (R: ST-1). */
enum dis_state {
	DIS_STATE_SCHEDULED,
	DIS_STATE_RUNNING,
	DIS_STATE_SLEEPING,
	DIS_STATE_WAITING,
	DIS_STATE_THROTTLED,
	DIS_STATE_FINISHED,
	DIS_STATE_FAILED,
	DIS_STATES,
};

/** Why a vCPU changed its state; travels with the event (R: ST-6). */
enum dis_reason {
	DIS_REASON_NONE,
	/* -> Scheduled */
	DIS_REASON_SPAWN,
	DIS_REASON_YIELD,
	DIS_REASON_PREEMPT,   /**< gave way to a more urgent vCPU */
	DIS_REASON_TIMER,     /**< its wake time was reached */
	DIS_REASON_INTERRUPT, /**< interrupt, IPI, NMI, INIT, SIPI */
	DIS_REASON_JOINED,    /**< the VM that it waited for ended */
	DIS_REASON_REQUEUE,   /**< Throttled -> Scheduled */
	DIS_REASON_INTENT,    /**< its intent changed */
	/* -> Running */
	DIS_REASON_DISPATCH,
	DIS_REASON_FLOOR,     /**< dispatched to keep its class's floor */
	DIS_REASON_SHARE_MIN, /**< dispatched because its minimum is owed */
	/* -> Throttled */
	DIS_REASON_SLICE_END,
	DIS_REASON_SHARE_MAX,    /**< its own maximum is used up */
	DIS_REASON_SHARE_MAX_VM, /**< its VM's maximum is used up */
	/* -> Sleeping, Waiting (R: DIS-10 block reasons) */
	DIS_REASON_HALT,
	DIS_REASON_IO,
	DIS_REASON_MUTEX,
	DIS_REASON_SEMAPHORE,
	DIS_REASON_EVENT,
	DIS_REASON_CHILD_EXIT,
	DIS_REASON_IPC,
	/* -> Finished */
	DIS_REASON_POWER_OFF,
	DIS_REASON_STOPPED, /**< time limit, signal or orderly stop */
	DIS_REASON_RESET,   /**< of the machine: there is no second boot */
	/* -> Failed */
	DIS_REASON_KILLED,
	DIS_REASON_GUEST_EXIT, /**< the guest ended itself with a failure */
	DIS_REASON_TRIPLE_FAULT,
	DIS_REASON_BAD_EXIT, /**< an exit that no device or handler owns */
	DIS_REASON_KVM_ERROR,
	DIS_REASON_HYPERCALL, /**< undefined hypercall */
	/* refusals */
	DIS_REASON_SLAB_EXHAUSTED,
	DIS_REASON_MEM_EXHAUSTED,
	DIS_REASON_SHARE_EXHAUSTED, /**< no core has room for its minimum */
	/* what a policy module did (R: DIS-16) */
	DIS_REASON_POLICY_FOREIGN, /**< picked what is not in its queue */
	DIS_REASON_POLICY_EMPTY, /**< picked nothing though some were queued */
	DIS_REASON_POLICY_LOST,  /**< never picked one that was queued */
	DIS_REASON_POLICY_OVERRUN, /**< its operations took too long */
	DIS_REASON_POLICY_REENTRY, /**< called back into the scheduler */
	DIS_REASONS,
};

/**
 * Why this vCPU was the one to run (R: DIS-8); travels with the event of its
 * dispatch. The first that applies, in this order from FLOOR on.
 */
enum dis_choice {
	DIS_CHOICE_NONE,   /**< not chosen: ended from where it waited */
	DIS_CHOICE_FLOOR,  /**< its class was owed time (R: DIS-14) */
	DIS_CHOICE_BOOST,  /**< past its target, before its turn (R: DIS-9) */
	DIS_CHOICE_URGENT, /**< took the core from a less urgent one */
	DIS_CHOICE_ALONE,  /**< the only one that could run */
	DIS_CHOICE_CLASS,  /**< the only one of the most urgent class there */
	/* By its class's policy, which names one of these. */
	DIS_CHOICE_TURN,
	DIS_CHOICE_PRIORITY,
	DIS_CHOICE_AGED, /**< waited before one of a more urgent priority */
	DIS_CHOICE_DEADLINE,
	DIS_CHOICE_VIRTUAL_DEADLINE,
	/* The core's again. */
	DIS_CHOICE_HANDOFF, /**< woken by who blocked at once (R: EVO-B3) */
	DIS_CHOICE_SHARE,   /**< its minimum was owed (R: DIS-6) */
	DIS_CHOICE_GANG,    /**< a sibling on another core spins for it */
	DIS_CHOICES,
};

/** Why a vCPU changed cores (R: EVO-B1); travels with the event of its move. */
enum dis_move {
	DIS_MOVE_WAKE_IDLE, /**< it woke, and that core idles */
	DIS_MOVE_WAKE,      /**< it woke, and that core is better to wait on */
	DIS_MOVE_STEAL,     /**< it waited, and that core idles */
	DIS_MOVE_PUSH, /**< it waited, and that core runs something less urgent */
	DIS_MOVE_BALANCE, /**< it waited for long, and that core has less to do */
	DIS_MOVE_AFFINITY, /**< it may not run where it was any more */
	DIS_MOVES,
};

/** Lower-case names; NULL never, "?" for a value out of range. */
const char *dis_class_name(enum dis_class klass);
const char *dis_state_name(enum dis_state state);
const char *dis_reason_name(enum dis_reason reason);
const char *dis_choice_name(enum dis_choice choice);
const char *dis_move_name(enum dis_move move);

/** Class base priorities, 0 most urgent (R: DIS-5). */
unsigned dis_class_priority(enum dis_class klass);

/** Most cores in a pool. One word, so that masks stay atomic. */
#define DIS_CORES_MAX 64u

/**
 * Set of the pool's cores; bit i is core i of the pool, not the host's CPU
 * number.
 */
typedef uint64_t dis_cpumask;
#define DIS_CPUMASK_ALL UINT64_MAX

#endif
