/* SPDX-License-Identifier: Apache-2.0 */
/* disvm sim: traces read back, and what comes of replaying them. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/sim_replay.h"

#define MS 1000u /* in microseconds, the unit of the file */

/* A trace that is being written. */
static struct {
	char text[1 << 20];
	size_t used;
	bool more;
} file;

__attribute__((format(printf, 1, 2))) static void put(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	file.used += (size_t)vsnprintf(file.text + file.used,
				       sizeof(file.text) - file.used, fmt,
				       args);
	va_end(args);
	assert_true(file.used < sizeof(file.text));
}

static void begin(unsigned cores)
{
	file.used = 0;
	put("{\"otherData\":{\"schema\":\"disvm.trace/1\"},\"traceEvents\":["
	    "{\"ph\":\"M\",\"name\":\"disvm_pool\",\"pid\":1,\"args\":"
	    "{\"cores\":%u,\"threads\":false,\"quantum_ns\":5000000",
	    cores);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		put(",\"%s\":{\"policy\":\"\",\"quantum_ns\":0,"
		    "\"floor_permille\":0}",
		    dis_class_name((enum dis_class)k));
	put("}}");
}

/* vCPU @i of VM 0, on track @i + 1. */
static void add_vcpu(unsigned i, const char *intent)
{
	put(",{\"ph\":\"M\",\"name\":\"disvm_vcpu\",\"pid\":2,\"args\":"
	    "{\"vm\":0,\"vcpu\":%u,\"intent\":\"%s\"}}",
	    i, intent);
	put(",{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":2,\"tid\":%u,"
	    "\"args\":{\"name\":\"vm0/vcpu%u x\"}}",
	    i + 1, i);
}

/* Of VM 0, whose vCPUs are there. */
static void add_shares(unsigned min_permille, unsigned max_permille)
{
	put(",{\"ph\":\"M\",\"name\":\"disvm_vm\",\"pid\":2,\"args\":"
	    "{\"vm\":0,\"min_permille\":%u,\"max_permille\":%u}}",
	    min_permille, max_permille);
}

/* @us: [from, to); @wake_us: Sleeping. */
static void add_slice(unsigned vcpu, const char *state, const char *reason,
		      const char *klass, unsigned from_us, unsigned to_us,
		      unsigned wake_us)
{
	put(",{\"ph\":\"X\",\"cat\":\"state\",\"name\":\"%s\",\"pid\":2,"
	    "\"tid\":%u,\"ts\":%u.000,\"dur\":%u.000,\"args\":{\"reason\":"
	    "\"%s\",\"intent\":\"%s\",\"wake_us\":%u.000}}",
	    state, vcpu + 1, from_us, to_us - from_us, reason, klass, wake_us);
}

static char err[1024];

static int end(struct sim_trace *trace)
{
	put("]}");
	return sim_trace_parse(file.text, file.used, trace, err, sizeof(err));
}

static void replay(const struct sim_trace *trace, struct sim_rules rules,
		   struct sim_got *got)
{
	struct sim_demand demand;
	uint64_t idle_ns, cpu_ns = 0;

	rules.cores = trace->cores;
	assert_int_equal(sim_demand_of(trace, &demand), 0);
	assert_int_equal(sim_replay(trace, &demand, &rules, got, &idle_ns, err,
				    sizeof(err)),
			 0);
	sim_demand_free(&demand);
	for (size_t i = 0; i < trace->n_vcpus; i++)
		cpu_ns += got[i].cpu_ns;
	/* R: EVO-C1 */
	assert_int_equal(cpu_ns + idle_ns, trace->cores * trace->end_ns);
}

/*
 * Recorded on as many cores as vCPUs: each has what it wants at once. Replayed
 * on one, they compete. Jobs of @wcet each @period, released together.
 */
static void add_periodic(unsigned vcpu, unsigned period_us, unsigned wcet_us,
			 unsigned end_us)
{
	add_slice(vcpu, "scheduled", "spawn", "realtime", 0, 0, 0);
	for (unsigned at = 0; at < end_us; at += period_us) {
		if (at)
			add_slice(vcpu, "scheduled", "timer", "realtime", at,
				  at, 0);
		add_slice(vcpu, "running", "dispatch", "realtime", at,
			  at + wcet_us, 0);
		add_slice(vcpu, "sleeping", "halt", "realtime", at + wcet_us,
			  at + period_us, at + period_us);
	}
}

