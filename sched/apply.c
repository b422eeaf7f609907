/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of one vCPU, always on the thread that owns its core; see core.h. */
#include <dis/assert.h>

#include "analyze.h"
#include "core.h"
#include "state.h"

uint64_t core_quantum_ns(const struct dis_vcpu *vcpu)
{
	const struct dis_intent *intent = &vcpu->intent;

	if (!intent->declared)
		return atomic_load_explicit(&vcpu->dom->default_quantum_ns,
					    memory_order_relaxed);
	if (intent->klass == DIS_CLASS_REALTIME)
		return intent->wcet_ns;
	if (intent->slice_ns)
		return intent->slice_ns;
	return vcpu->dom->cfg.quantum_ns[intent->klass];
}

/*
 * The current vCPU's class got time: it is owed some again when the time since
 * then makes what it got its share; after a whole slice, a period from now. A
 * class that could not use its floor saves up a period at most.
 */
static void charge_floor(struct dis_core *core, const struct dis_vcpu *vcpu,
			 uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	uint64_t period_ns = core->dom->floor_period_ns[klass];
	uint64_t ran_ns = dis_ns_sub(now_ns, vcpu->since_ns);
	uint64_t latest_ns = dis_ns_add(now_ns, period_ns);
	uint64_t due_ns;

	if (vcpu->floor_run)
		realtime_charge_floor(core, klass, ran_ns);
	if (ran_ns >= FLOOR_SLICE_NS || period_ns == DIS_NEVER_NS) {
		core->floor_due_ns[klass] = latest_ns;
		return;
	}
	due_ns = dis_ns_max(core->floor_due_ns[klass],
			    dis_ns_sub(vcpu->since_ns, period_ns));
	due_ns += ran_ns * (FLOOR_SLICE_NS + period_ns) / FLOOR_SLICE_NS;
	core->floor_due_ns[klass] = dis_ns_min(due_ns, latest_ns);
}

static void note_arrival(struct dis_core *core, const struct dis_vcpu *vcpu)
{
	if (vcpu->intent.klass < core->arrived)
		core->arrived = vcpu->intent.klass;
}

struct dis_vcpu *core_detach(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core->current;

	DIS_ASSERT(vcpu && vcpu->place == DIS_PLACE_CURRENT);
	core->current = NULL;
	vcpu->place = DIS_PLACE_NONE;
	charge_floor(core, vcpu, now_ns);
	vcpu->floor_run = false;
	if (vcpu->capped)
		park_end_grant(vcpu, now_ns);
	return vcpu;
}

/* EDF goes by the deadline itself, priority by the time that is left to it. */
static void order_by(struct dis_vcpu *vcpu, uint64_t deadline_ns,
		     uint64_t now_ns)
{
	vcpu->entity.deadline_ns = deadline_ns;
	if (!vcpu->intent.has_priority)
		vcpu->entity.priority =
			analyze_realtime_priority(deadline_ns, now_ns);
}

/*
 * A Realtime vCPU that used up its worst case must not keep the earliest
 * deadline for ever: its next quantum counts for the next period (the rule of
 * the constant bandwidth server; Abeni and Buttazzo, RTSS 1998). One that went on
 * past it because nobody wanted the core has used nobody's time, and begins anew.
 */
static void postpone_deadline(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	if (vcpu->intent.klass == DIS_CLASS_REALTIME)
		order_by(vcpu,
			 dis_ns_add(dis_ns_max(vcpu->entity.deadline_ns, now_ns),
				    vcpu->intent.period_ns),
			 now_ns);
}

/*
 * It gives up the rest of its quantum, but a Realtime vCPU keeps what it had of its
 * worst case: to yield must not make it last longer before its deadline.
 */
static void end_turn(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	bool realtime = vcpu->intent.klass == DIS_CLASS_REALTIME;

	if (realtime && vcpu->consumed_ns < vcpu->intent.wcet_ns)
		return;
	SHARED_STORE(vcpu->consumed_ns, 0u);
	postpone_deadline(vcpu, now_ns);
}

