/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduling pass of a core: charge, apply, take mail, wake, decide.
 *
 * Order of urgency: the five classes strictly, round robin inside each, plus
 * floors (R: DIS-14): a class that got less than its share of the core runs for
 * a slice before more urgent ones, when a slice ends or the core is free. Only
 * a more urgent arrival goes before it or cuts it short, and floors let arrivals
 * pass for a slice's length at most. What Realtime has reserved floors do not take
 * (realtime.c).
 *
 * The timer (until_ns) is armed only for what could take the core away from the
 * current vCPU, or what it must see itself (R: CARD-4, PRE-6):
 *   its own guest timer; a sleeper of a more urgent class, or one that another
 *   core would run at once; and, not before the slice ends, anything else that
 *   waits or will wake.
 */
#include <dis/assert.h>

#include "analyze.h"
#include "core.h"
#include "state.h"

/* Of what is charged, what the runs since the last charge were in the guest. */
static void charge_guest(struct dis_core *core, struct dis_vcpu *vcpu,
			 uint64_t charge_ns)
{
	if (!charge_ns)
		return;
	SHARED_ADD(vcpu->stats.guest_ns, dis_ns_min(core->guest_ns, charge_ns));
	core->guest_ns = 0;
}

/*
 * What devices did for it since its last turn is no core's time, but it pays for
 * it: of its quantum with half at most, so that it gets on with each turn.
 */
static void charge_devices(struct dis_core *core, struct dis_vcpu *vcpu,
			   uint64_t now_ns)
{
	uint64_t ns = atomic_load_explicit(&vcpu->device_due_ns,
					   memory_order_relaxed);

	if (!ns)
		return;
	SHARED_ADD(vcpu->stats.device_ns, ns);
	atomic_fetch_sub(&vcpu->device_due_ns, ns);
	SHARED_ADD(vcpu->consumed_ns,
		   dis_ns_min(ns, core_quantum_ns(vcpu) / 2u));
	run_queue_charge(&core->runq, vcpu, ns, now_ns);
	if (vcpu->capped)
		park_charge(vcpu, ns, now_ns);
}

/* The ledger (R: EVO-C1): time since the last step is someone's or idle. */
static void charge(struct dis_core *core, uint64_t now_ns, uint64_t charge_ns)
{
	struct dis_vcpu *vcpu = core->current;
	uint64_t wall_ns = now_ns - core->last_ns;

	SHARED_STORE(core->last_ns, now_ns);
	if (!vcpu) {
		SHARED_ADD(core->stats.idle_ns, wall_ns);
		return;
	}
	if (charge_ns == DIS_NEVER_NS)
		charge_ns = wall_ns;
	SHARED_ADD(vcpu->consumed_ns, charge_ns);
	vcpu->burst_ns += charge_ns;
	SHARED_ADD(vcpu->stats.cpu_ns, charge_ns);
	charge_guest(core, vcpu, charge_ns);
	run_queue_charge(&core->runq, vcpu, charge_ns, now_ns);
	if (vcpu->has_min)
		reserve_charge(&vcpu->reserve, charge_ns, now_ns);
	SHARED_ADD(core->stats.charged_ns, charge_ns);
}

/* Who has the core, or gets it unless a sleeper does; DIS_CLASSES: nobody. */
static unsigned holder(const struct dis_core *core)
{
	return core->current ? core->current->intent.klass
			     : run_queue_top(&core->runq);
}

/*
 * When the timer must ask for the core, for @vcpu to have it at @wake_ns. Only who
 * takes the core from @from gets it ahead of its time.
 */
static uint64_t asked_for_ns(const struct dis_core *core,
			     const struct dis_vcpu *vcpu, uint64_t wake_ns,
			     unsigned from)
{
	if (vcpu->intent.klass >= from)
		return wake_ns;
	return dis_ns_sub(wake_ns, ahead_lead_ns(core, vcpu, from));
}

/* The same for the first sleeper of class @k. */
static uint64_t asked_ns(const struct dis_core *core, unsigned k, unsigned from)
{
	const struct dis_vcpu *vcpu = core->sleepq.tree[k].first;

	return vcpu ? asked_for_ns(core, vcpu, vcpu->wake_ns, from)
		    : DIS_NEVER_NS;
}

