/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a domain: snapshots, counts, events, invariants. */
#include <errno.h>
#include <string.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "analyze.h"
#include "core.h"
#include "state.h"

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

void dis_domain_trigger(struct dis_domain *dom)
{
	if (policy_guard_reentered())
		return;
	for (unsigned i = 0; i < dom->ncores; i++)
		mailbox_force(&dom->cores[i]);
}

void dis_domain_pause_preemption(struct dis_domain *dom)
{
	if (policy_guard_reentered())
		return;
	atomic_store(&dom->paused, true);
}

void dis_domain_resume_preemption(struct dis_domain *dom)
{
	if (policy_guard_reentered())
		return;
	atomic_store(&dom->paused, false);
	/* Timers were not armed meanwhile. */
	dis_domain_trigger(dom);
}

int dis_domain_set_default_quantum(struct dis_domain *dom, uint64_t quantum_ns)
{
	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	if (!quantum_ns)
		return -EINVAL;
	atomic_store(&dom->default_quantum_ns, quantum_ns);
	return 0;
}

void dis_domain_set_fixed_slices(struct dis_domain *dom, bool fixed)
{
	if (policy_guard_reentered())
		return;
	atomic_store(&dom->stretching, !fixed);
}

void dis_domain_set_host_load(struct dis_domain *dom,
			      const struct dis_host_load *load)
{
	if (policy_guard_reentered())
		return;
	pthread_mutex_lock(&dom->lock);
	dom->host_load = *load;
	pthread_mutex_unlock(&dom->lock);
	for (unsigned i = 0; i < dom->ncores && i < DIS_CORES_MAX; i++) {
		uint32_t foreign = load->foreign[i];

		atomic_store_explicit(&dom->cores[i].foreign,
				      foreign == DIS_LOAD_ABSENT ? 0 : foreign,
				      memory_order_relaxed);
	}
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

void dis_domain_set_counters(struct dis_domain *dom, bool on)
{
	if (policy_guard_reentered())
		return;
	atomic_store(&dom->counters, on);
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

/* Is @vcpu where its place says, once? */
static void check_vcpu(const struct dis_vcpu *vcpu)
{
	const struct dis_core *core = vcpu_core(vcpu);
	enum dis_class klass = vcpu->intent.klass;
	const struct dis_vcpu *other;
	unsigned found = 0;

	TAILQ_FOREACH(other, &core->runq.list[klass], run_link)
		found += other == vcpu;
	switch ((enum dis_place)vcpu->place) {
	case DIS_PLACE_RUNQ:
		DIS_ASSERT(found == 1 && vcpu->state == DIS_STATE_SCHEDULED);
		return;
	case DIS_PLACE_CURRENT:
		DIS_ASSERT(core->current == vcpu &&
			   vcpu->state == DIS_STATE_RUNNING);
		break;
	case DIS_PLACE_SLEEPQ:
		DIS_ASSERT(vcpu->state == DIS_STATE_SLEEPING);
		break;
	case DIS_PLACE_PARKED:
		DIS_ASSERT(vcpu->state == DIS_STATE_THROTTLED ||
			   vcpu->state == DIS_STATE_SCHEDULED);
		break;
	case DIS_PLACE_BLOCKED:
	case DIS_PLACE_JOINING:
		DIS_ASSERT(vcpu->state == DIS_STATE_WAITING);
		break;
	case DIS_PLACE_TRANSIT:
	case DIS_PLACE_NONE:
		DIS_ASSERT(vcpu->state == DIS_STATE_SCHEDULED ||
			   dis_state_final(vcpu->state));
		break;
	}
	DIS_ASSERT(found == 0 &&
		   !vcpu->in_crowd == (vcpu->place != DIS_PLACE_CURRENT));
}

/* As many sleep and are parked on @core as it counts. */
static void check_lengths(const struct dis_core *core)
{
	const struct slab *vcpus = &core->dom->vcpus;
	unsigned sleeping = 0, parked = 0;

	for (unsigned i = 0; i < vcpus->capacity; i++) {
		const struct dis_vcpu *vcpu = slab_at(vcpus, i);

		if (slab_id_at(vcpus, i) == DIS_ID_NONE ||
		    vcpu_core(vcpu) != core)
			continue;
		sleeping += vcpu->place == DIS_PLACE_SLEEPQ;
		parked += vcpu->place == DIS_PLACE_PARKED;
	}
	DIS_ASSERT(sleeping == core->sleepq.length && parked == core->parked);
}

static void check_queues(const struct dis_core *core)
{
	dis_cpumask reach = 0;
	unsigned count = 0;

	DIS_ASSERT(core->runq.running == core->current);
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct policy_guard *guard = core->runq.policy[k]->guard;
		const struct dis_vcpu *vcpu;
		unsigned length = 0;

		TAILQ_FOREACH(vcpu, &core->runq.list[k], run_link) {
			DIS_ASSERT(vcpu_core(vcpu) == core &&
				   vcpu->place == DIS_PLACE_RUNQ);
			DIS_ASSERT(!guard || policy_guard_has(guard, vcpu));
			DIS_ASSERT(vcpu->crowd ==
				   &core->runq.crowd[k][vcpu->movable]);
			reach |= vcpu->roams     ? DIS_CPUMASK_ALL
				 : vcpu->movable ? vcpu->intent.affinity
						 : 0;
			length++;
		}
		DIS_ASSERT(length == core->runq.length[k]);
		DIS_ASSERT(crowd_is_sound(&core->runq.crowd[k][false]) &&
			   crowd_is_sound(&core->runq.crowd[k][true]));
		DIS_ASSERT((length != 0) == (core->runq.nonempty >> k & 1u));
		count += length;
	}
	DIS_ASSERT(count == core->runq.count);
	DIS_ASSERT(reach == atomic_load(&core->runq.reach));
}

void dis_domain_check(struct dis_domain *dom)
{
	for (unsigned i = 0; i < dom->ncores; i++) {
		check_queues(&dom->cores[i]);
		check_lengths(&dom->cores[i]);
	}
	for (unsigned i = 0; i < dom->vcpus.capacity; i++)
		if (slab_id_at(&dom->vcpus, i) != DIS_ID_NONE)
			check_vcpu(slab_at(&dom->vcpus, i));
}
