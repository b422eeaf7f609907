/* SPDX-License-Identifier: Apache-2.0 */
/* A whole domain: made, freed, and its switches; see dis/domain.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dis/error.h>

#include "core.h"

void dis_domain_config_init(struct dis_domain_config *cfg)
{
	*cfg = (struct dis_domain_config){
		.quantum_ns =
			{
				[DIS_CLASS_SYSTEM] = 1 * DIS_MS_NS,
				[DIS_CLASS_INTERACTIVE] = 4 * DIS_MS_NS,
				[DIS_CLASS_BATCH] = 10 * DIS_MS_NS,
				[DIS_CLASS_BACKGROUND] = 50 * DIS_MS_NS,
			},
		.default_quantum_ns = 5 * DIS_MS_NS,
		.floor_permille =
			{
				[DIS_CLASS_INTERACTIVE] = 50,
				[DIS_CLASS_BATCH] = 50,
				[DIS_CLASS_BACKGROUND] = 50,
			},
	};
}

static int check_config(const struct dis_domain_config *cfg)
{
	if (!cfg->vms_max || !cfg->vcpus_max || !cfg->ops || !cfg->host_ops)
		return -EINVAL;
	if (!cfg->cores || (cfg->per_vcpu && cfg->cores != cfg->vcpus_max) ||
	    (!cfg->per_vcpu && cfg->cores > DIS_CORES_MAX))
		return -EINVAL;
	if (cfg->ring_events & (cfg->ring_events - 1u))
		return -EINVAL;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (cfg->floor_permille[k] > 500 ||
		    (cfg->policy[k] && !(cfg->policy[k]->classes >> k & 1u)) ||
		    module_of(cfg->modules, cfg->policy[k]))
			return -EINVAL;
	return 0;
}

static int init_core(struct dis_core *core, struct dis_domain *dom,
		     unsigned index)
{
	int err;

	core->dom = dom;
	core->index = index;
	atomic_init(&core->nap_ns, DIS_NEVER_NS);
	atomic_init(&core->hogs, DIS_CLASSES);
	run_queue_init(&core->runq);
	sleep_queue_init(&core->sleepq);
	TAILQ_INIT(&core->joins);
	err = core_init_policies(core);
	if (err)
		return err;
	return event_ring_init(&core->ring, dom->cfg.ring_events);
}

static int init_domain(struct dis_domain *dom)
{
	const struct dis_domain_config *cfg = &dom->cfg;
	int err;

	pthread_mutex_init(&dom->lock, NULL);
	atomic_init(&dom->default_quantum_ns, cfg->default_quantum_ns);
	atomic_init(&dom->stretching, !cfg->fixed_slices);
	atomic_init(&dom->counters, cfg->counters);
	memset(&dom->host_load, 0xff, sizeof(dom->host_load)); /* absent */
	domain_init_policies(dom);
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		unsigned floor = cfg->floor_permille[k];

		dom->floor_period_ns[k] =
			floor ? FLOOR_SLICE_NS * (1000u - floor) / floor
			      : DIS_NEVER_NS;
	}
	err = slab_init(&dom->vms, cfg->vms_max, sizeof(struct dis_vm));
	if (!err)
		err = slab_init(&dom->vcpus, cfg->vcpus_max,
				sizeof(struct dis_vcpu));
	if (!err)
		err = event_ring_init(&dom->ring, cfg->ring_events);
	if (err)
		return err;
	dom->assigned = calloc(cfg->cores, sizeof(*dom->assigned));
	dom->cores = aligned_alloc(64, cfg->cores * sizeof(*dom->cores));
	dom->reserved_ppm = calloc(cfg->cores, sizeof(*dom->reserved_ppm));
	if (!dom->assigned || !dom->reserved_ppm || !dom->cores)
		return -ENOMEM;
	memset(dom->cores, 0, cfg->cores * sizeof(*dom->cores));
	for (; dom->ncores < cfg->cores; dom->ncores++) {
		err = init_core(&dom->cores[dom->ncores], dom, dom->ncores);
		if (err)
			return err;
	}
	return 0;
}

static const struct dis_policy_ops *default_policy(enum dis_class klass)
{
	return dis_policy_find(klass == DIS_CLASS_REALTIME ? "edf" : "rr");
}

int dis_domain_create(const struct dis_domain_config *cfg,
		      struct dis_domain **out)
{
	struct dis_domain_config defaults;
	struct dis_domain *dom;
	int err = check_config(cfg);

	if (err)
		return err;
	dom = calloc(1, sizeof(*dom));
	if (!dom)
		return -ENOMEM;
	dom->cfg = *cfg;
	dis_domain_config_init(&defaults);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (!dom->cfg.quantum_ns[k])
			dom->cfg.quantum_ns[k] = defaults.quantum_ns[k];
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (!dom->cfg.policy[k])
			dom->cfg.policy[k] = default_policy((enum dis_class)k);
	if (!dom->cfg.default_quantum_ns)
		dom->cfg.default_quantum_ns = defaults.default_quantum_ns;
	err = init_domain(dom);
	if (err) {
		dis_domain_destroy(dom);
		return err;
	}
	*out = dom;
	return 0;
}

void dis_domain_destroy(struct dis_domain *dom)
{
	/* R: MEM-4: whatever is still in the slab goes with it. */
	for (unsigned i = 0; i < dom->vms.capacity; i++) {
		struct dis_vm *vm =
			slab_get(&dom->vms, slab_id_at(&dom->vms, i));

		if (vm)
			vm_free(dom, vm);
	}
	for (unsigned i = 0; i < dom->ncores; i++) {
		core_fini_policies(&dom->cores[i]);
		event_ring_fini(&dom->cores[i].ring);
	}
	event_ring_fini(&dom->ring);
	free(dom->cores);
	free(dom->assigned);
	free(dom->reserved_ppm);
	slab_fini(&dom->vcpus);
	slab_fini(&dom->vms);
	pthread_mutex_destroy(&dom->lock);
	free(dom);
}

int domain_lock_vm(struct dis_domain *dom, dis_id id, struct dis_vm **out)
{
	struct dis_vm *vm;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	pthread_mutex_lock(&dom->lock);
	vm = slab_get(&dom->vms, id);
	if (!vm) {
		pthread_mutex_unlock(&dom->lock);
		return -DIS_ENOTFOUND;
	}
	*out = vm;
	return 0;
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

void dis_domain_set_counters(struct dis_domain *dom, bool on)
{
	if (policy_guard_reentered())
		return;
	atomic_store(&dom->counters, on);
}

bool dis_domain_counts(const struct dis_domain *dom)
{
	return atomic_load(&dom->counters);
}
