/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `disvm run`: the steps from argv to figures; see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "option_devices.h"
#include "option_firmware.h"
#include "option_limits.h"
#include "option_table.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 79

/* One option of the command line; @text is NULL if it takes no argument. */
struct argument {
	const struct option_row *row;
	const char *text;
};

static struct option *getopt_table(void)
{
	struct option *table = calloc(option_row_count + 1, sizeof(*table));

	for (size_t i = 0; table && i < option_row_count; i++)
		table[i] = (struct option){
			.name = option_rows[i].name,
			.has_arg = option_rows[i].argument ? required_argument
							   : no_argument,
		};
	return table;
}

/* Is @word "--NAME" or "--NAME=..." in full? getopt takes abbreviations. */
static bool is_full_name(const char *word, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(word + 2, name, length) &&
	       (word[2 + length] == '\0' || word[2 + length] == '=');
}

/* Syntax only: which options stand there, in which order. */
static int collect(int argc, char **argv, const struct option *table,
		   struct argument *arguments, size_t *count, char *err,
		   size_t err_size)
{
	optind = 0; /* GNU: start anew, whoever used getopt before */
	opterr = 0;
	for (;;) {
		const char *word = argv[optind ? optind : 1];
		int row = 0, code;

		code = getopt_long(argc, argv, "+:", table, &row);
		if (code == -1)
			break;
		if (code == ':')
			return option_refuse(err, err_size,
					     "%s needs an argument", word);
		if (code == '?' && !strncmp(word, "--help=", 7))
			return option_refuse(err, err_size,
					     "--help takes no argument");
		/*
		 * An abbreviation would change its meaning, or be ambiguous,
		 * once there are more options.
		 */
		if (code == '?' || !is_full_name(word, option_rows[row].name))
			return option_refuse(err, err_size,
					     "unknown option '%s' (see disvm "
					     "run --help)",
					     word);
		arguments[(*count)++] = (struct argument){
			.row = &option_rows[row],
			.text = optarg,
		};
	}
	if (optind < argc)
		return option_refuse(err, err_size,
				     "unexpected argument '%s' (see disvm run "
				     "--help)",
				     argv[optind]);
	return 0;
}

static int apply_defaults(struct option_values *values, char *err,
			  size_t err_size)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		char origin[64];
		int ret;

		if (!row->fallback)
			continue;
		snprintf(origin, sizeof(origin), "default of --%s", row->name);
		ret = option_apply(values, row, origin, row->fallback, err,
				   err_size);
		if (ret)
			return ret;
	}
	values->given = 0;
	return 0;
}

/* The file first, so that the command line wins. */
static int apply_given(struct option_values *values,
		       const struct argument *arguments, size_t count,
		       char *err, size_t err_size)
{
	const char *config = NULL;
	int ret;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(arguments[i].row->name, "config-file"))
			config = arguments[i].text;
	if (config) {
		ret = config_file_read(config, values, err, err_size);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = arguments[i].row;
		char origin[64];

		if (!row->set)
			continue;
		snprintf(origin, sizeof(origin), "--%s", row->name);
		ret = option_apply(values, row, origin, arguments[i].text, err,
				   err_size);
		if (ret)
			return ret;
	}
	return 0;
}

