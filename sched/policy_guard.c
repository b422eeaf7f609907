/* SPDX-License-Identifier: Apache-2.0 */
/* Calling policy modules; see policy_guard.h. */
#include "policy_guard.h"

#include <stdlib.h>

#include <dis/assert.h>

#define WORD_BITS 64u

_Thread_local struct policy_guard *policy_guard_within;

struct policy_guard *policy_guard_new(struct policy_module *module,
				      const struct slab *vcpus,
				      const struct dis_domain_config *cfg)
{
	size_t words = (vcpus->capacity + WORD_BITS - 1u) / WORD_BITS;
	struct policy_guard *guard =
		calloc(1, sizeof(*guard) + words * sizeof(*guard->queued));

	if (!guard)
		return NULL;
	guard->module = module;
	guard->vcpus = vcpus;
	guard->cfg = cfg;
	atomic_fetch_add(&module->queues, 1u);
	return guard;
}

void policy_guard_free(struct policy_guard *guard)
{
	if (!guard)
		return;
	atomic_fetch_sub(&guard->module->queues, 1u);
	free(guard);
}

static void fault(struct policy_guard *guard, enum dis_reason reason)
{
	if (guard->fault == DIS_REASON_NONE)
		guard->fault = reason;
}

void policy_guard_note_reentry(void)
{
	fault(policy_guard_within, DIS_REASON_POLICY_REENTRY);
}

static uint64_t clock_ns(const struct policy_guard *guard)
{
	const struct dis_domain_config *cfg = guard->cfg;

	return cfg->host_ops->now_ns ? cfg->host_ops->now_ns(cfg->host) : 0;
}

/* Return: when it began. */
static uint64_t begin(const struct policy_call *call)
{
	policy_guard_within = call->guard;
	atomic_store_explicit(&call->inside->since_ns, call->now_ns,
			      memory_order_relaxed);
	atomic_store_explicit(&call->inside->module, call->guard->module,
			      memory_order_release);
	return clock_ns(call->guard);
}

/*
 * By the clock of the wall alone: that of the thread would be a system call, and
 * is blind to an operation that waits.
 */
static void judge_time(struct policy_guard *guard, uint64_t took_ns)
{
	bool hung = took_ns >= DIS_POLICY_OP_HANG_NS;

	guard->late = guard->late << 1 | (took_ns > DIS_POLICY_OP_MAX_NS);
	if ((unsigned)__builtin_popcount(guard->late) >= DIS_POLICY_LATE_MAX ||
	    (hung && guard->may_not_hang))
		fault(guard, DIS_REASON_POLICY_OVERRUN);
	if (hung)
		guard->may_not_hang = DIS_POLICY_HANG_APART;
	else if (guard->may_not_hang)
		guard->may_not_hang--;
}

static void end(const struct policy_call *call, uint64_t began_ns)
{
	struct policy_guard *guard = call->guard;
	uint64_t took_ns = dis_ns_sub(clock_ns(guard), began_ns);

	atomic_store_explicit(&call->inside->module, NULL, memory_order_release);
	policy_guard_within = NULL;
	judge_time(guard, took_ns);
}

static unsigned index_of(const struct dis_vcpu *vcpu)
{
	return (uint32_t)vcpu->id - 1u;
}

bool policy_guard_has(const struct policy_guard *guard,
		      const struct dis_vcpu *vcpu)
{
	unsigned index = index_of(vcpu);

	return guard->queued[index / WORD_BITS] >> index % WORD_BITS & 1u;
}

void policy_guard_init(const struct policy_call *call)
{
	uint64_t began_ns = begin(call);

	call->guard->module->ops.init(call->queue);
	end(call, began_ns);
}

void policy_guard_enqueue(const struct policy_call *call, struct dis_vcpu *vcpu,
			  enum dis_enqueue why)
{
	struct policy_guard *guard = call->guard;
	unsigned index = index_of(vcpu);
	uint64_t began_ns;

	guard->queued[index / WORD_BITS] |= UINT64_C(1) << index % WORD_BITS;
	began_ns = begin(call);
	guard->module->ops.enqueue(call->queue, &vcpu->entity, why,
				   call->now_ns);
	end(call, began_ns);
}

void policy_guard_dequeue(const struct policy_call *call, struct dis_vcpu *vcpu,
			  enum dis_leave why)
{
	struct policy_guard *guard = call->guard;
	unsigned index = index_of(vcpu);
	uint64_t began_ns;

	guard->queued[index / WORD_BITS] &= ~(UINT64_C(1) << index % WORD_BITS);
	if (guard->oldest == vcpu)
		guard->oldest = NULL;
	began_ns = begin(call);
	guard->module->ops.dequeue(call->queue, &vcpu->entity, why,
				   call->now_ns);
	end(call, began_ns);
}

