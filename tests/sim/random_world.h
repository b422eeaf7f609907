/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Random worlds: cores and vCPUs to which a list of operations happens.
 *
 * Place in the flow: test_random_world.c makes worlds and lists from seeds;
 * shrink.c plays parts of a list that broke an invariant. random_ops.c does the
 * operations, random_check.c looks at everything after each step.
 *
 * Invariant: each operation carries its own source of random numbers, and so
 * does each vCPU: any part of a list is a list, and is always played alike.
 *
 * Locking: none, one world at a time.
 */
#ifndef TESTS_RANDOM_WORLD_H
#define TESTS_RANDOM_WORLD_H

#include "lib/world.h"

#define RANDOM_VMS 24u
#define RANDOM_VCPUS_PER_VM 4u
#define RANDOM_VCPUS_MAX 96u

enum random_kind {
	RANDOM_SPAWN,
	RANDOM_END,
	RANDOM_REAP,
	RANDOM_STEP,    /* needless, as after a stray signal */
	RANDOM_JUMP,    /* the host took all cores away */
	RANDOM_BACK,    /* the clock goes back */
	RANDOM_QUANTUM, /* the default one changes */
	RANDOM_WAKE,    /* from outside */
	RANDOM_POLICY,
	RANDOM_MODULE, /* most of them misbehave */
	RANDOM_INTENT, /* one is granted another intent */
	RANDOM_SHARES, /* a VM is granted other shares */
	RANDOM_PAUSE,  /* preemption stops for a while */
	RANDOM_RUN,    /* time passes */
	RANDOM_SETTLE, /* what was sent arrives; all must be done */
	RANDOM_KINDS,
};

struct random_op {
	enum random_kind kind;
	uint64_t seed;
};

/**
 * @masks:   affinities of several cores, not all.
 * @floors:  each class has one.
 * @turns:   policies stay what they are: with floors, and without shares, the longest
 *           wait is bounded.
 * @faults:  late timers, late and lost kicks, a clock that goes back.
 * @shares:  minima and maxima come and go, so that no wait is bounded.
 * @planted: an invariant that does not hold, to see that it is found: no vCPU is
 *           preempted twice in a VM that was ended.
 */
struct random_config {
	uint64_t seed;
	unsigned cores;
	unsigned vcpus;
	bool masks;
	bool floors;
	bool turns;
	bool faults;
	bool shares;
	bool planted;
};

/**
 * What happened so far, shared with whoever plays a list in a child.
 * @at: number of the present operation.
 */
struct random_tally {
	size_t at;
	uint64_t steps, dispatches, vms, reaps, refusals;
	uint64_t time_backward, module_failures;
};

/* What a vCPU does next; its script points here. */
struct random_plan {
	struct burst burst;
	dis_id target;
	uint64_t rng;
	bool used;
};

/* The world that is being played. */
struct random_world {
	const struct random_config *cfg;
	struct world *w;
	uint64_t *rng; /* of what is happening now */
	uint64_t fault_rng;
	struct dis_modules *modules;
	dis_id vm[RANDOM_VMS];
	bool reaping[RANDOM_VMS];
	/* VMs that were reaped last, and a vCPU of each. */
	dis_id stale[16], stale_vcpu[16];
	uint64_t reaped_cpu_ns;
	struct random_tally *tally;
	struct random_plan plans[RANDOM_VCPUS_MAX];
	/* By slot: what its events said last. */
	dis_id seen[RANDOM_VCPUS_MAX];
	enum dis_state state[RANDOM_VCPUS_MAX];
	/* That a core has had at once: runnable by class, millionths reserved. */
	unsigned most[DIS_CLASSES];
	uint64_t most_reserved;
	bool tell; /* each operation on standard error */
};

/* random_ops.c: what its parts share; one world at a time. */
extern struct random_world world;
/** Below @below, from the source of what is happening now. */
uint64_t rnd(uint64_t below);
/** One line of the history, if it is wanted. */
__attribute__((format(printf, 1, 2))) void tell(const char *fmt, ...);
/** One that may be woken, or NULL. */
struct world_vcpu *some_vcpu(void);

/* random_control.c: what the control side does while they run. */
dis_cpumask some_affinity(void);
void random_add_modules(void);
void op_policy(void);
void op_module(void);
void op_quantum(void);
void op_intent(void);
void op_shares(void);
void op_pause(void);

/** The configuration of world @index, and @n operations for it. */
struct random_config random_config(uint64_t seed);
void random_ops(uint64_t seed, struct random_op *ops, size_t n);

/**
 * Play a list. Aborts at the first invariant that is broken, with a line on
 * standard error and *@at the number of the operation.
 */
void random_play(const struct random_config *cfg, const struct random_op *ops,
		 size_t n, struct random_tally *tally, bool tell);

/* random_check.c */

/** Everything, after core @core's step. */
void random_check_step(struct random_world *r, unsigned core);
/** The cores are quiet: nothing is left undone. */
void random_check_quiet(struct random_world *r);
/** IDs of a VM that is gone, and of its vCPU, reach nothing (R: DIS-1). */
void random_check_stale(struct random_world *r, dis_id stale, dis_id vcpu);
/** All VMs were ended and all is settled. */
void random_check_over(struct random_world *r);

#endif
