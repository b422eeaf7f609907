/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which policy serves a class of a run queue, and how it changes; the operations
 * of modules (queues.c calls those of this build itself).
 *
 * Whoever takes a class over gets all of it from the core's own lists, in order
 * of queueing; the one before is not asked. So this works the same for a change
 * by the control side and for a module in the middle of whose misbehaviour the
 * core is.
 */
#include "queues.h"

#include <stdlib.h>
#include <string.h>

struct policy_slot *policy_slot_new(const struct dis_policy_ops *ops,
				    struct policy_guard *guard)
{
	struct policy_slot *slot = calloc(1, sizeof(*slot) + ops->queue_bytes);

	if (!slot)
		return NULL;
	slot->ops = ops;
	slot->guard = guard;
	/* A module's is called by the core alone, when it takes the slot. */
	if (!guard)
		ops->init(slot->queue);
	return slot;
}

void policy_slot_free(struct policy_slot *slot)
{
	while (slot) {
		struct policy_slot *next = slot->next;

		policy_slot_free(slot->fallback);
		policy_guard_free(slot->guard);
		free(slot);
		slot = next;
	}
}

static struct policy_call call_of(struct run_queue *queue,
				  struct policy_slot *slot, uint64_t now_ns)
{
	return (struct policy_call){slot->guard, &queue->inside, slot->queue,
				    now_ns};
}

static bool faulty(const struct policy_slot *slot)
{
	return slot->guard && slot->guard->fault != DIS_REASON_NONE;
}

static void enqueue(struct run_queue *queue, struct policy_slot *slot,
		    struct dis_vcpu *vcpu, enum dis_enqueue why,
		    uint64_t now_ns)
{
	struct policy_call call = call_of(queue, slot, now_ns);

	if (slot->guard)
		policy_guard_enqueue(&call, vcpu, why);
	else
		slot->ops->enqueue(slot->queue, &vcpu->entity, why, now_ns);
}

static void dequeue(struct run_queue *queue, struct policy_slot *slot,
		    struct dis_vcpu *vcpu, enum dis_leave why, uint64_t now_ns)
{
	struct policy_call call = call_of(queue, slot, now_ns);

	if (slot->guard)
		policy_guard_dequeue(&call, vcpu, why);
	else
		slot->ops->dequeue(slot->queue, &vcpu->entity, why, now_ns);
}

void run_queue_forget_policy(struct dis_vcpu *vcpu, uint64_t serial)
{
	struct dis_entity *entity = &vcpu->entity;

	memset(&entity->link, 0, sizeof(entity->link));
	memset(entity->key, 0, sizeof(entity->key));
	entity->lag = 0;
	vcpu->served_by = serial;
}

/* All of the class into @slot. Return: false if that has failed. */
static bool fill(struct run_queue *queue, enum dis_class klass,
		 struct policy_slot *slot, uint64_t now_ns)
{
	struct policy_call call = call_of(queue, slot, now_ns);
	struct dis_vcpu *vcpu;

	if (slot->guard && module_failed(slot->guard->module))
		return false;
	if (slot->guard)
		policy_guard_init(&call);
	TAILQ_FOREACH(vcpu, &queue->list[klass], run_link) {
		if (faulty(slot))
			return false;
		run_queue_forget_policy(vcpu, slot->serial);
		enqueue(queue, slot, vcpu, DIS_ENQUEUE_ARRIVE, now_ns);
	}
	vcpu = queue->running;
	if (vcpu && vcpu->intent.klass == klass && !faulty(slot)) {
		run_queue_forget_policy(vcpu, slot->serial);
		enqueue(queue, slot, vcpu, DIS_ENQUEUE_ARRIVE, now_ns);
		dequeue(queue, slot, vcpu, DIS_LEAVE_RUN, now_ns);
	}
	return !faulty(slot);
}

static void serve(struct run_queue *queue, enum dis_class klass,
		  struct policy_slot *slot, uint64_t now_ns)
{
	while (!fill(queue, klass, slot, now_ns)) {
		struct policy_slot *next = slot->fallback;

		slot->fallback = NULL;
		slot->klass = klass;
		slot->next = queue->fallen;
		queue->fallen = slot;
		slot = next;
	}
	queue->policy[klass] = slot;
}

struct policy_slot *run_queue_set_policy(struct run_queue *queue,
					 enum dis_class klass,
					 struct policy_slot *slot,
					 uint64_t now_ns)
{
	struct policy_slot *old = queue->policy[klass];

	serve(queue, klass, slot, now_ns);
	return old;
}

void run_queue_fall_back(struct run_queue *queue, enum dis_class klass,
			 uint64_t now_ns)
{
	struct policy_slot *slot = queue->policy[klass];
	struct policy_slot *next = slot->fallback;

	slot->fallback = NULL;
	slot->klass = klass;
	slot->next = queue->fallen;
	queue->fallen = slot;
	serve(queue, klass, next, now_ns);
}

/* After a call of the policy of @klass. Return: false if it was returned from. */
static bool kept(struct run_queue *queue, enum dis_class klass, uint64_t now_ns)
{
	if (!faulty(queue->policy[klass]))
		return true;
	run_queue_fall_back(queue, klass, now_ns);
	return false;
}

void run_queue_module_add(struct run_queue *queue, struct dis_vcpu *vcpu,
			  enum dis_enqueue why, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;

	enqueue(queue, queue->policy[klass], vcpu, why, now_ns);
	kept(queue, klass, now_ns);
}

void run_queue_module_remove(struct run_queue *queue, struct dis_vcpu *vcpu,
			     enum dis_leave why, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;

	dequeue(queue, queue->policy[klass], vcpu, why, now_ns);
	kept(queue, klass, now_ns);
}

struct dis_vcpu *run_queue_module_pick(struct run_queue *queue,
				       enum dis_class klass, uint64_t now_ns)
{
	struct policy_call call = call_of(queue, queue->policy[klass], now_ns);
	struct dis_vcpu *vcpu = policy_guard_pick(
		&call, TAILQ_FIRST(&queue->list[klass]), queue->length[klass]);

	return kept(queue, klass, now_ns)
		       ? vcpu
		       : run_queue_pick(queue, klass, now_ns);
}

enum dis_choice run_queue_module_explain(struct run_queue *queue,
					 const struct dis_vcpu *vcpu,
					 uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	struct policy_call call = call_of(queue, queue->policy[klass], now_ns);
	enum dis_choice choice = policy_guard_explain(&call, vcpu);

	kept(queue, klass, now_ns);
	return choice;
}

void run_queue_module_charge(struct run_queue *queue, struct dis_vcpu *vcpu,
			     uint64_t ran_ns, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	struct policy_call call = call_of(queue, queue->policy[klass], now_ns);

	policy_guard_charge(&call, vcpu, ran_ns);
	kept(queue, klass, now_ns);
}

void run_queue_module_leave(struct run_queue *queue, struct dis_vcpu *vcpu,
			    enum dis_leave why, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	struct policy_call call = call_of(queue, queue->policy[klass], now_ns);

	policy_guard_leave(&call, vcpu, why);
	kept(queue, klass, now_ns);
}

bool run_queue_module_preempts(struct run_queue *queue,
			       const struct dis_vcpu *running, uint64_t now_ns)
{
	enum dis_class klass = running->intent.klass;
	struct policy_call call = call_of(queue, queue->policy[klass], now_ns);
	bool must = policy_guard_preempts(&call, running);

	return kept(queue, klass, now_ns)
		       ? must
		       : run_queue_preempts(queue, running, now_ns);
}
