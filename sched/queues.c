/* SPDX-License-Identifier: Apache-2.0 */
/* Run queue and sleep queue of a core; see queues.h. */
#include "queues.h"

#include <dis/assert.h>

static bool wakes_before(const struct dis_vcpu *a, const struct dis_vcpu *b)
{
	return a->wake_ns < b->wake_ns;
}

ENDS_TREE_GENERATE(sleep_tree, dis_vcpu, sleep_link, wakes_before)

static bool is_due_before(const struct dis_vcpu *a, const struct dis_vcpu *b)
{
	return a->target_ns < b->target_ns;
}

ENDS_TREE_GENERATE(target_tree, dis_vcpu, target_link, is_due_before)

static struct dis_vcpu *vcpu_of(struct dis_entity *entity)
{
	return (struct dis_vcpu *)((char *)entity -
				   offsetof(struct dis_vcpu, entity));
}

void run_queue_init(struct run_queue *queue)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		TAILQ_INIT(&queue->list[k]);
		crowd_init(&queue->crowd[k][false]);
		crowd_init(&queue->crowd[k][true]);
	}
	queue->targets = (struct target_tree){0};
	queue->reserve = (struct reserve_queue){0};
}

/*
 * @vcpu, movable, was queued (@change 1) or taken out (-1). Sequentially
 * consistent: a core that goes idle sets its idle bit and then reads `reach`; one
 * that queues writes `reach` and then reads the idle bits. One of the two sees
 * the other (placement.c).
 */
static void count_reach(struct run_queue *queue, const struct dis_vcpu *vcpu,
			int change)
{
	dis_cpumask cores = vcpu->intent.affinity, reach;

	if (vcpu->roams) {
		queue->roaming += (unsigned)change;
		cores = 0;
	}
	for (; cores; cores &= cores - 1u) {
		unsigned i = (unsigned)__builtin_ctzll(cores);

		queue->bound_to[i] += (unsigned)change;
		if (queue->bound_to[i])
			queue->bound |= 1ull << i;
		else
			queue->bound &= ~(1ull << i);
	}
	reach = queue->roaming ? DIS_CPUMASK_ALL : queue->bound;
	if (reach != atomic_load_explicit(&queue->reach, memory_order_relaxed))
		atomic_store(&queue->reach, reach);
}

static void count_in(struct run_queue *queue, enum dis_class klass)
{
	struct dis_queue_stats *stats = &queue->stats[klass];

	SHARED_ADD(stats->enqueued, 1u);
	SHARED_STORE(stats->length, queue->length[klass]);
	if (queue->length[klass] > stats->length_max)
		SHARED_STORE(stats->length_max, queue->length[klass]);
}

static void count_out(struct run_queue *queue, const struct dis_vcpu *vcpu,
		      enum dis_leave why, uint64_t now_ns)
{
	struct dis_queue_stats *stats = &queue->stats[vcpu->intent.klass];

	SHARED_ADD(stats->dequeued, 1u);
	SHARED_STORE(stats->length, queue->length[vcpu->intent.klass]);
	if (why != DIS_LEAVE_RUN)
		return;
	SHARED_ADD(stats->waits, 1u);
	SHARED_ADD(stats->wait_ns, dis_ns_sub(now_ns, vcpu->entity.queued_ns));
}

