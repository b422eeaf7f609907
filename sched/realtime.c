/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On which cores Realtime fits (R: DIS-9, DIS-13).
 *
 * Each core runs its own Realtime vCPUs by EDF, which keeps every deadline as
 * long as the sum of wcet / deadline is at most 1 (policy_edf.c). So this sum is
 * what counts for Realtime, not heads: each vCPU reserves its share of the core
 * that it is on, a new one goes to the core with the most left (worst fit), and
 * one moves only to where it fits.
 *
 * Bound: what is left unplaced fits on no core. So m cores take every set whose
 * sum is at most m - (m - 1) * (largest share), in any order (Lopez, Diaz,
 * Garcia, "Utilization Bounds for EDF Scheduling on Real-Time Multiprocessor
 * Systems", 2004). Dispatching globally by deadline instead may miss with a sum
 * little above 1 on any number of cores (Dhall, Liu, 1978).
 *
 * On a core that is not overloaded it stays, also where another core idles: EDF
 * serves it in time, and to let go of a share in the middle of a period and give it
 * to another would promise the same time twice. It moves only if it would not be in
 * time: from a core that is overloaded or runs System, or late already; to where
 * its share fits, from an overloaded core to any that is less so. There it gets a
 * new deadline, as after an overrun, if it would harm those in time.
 *
 * Floors of the classes below are servers by EDF, too (the constant bandwidth server;
 * Abeni and Buttazzo, RTSS 1998): all together have what is not reserved, so that they
 * break no reservation. Where too much is, there is none to keep.
 *
 * A share is rounded up, so the sum is never too low. Reservations are changed by
 * the domain at spawn and end, else by the vCPU's owner; other threads read them.
 */
#include "core.h"

#define WHOLE_CORE UINT64_C(1000000)
/* Also where all of a core is reserved a floor has a slice in so long a time. */
#define FLOOR_PERIOD_MAX_NS (5 * DIS_S_NS)

/* @work / @time in millionths of a core, rounded up. */
static uint64_t share_of(uint64_t work_ns, uint64_t time_ns)
{
	unsigned __int128 share = (unsigned __int128)work_ns * WHOLE_CORE;

	if (!time_ns || work_ns > time_ns)
		return WHOLE_CORE + 1u;
	return (uint64_t)((share + time_ns - 1u) / time_ns);
}

uint64_t realtime_share(const struct dis_intent *intent)
{
	if (!intent || intent->klass != DIS_CLASS_REALTIME)
		return 0;
	return share_of(intent->wcet_ns, intent->deadline_ns);
}

void realtime_reserve(struct dis_vcpu *vcpu, const struct dis_intent *intent)
{
	uint64_t share = realtime_share(intent);

	if (share == vcpu->reserved)
		return;
	atomic_fetch_add(&vcpu_core(vcpu)->reserved, share - vcpu->reserved);
	vcpu->reserved = share;
}

bool realtime_overloaded(const struct dis_core *core)
{
	return atomic_load_explicit(&core->reserved, memory_order_relaxed) >
	       WHOLE_CORE;
}

bool realtime_orders_floors(const struct dis_core *core)
{
	const struct policy_slot *policy =
		core->runq.policy[DIS_CLASS_REALTIME];

	return !policy->guard && policy->ops->choice == DIS_CHOICE_DEADLINE &&
	       !realtime_overloaded(core);
}

/* In so long a time it has a slice: all floors have what is not reserved. */
static uint64_t floor_period_ns(const struct dis_core *core,
				enum dis_class klass)
{
	const uint64_t *period_ns = core->dom->floor_period_ns;
	uint64_t reserved =
		atomic_load_explicit(&core->reserved, memory_order_relaxed);
	uint64_t floors = 0, least_ns;

	if (reserved >= WHOLE_CORE)
		return FLOOR_PERIOD_MAX_NS;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		floors += period_ns[k] != DIS_NEVER_NS;
	least_ns =
		floors * FLOOR_SLICE_NS * WHOLE_CORE / (WHOLE_CORE - reserved);
	return dis_ns_min(dis_ns_max(period_ns[klass] + FLOOR_SLICE_NS,
				     least_ns),
			  FLOOR_PERIOD_MAX_NS);
}

/* Its period begins; one that was not there before has saved nothing up. */
static uint64_t floor_from_ns(const struct dis_core *core, enum dis_class klass)
{
	return dis_ns_max(core->floor_from_ns[klass],
			  core->runq.present_ns[klass]);
}

void realtime_charge_floor(struct dis_core *core, enum dis_class klass,
			   uint64_t ran_ns)
{
	core->floor_from_ns[klass] =
		floor_from_ns(core, klass) +
		floor_period_ns(core, klass) *
			dis_ns_min(ran_ns, FLOOR_SLICE_NS) / FLOOR_SLICE_NS;
}

enum dis_class realtime_floor(struct dis_core *core, uint64_t now_ns)
{
	uint64_t first_ns =
		run_queue_pick(&core->runq, DIS_CLASS_REALTIME, now_ns)
			->entity.deadline_ns;
	enum dis_class best = DIS_CLASSES;

	for (unsigned k = DIS_CLASS_REALTIME + 1u; k < DIS_CLASSES; k++) {
		uint64_t deadline_ns;

		if (!core->runq.length[k] || core->floor_due_ns[k] > now_ns)
			continue;
		deadline_ns = floor_from_ns(core, (enum dis_class)k) +
			      floor_period_ns(core, (enum dis_class)k);
		if (deadline_ns >= first_ns)
			continue;
		best = (enum dis_class)k;
		first_ns = deadline_ns;
	}
	return best;
}

/* Of the present job: what it has left to do, in the time that it has left. */
static uint64_t present_share(const struct dis_vcpu *vcpu, uint64_t now_ns)
{
	return share_of(dis_ns_sub(vcpu->intent.wcet_ns, vcpu->consumed_ns),
			dis_ns_sub(vcpu->entity.deadline_ns, now_ns));
}

bool realtime_keeps_deadline(const struct dis_vcpu *vcpu, uint64_t release_ns)
{
	uint64_t deadline_ns = vcpu->entity.deadline_ns;

	return deadline_ns != DIS_NEVER_NS && release_ns < deadline_ns &&
	       present_share(vcpu, release_ns) <= vcpu->reserved;
}

/* Is the present job done in time if it stays? */
static bool is_in_time(const struct dis_core *core, const struct dis_vcpu *vcpu,
		       uint64_t now_ns)
{
	return !realtime_overloaded(core) &&
	       (!core->current ||
		core->current->intent.klass >= DIS_CLASS_REALTIME) &&
	       present_share(vcpu, now_ns) <= WHOLE_CORE;
}

bool realtime_claim(struct dis_vcpu *vcpu, struct dis_core *to, uint64_t now_ns)
{
	struct dis_core *from = vcpu_core(vcpu);
	bool over = realtime_overloaded(from);
	unsigned long long taken = atomic_load(&to->reserved);
	uint64_t share = vcpu->reserved;

	if (!share)
		return true;
	if (is_in_time(from, vcpu, now_ns))
		return false;
	do {
		if (taken + share > WHOLE_CORE &&
		    !(over && taken + share < from->reserved))
			return false;
	} while (!atomic_compare_exchange_weak(&to->reserved, &taken,
					       taken + share));
	atomic_fetch_sub(&from->reserved, share);
	return true;
}

void realtime_moved(struct dis_vcpu *vcpu, const struct dis_core *to,
		    uint64_t now_ns)
{
	if (vcpu->reserved &&
	    to->reserved - vcpu->reserved + present_share(vcpu, now_ns) >
		    WHOLE_CORE)
		vcpu->entity.deadline_ns =
			dis_ns_add(now_ns, vcpu->intent.deadline_ns);
}

void realtime_unclaim(struct dis_vcpu *vcpu, struct dis_core *to)
{
	uint64_t share = vcpu->reserved;

	if (!share)
		return;
	atomic_fetch_sub(&to->reserved, share);
	atomic_fetch_add(&vcpu_core(vcpu)->reserved, share);
}

void realtime_force(struct dis_vcpu *vcpu, struct dis_core *to)
{
	uint64_t share = vcpu->reserved;

	if (!share)
		return;
	atomic_fetch_add(&to->reserved, share);
	atomic_fetch_sub(&vcpu_core(vcpu)->reserved, share);
}