static void wake_sleepers(struct dis_core *core, uint64_t now_ns)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		while (asked_ns(core, k, holder(core)) <= now_ns) {
			struct dis_vcpu *vcpu = core->sleepq.tree[k].first;

			/* Before it may be another core's. */
			vcpu->ahead = vcpu->timer_ns > now_ns;
			core_wake(core, vcpu, DIS_REASON_TIMER, vcpu->timer_ns,
				  now_ns);
		}
	}
}

/* Less urgent class whose floor is most overdue, or DIS_CLASSES. */
static enum dis_class floor_class(const struct dis_core *core, unsigned above,
				  uint64_t now_ns)
{
	enum dis_class best = DIS_CLASSES;

	for (unsigned k = above + 1u; k < DIS_CLASSES; k++) {
		if (!core->runq.length[k] || core->floor_due_ns[k] > now_ns)
			continue;
		if (best == DIS_CLASSES ||
		    core->floor_due_ns[k] < core->floor_due_ns[best])
			best = (enum dis_class)k;
	}
	return best;
}

/* Must the current vCPU give way by the order of classes to one more urgent? */
static bool class_preempts(struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;
	enum dis_class klass = vcpu->intent.klass;
	enum dis_class top = run_queue_top(&core->runq);

	if (top < klass && (!vcpu->floor_run || core->arrived < klass))
		return true;
	return top == klass && run_queue_preempts(&core->runq, vcpu, now_ns);
}

/* Must it because its slice has ended? */
static bool slice_over(const struct dis_core *core, uint64_t now_ns)
{
	enum dis_class klass = core->current->intent.klass;

	return now_ns >= core->slice_end_ns &&
	       (run_queue_top(&core->runq) <= klass ||
		floor_class(core, klass, now_ns) != DIS_CLASSES);
}

static bool is_paused(const struct dis_core *core)
{
	return atomic_load_explicit(&core->dom->paused, memory_order_relaxed);
}

/*
 * Takes the current vCPU off if it has to give way. Return: that vCPU, if it was
 * for a more urgent one.
 */
static const struct dis_vcpu *give_way(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core->current;
	bool urgent;

	if (!vcpu || is_paused(core))
		return NULL;
	if (!park_grant(vcpu, now_ns)) {
		park_current(core, now_ns);
		return NULL;
	}
	if (shares_decide(core)) {
		urgent = shares_preempt(core, now_ns);
		if (!urgent)
			return NULL;
	} else {
		urgent = class_preempts(core, now_ns);
		if (!urgent && !slice_over(core, now_ns))
			return NULL;
	}
	core_put_back(core,
		      vcpu->consumed_ns >=
				      core_quantum_ns(vcpu) + vcpu->stretch_ns
			      ? DIS_REASON_SLICE_END
			      : DIS_REASON_PREEMPT,
		      now_ns);
	return urgent ? vcpu : NULL;
}

/* The class whose floor goes before class @top now, or DIS_CLASSES. */
static enum dis_class pick_floor(struct dis_core *core, enum dis_class top,
				 uint64_t now_ns)
{
	enum dis_class floor = top == DIS_CLASS_REALTIME &&
					       realtime_orders_floors(core)
				       ? realtime_floor(core, now_ns)
				       : floor_class(core, top, now_ns);

	if (floor != DIS_CLASSES && core->arrived < floor) {
		if (!core->floor_passed_ns)
			core->floor_passed_ns = now_ns;
		if (now_ns - core->floor_passed_ns < FLOOR_SLICE_NS)
			return DIS_CLASSES;
	}
	core->floor_passed_ns = 0;
	return floor;
}

/* Whose turn it is, and what for; NULL if nobody waits. */
static struct dis_vcpu *choose(struct dis_core *core,
			       const struct dis_vcpu *displaced,
			       enum dis_reason *why, uint64_t now_ns)
{
	enum dis_class top = run_queue_top(&core->runq);
	struct dis_vcpu *vcpu;
	enum dis_class floor;

	*why = DIS_REASON_DISPATCH;
	if (top == DIS_CLASSES)
		return NULL;
	if (shares_decide(core)) {
		vcpu = shares_pick(core, now_ns);
		if (vcpu_owed(vcpu))
			*why = DIS_REASON_SHARE_MIN;
		return vcpu;
	}
	floor = pick_floor(core, top, now_ns);
	if (floor != DIS_CLASSES)
		*why = DIS_REASON_FLOOR;
	return analyze_pick(core, floor != DIS_CLASSES ? floor : top,
			    floor != DIS_CLASSES, displaced, now_ns);
}

