/* SPDX-License-Identifier: Apache-2.0 */
/* Two sets of figures side by side; see sim_report.h. */
#include "sim_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include <dis/units.h>

#include "cli.h"
#include "json_write.h"

/* Of one core, per mille. */
static unsigned share_permille(const struct sim_report *r,
			       const struct sim_got *got)
{
	if (!r->trace->end_ns)
		return 0;
	return (unsigned)((double)got->cpu_ns * 1000 / (double)r->trace->end_ns +
			  0.5);
}

/* The order of a class, as recorded or by the rules of the replay. */
static const char *policy_name(const struct sim_report *r, unsigned k,
			       bool replayed)
{
	if (replayed)
		return r->rules->policy[k] ? r->rules->policy[k]->name
					   : "default";
	return *r->trace->policy[k] ? r->trace->policy[k] : "default";
}

static void write_line(const struct sim_report *r, const struct sim_got *got,
		       const char *who, const char *what, FILE *to)
{
	char p50[32], p99[32], max[32];
	unsigned share = share_permille(r, got);

	fprintf(to, "%-12s %-9s %4u.%u%% %8" PRIu64 " %8" PRIu64, who, what,
		share / 10, share % 10, got->dispatches, got->wakes);
	if (got->wakes)
		fprintf(to, " %9s %9s %9s",
			dis_format_duration(got->p50_ns, p50, sizeof(p50)),
			dis_format_duration(got->p99_ns, p99, sizeof(p99)),
			dis_format_duration(got->max_ns, max, sizeof(max)));
	else
		fprintf(to, " %9s %9s %9s", "-", "-", "-");
	if (got->jobs)
		fprintf(to, " %6" PRIu64 "/%" PRIu64, got->misses, got->jobs);
	fputc('\n', to);
}

int sim_report_text(const struct sim_report *r, FILE *to)
{
	const struct sim_trace *t = r->trace;
	char time[32], name[128];

	cli_printable(name, sizeof(name), r->path, sizeof(name));
	fprintf(to, "%s: %s, %zu vCPUs; %u cores recorded, %u replayed\n", name,
		dis_format_duration(t->end_ns, time, sizeof(time)), t->n_vcpus,
		t->cores, r->rules->cores);
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		cli_printable(name, sizeof(name), policy_name(r, k, false),
			      SIM_NAME_MAX);
		fprintf(to, "  %-12s recorded %-10s replayed %s\n",
			dis_class_name((enum dis_class)k), name,
			policy_name(r, k, true));
	}
	fprintf(to, "\n%-12s %-9s %6s %8s %8s %9s %9s %9s %s\n", "vCPU", "",
		"share", "runs", "wakes", "p50", "p99", "max", "missed/jobs");
	for (size_t i = 0; i < t->n_vcpus; i++) {
		snprintf(name, sizeof(name), "vm%u/vcpu%u", t->vcpus[i].vm,
			 t->vcpus[i].seq);
		write_line(r, &r->recorded[i], name, "recorded", to);
		write_line(r, &r->replayed[i], "", "replayed", to);
	}
	fprintf(to, "\nreplayed: %s of the cores' time idle\n",
		dis_format_duration(r->idle_ns, time, sizeof(time)));
	return ferror(to) ? -EIO : 0;
}

static json_t *got_of(const struct sim_report *r, const struct sim_got *got)
{
	json_t *latency = json_pack("{s:I,s:I,s:I}", "p50", got->p50_ns, "p99",
				    got->p99_ns, "max", got->max_ns);

	return json_pack("{s:I,s:i,s:I,s:I,s:o,s:I,s:I}", "cpu_ns", got->cpu_ns,
			 "share_permille", (int)share_permille(r, got),
			 "dispatches", got->dispatches, "wakes", got->wakes,
			 "wake_latency_ns", latency, "jobs", got->jobs,
			 "deadline_misses", got->misses);
}

static json_t *policies_of(const struct sim_report *r, bool replayed)
{
	json_t *all = json_object();
	char name[SIM_NAME_MAX];

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		cli_printable(name, sizeof(name), policy_name(r, k, replayed),
			      sizeof(name));
		json_object_set_new(all, dis_class_name((enum dis_class)k),
				    json_string(name));
	}
	return all;
}

int sim_report_json(const struct sim_report *r, FILE *to)
{
	const struct sim_trace *t = r->trace;
	json_t *vcpus = json_array(), *root;
	char text[DIS_INTENT_TEXT_MAX];

	for (size_t i = 0; i < t->n_vcpus; i++) {
		dis_intent_format(&t->vcpus[i].intent, text, sizeof(text));
		json_array_append_new(
			vcpus,
			json_pack("{s:i,s:i,s:s,s:o,s:o}", "vm",
				  (int)t->vcpus[i].vm, "vcpu",
				  (int)t->vcpus[i].seq, "intent", text,
				  "recorded", got_of(r, &r->recorded[i]),
				  "replayed", got_of(r, &r->replayed[i])));
	}
	cli_printable(text, sizeof(text), r->path, sizeof(text));
	root = json_pack("{s:s,s:s,s:I,s:{s:i,s:o},s:{s:i,s:o,s:I},s:o}",
			 "schema", "disvm.sim/1", "trace", text, "wall_ns",
			 t->end_ns, "recorded", "cores", (int)t->cores,
			 "policy", policies_of(r, false), "replayed", "cores",
			 (int)r->rules->cores, "policy", policies_of(r, true),
			 "idle_ns", r->idle_ns, "vcpus", vcpus);
	return json_write(root, to);
}
