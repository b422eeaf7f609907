/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm sim: replays a trace against other policies, under a virtual clock.
 *
 * Top-down: cmd_sim() parses, simulate() reads the trace, takes its figures,
 * replays it and reports both.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <dis/units.h>

#include "cli.h"
#include "sim_report.h"

#define ERR_BYTES 1024

/** @cores, @quantum_ns: 0: as recorded. */
struct sim_options {
	const char *path;
	const struct dis_policy_ops *policy[DIS_CLASSES];
	unsigned cores;
	uint64_t quantum_ns;
	bool json;
	bool help;
};

static const struct option options[] = {
	{"trace", required_argument, NULL, 't'},
	{"policy", required_argument, NULL, 'p'},
	{"cpus", required_argument, NULL, 'c'},
	{"quantum", required_argument, NULL, 'q'},
	{"report", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void write_help(FILE *to)
{
	fputs("usage: disvm sim --trace FILE [options]\n\n"
	      "Replays a trace of disvm run under a virtual clock, and prints "
	      "what each vCPU\ngot beside what it would have got.\n\n"
	      "  --trace FILE         trace of disvm run; required\n"
	      "  --policy CLASS=NAME  order within a class: rr, priority, edf, "
	      "fair;\n"
	      "                       repeatable (default: as recorded)\n"
	      "  --cpus N             cores, 1 to 64 (default: as recorded)\n"
	      "  --quantum DUR        slice of vCPUs without declared intent, "
	      "100us to 10s\n"
	      "                       (default: as recorded)\n"
	      "  --report text|json   (default: text)\n"
	      "  --help               show this text\n"
	      "\nSee disvm-sim(1).\n",
	      to);
}

static int set_policy(struct sim_options *o, const char *text)
{
	const char *equals = strchr(text, '=');
	const struct dis_policy_ops *ops = NULL;

	for (unsigned k = 0; equals && k < DIS_CLASSES; k++) {
		const char *name = dis_class_name((enum dis_class)k);
		size_t length = (size_t)(equals - text);

		if (strlen(name) != length || strncmp(name, text, length) != 0)
			continue;
		ops = dis_policy_find(equals + 1);
		if (ops && ops->classes >> k & 1u)
			o->policy[k] = ops;
		else
			ops = NULL;
	}
	if (ops)
		return CLI_DONE;
	cli_error("sim",
		  "--policy: '%s' is not CLASS=NAME of a policy of this build, "
		  "e.g. realtime=rr",
		  text);
	return CLI_USAGE;
}

static int set_option(struct sim_options *o, int code)
{
	uint64_t value;

	switch (code) {
	case 't':
		o->path = optarg;
		return CLI_DONE;
	case 'p':
		return set_policy(o, optarg);
	case 'c':
		if (dis_parse_uint(optarg, 1, DIS_CORES_MAX, &value)) {
			cli_error("sim",
				  "--cpus: '%s' is not a number from 1 to %u",
				  optarg, DIS_CORES_MAX);
			return CLI_USAGE;
		}
		o->cores = (unsigned)value;
		return CLI_DONE;
	case 'q':
		if (dis_parse_duration(optarg, &value) ||
		    value < DIS_QUANTUM_MIN_NS || value > DIS_QUANTUM_MAX_NS) {
			cli_error("sim",
				  "--quantum: '%s' is not a duration from "
				  "100us to 10s",
				  optarg);
			return CLI_USAGE;
		}
		o->quantum_ns = value;
		return CLI_DONE;
	case 'r':
		o->json = !strcmp(optarg, "json");
		if (o->json || !strcmp(optarg, "text"))
			return CLI_DONE;
		cli_error("sim", "--report: '%s' is not text or json", optarg);
		return CLI_USAGE;
	default:
		o->help = true;
		return CLI_DONE;
	}
}

/* Is @word an option by its whole name? getopt takes abbreviations. */
static bool is_full_name(const char *word)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; options[i].name; i++)
		if (strlen(options[i].name) + 2 == length &&
		    !strncmp(word + 2, options[i].name, length - 2))
			return true;
	return false;
}

