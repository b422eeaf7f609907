/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON and as text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "test_report_fixture.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static const char *string(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		fail_msg("%s is missing or no string", key);
	return json_string_value(value);
}

static void test_json_top_level_as_specified(void **state)
{
	struct run_report report = make_report(2);
	json_t *root = read_json(&report), *host, *core;

	(void)state;
	assert_string_equal(string(root, "schema"), "disvm.report/1");
	assert_string_equal(string(root, "executor"), "dis");
	assert_int_equal(integer(root, "wall_ns"), 5000000000);
	assert_int_equal(integer(root, "idle_ns"), 1500000000);
	assert_int_equal(integer(root, "charged_ns"), 8500000000);
	assert_int_equal(integer(root, "timer_arms"), 30);
	assert_int_equal(integer(root, "kicks"), 3);
	assert_int_equal(integer(root, "user_exits"), 777);
	NEAR(json_real_value(json_object_get(root, "jain")), 1.0);
	host = json_object_get(root, "host");
	assert_string_equal(string(host, "kernel"), "6.1.0");
	assert_string_equal(string(host, "kvm_backend"), "kvm_amd");
	assert_string_equal(string(host, "commit"), "abc");
	assert_int_equal(json_array_size(json_object_get(host, "cpus")), 2);
	core = json_array_get(json_object_get(root, "cores"), 1);
	assert_int_equal(integer(core, "cpu"), 3);
	assert_int_equal(integer(core, "idle_ns"), 500000000);
	assert_int_equal(integer(core, "ahead_ns"), 30000000);
	json_decref(root);
}

static void test_json_vm_and_vcpu_as_specified(void **state)
{
	static const char *const counters[] = {
		"cpu_ns",     "wait_ns",         "dispatches", "preemptions",
		"throttles",  "yields",          "blocks",     "wakes",
		"migrations", "deadline_misses",
	};
	struct run_report report = make_report(2);
	json_t *root = read_json(&report), *vm, *vcpu;

	(void)state;
	vm = json_array_get(json_object_get(root, "vms"), 0);
	assert_int_equal(integer(vm, "vm"), 0);
	assert_string_equal(string(vm, "name"), "vm0");
	assert_string_equal(string(vm, "state"), "finished");
	assert_string_equal(string(vm, "reason"), "stopped");
	assert_int_equal(integer(vm, "exit_code"), 0);
	vcpu = json_array_get(json_object_get(vm, "vcpus"), 0);
	assert_int_equal(integer(vcpu, "vcpu"), 0);
	assert_string_equal(string(vcpu, "intent"),
			    "realtime:period=10ms,deadline=10ms,wcet=1ms");
	assert_string_equal(string(vcpu, "state"), "finished");
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		integer(vcpu, counters[i]);
	assert_int_equal(integer(vcpu, "dispatches"), 1234);
	assert_int_equal(integer(vcpu, "ahead_ns"), 15000000);
	assert_int_equal(integer(vcpu, "early_wakes"), 123);
	json_decref(root);
}

static const json_t *guest_json(const json_t *root, unsigned vcpu)
{
	const json_t *vm = json_array_get(json_object_get(root, "vms"), 0);

	return json_object_get(
		json_array_get(json_object_get(vm, "vcpus"), vcpu), "guest");
}

static void test_json_guest_figures_as_specified(void **state)
{
	struct run_report report = make_report(2);
	json_t *root = read_json(&report);
	const json_t *guest = guest_json(root, 0), *lateness;

	(void)state;
	assert_int_equal(integer(guest, "work"), 5000);
	assert_int_equal(integer(guest, "wakes"), 4990);
	assert_int_equal(integer(guest, "misses"), 3);
	assert_int_equal(integer(guest, "skipped"), 2);
	lateness = json_object_get(guest, "lateness_ns");
	assert_int_equal(integer(lateness, "p50"), 20);
	assert_int_equal(integer(lateness, "p90"), 20);
	assert_int_equal(integer(lateness, "p99"), 20);
	assert_int_equal(integer(lateness, "p999"), 20);
	assert_int_equal(integer(lateness, "max"), 31);
	json_decref(root);
}

static void test_json_silent_guest_null(void **state)
{
	struct run_report report = make_report(2);
	json_t *root = read_json(&report);

	(void)state;
	assert_true(json_is_null(guest_json(root, 1)));
	json_decref(root);
}

static void test_json_empty_histogram_null_percentiles(void **state)
{
	struct run_report report = make_report(1);
	const json_t *lateness;
	json_t *root;

	(void)state;
	vcpus[0].guest.lateness = (struct report_latency){0};
	root = read_json(&report);
	lateness = json_object_get(guest_json(root, 0), "lateness_ns");
	assert_true(json_is_null(json_object_get(lateness, "p50")));
	assert_true(json_is_null(json_object_get(lateness, "max")));
	json_decref(root);
}