static void open_periodic(struct sim_trace *trace)
{
	begin(1);
	add_vcpu(0, "realtime:period=4ms,deadline=4ms,wcet=1ms");
	add_vcpu(1, "realtime:period=10ms,deadline=10ms,wcet=7ms");
	add_periodic(0, 4 * MS, 1 * MS, 200 * MS);
	add_periodic(1, 10 * MS, 7 * MS, 200 * MS);
	assert_int_equal(end(trace), 0);
}

static void test_sim_edf_meets_deadlines_that_rr_misses(void **state)
{
	struct sim_rules rr = {.policy[DIS_CLASS_REALTIME] =
				       dis_policy_find("rr")};
	struct sim_rules edf = {.policy[DIS_CLASS_REALTIME] =
					dis_policy_find("edf")};
	struct sim_got by_rr[2], by_edf[2];
	struct sim_trace trace;

	(void)state;
	open_periodic(&trace);
	replay(&trace, rr, by_rr);
	replay(&trace, edf, by_edf);
	assert_true(by_rr[0].misses > 5);
	assert_int_equal(by_edf[0].misses + by_edf[1].misses, 0);
	assert_true(by_edf[0].jobs >= 49 && by_edf[1].jobs >= 19);
	sim_trace_free(&trace);
}

static void test_sim_same_trace_same_figures(void **state)
{
	struct sim_rules rules = {0};
	struct sim_got once[2], again[2];
	struct sim_trace trace;

	(void)state;
	open_periodic(&trace);
	replay(&trace, rules, once);
	replay(&trace, rules, again);
	assert_memory_equal(once, again, sizeof(once));
	sim_trace_free(&trace);
}

/* A hog under rr gets turns; the replay's quantum decides how many. */
static void test_sim_hogs_of_one_core_share_it(void **state)
{
	struct sim_rules rules = {.policy[DIS_CLASS_BATCH] =
					  dis_policy_find("fair")};
	struct sim_got got[2];
	struct sim_trace trace;

	(void)state;
	begin(1);
	add_vcpu(0, "batch");
	add_vcpu(1, "batch");
	for (unsigned i = 0; i < 2; i++) {
		add_slice(i, "scheduled", "spawn", "batch", 0, i * 900 * MS, 0);
		add_slice(i, "running", "dispatch", "batch", i * 900 * MS,
			  1000 * MS, 0);
	}
	assert_int_equal(end(&trace), 0);
	replay(&trace, rules, got);
	assert_in_range(got[0].cpu_ns, 490 * DIS_MS_NS, 510 * DIS_MS_NS);
	sim_trace_free(&trace);
}

/* vCPU 0 computes 2 ms, wakes vCPU 1, which waits for it. */
static void test_sim_wake_by_a_sibling_keeps_its_cause(void **state)
{
	struct sim_trace trace;
	struct sim_demand demand;

	(void)state;
	begin(2);
	add_vcpu(0, "");
	add_vcpu(1, "");
	add_slice(0, "scheduled", "spawn", "batch", 0, 3 * MS, 0);
	add_slice(0, "running", "dispatch", "batch", 3 * MS, 9 * MS, 0);
	add_slice(1, "scheduled", "spawn", "batch", 0, 0, 0);
	add_slice(1, "running", "dispatch", "batch", 0, 1 * MS, 0);
	add_slice(1, "waiting", "halt", "batch", 1 * MS, 5 * MS, 0);
	add_slice(1, "scheduled", "interrupt", "batch", 5 * MS, 5 * MS, 0);
	add_slice(1, "running", "dispatch", "batch", 5 * MS, 9 * MS, 0);
	assert_int_equal(end(&trace), 0);
	assert_int_equal(sim_demand_of(&trace, &demand), 0);
	assert_int_equal(demand.outside.count, 0);
	assert_int_equal(demand.programs[0].sends.count, 1);
	assert_int_equal(demand.programs[0].sends.list[0].at_ns, 2 * DIS_MS_NS);
	assert_int_equal(demand.programs[0].sends.list[0].target, 1);
	sim_demand_free(&demand);
	sim_trace_free(&trace);
}

