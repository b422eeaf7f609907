/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics as JSON; see report_stats.h. */
#include "report_stats.h"

#include <jansson.h>

#include "json_write.h"
#include "report.h"

/* Adds to @to what may be NULL without memory; then all of it is NULL. */
static json_t *with(json_t *to, const char *key, json_t *value)
{
	if (!to) {
		json_decref(value);
		return NULL;
	}
	if (json_object_set_new(to, key, value)) {
		json_decref(to);
		return NULL;
	}
	return to;
}

static json_t *appended(json_t *to, json_t *value)
{
	if (!to) {
		json_decref(value);
		return NULL;
	}
	if (json_array_append_new(to, value)) {
		json_decref(to);
		return NULL;
	}
	return to;
}

static json_t *exits_of(const struct report_vcpu *v)
{
	json_t *exits = json_object();

	for (unsigned i = 0; i < v->n_exits; i++)
		exits = with(exits, v->exits[i].name,
			     json_integer(json_count(v->exits[i].count)));
	return exits;
}

json_t *report_stats_vcpu(const struct run_report *report,
			  const struct report_vcpu *v)
{
	const struct dis_vcpu_stats *s = &v->stats;
	const struct dis_history *h = &v->history;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:o}",
			 "guest_ns", json_count(s->guest_ns), "vmm_ns",
			 json_count(dis_ns_sub(s->cpu_ns, s->guest_ns)), "jobs",
			 json_count(s->jobs), "last_dispatch_ns",
			 json_count(dis_ns_sub(s->last_dispatch_ns,
					       report->stats->start_ns)),
			 "slice_left_ns", json_count(s->slice_left_ns),
			 "bursts", "samples", json_count(h->samples), "mean_ns",
			 json_count(h->mean_ns), "deviation_ns",
			 json_count(h->deviation_ns), "exits", exits_of(v));
}

static json_t *sums_of(const struct dis_vcpu_stats *s)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"cpu_ns", json_count(s->cpu_ns), "guest_ns",
		json_count(s->guest_ns), "vmm_ns",
		json_count(dis_ns_sub(s->cpu_ns, s->guest_ns)), "wait_ns",
		json_count(s->wait_ns), "sleep_ns", json_count(s->sleep_ns),
		"dispatches", json_count(s->dispatches), "preemptions",
		json_count(s->preemptions), "throttles",
		json_count(s->throttles), "yields", json_count(s->yields),
		"blocks", json_count(s->blocks), "wakes", json_count(s->wakes),
		"migrations", json_count(s->migrations), "jobs",
		json_count(s->jobs), "deadline_misses",
		json_count(s->deadline_misses), "user_exits",
		json_count(s->user_exits));
}

json_t *report_stats_vm(const struct report_vm *vm)
{
	return json_pack("{s:s,s:o}", "tenant", vm->tenant, "sums",
			 sums_of(&vm->sums));
}

static json_t *queue_of(const struct dis_queue_stats *q)
{
	uint64_t mean_ns = q->waits ? q->wait_ns / q->waits : 0;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "length",
			 json_count(q->length), "length_max",
			 json_count(q->length_max), "enqueued",
			 json_count(q->enqueued), "dequeued",
			 json_count(q->dequeued), "waits", json_count(q->waits),
			 "wait_mean_ns", json_count(mean_ns));
}

json_t *report_stats_core(const struct run_report *report, unsigned index)
{
	const struct dis_core_stats *s = &report->cores[index];
	json_t *picks = json_object(), *queues = json_object();

	for (unsigned i = 0; i < DIS_CHOICES; i++)
		picks = with(picks, dis_choice_name((enum dis_choice)i),
			     json_integer(json_count(s->picks[i])));
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		queues = with(queues, dis_class_name((enum dis_class)k),
			      queue_of(&report->stats->queues[index][k]));
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "voluntary",
			 json_count(s->voluntary), "deadline_misses",
			 json_count(s->deadline_misses), "candidates",
			 json_count(s->candidates), "message_waits",
			 json_count(s->message_waits), "message_wait_ns",
			 json_count(s->message_wait_ns), "picks", picks,
			 "queues", queues);
}

