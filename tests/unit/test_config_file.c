/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a JSON file: what counts, and what is refused and where. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

static struct run_options options;
static char err[1024];
static char path[] = "/tmp/disvm-test-config-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int release(void **state)
{
	(void)state;
	run_options_free(&options);
	return 0;
}

/* The file says @json, the command line `--config-file PATH @option @value`. */
static int parse(const char *json, char *option, char *value)
{
	char *argv[] = {"run", "--config-file", path, option, value, NULL};
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(json, file);
	fclose(file);
	err[0] = '\0';
	return run_options_parse(option ? 5 : 3, argv, &options, err,
				 sizeof(err));
}

/* The file is wrong; the message is its name and @why. */
static void refuse(const char *json, const char *why)
{
	char expected[512];

	assert_int_equal(parse(json, NULL, NULL), -EINVAL);
	snprintf(expected, sizeof(expected), "%s%s", path, why);
	assert_string_equal(err, expected);
}

static void test_config_strings_and_numbers_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"kernel\": \"k\", \"vcpus\": 8, "
			       "\"mem\": \"64M\", \"copies\": \"2\", "
			       "\"quantum\": \"1ms\", \"cmdline\": \"a b\"}",
			       NULL, NULL),
			 0);
	assert_string_equal(options.kernel, "k");
	assert_int_equal(options.vcpus, 8);
	assert_int_equal(options.mem_bytes, 64 << 20);
	assert_int_equal(options.copies, 2);
	assert_int_equal(options.quantum_ns, DIS_MS_NS);
	assert_string_equal(options.cmdline, "a b");
}

static void test_config_array_of_repeatable_taken_in_order(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"kernel\": \"k\", \"vcpus\": 2, \"intent\": "
			       "[\"background\", \"1=system\"]}",
			       NULL, NULL),
			 0);
	assert_int_equal(options.intents[0].klass, DIS_CLASS_BACKGROUND);
	assert_int_equal(options.intents[1].klass, DIS_CLASS_SYSTEM);
}

static void test_config_rules_of_classes_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"kernel\": \"k\", \"class-quantum\": "
			       "[\"batch=20ms\", \"system=2ms\"], \"floor\": "
			       "\"batch=10\"}",
			       "--class-quantum", "batch=30ms"),
			 0);
	assert_int_equal(options.class_quantum_ns[DIS_CLASS_BATCH],
			 30 * DIS_MS_NS);
	assert_int_equal(options.class_quantum_ns[DIS_CLASS_SYSTEM],
			 2 * DIS_MS_NS);
	assert_int_equal(options.floor_permille[DIS_CLASS_BATCH], 10);
}

static void test_config_command_line_wins(void **state)
{
	(void)state;
	assert_int_equal(
		parse("{\"kernel\": \"k\", \"vcpus\": 8}", "--vcpus", "2"), 0);
	assert_int_equal(options.vcpus, 2);
}

static void test_config_intent_of_command_line_comes_after(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"kernel\": \"k\", \"vcpus\": 2, \"intent\": "
			       "\"batch\"}",
			       "--intent", "1=system"),
			 0);
	assert_int_equal(options.intents[0].klass, DIS_CLASS_BATCH);
	assert_int_equal(options.intents[1].klass, DIS_CLASS_SYSTEM);
}

static void test_config_unknown_key_refused(void **state)
{
	(void)state;
	refuse("{\"kernel\": \"k\", \"vcpu\": 8}", ": unknown key 'vcpu'");
}

static void test_config_key_of_command_line_only_refused(void **state)
{
	(void)state;
	refuse("{\"config-file\": \"x\"}",
	       ": 'config-file' is for the command line only");
	refuse("{\"help\": 1}", ": 'help' is for the command line only");
}

static void test_config_wrong_type_refused(void **state)
{
	static const char why[] = ": vcpus: must be a string or a whole number";

	(void)state;
	refuse("{\"vcpus\": true}", why);
	refuse("{\"vcpus\": null}", why);
	refuse("{\"vcpus\": {}}", why);
	refuse("{\"vcpus\": 1.5}", why);
	refuse("{\"intent\": [\"batch\", []]}",
	       ": intent[1]: must be a string or a whole number");
}

static void test_config_array_of_single_refused(void **state)
{
	(void)state;
	refuse("{\"vcpus\": [1]}", ": vcpus: takes one value, not an array");
}

static void test_config_invalid_value_refused_with_key(void **state)
{
	(void)state;
	refuse("{\"vcpus\": 0}", ": vcpus: '0' is not a number from 1 to 256");
	refuse("{\"vcpus\": -1}", ": vcpus: '-1' is not a number from 1 to 256");
	refuse("{\"intent\": [\"batch\", \"fast:\"]}",
	       ": intent[1]: intent 'fast:': unknown class 'fast' (there are "
	       "system, realtime, interactive, batch, background)");
}

static void test_config_syntax_error_refused_with_place(void **state)
{
	(void)state;
	refuse("{\"vcpus\": 8,\n \"mem\" 5}", ":2:8: ':' expected near '5'");
}

static void test_config_not_an_object_refused(void **state)
{
	(void)state;
	refuse("[]", ": must be an object {...}");
}

static void test_config_same_key_twice_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"vcpus\": 1, \"vcpus\": 2}", NULL, NULL),
			 -EINVAL);
	assert_non_null(strstr(err, "duplicate object key"));
}

static void test_config_empty_or_garbage_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("", NULL, NULL), -EINVAL);
	assert_int_equal(parse("\x7f"
			       "ELF",
			       NULL, NULL),
			 -EINVAL);
	assert_int_equal(parse("{} {}", NULL, NULL), -EINVAL);
}

static void test_config_file_missing_refused(void **state)
{
	char *argv[] = {"run", "--config-file", "/nonexistent/x.json", NULL};

	(void)state;
	assert_int_equal(run_options_parse(3, argv, &options, err, sizeof(err)),
			 -EINVAL);
	assert_string_equal(err,
			    "/nonexistent/x.json: No such file or directory");
}

static void test_config_directory_refused(void **state)
{
	char *argv[] = {"run", "--config-file", "/tmp", NULL};

	(void)state;
	assert_int_equal(run_options_parse(3, argv, &options, err, sizeof(err)),
			 -EINVAL);
}

#define CONFIG_TEST(test) cmocka_unit_test_teardown(test, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(test_config_strings_and_numbers_taken),
		CONFIG_TEST(test_config_array_of_repeatable_taken_in_order),
		CONFIG_TEST(test_config_rules_of_classes_taken),
		CONFIG_TEST(test_config_command_line_wins),
		CONFIG_TEST(test_config_intent_of_command_line_comes_after),
		CONFIG_TEST(test_config_unknown_key_refused),
		CONFIG_TEST(test_config_key_of_command_line_only_refused),
		CONFIG_TEST(test_config_wrong_type_refused),
		CONFIG_TEST(test_config_array_of_single_refused),
		CONFIG_TEST(test_config_invalid_value_refused_with_key),
		CONFIG_TEST(test_config_syntax_error_refused_with_place),
		CONFIG_TEST(test_config_not_an_object_refused),
		CONFIG_TEST(test_config_same_key_twice_refused),
		CONFIG_TEST(test_config_empty_or_garbage_refused),
		CONFIG_TEST(test_config_file_missing_refused),
		CONFIG_TEST(test_config_directory_refused),
	};

	return cmocka_run_group_tests_name("configuration file", tests,
					   make_file, remove_file);
}