/* The vCPU of @entity if that is in the queue, else NULL. */
static struct dis_vcpu *prove(const struct policy_guard *guard,
			      const struct dis_entity *entity)
{
	const struct slab *vcpus = guard->vcpus;
	uintptr_t first =
		(uintptr_t)vcpus->objects + offsetof(struct dis_vcpu, entity);
	/* What lies before wraps around, and is too far behind then. */
	uintptr_t offset = (uintptr_t)entity - first;
	uintptr_t index = offset / vcpus->object_size;

	if (index >= vcpus->capacity || offset % vcpus->object_size)
		return NULL;
	if (!(guard->queued[index / WORD_BITS] >> index % WORD_BITS & 1u))
		return NULL;
	return slab_at(vcpus, (unsigned)index);
}

/*
 * Others were picked so often that @oldest is not just waiting its turn. Adding
 * up is O(n), after 64 picks for each of n at least, and only when it has been
 * waiting for seconds.
 */
static bool is_lost(struct policy_guard *guard, const struct dis_vcpu *oldest,
		    unsigned length, uint64_t now_ns)
{
	uint64_t step = (uint64_t)DIS_POLICY_PASSED_MAX * length;
	uint64_t weights = 0;

	DIS_ASSERT(oldest);
	if (guard->oldest != oldest) {
		guard->oldest = oldest;
		guard->oldest_since_ns = now_ns;
		guard->passed = 0;
		guard->look_at = step;
		return false;
	}
	if (++guard->passed <= guard->look_at ||
	    now_ns - guard->oldest_since_ns <= DIS_POLICY_WAIT_MAX_NS)
		return false;
	guard->look_at = guard->passed + step;
	for (const struct dis_vcpu *vcpu = oldest; vcpu;
	     vcpu = TAILQ_NEXT(vcpu, run_link))
		weights += vcpu->entity.weight;
	return guard->passed * oldest->entity.weight >
	       DIS_POLICY_PASSED_MAX * weights;
}

struct dis_vcpu *policy_guard_pick(const struct policy_call *call,
				   const struct dis_vcpu *oldest,
				   unsigned length)
{
	struct policy_guard *guard = call->guard;
	const struct dis_entity *entity;
	struct dis_vcpu *vcpu = NULL;
	uint64_t began_ns = begin(call);

	entity = guard->module->ops.pick(call->queue, call->now_ns);
	end(call, began_ns);
	if (entity)
		vcpu = prove(guard, entity);
	if (!entity)
		fault(guard, DIS_REASON_POLICY_EMPTY);
	else if (!vcpu)
		fault(guard, DIS_REASON_POLICY_FOREIGN);
	else if (is_lost(guard, oldest, length, call->now_ns))
		fault(guard, DIS_REASON_POLICY_LOST);
	return guard->fault == DIS_REASON_NONE ? vcpu : NULL;
}

void policy_guard_charge(const struct policy_call *call, struct dis_vcpu *vcpu,
			 uint64_t ran_ns)
{
	const struct dis_policy_ops *ops = &call->guard->module->ops;
	uint64_t began_ns;

	if (!ops->charge)
		return;
	began_ns = begin(call);
	ops->charge(call->queue, &vcpu->entity, ran_ns, call->now_ns);
	end(call, began_ns);
}

void policy_guard_leave(const struct policy_call *call, struct dis_vcpu *vcpu,
			enum dis_leave why)
{
	const struct dis_policy_ops *ops = &call->guard->module->ops;
	uint64_t began_ns;

	if (!ops->leave)
		return;
	began_ns = begin(call);
	ops->leave(call->queue, &vcpu->entity, why, call->now_ns);
	end(call, began_ns);
}

bool policy_guard_preempts(const struct policy_call *call,
			   const struct dis_vcpu *running)
{
	const struct dis_policy_ops *ops = &call->guard->module->ops;
	uint64_t began_ns;
	bool must;

	began_ns = begin(call);
	must = ops->preempts(call->queue, &running->entity, call->now_ns);
	end(call, began_ns);
	return must;
}

enum dis_choice policy_guard_explain(const struct policy_call *call,
				     const struct dis_vcpu *vcpu)
{
	const struct dis_policy_ops *ops = &call->guard->module->ops;
	enum dis_choice choice;
	uint64_t began_ns = begin(call);

	choice = ops->explain(call->queue, &vcpu->entity);
	end(call, began_ns);
	return choice >= DIS_CHOICE_TURN &&
			       choice <= DIS_CHOICE_VIRTUAL_DEADLINE
		       ? choice
		       : ops->choice;
}