static void pick(struct dis_core *core, const struct dis_vcpu *displaced,
		 uint64_t now_ns)
{
	struct dis_vcpu *vcpu;
	enum dis_reason why;
	uint64_t slice_ns;

	if (core->current)
		return;
	while ((vcpu = choose(core, displaced, &why, now_ns)) &&
	       !park_grant(vcpu, now_ns))
		park_queued(core, vcpu, now_ns);
	if (!vcpu)
		return;
	run_queue_remove(&core->runq, vcpu, DIS_LEAVE_RUN, now_ns);
	run_queue_prefetch(&core->runq, vcpu->intent.klass, now_ns);
	vcpu->place = DIS_PLACE_CURRENT;
	vcpu->floor_run = why == DIS_REASON_FLOOR;
	core->current = vcpu;
	if (vcpu->decided.choice == DIS_CHOICE_HANDOFF)
		handoff_begin(core, vcpu, now_ns);
	else if (vcpu->decided.choice == DIS_CHOICE_GANG)
		gang_begin(core, vcpu, now_ns);
	core->handoff = (struct handoff){0};
	charge_devices(core, vcpu, now_ns);
	slice_ns = analyze_slice_ns(core, vcpu, now_ns);
	if (vcpu->floor_run)
		slice_ns = dis_ns_min(slice_ns, FLOOR_SLICE_NS);
	vcpu->decided.slice_ns = slice_ns;
	core->slice_end_ns = dis_ns_add(now_ns, slice_ns);
	SHARED_ADD(vcpu->stats.dispatches, 1u);
	SHARED_STORE(vcpu->stats.last_dispatch_ns, now_ns);
	SHARED_ADD(core->stats.dispatches, 1u);
	SHARED_ADD(core->stats.picks[vcpu->decided.choice], 1u);
	if (vcpu->ahead)
		ahead_charge(core, vcpu, now_ns);
	state_set(vcpu, DIS_STATE_RUNNING, why,
		  dis_ns_sub(now_ns, vcpu->since_ns), now_ns);
}

/* When the slice end matters: who waits or will wake, but cannot preempt. */
static uint64_t contention_ns(const struct dis_core *core)
{
	const struct dis_vcpu *vcpu = core->current;
	enum dis_class klass = vcpu->intent.klass;
	uint64_t when_ns;

	if (run_queue_top(&core->runq) <= klass ||
	    reserve_queue_first(&core->runq.reserve))
		return 0;
	when_ns = sleep_queue_next_ns(&core->sleepq, klass, DIS_CLASSES);
	for (unsigned k = klass + 1u; k < DIS_CLASSES; k++)
		if (core->runq.length[k])
			when_ns = dis_ns_min(when_ns, core->floor_due_ns[k]);
	return when_ns;
}

/*
 * The current vCPU's own timer. One that is due is taken at the entry: no need to arm
 * for it. Whose bursts are brief has set it to sleep until then: what will be asked
 * for it then is armed at once, so that the timer can stay when it does. To set it
 * costs as much as a dispatch where the clock is a hypervisor's. Not in a burst that
 * is longer than a quantum: each of its timers would cost a pass.
 */
static uint64_t own_timer_ns(const struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;
	uint64_t asleep_ns;

	if (vcpu->timer_ns <= now_ns || vcpu->timer_ns == DIS_NEVER_NS ||
	    vcpu->ahead)
		return DIS_NEVER_NS;
	if (!vcpu->brief || vcpu->burst_ns >= core_quantum_ns(vcpu))
		return vcpu->timer_ns;
	asleep_ns = asked_for_ns(core, vcpu,
				 ahead_entry_ns(core, vcpu, vcpu->timer_ns),
				 run_queue_top(&core->runq));
	return asleep_ns > now_ns ? asleep_ns : vcpu->timer_ns;
}

/* When a sleeper of classes below @end could take the core. */
static uint64_t preempted_ns(const struct dis_core *core, unsigned end)
{
	uint64_t when_ns = DIS_NEVER_NS;

	for (unsigned k = 0; k < end; k++)
		when_ns = dis_ns_min(when_ns, asked_ns(core, k, holder(core)));
	return when_ns;
}