static void test_sim_wake_by_nobody_keeps_its_time(void **state)
{
	struct sim_trace trace;
	struct sim_demand demand;

	(void)state;
	begin(1);
	add_vcpu(0, "");
	add_slice(0, "scheduled", "spawn", "batch", 0, 0, 0);
	add_slice(0, "running", "dispatch", "batch", 0, 1 * MS, 0);
	add_slice(0, "waiting", "halt", "batch", 1 * MS, 5 * MS, 0);
	add_slice(0, "scheduled", "interrupt", "batch", 5 * MS, 6 * MS, 0);
	assert_int_equal(end(&trace), 0);
	assert_int_equal(sim_demand_of(&trace, &demand), 0);
	assert_int_equal(demand.outside.count, 1);
	assert_int_equal(demand.outside.list[0].at_ns, 5 * DIS_MS_NS);
	sim_demand_free(&demand);
	sim_trace_free(&trace);
}

/* R: DIS-6: over all vCPUs of the VM, in each of ten windows. */
static void test_sim_maximum_of_a_vm_is_replayed(void **state)
{
	struct sim_rules rules = {0};
	struct sim_got got[2];
	struct sim_trace trace;

	(void)state;
	begin(2);
	add_vcpu(0, "batch");
	add_vcpu(1, "batch");
	add_shares(0, 300);
	for (unsigned i = 0; i < 2; i++) {
		add_slice(i, "scheduled", "spawn", "batch", 0, 0, 0);
		add_slice(i, "running", "dispatch", "batch", 0, 1000 * MS, 0);
	}
	assert_int_equal(end(&trace), 0);
	replay(&trace, rules, got);
	assert_in_range(got[0].cpu_ns + got[1].cpu_ns, 250 * DIS_MS_NS,
			300 * DIS_MS_NS);
	sim_trace_free(&trace);
}

static void expect_not_replayed(unsigned cores, const char *message)
{
	struct sim_rules rules = {.cores = cores};
	struct sim_demand demand;
	struct sim_trace trace;
	struct sim_got got[2];
	uint64_t idle_ns;

	assert_int_equal(end(&trace), 0);
	assert_int_equal(sim_demand_of(&trace, &demand), 0);
	assert_int_equal(sim_replay(&trace, &demand, &rules, got, &idle_ns, err,
				    sizeof(err)),
			 -EINVAL);
	assert_string_equal(err, message);
	sim_demand_free(&demand);
	sim_trace_free(&trace);
}

/* A promise that cannot be kept: of the VM, and of a vCPU. */
static void test_sim_minimum_without_room_refused(void **state)
{
	(void)state;
	begin(2);
	add_vcpu(0, "batch");
	add_vcpu(1, "batch");
	add_shares(1000, 0);
	add_slice(0, "scheduled", "spawn", "batch", 0, 9, 0);
	expect_not_replayed(1, "vm0: out of CPU time: no core has room for the "
			       "minimum of vCPU 1 (500 per mille of a core) "
			       "(of 1 cores)");
	begin(1);
	add_vcpu(0, "batch:min=990");
	add_slice(0, "scheduled", "spawn", "batch", 0, 9, 0);
	expect_not_replayed(1, "vm0: out of CPU time: no core has room for the "
			       "minimum of vCPU 0 (990 per mille of a core) "
			       "(of 1 cores)");
}

static void test_sim_pool_too_small_for_affinity_refused(void **state)
{
	struct sim_rules rules = {.cores = 1};
	struct sim_demand demand;
	struct sim_trace trace;
	struct sim_got got[1];
	uint64_t idle_ns;

	(void)state;
	begin(2);
	add_vcpu(0, "batch:cores=1");
	add_slice(0, "scheduled", "spawn", "batch", 0, 9, 0);
	assert_int_equal(end(&trace), 0);
	assert_int_equal(sim_demand_of(&trace, &demand), 0);
	assert_int_equal(sim_replay(&trace, &demand, &rules, got, &idle_ns, err,
				    sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "vm0/vcpu0"));
	sim_demand_free(&demand);
	sim_trace_free(&trace);
}

/* @message: part of the line that says why. */
static void expect_refused(const char *message)
{
	struct sim_trace trace;

	assert_int_equal(end(&trace), -EINVAL);
	if (!strstr(err, message) || strchr(err, '\n'))
		fail_msg("'%s' lacks '%s'", err, message);
}

static void one_vcpu(void)
{
	begin(1);
	add_vcpu(0, "");
	add_slice(0, "scheduled", "spawn", "batch", 0, 10, 0);
}

