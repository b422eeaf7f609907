/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing what vCPUs and VMs are granted while they run (R: CARD-3, DIS-10).
 *
 * Under the domain mutex: what would be is worked out for the whole VM and checked
 * (admission.c); then nothing can fail, the settings are written, and the owners
 * are told (settings.c).
 */
#include <stdio.h>
#include <string.h>

#include <dis/error.h>

#include "core.h"
#include "state.h"

/* A VM as it is to be. */
struct plan {
	struct dis_vm *vm;
	unsigned min_permille, max_permille;
	const struct dis_intent *intents[DIS_VCPUS_PER_VM_MAX];
	unsigned homes[DIS_VCPUS_PER_VM_MAX];
};

static void plan_as_is(struct plan *plan, struct dis_vm *vm)
{
	plan->vm = vm;
	plan->min_permille = vm->min_permille;
	plan->max_permille = vm->max_permille;
	for (unsigned i = 0; i < vm->vcpus; i++)
		plan->intents[i] = &vm->vcpu[i]->settings.intent;
}

static unsigned plan_min(const struct plan *plan, unsigned vcpu)
{
	return admission_min(plan->intents[vcpu]->min_permille,
			     plan->min_permille, plan->vm->vcpus);
}

/* Where each one's minimum has room, as if the VM had none so far. */
static int plan_homes(const struct dis_domain *dom, struct plan *plan,
		      char *err, size_t err_size)
{
	struct dis_vm *vm = plan->vm;
	uint64_t reserved_ppm[DIS_CORES_MAX];

	memcpy(reserved_ppm, dom->reserved_ppm,
	       dom->ncores * sizeof(*reserved_ppm));
	for (unsigned i = 0; i < vm->vcpus; i++) {
		const struct settings *now = &vm->vcpu[i]->settings;

		if (now->min_permille)
			reserved_ppm[now->home] -=
				reserve_pace_ppm(now->min_permille);
	}
	for (unsigned i = 0; i < vm->vcpus; i++) {
		const struct settings *now = &vm->vcpu[i]->settings;
		unsigned min = plan_min(plan, i);
		int home = (int)now->home;

		plan->homes[i] = now->home;
		if (!min)
			continue;
		if (!now->min_permille)
			home = (int)vcpu_core(vm->vcpu[i])->index;
		home = admission_find(dom, reserved_ppm,
				      plan->intents[i]->affinity, min, home);
		if (home < 0) {
			snprintf(err, err_size,
				 "out of CPU time: no core has room for the "
				 "minimum of vCPU %u (%u per mille of a core)",
				 i, min);
			return -DIS_ERESOURCE;
		}
		plan->homes[i] = (unsigned)home;
		reserved_ppm[home] += reserve_pace_ppm(min);
	}
	return 0;
}

/* Cannot fail. Each vCPU looks anew: what changed may be its VM's. */
static void plan_commit(struct dis_domain *dom, const struct plan *plan)
{
	struct dis_vm *vm = plan->vm;
	uint64_t most_ns = 0;

	for (unsigned i = 0; i < vm->vcpus; i++)
		if (plan_min(plan, i))
			most_ns += reserve_most_ns(plan_min(plan, i));
	vm->min_permille = plan->min_permille;
	vm->max_permille = plan->max_permille;
	atomic_store(&vm->quota_ns,
		     admission_quota_ns(vm->max_permille, most_ns));
	for (unsigned i = 0; i < vm->vcpus; i++) {
		struct dis_vcpu *vcpu = vm->vcpu[i];
		const struct settings fresh = {
			.intent = *plan->intents[i],
			.min_permille = plan_min(plan, i),
			.home = plan->homes[i],
		};

		admission_give(dom, &vcpu->settings);
		settings_write(vcpu, &fresh);
		admission_take(dom, &fresh);
		mailbox_post(vcpu, DIS_MSG_SET);
	}
}

