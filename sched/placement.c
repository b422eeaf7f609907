/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which core a vCPU waits on (R: DIS-13, EVO-B1): the first one, how it moves,
 * and cores that idle. What moves when it wakes is in wake.c, what moves because
 * it has waited for long in balance.c.
 *
 * A vCPU changes cores only while Scheduled and by its owner's hand. A core that
 * has more than it can run offers it to those that idle, and a core that becomes
 * idle makes others look for that, one after the other until it has one. Bounded
 * steal: an idle core is claimed with its bit of idle_cores, and each claim hands
 * over one vCPU. What a core could run itself it never gives away: two idle cores
 * would pass a single vCPU to and fro for ever.
 *
 * Those who queue or mail write the queue's reach or the mail, then read
 * idle_cores; a core that becomes idle writes idle_cores, then reads reach and
 * mail. So work and an idle core cannot miss each other.
 */
#include <dis/assert.h>

#include "core.h"

bool placement_allowed(const struct dis_vcpu *vcpu, unsigned index)
{
	return vcpu->intent.affinity >> index & 1u;
}

/*
 * By what is placed there: Realtime by its shares, others by their class, and by
 * what the host does there.
 */
static bool is_emptier(const struct dis_domain *dom, unsigned a, unsigned b,
		       enum dis_class klass)
{
	unsigned all_a = core_competitors(&dom->cores[a]);
	unsigned all_b = core_competitors(&dom->cores[b]);
	unsigned same_a = dom->assigned[a][klass] + all_a;
	unsigned same_b = dom->assigned[b][klass] + all_b;

	if (klass == DIS_CLASS_REALTIME) {
		uint64_t res_a = atomic_load(&dom->cores[a].reserved);
		uint64_t res_b = atomic_load(&dom->cores[b].reserved);

		if (res_a != res_b)
			return res_a < res_b;
	}
	if (same_a != same_b)
		return same_a < same_b;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		all_a += dom->assigned[a][k];
		all_b += dom->assigned[b][k];
	}
	return all_a < all_b;
}

struct dis_core *placement_initial(struct dis_domain *dom,
				   const struct dis_intent *intent)
{
	unsigned best = dom->ncores;

	for (unsigned i = 0; i < dom->ncores; i++)
		if (intent->affinity >> i & 1u &&
		    (best == dom->ncores ||
		     is_emptier(dom, i, best, intent->klass)))
			best = i;
	return best < dom->ncores ? &dom->cores[best] : NULL;
}

/* What the receiver cannot know is counted here; steals are counted there. */
static void count_move(struct dis_core *core, enum dis_move why)
{
	switch (why) {
	case DIS_MOVE_WAKE_IDLE:
		SHARED_ADD(core->stats.wake_idle, 1u);
		break;
	case DIS_MOVE_WAKE:
		SHARED_ADD(core->stats.wake_moved, 1u);
		break;
	case DIS_MOVE_STEAL:
	case DIS_MOVE_AFFINITY:
	case DIS_MOVES:
		break;
	case DIS_MOVE_PUSH:
		SHARED_ADD(core->stats.pushes, 1u);
		break;
	case DIS_MOVE_BALANCE:
		SHARED_ADD(core->stats.balances, 1u);
		break;
	}
}

void placement_send(struct dis_core *core, struct dis_vcpu *vcpu,
		    struct dis_core *to, enum dis_move why, uint64_t now_ns)
{
	DIS_ASSERT(vcpu->place == DIS_PLACE_NONE && to != core);
	realtime_moved(vcpu, to, now_ns);
	vcpu->place = DIS_PLACE_TRANSIT;
	vcpu->moved_by = (uint8_t)why;
	count_move(core, why);
	SHARED_ADD(vcpu->stats.migrations, 1u);
	core_emit(core, &(struct dis_event){
				.time_ns = now_ns,
				.vm = vcpu->vm->id,
				.vcpu = vcpu->id,
				.arg = core->index,
				.vm_seq = vcpu->vm->seq,
				.vcpu_seq = vcpu->seq,
				.cpu = (uint16_t)to->index,
				.type = DIS_EVENT_MIGRATE,
				.state = vcpu->state,
				.reason = (uint8_t)why,
				.klass = vcpu->klass,
			});
	/* Others see at once that one is on its way there. */
	atomic_fetch_add(&to->load[vcpu->intent.klass], vcpu->entity.weight);
	mailbox_hand_over(vcpu, to);
}

static void dequeue_and_send(struct dis_core *core, struct dis_vcpu *vcpu,
			     struct dis_core *to, enum dis_move why,
			     uint64_t now_ns)
{
	run_queue_remove(&core->runq, vcpu, DIS_LEAVE_MOVE, now_ns);
	placement_send(core, vcpu, to, why, now_ns);
}

