/* SPDX-License-Identifier: Apache-2.0 */
/* VMs and vCPUs as JSON, schema CTL_VMS_SCHEMA; see ctl.h. */
#include <errno.h>

#include "cli/json_write.h"
#include "ctl/ctl_priv.h"

static json_t *vcpu_of(struct dis_vcpu *vcpu, unsigned index)
{
	struct dis_intent granted = dis_vcpu_intent(vcpu);
	char intent[DIS_INTENT_TEXT_MAX];
	struct dis_vcpu_stats stats;

	dis_intent_format(&granted, intent, sizeof(intent));
	dis_vcpu_get_stats(vcpu, &stats);
	return json_pack("{s:i,s:s,s:b,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
			 "vcpu", (int)index, "intent", intent, "declared",
			 granted.declared, "state",
			 dis_state_name(dis_vcpu_state(vcpu)), "reason",
			 dis_reason_name(dis_vcpu_reason(vcpu)), "cpu_ns",
			 json_count(stats.cpu_ns), "wait_ns",
			 json_count(stats.wait_ns), "dispatches",
			 json_count(stats.dispatches), "preemptions",
			 json_count(stats.preemptions), "throttles",
			 json_count(stats.throttles), "migrations",
			 json_count(stats.migrations), "deadline_misses",
			 json_count(stats.deadline_misses));
}

/* A live one has no state: its vCPUs have. */
static json_t *vm_of(const struct ctl_pool *pool, dis_id id,
		     const struct dis_vm_info *info)
{
	json_t *vcpus = json_array();

	for (unsigned i = 0; i < info->vcpus; i++) {
		struct dis_vcpu *vcpu = dis_vm_vcpu(pool->dom, id, i);

		if (json_array_append_new(vcpus, vcpu_of(vcpu, i))) {
			json_decref(vcpus);
			return NULL;
		}
	}
	return json_pack(
		"{s:s,s:s,s:b,s:o,s:o,s:I,s:I,s:I,s:o}", "name", info->name,
		"tenant", info->tenant, "ended", info->ended, "state",
		info->ended ? json_string(dis_state_name(info->state))
			    : json_null(),
		"reason",
		info->ended ? json_string(dis_reason_name(info->reason))
			    : json_null(),
		"mem_bytes", json_count(info->mem_bytes), "min_permille",
		(json_int_t)info->min_permille, "max_permille",
		(json_int_t)info->max_permille, "vcpus", vcpus);
}

int ctl_show(struct ctl_call *call)
{
	return ctl_answer(call, vm_of(call->pool, call->vm, &call->info));
}

int ctl_show_ended(struct ctl_call *call)
{
	if (call->info.ended)
		return ctl_show(call);
	*call->reply = (struct ctl_reply){.wait_for = call->vm};
	return 0;
}

int ctl_list(struct ctl_call *call)
{
	const struct ctl_pool *pool = call->pool;
	json_t *vms = json_array();

	for (unsigned i = 0; i < pool->n_vms; i++) {
		struct dis_vm_info info;

		if (dis_vm_get_info(pool->dom, pool->vms[i], &info))
			continue;
		if (json_array_append_new(vms,
					  vm_of(pool, pool->vms[i], &info))) {
			json_decref(vms);
			return -ENOMEM;
		}
	}
	return ctl_answer(call, json_pack("{s:s,s:o}", "schema", CTL_VMS_SCHEMA,
					  "vms", vms));
}
