/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Control blocks of VMs and vCPUs (R: DIS-2), private to sched/.
 *
 * Invariant: a vCPU is in one place always, named by `place` (R: ST-4). Only
 * the executor of the core named by `core` changes place, state and queue
 * links; others post bits into `pending` and link the vCPU into the mailbox of
 * its core (mailbox.c).
 */
#ifndef DIS_VCPU_PRIVATE_H
#define DIS_VCPU_PRIVATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/queue.h>
#include <bsd/sys/tree.h>

#include <dis/domain.h>
#include <dis/policy.h>

#include "reserve.h"
#include "share.h"

/** Where a vCPU is; each value but NONE names one owner of its links. */
enum dis_place {
	DIS_PLACE_NONE,    /**< not started, or ended */
	DIS_PLACE_RUNQ,    /**< Scheduled, in its core's run queue */
	DIS_PLACE_CURRENT, /**< Running on its core */
	DIS_PLACE_SLEEPQ,  /**< Sleeping, in its core's sleep queue */
	DIS_PLACE_BLOCKED, /**< Waiting, in no queue */
	DIS_PLACE_JOINING, /**< Waiting, in its core's list of joins */
	DIS_PLACE_TRANSIT, /**< Scheduled, on its way to another core */
	DIS_PLACE_PARKED,  /**< Throttled or Scheduled, its maximum used up */
};

/** Messages to a vCPU's owner, bits of `pending`. */
enum dis_message {
	DIS_MSG_START = 1u << 0,  /**< take it over and queue it */
	DIS_MSG_WAKE = 1u << 1,   /**< something is pending for it */
	DIS_MSG_ARRIVE = 1u << 2, /**< handed over by another core */
	DIS_MSG_END = 1u << 3,    /**< its VM ends: stop it */
	DIS_MSG_RETIRE = 1u << 4, /**< its slot is about to be freed */
	DIS_MSG_SET = 1u << 5,    /**< `settings` are to come into force */
	DIS_MSG_LOOK = 1u << 6,   /**< somebody wants to look at it */
};

/*
 * What the control side grants (settings.c). Copied word by word, as the owner
 * reads it while it may be written.
 */
struct settings {
	struct dis_intent intent;
	uint32_t min_permille; /* its own minimum, or its part of its VM's */
	uint32_t home; /* core it was placed on; with a minimum, where it stays */
};

struct dis_vm;
struct crowd;

/** Bursts of a vCPU so far, see analyze.h. */
struct history {
	uint64_t samples;
	uint64_t mean_ns;
	uint64_t variance; /* ns^2 */
};

/** The decision of the last dispatch. */
struct decided {
	uint64_t slice_ns;
	uint16_t candidates;
	uint8_t choice; /* enum dis_choice */
};

#define CACHE_LINE 64u

/*
 * With thousands of vCPUs each cache line of one is a miss: what a dispatch
 * touches lies together, in lines of its own, from `core` to the head of `stats`.
 * Those of a hog under any policy are five, and one of its neighbour in the list.
 * A walk through a queue's tree touches one line of each vCPU that it passes;
 * the assertions below hold that.
 */
struct dis_vcpu {
	/* Any thread. Changed by the owner only. */
	_Alignas(CACHE_LINE) _Atomic(struct dis_core *) core;

	/* Constant after spawn. */
	struct dis_domain *dom;
	dis_id id;
	void *arg; /* for the run operations */

	/* Owner's. State, reason, class and stats may be read by others. */
	bool movable;         /* may run on more than one core */
	uint8_t state;        /* enum dis_state; state.c alone writes it */
	uint8_t reason;       /* enum dis_reason of the last change */
	uint8_t klass;        /* = intent.klass, for readers */
	uint8_t place;        /* enum dis_place */
	bool floor_run;       /* runs on its class's floor */
	bool predictable;     /* its history says something, */
	bool brief;           /* and that a burst fits into a quantum */
	uint64_t since_ns;    /* when it entered `state` */
	uint64_t consumed_ns; /* of the present quantum (R: BUD-2); shared */
	uint64_t burst_ns;    /* CPU time since it blocked */
	uint64_t stretch_ns;  /* by which a quantum is longer than configured */
	uint64_t timer_ns;    /* next guest timer, or DIS_NEVER_NS */
	uint64_t served_by; /* serial of the policy whose keys the entity has */
	struct dis_entity entity; /* what the class's policy sees */
	TAILQ_ENTRY(dis_vcpu) run_link;
	bool hinted;        /* `wanted` is to come into force */
	bool ahead;         /* woken before timer_ns, not yet entered */
	bool roams;         /* may run on every core */
	bool in_crowd;      /* counts in `crowd` */
	bool capped;        /* its maximum, or its VM's, has to be kept */
	bool has_min;       /* has a minimum: `reserve` counts */
	uint64_t budget_ns; /* its quantum, as of its last dispatch; shared */
	struct decided decided;
	struct dis_intent intent; /* in force: granted, or less by hint */