static void test_json_hostile_guest_figures_stay_valid(void **state)
{
	struct run_report report = make_report(1);
	json_t *root;

	(void)state;
	vcpus[0].guest.work = UINT64_MAX;
	vcpus[0].guest.misses = UINT64_MAX;
	root = read_json(&report);
	assert_true(integer(guest_json(root, 0), "work") == INT64_MAX);
	json_decref(root);
}

static void test_json_full_disk_error(void **state)
{
	struct run_report report = make_report(1);
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(full);
	assert_int_equal(report_write_json(&report, full), -ENOSPC);
	fclose(full);
	full = fopen("/dev/full", "we");
	assert_non_null(full);
	assert_int_equal(report_write_text(&report, full), -ENOSPC);
	fclose(full);
}

/* Plain ASCII, no line beyond 110 columns. */
static void check_shape(void)
{
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strcspn(line, "\n") > 110)
			fail_msg("%.*s", (int)strcspn(line, "\n"), line);
	}
}

static unsigned count_of(const char *needle)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, needle)); at++)
		n++;
	return n;
}

static void test_text_few_vcpus_one_line_each(void **state)
{
	struct run_report report = make_report(8);

	(void)state;
	write_report(&report, report_write_text);
	check_shape();
	assert_int_equal(count_of("\n0/"), 8);
	assert_non_null(strstr(text, "realtime 1ms/10ms"));
	assert_non_null(strstr(text, "batch (default)"));
	assert_non_null(strstr(text, " 20.0%"));
	assert_non_null(strstr(text, "vm0 finished: stopped, exit code 0"));
}

/* What victims of a lead lost; nothing where there was none. */
static void test_text_waits_before_their_time_are_told(void **state)
{
	static const struct dis_core_stats none[2];
	struct run_report report = make_report(1);

	(void)state;
	write_report(&report, report_write_text);
	assert_non_null(strstr(text, "\n30ms of it charged to vCPUs that had "
				     "their core before their time"));
	free_text(NULL);
	report.cores = none;
	write_report(&report, report_write_text);
	assert_null(strstr(text, "before their time"));
}

static void test_text_many_vcpus_classes_first_and_worst(void **state)
{
	struct run_report report = make_report(VCPUS_MAX);

	(void)state;
	vcpus[200].stats.deadline_misses = 9;
	write_report(&report, report_write_text);
	check_shape();
	assert_int_equal(count_of("\n0/"), 16);
	assert_int_equal(count_of("\n0/200 "), 1);
	assert_int_equal(count_of("\nrealtime "), 1);
	assert_int_equal(count_of("\nbatch "), 1);
	assert_true(count_of("\n") < 40);
}

static void test_text_many_vms_failed_ones_counted(void **state)
{
	struct run_report report = make_many(100);

	(void)state;
	write_report(&report, report_write_text);
	check_shape();
	assert_int_equal(count_of("failed: triple-fault"), 8);
	assert_non_null(strstr(text, "100 guests, 34 failed"));
}

static void test_text_absurd_figures_keep_the_width(void **state)
{
	struct run_report report = make_report(2);
	char err[256];

	(void)state;
	vms[0].seq = 99999;
	memset(vms[0].detail, '\n', sizeof(vms[0].detail));
	memset(&vcpus[1].stats, 0xff, sizeof(vcpus[1].stats));
	memset(&vcpus[1].guest.lateness, 0xff, sizeof(struct report_latency));
	vcpus[1].guest.lateness.max_ns--;
	vcpus[1].guest.misses = UINT64_MAX;
	vcpus[1].has_guest = true;
	vcpus[1].index = 255;
	vcpus[1].stats.cpu_ns = report.wall_ns;
	assert_int_equal(dis_intent_parse("realtime:period=1234567ns,"
					  "wcet=123456ns",
					  &vcpus[1].intent, err, sizeof(err)),
			 0);
	write_report(&report, report_write_text);
	check_shape();
}

#define TEXT_TEST(test) cmocka_unit_test_teardown(test, free_text)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEXT_TEST(test_json_top_level_as_specified),
		TEXT_TEST(test_json_vm_and_vcpu_as_specified),
		TEXT_TEST(test_json_guest_figures_as_specified),
		TEXT_TEST(test_json_silent_guest_null),
		TEXT_TEST(test_json_empty_histogram_null_percentiles),
		TEXT_TEST(test_json_hostile_guest_figures_stay_valid),
		cmocka_unit_test(test_json_full_disk_error),
		TEXT_TEST(test_text_few_vcpus_one_line_each),
		TEXT_TEST(test_text_waits_before_their_time_are_told),
		TEXT_TEST(test_text_many_vcpus_classes_first_and_worst),
		TEXT_TEST(test_text_many_vms_failed_ones_counted),
		TEXT_TEST(test_text_absurd_figures_keep_the_width),
	};

	return cmocka_run_group_tests_name("report output", tests, NULL, NULL);
}