static json_t *totals_of(const struct dis_totals *t)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"created", json_count(t->created), "exited",
		json_count(t->exited), "killed", json_count(t->killed),
		"dispatches", json_count(t->dispatches), "switches_voluntary",
		json_count(t->switches_voluntary), "switches_involuntary",
		json_count(t->switches_involuntary), "deadline_misses",
		json_count(t->deadline_misses), "cpu_ns", json_count(t->cpu_ns),
		"idle_ns", json_count(t->idle_ns), "kicks",
		json_count(t->kicks_sent), "timer_arms",
		json_count(t->timer_arms), "queued", json_count(t->queued),
		"sleeping", json_count(t->sleeping), "parked",
		json_count(t->parked));
}

static json_t *states_of(const struct report_stats *stats)
{
	json_t *states = json_object();

	for (unsigned i = 0; i < DIS_STATES; i++)
		states = with(states, dis_state_name((enum dis_state)i),
			      json_pack("{s:I,s:I}", "now",
					json_count(stats->states_now[i]),
					"total",
					json_count(stats->states_total[i])));
	return states;
}

static json_t *sample_of(const struct report_stats *stats,
			 const struct dis_sample *sample)
{
	return json_pack("{s:I,s:I,s:o}", "end_ns",
			 json_count(dis_ns_sub(sample->end_ns, stats->start_ns)),
			 "span_ns", json_count(sample->span_ns), "during",
			 totals_of(&sample->during));
}

static json_t *seconds_of(const struct report_stats *stats)
{
	struct dis_sample average = dis_collect_average(&stats->seconds);
	json_t *samples = json_array();

	for (unsigned i = 0; i < dis_collect_count(&stats->seconds); i++)
		samples = appended(
			samples,
			sample_of(stats, dis_collect_get(&stats->seconds, i)));
	return json_pack("{s:o,s:o}", "samples", samples, "average",
			 sample_of(stats, &average));
}

static json_t *tenants_of(const struct report_stats *stats)
{
	json_t *tenants = json_array();

	for (unsigned i = 0; i < stats->n_tenants; i++) {
		const struct dis_tenant_info *t = &stats->tenants[i];

		tenants = appended(tenants,
				   json_pack("{s:s,s:i,s:i,s:o}", "tenant",
					     t->name, "vms", (int)t->vms,
					     "vcpus", (int)t->vcpus, "sums",
					     sums_of(&t->stats)));
	}
	return tenants;
}

static json_t *share_of(uint32_t value)
{
	return value == DIS_LOAD_ABSENT ? json_null() : json_integer(value);
}

static json_t *host_load_of(const struct run_report *report)
{
	const struct dis_host_load *load = &report->stats->host_load;
	json_t *busy = json_array(), *foreign = json_array();

	for (unsigned i = 0; i < report->host.n_cpus; i++) {
		busy = appended(busy, share_of(load->busy[i]));
		foreign = appended(foreign, share_of(load->foreign[i]));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "busy_permille",
			 busy, "foreign_permille", foreign, "active_cpus",
			 share_of(load->active_cpus), "queue_length",
			 share_of(load->queue_length), "memory_stall_permille",
			 share_of(load->memory_stall), "memory_used_permille",
			 share_of(load->memory_used), "io_stall_permille",
			 share_of(load->io_stall), "io_wait_permille",
			 share_of(load->io_wait));
}

json_t *report_stats_all(const struct run_report *report)
{
	const struct report_stats *stats = report->stats;

	return json_pack("{s:b,s:o,s:o,s:o,s:o,s:o}", "counters",
			 stats->counters, "states", states_of(stats), "totals",
			 totals_of(&stats->totals), "tenants",
			 tenants_of(stats), "seconds", seconds_of(stats),
			 "host_load", host_load_of(report));
}
