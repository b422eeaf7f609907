/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Round robin (R: DIS-11).
 *
 * Design: first come, first served. Whoever used up its slice or yielded waits
 * until all others had a turn; whoever gave way to a more urgent class goes on
 * as the next. No one preempts within the class.
 *
 * Queue scheme: one list; all in O(1).
 *
 * Bound of waiting: with n in the queue, n - 1 slices of the others and what was
 * left of the one that ran.
 */
#include "policies.h"

TAILQ_HEAD(rr_queue, dis_entity);

static void rr_init(void *queue)
{
	struct rr_queue *rr = queue;

	TAILQ_INIT(rr);
}

static void rr_enqueue(void *queue, struct dis_entity *e, enum dis_enqueue why,
		       uint64_t now_ns)
{
	struct rr_queue *rr = queue;

	(void)now_ns;
	if (why == DIS_ENQUEUE_PREEMPT)
		TAILQ_INSERT_HEAD(rr, e, link.list);
	else
		TAILQ_INSERT_TAIL(rr, e, link.list);
}

static void rr_dequeue(void *queue, struct dis_entity *e, enum dis_leave why,
		       uint64_t now_ns)
{
	struct rr_queue *rr = queue;

	(void)why;
	(void)now_ns;
	TAILQ_REMOVE(rr, e, link.list);
}

static struct dis_entity *rr_pick(void *queue, uint64_t now_ns)
{
	struct rr_queue *rr = queue;

	(void)now_ns;
	return TAILQ_FIRST(rr);
}

const struct dis_policy_ops dis_policy_rr = {
	.abi = DIS_POLICY_ABI,
	.name = "rr",
	.queue_bytes = sizeof(struct rr_queue),
	.classes = DIS_POLICY_ALL_CLASSES,
	.choice = DIS_CHOICE_TURN,
	.by_turns = true,
	.init = rr_init,
	.enqueue = rr_enqueue,
	.dequeue = rr_dequeue,
	.pick = rr_pick,
};