/* The quantum may have been changed meanwhile (R: PRE-1). */
static void enqueue(struct dis_core *core, struct dis_vcpu *vcpu,
		    enum dis_enqueue why, uint64_t now_ns)
{
	vcpu->entity.slice_ns = core_quantum_ns(vcpu);
	run_queue_add(&core->runq, vcpu, why, now_ns);
}

bool core_queue(struct dis_core *core, struct dis_vcpu *vcpu,
		enum dis_enqueue why, uint64_t now_ns)
{
	if (!core->dom->cfg.per_vcpu && !placement_allowed(vcpu, core->index)) {
		placement_expel(core, vcpu, now_ns);
		return false;
	}
	enqueue(core, vcpu, why, now_ns);
	return true;
}

/*
 * A job that begins while the deadline of the last one is ahead, as after a short
 * sleep, keeps that deadline and what is left of the worst case, unless the rest of it
 * until then would be more than its share of the core (the constant bandwidth server's
 * rule for a wake).
 */
void core_release_job(struct dis_vcpu *vcpu, uint64_t release_ns,
		      uint64_t now_ns)
{
	if (vcpu->intent.klass != DIS_CLASS_REALTIME)
		return;
	vcpu->deadline_ns = dis_ns_add(release_ns, vcpu->intent.deadline_ns);
	if (realtime_keeps_deadline(vcpu, release_ns)) {
		end_turn(vcpu, now_ns);
		return;
	}
	SHARED_STORE(vcpu->consumed_ns, 0u);
	order_by(vcpu, vcpu->deadline_ns, now_ns);
}

void core_put_back(struct dis_core *core, enum dis_reason reason,
		   uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core_detach(core, now_ns);

	if (reason != DIS_REASON_YIELD) {
		SHARED_ADD(vcpu->stats.preemptions, 1u);
		SHARED_ADD(core->stats.preemptions, 1u);
	}
	if (core->dom->cfg.ops->preempted)
		core->dom->cfg.ops->preempted(vcpu->arg);
	switch (reason) {
	case DIS_REASON_SLICE_END: /* R: BUD-2, BUD-3 */
		SHARED_STORE(vcpu->consumed_ns, 0u);
		SHARED_ADD(vcpu->stats.throttles, 1u);
		state_set(vcpu, DIS_STATE_THROTTLED, reason, 0, now_ns);
		state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_REQUEUE, 0,
			  now_ns);
		postpone_deadline(vcpu, now_ns);
		enqueue(core, vcpu, DIS_ENQUEUE_AGAIN, now_ns);
		break;
	case DIS_REASON_YIELD:
		end_turn(vcpu, now_ns);
		SHARED_ADD(vcpu->stats.yields, 1u);
		SHARED_ADD(core->stats.voluntary, 1u);
		state_set(vcpu, DIS_STATE_SCHEDULED, reason, 0, now_ns);
		enqueue(core, vcpu, DIS_ENQUEUE_AGAIN, now_ns);
		break;
	default: /* keeps its place and the rest of its quantum */
		DIS_ASSERT(reason == DIS_REASON_PREEMPT);
		state_set(vcpu, DIS_STATE_SCHEDULED, reason, 0, now_ns);
		enqueue(core, vcpu, DIS_ENQUEUE_PREEMPT, now_ns);
		break;
	}
}

static void count_block(struct dis_core *core, struct dis_vcpu *vcpu,
			uint64_t now_ns)
{
	SHARED_ADD(core->stats.voluntary, 1u);
	/* That of a Realtime job is settled when the next one begins. */
	if (vcpu->intent.klass != DIS_CLASS_REALTIME)
		SHARED_STORE(vcpu->consumed_ns, 0u);
	analyze_block(vcpu);
	SHARED_ADD(vcpu->stats.blocks, 1u);
	if (vcpu->deadline_ns)
		SHARED_ADD(vcpu->stats.jobs, 1u);
	if (vcpu->deadline_ns && now_ns > vcpu->deadline_ns) {
		SHARED_ADD(vcpu->stats.deadline_misses, 1u);
		SHARED_ADD(core->stats.deadline_misses, 1u);
	}
	vcpu->deadline_ns = 0;
}

