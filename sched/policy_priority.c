/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Priority with aging (R: DIS-11, DIS-14).
 *
 * Design: an entity's turn comes at `queued + priority * step`: each step of
 * waiting makes it as urgent as one of the next level that comes now. All age
 * at the same speed, so the order of two that wait never changes, and nothing
 * has to be scanned or moved. The smallest turn runs, and preempts one with a
 * later turn. One that gave way keeps its turn; a new one begins with each wake
 * and each slice.
 *
 * Queue scheme: ordered by turn; equal ones as they came, one that gave way
 * before its equals. key[2] is when the turn began to count. How many wait with
 * each priority tells whether aging decided. All in O(log n), pick and
 * preemption check in O(1).
 *
 * Bound of waiting: what is queued later than another's turn has a later turn.
 * So an entity that is queued at t with priority p is passed by nobody who comes
 * after t + p * step, and from then on waits for what is there, each for the
 * rest of one slice: at most p * step + the slices of the others in the class.
 */
#include "policies.h"
#include "policy_order.h"

#define LEVELS 256u
#define LEVEL_WORDS (LEVELS / 64u)

/**
 * @waiting: entities queued with each priority; @levels: bit per one not 0.
 */
struct priority_queue {
	struct policy_order order;
	uint64_t levels[LEVEL_WORDS];
	uint32_t waiting[LEVELS];
};

static void count_in(struct priority_queue *pq, uint8_t priority)
{
	pq->waiting[priority]++;
	pq->levels[priority / 64u] |= UINT64_C(1) << priority % 64u;
}

static void count_out(struct priority_queue *pq, uint8_t priority)
{
	if (--pq->waiting[priority] == 0)
		pq->levels[priority / 64u] &= ~(UINT64_C(1) << priority % 64u);
}

static uint64_t turn_ns(const struct dis_entity *e, uint64_t since_ns)
{
	return dis_ns_add(since_ns, e->priority * DIS_PRIORITY_AGING_STEP_NS);
}

static void priority_init(void *queue)
{
	struct priority_queue *pq = queue;

	policy_order_init(&pq->order);
}

static void priority_enqueue(void *queue, struct dis_entity *e,
			     enum dis_enqueue why, uint64_t now_ns)
{
	struct priority_queue *pq = queue;
	bool keeps = why == DIS_ENQUEUE_PREEMPT && e->key[2] != 0;

	(void)now_ns;
	/* 0 is one whose turn began under another policy. */
	if (!keeps)
		e->key[2] = e->queued_ns;
	policy_order_add(&pq->order, e, turn_ns(e, e->key[2]), keeps);
	count_in(pq, e->priority);
}

static void priority_dequeue(void *queue, struct dis_entity *e,
			     enum dis_leave why, uint64_t now_ns)
{
	struct priority_queue *pq = queue;

	(void)why;
	(void)now_ns;
	policy_order_remove(&pq->order, e);
	count_out(pq, e->priority);
}

static struct dis_entity *priority_pick(void *queue, uint64_t now_ns)
{
	struct priority_queue *pq = queue;

	(void)now_ns;
	return policy_order_first(&pq->order);
}

/* The priority of @running may have been changed since it was queued. */
static bool priority_preempts(void *queue, const struct dis_entity *running,
			      uint64_t now_ns)
{
	struct priority_queue *pq = queue;
	const struct dis_entity *first = policy_order_first(&pq->order);

	(void)now_ns;
	return first && first->key[0] < turn_ns(running, running->key[2]);
}

/* @e is queued, so the loop ends at its word at the latest. */
static enum dis_choice priority_explain(void *queue, const struct dis_entity *e)
{
	struct priority_queue *pq = queue;
	unsigned best = 0;

	while (!pq->levels[best / 64u])
		best += 64u;
	best += (unsigned)__builtin_ctzll(pq->levels[best / 64u]);
	return best < e->priority ? DIS_CHOICE_AGED : DIS_CHOICE_PRIORITY;
}

const struct dis_policy_ops dis_policy_priority = {
	.abi = DIS_POLICY_ABI,
	.name = "priority",
	.queue_bytes = sizeof(struct priority_queue),
	.classes = DIS_POLICY_ALL_CLASSES,
	.choice = DIS_CHOICE_PRIORITY,
	.by_turns = true,
	.init = priority_init,
	.enqueue = priority_enqueue,
	.dequeue = priority_dequeue,
	.pick = priority_pick,
	.preempts = priority_preempts,
	.explain = priority_explain,
};