void run_queue_add(struct run_queue *queue, struct dis_vcpu *vcpu,
		   enum dis_enqueue why, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	struct policy_slot *policy = queue->policy[klass];

	DIS_ASSERT(vcpu->place != DIS_PLACE_RUNQ &&
		   vcpu->place != DIS_PLACE_SLEEPQ);
	if (!queue->length[klass] &&
	    (!queue->running || queue->running->intent.klass != klass))
		queue->present_ns[klass] = now_ns;
	if (queue->running == vcpu)
		queue->running = NULL;
	TAILQ_INSERT_TAIL(&queue->list[klass], vcpu, run_link);
	/* It went to sleep under another policy. */
	if (vcpu->served_by != policy->serial)
		run_queue_forget_policy(vcpu, policy->serial);
	/* Who was queued elsewhere has been waiting since then. */
	if (why != DIS_ENQUEUE_ARRIVE)
		vcpu->entity.queued_ns = now_ns;
	if (klass == DIS_CLASS_INTERACTIVE) {
		vcpu->target_ns = dis_ns_add(vcpu->entity.queued_ns,
					     vcpu->intent.latency_ns);
		target_tree_add(&queue->targets, vcpu);
	}
	if (vcpu->has_min)
		reserve_queue_add(&queue->reserve, vcpu,
				  why == DIS_ENQUEUE_WAKE, now_ns);
	vcpu->place = DIS_PLACE_RUNQ;
	queue->length[klass]++;
	count_in(queue, klass);
	if (vcpu->brief)
		queue->brief_until_ns[klass] = now_ns + BRIEF_MEMORY_NS;
	queue->nonempty |= 1u << klass;
	queue->count++;
	if (policy->guard)
		run_queue_module_add(queue, vcpu, why, now_ns);
	else
		policy->ops->enqueue(policy->queue, &vcpu->entity, why, now_ns);
	if (!vcpu->in_crowd)
		crowd_join(&queue->crowd[klass][vcpu->movable], vcpu, now_ns);
	if (vcpu->movable)
		count_reach(queue, vcpu, 1);
}

void run_queue_remove(struct run_queue *queue, struct dis_vcpu *vcpu,
		      enum dis_leave why, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	struct policy_slot *policy = queue->policy[klass];

	DIS_ASSERT(vcpu->place == DIS_PLACE_RUNQ && queue->length[klass] > 0);
	if (klass == DIS_CLASS_INTERACTIVE)
		target_tree_remove(&queue->targets, vcpu);
	if (vcpu->has_min)
		reserve_queue_remove(&queue->reserve, vcpu);
	TAILQ_REMOVE(&queue->list[klass], vcpu, run_link);
	vcpu->place = DIS_PLACE_NONE;
	if (--queue->length[klass] == 0)
		queue->nonempty &= ~(1u << klass);
	count_out(queue, vcpu, why, now_ns);
	queue->count--;
	if (why == DIS_LEAVE_RUN)
		queue->running = vcpu;
	if (policy->guard)
		run_queue_module_remove(queue, vcpu, why, now_ns);
	else
		policy->ops->dequeue(policy->queue, &vcpu->entity, why, now_ns);
	if (why != DIS_LEAVE_RUN)
		crowd_part(vcpu);
	if (vcpu->movable)
		count_reach(queue, vcpu, -1);
}

struct dis_vcpu *run_queue_pick(struct run_queue *queue, enum dis_class klass,
				uint64_t now_ns)
{
	struct policy_slot *policy = queue->policy[klass];
	struct dis_entity *entity;
	struct dis_vcpu *vcpu;

	if (policy->guard)
		return run_queue_module_pick(queue, klass, now_ns);
	entity = policy->ops->pick(policy->queue, now_ns);
	DIS_ASSERT(entity);
	vcpu = vcpu_of(entity);
	DIS_ASSERT(vcpu->place == DIS_PLACE_RUNQ && vcpu->intent.klass == klass);
	return vcpu;
}

/* Up to the head of `stats`: what a dispatch touches (vcpu.h). */
void run_queue_prefetch(struct run_queue *queue, enum dis_class klass,
			uint64_t now_ns)
{
	struct policy_slot *policy = queue->policy[klass];
	struct dis_vcpu *vcpu, *behind;

	if (policy->guard || !queue->length[klass])
		return;
	vcpu = vcpu_of(policy->ops->pick(policy->queue, now_ns));
	for (size_t at = 0; at <= offsetof(struct dis_vcpu, stats);
	     at += CACHE_LINE)
		__builtin_prefetch((const char *)vcpu + at, 1);
	/* Its removal will mend the links of this one. */
	behind = TAILQ_NEXT(vcpu, run_link);
	if (behind)
		__builtin_prefetch(&behind->run_link, 1);
}