	/* Any thread. */
	struct dis_vcpu *mail_next;  /* guarded by `pending` != 0, */
	uint64_t posted_ns;          /* as is this: when, or 0 */
	atomic_ullong device_due_ns; /* of devices, not yet charged */
	atomic_uint pending;         /* enum dis_message bits */
	atomic_uint called_from; /* core of who woke it last, + 1; 0: a device */
	/* Owner's, for readers: = intent.affinity if movable. */
	dis_cpumask reach;

	/* Owner's, may be read by others. */
	_Alignas(CACHE_LINE) struct dis_vcpu_stats stats;

	/* Owner's. */
	struct crowd *crowd; /* RUNQ, CURRENT: where it counts, see crowd.h */
	TAILQ_ENTRY(dis_vcpu) crowd_link;
	uint64_t runnable_ns; /* in `crowd` since then */
	uint32_t crowd_load;  /* what it counts there */
	bool settled;
	uint8_t moved_by; /* enum dis_move: why it is, or was last, in TRANSIT */

	/* Owner's: queued and Interactive, or asleep. */
	_Alignas(CACHE_LINE) uint64_t
		wake_ns; /* when to enter for it, at the earliest (ahead.h) */
	RB_ENTRY(dis_vcpu) sleep_link;
	uint64_t early_ns; /* its guest agrees to be entered early by */
	uint64_t entry_ns; /* learned: what an entry takes (ahead.h) */
	_Alignas(CACHE_LINE) uint64_t
		target_ns; /* when it has waited for its target latency */
	RB_ENTRY(dis_vcpu) target_link;

	/* Owner's; seldom used. */
	uint8_t joined;            /* enum dis_state: how the last one ended */
	uint64_t deadline_ns;      /* Realtime: absolute, of the present job */
	uint64_t reserved;         /* Realtime: of its core, see realtime.c */
	struct history history;    /* may be read by others */
	dis_id join;               /* JOINING: the VM it waits for */
	struct dis_intent wanted;  /* by the guest's hint */
	struct dis_intent granted; /* = settings.intent, once taken over */

	/* Constant after spawn; seldom used. */
	struct dis_vm *vm;
	uint64_t created_ns;
	uint16_t seq; /* index within its VM */

	/* Domain mutex; read by the owner while `settings_seq` stays even. */
	struct settings settings;
	atomic_uint settings_seq;

	/* Owner's: shares, see reserve.h, share.h and park.c. */
	struct reserve reserve;
	uint64_t quota_ns;       /* in a window beside the reserve; or NEVER */
	uint64_t grant_from_ns;  /* may run from then on ... */
	uint64_t grant_until_ns; /* ... until then; 0: no grant */
	bool grant_vm;           /* its VM's quota was asked too */
	bool vm_short;           /* it, not its own, refused the last grant */
	uint64_t release_ns;     /* PARKED: until then */
	RB_ENTRY(dis_vcpu) park_link;
	struct share_window window;
};

#define SAME_LINE(first, last) \
	(offsetof(struct dis_vcpu, first) / CACHE_LINE == \
	 (offsetof(struct dis_vcpu, last) + sizeof(uint64_t) - 1) / CACHE_LINE)
_Static_assert(SAME_LINE(entity.link, entity.key[3]), "policies' trees");
_Static_assert(SAME_LINE(wake_ns, sleep_link.rbe_color), "sleepers' tree");
_Static_assert(SAME_LINE(stats.cpu_ns, stats.throttles), "each dispatch");
_Static_assert(SAME_LINE(target_ns, target_link.rbe_color), "targets' tree");

struct dis_vm {
	/* Constant after spawn. */
	dis_id id;
	uint32_t seq;
	unsigned vcpus;
	uint64_t mem_bytes;
	char name[DIS_NAME_MAX];
	unsigned tenant;        /* number */
	struct dis_vcpu **vcpu; /* vcpus entries */
	void *arg;

	/* Any thread. */
	atomic_uint verdict;    /* 0, or VERDICT(state, reason) once it ends */
	atomic_uint live;       /* vCPUs that have not reached a final state */
	atomic_uint unretired;  /* vCPUs whose core may still know them */
	atomic_bool ended;      /* all vCPUs final */
	atomic_ullong quota_ns; /* of all its vCPUs in a window, beside their
				 * reserves; DIS_NEVER_NS: no maximum */
	struct share_window window;

	/* Domain mutex. */
	unsigned min_permille, max_permille; /* of one core; 0: none */
	bool started;
	bool retiring;
};

/** Is it owed some of its minimum now? */
static inline bool vcpu_owed(const struct dis_vcpu *vcpu)
{
	return vcpu->has_min && vcpu->reserve.left_ns;
}

/** Reads and writes of a figure that one thread writes and others may read. */
#define SHARED_LOAD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define SHARED_STORE(field, value) \
	__atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define SHARED_ADD(field, n) SHARED_STORE(field, (field) + (n))

#endif
