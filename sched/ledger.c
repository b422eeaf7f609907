/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums of the ledger and of the counters: per VM, tenant, queue and domain
 * (R: DIS-15, EVO-C1). What a vCPU did is counted once, by its owner; everything
 * here adds that up when asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "core.h"
#include "state.h"

#define FIELDS (sizeof(struct dis_vcpu_stats) / sizeof(uint64_t))

/* All fields are counters but the two that tell of one moment. */
static void add(struct dis_vcpu_stats *to, const struct dis_vcpu_stats *more)
{
	uint64_t last_ns =
		dis_ns_max(to->last_dispatch_ns, more->last_dispatch_ns);
	uint64_t sum[FIELDS], fields[FIELDS];

	memcpy(sum, to, sizeof(sum));
	memcpy(fields, more, sizeof(fields));
	for (size_t i = 0; i < FIELDS; i++)
		sum[i] += fields[i];
	memcpy(to, sum, sizeof(sum));
	to->last_dispatch_ns = last_ns;
	to->slice_left_ns = 0;
}

static void add_vm(struct dis_vcpu_stats *to, const struct dis_vm *vm)
{
	struct dis_vcpu_stats stats;

	for (unsigned i = 0; i < vm->vcpus; i++) {
		dis_vcpu_get_stats(vm->vcpu[i], &stats);
		add(to, &stats);
	}
}

int dis_vm_get_stats(struct dis_domain *dom, dis_id id,
		     struct dis_vcpu_stats *out)
{
	struct dis_vm *vm;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	pthread_mutex_lock(&dom->lock);
	vm = slab_get(&dom->vms, id);
	*out = (struct dis_vcpu_stats){0};
	if (vm)
		add_vm(out, vm);
	pthread_mutex_unlock(&dom->lock);
	return vm ? 0 : -DIS_ENOTFOUND;
}

bool dis_tenant_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= DIS_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '"' ||
		    name[i] == '\\')
			return false;
	return true;
}

int ledger_tenant(struct dis_domain *dom, const char *name, unsigned *out,
		  char *err, size_t err_size)
{
	struct tenant *tenant;
	unsigned i;

	if (!name)
		name = DIS_TENANT_DEFAULT;
	if (!dis_tenant_valid(name)) {
		snprintf(err, err_size,
			 "invalid tenant: not 1 to %u printable characters",
			 DIS_NAME_MAX - 1u);
		return -EINVAL;
	}
	for (i = 0; i < dom->n_tenants; i++)
		if (!strcmp(dom->tenants[i].name, name))
			break;
	if (i == DIS_TENANTS_MAX) {
		snprintf(err, err_size, "out of memory: %u tenants at most",
			 DIS_TENANTS_MAX);
		return -DIS_ERESOURCE;
	}
	if (i == dom->n_tenants) {
		tenant = &dom->tenants[dom->n_tenants++];
		*tenant = (struct tenant){0};
		snprintf(tenant->name, sizeof(tenant->name), "%s", name);
	}
	*out = i;
	return 0;
}

void ledger_keep(struct dis_domain *dom, const struct dis_vm *vm)
{
	add_vm(&dom->tenants[vm->tenant].gone, vm);
}

int dis_domain_get_tenant(struct dis_domain *dom, unsigned index,
			  struct dis_tenant_info *out)
{
	int err = -DIS_ENOTFOUND;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	pthread_mutex_lock(&dom->lock);
	if (index < dom->n_tenants) {
		*out = (struct dis_tenant_info){
			.stats = dom->tenants[index].gone};
		memcpy(out->name, dom->tenants[index].name, sizeof(out->name));
		for (unsigned i = 0; i < dom->vms.capacity; i++) {
			const struct dis_vm *vm =
				slab_get(&dom->vms, slab_id_at(&dom->vms, i));

			if (!vm || vm->tenant != index)
				continue;
			out->vms++;
			out->vcpus += vm->vcpus;
			add_vm(&out->stats, vm);
		}
		err = 0;
	}
	pthread_mutex_unlock(&dom->lock);
	return err;
}

int dis_core_get_queue(const struct dis_core *core, enum dis_class klass,
		       struct dis_queue_stats *out)
{
	const struct dis_queue_stats *stats;

	if ((unsigned)klass >= DIS_CLASSES)
		return -EINVAL;
	stats = &core->runq.stats[klass];
	*out = (struct dis_queue_stats){
		.length = SHARED_LOAD(stats->length),
		.length_max = SHARED_LOAD(stats->length_max),
		.enqueued = SHARED_LOAD(stats->enqueued),
		.dequeued = SHARED_LOAD(stats->dequeued),
		.waits = SHARED_LOAD(stats->waits),
		.wait_ns = SHARED_LOAD(stats->wait_ns),
	};
	return 0;
}

/*
 * The present run is charged when it comes back, which may be much later: until
 * then count it as if it came back now.
 */
static void add_present(const struct dis_core *core, uint64_t now_ns,
			struct dis_totals *out)
{
	uint64_t present_ns = dis_ns_sub(now_ns, SHARED_LOAD(core->last_ns));

	/* With a thread per vCPU only the host knows, and idling is free. */
	if (core->dom->cfg.per_vcpu)
		return;
	if (mailbox_running_class(core) == DIS_CLASSES)
		out->idle_ns += present_ns;
	else
		out->cpu_ns += present_ns;
}

static void add_core(const struct dis_core *core, uint64_t now_ns,
		     struct dis_totals *out)
{
	struct dis_core_stats stats;

	dis_core_get_stats(core, &stats);
	out->cpu_ns += stats.charged_ns;
	out->idle_ns += stats.idle_ns;
	out->dispatches += stats.dispatches;
	out->switches_voluntary += stats.voluntary;
	out->switches_involuntary += stats.preemptions;
	out->deadline_misses += stats.deadline_misses;
	out->kicks_sent += stats.kicks_sent;
	out->timer_arms += stats.timer_arms;
	out->exited += SHARED_LOAD(core->state_total[DIS_STATE_FINISHED]);
	out->killed += SHARED_LOAD(core->state_total[DIS_STATE_FAILED]);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		out->queued += SHARED_LOAD(core->runq.stats[k].length);
	out->sleeping += SHARED_LOAD(core->sleepq.length);
	out->parked += SHARED_LOAD(core->parked);
	add_present(core, now_ns, out);
}

void dis_domain_get_totals(struct dis_domain *dom, uint64_t now_ns,
			   struct dis_totals *out)
{
	*out = (struct dis_totals){0};
	if (policy_guard_reentered())
		return;
	pthread_mutex_lock(&dom->lock);
	out->created = dom->created;
	pthread_mutex_unlock(&dom->lock);
	for (unsigned i = 0; i < dom->ncores; i++)
		add_core(&dom->cores[i], now_ns, out);
	out->queued += out->sleeping + out->parked;
}
