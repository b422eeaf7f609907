/* SPDX-License-Identifier: Apache-2.0 */
/* disvm bench NAME: finds the bench, runs it, writes its result; see bench.h. */
#include "bench/bench.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dis/units.h>

#include "bench/grid.h"
#include "bench/html.h"
#include "bench/output.h"
#include "cli/cli.h"
#include "cli/hostcpus.h"
#include "cli/output.h"

#define ERR_BYTES 512
#define ROUNDS 5u
#define QUICK_ROUNDS 2u
#define ALL "all"

static const struct bench *const benches[] = {
	&bench_switch,   &bench_latency,    &bench_neighbour,
	&bench_deadline, &bench_throughput, &bench_lockholder,
	&bench_pingpong, &bench_spawn,      &bench_density,
};

#define N_BENCHES (sizeof(benches) / sizeof(benches[0]))

static void write_help(FILE *to)
{
	fputs("usage: disvm bench NAME [options]\n\n"
	      "Measures, prints a table.\n\n",
	      to);
	for (size_t i = 0; i < N_BENCHES; i++)
		fprintf(to, "  %-12s %s\n", benches[i]->name,
			benches[i]->summary);
	fprintf(to, "  %-12s %s\n", ALL, "all of them");
	fputs("\n"
	      "  --rounds N   rounds of all contenders, 1 to 100 "
	      "(default: 5)\n"
	      "  --cpu N      switch: host CPU to measure on (default: the "
	      "last one that\n"
	      "               this process may use; other benches use all)\n"
	      "  --kernel F   guest image (default: the tiny guest that comes "
	      "with disvm)\n"
	      "  --quick      measure next to nothing: whether it works, not "
	      "how fast\n"
	      "  --json       write JSON instead of the table\n"
	      "  --html FILE  write a page with tables and plots as well\n"
	      "  --help       write this\n"
	      "\nSee disvm-bench(1).\n",
	      to);
}

static const struct bench *find_bench(const char *name)
{
	for (size_t i = 0; i < N_BENCHES; i++)
		if (!strcmp(name, benches[i]->name))
			return benches[i];
	cli_error("bench", "unknown bench '%s' (see disvm bench --help)", name);
	return NULL;
}

/*
 * Is argv[*at] the option @name with an argument? Then *@text is the argument,
 * "" if it is missing, and *@at its last word.
 */
static bool takes(int argc, char **argv, int *at, const char *name,
		  const char **text)
{
	const char *word = argv[*at];
	size_t length = strlen(name);

	if (strncmp(word, name, length) != 0)
		return false;
	if (word[length] == '=') {
		*text = word + length + 1;
		return true;
	}
	if (word[length])
		return false;
	*text = *at + 1 < argc ? argv[++*at] : "";
	return true;
}

static int parse_figure(const char *name, const char *text, uint64_t min,
			uint64_t max, unsigned *out)
{
	uint64_t value;

	if (dis_parse_uint(text, min, max, &value)) {
		cli_error("bench", "%s: '%s' is not a number from %u to %u",
			  name, text, (unsigned)min, (unsigned)max);
		return CLI_USAGE;
	}
	*out = (unsigned)value;
	return CLI_DONE;
}

/* All CPUs that may be used, and of these the one: @cpu as given, or NULL. */
static int choose_cpus(const char *cpu, struct bench_options *out)
{
	unsigned chosen[DIS_CORES_MAX], n, one;
	struct hostcpus *host = malloc(sizeof(*host));
	char err[ERR_BYTES];
	int status = CLI_DONE;

	if (!host) {
		cli_error("bench", "out of memory");
		return CLI_HOST;
	}
	if (cpu)
		status = parse_figure("--cpu", cpu, 0, HOSTCPUS_MAX - 1, &one);
	if (status == CLI_DONE &&
	    (hostcpus_read(host, err, sizeof(err)) ||
	     hostcpus_choose(host, "all", DIS_CORES_MAX, out->cpus,
			     &out->n_cpus, err, sizeof(err)))) {
		cli_error("bench", "%s", err);
		status = CLI_HOST;
	}
	if (status == CLI_DONE &&
	    hostcpus_choose(host, cpu ? cpu : "all", DIS_CORES_MAX, chosen, &n,
			    err, sizeof(err))) {
		cli_error("bench", "--cpu: %s", err);
		status = CLI_USAGE;
	}
	if (status == CLI_DONE)
		out->cpu = chosen[n - 1];
	free(host);
	return status;
}

