/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a domain: snapshots, counts, events. */
#include <string.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "analyze.h"
#include "core.h"

/* Structures of uint64_t alone, copied field by field while others write. */
static void copy_figures(void *to, const void *from, size_t size)
{
	const uint64_t *src = from;
	uint64_t *dst = to;

	for (size_t i = 0; i < size / sizeof(*dst); i++)
		dst[i] = SHARED_LOAD(src[i]);
}

struct dis_vcpu *dis_vm_vcpu(struct dis_domain *dom, dis_id id, unsigned index)
{
	struct dis_vm *vm = slab_get(&dom->vms, id);

	return vm && index < vm->vcpus ? vm->vcpu[index] : NULL;
}

dis_id dis_vcpu_id(const struct dis_vcpu *vcpu)
{
	return vcpu->id;
}

enum dis_state dis_vcpu_state(const struct dis_vcpu *vcpu)
{
	return (enum dis_state)SHARED_LOAD(vcpu->state);
}

enum dis_state dis_vcpu_joined(const struct dis_vcpu *vcpu)
{
	return (enum dis_state)vcpu->joined;
}

enum dis_reason dis_vcpu_reason(const struct dis_vcpu *vcpu)
{
	return (enum dis_reason)SHARED_LOAD(vcpu->reason);
}

void dis_vcpu_get_stats(const struct dis_vcpu *vcpu, struct dis_vcpu_stats *out)
{
	copy_figures(out, &vcpu->stats, sizeof(*out));
	out->device_ns += atomic_load(&vcpu->device_due_ns);
	out->slice_left_ns = dis_ns_sub(SHARED_LOAD(vcpu->budget_ns),
					SHARED_LOAD(vcpu->consumed_ns));
}

uint64_t dis_vcpu_wait_ns(const struct dis_vcpu *vcpu)
{
	return vcpu->stats.wait_ns;
}

void dis_vcpu_get_history(const struct dis_vcpu *vcpu, struct dis_history *out)
{
	*out = (struct dis_history){
		.samples = SHARED_LOAD(vcpu->history.samples),
		.mean_ns = SHARED_LOAD(vcpu->history.mean_ns),
		.deviation_ns =
			analyze_root(SHARED_LOAD(vcpu->history.variance)),
		.jobs = SHARED_LOAD(vcpu->stats.jobs),
		.misses = SHARED_LOAD(vcpu->stats.deadline_misses),
	};
}

int dis_vm_get_info(struct dis_domain *dom, dis_id id, struct dis_vm_info *out)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	*out = (struct dis_vm_info){.seq = vm->seq,
				    .vcpus = vm->vcpus,
				    .mem_bytes = vm->mem_bytes,
				    .min_permille = vm->min_permille,
				    .max_permille = vm->max_permille,
				    .ended = atomic_load(&vm->ended)};
	memcpy(out->name, vm->name, sizeof(out->name));
	memcpy(out->tenant, dom->tenants[vm->tenant].name, sizeof(out->tenant));
	if (out->ended) {
		out->state = vm_end_state(vm);
		out->reason =
			(enum dis_reason)(atomic_load(&vm->verdict) & 0xffu);
	}
	pthread_mutex_unlock(&dom->lock);
	return 0;
}

void dis_domain_get_usage(struct dis_domain *dom, struct dis_domain_usage *out)
{
	*out = (struct dis_domain_usage){0};
	if (policy_guard_reentered())
		return;
	pthread_mutex_lock(&dom->lock);
	*out = (struct dis_domain_usage){.vms = dom->vms.used,
					 .vcpus = dom->vcpus.used,
					 .mem_bytes = dom->mem_bytes,
					 .spawns_denied = dom->spawns_denied};
	pthread_mutex_unlock(&dom->lock);
}

void dis_domain_get_host_load(struct dis_domain *dom, struct dis_host_load *out)
{
	memset(out, 0xff, sizeof(*out)); /* absent */
	if (policy_guard_reentered())
		return;
	pthread_mutex_lock(&dom->lock);
	*out = dom->host_load;
	pthread_mutex_unlock(&dom->lock);
}

void dis_domain_count_states(struct dis_domain *dom, uint64_t now[DIS_STATES],
			     uint64_t total[DIS_STATES])
{
	memset(now, 0, DIS_STATES * sizeof(*now));
	memset(total, 0, DIS_STATES * sizeof(*total));
	if (policy_guard_reentered())
		return;
	pthread_mutex_lock(&dom->lock);
	for (unsigned i = 0; i < dom->vcpus.capacity; i++)
		if (slab_id_at(&dom->vcpus, i) != DIS_ID_NONE)
			now[dis_vcpu_state(slab_at(&dom->vcpus, i))]++;
	pthread_mutex_unlock(&dom->lock);
	for (unsigned i = 0; i < dom->ncores; i++)
		for (unsigned s = 0; s < DIS_STATES; s++)
			total[s] += SHARED_LOAD(dom->cores[i].state_total[s]);
}

struct dis_core *dis_domain_core(struct dis_domain *dom, unsigned index)
{
	DIS_ASSERT(index < dom->ncores);
	return &dom->cores[index];
}

const struct dis_run_ops *dis_core_run_ops(const struct dis_core *core)
{
	return core->dom->cfg.ops;
}

void dis_core_get_stats(const struct dis_core *core, struct dis_core_stats *out)
{
	copy_figures(out, &core->stats, sizeof(*out));
	out->events_lost = SHARED_LOAD(core->ring.lost);
}

struct dis_core_stats *dis_core_stats_mut(struct dis_core *core)
{
	return &core->stats;
}

unsigned dis_domain_read_events(struct dis_domain *dom, unsigned ring,
				struct dis_event *out, unsigned max)
{
	if (policy_guard_reentered() || ring > dom->ncores)
		return 0;
	return event_ring_take(ring == dom->ncores ? &dom->ring
						   : &dom->cores[ring].ring,
			       out, max);
}
