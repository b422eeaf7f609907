/* SPDX-License-Identifier: Apache-2.0 */
/* Ordered entities; see policy_order.h. */
#include "policy_order.h"

/* As one number: compared without a branch. */
static bool is_before(const struct dis_entity *a, const struct dis_entity *b)
{
	unsigned __int128 ka = (unsigned __int128)a->key[0] << 64 | a->key[1];
	unsigned __int128 kb = (unsigned __int128)b->key[0] << 64 | b->key[1];

	return ka < kb;
}

ENDS_TREE_GENERATE(order_tree, dis_entity, link.tree, is_before)

void policy_order_init(struct policy_order *order)
{
	order->tree = (struct order_tree){0};
	/* From the middle both ways: neither end is ever reached. */
	order->front = UINT64_C(1) << 63;
	order->back = order->front;
}

void policy_order_add(struct policy_order *order, struct dis_entity *e,
		      uint64_t key, bool in_front)
{
	e->key[0] = key;
	e->key[1] = in_front ? --order->front : ++order->back;
	order_tree_add(&order->tree, e);
}

void policy_order_remove(struct policy_order *order, struct dis_entity *e)
{
	order_tree_remove(&order->tree, e);
}
