/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics in the report (R: DIS-3, DIS-15, EVO-A1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "test_report_fixture.h"

static struct report_stats stats;

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

static json_t *stats_json(void)
{
	struct run_report report = make_stats();

	return read_json(&report);
}

static void test_report_stats_vcpu_time_split_and_exits(void **state)
{
	json_t *root = stats_json();
	const json_t *vm = json_array_get(json_object_get(root, "vms"), 0);
	const json_t *vcpu = json_array_get(json_object_get(vm, "vcpus"), 0);

	(void)state;
	assert_int_equal(integer(vcpu, "guest_ns"), 400000000);
	assert_int_equal(integer(vcpu, "vmm_ns"), 600000000);
	assert_int_equal(integer(vcpu, "last_dispatch_ns"), 700);
	assert_int_equal(integer(vcpu, "exits.hlt"), 12);
	assert_int_equal(integer(vcpu, "dispatches"), 1234);
	assert_int_equal(integer(vm, "sums.cpu_ns"), 77);
	json_decref(root);
}

static void test_report_stats_cores_tenants_seconds(void **state)
{
	json_t *root = stats_json();
	const json_t *core = json_array_get(json_object_get(root, "cores"), 1);
	const json_t *tenant =
		json_array_get(json_object_get(root, "tenants"), 0);
	const json_t *sample = json_array_get(
		json_object_get(json_object_get(root, "seconds"), "samples"), 0);

	(void)state;
	assert_int_equal(integer(core, "queues.batch.length_max"), 3);
	assert_int_equal(integer(core, "queues.batch.wait_mean_ns"), 1000);
	assert_int_equal(integer(core, "queues.system.wait_mean_ns"), 0);
	assert_int_equal(integer(core, "picks.turn"), 0);
	assert_int_equal(integer(tenant, "sums.vmm_ns"), DIS_S_NS);
	assert_int_equal(integer(sample, "end_ns"), 4000);
	assert_int_equal(integer(sample, "during.dispatches"), 9);
	assert_int_equal(integer(root, "seconds.average.span_ns"), 4000);
	assert_int_equal(integer(root, "totals.switches_voluntary"), 11);
	assert_int_equal(integer(root, "totals.queued"), 9);
	assert_int_equal(integer(root, "totals.sleeping"), 5);
	assert_int_equal(integer(root, "totals.parked"), 3);
	json_decref(root);
}

/* R: ST-6: the seven names, and no other. */
static void test_report_stats_states(void **state)
{
	json_t *root = stats_json();
	const json_t *states = json_object_get(root, "states");

	(void)state;
	assert_int_equal(json_object_size(states), 7);
	assert_int_equal(integer(states, "finished.now"), 2);
	assert_int_equal(integer(states, "finished.total"), 4);
	assert_int_equal(integer(states, "scheduled.now"), 0);
	assert_int_equal(integer(states, "scheduled.total"), 40);
	json_decref(root);
}

/* R: DIS-8: what the host does not tell is not 0. */
static void test_report_stats_load_absent_null(void **state)
{
	json_t *root = stats_json();
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