/*
 * The image as given, or NULL: then that of the build, or the installed one, by
 * where this program is.
 */
static int choose_kernel(const char *given, struct bench_options *out)
{
	static const char *const places[] = {"../images/tiny.elf",
					     "../share/disvm/tiny.elf"};
	char self[256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (given) {
		snprintf(out->kernel, sizeof(out->kernel), "%s", given);
		if (*given && !access(given, R_OK))
			return CLI_DONE;
		cli_error("bench", "--kernel: '%s': %s", given,
			  strerror(*given ? errno : ENOENT));
		return CLI_USAGE;
	}
	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(out->kernel, sizeof(out->kernel), "%s/%s", self,
			 places[i]);
		if (!access(out->kernel, R_OK))
			return CLI_DONE;
	}
	cli_error("bench", "the tiny guest is not beside this program: name it "
			   "by --kernel");
	return CLI_HOST;
}

/* argv[at ..] are options. @bench: NULL for all. *@help: --help is among them. */
static int parse_options(int argc, char **argv, int at,
			 const struct bench *bench, struct bench_options *out,
			 bool *help)
{
	const char *cpu = NULL, *rounds = NULL, *kernel = NULL;
	int status = CLI_DONE;

	*out = (struct bench_options){0};
	for (; at < argc; at++) {
		const char *word = argv[at];

		if (!strcmp(word, "--help")) {
			*help = true;
		} else if (!strcmp(word, "--json")) {
			out->json = true;
		} else if (!strcmp(word, "--quick")) {
			out->quick = true;
		} else if (!takes(argc, argv, &at, "--cpu", &cpu) &&
			   !takes(argc, argv, &at, "--kernel", &kernel) &&
			   !takes(argc, argv, &at, "--html", &out->html) &&
			   !takes(argc, argv, &at, "--rounds", &rounds)) {
			cli_error("bench", "%s '%s' (see disvm bench --help)",
				  word[0] == '-' ? "unknown option"
						 : "unexpected argument",
				  word);
			return CLI_USAGE;
		}
	}
	if (*help)
		return CLI_DONE;
	out->rounds = out->quick ? QUICK_ROUNDS : ROUNDS;
	if (rounds)
		status = parse_figure("--rounds", rounds, 1, BENCH_ROUNDS_MAX,
				      &out->rounds);
	if (status == CLI_DONE && cpu && bench && !bench->one_cpu) {
		cli_error("bench", "--cpu: %s uses all CPUs of this process",
			  bench->name);
		status = CLI_USAGE;
	}
	if (status == CLI_DONE)
		status = choose_cpus(cpu, out);
	if (status == CLI_DONE && (kernel || !bench || !bench->one_cpu))
		status = choose_kernel(kernel, out);
	return status;
}

static int bind_to(const unsigned *cpus, unsigned n)
{
	cpu_set_t *set = CPU_ALLOC(HOSTCPUS_MAX);
	size_t bytes = CPU_ALLOC_SIZE(HOSTCPUS_MAX);
	int ret;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(bytes, set);
	for (unsigned i = 0; i < n; i++)
		CPU_SET_S(cpus[i], bytes, set);
	ret = sched_setaffinity(0, bytes, set) ? -errno : 0;
	CPU_FREE(set);
	return ret;
}

static double guess_s(const struct bench_report *report)
{
	return report->bench->round_s * report->options->rounds;
}

/* @report: the bench and the options; the rest is filled in. */
static int run_bench(struct bench_report *report,
		     struct bench_progress *progress)
{
	const struct bench *bench = report->bench;
	const struct bench_options *options = report->options;
	const unsigned *cpus = bench->one_cpu ? &options->cpu : options->cpus;
	unsigned n = bench->one_cpu ? 1 : options->n_cpus;
	struct bench_load before, after;
	char err[ERR_BYTES];
	int ret = bind_to(cpus, n);