static void halt_current(struct dis_core *core, enum dis_reason reason,
			 uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core_detach(core, now_ns);

	if (reason == DIS_REASON_NONE)
		reason = DIS_REASON_HALT;
	run_queue_leave(&core->runq, vcpu, DIS_LEAVE_SLEEP, now_ns);
	handoff_blocked(core, vcpu, now_ns);
	count_block(core, vcpu, now_ns);
	vcpu->wake_ns = ahead_entry_ns(core, vcpu, vcpu->timer_ns);
	if (vcpu->timer_ns == DIS_NEVER_NS) {
		vcpu->place = DIS_PLACE_BLOCKED;
		state_set(vcpu, DIS_STATE_WAITING, reason, 0, now_ns);
		return;
	}
	sleep_queue_add(&core->sleepq, vcpu);
	state_set(vcpu, DIS_STATE_SLEEPING, reason, vcpu->timer_ns, now_ns);
}

/*
 * Is there nothing (more) to wait for? @out: how the VM ended; SCHEDULED if the
 * ID was stale or the joiner's own. No lock: what was read counts only if the
 * slot was not given to another VM meanwhile.
 */
static bool join_over(const struct dis_vcpu *vcpu, enum dis_state *out)
{
	const struct slab *vms = &vcpu->dom->vms;
	const struct dis_vm *vm = slab_get(vms, vcpu->join);
	enum dis_state state;

	*out = DIS_STATE_SCHEDULED;
	if (!vm || vm == vcpu->vm)
		return true;
	state = vm_end_state(vm);
	if (!slab_get(vms, vcpu->join))
		return true;
	*out = state;
	return state != DIS_STATE_SCHEDULED;
}

static void leave_join(struct dis_core *core, struct dis_vcpu *vcpu,
		       enum dis_state state)
{
	TAILQ_REMOVE(&core->joins, vcpu, run_link);
	vcpu->place = DIS_PLACE_BLOCKED;
	vcpu->join = DIS_ID_NONE;
	vcpu->joined = (uint8_t)state;
	atomic_fetch_sub(&core->dom->joining, 1u);
}

static void join_done(struct dis_core *core, struct dis_vcpu *vcpu,
		      enum dis_state state, uint64_t now_ns)
{
	leave_join(core, vcpu, state);
	core_wake(core, vcpu, DIS_REASON_JOINED, now_ns, now_ns);
}

static void join_current(struct dis_core *core, dis_id vm, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core_detach(core, now_ns);
	enum dis_state state;

	run_queue_leave(&core->runq, vcpu, DIS_LEAVE_SLEEP, now_ns);
	count_block(core, vcpu, now_ns);
	vcpu->join = vm;
	vcpu->place = DIS_PLACE_JOINING;
	TAILQ_INSERT_TAIL(&core->joins, vcpu, run_link);
	state_set(vcpu, DIS_STATE_WAITING, DIS_REASON_CHILD_EXIT, 0, now_ns);
	/* First announce, then look: the end does it the other way round. */
	atomic_fetch_add(&core->dom->joining, 1u);
	if (join_over(vcpu, &state))
		join_done(core, vcpu, state, now_ns);
}

