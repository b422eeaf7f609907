/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum shares at work (R: DIS-6); share.h has the windows.
 *
 * A vCPU whose maximum, or whose VM's, has to be kept runs on grants: a few
 * milliseconds that were reserved in both windows. The timer is armed for the
 * end of the grant; then it gets another, or is Throttled and parked until the
 * windows leave enough. One that is found without budget when its turn comes is
 * parked as well, and stays Scheduled. What it runs while its minimum is owed
 * needs no grant: the quotas leave room for that (reserve_most_ns()), so that a
 * maximum never stops a minimum.
 *
 * Parked vCPUs are ordered by release time; of equal ones the one that waits
 * longest goes first, so that the vCPUs of a VM take turns.
 */
#include <dis/assert.h>

#include "core.h"
#include "state.h"

/* Longest grant: what others of the VM may find reserved, and unused. */
#define GRANT_NS (5 * DIS_MS_NS)
/* Less is not worth a dispatch. */
#define GRANT_MIN_NS (200 * DIS_US_NS)

static bool released_before(const struct dis_vcpu *a, const struct dis_vcpu *b)
{
	if (a->release_ns != b->release_ns)
		return a->release_ns < b->release_ns;
	return a->since_ns < b->since_ns;
}

ENDS_TREE_GENERATE(park_queue, dis_vcpu, park_link, released_before)

static uint64_t least_ns(uint64_t want_ns, uint64_t quota_ns)
{
	return dis_ns_min(GRANT_MIN_NS, dis_ns_min(want_ns, quota_ns));
}

/* Up to @want_ns of one window; 0: @vcpu->release_ns says when. */
static uint64_t reserve_in(struct dis_vcpu *vcpu, struct share_window *window,
			   uint64_t quota_ns, uint64_t want_ns, bool leave,
			   uint64_t now_ns)
{
	uint64_t need_ns = least_ns(want_ns, quota_ns);
	uint64_t got_ns = share_window_reserve(window, quota_ns, want_ns,
					       need_ns, leave, now_ns);

	if (!got_ns)
		vcpu->release_ns = share_window_release_ns(window, quota_ns,
							   need_ns, now_ns);
	return got_ns;
}

static bool grant(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	struct dis_vm *vm = vcpu->vm;
	uint64_t vm_quota_ns = atomic_load(&vm->quota_ns);
	uint64_t own_ns = GRANT_NS, got_ns;

	/* From then on it runs on its reserve. */
	if (vcpu->has_min)
		own_ns = dis_ns_min(own_ns, vcpu->reserve.end_ns - now_ns);
	if (vcpu->quota_ns != DIS_NEVER_NS)
		own_ns = reserve_in(vcpu, &vcpu->window, vcpu->quota_ns, own_ns,
				    false, now_ns);
	got_ns = own_ns;
	vcpu->grant_vm = vm_quota_ns != DIS_NEVER_NS;
	if (got_ns && vcpu->grant_vm)
		got_ns = reserve_in(vcpu, &vm->window, vm_quota_ns, own_ns,
				    true, now_ns);
	if (vcpu->quota_ns != DIS_NEVER_NS && got_ns < own_ns)
		share_window_settle(&vcpu->window, own_ns - got_ns, now_ns,
				    now_ns);
	vcpu->vm_short = own_ns && !got_ns;
	if (!got_ns)
		return false;
	vcpu->grant_from_ns = now_ns;
	vcpu->grant_until_ns = now_ns + got_ns;
	return true;
}

void park_end_grant(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	uint64_t from_ns = vcpu->grant_from_ns;
	uint64_t granted_ns = vcpu->grant_until_ns - from_ns;

	if (!vcpu->grant_until_ns)
		return;
	vcpu->grant_until_ns = 0;
	if (vcpu->quota_ns != DIS_NEVER_NS)
		share_window_settle(&vcpu->window, granted_ns, from_ns, now_ns);
	if (vcpu->grant_vm)
		share_window_settle(&vcpu->vm->window, granted_ns, from_ns,
				    now_ns);
}

/* As if it had run until now, whatever it has reserved. */
void park_charge(struct dis_vcpu *vcpu, uint64_t ns, uint64_t now_ns)
{
	uint64_t from_ns = dis_ns_sub(now_ns, ns);

	if (vcpu->quota_ns != DIS_NEVER_NS)
		share_window_settle(&vcpu->window, 0, from_ns, now_ns);
	if (atomic_load(&vcpu->vm->quota_ns) != DIS_NEVER_NS)
		share_window_settle(&vcpu->vm->window, 0, from_ns, now_ns);
}

bool park_grant(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	bool owed;

	if (!vcpu->capped)
		return true;
	owed = vcpu_owed(vcpu);
	if (!owed && now_ns < vcpu->grant_until_ns)
		return true;
	park_end_grant(vcpu, now_ns);
	return owed || grant(vcpu, now_ns);
}

void park_add(struct dis_core *core, struct dis_vcpu *vcpu)
{
	DIS_ASSERT(vcpu->place == DIS_PLACE_NONE && !vcpu->grant_until_ns);
	if (vcpu->has_min)
		vcpu->release_ns =
			dis_ns_min(vcpu->release_ns, vcpu->reserve.end_ns);
	vcpu->place = DIS_PLACE_PARKED;
	park_queue_add(&core->parkq, vcpu);
	SHARED_ADD(core->parked, 1u);
}

void park_remove(struct dis_core *core, struct dis_vcpu *vcpu)
{
	DIS_ASSERT(vcpu->place == DIS_PLACE_PARKED);
	park_queue_remove(&core->parkq, vcpu);
	SHARED_ADD(core->parked, -1u);
	vcpu->place = DIS_PLACE_NONE;
}

void park_current(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core_detach(core, now_ns);

	run_queue_leave(&core->runq, vcpu, DIS_LEAVE_SLEEP, now_ns);
	SHARED_STORE(vcpu->consumed_ns, 0u);
	SHARED_ADD(vcpu->stats.preemptions, 1u);
	SHARED_ADD(vcpu->stats.throttles, 1u);
	SHARED_ADD(core->stats.preemptions, 1u);
	if (core->dom->cfg.ops->preempted)
		core->dom->cfg.ops->preempted(vcpu->arg);
	state_set(vcpu, DIS_STATE_THROTTLED,
		  vcpu->vm_short ? DIS_REASON_SHARE_MAX_VM
				 : DIS_REASON_SHARE_MAX,
		  0, now_ns);
	park_add(core, vcpu);
}

void park_queued(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns)
{
	run_queue_remove(&core->runq, vcpu, DIS_LEAVE_MOVE, now_ns);
	park_add(core, vcpu);
}

void park_release(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *vcpu;

	while ((vcpu = core->parkq.first) && vcpu->release_ns <= now_ns) {
		park_remove(core, vcpu);
		if (vcpu->state == DIS_STATE_THROTTLED)
			state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_REQUEUE,
				  0, now_ns);
		core_queue(core, vcpu, DIS_ENQUEUE_WAKE, now_ns);
	}
}