static int parse(int argc, char **argv, struct sim_options *o)
{
	optind = 0;
	opterr = 0;
	for (;;) {
		const char *word = argv[optind ? optind : 1];
		int code = getopt_long(argc, argv, "+:", options, NULL);
		int status;

		if (code == -1)
			break;
		if (code == ':') {
			cli_error("sim", "%s needs an argument", word);
			return CLI_USAGE;
		}
		if (code == '?' || !is_full_name(word)) {
			cli_error("sim",
				  "unknown option '%s' (see disvm sim --help)",
				  word);
			return CLI_USAGE;
		}
		status = set_option(o, code);
		if (status != CLI_DONE)
			return status;
	}
	if (optind < argc)
		cli_error("sim",
			  "unexpected argument '%s' (see disvm sim --help)",
			  argv[optind]);
	else if (!o->help && !o->path)
		cli_error("sim", "--trace FILE is missing");
	else
		return CLI_DONE;
	return CLI_USAGE;
}

/* The recorded rules, where the options do not say otherwise. */
static int make_rules(const struct sim_options *o, const struct sim_trace *t,
		      struct sim_rules *out)
{
	*out = (struct sim_rules){
		.cores = o->cores ? o->cores : t->cores,
		.default_quantum_ns = o->quantum_ns ? o->quantum_ns
						    : t->default_quantum_ns,
	};
	out->fixed_slices = t->fixed_slices;
	memcpy(out->quantum_ns, t->quantum_ns, sizeof(out->quantum_ns));
	memcpy(out->floor_permille, t->floor_permille,
	       sizeof(out->floor_permille));
	memcpy(out->policy, o->policy, sizeof(out->policy));
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		if (out->policy[k] || !*t->policy[k])
			continue;
		out->policy[k] = dis_policy_find(t->policy[k]);
		if (out->policy[k] && out->policy[k]->classes >> k & 1u)
			continue;
		cli_error("sim",
			  "%s: policy '%s' of %s is not of this build; choose "
			  "another with --policy",
			  o->path, t->policy[k],
			  dis_class_name((enum dis_class)k));
		return CLI_USAGE;
	}
	return CLI_DONE;
}

static int take_recorded(const struct sim_trace *t, struct sim_got *got)
{
	struct sim_figures *figures;
	int ret = sim_figures_open(t, &figures);

	if (ret)
		return ret;
	for (size_t i = 0; i < t->n_events; i++)
		sim_figures_take(figures, &t->events[i]);
	return sim_figures_close(figures, t->end_ns, got);
}

static int write_report(const struct sim_report *report, bool json)
{
	int ret = json ? sim_report_json(report, stdout)
		       : sim_report_text(report, stdout);

	if (!ret)
		return CLI_DONE;
	cli_error("sim", "standard output: %s", strerror(-ret));
	return CLI_HOST;
}

static int replay(const struct sim_options *o, const struct sim_trace *t,
		  const struct sim_rules *rules)
{
	struct sim_got *recorded = calloc(t->n_vcpus, sizeof(*recorded));
	struct sim_got *replayed = calloc(t->n_vcpus, sizeof(*replayed));
	struct sim_report report = {.path = o->path,
				    .trace = t,
				    .rules = rules,
				    .recorded = recorded,
				    .replayed = replayed};
	struct sim_demand demand = {0};
	char err[ERR_BYTES] = "out of memory";
	int ret = -ENOMEM, status;

	if (recorded && replayed)
		ret = take_recorded(t, recorded);
	if (!ret)
		ret = sim_demand_of(t, &demand);
	if (!ret)
		ret = sim_replay(t, &demand, rules, replayed, &report.idle_ns,
				 err, sizeof(err));
	if (ret) {
		cli_error("sim", "%s: %s", o->path, err);
		status = ret == -EINVAL ? CLI_USAGE : CLI_HOST;
	} else {
		status = write_report(&report, o->json);
	}
	sim_demand_free(&demand);
	free(replayed);
	free(recorded);
	return status;
}

int cmd_sim(int argc, char **argv)
{
	struct sim_options o = {0};
	struct sim_rules rules;
	struct sim_trace trace;
	char err[ERR_BYTES];
	int status = parse(argc, argv, &o), ret;

	if (status != CLI_DONE)
		return status;
	if (o.help) {
		write_help(stdout);
		return CLI_DONE;
	}
	ret = sim_trace_read(o.path, &trace, err, sizeof(err));
	if (ret) {
		cli_error("sim", "--trace: %s", err);
		return ret == -ENOMEM ? CLI_HOST : CLI_USAGE;
	}
	status = make_rules(&o, &trace, &rules);
	if (status == CLI_DONE)
		status = replay(&o, &trace, &rules);
	sim_trace_free(&trace);
	return status;
}
