/* SPDX-License-Identifier: Apache-2.0 */
/* Spawning VMs, all or nothing (R: CARD-5, MEM-2); see dis/domain.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "core.h"
#include "state.h"

static void deny(struct dis_domain *dom, enum dis_reason reason, uint64_t now_ns)
{
	dom->spawns_denied++;
	event_ring_put(&dom->ring, &(struct dis_event){
					   .time_ns = now_ns,
					   .vm_seq = dom->next_seq,
					   .cpu = DIS_EVENT_NO_CPU,
					   .type = DIS_EVENT_SPAWN_DENIED,
					   .reason = (uint8_t)reason,
				   });
}

/* @home: where its minimum was admitted; else it is placed by load. */
static void fill_vcpu(struct dis_domain *dom, struct dis_vm *vm, unsigned seq,
		      const struct dis_intent *intent, unsigned home,
		      uint64_t now_ns)
{
	dis_id id = slab_alloc(&dom->vcpus);
	struct dis_vcpu *vcpu = slab_get(&dom->vcpus, id);
	struct settings settings = {
		.intent = *intent,
		.min_permille = admission_min(intent->min_permille,
					      vm->min_permille, vm->vcpus),
	};
	struct dis_core *core;

	DIS_ASSERT(vcpu);
	if (dom->cfg.per_vcpu)
		core = &dom->cores[(id & UINT32_MAX) - 1u];
	else if (settings.min_permille)
		core = &dom->cores[home];
	else
		core = placement_initial(dom, intent);
	DIS_ASSERT(core);
	settings.home = core->index;
	vcpu->dom = dom;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->created_ns = now_ns;
	vcpu->seq = (uint16_t)seq;
	atomic_init(&vcpu->core, core);
	settings_write(vcpu, &settings);
	core_set_settings(vcpu, &settings);
	vcpu->timer_ns = DIS_NEVER_NS;
	admission_take(dom, &settings);
	state_init(vcpu, now_ns);
	vm->vcpu[seq] = vcpu;
}

static int check_spec(const struct dis_domain *dom,
		      const struct dis_vm_spec *spec, char *err,
		      size_t err_size)
{
	const struct dis_intent *intents[DIS_VCPUS_PER_VM_MAX];
	dis_cpumask pool = domain_pool(dom);
	bool shares = spec->min_permille || spec->max_permille;

	snprintf(err, err_size, "invalid VM: vCPUs or their intents");
	if (!spec->vcpus || spec->vcpus > DIS_VCPUS_PER_VM_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < spec->vcpus; i++) {
		intents[i] = &spec->intents[i];
		shares |= intents[i]->min_permille || intents[i]->max_permille;
		if (intents[i]->klass >= DIS_CLASSES ||
		    !(intents[i]->affinity & pool))
			return -EINVAL;
	}
	if (shares && dom->cfg.per_vcpu) {
		snprintf(
			err, err_size,
			"shares are not supported: the host's kernel schedules");
		return -DIS_ENOTSUPPORTED;
	}
	return admission_shares(intents, spec->vcpus, spec->min_permille,
				spec->max_permille, err, err_size);
}

/* The slots are there and are filled; cannot fail. */
static dis_id fill_vm(struct dis_domain *dom, const struct dis_vm_spec *spec,
		      unsigned tenant, struct dis_vcpu **vcpus,
		      const unsigned *homes, uint64_t now_ns)
{
	dis_id id = slab_alloc(&dom->vms);
	struct dis_vm *vm = slab_get(&dom->vms, id);
	uint64_t most_ns = 0;

	vm->id = id;
	vm->seq = dom->next_seq++;
	vm->tenant = tenant;
	dom->created += spec->vcpus;
	vm->vcpus = spec->vcpus;
	vm->mem_bytes = spec->mem_bytes;
	vm->vcpu = vcpus;
	vm->min_permille = spec->min_permille;
	vm->max_permille = spec->max_permille;
	for (unsigned i = 0; i < spec->vcpus; i++) {
		unsigned min = admission_min(spec->intents[i].min_permille,
					     vm->min_permille, vm->vcpus);

		most_ns += min ? reserve_most_ns(min) : 0;
	}
	atomic_init(&vm->quota_ns,
		    admission_quota_ns(vm->max_permille, most_ns));
	snprintf(vm->name, sizeof(vm->name), "%s", spec->name);
	atomic_init(&vm->live, spec->vcpus);
	dom->mem_bytes += spec->mem_bytes;
	for (unsigned i = 0; i < spec->vcpus; i++)
		fill_vcpu(dom, vm, i, &spec->intents[i], homes[i], now_ns);
	return id;
}

int dis_vm_spawn(struct dis_domain *dom, const struct dis_vm_spec *spec,
		 uint64_t now_ns, dis_id *out, char *err, size_t err_size)
{
	unsigned homes[DIS_VCPUS_PER_VM_MAX] = {0};
	enum dis_reason refusal;
	struct dis_vcpu **vcpus;
	unsigned tenant;
	int ret;

	if (policy_guard_reentered()) {
		snprintf(err, err_size, "called by a policy");
		return -DIS_EPERMISSION;
	}
	ret = check_spec(dom, spec, err, err_size);
	if (ret)
		return ret;
	vcpus = calloc(spec->vcpus, sizeof(struct dis_vcpu *));
	if (!vcpus) {
		snprintf(err, err_size, "out of memory");
		return -DIS_ERESOURCE;
	}
	pthread_mutex_lock(&dom->lock);
	refusal = admission_check(dom, spec, homes, err, err_size);
	ret = refusal == DIS_REASON_NONE
		      ? ledger_tenant(dom, spec->tenant, &tenant, err, err_size)
		      : -DIS_ERESOURCE;
	if (refusal != DIS_REASON_NONE)
		deny(dom, refusal, now_ns);
	if (!ret)
		*out = fill_vm(dom, spec, tenant, vcpus, homes, now_ns);
	pthread_mutex_unlock(&dom->lock);
	if (ret)
		free(vcpus);
	return ret;
}
