/* SPDX-License-Identifier: Apache-2.0 */
/* Intents: text in and out, rules, and what a vCPU may ask for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <dis/error.h>
#include <dis/intent.h>

static char err[512];

static struct dis_intent parsed(const char *text)
{
	struct dis_intent intent;

	assert_int_equal(dis_intent_parse(text, &intent, err, sizeof(err)), 0);
	return intent;
}

/* @text is refused with a message that ends in @why and names the text. */
static void refused(const char *text, const char *why)
{
	struct dis_intent intent = {.wcet_ns = 77};
	char expected[512];

	assert_int_equal(dis_intent_parse(text, &intent, err, sizeof(err)),
			 -DIS_EINTENT);
	snprintf(expected, sizeof(expected), "intent '%s': %s", text, why);
	assert_string_equal(err, expected);
	assert_int_equal(intent.wcet_ns, 77);
}

/* R: BUD-1 */
static void test_intent_default_undeclared_batch_on_every_core(void **state)
{
	struct dis_intent intent = dis_intent_default();

	(void)state;
	assert_int_equal(intent.klass, DIS_CLASS_BATCH);
	assert_false(intent.declared);
	assert_true(intent.affinity == DIS_CPUMASK_ALL);
	assert_int_equal(dis_intent_validate(&intent, 1, err, sizeof(err)), 0);
}

/* R: DIS-5, CARD-3 */
static void test_intent_realtime_in_full_read(void **state)
{
	struct dis_intent i = parsed(
		"realtime:period=10ms,deadline=8ms,wcet=1ms,cores=0+2-3");

	(void)state;
	assert_int_equal(i.klass, DIS_CLASS_REALTIME);
	assert_true(i.declared);
	assert_int_equal(i.period_ns, 10 * DIS_MS_NS);
	assert_int_equal(i.deadline_ns, 8 * DIS_MS_NS);
	assert_int_equal(i.wcet_ns, DIS_MS_NS);
	assert_int_equal(i.affinity, 0xd);
}

static void test_intent_realtime_without_deadline_takes_period(void **state)
{
	(void)state;
	assert_int_equal(parsed("realtime:wcet=1ms,period=10ms").deadline_ns,
			 10 * DIS_MS_NS);
}

static void test_intent_interactive_without_target_takes_1ms(void **state)
{
	(void)state;
	assert_int_equal(parsed("interactive").latency_ns, DIS_MS_NS);
	assert_int_equal(parsed("interactive:target=2ms").latency_ns,
			 2 * DIS_MS_NS);
}

static void test_intent_classes_without_parameters_read(void **state)
{
	(void)state;
	assert_int_equal(parsed("system").klass, DIS_CLASS_SYSTEM);
	assert_int_equal(parsed("batch").klass, DIS_CLASS_BATCH);
	assert_int_equal(parsed("background:cores=1").affinity, 2);
	assert_true(parsed("batch").declared);
}

/* R: DIS-7 */
static void test_intent_wcet_beyond_deadline_refused(void **state)
{
	(void)state;
	refused("realtime:period=10ms,deadline=10ms,wcet=20ms",
		"wcet 20ms is longer than deadline 10ms");
	/* Both sides exact: never "10ms is longer than 10ms". */
	refused("realtime:period=20ms,deadline=10ms,wcet=10000001ns",
		"wcet 10000001ns is longer than deadline 10ms");
}

/* R: DIS-7 */
static void test_intent_deadline_beyond_period_refused(void **state)
{
	(void)state;
	refused("realtime:period=10ms,deadline=11ms,wcet=1ms",
		"deadline 11ms is longer than period 10ms");
}

/* R: DIS-7 */
static void test_intent_zero_refused(void **state)
{
	(void)state;
	refused("realtime:period=0,wcet=1ms", "period is 0");
	refused("realtime:period=10ms,wcet=0ms", "wcet is 0");
	refused("realtime:period=10ms,wcet=1ms,deadline=0", "deadline is 0");
	refused("interactive:target=0", "target is 0");
}

/* R: DIS-7 */
static void test_intent_outside_limits_refused(void **state)
{
	(void)state;
	refused("realtime:period=11s,wcet=1ms", "period 11s is longer than 10s");
	refused("realtime:period=1ms,wcet=9999ns",
		"wcet 9999ns is shorter than 10us");
	refused("interactive:target=1us", "target 1us is shorter than 10us");
	refused("interactive:target=1m", "target 60s is longer than 10s");
}