static uint64_t until_ns(struct dis_core *core, uint64_t now_ns)
{
	const struct dis_vcpu *vcpu = core->current;
	uint64_t contention, until;
	unsigned preempting;

	core->slice_armed = false;
	if (!vcpu) {
		atomic_store_explicit(&core->nap_ns, DIS_NEVER_NS,
				      memory_order_relaxed);
		until = dis_ns_min(preempted_ns(core, DIS_CLASSES),
				   wake_next_nap_ns(core, now_ns));
		return dis_ns_min(until, park_next_ns(core));
	}
	if (is_paused(core))
		return own_timer_ns(core, now_ns);
	/* Who could preempt: more urgent classes, and with some policies its
	 * own. */
	preempting = vcpu->intent.klass;
	if (run_queue_preempting(&core->runq, vcpu->intent.klass))
		preempting++;
	until = dis_ns_min(preempted_ns(core, preempting),
			   shares_until_ns(core, now_ns));
	contention = contention_ns(core);
	if (contention != DIS_NEVER_NS) {
		uint64_t end_ns = shares_slice_end_ns(core, now_ns);

		/* What is due later is no promise to look at the slice end. */
		core->slice_armed = contention <= end_ns;
		until = dis_ns_min(until, dis_ns_max(contention, end_ns));
	}
	until = dis_ns_min(until, wake_publish_nap(core, preempting));
	until = dis_ns_min(until, dis_ns_max(balance_due_ns(core),
					     shares_slice_end_ns(core, now_ns)));
	return dis_ns_min(until, own_timer_ns(core, now_ns));
}

void dis_core_start(struct dis_core *core, uint64_t now_ns)
{
	SHARED_STORE(core->last_ns, now_ns);
	core->ahead.until_ns = DIS_NEVER_NS;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		core->floor_due_ns[k] =
			dis_ns_add(now_ns, core->dom->floor_period_ns[k]);
}

struct dis_decision dis_core_step(struct dis_core *core, uint64_t now_ns,
				  uint64_t charge_ns,
				  const struct dis_run_result *result)
{
	const struct dis_vcpu *displaced;
	struct dis_decision decision = {.until_ns = DIS_NEVER_NS};
	uint64_t wall_ns;
	bool asked;

	if (policy_guard_reentered())
		return decision;
	if (now_ns < core->last_ns) {
		SHARED_ADD(core->stats.time_backward, 1u);
		now_ns = core->last_ns;
	}
	wall_ns = now_ns - core->last_ns;
	if (result)
		core->guest_ns += result->guest_ns;
	charge(core, now_ns, charge_ns);
	core->arrived = DIS_CLASSES;
	/* Before the offers: who asks after them makes this core step again. */
	asked = placement_asked(core);
	if (result)
		core_apply_result(core, result, now_ns);
	core_take_hint(core, now_ns);
	core_take_policies(core, now_ns);
	mailbox_take(core, now_ns);
	handoff_forget(core);
	core_check_joins(core, now_ns);
	wake_sleepers(core, now_ns);
	/* Not before: who is woken now was asked for by what was known then. */
	ahead_learn(core, wall_ns, now_ns);
	park_release(core, now_ns);
	reserve_queue_advance(&core->runq.reserve, now_ns);
	/* Never before the pick what the core could run itself. */
	if (core->current)
		placement_offer(core, now_ns);
	displaced = give_way(core, now_ns);
	pick(core, displaced, now_ns);
	placement_offer(core, now_ns);
	/* Nobody gives way to one that comes: it would be sent on for ever. */
	if (!is_paused(core)) {
		wake_push(core, now_ns);
		balance(core, now_ns);
	}
	if (asked)
		placement_pass_on(core);
	if (!core->current)
		placement_idle(core);
	balance_publish(core);
	if (core->runq.fallen)
		core_report_fallen(core, now_ns);
	decision.vcpu = core->current;
	decision.vcpu_arg = core->current ? core->current->arg : NULL;
	decision.until_ns = until_ns(core, now_ns);
	ahead_armed(core, decision.until_ns);
	if (core->current && core->current->ahead)
		decision.start_ns = core->current->wake_ns;
	return decision;
}
