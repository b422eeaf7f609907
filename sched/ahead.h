/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Anticipation: taking the core before a sleeper's time.
 *
 * Place in the flow: step.c arms its timer and wakes sleepers earlier by what it
 * costs to get the core, so that a vCPU which was promised latency is ready to
 * be entered at its time. It is never entered before (`dis_decision.start_ns`),
 * unless its guest agreed to that (`dis_run_result.early_ns`).
 *
 * How long it takes to get a core is learned from each time that the timer asks
 * for it: from a vCPU of each class, and from idle. How long it takes from the
 * entry until such a guest can look at its clock, from what that guest says;
 * kept per vCPU, so that a lie harms the liar. Both follow the 9th decile: a
 * sample above moves the figure up by up to UP_NS, one below down by an eighth of
 * that at most, so a stall of the host moves it by one step.
 *
 * Bounds: nothing for less than AHEAD_WORTH_NS; AHEAD_MAX_NS; a quarter of what
 * the intent leaves (Interactive's target, Realtime's deadline less its worst
 * case); a tenth of the core's time in sum, with what guests say to have waited
 * that were entered early.
 *
 * Locking: the core's owner.
 */
#ifndef DIS_AHEAD_H
#define DIS_AHEAD_H

#include <dis/types.h>

struct dis_core;
struct dis_vcpu;

#define AHEAD_MAX_NS (500 * DIS_US_NS)
#define AHEAD_WORTH_NS (3 * DIS_US_NS)

/**
 * @lead_ns:   what getting the core costs, by the class of its vCPU; last: idle.
 * @credit_ns: what may be waited yet.
 * @until_ns:  for when the timer was armed last, and @from, out of whose hands.
 */
struct ahead {
	uint64_t lead_ns[DIS_CLASSES + 1];
	int64_t credit_ns;
	uint64_t until_ns;
	unsigned from;
};

/** How early @vcpu, asleep, should be given a core that a @from has. */
uint64_t ahead_lead_ns(const struct dis_core *core, const struct dis_vcpu *vcpu,
		       unsigned from);
/** @wall_ns have passed; was the core got as late as the timer said? */
void ahead_learn(struct dis_core *core, uint64_t wall_ns, uint64_t now_ns);
/** The core's next step is due at @until_ns, its current vCPU is known. */
void ahead_armed(struct dis_core *core, uint64_t until_ns);
/** @vcpu was given the core at @now_ns and waits for its time. */
void ahead_charge(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns);
/** When to enter @vcpu's guest for a timer at @timer_ns. */
uint64_t ahead_entry_ns(const struct dis_core *core,
			const struct dis_vcpu *vcpu, uint64_t timer_ns);
/**
 * @vcpu's guest says, at the end of the burst, that it was ready @slack_ns before
 * its time, and waited for so long.
 */
void ahead_learn_entry(struct dis_core *core, struct dis_vcpu *vcpu,
		       int64_t slack_ns);

#endif
