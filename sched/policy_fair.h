/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A queue of the fair policy (policy_fair.c), for what looks into it: tests.
 *
 * Invariant: `weight` is the sum of all that compete: of the tree and `running`;
 * what they are owed in sum is at most -`due`; each node's FAIR_EARLIEST is the earliest FAIR_ELIGIBLE of its subtree.
 * Locking: the core's owner.
 */
#ifndef DIS_POLICY_FAIR_H
#define DIS_POLICY_FAIR_H

#include <dis/policy.h>

#include "ends_tree.h"

/* key[] while queued or running: virtual times. */
#define FAIR_DEADLINE 0
#define FAIR_ELIGIBLE 1
#define FAIR_EARLIEST 2 /* eligible time in the subtree */
#define FAIR_OWN 3
/* key[] after it left. */
#define FAIR_LEFT_AT 0 /* V then */
#define FAIR_LEFT 1    /* the queue */

typedef __int128 fair_sum; /* weight * virtual time */

ENDS_TREE_HEAD(fair_tree, dis_entity);

struct fair_queue {
	struct fair_tree tree; /* by deadline */
	uint64_t now;          /* V */
	uint64_t weight;       /* of all that compete */
	fair_sum due;          /* service not yet passed on to V; negative: paid
			  * before V moves on */
	struct dis_entity *running; /* competes, but is not in the tree */
	uint32_t running_weight;    /* that it competes with */
};

/** What @e, queued or running, is owed (> 0) or has had too much, in ns. */
int64_t fair_lag_ns(const struct fair_queue *fair, const struct dis_entity *e);

#endif