void core_check_joins(struct dis_core *core, uint64_t now_ns)
{
	unsigned due = JOINS_DUE, looking = JOINS_LOOKING;
	struct dis_vcpu *vcpu, *next;
	enum dis_state state;

	if (atomic_load(&core->joins_due) != JOINS_DUE ||
	    !atomic_compare_exchange_strong(&core->joins_due, &due, looking))
		return;
	for (vcpu = TAILQ_FIRST(&core->joins); vcpu; vcpu = next) {
		next = TAILQ_NEXT(vcpu, run_link);
		if (join_over(vcpu, &state))
			join_done(core, vcpu, state, now_ns);
	}
	/* Stays due if another VM ended meanwhile. */
	atomic_compare_exchange_strong(&core->joins_due, &looking, JOINS_NONE);
}

/* The current vCPU ends its VM. */
static void stop_current(struct dis_core *core, enum dis_state state,
			 enum dis_reason reason, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core_detach(core, now_ns);
	enum dis_state verdict;
	enum dis_reason whose;

	vm_end(vcpu->vm, state, reason);
	vm_verdict(vcpu->vm, &verdict, &whose);
	/* It had been ended otherwise: that is how this vCPU ends too. */
	if (verdict != state) {
		state = verdict;
		reason = whose;
	}
	SHARED_ADD(core->stats.voluntary, 1u);
	run_queue_leave(&core->runq, vcpu, DIS_LEAVE_END, now_ns);
	state_set(vcpu, state, reason, 0, now_ns);
	vm_vcpu_stopped(core, vcpu, now_ns);
}

void core_apply_result(struct dis_core *core,
		       const struct dis_run_result *result, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core->current;

	DIS_ASSERT(vcpu);
	SHARED_ADD(vcpu->stats.user_exits, 1u);
	vcpu->timer_ns = result->timer_ns;
	vcpu->early_ns = result->early_ns;
	vcpu->ahead = false;
	if (result->early_ns && result->slack_ns != DIS_SLACK_NONE)
		ahead_learn_entry(core, vcpu, result->slack_ns);
	switch (result->outcome) {
	case DIS_RUN_CONTINUE:
		break;
	case DIS_RUN_YIELD:
		core_put_back(core, DIS_REASON_YIELD, now_ns);
		handoff_yielded(core, vcpu);
		break;
	case DIS_RUN_HALT:
		halt_current(core, result->reason, now_ns);
		break;
	case DIS_RUN_JOIN:
		join_current(core, result->join, now_ns);
		break;
	case DIS_RUN_FINISH:
		stop_current(core, DIS_STATE_FINISHED, result->reason, now_ns);
		break;
	case DIS_RUN_FAIL:
		stop_current(core, DIS_STATE_FAILED, result->reason, now_ns);
		break;
	}
}

/* Sleeping or Waiting -> Scheduled, in no queue yet. */
static void rouse(struct dis_core *core, struct dis_vcpu *vcpu,
		  enum dis_reason reason, uint64_t release_ns, uint64_t now_ns)
{
	if (vcpu->place == DIS_PLACE_SLEEPQ)
		sleep_queue_remove(&core->sleepq, vcpu);
	vcpu->place = DIS_PLACE_NONE;
	SHARED_ADD(vcpu->stats.wakes, 1u);
	core_release_job(vcpu, release_ns, now_ns);
	state_set(vcpu, DIS_STATE_SCHEDULED, reason,
		  reason == DIS_REASON_JOINED ? vcpu->joined : 0, now_ns);
}

void core_wake(struct dis_core *core, struct dis_vcpu *vcpu,
	       enum dis_reason reason, uint64_t release_ns, uint64_t now_ns)
{
	rouse(core, vcpu, reason, release_ns, now_ns);
	if (wake_elsewhere(core, vcpu, now_ns))
		return;
	if (!core_queue(core, vcpu, DIS_ENQUEUE_WAKE, now_ns))
		return;
	note_arrival(core, vcpu);
	handoff_queued(core, vcpu, now_ns);
}

