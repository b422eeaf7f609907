/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gang preference: the vCPUs of a guest that spins run at the same time.
 *
 * Who spins on one core for what a vCPU in the queue of another core holds
 * (dis_vcpu_yield_to()) has that one run there next, before its turn: spinning ends
 * when the holder has run, and until then every turn of the spinner is lost.
 * Nobody is interrupted for it, the wish waits for the core's next pick.
 *
 * The same limits as for a hand-off (handoff.c): of the class that has its turn
 * anyway, under policies that go by turns. And one turn out of order per round: the
 * next one not before everybody of the class who waits on the core can have had a
 * quantum, so that the longest wait there grows by one slice.
 */
#include "core.h"

void gang_want(struct dis_core *core, const struct dis_vcpu *vcpu)
{
	atomic_store_explicit(&core->gang_wanted, vcpu->id,
			      memory_order_relaxed);
}

struct dis_vcpu *gang_take(struct dis_core *core, enum dis_class klass,
			   uint64_t now_ns)
{
	struct dis_vcpu *vcpu;
	dis_id id =
		atomic_load_explicit(&core->gang_wanted, memory_order_relaxed);

	if (id == DIS_ID_NONE)
		return NULL;
	/* A newer wish that is lost here comes again, as long as one spins. */
	atomic_store_explicit(&core->gang_wanted, DIS_ID_NONE,
			      memory_order_relaxed);
	if (now_ns < core->gang_next_ns ||
	    !core->runq.policy[klass]->ops->by_turns ||
	    run_queue_preempting(&core->runq, klass))
		return NULL;
	vcpu = slab_get(&core->dom->vcpus, id);
	if (!vcpu || vcpu_core(vcpu) != core || vcpu->place != DIS_PLACE_RUNQ ||
	    vcpu->intent.klass != klass)
		return NULL;
	return vcpu;
}

void gang_begin(struct dis_core *core, const struct dis_vcpu *vcpu,
		uint64_t now_ns)
{
	uint64_t others = core->runq.length[vcpu->intent.klass];

	core->gang_next_ns =
		dis_ns_add(now_ns, (others + 1u) * core_quantum_ns(vcpu));
}
