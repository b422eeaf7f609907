/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Worlds of the fair policy: what its proofs have in common.
 *
 * Place in the flow: a bed (lib/policy_bed.h) with actors of its own, and the
 * bounds that hold in it.
 * Locking: none, one thread.
 */
#ifndef TESTS_FAIR_WORLD_H
#define TESTS_FAIR_WORLD_H

#include "lib/policy_bed.h"

#define ACTORS_MAX 64u

struct fair_world {
	struct bed_actor actors[ACTORS_MAX];
	struct bed_actor *list[ACTORS_MAX];
	unsigned n;
	uint64_t overrun_ns; /* at most */
	uint64_t request_ns; /* the longest */
	uint64_t nap_ns;     /* the longest */
};

/** Of all sizes: small ones are as frequent as large ones. */
uint32_t random_weight(uint64_t *rng);

/** Hogs of equal weight; bed->arg is the world. */
void open_hogs(struct bed *bed, struct fair_world *w, unsigned n,
	       uint64_t slice_ns, const struct bed_hooks *hooks);

/** Instead of a hog: @work_ns every @period_ns, from 0. */
void make_periodic(struct bed_actor *a, uint64_t period_ns, uint64_t work_ns);

/**
 * A hook: the invariants of policy_fair.h, from scratch, and the bounds of lag.
 * An entity owes no more than its own request and its overrun. It is owed no more
 * than the longest request; where others overrun, no more than that and the
 * longest that one of them ran.
 */
void check_lag(struct bed *bed);

/** Hogs and periodic ones, with check_lag after every event, or without. */
extern const struct bed_hooks checked_hooks;
extern const struct bed_hooks plain_hooks;

/** Fails the test unless @have is @want, give or take @slack. */
void check_within(uint64_t have, uint64_t want, uint64_t slack);

#endif
