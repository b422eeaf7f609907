/* SPDX-License-Identifier: Apache-2.0 */
/* Anticipation; see ahead.h. */
#include "ahead.h"

#include "core.h"

#define UP_NS (8 * DIS_US_NS)
#define DOWN_NS (UP_NS / 8)
/* Share of the core that may be waited away, and what may be saved up of it. */
#define SHARE 10
#define CREDIT_MAX_NS ((int64_t)(5 * DIS_MS_NS))

static uint64_t follow(uint64_t lead_ns, uint64_t sample_ns)
{
	if (sample_ns > lead_ns)
		return dis_ns_min(lead_ns + dis_ns_min(sample_ns - lead_ns,
						       UP_NS),
				  AHEAD_MAX_NS);
	return lead_ns - dis_ns_min(lead_ns - sample_ns, DOWN_NS);
}

/* A quarter of the time that @vcpu's intent leaves between wake and promise. */
static uint64_t limit_ns(const struct dis_vcpu *vcpu)
{
	const struct dis_intent *intent = &vcpu->intent;

	switch (intent->klass) {
	case DIS_CLASS_REALTIME:
		return (intent->deadline_ns - intent->wcet_ns) / 4;
	case DIS_CLASS_INTERACTIVE:
		return intent->latency_ns / 4;
	default:
		return 0;
	}
}

uint64_t ahead_lead_ns(const struct dis_core *core, const struct dis_vcpu *vcpu,
		       unsigned from)
{
	uint64_t lead_ns = core->ahead.lead_ns[from];

	/* With the thread executor the host's scheduler has the last word. */
	if (core->dom->cfg.per_vcpu || core->ahead.credit_ns <= 0 ||
	    lead_ns < AHEAD_WORTH_NS)
		return 0;
	return dis_ns_min(lead_ns, limit_ns(vcpu));
}

void ahead_learn(struct dis_core *core, uint64_t wall_ns, uint64_t now_ns)
{
	struct ahead *ahead = &core->ahead;

	ahead->credit_ns += (int64_t)dis_ns_min(wall_ns, DIS_S_NS) / SHARE;
	if (ahead->credit_ns > CREDIT_MAX_NS)
		ahead->credit_ns = CREDIT_MAX_NS;
	if (now_ns >= ahead->until_ns)
		ahead->lead_ns[ahead->from] = follow(
			ahead->lead_ns[ahead->from], now_ns - ahead->until_ns);
}

void ahead_armed(struct dis_core *core, uint64_t until_ns)
{
	core->ahead.until_ns = dis_ns_max(until_ns, core->last_ns);
	core->ahead.from = core->current ? core->current->intent.klass
					 : DIS_CLASSES;
}

static void charge(struct dis_core *core, struct dis_vcpu *vcpu,
		   uint64_t wait_ns)
{
	core->ahead.credit_ns -= (int64_t)wait_ns;
	SHARED_ADD(core->stats.ahead_ns, wait_ns);
	SHARED_ADD(vcpu->stats.ahead_ns, wait_ns);
}

void ahead_charge(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns)
{
	charge(core, vcpu, dis_ns_sub(vcpu->wake_ns, now_ns));
}

/* How early @vcpu's guest is entered, if there is credit. */
static uint64_t early_by_ns(const struct dis_vcpu *vcpu)
{
	return dis_ns_min(dis_ns_min(vcpu->entry_ns, vcpu->early_ns),
			  limit_ns(vcpu));
}

uint64_t ahead_entry_ns(const struct dis_core *core,
			const struct dis_vcpu *vcpu, uint64_t timer_ns)
{
	if (timer_ns == DIS_NEVER_NS || core->ahead.credit_ns <= 0)
		return timer_ns;
	return dis_ns_sub(timer_ns, early_by_ns(vcpu));
}

/* What the guest says that it waited, within what it can have: a lie costs others
 * no more of the credit than what it was entered early by. */
static void charge_slack(struct dis_core *core, struct dis_vcpu *vcpu,
			 uint64_t slack_ns)
{
	SHARED_ADD(vcpu->stats.early_wakes, 1u);
	charge(core, vcpu,
	       dis_ns_min(slack_ns,
			  dis_ns_min(vcpu->burst_ns, early_by_ns(vcpu))));
}

void ahead_learn_entry(struct dis_core *core, struct dis_vcpu *vcpu,
		       int64_t slack_ns)
{
	/* The sample: how early it would have had to be. */
	int64_t entry_ns = (int64_t)vcpu->entry_ns;

	if (slack_ns > 0)
		charge_slack(core, vcpu, (uint64_t)slack_ns);
	if (slack_ns < -(int64_t)DIS_MS_NS)
		slack_ns = -(int64_t)DIS_MS_NS;
	if (slack_ns > entry_ns)
		slack_ns = entry_ns;
	vcpu->entry_ns =
		follow(vcpu->entry_ns, (uint64_t)(entry_ns - slack_ns));
}
