/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics in the report (R: DIS-3, DIS-15, EVO-A1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test_report_fixture.h"

static struct report_stats stats;
static char *text;

static struct run_report make_stats(void)
{
	struct run_report report = make_report(1);

	memset(&stats, 0, sizeof(stats));
	memset(&stats.host_load, 0xff, sizeof(stats.host_load));
	stats.start_ns = 1000;
	stats.n_tenants = 1;
	strcpy(stats.tenants[0].name, "blue");
	stats.tenants[0].stats.cpu_ns = 3 * DIS_S_NS;
	stats.tenants[0].stats.guest_ns = 2 * DIS_S_NS;
	stats.queues[1][DIS_CLASS_BATCH] = (struct dis_queue_stats){
		.length_max = 3, .waits = 4, .wait_ns = 4000};
	stats.seconds.taken = 1;
	stats.seconds.samples[0] = (struct dis_sample){
		.end_ns = 5000, .span_ns = 4000, .during = {.dispatches = 9}};
	stats.totals.switches_voluntary = 11;
	stats.states_now[DIS_STATE_FINISHED] = 2;
	stats.states_total[DIS_STATE_FINISHED] = 4;
	stats.states_total[DIS_STATE_SCHEDULED] = 40;
	stats.totals.queued = 9;
	stats.totals.sleeping = 5;
	stats.totals.parked = 3;
	vcpus[0].stats.guest_ns = 400000000;
	vcpus[0].stats.last_dispatch_ns = 1700;
	vcpus[0].exits[0] = (struct report_exit){"hlt", 12};
	vcpus[0].n_exits = 1;
	vms[0].sums.cpu_ns = 77;
	strcpy(vms[0].tenant, "blue");
	report.stats = &stats;
	return report;
}

static void write_report(const struct run_report *report,
			 int (*write)(const struct run_report *, FILE *))
{
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(write(report, to), 0);
	fclose(to);
}

static int free_text(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static json_int_t number(const json_t *object, const char *path)
{
	char key[64];

	while (strchr(path, '.')) {
		size_t length = (size_t)(strchr(path, '.') - path);

		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		object = json_object_get(object, key);
		path += length + 1;
	}
	object = json_object_get(object, path);
	if (!json_is_integer(object))
		fail_msg("%s is missing or no integer", path);
	return json_integer_value(object);
}

static json_t *read_json(void)
{
	struct run_report report = make_stats();
	json_t *root;

	write_report(&report, report_write_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	return root;
}

static void test_report_stats_vcpu_time_split_and_exits(void **state)
{
	json_t *root = read_json();
	const json_t *vm = json_array_get(json_object_get(root, "vms"), 0);
	const json_t *vcpu = json_array_get(json_object_get(vm, "vcpus"), 0);

	(void)state;
	assert_int_equal(number(vcpu, "guest_ns"), 400000000);
	assert_int_equal(number(vcpu, "vmm_ns"), 600000000);
	assert_int_equal(number(vcpu, "last_dispatch_ns"), 700);
	assert_int_equal(number(vcpu, "exits.hlt"), 12);
	assert_int_equal(number(vcpu, "dispatches"), 1234);
	assert_int_equal(number(vm, "sums.cpu_ns"), 77);
	json_decref(root);
}

static void test_report_stats_cores_tenants_seconds(void **state)
{
	json_t *root = read_json();
	const json_t *core = json_array_get(json_object_get(root, "cores"), 1);
	const json_t *tenant =
		json_array_get(json_object_get(root, "tenants"), 0);
	const json_t *sample = json_array_get(
		json_object_get(json_object_get(root, "seconds"), "samples"), 0);

	(void)state;
	assert_int_equal(number(core, "queues.batch.length_max"), 3);
	assert_int_equal(number(core, "queues.batch.wait_mean_ns"), 1000);
	assert_int_equal(number(core, "queues.system.wait_mean_ns"), 0);
	assert_int_equal(number(core, "picks.turn"), 0);
	assert_int_equal(number(tenant, "sums.vmm_ns"), DIS_S_NS);
	assert_int_equal(number(sample, "end_ns"), 4000);
	assert_int_equal(number(sample, "during.dispatches"), 9);
	assert_int_equal(number(root, "seconds.average.span_ns"), 4000);
	assert_int_equal(number(root, "totals.switches_voluntary"), 11);
	assert_int_equal(number(root, "totals.queued"), 9);
	assert_int_equal(number(root, "totals.sleeping"), 5);
	assert_int_equal(number(root, "totals.parked"), 3);
	json_decref(root);
}

/* R: ST-6: the seven names, and no other. */
static void test_report_stats_states(void **state)
{
	json_t *root = read_json();
	const json_t *states = json_object_get(root, "states");

	(void)state;
	assert_int_equal(json_object_size(states), 7);
	assert_int_equal(number(states, "finished.now"), 2);
	assert_int_equal(number(states, "finished.total"), 4);
	assert_int_equal(number(states, "scheduled.now"), 0);
	assert_int_equal(number(states, "scheduled.total"), 40);
	json_decref(root);
}

/* R: DIS-8: what the host does not tell is not 0. */
static void test_report_stats_load_absent_null(void **state)
{
	json_t *root = read_json();
	const json_t *load = json_object_get(root, "host_load");

	(void)state;
	assert_true(
		json_is_null(json_object_get(load, "memory_stall_permille")));
	assert_true(json_is_null(
		json_array_get(json_object_get(load, "foreign_permille"), 1)));
	assert_int_equal(
		json_array_size(json_object_get(load, "busy_permille")), 2);
	json_decref(root);
}

static void test_report_stats_text_time_and_loaded_cpu(void **state)
{
	struct run_report report = make_stats();

	(void)state;
	stats.host_load.foreign[0] = 100;
	stats.host_load.foreign[1] = 456;
	write_report(&report, report_write_text);
	assert_non_null(strstr(text, "2s in guests, 1s in the monitor; 11 "
				     "voluntary switches, 0 involuntary\n"));
	assert_non_null(strstr(text, "CPU 3: others used 45 % of it\n"));
	assert_null(strstr(text, "CPU 0: others"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			test_report_stats_vcpu_time_split_and_exits, free_text),
		cmocka_unit_test_teardown(
			test_report_stats_cores_tenants_seconds, free_text),
		cmocka_unit_test_teardown(test_report_stats_states, free_text),
		cmocka_unit_test_teardown(test_report_stats_load_absent_null,
					  free_text),
		cmocka_unit_test_teardown(
			test_report_stats_text_time_and_loaded_cpu, free_text),
	};

	return cmocka_run_group_tests_name("report_stats", tests, NULL, NULL);
}
