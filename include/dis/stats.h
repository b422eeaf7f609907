/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Figures that DIS keeps (R: DIS-3, BUD-3, EVO-A1, EVO-C1).
 *
 * Place in the flow: written by the executor that owns the vCPU or the core,
 * copied out for reports. While guests run a copy is a snapshot whose fields
 * may be some microseconds apart from each other.
 */
#ifndef DIS_STATS_H
#define DIS_STATS_H

#include <dis/types.h>

/** One vCPU. All counters start at 0 at spawn. The first are written by each
 * dispatch of one that computes. */
struct dis_vcpu_stats {
	uint64_t cpu_ns;   /**< charged to it: the ledger (R: EVO-C1) */
	uint64_t guest_ns; /**< of cpu_ns: in the guest; the rest is the VMM's */
	uint64_t wait_ns;  /**< runnable, but not running */
	uint64_t dispatches;
	uint64_t last_dispatch_ns;
	uint64_t user_exits;  /**< returns of the run operation */
	uint64_t preemptions; /**< taken off its core against its will */
	uint64_t throttles; /**< of these, at the end of its slice (R: BUD-3) */
	uint64_t sleep_ns;  /**< Sleeping and Waiting */
	uint64_t throttled_ns; /**< its maximum share was used up */
	uint64_t yields;
	uint64_t blocks; /**< went to Sleeping or Waiting */
	uint64_t wakes;
	uint64_t migrations;
	uint64_t jobs;            /**< Realtime: blocked, and had a deadline */
	uint64_t deadline_misses; /**< of these, later than the deadline */
	/** Of cpu_ns: had the core and waited for its time, in the host or, as it
	 * says itself, in a guest that was entered early. */
	uint64_t ahead_ns;
	uint64_t early_wakes; /**< so entered, and ready in time, as it says */
	uint64_t device_ns;   /**< beside cpu_ns: see dis_vcpu_charge() */
	uint64_t slice_left_ns; /**< of its present quantum, as charged so far */
};

/** One core of the pool. charged + idle = time since the executors started. */
struct dis_core_stats {
	uint64_t charged_ns;
	uint64_t idle_ns;
	uint64_t dispatches;
	uint64_t preemptions; /**< involuntary switches (R: PRE-5) */
	uint64_t voluntary;   /**< switches by yield, block or end */
	uint64_t deadline_misses;
	uint64_t timer_arms;     /**< preemption timer set (R: CARD-4) */
	uint64_t timer_expiries; /**< expiries that ended a run */
	uint64_t timer_spurious; /**< expiries with nothing due */
	uint64_t timer_lost;     /**< expiries that ended no run in 100 ms */
	uint64_t stray_signals;  /**< from other processes, ignored */
	uint64_t kicks_sent;     /**< signals and futex wakes to other cores */
	uint64_t kicks_coalesced; /**< not sent: one was on its way or none needed */
	uint64_t messages;        /**< taken from the mailbox */
	uint64_t steals;          /**< vCPUs received because this core idled */
	/* Where the vCPUs went that woke here (R: EVO-B2). */
	uint64_t wake_warm;  /**< stayed */
	uint64_t wake_idle;  /**< to a core that idled */
	uint64_t wake_moved; /**< to a core that runs it earlier */
	uint64_t pushes; /**< waited, and went to one that runs it at once */
	uint64_t balances; /**< waited for long, and went to one with less to do */
	uint64_t handoffs;    /**< dispatched by direct hand-off (R: EVO-B3) */
	uint64_t events_lost; /**< ring was full */
	uint64_t ahead_ns;    /**< of charged_ns: that of its vCPUs */
	uint64_t time_backward; /**< the clock went back; taken as standing still */
	uint64_t picks[DIS_CHOICES]; /**< dispatches by reason (R: EVO-A1) */
	/* With counters on, else 0; see dis_domain_set_counters(). */
	uint64_t candidates; /**< vCPUs that picks had to choose from, in sum */
	uint64_t message_waits;   /**< messages of which the time was taken */
	uint64_t message_wait_ns; /**< from the post to the mailbox's emptying */
};

/** The queue of a class on a core (R: DIS-15). */
struct dis_queue_stats {
	uint64_t length; /**< now */
	uint64_t length_max;
	uint64_t enqueued;
	uint64_t dequeued; /**< to run, to move or to end */
	uint64_t waits;    /**< of these, to run */
	uint64_t wait_ns;  /**< of these, in sum, on whatever core */
};

/** The scheduler as a whole, since its creation (R: DIS-15). */
struct dis_totals {
	uint64_t created; /**< vCPUs */
	uint64_t exited;  /**< of these, Finished */
	uint64_t killed;  /**< and Failed */
	uint64_t dispatches;
	uint64_t switches_voluntary;
	uint64_t switches_involuntary;
	uint64_t deadline_misses;
	uint64_t cpu_ns; /**< with the present runs */
	uint64_t idle_ns;
	uint64_t kicks_sent;
	uint64_t timer_arms;
	uint64_t queued;   /**< vCPUs in all queues now (R: DIS-12) */
	uint64_t sleeping; /**< of these, until their wake time */
	uint64_t parked;   /**< of these, until their maximum has room */
};

#endif
