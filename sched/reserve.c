/* SPDX-License-Identifier: Apache-2.0 */
/* Minimum shares; see reserve.h. */
#include "reserve.h"

#include "share.h"
#include "vcpu.h"

#define CHUNK_NS DIS_MS_NS
#define CHUNKS_MIN 2u
#define CHUNKS_MAX 20u

static bool ends_before(const struct dis_vcpu *a, const struct dis_vcpu *b)
{
	return a->reserve.end_ns < b->reserve.end_ns;
}

ENDS_TREE_GENERATE(reserve_tree, dis_vcpu, reserve.link, ends_before)

static uint64_t chunks(unsigned permille)
{
	uint64_t n = share_of_window_ns(permille) / CHUNK_NS;

	if (n < CHUNKS_MIN)
		return CHUNKS_MIN;
	return n < CHUNKS_MAX ? n : CHUNKS_MAX;
}

struct reserve_rate reserve_rate(unsigned permille)
{
	uint64_t n = chunks(permille);

	return (struct reserve_rate){
		.chunk_ns = (share_of_window_ns(permille) + n - 1) / n,
		.period_ns = SHARE_WINDOW_NS / (n + 1),
	};
}

uint64_t reserve_pace_ppm(unsigned permille)
{
	struct reserve_rate rate = reserve_rate(permille);

	return (rate.chunk_ns * 1000000u + rate.period_ns - 1) / rate.period_ns;
}

uint64_t reserve_most_ns(unsigned permille)
{
	return (chunks(permille) + 2) * reserve_rate(permille).chunk_ns;
}

void reserve_set(struct reserve *reserve, unsigned permille)
{
	struct reserve_rate rate = {0};

	if (permille)
		rate = reserve_rate(permille);
	if (rate.chunk_ns == reserve->rate.chunk_ns)
		return;
	reserve->rate = rate;
	reserve->left_ns = 0;
	reserve->end_ns = 0;
}

static void begin_period(struct reserve *reserve, uint64_t start_ns)
{
	reserve->left_ns = reserve->rate.chunk_ns;
	reserve->end_ns = dis_ns_add(start_ns, reserve->rate.period_ns);
}

/* The period in which now lies, one following the other without a gap. */
static void follow(struct reserve *reserve, uint64_t now_ns)
{
	uint64_t over_ns = dis_ns_sub(now_ns, reserve->end_ns);

	begin_period(reserve, reserve->end_ns + over_ns -
				      over_ns % reserve->rate.period_ns);
}

void reserve_charge(struct reserve *reserve, uint64_t ran_ns, uint64_t now_ns)
{
	if (now_ns >= reserve->end_ns) {
		follow(reserve, now_ns);
		/* What it ran before belongs to a period that is over. */
		ran_ns = dis_ns_min(ran_ns, now_ns - (reserve->end_ns -
						      reserve->rate.period_ns));
	}
	reserve->left_ns = dis_ns_sub(reserve->left_ns, ran_ns);
}

/* It wakes: no more than fits into the rest of the period at its pace. */
static void wake(struct reserve *reserve, uint64_t now_ns)
{
	uint64_t rest_ns;

	if (now_ns >= reserve->end_ns) {
		begin_period(reserve, now_ns);
		return;
	}
	rest_ns = (reserve->end_ns - now_ns) * reserve->rate.chunk_ns /
		  reserve->rate.period_ns;
	reserve->left_ns = dis_ns_min(reserve->left_ns, rest_ns);
}

/* Which of the two it is in while queued. */
static struct reserve_tree *tree_of(struct reserve_queue *queue,
				    const struct dis_vcpu *vcpu)
{
	return vcpu->reserve.left_ns ? &queue->owed : &queue->resting;
}

void reserve_queue_remove(struct reserve_queue *queue, struct dis_vcpu *vcpu)
{
	reserve_tree_remove(tree_of(queue, vcpu), vcpu);
}

void reserve_queue_add(struct reserve_queue *queue, struct dis_vcpu *vcpu,
		       bool woke, uint64_t now_ns)
{
	if (woke)
		wake(&vcpu->reserve, now_ns);
	else if (now_ns >= vcpu->reserve.end_ns)
		follow(&vcpu->reserve, now_ns);
	reserve_tree_add(tree_of(queue, vcpu), vcpu);
}

static void advance(struct reserve_queue *queue,
		    const struct reserve_tree *tree, uint64_t now_ns)
{
	struct dis_vcpu *vcpu;

	while ((vcpu = tree->first) && vcpu->reserve.end_ns <= now_ns) {
		reserve_queue_remove(queue, vcpu);
		follow(&vcpu->reserve, now_ns);
		reserve_tree_add(tree_of(queue, vcpu), vcpu);
	}
}

void reserve_queue_advance(struct reserve_queue *queue, uint64_t now_ns)
{
	advance(queue, &queue->resting, now_ns);
	advance(queue, &queue->owed, now_ns);
}

uint64_t reserve_queue_next_ns(const struct reserve_queue *queue)
{
	return queue->resting.first ? queue->resting.first->reserve.end_ns
				    : DIS_NEVER_NS;
}