bool placement_move(struct dis_core *core, struct dis_vcpu *vcpu,
		    struct dis_core *to, enum dis_move why, uint64_t now_ns)
{
	if (!realtime_claim(vcpu, to, now_ns))
		return false;
	dequeue_and_send(core, vcpu, to, why, now_ns);
	return true;
}

/* Claims core @to for @vcpu if it idles still. */
static bool claim(struct dis_vcpu *vcpu, struct dis_core *to, uint64_t now_ns)
{
	unsigned long long bit = 1ull << to->index;

	if (!realtime_claim(vcpu, to, now_ns))
		return false;
	if (atomic_fetch_and(&to->dom->idle_cores, ~bit) & bit)
		return true;
	realtime_unclaim(vcpu, to);
	return false;
}

struct dis_core *placement_claim_idle(struct dis_core *core,
				      struct dis_vcpu *vcpu, uint64_t now_ns)
{
	struct dis_domain *dom = core->dom;
	unsigned long long idle = atomic_load(&dom->idle_cores) &
				  ~(1ull << core->index) &
				  vcpu->intent.affinity;

	for (; idle; idle &= idle - 1u) {
		struct dis_core *to = &dom->cores[__builtin_ctzll(idle)];

		if (claim(vcpu, to, now_ns))
			return to;
	}
	return NULL;
}

/*
 * Gives core @to the most urgent that may go there, of its class the one that has
 * been runnable here for longest. There is one, but for Realtime that does not
 * fit, and the current vCPU.
 */
static void give(struct dis_core *core, struct dis_core *to, uint64_t now_ns)
{
	struct dis_vcpu *vcpu;

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		TAILQ_FOREACH(vcpu, &core->runq.crowd[k][true].list,
			      crowd_link) {
			if (vcpu->place != DIS_PLACE_RUNQ ||
			    !placement_allowed(vcpu, to->index) ||
			    !claim(vcpu, to, now_ns))
				continue;
			dequeue_and_send(core, vcpu, to, DIS_MOVE_STEAL, now_ns);
			return;
		}
	}
}

/* Idle cores that some vCPU in @core's queue may go to. */
static unsigned long long idle_in_reach(const struct dis_core *core)
{
	unsigned long long reach = atomic_load(&core->runq.reach);

	return reach ? reach & atomic_load(&core->dom->idle_cores) &
			       ~(1ull << (core->index % DIS_CORES_MAX))
		     : 0;
}

void placement_offer(struct dis_core *core, uint64_t now_ns)
{
	unsigned long long idle = idle_in_reach(core);

	for (; idle; idle = idle & (idle - 1u) & idle_in_reach(core))
		give(core, &core->dom->cores[__builtin_ctzll(idle)], now_ns);
}

void placement_expel(struct dis_core *core, struct dis_vcpu *vcpu,
		     uint64_t now_ns)
{
	struct dis_domain *dom = core->dom;
	struct dis_core *to = NULL;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < dom->ncores; i++) {
		uint64_t load =
			balance_seen_load(&dom->cores[i], vcpu->intent.klass);

		if (!placement_allowed(vcpu, i) || load >= least)
			continue;
		to = &dom->cores[i];
		least = load;
	}
	/* A validated affinity names a core of the pool. */
	if (!to)
		return;
	realtime_force(vcpu, to);
	placement_send(core, vcpu, to, DIS_MOVE_AFFINITY, now_ns);
}

void placement_demand(struct dis_core *core)
{
	if (!atomic_exchange(&core->asked, true))
		mailbox_force(core);
}

/*
 * Makes the first core from @first on that has something for one of @idle look
 * for idle cores. If it does not help all of them it passes the request on,
 * upwards only, so that a request ends.
 */
static void ask(struct dis_domain *dom, unsigned first, unsigned long long idle)
{
	for (unsigned i = first; i < dom->ncores; i++) {
		struct dis_core *core = &dom->cores[i];

		/* Unread mail may hold some; the core reads it first. */
		if (!(atomic_load(&core->runq.reach) & idle) &&
		    !atomic_load(&core->mail))
			continue;
		placement_demand(core);
		return;
	}
}

bool placement_asked(struct dis_core *core)
{
	/* Not written in each step: others poll it. */
	return atomic_load(&core->asked) &&
	       atomic_exchange(&core->asked, false);
}

void placement_pass_on(struct dis_core *core)
{
	unsigned long long idle = atomic_load(&core->dom->idle_cores) &
				  ~(1ull << core->index);

	if (idle)
		ask(core->dom, core->index + 1u, idle);
}

void placement_idle(struct dis_core *core)
{
	struct dis_domain *dom = core->dom;

	if (dom->cfg.per_vcpu)
		return;
	atomic_fetch_or(&dom->idle_cores, 1ull << core->index);
	ask(dom, 0, 1ull << core->index);
}
