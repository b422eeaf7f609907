/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Earliest deadline first (R: DIS-11).
 *
 * Design: the entity whose absolute deadline is next runs, and preempts one
 * whose deadline is later. On one core no policy keeps deadlines that this one
 * misses (Liu and Layland, "Scheduling Algorithms for Multiprogramming in a
 * Hard-Real-Time Environment", 1973; Dertouzos, "Control Robotics", 1974): with
 * implicit deadlines none is missed up to a utilisation of exactly 1, with
 * shorter ones as long as the work due in any interval fits into it (Baruah,
 * Rosier, Howell, 1990). Each core has its own queue, so the bound is per core:
 * what is placed on a core must pass there. The policy admits nothing and
 * refuses nothing.
 *
 * Queue scheme: ordered by deadline; equal ones as they came, one that gave way
 * before its equals. Entities without a deadline follow in the same way, as
 * round robin. All in O(log n), pick and preemption check in O(1).
 *
 * Bound of waiting: for a set that passes the test above, deadline minus work.
 * In overload, what is queued after a deadline has passed comes behind it, so an
 * entity waits at most until its deadline plus the work left with earlier ones.
 * Without a deadline there is no bound but the core's floors and shares.
 */
#include "policies.h"
#include "policy_order.h"

static void edf_init(void *queue)
{
	policy_order_init(queue);
}

static void edf_enqueue(void *queue, struct dis_entity *e, enum dis_enqueue why,
			uint64_t now_ns)
{
	(void)now_ns;
	policy_order_add(queue, e, e->deadline_ns, why == DIS_ENQUEUE_PREEMPT);
}

static void edf_dequeue(void *queue, struct dis_entity *e, enum dis_leave why,
			uint64_t now_ns)
{
	(void)why;
	(void)now_ns;
	policy_order_remove(queue, e);
}

static struct dis_entity *edf_pick(void *queue, uint64_t now_ns)
{
	(void)now_ns;
	return policy_order_first(queue);
}

/* By the deadlines themselves: that of @running may have been moved since. */
static bool edf_preempts(void *queue, const struct dis_entity *running,
			 uint64_t now_ns)
{
	const struct dis_entity *first = policy_order_first(queue);

	(void)now_ns;
	return first && first->key[0] < running->deadline_ns;
}

static enum dis_choice edf_explain(void *queue, const struct dis_entity *e)
{
	(void)queue;
	return e->deadline_ns == DIS_NEVER_NS ? DIS_CHOICE_TURN
					      : DIS_CHOICE_DEADLINE;
}

const struct dis_policy_ops dis_policy_edf = {
	.abi = DIS_POLICY_ABI,
	.name = "edf",
	.queue_bytes = sizeof(struct policy_order),
	.classes = DIS_POLICY_ALL_CLASSES,
	.choice = DIS_CHOICE_DEADLINE,
	.by_turns = true,
	.init = edf_init,
	.enqueue = edf_enqueue,
	.dequeue = edf_dequeue,
	.pick = edf_pick,
	.preempts = edf_preempts,
	.explain = edf_explain,
};
