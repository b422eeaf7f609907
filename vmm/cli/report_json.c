/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON, schema REPORT_SCHEMA; see report.h. */
#include <jansson.h>
#include <string.h>

#include "cli.h"
#include "confine.h"
#include "json_write.h"
#include "report.h"

/* As ASCII: jansson takes valid UTF-8 only. NULL for "". */
static json_t *text_of(const char *text)
{
	char plain[320];

	if (!*text)
		return json_null();
	cli_printable(plain, sizeof(plain), text, sizeof(plain));
	return json_string(plain);
}

/* Both, or NULL without memory for one of them. */
static json_t *merged(json_t *to, json_t *more)
{
	bool failed = !to || !more || json_object_update(to, more);

	json_decref(more);
	if (!failed)
		return to;
	json_decref(to);
	return NULL;
}

static json_t *host_of(const struct run_report *report)
{
	json_t *cpus = json_array();

	for (unsigned i = 0; i < report->host.n_cpus; i++)
		json_array_append_new(cpus, json_integer(report->host.cpus[i]));
	return json_pack("{s:o,s:o,s:o,s:o}", "kernel",
			 text_of(report->host.kernel), "kvm_backend",
			 text_of(report->host.kvm_backend), "cpus", cpus,
			 "commit", text_of(report->host.commit));
}

static json_t *core_of(const struct run_report *report, unsigned index)
{
	const struct dis_core_stats *s = &report->cores[index];
	bool pinned = !strcmp(report->executor, "dis");
	json_t *core;

	core = json_pack(
		"{s:i,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,"
		"s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"core", (int)index, "cpu",
		pinned ? json_integer(report->cpus[index]) : json_null(),
		"charged_ns", json_count(s->charged_ns), "idle_ns",
		json_count(s->idle_ns), "dispatches", json_count(s->dispatches),
		"preemptions", json_count(s->preemptions), "timer_arms",
		json_count(s->timer_arms), "timer_expiries",
		json_count(s->timer_expiries), "timer_spurious",
		json_count(s->timer_spurious), "timer_lost",
		json_count(s->timer_lost), "stray_signals",
		json_count(s->stray_signals), "kicks",
		json_count(s->kicks_sent), "kicks_coalesced",
		json_count(s->kicks_coalesced), "messages",
		json_count(s->messages), "steals", json_count(s->steals),
		"wake_warm", json_count(s->wake_warm), "wake_idle",
		json_count(s->wake_idle), "wake_moved",
		json_count(s->wake_moved), "pushes", json_count(s->pushes),
		"balances", json_count(s->balances), "handoffs",
		json_count(s->handoffs), "ahead_ns", json_count(s->ahead_ns),
		"events_lost", json_count(s->events_lost), "time_backward",
		json_count(s->time_backward));
	return report->stats ? merged(core, report_stats_core(report, index))
			     : core;
}

/* A figure of a histogram that counted nothing is not 0 but unknown. */
static json_t *latency_value(const struct report_latency *l, uint64_t value_ns)
{
	return l->counted ? json_integer(json_count(value_ns)) : json_null();
}

static json_t *guest_of(const struct report_guest *g)
{
	const struct report_latency *l = &g->lateness;
	json_t *lateness;

	lateness = json_pack("{s:o,s:o,s:o,s:o,s:o}", "p50",
			     latency_value(l, l->p50_ns), "p90",
			     latency_value(l, l->p90_ns), "p99",
			     latency_value(l, l->p99_ns), "p999",
			     latency_value(l, l->p999_ns), "max",
			     latency_value(l, l->max_ns));
	return json_pack("{s:o,s:b,s:I,s:I,s:I,s:o,s:I,s:I,s:I}", "workload",
			 text_of(g->workload), "done", g->done, "work",
			 json_count(g->work), "wakes", json_count(g->wakes),
			 "elapsed_ns", json_count(g->elapsed_ns), "lateness_ns",
			 lateness, "misses", json_count(g->misses), "skipped",
			 json_count(g->skipped), "steal_ns",
			 json_count(g->steal_ns));
}

static json_t *vcpu_of(const struct run_report *report,
		       const struct report_vcpu *v)
{
	const struct dis_vcpu_stats *s = &v->stats;
	char intent[DIS_INTENT_TEXT_MAX];
	json_t *vcpu;

	dis_intent_format(&v->intent, intent, sizeof(intent));
	vcpu = json_pack(
		"{s:i,s:s,s:b,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,"
		"s:I,s:I,s:I,s:I,s:I,s:o}",
		"vcpu", (int)v->index, "intent", intent, "declared",
		v->intent.declared, "state", dis_state_name(v->state), "cpu_ns",
		json_count(s->cpu_ns), "wait_ns", json_count(s->wait_ns),
		"sleep_ns", json_count(s->sleep_ns), "throttled_ns",
		json_count(s->throttled_ns), "dispatches",
		json_count(s->dispatches), "preemptions",
		json_count(s->preemptions), "throttles",
		json_count(s->throttles), "yields", json_count(s->yields),
		"blocks", json_count(s->blocks), "wakes", json_count(s->wakes),
		"migrations", json_count(s->migrations), "deadline_misses",
		json_count(s->deadline_misses), "user_exits",
		json_count(s->user_exits), "ahead_ns", json_count(s->ahead_ns),
		"early_wakes", json_count(s->early_wakes), "device_ns",
		json_count(s->device_ns), "guest",
		v->has_guest ? guest_of(&v->guest) : json_null());
	return report->stats ? merged(vcpu, report_stats_vcpu(report, v))
			     : vcpu;
}