static void test_intent_at_limits_read(void **state)
{
	(void)state;
	parsed("realtime:period=10s,wcet=10us");
	parsed("realtime:period=10us,wcet=10us");
}

static void test_intent_missing_parameter_refused(void **state)
{
	(void)state;
	refused("realtime", "period is missing");
	refused("realtime:period=10ms", "wcet is missing");
}

static void test_intent_unknown_class_refused(void **state)
{
	(void)state;
	assert_int_equal(dis_intent_parse("fast", &(struct dis_intent){0}, err,
					  sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "intent 'fast': unknown class 'fast' (there "
				 "are system, realtime, interactive, batch, "
				 "background)");
}

static void test_intent_parameter_of_another_class_refused(void **state)
{
	(void)state;
	refused("batch:period=10ms", "batch has no 'period'");
	refused("interactive:wcet=1ms", "interactive has no 'wcet'");
	refused("system:speed=1", "system has no 'speed'");
}

static void test_intent_malformed_refused(void **state)
{
	(void)state;
	refused("batch:", "'' is not key=value");
	refused("batch:cores", "'cores' is not key=value");
	refused("realtime:period=10ms,wcet=1ms,", "'' is not key=value");
	refused("realtime:period=10,wcet=1ms",
		"period: '10' is not a duration like 10ms");
	refused("batch:cores=x", "cores: 'x' is not a list like 0-1 or 0+2-3");
	refused("batch:cores=64", "cores: '64' names a core beyond 63");
}

static void test_intent_same_parameter_twice_refused(void **state)
{
	(void)state;
	refused("batch:cores=0,cores=1", "cores is given twice");
	refused("realtime:period=1s,wcet=1ms,period=2s", "period is given "
							 "twice");
}

static void test_intent_overlong_text_refused_with_its_beginning(void **state)
{
	struct dis_intent intent;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(dis_intent_parse(text, &intent, err, sizeof(err)),
			 -DIS_EINTENT);
	assert_non_null(strstr(err, "intent 'aaaa"));
	assert_true(strlen(err) < 200);
}

/* R: DIS-6, EVO-D1 */
static void test_intent_constraints_read(void **state)
{
	struct dis_intent i =
		parsed("batch:weight=65536,priority=0,min=100,max=120,cores=1");

	(void)state;
	assert_int_equal(i.weight, 65536);
	assert_true(i.has_priority);
	assert_int_equal(dis_intent_priority(&i), 0);
	assert_int_equal(i.min_permille, 100);
	assert_int_equal(i.max_permille, 120);
	assert_int_equal(i.affinity, 2);
}

/* R: EVO-D1, DIS-7 */
static void test_intent_slice_read_or_refused(void **state)
{
	(void)state;
	assert_int_equal(parsed("batch").slice_ns, 0);
	assert_int_equal(parsed("batch:slice=100us").slice_ns, 100 * DIS_US_NS);
	assert_int_equal(parsed("system:slice=10s").slice_ns, 10 * DIS_S_NS);
	refused("batch:slice=0ms", "slice is 0");
	refused("batch:slice=99us", "slice 99us is shorter than 100us");
	refused("batch:slice=11s", "slice 11s is longer than 10s");
	refused("batch:slice=5", "slice: '5' is not a duration like 10ms");
	refused("batch:slice=1ms,slice=2ms", "slice is given twice");
	refused("realtime:period=10ms,wcet=1ms,slice=1ms",
		"realtime has no 'slice'");
}

static void test_intent_without_constraints_takes_defaults(void **state)
{
	struct dis_intent i = parsed("background");

	(void)state;
	assert_int_equal(dis_intent_weight(&i), 1024);
	assert_int_equal(dis_intent_priority(&i), 200);
	assert_int_equal(i.min_permille, 0);
	assert_int_equal(i.max_permille, 0);
}

/* R: DIS-7 */
static void test_intent_constraints_out_of_range_refused(void **state)
{
	(void)state;
	refused("batch:weight=0", "weight: '0' is not a number from 1 to 65536");
	refused("batch:weight=65537",
		"weight: '65537' is not a number from 1 to 65536");
	refused("batch:priority=256",
		"priority: '256' is not a number from 0 to 255");
	refused("batch:priority=-1",
		"priority: '-1' is not a number from 0 to 255");
	refused("batch:min=0", "min: '0' is not a number from 1 to 1000");
	refused("batch:max=1001", "max: '1001' is not a number from 1 to 1000");
	refused("batch:max=1,max=2", "max is given twice");
}

/* R: DIS-7 */
static void test_intent_min_beyond_max_refused(void **state)
{
	(void)state;
	refused("batch:min=200,max=100", "min 200 is more than max 100");
	refused("batch:min=100,max=119",
		"max 119 is too close to min 100: it must be 120 at least");
}

/* Not through the parser. */
static void test_validate_constraints_out_of_range_refused(void **state)
{
	struct dis_intent intent = parsed("batch");

	(void)state;
	intent.max_permille = 1001;
	assert_int_equal(dis_intent_validate(&intent, 1, err, sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "max 1001 is not from 1 to 1000");
	intent.max_permille = 0;
	intent.weight = 70000;
	assert_int_equal(dis_intent_validate(&intent, 1, err, sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "weight 70000 is not from 1 to 65536");
}

/* R: DIS-7 */
static void test_validate_core_outside_pool_no_cpu(void **state)
{
	struct dis_intent intent = parsed("batch:cores=0+5");

	(void)state;
	assert_int_equal(dis_intent_validate(&intent, 0x3, err, sizeof(err)),
			 -DIS_ENOCPU);
	assert_string_equal(err, "cores: core 5 is not in the pool");
}

static void test_validate_no_core_no_cpu(void **state)
{
	struct dis_intent intent = parsed("batch");

	(void)state;
	intent.affinity = 0;
	assert_int_equal(dis_intent_validate(&intent, 0x3, err, sizeof(err)),
			 -DIS_ENOCPU);
	assert_string_equal(err, "cores is empty");
}

static void test_validate_empty_pool_no_cpu(void **state)
{
	struct dis_intent intent = dis_intent_default();

	(void)state;
	assert_int_equal(dis_intent_validate(&intent, 0, err, sizeof(err)),
			 -DIS_ENOCPU);
}

static void test_validate_class_out_of_range_refused(void **state)
{
	struct dis_intent intent = dis_intent_default();

	(void)state;
	intent.klass = (enum dis_class)DIS_CLASSES;
	assert_int_equal(dis_intent_validate(&intent, 1, err, sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "class 5 is unknown");
}

/* A hint of the guest comes this way, not through the parser. */
static void test_validate_field_of_another_class_refused(void **state)
{
	struct dis_intent intent = dis_intent_default();

	(void)state;
	intent.period_ns = DIS_MS_NS;
	assert_int_equal(dis_intent_validate(&intent, 1, err, sizeof(err)),
			 -DIS_EINTENT);
	assert_string_equal(err, "batch has no period");
}

static void test_format_every_class_reads_back_the_same(void **state)
{
	static const char *const texts[] = {
		"system",
		"realtime:period=10ms,deadline=8ms,wcet=1ms",
		"realtime:period=1234567ns,deadline=1234567ns,wcet=10001ns",
		"interactive:target=1500us",
		"batch:cores=0+2-3+63",
		"batch:weight=3,priority=0,min=1,max=1000,cores=5",
		"interactive:target=1ms,max=7",
		"batch:slice=1500us,weight=3,cores=5",
		"system:slice=2s",
		"background",
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct dis_intent intent = parsed(texts[i]);

		dis_intent_format(&intent, buf, sizeof(buf));
		assert_string_equal(buf, texts[i]);
	}
}

static void test_format_small_buffer_cut(void **state)
{
	struct dis_intent intent = parsed("background");
	char buf[6];

	(void)state;
	dis_intent_format(&intent, buf, sizeof(buf));
	assert_string_equal(buf, "backg");
}

static bool permits(const char *granted, const char *wanted)
{
	struct dis_intent g = parsed(granted), w = parsed(wanted);

	return dis_intent_permits(&g, &w);
}

/* R: CARD-3 */
static void test_permits_less_urgent_class_granted(void **state)
{
	(void)state;
	assert_true(permits("system", "realtime:period=1ms,wcet=1ms"));
	assert_true(permits("interactive", "background"));
}

static void test_permits_more_urgent_class_denied(void **state)
{
	(void)state;
	assert_false(permits("batch", "interactive:target=10s"));
	assert_false(permits("realtime:period=1s,wcet=1s", "system"));
}

static void test_permits_same_class_not_more_granted(void **state)
{
	const char *granted = "realtime:period=10ms,deadline=5ms,wcet=1ms";

	(void)state;
	assert_true(permits(granted, granted));
	assert_true(permits(granted,
			    "realtime:period=20ms,deadline=6ms,wcet=500us"));
	assert_true(permits("interactive:target=1ms", "interactive:target=2ms"));
}

static void test_permits_same_class_more_denied(void **state)
{
	const char *granted = "realtime:period=10ms,deadline=5ms,wcet=1ms";

	(void)state;
	assert_false(
		permits(granted, "realtime:period=9ms,deadline=5ms,wcet=1ms"));
	assert_false(
		permits(granted, "realtime:period=10ms,deadline=4ms,wcet=1ms"));
	assert_false(
		permits(granted, "realtime:period=10ms,deadline=5ms,wcet=2ms"));
	assert_false(
		permits("interactive:target=1ms", "interactive:target=500us"));
}

/* R: CARD-3, DIS-6 */
static void test_permits_no_more_constraints_than_granted(void **state)
{
	const char *granted =
		"interactive:weight=10,priority=60,min=10,max=100,cores=0-1";

	(void)state;
	assert_true(permits(granted, granted));
	assert_true(permits(granted, "background:weight=9,max=99,cores=1"));
	assert_false(permits(granted, "background:weight=11,max=9,cores=1"));
	assert_false(permits(granted, "background:weight=9,max=101,cores=1"));
	assert_false(permits(granted, "background:weight=9,cores=1"));
	assert_false(permits(granted, "background:weight=9,max=9,cores=2"));
	assert_false(
		permits(granted, "background:weight=9,min=20,max=90,cores=1"));
	assert_false(permits(granted,
			     "background:weight=9,priority=59,max=9,cores=1"));
	/* Longer is more at a time, shorter is sooner. */
	assert_true(permits("system:slice=2ms", "batch:slice=2ms"));
	assert_false(permits("batch:slice=2ms", "batch:slice=1ms"));
	assert_false(permits("batch:slice=2ms", "batch:slice=3ms"));
	assert_false(permits("batch:slice=2ms", "batch"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_intent_default_undeclared_batch_on_every_core),
		cmocka_unit_test(test_intent_realtime_in_full_read),
		cmocka_unit_test(
			test_intent_realtime_without_deadline_takes_period),
		cmocka_unit_test(
			test_intent_interactive_without_target_takes_1ms),
		cmocka_unit_test(test_intent_classes_without_parameters_read),
		cmocka_unit_test(test_intent_wcet_beyond_deadline_refused),
		cmocka_unit_test(test_intent_deadline_beyond_period_refused),
		cmocka_unit_test(test_intent_zero_refused),
		cmocka_unit_test(test_intent_outside_limits_refused),
		cmocka_unit_test(test_intent_at_limits_read),
		cmocka_unit_test(test_intent_missing_parameter_refused),
		cmocka_unit_test(test_intent_unknown_class_refused),
		cmocka_unit_test(test_intent_parameter_of_another_class_refused),
		cmocka_unit_test(test_intent_malformed_refused),
		cmocka_unit_test(test_intent_same_parameter_twice_refused),
		cmocka_unit_test(
			test_intent_overlong_text_refused_with_its_beginning),
		cmocka_unit_test(test_intent_constraints_read),
		cmocka_unit_test(test_intent_slice_read_or_refused),
		cmocka_unit_test(test_intent_without_constraints_takes_defaults),
		cmocka_unit_test(test_intent_constraints_out_of_range_refused),
		cmocka_unit_test(test_intent_min_beyond_max_refused),
		cmocka_unit_test(test_validate_constraints_out_of_range_refused),
		cmocka_unit_test(test_permits_no_more_constraints_than_granted),
		cmocka_unit_test(test_validate_core_outside_pool_no_cpu),
		cmocka_unit_test(test_validate_no_core_no_cpu),
		cmocka_unit_test(test_validate_empty_pool_no_cpu),
		cmocka_unit_test(test_validate_class_out_of_range_refused),
		cmocka_unit_test(test_validate_field_of_another_class_refused),
		cmocka_unit_test(test_format_every_class_reads_back_the_same),
		cmocka_unit_test(test_format_small_buffer_cut),
		cmocka_unit_test(test_permits_less_urgent_class_granted),
		cmocka_unit_test(test_permits_more_urgent_class_denied),
		cmocka_unit_test(test_permits_same_class_not_more_granted),
		cmocka_unit_test(test_permits_same_class_more_denied),
	};

	return cmocka_run_group_tests_name("intent", tests, NULL, NULL);
}
