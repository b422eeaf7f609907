/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load between busy cores (R: PRE-7, EVO-D1).
 *
 * Load is the weight of what is runnable, per class. What counts against this
 * core is only what is settled: runnable here for 50 ms without a pause (crowd.h).
 * So short sleepers, which come and go, move nobody, and what stands moves a
 * bounded number of times. One look each 10 ms at most, one move per look:
 *
 *   unblock  this core has a settled vCPU of a more urgent class, another has not,
 *            nor runs one: whoever waits here for long goes there. Never back.
 *   even out this core has more settled load than the other, by more than the
 *            weight of the one that goes: the difference gets smaller with each
 *            move, and so does the sum of squares of all loads; with n vCPUs it
 *            ends after at most n * n moves (with equal weights, n * cores).
 *   rotate   what is left differs by no more than one vCPU: three hogs on two
 *            cores. The eldest, that is the one that has been on this core for
 *            longest, goes to the other, at most one per 50 ms and core. Each in
 *            turn has the emptier core: m cores give each of n hogs m/n of one.
 *
 * Others of the host that have half of a core's CPU or more count as one vCPU of
 * default weight there, on either side.
 *
 * Loads that are even are left alone, so caches stay warm. Realtime is bound to
 * where it fits (realtime.c); it moves only away from a core that is overloaded.
 */
#include "core.h"

#define LOOK_NS (10 * DIS_MS_NS)
#define ROTATE_NS SETTLED_NS
/* Among so many of the eldest one is looked for that may go. */
#define ELDEST 8u

uint64_t balance_own_load(const struct dis_core *core, enum dis_class klass)
{
	uint64_t load = 0;

	for (unsigned k = 0; k <= klass; k++)
		load += core->runq.crowd[k][false].load +
			core->runq.crowd[k][true].load;
	return load;
}

uint64_t balance_seen_load(const struct dis_core *core, enum dis_class klass)
{
	uint64_t load = 0;

	for (unsigned k = 0; k <= klass; k++)
		load += atomic_load_explicit(&core->load[k],
					     memory_order_relaxed);
	return load;
}

static uint64_t settled(const struct dis_core *core, unsigned klass)
{
	return core->runq.crowd[klass][false].settled +
	       core->runq.crowd[klass][true].settled;
}

void balance_publish(struct dis_core *core)
{
	unsigned hogs = DIS_CLASSES;

	for (unsigned k = DIS_CLASSES; k-- > 0;) {
		uint64_t load = core->runq.crowd[k][false].load +
				core->runq.crowd[k][true].load;

		if (load !=
		    atomic_load_explicit(&core->load[k], memory_order_relaxed))
			atomic_store_explicit(&core->load[k], load,
					      memory_order_relaxed);
		if (settled(core, k))
			hogs = k;
	}
	if (hogs != atomic_load_explicit(&core->hogs, memory_order_relaxed))
		atomic_store_explicit(&core->hogs, hogs, memory_order_relaxed);
}

static void age(struct dis_core *core, uint64_t now_ns)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		crowd_age(&core->runq.crowd[k][false], now_ns);
		crowd_age(&core->runq.crowd[k][true], now_ns);
	}
	balance_publish(core);
}

/* Does a more urgent class keep @klass off @core? */
static bool is_blocked(const struct dis_core *core, enum dis_class klass)
{
	return atomic_load_explicit(&core->hogs, memory_order_relaxed) <
		       klass ||
	       mailbox_running_class(core) < klass;
}

static uint64_t seen(const struct dis_core *core, enum dis_class klass)
{
	return atomic_load_explicit(&core->load[klass], memory_order_relaxed);
}

/* The best other core for @vcpu; one that is not blocked, if there is one. */
static struct dis_core *best_other(const struct dis_core *core,
				   const struct dis_vcpu *vcpu)
{
	struct dis_domain *dom = core->dom;
	enum dis_class klass = vcpu->intent.klass;
	struct dis_core *best = NULL;

	for (unsigned n = 1; n < dom->ncores; n++) {
		unsigned i = (core->index + n) % dom->ncores;
		struct dis_core *to = &dom->cores[i];
		bool blocked;

		if (!placement_allowed(vcpu, i))
			continue;
		blocked = best && is_blocked(to, klass);
		if (best && (blocked != is_blocked(best, klass)
				     ? blocked
				     : seen(to, klass) >= seen(best, klass)))
			continue;
		best = to;
	}
	return best;
}

