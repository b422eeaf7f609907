/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One core with one policy under a virtual clock, and actors that run and sleep.
 *
 * Place in the flow: stands where the core stands in the product; it uses a
 * policy through its ops alone, keeps the order of calls that <dis/policy.h>
 * asks for, and fails the test if pick returns what is not queued, or nothing
 * although something is.
 * Locking: none, one thread.
 */
#ifndef TESTS_POLICY_BED_H
#define TESTS_POLICY_BED_H

#include <dis/policy.h>

struct bed;

enum bed_where {
	BED_OUT,
	BED_ASLEEP,
	BED_QUEUED,
	BED_RUNNING
};

struct bed_actor {
	struct dis_entity e; /* first: an entity is its actor */
	enum bed_where where;
	uint64_t wake_ns;  /* ASLEEP: until then */
	uint64_t burst_ns; /* work left until it sleeps; DIS_NEVER_NS */
	uint64_t slice_ns; /* left of its slice */
	uint64_t since_ns; /* QUEUED: waits for its turn since */
	bool waiting;      /* has not run since then */
	uint64_t served_ns;
	uint64_t longest_wait_ns;
	unsigned turns;
	uint64_t period_ns, work_ns, relative_ns; /* the test's */
};

/** What a test decides or watches; each may be NULL. */
struct bed_hooks {
	/** @a wakes: sets its burst, deadline, weight. */
	void (*wakes)(struct bed *bed, struct bed_actor *a);
	/** @a has done its burst: sets when it wakes. */
	void (*sleeps)(struct bed *bed, struct bed_actor *a);
	/** How much longer than its slice @a runs. */
	uint64_t (*overrun_ns)(struct bed *bed, struct bed_actor *a);
	/** After every event. */
	void (*check)(struct bed *bed);
};

struct bed {
	const struct dis_policy_ops *ops;
	const struct bed_hooks *hooks;
	void *queue;
	uint64_t now_ns;
	uint64_t idle_ns;
	struct bed_actor **actor; /* the test's */
	unsigned actors;
	unsigned queued;
	struct bed_actor *running;
	uint64_t rng;
	void *arg;
};

/** SEED of the environment, or 1. Each failure of a bed prints it. */
uint64_t bed_seed(void);
/** The next of a sequence; *rng is its state and may start as anything. */
uint64_t bed_random(uint64_t *rng);
/** In [least, most]. */
uint64_t bed_range(uint64_t *rng, uint64_t least, uint64_t most);

/** Fails the test with the seed unless @ok. */
#define BED_CHECK(ok) bed_check((ok), #ok, __FILE__, __LINE__)
void bed_check(bool ok, const char *what, const char *file, int line);

void bed_open(struct bed *bed, const struct dis_policy_ops *ops,
	      const struct bed_hooks *hooks, struct bed_actor **actors,
	      unsigned n);
void bed_close(struct bed *bed);

/** An actor of weight 1024 and slices of @slice_ns that wakes at 0. */
void bed_actor_init(struct bed_actor *a, dis_id id, uint64_t slice_ns);

/** Runs until @now_ns. */
void bed_run(struct bed *bed, uint64_t until_ns);
/** Runs at most until @until_ns, to the first moment without work. */
bool bed_run_to_idle(struct bed *bed, uint64_t until_ns);

/** Takes an actor off its core, wherever it is there, and gives it to another. */
void bed_take(struct bed *bed, struct bed_actor *a);
void bed_give(struct bed *bed, struct bed_actor *a);

#endif
