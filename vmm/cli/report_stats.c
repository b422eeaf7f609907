/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics as JSON; see report_stats.h. */
#include "report_stats.h"

#include <jansson.h>

#include "report.h"

/* JSON integers are signed here. */
static json_int_t count_of(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

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
			     json_integer(count_of(v->exits[i].count)));
	return exits;
}

json_t *report_stats_vcpu(const struct run_report *report,
			  const struct report_vcpu *v)
{
	const struct dis_vcpu_stats *s = &v->stats;
	const struct dis_history *h = &v->history;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:{s:I,s:I,s:I},s:o}",
			 "guest_ns", count_of(s->guest_ns), "vmm_ns",
			 count_of(dis_ns_sub(s->cpu_ns, s->guest_ns)), "jobs",
			 count_of(s->jobs), "last_dispatch_ns",
			 count_of(dis_ns_sub(s->last_dispatch_ns,
					     report->stats->start_ns)),
			 "slice_left_ns", count_of(s->slice_left_ns), "bursts",
			 "samples", count_of(h->samples), "mean_ns",
			 count_of(h->mean_ns), "deviation_ns",
			 count_of(h->deviation_ns), "exits", exits_of(v));
}

static json_t *sums_of(const struct dis_vcpu_stats *s)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"cpu_ns", count_of(s->cpu_ns), "guest_ns",
		count_of(s->guest_ns), "vmm_ns",
		count_of(dis_ns_sub(s->cpu_ns, s->guest_ns)), "wait_ns",
		count_of(s->wait_ns), "sleep_ns", count_of(s->sleep_ns),
		"dispatches", count_of(s->dispatches), "preemptions",
		count_of(s->preemptions), "throttles", count_of(s->throttles),
		"yields", count_of(s->yields), "blocks", count_of(s->blocks),
		"wakes", count_of(s->wakes), "migrations",
		count_of(s->migrations), "jobs", count_of(s->jobs),
		"deadline_misses", count_of(s->deadline_misses), "user_exits",
		count_of(s->user_exits));
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
			 count_of(q->length), "length_max",
			 count_of(q->length_max), "enqueued",
			 count_of(q->enqueued), "dequeued",
			 count_of(q->dequeued), "waits", count_of(q->waits),
			 "wait_mean_ns", count_of(mean_ns));
}

json_t *report_stats_core(const struct run_report *report, unsigned index)
{
	const struct dis_core_stats *s = &report->cores[index];
	json_t *picks = json_object(), *queues = json_object();

	for (unsigned i = 0; i < DIS_CHOICES; i++)
		picks = with(picks, dis_choice_name((enum dis_choice)i),
			     json_integer(count_of(s->picks[i])));
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		queues = with(queues, dis_class_name((enum dis_class)k),
			      queue_of(&report->stats->queues[index][k]));
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "voluntary",
			 count_of(s->voluntary), "deadline_misses",
			 count_of(s->deadline_misses), "candidates",
			 count_of(s->candidates), "message_waits",
			 count_of(s->message_waits), "message_wait_ns",
			 count_of(s->message_wait_ns), "picks", picks, "queues",
			 queues);
}

static json_t *totals_of(const struct dis_totals *t)
{
	return json_pack(
		"{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"created", count_of(t->created), "exited", count_of(t->exited),
		"killed", count_of(t->killed), "dispatches",
		count_of(t->dispatches), "switches_voluntary",
		count_of(t->switches_voluntary), "switches_involuntary",
		count_of(t->switches_involuntary), "deadline_misses",
		count_of(t->deadline_misses), "cpu_ns", count_of(t->cpu_ns),
		"idle_ns", count_of(t->idle_ns), "kicks",
		count_of(t->kicks_sent), "timer_arms", count_of(t->timer_arms),
		"queued", count_of(t->queued), "sleeping",
		count_of(t->sleeping), "parked", count_of(t->parked));
}

static json_t *states_of(const struct report_stats *stats)
{
	json_t *states = json_object();

	for (unsigned i = 0; i < DIS_STATES; i++)
		states = with(states, dis_state_name((enum dis_state)i),
			      json_pack("{s:I,s:I}", "now",
					count_of(stats->states_now[i]), "total",
					count_of(stats->states_total[i])));
	return states;
}

static json_t *sample_of(const struct report_stats *stats,
			 const struct dis_sample *sample)
{
	return json_pack("{s:I,s:I,s:o}", "end_ns",
			 count_of(dis_ns_sub(sample->end_ns, stats->start_ns)),
			 "span_ns", count_of(sample->span_ns), "during",
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
