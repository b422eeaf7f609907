/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What DIS needs from whoever runs vCPUs: under KVM the VMM, in the simulator
 * and the unit tests a fake.
 *
 * Place in the flow: sched/ calls these; vmm/ implements them. They are the
 * only way from sched/ to a guest.
 */
#ifndef DIS_OPS_H
#define DIS_OPS_H

#include <dis/types.h>

/** Why a run came back. */
enum dis_outcome {
	DIS_RUN_CONTINUE, /**< handled; the vCPU wants to go on */
	DIS_RUN_YIELD,    /**< gives up its core, stays runnable */
	DIS_RUN_HALT,     /**< waits for an interrupt, or for timer_ns */
	DIS_RUN_JOIN,     /**< waits for the end of VM @join */
	DIS_RUN_FINISH,   /**< its whole VM ends well, @reason */
	DIS_RUN_FAIL,     /**< its whole VM ends as Failed, @reason */
};

/**
 * @timer_ns: absolute time of the vCPU's next timer, DIS_NEVER_NS for none;
 *            always filled. HALT with a timer is Sleeping, without is Waiting.
 * @reason:   FINISH, FAIL: why; HALT: what for, NONE for the HLT instruction.
 * @guest_ns: time that the run spent in the guest, as far as is known; the rest
 *            of what is charged is the VMM's.
 * @join:     JOIN: the VM; a stale or own ID is refused by waking at once.
 * @early_ns: the guest agrees that its timer interrupt comes earlier by up to
 *            this, and waits out the rest itself; 0: never early.
 * @slack_ns: how long before timer_ns the guest was ready after the last early
 *            entry, as it says itself; negative: too late. DIS_SLACK_NONE: says
 *            nothing. Not to be believed for more than the guest's own sake:
 *            what it is charged for that is bounded (sched/ahead.c).
 */
struct dis_run_result {
	enum dis_outcome outcome;
	enum dis_reason reason;
	uint64_t timer_ns;
	uint64_t guest_ns;
	dis_id join;
	uint64_t early_ns;
	int64_t slack_ns;
};

#define DIS_SLACK_NONE INT64_MIN

/**
 * All but preempted and inspect are mandatory. @vcpu is the pointer that was given
 * at spawn.
 */
struct dis_run_ops {
	/**
	 * run_begin - withdraw an earlier interrupt request.
	 * Context: executor thread, before it re-checks for requests and calls
	 * run: a request that arrives after run_begin must make run return.
	 */
	void (*run_begin)(void *vcpu);
	/**
	 * run - enter the guest once; return at the first exit, after handling it.
	 * Context: executor thread; owns the vCPU until the return. May post
	 * wakes to other vCPUs. Must not block.
	 */
	void (*run)(void *vcpu, struct dis_run_result *result);
	/**
	 * run_interrupt - make the present or next run return soon.
	 * Context: signal handler on the executor thread that owns the vCPU;
	 * async-signal-safe.
	 */
	void (*run_interrupt)(void *vcpu);
	/**
	 * preempted - the vCPU is off its core though it could go on: it gave
	 * way, yielded, or has to wait for its next turn. Optional.
	 * Context: executor thread that ran it, after run. Must not block.
	 */
	void (*preempted)(void *vcpu);
	/**
	 * inspect - dis_vcpu_inspect() was called: now is the time to look at
	 * the vCPU, which is in no run and can get into none. Optional.
	 * Context: executor thread that owns the vCPU, inside its pass. Must
	 * not block; it may make system calls, but for those alone.
	 */
	void (*inspect)(void *vcpu);
	/**
	 * ended - a VM's last vCPU has stopped; called once per VM.
	 * Context: an executor thread; no lock held. Must not block.
	 */
	void (*ended)(void *vm, enum dis_state state, enum dis_reason reason);
};

/**
 * How a core is reached from another thread, and its clock; implemented by the
 * executor threads and by the simulator. kick and ring are mandatory; none may
 * block.
 */
struct dis_host_ops {
	/** Make the core's present run return (it is inside run). */
	void (*kick)(void *host, unsigned core);
	/** Wake the core from idle. */
	void (*ring)(void *host, unsigned core);
	/**
	 * The clock of dis_core_step(), right now: to time the operations of
	 * policy modules, and messages (dis_domain_set_counters()).
	 * Context: any thread. NULL: they are not timed.
	 */
	uint64_t (*now_ns)(void *host);
};

#endif