static void test_sim_trace_bad_records_refused_by_name(void **state)
{
	(void)state;
	one_vcpu();
	add_slice(0, "dreaming", "halt", "batch", 10, 20, 0);
	expect_refused("unknown state 'dreaming'");
	one_vcpu();
	add_slice(0, "running", "whim", "batch", 10, 20, 0);
	expect_refused("unknown reason 'whim'");
	one_vcpu();
	add_slice(0, "running", "dispatch", "royal", 10, 20, 0);
	expect_refused("unknown class 'royal'");
	one_vcpu();
	put(",{\"ph\":\"X\",\"cat\":\"state\",\"name\":\"running\",\"tid\":1,"
	    "\"ts\":10,\"dur\":-1,\"args\":{\"reason\":\"dispatch\",\"intent\":"
	    "\"batch\"}}");
	expect_refused("dur is not a time");
	one_vcpu();
	add_slice(0, "running", "dispatch", "batch", 4000000000u, 4000000000u,
		  0);
	add_slice(0, "sleeping", "halt", "batch", 4000000000u, 4000000000u, 1);
	put(",{\"ph\":\"X\",\"cat\":\"state\",\"name\":\"scheduled\",\"tid\":1,"
	    "\"ts\":1e300,\"dur\":0,\"args\":{\"reason\":\"timer\",\"intent\":"
	    "\"batch\"}}");
	expect_refused("ts is not a time");
	one_vcpu();
	add_slice(7, "running", "dispatch", "batch", 10, 20, 0);
	expect_refused("no vCPU has track 8");
	one_vcpu();
	put(",3");
	expect_refused("is not an object");
}

static void test_sim_trace_unordered_or_incomplete_refused(void **state)
{
	(void)state;
	one_vcpu();
	add_slice(0, "running", "dispatch", "batch", 5, 6, 0);
	add_slice(0, "waiting", "halt", "batch", 3, 4, 0);
	expect_refused("missing or unordered");
	one_vcpu();
	add_slice(0, "sleeping", "halt", "batch", 10, 20, 20);
	expect_refused("sleeping at 10 us after scheduled at 0 us");
	begin(1);
	add_vcpu(0, "");
	add_slice(0, "running", "dispatch", "batch", 0, 1, 0);
	expect_refused("does not begin scheduled");
}

static void test_sim_trace_bad_metadata_refused_by_name(void **state)
{
	(void)state;
	begin(65);
	expect_refused("cores is not a whole number from 1 to 64");
	begin(1);
	expect_refused("no vCPUs");
	begin(1);
	add_vcpu(1, "");
	expect_refused("vm0/vcpu1 is out of order");
	begin(1);
	add_shares(0, 300);
	expect_refused("disvm_vm: no disvm_vcpu of vm0");
	one_vcpu();
	add_shares(0, 256001);
	expect_refused("disvm_vm: max_permille is not a whole number");
	begin(1);
	add_vcpu(0, "realtime:wcet=1ms");
	expect_refused("period");
	begin(1);
	add_vcpu(0, "");
	expect_refused("nothing happens");
	file.used = 0;
	put("{\"otherData\":{\"schema\":\"disvm.trace/2\"},\"traceEvents\":[");
	expect_refused("schema");
	file.used = 0;
	put("{\"otherData\":{\"schema\":\"disvm.trace/1\"},\"traceEvents\":[");
	expect_refused("no disvm_pool");
	file.used = 0;
	put("[");
	expect_refused("line 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_edf_meets_deadlines_that_rr_misses),
		cmocka_unit_test(test_sim_same_trace_same_figures),
		cmocka_unit_test(test_sim_hogs_of_one_core_share_it),
		cmocka_unit_test(test_sim_wake_by_a_sibling_keeps_its_cause),
		cmocka_unit_test(test_sim_wake_by_nobody_keeps_its_time),
		cmocka_unit_test(test_sim_maximum_of_a_vm_is_replayed),
		cmocka_unit_test(test_sim_minimum_without_room_refused),
		cmocka_unit_test(test_sim_pool_too_small_for_affinity_refused),
		cmocka_unit_test(test_sim_trace_bad_records_refused_by_name),
		cmocka_unit_test(test_sim_trace_unordered_or_incomplete_refused),
		cmocka_unit_test(test_sim_trace_bad_metadata_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
