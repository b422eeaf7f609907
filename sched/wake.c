/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a vCPU goes when it wakes (R: DIS-9, DIS-13, EVO-B2).
 *
 * The core that it blocked on wakes it, and chooses, once per wake:
 *   1. this core, if it has nothing else: its cache is warm here;
 *   2. another core that idles;
 *   3. this core, if it is run at once: more urgent than what runs here, or
 *      woken by what runs here, which may hand over (handoff.c);
 *   4. the core that runs the least urgent, if less urgent than it and nobody of
 *      its urgency waits there: it is run at once;
 *   5. the core of the vCPU that woke it, if that has no more to do than this one:
 *      those who talk to each other come together, and can hand over;
 *   6. the core with the least to do of its urgency, if that is less by more than
 *      its own weight: with less it would wait for as long there;
 *   7. this core.
 * Pinned ones stay, Realtime goes only where it fits (realtime.c).
 *
 * wake_push() is the same for one that was promised latency and has to wait for
 * another reason: who is preempted, or comes from another core.
 *
 * A sleeper that would not preempt is seen to when the slice ends. If another
 * core idles meanwhile it need not wait: `nap_ns` is the time of the first such
 * sleeper of a core. The core writes it, then reads idle_cores, and is interrupted
 * at that time if one idles; a core that becomes idle writes idle_cores, then
 * reads nap_ns of all, and sees to it that they step at that time. It has the
 * sleeper then, and there it stays.
 */
#include "core.h"

/* Does core @to run something less urgent than @vcpu, and nobody waits there? */
static bool would_run_at(const struct dis_core *to, enum dis_class klass)
{
	enum dis_class runs = mailbox_running_class(to);

	return runs != DIS_CLASSES && runs > klass &&
	       balance_seen_load(to, klass) == 0;
}

/* The core that runs the least urgent of those that would run @vcpu, or NULL. */
static struct dis_core *least_urgent(const struct dis_core *core,
				     const struct dis_vcpu *vcpu)
{
	struct dis_domain *dom = core->dom;
	unsigned least = vcpu->intent.klass;
	struct dis_core *best = NULL;

	for (unsigned i = 0; i < dom->ncores; i++) {
		struct dis_core *to = &dom->cores[i];
		unsigned runs = mailbox_running_class(to);

		if (to == core || runs == DIS_CLASSES || runs <= least ||
		    !placement_allowed(vcpu, i) ||
		    !would_run_at(to, vcpu->intent.klass))
			continue;
		best = to;
		least = runs;
	}
	return best;
}

/* The core with the least to do, if that is less enough, or NULL. */
static struct dis_core *least_loaded(const struct dis_core *core,
				     const struct dis_vcpu *vcpu)
{
	struct dis_domain *dom = core->dom;
	enum dis_class klass = vcpu->intent.klass;
	uint64_t least = balance_own_load(core, klass);
	struct dis_core *best = NULL;

	if (least <= vcpu->entity.weight)
		return NULL;
	least -= vcpu->entity.weight;
	for (unsigned i = 0; i < dom->ncores; i++) {
		uint64_t load;

		if (i == core->index || !placement_allowed(vcpu, i))
			continue;
		load = balance_seen_load(&dom->cores[i], klass);
		if (load >= least)
			continue;
		best = &dom->cores[i];
		least = load;
	}
	return best;
}

/* The core of who woke it last, if it is as good as this one, or NULL. */
static struct dis_core *caller(const struct dis_core *core,
			       struct dis_vcpu *vcpu)
{
	unsigned from =
		atomic_load_explicit(&vcpu->called_from, memory_order_relaxed);
	enum dis_class klass = vcpu->intent.klass;
	struct dis_core *to;

	if (!from || from - 1u == core->index ||
	    !placement_allowed(vcpu, from - 1u))
		return NULL;
	to = &core->dom->cores[from - 1u];
	return balance_seen_load(to, klass) <= balance_own_load(core, klass)
		       ? to
		       : NULL;
}

/* Would the core dispatch one of @klass next, for sure? */
static bool runs_at_once(const struct dis_core *core, enum dis_class klass)
{
	return klass < run_queue_top(&core->runq) &&
	       (!core->current || klass < core->current->intent.klass);
}

