/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Entities in the order of one figure, the smallest first.
 *
 * Place in the flow: the queue of the policies whose order is constant while an
 * entity waits (EDF, priority).
 * Invariant: sorted by key[0], equal ones by key[1], which is unique in the
 * queue. Both keys are the queue's while the entity is
 * in it; the policy may use key[2] and key[3].
 * Locking: the core's owner.
 */
#ifndef DIS_POLICY_ORDER_H
#define DIS_POLICY_ORDER_H

#include <dis/policy.h>

#include "ends_tree.h"

ENDS_TREE_HEAD(order_tree, dis_entity);

struct policy_order {
	struct order_tree tree;
	uint64_t front; /* key[1] of the last that went before its equals */
	uint64_t back;  /* key[1] of the last that went behind its equals */
};

void policy_order_init(struct policy_order *order);
/**
 * Puts @e in place by @key: behind those with an equal key, or with @in_front
 * before them. O(log n).
 */
void policy_order_add(struct policy_order *order, struct dis_entity *e,
		      uint64_t key, bool in_front);
/** O(log n). */
void policy_order_remove(struct policy_order *order, struct dis_entity *e);

/** The smallest, or NULL. */
static inline struct dis_entity *
policy_order_first(const struct policy_order *order)
{
	return order->tree.first;
}

#endif
