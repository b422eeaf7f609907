/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minimum and maximum shares in the pass (step.c).
 *
 * Minimum shares go before the order of classes (reserve.h): while one that waits
 * is owed time, the earliest end of a period runs, and a Realtime vCPU counts with
 * its deadline: what both were promised is possible as long as it adds up to a
 * core. One that overruns its wcet has its deadline put off, so it cannot starve
 * those that are owed. What runs on its minimum gives way to nothing else.
 */
#include "analyze.h"

static uint64_t urgency_ns(const struct dis_vcpu *vcpu)
{
	uint64_t end_ns = DIS_NEVER_NS;

	if (vcpu->intent.klass == DIS_CLASS_REALTIME)
		end_ns = vcpu->entity.deadline_ns;
	if (vcpu_owed(vcpu))
		end_ns = dis_ns_min(end_ns, vcpu->reserve.end_ns);
	return end_ns;
}

/* Next of the Realtime vCPUs that wait, or NULL. */
static struct dis_vcpu *realtime(struct dis_core *core, uint64_t now_ns)
{
	if (!core->runq.length[DIS_CLASS_REALTIME])
		return NULL;
	return run_queue_pick(&core->runq, DIS_CLASS_REALTIME, now_ns);
}

/* The most urgent of those that wait, or NULL. */
static struct dis_vcpu *most_urgent(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *owed = reserve_queue_first(&core->runq.reserve);
	struct dis_vcpu *rt = realtime(core, now_ns);

	return rt && (!owed || urgency_ns(rt) <= urgency_ns(owed)) ? rt : owed;
}

struct dis_vcpu *shares_pick(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *owed = reserve_queue_first(&core->runq.reserve);
	struct dis_vcpu *vcpu = most_urgent(core, now_ns);
	enum dis_choice choice = DIS_CHOICE_SHARE;

	/* Of Realtime it is who its policy says. */
	if (vcpu != owed)
		choice = run_queue_explain(&core->runq, vcpu, now_ns);
	analyze_decide(core, vcpu, choice);
	return vcpu;
}

bool shares_preempt(struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;
	const struct dis_vcpu *rival = most_urgent(core, now_ns);

	if (!rival)
		return false;
	return urgency_ns(rival) < urgency_ns(vcpu) ||
	       (!vcpu_owed(vcpu) && now_ns >= core->slice_end_ns);
}

uint64_t shares_until_ns(const struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;
	uint64_t until_ns = dis_ns_min(
		park_next_ns(core), reserve_queue_next_ns(&core->runq.reserve));

	if (!vcpu->capped)
		return until_ns;
	return dis_ns_min(until_ns, vcpu_owed(vcpu)
					    ? now_ns + vcpu->reserve.left_ns
					    : vcpu->grant_until_ns);
}

uint64_t shares_slice_end_ns(const struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;

	return vcpu_owed(vcpu) ? now_ns + vcpu->reserve.left_ns
			       : core->slice_end_ns;
}