struct dis_vcpu *run_queue_overdue(const struct run_queue *queue,
				   enum dis_class klass, uint64_t now_ns)
{
	struct dis_vcpu *first = queue->targets.first;

	return klass == DIS_CLASS_INTERACTIVE && first &&
			       first->target_ns < now_ns
		       ? first
		       : NULL;
}

enum dis_choice run_queue_explain(struct run_queue *queue,
				  const struct dis_vcpu *vcpu, uint64_t now_ns)
{
	struct policy_slot *policy = queue->policy[vcpu->intent.klass];

	if (!policy->ops->explain)
		return policy->ops->choice;
	if (policy->guard)
		return run_queue_module_explain(queue, vcpu, now_ns);
	return policy->ops->explain(policy->queue, &vcpu->entity);
}

void run_queue_charge(struct run_queue *queue, struct dis_vcpu *vcpu,
		      uint64_t ran_ns, uint64_t now_ns)
{
	struct policy_slot *policy = queue->policy[vcpu->intent.klass];

	if (policy->guard)
		run_queue_module_charge(queue, vcpu, ran_ns, now_ns);
	else if (policy->ops->charge)
		policy->ops->charge(policy->queue, &vcpu->entity, ran_ns,
				    now_ns);
}

void run_queue_leave(struct run_queue *queue, struct dis_vcpu *vcpu,
		     enum dis_leave why, uint64_t now_ns)
{
	struct policy_slot *policy = queue->policy[vcpu->intent.klass];

	crowd_part(vcpu);
	if (queue->running == vcpu)
		queue->running = NULL;
	if (policy->guard)
		run_queue_module_leave(queue, vcpu, why, now_ns);
	else if (policy->ops->leave)
		policy->ops->leave(policy->queue, &vcpu->entity, why, now_ns);
}

bool run_queue_preempting(const struct run_queue *queue, enum dis_class klass)
{
	return queue->policy[klass]->ops->preempts;
}

bool run_queue_preempts(struct run_queue *queue, const struct dis_vcpu *running,
			uint64_t now_ns)
{
	enum dis_class klass = running->intent.klass;
	struct policy_slot *policy = queue->policy[klass];

	if (!policy->ops->preempts || !queue->length[klass])
		return false;
	if (policy->guard)
		return run_queue_module_preempts(queue, running, now_ns);
	return policy->ops->preempts(policy->queue, &running->entity, now_ns);
}

enum dis_class run_queue_top(const struct run_queue *queue)
{
	return queue->nonempty ? (enum dis_class)__builtin_ctz(queue->nonempty)
			       : DIS_CLASSES;
}

void sleep_queue_init(struct sleep_queue *queue)
{
	*queue = (struct sleep_queue){0};
}

void sleep_queue_add(struct sleep_queue *queue, struct dis_vcpu *vcpu)
{
	DIS_ASSERT(vcpu->place != DIS_PLACE_RUNQ &&
		   vcpu->place != DIS_PLACE_SLEEPQ);
	sleep_tree_add(&queue->tree[vcpu->intent.klass], vcpu);
	SHARED_ADD(queue->length, 1u);
	vcpu->place = DIS_PLACE_SLEEPQ;
}

void sleep_queue_remove(struct sleep_queue *queue, struct dis_vcpu *vcpu)
{
	DIS_ASSERT(vcpu->place == DIS_PLACE_SLEEPQ);
	sleep_tree_remove(&queue->tree[vcpu->intent.klass], vcpu);
	SHARED_ADD(queue->length, -1u);
	vcpu->place = DIS_PLACE_NONE;
}

uint64_t sleep_queue_next_ns(const struct sleep_queue *queue, unsigned from,
			     unsigned to)
{
	uint64_t next_ns = DIS_NEVER_NS;

	for (unsigned k = from; k < to; k++)
		if (queue->tree[k].first)
			next_ns = dis_ns_min(next_ns,
					     queue->tree[k].first->wake_ns);
	return next_ns;
}
