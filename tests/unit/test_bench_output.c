/* SPDX-License-Identifier: Apache-2.0 */
/* The result of a bench, as a table and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "bench/output.h"

static const struct bench bench = {
	.name = "probe", .summary = "what it is", .one_cpu = true};
static struct bench_options options;
static struct bench_result result;
static const struct bench_report report = {&bench,
					   &options,
					   &result,
					   {.kernel = "6.18",
					    .kvm_backend = "kvm_test",
					    .cpus = {3},
					    .n_cpus = 1,
					    .cpu_list = "3",
					    .commit = "abc"}};
static char text[8192];

/* Three rounds: slow took 20, 30, 60, fast 10, 20, 20. */
static int begin(void **state)
{
	static const double slow[] = {20, 30, 60}, fast[] = {10, 20, 20};
	unsigned of, to;

	(void)state;
	options = (struct bench_options){.rounds = 3, .cpu = 3};
	memset(&result, 0, sizeof(result));
	result.unit = "ns";
	result.what = "per thing";
	result.rounds = 3;
	result.load.wall_ns = 1000;
	result.load.cpus = 1;
	of = bench_add_figure(&result, "slow", "slow thing", 25);
	to = bench_add_figure(&result, "fast", "fast thing", 0);
	memcpy(result.figure[of].value, slow, sizeof(slow));
	memcpy(result.figure[to].value, fast, sizeof(fast));
	result.figure[of].stalls = 7;
	bench_add_ratio(&result, "both", "slow to fast", of, to, 2);
	return 0;
}

static const char *table(void)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(bench_write_text(&report, file), 0);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static json_t *json(void)
{
	FILE *file = tmpfile();
	json_t *root;

	assert_non_null(file);
	assert_int_equal(bench_write_json(&report, 1, file), 0);
	rewind(file);
	root = json_loadf(file, 0, NULL);
	assert_non_null(root);
	fclose(file);
	return root;
}

static void has_line(const char *all, const char *begins, const char *contains)
{
	const char *line = strstr(all, begins);
	const char *found = line ? strstr(line, contains) : NULL;

	assert_non_null(line);
	assert_non_null(found);
	assert_true(found < strchr(line, '\n'));
}

static void test_table_shows_spread_stalls_and_missed_target(void **state)
{
	(void)state;
	has_line(table(), "slow thing",
		 "20        30        60       7      <= 25  missed\n");
}

static void test_table_shows_met_target_of_ratio(void **state)
{
	(void)state;
	has_line(table(), "slow to fast", "1.500     2.000     3.000");
	has_line(table(), "slow to fast", "<= 2.00  met");
}

static void test_table_of_quiet_machine_has_no_warning(void **state)
{
	(void)state;
	result.load.busy_ns = 1000;
	result.load.own_ns = 960;
	assert_null(strstr(table(), "warning"));
}

static void test_table_of_shared_machine_warns(void **state)
{
	(void)state;
	result.load.busy_ns = 1000;
	result.load.own_ns = 900;
	has_line(table(), "warning", "programs 10 %");
}

static void test_table_of_quick_bench_warns(void **state)
{
	(void)state;
	options.quick = true;
	has_line(table(), "warning", "--quick");
}

static void test_json_names_schema_host_and_options(void **state)
{
	json_t *root = json();
	const char *schema, *kernel, *backend, *commit;
	int cpu, host_cpu, rounds, quick;

	(void)state;
	assert_int_equal(json_unpack(root,
				     "{s:s,s:{s:s,s:s,s:[i!],s:s},s:i,s:i,s:b}",
				     "schema", &schema, "host", "kernel",
				     &kernel, "kvm_backend", &backend, "cpus",
				     &host_cpu, "commit", &commit, "cpu", &cpu,
				     "rounds", &rounds, "quick", &quick),
			 0);
	assert_string_equal(schema, "disvm.bench.probe/1");
	assert_string_equal(kernel, "6.18");
	assert_string_equal(backend, "kvm_test");
	assert_string_equal(commit, "abc");
	assert_int_equal(cpu, 3);
	assert_int_equal(host_cpu, 3);
	assert_int_equal(rounds, 3);
	assert_false(quick);
	json_decref(root);
}

static void test_json_figure_has_spread_rounds_and_target(void **state)
{
	json_t *root = json();
	json_t *figure, *rounds;
	double min, median, max, target;
	int stalls, met;

	(void)state;
	figure = json_object_get(json_object_get(root, "figures"), "slow");
	assert_int_equal(json_unpack(figure, "{s:f,s:f,s:f,s:o,s:i,s:f,s:b !}",
				     "min_ns", &min, "median_ns", &median,
				     "max_ns", &max, "rounds_ns", &rounds,
				     "stalls", &stalls, "target_ns", &target,
				     "met", &met),
			 0);
	assert_float_equal(min, 20, 1e-9);
	assert_float_equal(median, 30, 1e-9);
	assert_float_equal(max, 60, 1e-9);
	assert_int_equal(json_array_size(rounds), 3);
	assert_int_equal(stalls, 7);
	assert_float_equal(target, 25, 1e-9);
	assert_false(met);
	json_decref(root);
}

static void test_json_figure_without_target_has_null(void **state)
{
	json_t *root = json();
	json_t *figure =
		json_object_get(json_object_get(root, "figures"), "fast");

	(void)state;
	assert_true(json_is_null(json_object_get(figure, "target_ns")));
	assert_true(json_is_null(json_object_get(figure, "met")));
	json_decref(root);
}

static void test_json_ratio_names_its_figures(void **state)
{
	json_t *root = json();
	const char *of, *to;
	double median;
	int met;

	(void)state;
	assert_int_equal(json_unpack(root, "{s:{s:{s:s,s:s,s:f,s:b}}}",
				     "ratios", "both", "of", &of, "to", &to,
				     "median", &median, "met", &met),
			 0);
	assert_string_equal(of, "slow");
	assert_string_equal(to, "fast");
	assert_float_equal(median, 2, 1e-9);
	assert_true(met);
	json_decref(root);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_shows_spread_stalls_and_missed_target),
		TEST(test_table_shows_met_target_of_ratio),
		TEST(test_table_of_quiet_machine_has_no_warning),
		TEST(test_table_of_shared_machine_warns),
		TEST(test_table_of_quick_bench_warns),
		TEST(test_json_names_schema_host_and_options),
		TEST(test_json_figure_has_spread_rounds_and_target),
		TEST(test_json_figure_without_target_has_null),
		TEST(test_json_ratio_names_its_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