static int plan_apply(struct dis_domain *dom, struct plan *plan, char *err,
		      size_t err_size)
{
	int ret;

	ret = admission_shares(plan->intents, plan->vm->vcpus,
			       plan->min_permille, plan->max_permille, err,
			       err_size);
	if (!ret && dom->cfg.per_vcpu) {
		snprintf(err, err_size,
			 "not supported: the host's kernel schedules");
		ret = -DIS_ENOTSUPPORTED;
	}
	if (!ret)
		ret = plan_homes(dom, plan, err, err_size);
	if (!ret)
		plan_commit(dom, plan);
	return ret;
}

/* The VM, live; NULL with *ret and @err. */
static struct dis_vm *live_vm(struct dis_vm *vm, int *ret, char *err,
			      size_t err_size)
{
	*ret = 0;
	if (!vm)
		*ret = -DIS_ENOTFOUND;
	else if (atomic_load(&vm->ended) || vm->retiring)
		*ret = -DIS_ESTATE;
	if (*ret)
		snprintf(err, err_size, "%s", dis_strerror(*ret));
	return *ret ? NULL : vm;
}

/* What one vCPU's intent becomes. */
typedef void (*change_fn)(struct dis_intent *intent, const void *arg);

static int change(struct dis_domain *dom, dis_id id, change_fn fn,
		  const void *arg, char *err, size_t err_size)
{
	struct dis_intent fresh;
	struct dis_vcpu *vcpu;
	struct plan plan;
	int ret;

	if (policy_guard_reentered()) {
		snprintf(err, err_size, "called by a policy");
		return -DIS_EPERMISSION;
	}
	pthread_mutex_lock(&dom->lock);
	vcpu = slab_get(&dom->vcpus, id);
	if (live_vm(vcpu ? vcpu->vm : NULL, &ret, err, err_size)) {
		plan_as_is(&plan, vcpu->vm);
		fresh = vcpu->settings.intent;
		fn(&fresh, arg);
		plan.intents[vcpu->seq] = &fresh;
		ret = dis_intent_validate(&fresh, domain_pool(dom), err,
					  err_size);
		if (!ret)
			ret = plan_apply(dom, &plan, err, err_size);
	}
	pthread_mutex_unlock(&dom->lock);
	return ret;
}

static void to_intent(struct dis_intent *intent, const void *arg)
{
	memcpy(intent, arg, sizeof(*intent));
}

int dis_domain_set_intent(struct dis_domain *dom, dis_id vcpu,
			  const struct dis_intent *intent, char *err,
			  size_t err_size)
{
	return change(dom, vcpu, to_intent, intent, err, err_size);
}

static void to_priority(struct dis_intent *intent, const void *arg)
{
	const uint8_t *priority = arg;

	intent->has_priority = true;
	intent->priority = *priority;
}

int dis_domain_set_priority(struct dis_domain *dom, dis_id vcpu,
			    uint8_t priority, char *err, size_t err_size)
{
	return change(dom, vcpu, to_priority, &priority, err, err_size);
}

static void to_affinity(struct dis_intent *intent, const void *arg)
{
	const dis_cpumask *affinity = arg;

	intent->affinity = *affinity;
}

int dis_domain_set_affinity(struct dis_domain *dom, dis_id vcpu,
			    dis_cpumask affinity, char *err, size_t err_size)
{
	return change(dom, vcpu, to_affinity, &affinity, err, err_size);
}

int dis_domain_set_shares(struct dis_domain *dom, dis_id vm,
			  unsigned min_permille, unsigned max_permille,
			  char *err, size_t err_size)
{
	struct plan plan;
	int ret;

	if (policy_guard_reentered()) {
		snprintf(err, err_size, "called by a policy");
		return -DIS_EPERMISSION;
	}
	pthread_mutex_lock(&dom->lock);
	if (live_vm(slab_get(&dom->vms, vm), &ret, err, err_size)) {
		plan_as_is(&plan, slab_get(&dom->vms, vm));
		plan.min_permille = min_permille;
		plan.max_permille = max_permille;
		ret = plan_apply(dom, &plan, err, err_size);
	}
	pthread_mutex_unlock(&dom->lock);
	return ret;
}
