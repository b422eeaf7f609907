/* SPDX-License-Identifier: Apache-2.0 */
/* --class-quantum and --floor (R: DIS-5, DIS-14). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"

static struct run_options options;
static char err[1024];

/* Options and values in turn, ending with NULL. */
static int parse(const char *const *words)
{
	char copies[16][64], *argv[16] = {"run", "--kernel", "k"};
	int argc = 3;

	for (; *words; words++, argc++) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", *words);
		argv[argc] = copies[argc];
	}
	err[0] = '\0';
	return run_options_parse(argc, argv, &options, err, sizeof(err));
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void refuse(const char *option, const char *value, const char *why)
{
	assert_int_equal(PARSE(option, value), -EINVAL);
	assert_string_equal(err, why);
}

static int release(void **state)
{
	(void)state;
	run_options_free(&options);
	return 0;
}

static void test_option_class_not_given_is_the_scheduler_s(void **state)
{
	struct dis_domain_config cfg;

	(void)state;
	dis_domain_config_init(&cfg);
	assert_int_equal(PARSE("--vcpus", "1"), 0);
	assert_memory_equal(options.class_quantum_ns, cfg.quantum_ns,
			    sizeof(cfg.quantum_ns));
	assert_memory_equal(options.floor_permille, cfg.floor_permille,
			    sizeof(cfg.floor_permille));
}

static void test_option_class_each_sets_its_class_only(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--class-quantum", "system=100us",
			       "--class-quantum", "batch=20ms",
			       "--class-quantum", "batch=10s", "--floor",
			       "realtime=500", "--floor", "batch=0"),
			 0);
	assert_int_equal(options.class_quantum_ns[DIS_CLASS_SYSTEM],
			 100 * DIS_US_NS);
	assert_int_equal(options.class_quantum_ns[DIS_CLASS_INTERACTIVE],
			 4 * DIS_MS_NS);
	assert_int_equal(options.class_quantum_ns[DIS_CLASS_BATCH],
			 10 * DIS_S_NS);
	assert_int_equal(options.quantum_ns, 5 * DIS_MS_NS);
	assert_int_equal(options.floor_permille[DIS_CLASS_REALTIME], 500);
	assert_int_equal(options.floor_permille[DIS_CLASS_BATCH], 0);
	assert_int_equal(options.floor_permille[DIS_CLASS_BACKGROUND], 50);
}

static void test_option_class_quantum_wrong_refused(void **state)
{
	(void)state;
	refuse("--class-quantum", "20ms",
	       "--class-quantum: '20ms' is not CLASS=DUR, e.g. batch=20ms");
	refuse("--class-quantum", "bat=20ms",
	       "--class-quantum: 'bat' is unknown (there is: system, realtime, "
	       "interactive, batch, background)");
	refuse("--class-quantum", "batch=20",
	       "--class-quantum: '20' is not a duration like 250us, 5ms or 1s");
	refuse("--class-quantum", "batch=99us",
	       "--class-quantum: 99us is shorter than 100us");
	refuse("--class-quantum", "batch=11s",
	       "--class-quantum: 11s is longer than 10s");
	refuse("--class-quantum", "realtime=1ms",
	       "--class-quantum: realtime has none: the slice of each vCPU is "
	       "its wcet");
}

static void test_option_class_floor_wrong_refused(void **state)
{
	(void)state;
	refuse("--floor", "100",
	       "--floor: '100' is not CLASS=N, e.g. background=100");
	refuse("--floor", "batch=501",
	       "--floor: '501' is not a number from 0 to 500");
	refuse("--floor", "batch=", "--floor: '' is not a number from 0 to 500");
	refuse("--floor", "system=10",
	       "--floor: system needs none: no class is more urgent");
}

/* A core has no more than its whole. */
static void test_option_class_floors_beyond_a_core_refused(void **state)
{
	(void)state;
	assert_int_equal(
		PARSE("--floor", "batch=500", "--floor", "background=450"), 0);
	run_options_free(&options);
	assert_int_equal(PARSE("--floor", "batch=500", "--floor",
			       "background=451"),
			 -EINVAL);
	assert_string_equal(err, "--floor: all floors are 1001 per mille of a "
				 "core in sum, more than the whole");
}

static void test_option_class_threads_refused(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--executor", "threads", "--class-quantum",
			       "batch=1ms"),
			 -EINVAL);
	assert_string_equal(err,
			    "--class-quantum has no effect with --executor "
			    "threads: the host's kernel schedules");
	assert_int_equal(PARSE("--executor", "threads", "--floor", "batch=1"),
			 -EINVAL);
	assert_string_equal(err, "--floor has no effect with --executor "
				 "threads: the host's kernel schedules");
}

#define TEST(name) cmocka_unit_test_teardown(name, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_option_class_not_given_is_the_scheduler_s),
		TEST(test_option_class_each_sets_its_class_only),
		TEST(test_option_class_quantum_wrong_refused),
		TEST(test_option_class_floor_wrong_refused),
		TEST(test_option_class_floors_beyond_a_core_refused),
		TEST(test_option_class_threads_refused),
	};

	return cmocka_run_group_tests_name("option_class", tests, NULL, NULL);
}
