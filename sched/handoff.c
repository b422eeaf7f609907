/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct hand-off (R: EVO-B3): a vCPU that wakes a partner of its own core and
 * blocks at once gives it the core and the rest of its slice.
 *
 * Without it the partner, who is queued behind all others of their class, waits a
 * slice of each of them, for every message that the two exchange. With it the two
 * are like one: they have one slice per turn together, as the rest of a slice is
 * passed on and never begun anew. So nobody else waits longer than for one hog.
 *
 * The same way a vCPU yields to another that it names: one that spins, to the
 * holder of the lock, which was preempted. A holder on another core is left there,
 * but runs next (gang.c): to fetch it would interrupt whoever runs on that core.
 *
 * Bypasses nothing: the partner is queued here, so this core owns it; only one of
 * the same class, and only when that class has its turn anyway; a floor that is
 * due, a more urgent class and who is past its target go first. Policies that go
 * by deadlines, shares or priorities keep their order.
 */
#include "core.h"

/* "At once": a few exits from the wake to the halt, also where these are slow. */
#define HANDOFF_NS (200 * DIS_US_NS)

void dis_vcpu_wake_by(struct dis_vcpu *vcpu, struct dis_vcpu *waker)
{
	struct dis_core *core = vcpu_core(waker);

	if (policy_guard_reentered())
		return;
	atomic_store_explicit(&vcpu->called_from, core->index + 1u,
			      memory_order_relaxed);
	/* Inside its run: this thread is the core's. */
	if (core->current == waker && vcpu_core(vcpu) == core)
		core->handoff =
			(struct handoff){.from = waker->id, .to = vcpu->id};
	mailbox_post(vcpu, DIS_MSG_WAKE);
}

void dis_vcpu_yield_to(struct dis_vcpu *vcpu, struct dis_vcpu *to)
{
	struct dis_core *core = vcpu_core(vcpu);
	struct dis_core *of_other = vcpu_core(to);

	if (policy_guard_reentered())
		return;
	if (of_other != core)
		gang_want(of_other, to);
	else if (core->current == vcpu)
		core->handoff = (struct handoff){.from = vcpu->id,
						 .to = to->id,
						 .until_ns = DIS_NEVER_NS,
						 .yields = true};
}

void handoff_yielded(struct dis_core *core, const struct dis_vcpu *vcpu)
{
	core->handoff.ready = core->handoff.yields &&
			      core->handoff.from == vcpu->id;
}

void handoff_queued(struct dis_core *core, const struct dis_vcpu *vcpu,
		    uint64_t now_ns)
{
	if (core->handoff.to == vcpu->id)
		core->handoff.until_ns = dis_ns_add(now_ns, HANDOFF_NS);
}

void handoff_forget(struct dis_core *core)
{
	if (!core->handoff.until_ns)
		core->handoff = (struct handoff){0};
}

void handoff_blocked(struct dis_core *core, const struct dis_vcpu *vcpu,
		     uint64_t now_ns)
{
	struct handoff *h = &core->handoff;

	/* Not queued yet: the wake is in the mail, from this very run. */
	h->ready = h->to != DIS_ID_NONE && h->from == vcpu->id && !h->yields &&
		   (!h->until_ns || now_ns <= h->until_ns);
}

struct dis_vcpu *handoff_take(struct dis_core *core, enum dis_class klass,
			      uint64_t now_ns)
{
	struct handoff h = core->handoff;
	struct dis_vcpu *vcpu;

	core->handoff = (struct handoff){0};
	if (!h.ready || now_ns >= core->slice_end_ns ||
	    !core->runq.policy[klass]->ops->by_turns ||
	    run_queue_preempting(&core->runq, klass))
		return NULL;
	vcpu = slab_get(&core->dom->vcpus, h.to);
	if (!vcpu || vcpu_core(vcpu) != core || vcpu->place != DIS_PLACE_RUNQ ||
	    vcpu->intent.klass != klass)
		return NULL;
	return vcpu;
}

void handoff_begin(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns)
{
	uint64_t used_ns =
		dis_ns_sub(core_quantum_ns(vcpu), core->slice_end_ns - now_ns);

	SHARED_STORE(vcpu->consumed_ns, dis_ns_max(vcpu->consumed_ns, used_ns));
	SHARED_ADD(core->stats.handoffs, 1u);
}
