/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Stride scheduling as a policy module.
 *
 * Design: each entity has a pass; the smallest runs, and what it consumed moves
 * its pass on, the slower the more weight it has. So time is shared by weight.
 * One that slept or comes from another core starts at the queue's pass, that of
 * the last one picked: sleeping saves nothing up.
 * Source: Waldspurger, Weihl, "Stride Scheduling: Deterministic Proportional-
 * Share Resource Management", MIT/LCS/TM-528 (1995).
 *
 * Queue scheme: a tree by pass (key[0]), equal ones as they came (key[1]); all
 * in O(log n).
 *
 * Bound of waiting: one slice of each of the others per weight of its own, that
 * is sum of weights / weight slices.
 */
#include <dis/policy.h>

RB_HEAD(stride_tree, dis_entity);

struct stride_queue {
	struct stride_tree tree;
	uint64_t pass;
	uint64_t arrivals;
};

static int by_pass(const struct dis_entity *a, const struct dis_entity *b)
{
	if (a->key[0] != b->key[0])
		return a->key[0] < b->key[0] ? -1 : 1;
	if (a->key[1] != b->key[1])
		return a->key[1] < b->key[1] ? -1 : 1;
	return 0;
}

RB_GENERATE_INTERNAL(stride_tree, dis_entity, link.tree, by_pass,
		     static __attribute__((unused)))

static void stride_init(void *queue)
{
	struct stride_queue *stride = queue;

	RB_INIT(&stride->tree);
}

static void stride_enqueue(void *queue, struct dis_entity *e,
			   enum dis_enqueue why, uint64_t now_ns)
{
	struct stride_queue *stride = queue;

	(void)now_ns;
	/* The pass of another core's queue means nothing here. */
	if (why == DIS_ENQUEUE_ARRIVE || e->key[0] < stride->pass)
		e->key[0] = stride->pass;
	e->key[1] = ++stride->arrivals;
	(void)RB_INSERT(stride_tree, &stride->tree, e);
}

static void stride_dequeue(void *queue, struct dis_entity *e,
			   enum dis_leave why, uint64_t now_ns)
{
	struct stride_queue *stride = queue;

	(void)now_ns;
	if (why == DIS_LEAVE_RUN)
		stride->pass = e->key[0];
	RB_REMOVE(stride_tree, &stride->tree, e);
}

static struct dis_entity *stride_pick(void *queue, uint64_t now_ns)
{
	struct stride_queue *stride = queue;

	(void)now_ns;
	return RB_MIN(stride_tree, &stride->tree);
}

static void stride_charge(void *queue, struct dis_entity *e, uint64_t ran_ns,
			  uint64_t now_ns)
{
	(void)queue;
	(void)now_ns;
	e->key[0] += ran_ns * DIS_WEIGHT_DEFAULT / e->weight;
}

static const struct dis_policy_ops stride_ops = {
	.abi = DIS_POLICY_ABI,
	.name = "stride",
	.queue_bytes = sizeof(struct stride_queue),
	.classes = 1u << DIS_CLASS_INTERACTIVE | 1u << DIS_CLASS_BATCH |
		   1u << DIS_CLASS_BACKGROUND,
	.choice = DIS_CHOICE_VIRTUAL_DEADLINE,
	.init = stride_init,
	.enqueue = stride_enqueue,
	.dequeue = stride_dequeue,
	.pick = stride_pick,
	.charge = stride_charge,
};

extern const struct dis_policy_module dis_policy_module;
const struct dis_policy_module dis_policy_module = {
	.abi = DIS_POLICY_ABI,
	.version = "1.0",
	.ops = &stride_ops,
};
