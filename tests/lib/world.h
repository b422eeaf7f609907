/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A scheduler without guests: cores stepped by hand under a virtual clock,
 * vCPUs that follow a script of bursts, kicks and rings that are recorded.
 *
 * Place in the flow: the simulator (dis/sim.h) with scripts for vCPUs and the
 * events kept. Steps and switches take no time, a kick arrives at once, so every
 * figure is exact.
 * Locking: none, one thread.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <dis/sim.h>

struct world;
struct world_vcpu;

/** One burst of a script. The script starts over after its last burst. */
struct burst {
	uint64_t run_ns;          /* CPU time; DIS_NEVER_NS: for ever */
	enum dis_outcome outcome; /* how it ends */
	enum dis_reason reason;   /* FINISH, FAIL */
	uint64_t sleep_ns;        /* HALT: timer from then on; 0: none */
	dis_id *join;             /* JOIN */
	/* Called at its end, as if the vCPU did it inside run; may write the
	 * script. */
	void (*hook)(struct world_vcpu *vcpu);
};

struct world_vcpu {
	struct dis_sim_vcpu sim; /* the first: what the simulator counts down */
	struct world *world;
	struct dis_vcpu *vcpu;
	dis_id id;
	const struct burst *script;
	unsigned bursts;
	unsigned at;
	uint64_t bursts_done;
	void *arg; /* the test's */
};

struct world {
	struct dis_sim sim;
	struct dis_domain *dom;
	struct dis_domain_config cfg;
	uint64_t now_ns;  /* the clock; tests may set it */
	uint64_t late_ns; /* from when a timer is due until its core is free */
	unsigned cores;
	struct dis_sim_core *core; /* the simulator's */
	/* Optional: called after each step; how late a signal is, see dis/sim.h. */
	void (*stepped)(struct world *w, unsigned core);
	uint64_t (*delay_ns)(struct world *w, unsigned core,
			     enum dis_sim_signal signal);
	struct dis_event *events; /* all so far, in order */
	size_t n_events, max_events;
	unsigned ends; /* calls of `ended`, and the last one's words */
	void *ended_vm;
	enum dis_state ended_state;
	enum dis_reason ended_reason;
	struct world_vcpu **vms; /* to free, by VM */
	size_t n_vms, max_vms;
};

/** What one vCPU of a VM is. */
struct role {
	struct dis_intent intent;
	const struct burst *script;
	unsigned bursts;
};
#define ROLE(klass, script) \
	{ \
		world_intent(klass), script, \
			sizeof(script) / sizeof(*(script)) \
	}

/** Runs for ever. */
extern const struct burst world_hog[1];
/** Halts at once, without a timer. */
extern const struct burst world_halt[1];

/** A declared intent; Realtime 10 ms/10 ms/1 ms, Interactive 1 ms. */
struct dis_intent world_intent(enum dis_class klass);
/** The same, bound to the cores in @affinity. */
struct dis_intent world_intent_on(enum dis_class klass, dis_cpumask affinity);

/** 64 VMs, 256 vCPUs, 4096 events per core, no floors. */
struct dis_domain_config world_config(unsigned cores);
/** Cores start at @start_ns. */
struct world *world_open(const struct dis_domain_config *cfg, uint64_t start_ns);
/** A world of world_config(), from 0 on. */
struct world *world_open_cores(unsigned cores);
void world_close(struct world *w);

/** Spawns, binds and, unless @start is false, starts a VM. */
dis_id world_vm(struct world *w, const struct role *roles, unsigned vcpus);
dis_id world_vm_stopped(struct world *w, const struct role *roles,
			unsigned vcpus);
/** Starts such a VM, all of whose vCPUs begin on @core; they may be moved from
 * there. */
void world_start_on(struct world *w, dis_id vm, unsigned core);
/** vCPU @index of @vm, for looking at. */
struct world_vcpu *world_vcpu(struct world *w, dis_id vm, unsigned index);
/** The core on which it waits or runs. */
unsigned world_core_of(const struct world_vcpu *vcpu);
/** Who runs on @core, or NULL. */
struct world_vcpu *world_running(const struct world *w, unsigned core);
struct dis_vcpu_stats world_stats(const struct world_vcpu *vcpu);
struct dis_core_stats world_core_stats(const struct world *w, unsigned core);

/** One scheduling pass of one core, now. */
void world_step(struct world *w, unsigned core);
/** Steps cores that were kicked or rung, until none is. */
void world_settle(struct world *w);
/** Lets time pass until @end_ns, doing all that is due. */
void world_run_until(struct world *w, uint64_t end_ns);
/** The same for @ns from now. */
void world_run(struct world *w, uint64_t ns);

/** Wakes a vCPU and lets what follows from it happen. */
void world_wake(struct world *w, struct world_vcpu *vcpu);

/**
 * State events of a vCPU so far as "scheduled/spawn running/dispatch ...".
 * The text lives until the next call.
 */
const char *world_history(const struct world *w, const struct world_vcpu *vcpu);

/** charged + idle == elapsed on every core; aborts the test otherwise. */
void world_check_ledger(const struct world *w, uint64_t start_ns);

#endif