	if (ret) {
		cli_error("bench", "binding to CPUs: %s", strerror(-ret));
		return CLI_HOST;
	}
	report->result = calloc(1, sizeof(*report->result));
	if (!report->result) {
		cli_error("bench", "out of memory");
		return CLI_HOST;
	}
	report->result->rounds = options->rounds;
	bench_progress_next(progress, guess_s(report));
	before = bench_load_read(cpus, n);
	if (bench->grid)
		ret = grid_run(bench->grid, options, progress, report->result,
			       err, sizeof(err));
	else
		ret = bench->run(options, progress, report->result, err,
				 sizeof(err));
	if (ret) {
		cli_error("bench", "%s: %s", bench->name, err);
		return CLI_HOST;
	}
	after = bench_load_read(cpus, n);
	report->result->load = bench_load_since(&before, &after);
	report_host_read(&report->host, cpus, n);
	return CLI_DONE;
}

/* Tables as they come, JSON when all is there. */
static int run_benches(struct bench_report *reports, unsigned n)
{
	struct bench_progress progress;
	int status = CLI_DONE, ret = 0;
	double all_s = 0;

	for (unsigned i = 0; i < n; i++)
		all_s += guess_s(&reports[i]);
	bench_progress_open(&progress, stderr, all_s);
	for (unsigned i = 0; i < n && status == CLI_DONE && !ret; i++) {
		if (n > 1)
			fprintf(stderr, "%s (%u of %u)\n",
				reports[i].bench->name, i + 1, n);
		status = run_bench(&reports[i], &progress);
		if (status == CLI_DONE && !reports[i].options->json)
			ret = bench_write_text(&reports[i], stdout);
	}
	if (status == CLI_DONE && !ret && reports[0].options->json)
		ret = bench_write_json(reports, n, stdout);
	if (ret) {
		cli_error("bench", "standard output: %s", strerror(-ret));
		status = CLI_HOST;
	}
	return status;
}

/* The page is opened first: what cannot be written must not cost the work. */
static int run_with_page(struct bench_report *reports, unsigned n)
{
	const char *path = reports[0].options->html;
	struct output page;
	int status, ret;

	if (!path)
		return run_benches(reports, n);
	ret = output_open(&page, path);
	if (ret) {
		cli_error("bench", "--html: '%s': %s", path, strerror(-ret));
		return CLI_USAGE;
	}
	status = run_benches(reports, n);
	if (status != CLI_DONE) {
		output_discard(&page);
		return status;
	}
	ret = output_commit(&page);
	if (!ret)
		ret = bench_write_html(reports, n, page.file);
	if (!ret)
		ret = output_close(&page);
	if (!ret)
		return CLI_DONE;
	cli_error("bench", "--html: '%s': %s", path, strerror(-ret));
	return CLI_HOST;
}

/* @bench: NULL for all. */
static int run_named(const struct bench *bench,
		     const struct bench_options *options)
{
	struct bench_report reports[N_BENCHES] = {0};
	unsigned n = bench ? 1 : N_BENCHES;
	int status;

	for (unsigned i = 0; i < n; i++)
		reports[i] = (struct bench_report){.bench = bench ? bench
								  : benches[i],
						   .options = options};
	status = run_with_page(reports, n);
	for (unsigned i = 0; i < n && reports[i].result; i++) {
		bench_result_free(reports[i].result);
		free(reports[i].result);
	}
	return status;
}

int cmd_bench(int argc, char **argv)
{
	const struct bench *bench = NULL;
	struct bench_options options;
	bool help = false, named = false;
	int at = 1, status;

	if (at < argc && argv[at][0] != '-') {
		named = true;
		if (strcmp(argv[at], ALL) != 0) {
			bench = find_bench(argv[at]);
			if (!bench)
				return CLI_USAGE;
		}
		at++;
	}
	status = parse_options(argc, argv, at, bench, &options, &help);
	if (status != CLI_DONE)
		return status;
	if (help) {
		write_help(stdout);
		return CLI_DONE;
	}
	if (!named) {
		cli_error("bench", "the name of a bench is missing (see disvm "
				   "bench --help)");
		return CLI_USAGE;
	}
	return run_named(bench, &options);
}
