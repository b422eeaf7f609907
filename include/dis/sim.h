/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The executor of a world without threads: the cores of a domain stepped under a
 * virtual clock, with vCPUs that are figures (R: EVO-C1, ST-4).
 *
 * Place in the flow: stands where executor.c and KVM stand in the product. The
 * owner (`disvm sim`, the tests' world) makes the domain through
 * dis_sim_open(), says in @burst_over what its vCPUs do, and lets time pass.
 *
 * Invariant: steps and switches take no time, a signal arrives at once unless
 * @delay_ns says otherwise; the same calls give the same world.
 *
 * Locking: none, one thread.
 */
#ifndef DIS_SIM_H
#define DIS_SIM_H

#include <dis/domain.h>

struct dis_sim;

/**
 * A vCPU as the simulator sees it: the argument that dis_vm_bind() takes, alone
 * or as first member of what the owner keeps.
 *
 * @left_ns:  CPU time until it comes back of itself; DIS_NEVER_NS: never.
 * @timer_ns: its guest timer while it runs, absolute; DIS_NEVER_NS: none.
 */
struct dis_sim_vcpu {
	uint64_t left_ns;
	uint64_t timer_ns;
};

/** What can be late. */
enum dis_sim_signal {
	DIS_SIM_KICK,  /**< a running core is told to come back */
	DIS_SIM_RING,  /**< an idle core is woken */
	DIS_SIM_TIMER, /**< the preemption timer, or the end of an idle wait */
};

struct dis_sim_ops {
	/**
	 * burst_over - @vcpu has used up left_ns.
	 * @result: preset to CONTINUE; says how the run ended.
	 * Sets the next left_ns. Context: as inside run: may wake others, and
	 * set this vCPU's intent.
	 */
	void (*burst_over)(struct dis_sim *sim, struct dis_sim_vcpu *vcpu,
			   struct dis_run_result *result);
	/** stepped - @core has decided and entered. Optional. */
	void (*stepped)(struct dis_sim *sim, unsigned core);
	/**
	 * delay_ns - how late this signal is. DIS_NEVER_NS: it is lost, and the
	 * core sees what it was for at its next step. Optional: never late.
	 */
	uint64_t (*delay_ns)(struct dis_sim *sim, unsigned core,
			     enum dis_sim_signal signal);
	/** ended - as in struct dis_run_ops. */
	void (*ended)(void *vm, enum dis_state state, enum dis_reason reason);
};

/**
 * @entered:  inside run, or idle.
 * @poked:    a kick or ring was sent since the last step; it arrives at
 *            @poke_ns.
 * @late_ns:  what the timer of this decision is late by.
 * @arms:     decisions to run with a timer.
 */
struct dis_sim_core {
	struct dis_core *core;
	struct dis_decision decision;
	bool entered;
	bool poked;
	uint64_t poke_ns;
	uint64_t late_ns;
	uint64_t entered_ns;
	unsigned kicks, rings, steps;
	unsigned arms;
};

/**
 * @now_ns: the owner's clock. The simulator moves it forward; the owner may set
 *          it to anything, also back.
 * @op_ns:  what operations of policy modules took so far: only their guard sees
 *          it.
 * @arg:    the owner's.
 */
struct dis_sim {
	struct dis_domain *dom;
	unsigned cores;
	uint64_t *now_ns;
	uint64_t op_ns;
	const struct dis_sim_ops *ops;
	void *arg;
	struct dis_run_ops run_ops;
	struct dis_sim_core core[DIS_CORES_MAX];
};

/**
 * dis_sim_open - create a domain and start its cores now.
 * @cfg:    at most DIS_CORES_MAX cores; its ops are not used.
 * @now_ns: must live as long as @sim, which must not move.
 *
 * Return: 0, -EINVAL or -ENOMEM as dis_domain_create(). Release with
 * dis_domain_destroy().
 */
int dis_sim_open(struct dis_sim *sim, const struct dis_domain_config *cfg,
		 const struct dis_sim_ops *ops, void *arg, uint64_t *now_ns);

/** One pass of one core, now. */
void dis_sim_step(struct dis_sim *sim, unsigned core);

/** Steps cores whose kick or ring has arrived, until there is none. */
void dis_sim_settle(struct dis_sim *sim);

/** Lets time pass until @end_ns, doing all that is due. */
void dis_sim_run_until(struct dis_sim *sim, uint64_t end_ns);

#endif