/* Its VM ends: from wherever it is to its final state, along legal edges. */
static void stop(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns)
{
	enum dis_state state;
	enum dis_reason reason;

	switch ((enum dis_place)vcpu->place) {
	case DIS_PLACE_CURRENT:
		core_detach(core, now_ns);
		run_queue_leave(&core->runq, vcpu, DIS_LEAVE_END, now_ns);
		break;
	case DIS_PLACE_JOINING:
		leave_join(core, vcpu, DIS_STATE_SCHEDULED);
		rouse(core, vcpu, DIS_REASON_JOINED, now_ns, now_ns);
		break;
	case DIS_PLACE_SLEEPQ:
	case DIS_PLACE_BLOCKED:
		rouse(core, vcpu, DIS_REASON_INTERRUPT, now_ns, now_ns);
		break;
	case DIS_PLACE_PARKED:
		park_remove(core, vcpu);
		if (vcpu->state == DIS_STATE_THROTTLED)
			state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_REQUEUE,
				  0, now_ns);
		break;
	case DIS_PLACE_RUNQ:
		run_queue_remove(&core->runq, vcpu, DIS_LEAVE_END, now_ns);
		break;
	case DIS_PLACE_NONE:
	case DIS_PLACE_TRANSIT:
		break;
	}
	vcpu->place = DIS_PLACE_NONE;
	vm_verdict(vcpu->vm, &state, &reason);
	vcpu->decided = (struct decided){.choice = DIS_CHOICE_NONE};
	if (vcpu->state == DIS_STATE_SCHEDULED)
		state_set(vcpu, DIS_STATE_RUNNING, DIS_REASON_DISPATCH, 0,
			  now_ns);
	state_set(vcpu, state, reason, 0, now_ns);
	vm_vcpu_stopped(core, vcpu, now_ns);
}

void core_apply_messages(struct dis_core *core, struct dis_vcpu *vcpu,
			 unsigned bits, uint64_t now_ns)
{
	const struct dis_run_ops *ops = core->dom->cfg.ops;
	bool final = dis_state_final(vcpu->state);

	/* Before anything else is done to it. */
	if (bits & DIS_MSG_LOOK && ops->inspect)
		ops->inspect(vcpu->arg);
	/* Its VM may have ended before its own start came through. */
	if (bits & DIS_MSG_START && !final)
		state_announce(vcpu, now_ns);
	if (bits & DIS_MSG_SET && !final && !(bits & DIS_MSG_END))
		core_take_settings(core, vcpu, now_ns);
	if (bits & DIS_MSG_ARRIVE && vcpu->moved_by == DIS_MOVE_STEAL)
		SHARED_ADD(core->stats.steals, 1u);
	if (final) {
		DIS_ASSERT(!(bits & DIS_MSG_ARRIVE));
	} else if (bits & DIS_MSG_END) {
		stop(core, vcpu, now_ns);
	} else if (bits & (DIS_MSG_START | DIS_MSG_ARRIVE)) {
		vcpu->place = DIS_PLACE_NONE;
		vcpu->ahead = vcpu->ahead && !(bits & DIS_MSG_WAKE);
		if (bits & DIS_MSG_START)
			core_release_job(vcpu, now_ns, now_ns);
		if (core_queue(core, vcpu,
			       bits & DIS_MSG_START ? DIS_ENQUEUE_WAKE
						    : DIS_ENQUEUE_ARRIVE,
			       now_ns))
			note_arrival(core, vcpu);
	} else if (bits & DIS_MSG_WAKE && (vcpu->place == DIS_PLACE_SLEEPQ ||
					   vcpu->place == DIS_PLACE_BLOCKED)) {
		core_wake(core, vcpu, DIS_REASON_INTERRUPT, now_ns, now_ns);
	} else if (bits & DIS_MSG_WAKE) {
		/* It has more to do than to wait for its time. */
		vcpu->ahead = false;
	}
	if (bits & DIS_MSG_RETIRE) {
		DIS_ASSERT(dis_state_final(vcpu->state));
		atomic_fetch_sub(&vcpu->vm->unretired, 1u);
	}
}