/* Both only where there is something to say. */
static json_t *diagnosis_of(const struct run_report *report,
			    const struct report_vm *vm)
{
	json_t *object = json_object();

	if (report->diag && vm->diagnosis)
		object = merged(object, json_pack("{s:o}", "diagnosis",
						  diag_json(report->diag,
							    vm->diagnosis)));
	if (report->diag && vm->profile)
		object = merged(object, json_pack("{s:o}", "profile",
						  profile_json(report->diag,
							       vm->profile)));
	return object;
}

static json_t *vm_of(const struct run_report *report, const struct report_vm *vm)
{
	json_t *vcpus = json_array(), *object;

	for (unsigned i = 0; i < vm->n_vcpus; i++)
		if (json_array_append_new(vcpus, vcpu_of(report, &vm->vcpus[i])))
			goto err_free;
	object = json_pack("{s:I,s:o,s:s,s:s,s:o,s:I,s:o,s:o}", "vm",
			   (json_int_t)vm->seq, "name", text_of(vm->name),
			   "state", dis_state_name(vm->state), "reason",
			   dis_reason_name(vm->reason), "detail",
			   text_of(vm->detail), "exit_code",
			   (json_int_t)vm->exit_code, "devices",
			   report_devices_json(vm->devices, vm->n_devices),
			   "vcpus", vcpus);
	object = merged(object, diagnosis_of(report, vm));
	return report->stats ? merged(object, report_stats_vm(vm)) : object;

err_free:
	json_decref(vcpus);
	return NULL;
}

/* "batch":"fair" and so on; empty where the host's kernel schedules. */
static json_t *policies_of(const struct run_report *report)
{
	json_t *policies = json_object();

	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (report->policies[k] &&
		    json_object_set_new(policies,
					dis_class_name((enum dis_class)k),
					json_string(report->policies[k])))
			goto err_free;
	return policies;

err_free:
	json_decref(policies);
	return NULL;
}

static json_t *module_of(const struct dis_module_info *module)
{
	return json_pack("{s:s,s:s,s:o,s:b,s:s}", "name", module->name,
			 "version", module->version, "file",
			 text_of(module->path), "failed", module->failed,
			 "reason", dis_reason_name(module->reason));
}

static json_t *modules_of(const struct run_report *report)
{
	json_t *modules = json_array();

	for (unsigned i = 0; i < report->n_modules; i++)
		if (json_array_append_new(modules,
					  module_of(&report->modules[i])))
			goto err_free;
	return modules;

err_free:
	json_decref(modules);
	return NULL;
}

/* What holds the process: "network", "seccomp" and so on. */
static json_t *confined_of(const struct run_report *report)
{
	json_t *parts = json_array();

	for (unsigned i = 0; i < CONFINE_PARTS; i++)
		if (report->confined >> i & 1 &&
		    json_array_append_new(parts, json_string(confine_part_name((
							 enum confine_part)i))))
			goto err_free;
	return parts;

err_free:
	json_decref(parts);
	return NULL;
}

/* NULL without memory: jansson passes it on from any value within. */
static json_t *report_of(const struct run_report *report)
{
	struct dis_core_stats pool = report_pool(report);
	json_t *cores = json_array(), *vms = json_array(), *root;

	for (unsigned i = 0; i < report->n_cores; i++)
		if (json_array_append_new(cores, core_of(report, i)))
			goto err_free;
	for (unsigned i = 0; i < report->n_vms; i++)
		if (json_array_append_new(vms, vm_of(report, &report->vms[i])))
			goto err_free;
	root = json_pack("{s:s,s:o,s:s,s:o,s:I,s:I,s:I,s:f,s:I,s:I,s:I,s:I,s:I,"
			 "s:I,s:o,s:o,s:o,s:o}",
			 "schema", REPORT_SCHEMA, "host", host_of(report),
			 "executor", report->executor, "confined",
			 confined_of(report), "wall_ns",
			 json_count(report->wall_ns), "idle_ns",
			 json_count(pool.idle_ns), "charged_ns",
			 json_count(pool.charged_ns), "jain",
			 report_fairness(report), "dispatches",
			 json_count(pool.dispatches), "preemptions",
			 json_count(pool.preemptions), "timer_arms",
			 json_count(pool.timer_arms), "kicks",
			 json_count(pool.kicks_sent), "user_exits",
			 json_count(report->user_exits), "events_lost",
			 json_count(pool.events_lost), "policies",
			 policies_of(report), "policy_modules",
			 modules_of(report), "cores", cores, "vms", vms);
	return report->stats ? merged(root, report_stats_all(report)) : root;

err_free:
	json_decref(cores);
	json_decref(vms);
	return NULL;
}

int report_write_json(const struct run_report *report, FILE *to)
{
	return json_write(report_of(report), to);
}
