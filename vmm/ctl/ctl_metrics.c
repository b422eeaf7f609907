/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures for Prometheus (R: BUD-3, ST-6), in its text format, version 0.0.4. A
 * family stands together, as the format wants it.
 */
#include <inttypes.h>

#include "ctl/ctl_priv.h"

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A figure of each vCPU; @seconds: it is in ns, and told in seconds. */
struct family {
	const char *name;
	const char *help;
	size_t offset; /* in struct dis_vcpu_stats */
	bool seconds;
};

#define FIGURE(field) offsetof(struct dis_vcpu_stats, field)
static const struct family families[] = {
	{"task_budget_throttle_total", "Quanta used up without giving way.",
	 FIGURE(throttles), false},
	{"disvm_vcpu_cpu_seconds_total", "CPU time charged.", FIGURE(cpu_ns),
	 true},
	{"disvm_vcpu_wait_seconds_total", "Runnable, but not running.",
	 FIGURE(wait_ns), true},
	{"disvm_vcpu_dispatches_total", "Times it was put on a core.",
	 FIGURE(dispatches), false},
	{"disvm_vcpu_preemptions_total", "Times it had to give way.",
	 FIGURE(preemptions), false},
	{"disvm_vcpu_deadline_misses_total", "Deadlines missed.",
	 FIGURE(deadline_misses), false},
};

static void vcpu_line(FILE *to, const struct family *family, const char *vm,
		      unsigned index, const struct dis_vcpu *vcpu)
{
	struct dis_vcpu_stats stats;
	uint64_t value;

	dis_vcpu_get_stats(vcpu, &stats);
	value = *(const uint64_t *)((const char *)&stats + family->offset);
	fprintf(to, "%s{vm=\"%s\",vcpu=\"%u\"} ", family->name, vm, index);
	if (family->seconds)
		fprintf(to, "%" PRIu64 ".%09" PRIu64 "\n", value / DIS_S_NS,
			value % DIS_S_NS);
	else
		fprintf(to, "%" PRIu64 "\n", value);
}

static void vcpu_family(FILE *to, const struct ctl_pool *pool,
			const struct family *family)
{
	head(to, family->name, "counter", family->help);
	for (unsigned i = 0; i < pool->n_vms; i++) {
		struct dis_vm_info info;

		if (dis_vm_get_info(pool->dom, pool->vms[i], &info))
			continue;
		for (unsigned k = 0; k < info.vcpus; k++)
			vcpu_line(to, family, info.name, k,
				  dis_vm_vcpu(pool->dom, pool->vms[i], k));
	}
}

static void state_families(FILE *to, const struct ctl_pool *pool)
{
	uint64_t now[DIS_STATES], total[DIS_STATES];

	dis_domain_count_states(pool->dom, now, total);
	head(to, "tasks_state_total", "counter", "Transitions into a state.");
	for (unsigned s = 0; s < DIS_STATES; s++)
		fprintf(to, "tasks_state_total{state=\"%s\"} %" PRIu64 "\n",
			dis_state_name((enum dis_state)s), total[s]);
	head(to, "disvm_vcpus", "gauge", "vCPUs in a state.");
	for (unsigned s = 0; s < DIS_STATES; s++)
		fprintf(to, "disvm_vcpus{state=\"%s\"} %" PRIu64 "\n",
			dis_state_name((enum dis_state)s), now[s]);
}

static void pool_families(FILE *to, const struct ctl_pool *pool)
{
	struct dis_domain_usage usage;

	dis_domain_get_usage(pool->dom, &usage);
	head(to, "disvm_vms", "gauge", "VMs in the slab.");
	fprintf(to, "disvm_vms %u\n", usage.vms);
	head(to, "disvm_guest_memory_bytes", "gauge", "Memory of all guests.");
	fprintf(to, "disvm_guest_memory_bytes %" PRIu64 "\n", usage.mem_bytes);
	head(to, "disvm_spawns_denied_total", "counter", "Spawns refused.");
	fprintf(to, "disvm_spawns_denied_total %" PRIu64 "\n",
		usage.spawns_denied);
}

static int write_families(const struct ctl_pool *pool, FILE *to)
{
	pool_families(to, pool);
	state_families(to, pool);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		vcpu_family(to, pool, &families[i]);
	return 0;
}

int ctl_metrics(struct ctl_call *call)
{
	return ctl_answer_written(call, "text/plain; version=0.0.4",
				  write_families);
}