/* Two outputs in one file would write over each other. */
static int check_paths(const struct run_options *o, char *err, size_t err_size)
{
	const struct {
		const char *option;
		const char *path;
	} paths[] = {
		{"trace", o->trace_path},     {"report", o->report_path},
		{"console", o->console_path}, {"serial", o->serial_path},
		{"control", o->control_path},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		for (size_t k = 0; k < i; k++)
			if (paths[i].path && paths[k].path &&
			    !strcmp(paths[i].path, paths[k].path))
				return option_refuse(
					err, err_size,
					"--%s and --%s are the same file",
					paths[k].option, paths[i].option);
	return 0;
}

/* What is right for itself, but not together. */
static int check_together(const struct option_values *values, char *err,
			  size_t err_size)
{
	static const char *const dis_only[] = {"quantum",       "class-quantum",
					       "floor",         "policy",
					       "policy-module", "slices",
					       "vm-min",        "vm-max"};
	const struct run_options *o = values->out;

	int ret = option_firmware_check(values, err, err_size);

	if (ret)
		return ret;
	if (o->executor == RUN_EXECUTOR_DIS && o->irqchip == RUN_IRQCHIP_KERNEL)
		return option_refuse(err, err_size,
				     "--irqchip kernel needs --executor "
				     "threads: dis must see every interrupt");
	for (size_t i = 0; o->executor == RUN_EXECUTOR_THREADS &&
			   i < sizeof(dis_only) / sizeof(dis_only[0]);
	     i++)
		if (option_given(values, dis_only[i]))
			return option_refuse(err, err_size,
					     "--%s has no effect with "
					     "--executor threads: the host's "
					     "kernel schedules",
					     dis_only[i]);
	ret = check_paths(o, err, err_size);
	if (ret)
		return ret;
	ret = option_check_floors(o, err, err_size);
	return ret ? ret : option_devices_check(o, err, err_size);
}

/* Does it say what only DIS can keep? */
static bool asks_of_dis(const struct dis_intent *intent)
{
	return intent->weight || intent->has_priority || intent->slice_ns ||
	       intent->min_permille || intent->max_permille ||
	       intent->affinity != DIS_CPUMASK_ALL;
}

static bool names_vcpu(const struct option_intent *intent, unsigned vcpu)
{
	return intent->all || intent->vcpus[vcpu / 64] >> (vcpu % 64) & 1;
}

static int resolve_intents(const struct option_values *values, char *err,
			   size_t err_size)
{
	struct run_options *o = values->out;
	dis_cpumask pool = o->n_cpus < 64 ? (UINT64_C(1) << o->n_cpus) - 1
					  : DIS_CPUMASK_ALL;
	char why[256];

	for (unsigned vcpu = 0; vcpu < o->vcpus; vcpu++)
		o->intents[vcpu] = dis_intent_default();
	for (size_t i = 0; i < values->n_intents; i++) {
		const struct option_intent *intent = &values->intents[i];

		if (dis_intent_validate(&intent->intent, pool, why, sizeof(why)))
			return option_refuse(err, err_size,
					     "intent '%s': %s (of %u cores)",
					     intent->text, why, o->n_cpus);
		if (o->executor == RUN_EXECUTOR_THREADS &&
		    asks_of_dis(&intent->intent))
			return option_refuse(
				err, err_size,
				"intent '%s': weight, priority, "
				"slice, min, max and cores have no effect with "
				"--executor threads: the host's "
				"kernel schedules",
				intent->text);
		for (unsigned vcpu = 0; vcpu < RUN_VCPUS_MAX; vcpu++) {
			if (!names_vcpu(intent, vcpu))
				continue;
			if (vcpu < o->vcpus)
				o->intents[vcpu] = intent->intent;
			else if (!intent->all)
				return option_refuse(
					err, err_size,
					"intent '%s': there is no vCPU %u "
					"(vcpus is %u)",
					intent->text, vcpu, o->vcpus);
		}
	}
	return 0;
}

/* A run that was not limited gets what it needs. */
static void resolve_slab(struct run_options *o)
{
	if (!o->slab_vms)
		o->slab_vms = o->copies;
	if (!o->slab_vcpus)
		o->slab_vcpus = (uint64_t)o->copies * o->vcpus;
	if (!o->slab_mem_bytes)
		o->slab_mem_bytes = o->copies * o->mem_bytes;
}

static int parse_collected(const struct argument *arguments, size_t count,
			   struct run_options *out, char *err, size_t err_size)
{
	struct option_values values = {.out = out};
	int ret;

	ret = apply_defaults(&values, err, err_size);
	if (!ret)
		ret = apply_given(&values, arguments, count, err, err_size);
	if (!ret)
		ret = check_together(&values, err, err_size);
	if (!ret)
		ret = option_find_policies(&values, err, err_size);
	if (!ret)
		ret = option_limits_resolve(&values, err, err_size);
	if (!ret)
		ret = resolve_intents(&values, err, err_size);
	if (!ret)
		resolve_slab(out);
	for (size_t i = 0; i < values.n_intents; i++)
		free(values.intents[i].text);
	free(values.intents);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		free(values.policy_names[k]);
	return ret;
}

int run_options_parse(int argc, char **argv, struct run_options *out, char *err,
		      size_t err_size)
{
	/* Every option is a word of argv at least. */
	struct argument *arguments =
		calloc((size_t)argc + 1, sizeof(*arguments));
	struct option *table = getopt_table();
	struct dis_domain_config rules;
	size_t count = 0;
	int ret;

	dis_domain_config_init(&rules);
	*out = (struct run_options){
		.numa_node = -1, .io_priority = -1, .net_priority = -1};
	memcpy(out->class_quantum_ns, rules.quantum_ns,
	       sizeof(out->class_quantum_ns));
	memcpy(out->floor_permille, rules.floor_permille,
	       sizeof(out->floor_permille));
	ret = -ENOMEM;
	snprintf(err, err_size, "out of memory");
	if (!arguments || !table)
		goto out_free;
	ret = collect(argc, argv, table, arguments, &count, err, err_size);
	if (ret)
		goto out_free;
	for (size_t i = 0; i < count; i++)
		out->help |= !strcmp(arguments[i].row->name, "help");
	if (!out->help)
		ret = parse_collected(arguments, count, out, err, err_size);
	if (ret)
		run_options_free(out);
out_free:
	free(table);
	free(arguments);
	return ret;
}

void run_options_free(struct run_options *options)
{
	free(options->kernel);
	free(options->firmware);
	free(options->initrd);
	free(options->cmdline);
	free(options->dtb);
	for (unsigned i = 0; i < options->n_dtb_overlays; i++)
		free(options->dtb_overlays[i]);
	free(options->dump_dtb);
	free(options->serial_path);
	free(options->report_path);
	free(options->trace_path);
	free(options->control_path);
	free(options->tenant);
	option_devices_free(options);
	dis_modules_destroy(options->modules);
	*options = (struct run_options){0};
}

/* Words of @text from HELP_COLUMN to HELP_WIDTH; the cursor is at @column. */
static void write_wrapped(FILE *to, int column, const char *text)
{
	if (column >= HELP_COLUMN) {
		fputc('\n', to);
		column = 0;
	}
	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column > HELP_COLUMN && column + 1 + length > HELP_WIDTH) {
			fputc('\n', to);
			column = 0;
		}
		if (column < HELP_COLUMN) {
			fprintf(to, "%*s", HELP_COLUMN - column, "");
			column = HELP_COLUMN;
		} else {
			fputc(' ', to);
			column++;
		}
		fprintf(to, "%.*s", length, text);
		column += length;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

void run_options_help(FILE *to)
{
	fputs("usage: disvm run --kernel FILE | --disk FILE [options]\n\n"
	      "Boots guests in this process, prints a report when they have "
	      "ended.\n\n",
	      to);
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		bool show = row->fallback && *row->fallback;
		char text[512];
		int column = fprintf(to, "  --%s%s%s", row->name,
				     row->argument ? " " : "",
				     row->argument ? row->argument : "");

		snprintf(text, sizeof(text), "%s%s%s%s", row->help,
			 show ? " (default: " : "", show ? row->fallback : "",
			 show ? ")" : "");
		write_wrapped(to, column, text);
	}
	fputs("\nDurations: 250us, 5ms, 1.5s, 2m. Sizes: 4096, 64K, 32M, 2G. "
	      "Lists: 0-3,8.\n"
	      "Exit status: 0 done; 1 a guest failed; 2 wrong usage or invalid "
	      "input;\n3 this host cannot; 4 refused. See disvm-run(1).\n",
	      to);
}