static bool send(struct dis_core *core, struct dis_vcpu *vcpu,
		 struct dis_core *to, enum dis_move why, uint64_t now_ns)
{
	vcpu->entity.queued_ns = now_ns;
	placement_send(core, vcpu, to, why, now_ns);
	return true;
}

bool wake_elsewhere(struct dis_core *core, struct dis_vcpu *vcpu,
		    uint64_t now_ns)
{
	struct dis_core *to;

	if (!vcpu->movable || (!core->current && !core->runq.count))
		goto stay;
	to = placement_claim_idle(core, vcpu, now_ns);
	if (to)
		return send(core, vcpu, to, DIS_MOVE_WAKE_IDLE, now_ns);
	if (runs_at_once(core, vcpu->intent.klass) ||
	    core->handoff.to == vcpu->id)
		goto stay;
	to = least_urgent(core, vcpu);
	if (!to)
		to = caller(core, vcpu);
	if (!to)
		to = least_loaded(core, vcpu);
	if (to && realtime_claim(vcpu, to, now_ns))
		return send(core, vcpu, to, DIS_MOVE_WAKE, now_ns);
stay:
	SHARED_ADD(core->stats.wake_warm, 1u);
	return false;
}

/* One of @klass that waits and could go elsewhere, or NULL. */
static struct dis_vcpu *first_waiting(const struct dis_core *core,
				      enum dis_class klass)
{
	struct dis_vcpu *vcpu =
		TAILQ_FIRST(&core->runq.crowd[klass][true].list);

	if (vcpu && vcpu->place == DIS_PLACE_CURRENT)
		vcpu = TAILQ_NEXT(vcpu, crowd_link);
	return vcpu;
}

void wake_push(struct dis_core *core, uint64_t now_ns)
{
	struct dis_core *to;

	if (run_queue_top(&core->runq) >= DIS_CLASS_BATCH ||
	    !atomic_load_explicit(&core->runq.reach, memory_order_relaxed))
		return;
	for (unsigned k = 0; k < DIS_CLASS_BATCH; k++) {
		struct dis_vcpu *vcpu = first_waiting(core, k);

		if (!vcpu)
			continue;
		to = least_urgent(core, vcpu);
		if (to && placement_move(core, vcpu, to, DIS_MOVE_PUSH, now_ns))
			return;
	}
}

bool wake_wanted_elsewhere(const struct dis_vcpu *vcpu)
{
	const struct dis_domain *dom = vcpu->dom;
	dis_cpumask allowed = SHARED_LOAD(vcpu->reach);
	enum dis_class klass = (enum dis_class)SHARED_LOAD(vcpu->klass);

	if (!allowed)
		return false;
	if (atomic_load(&dom->idle_cores) & allowed)
		return true;
	if (klass >= DIS_CLASS_BATCH)
		return false;
	for (unsigned i = 0; i < dom->ncores; i++)
		if (allowed >> i & 1u && would_run_at(&dom->cores[i], klass))
			return true;
	return false;
}

uint64_t wake_publish_nap(struct dis_core *core, unsigned preempting)
{
	const struct dis_vcpu *first = NULL;
	uint64_t nap_ns;

	for (unsigned k = preempting; k < DIS_CLASSES; k++) {
		const struct dis_vcpu *vcpu = core->sleepq.tree[k].first;

		if (vcpu && vcpu->movable &&
		    (!first || vcpu->wake_ns < first->wake_ns))
			first = vcpu;
	}
	nap_ns = first ? first->wake_ns : DIS_NEVER_NS;
	if (nap_ns != atomic_load_explicit(&core->nap_ns, memory_order_relaxed))
		atomic_store(&core->nap_ns, nap_ns);
	return first && wake_wanted_elsewhere(first) ? nap_ns : DIS_NEVER_NS;
}

uint64_t wake_next_nap_ns(struct dis_core *core, uint64_t now_ns)
{
	struct dis_domain *dom = core->dom;
	uint64_t next_ns = DIS_NEVER_NS;

	if (dom->cfg.per_vcpu)
		return next_ns;
	for (unsigned i = 0; i < dom->ncores; i++) {
		struct dis_core *other = &dom->cores[i];
		uint64_t nap_ns = atomic_load(&other->nap_ns);

		if (other == core || nap_ns == DIS_NEVER_NS)
			continue;
		if (nap_ns <= now_ns)
			placement_demand(other);
		else
			next_ns = dis_ns_min(next_ns, nap_ns);
	}
	return next_ns;
}