/*
 * May @core give one to @to? The longer it is for others to have their turn, the
 * more there are with as much to do: else two cores would pass turns to and fro
 * and the others have none.
 */
static bool turn_due(const struct dis_core *core, const struct dis_core *to,
		     enum dis_class klass, uint64_t now_ns)
{
	const struct dis_domain *dom = core->dom;
	uint64_t here = seen(core, klass), wait_ns = 0;

	for (unsigned i = 0; i < dom->ncores; i++)
		if (seen(&dom->cores[i], klass) >= here)
			wait_ns += ROTATE_NS;
	return dis_ns_sub(now_ns, core->rotated_ns[klass]) >= wait_ns &&
	       dis_ns_sub(now_ns, to->rotated_ns[klass]) >= ROTATE_NS;
}

/* What the host does there, as load. */
static uint64_t foreign(const struct dis_core *core)
{
	return (uint64_t)core_competitors(core) * DIS_WEIGHT_DEFAULT;
}

enum verdict {
	STAY,
	GO,
	TURN /* goes if it is the eldest */
};

static enum verdict judge(const struct dis_core *core,
			  const struct dis_core *to,
			  const struct dis_vcpu *vcpu, uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	uint64_t own = settled(core, klass);
	uint64_t here = own + foreign(core);
	uint64_t there = seen(to, klass) + foreign(to);
	bool blocked = atomic_load_explicit(&core->hogs, memory_order_relaxed) <
		       klass;

	if (klass == DIS_CLASS_REALTIME)
		return realtime_overloaded(core) ? GO : STAY;
	if (blocked != is_blocked(to, klass))
		return blocked ? GO : STAY;
	if (here > there + vcpu->crowd_load)
		return GO;
	/* Blocked on either core, a turn is worth nothing. */
	if (blocked || here <= there || own <= vcpu->crowd_load)
		return STAY;
	return turn_due(core, to, klass, now_ns) ? TURN : STAY;
}

static bool balance_class(struct dis_core *core, enum dis_class klass,
			  uint64_t now_ns)
{
	struct dis_vcpu *vcpu;
	unsigned left = ELDEST;
	bool eldest = true;

	TAILQ_FOREACH(vcpu, &core->runq.crowd[klass][true].list, crowd_link) {
		struct dis_core *to;
		enum verdict verdict;

		if (!vcpu->settled || !left--)
			return false;
		to = best_other(core, vcpu);
		verdict = to ? judge(core, to, vcpu, now_ns) : STAY;
		if (verdict == STAY || (verdict == TURN && !eldest))
			continue;
		eldest = false;
		/* The current one goes when its slice has ended. */
		if (vcpu->place != DIS_PLACE_RUNQ) {
			core->balance_ns = core->slice_end_ns;
			continue;
		}
		if (!placement_move(core, vcpu, to, DIS_MOVE_BALANCE, now_ns))
			continue;
		if (verdict == TURN) {
			core->rotated_ns[klass] = now_ns;
			to->rotated_ns[klass] = now_ns;
		}
		return true;
	}
	return false;
}

void balance(struct dis_core *core, uint64_t now_ns)
{
	if (now_ns < core->balance_ns ||
	    !atomic_load_explicit(&core->runq.reach, memory_order_relaxed))
		return;
	age(core, now_ns);
	core->balance_ns = dis_ns_add(now_ns, LOOK_NS);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (core->runq.length[k] &&
		    balance_class(core, (enum dis_class)k, now_ns)) {
			/* Not at the slice end already, as the current one would. */
			core->balance_ns = dis_ns_add(now_ns, LOOK_NS);
			return;
		}
}

uint64_t balance_due_ns(const struct dis_core *core)
{
	if (!atomic_load_explicit(&core->runq.reach, memory_order_relaxed))
		return DIS_NEVER_NS;
	return dis_ns_add(core->balance_ns, SETTLED_NS);
}
