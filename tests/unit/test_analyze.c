/* SPDX-License-Identifier: Apache-2.0 */
/* The analyzer's arithmetic against figures worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/analyze.h"

#define MS DIS_MS_NS
#define US DIS_US_NS

/* R: DIS-8. 2 4 4 4 5 5 7 9: mean 5, variance 4. */
static void test_history_few_bursts_mean_and_variance_exact(void **state)
{
	static const uint64_t bursts_ms[] = {2, 4, 4, 4, 5, 5, 7, 9};
	struct history history = {0};

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		analyze_burst(&history, bursts_ms[i] * MS);
	assert_int_equal(history.samples, 8);
	assert_in_range(history.mean_ns, 5 * MS - 10, 5 * MS + 10);
	assert_in_range(analyze_root(history.variance), 2 * MS - 100,
			2 * MS + 100);
}

/* Each of further bursts counts 1/16: after 16 of them (15/16)^16 is left. */
static void test_history_other_bursts_follow_within_a_window(void **state)
{
	struct history history = {0};

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		analyze_burst(&history, 1 * MS);
	assert_int_equal(history.variance, 0);
	for (unsigned i = 0; i < BURST_WINDOW; i++)
		analyze_burst(&history, 11 * MS);
	assert_in_range(history.mean_ns, 7439 * US, 7441 * US);
}

static void test_history_longest_bursts_do_not_overflow(void **state)
{
	struct history history = {0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		analyze_burst(&history, i % 2 ? DIS_NEVER_NS : 0);
	assert_in_range(history.mean_ns, BURST_MAX_NS / 3, BURST_MAX_NS);
	assert_in_range(analyze_root(history.variance), BURST_MAX_NS / 3,
			BURST_MAX_NS);
}

static void test_root_squares_and_neighbours_rounded_down(void **state)
{
	(void)state;
	for (uint64_t root = 1; root < UINT64_C(1) << 31; root = root * 3 + 1) {
		assert_int_equal(analyze_root(root * root), root);
		assert_int_equal(analyze_root(root * root - 1), root - 1);
		assert_int_equal(analyze_root(root * root + 2 * root), root);
	}
	assert_int_equal(analyze_root(0), 0);
	assert_int_equal(analyze_root(UINT64_MAX), UINT32_MAX);
}

/* A vCPU whose bursts were 10 +- 0.25 ms: they end by 10.5 ms. */
static struct dis_vcpu known(uint64_t burst_ns, uint64_t consumed_ns)
{
	return (struct dis_vcpu){
		.history = {.samples = BURSTS_KNOWN,
			    .mean_ns = 10 * MS,
			    .variance = 250 * US * (250 * US)},
		.burst_ns = burst_ns,
		.consumed_ns = consumed_ns,
	};
}

/* R: PRE-7. */
static void test_stretch_end_near_after_quantum_reaches_it(void **state)
{
	struct dis_vcpu fresh = known(0, 0);
	struct dis_vcpu second = known(5 * MS, 0);
	struct dis_vcpu preempted = known(9 * MS, 9 * MS);

	(void)state;
	assert_int_equal(analyze_stretch_ns(&fresh, 9 * MS), 1500 * US);
	assert_int_equal(analyze_stretch_ns(&second, 5 * MS), 500 * US);
	/* Taken off within its stretched slice, it keeps the same end. */
	assert_int_equal(analyze_stretch_ns(&preempted, 9 * MS), 1500 * US);
}

static void test_stretch_end_further_than_quarter_none(void **state)
{
	struct dis_vcpu vcpu = known(0, 0);

	(void)state;
	assert_int_equal(analyze_stretch_ns(&vcpu, 8400 * US), 2100 * US);
	assert_int_equal(analyze_stretch_ns(&vcpu, 8399 * US), 0);
	assert_int_equal(analyze_stretch_ns(&vcpu, 5 * MS), 0);
}

static void test_stretch_end_within_quantum_none(void **state)
{
	struct dis_vcpu vcpu = known(0, 0);
	struct dis_vcpu longer = known(50 * MS, 0);

	(void)state;
	assert_int_equal(analyze_stretch_ns(&vcpu, 10500 * US), 0);
	assert_int_equal(analyze_stretch_ns(&vcpu, 50 * MS), 0);
	/* This burst is longer than any by its history: nothing is known. */
	assert_int_equal(analyze_stretch_ns(&longer, 5 * MS), 0);
}

static void test_stretch_few_bursts_none(void **state)
{
	struct dis_vcpu vcpu = known(0, 0);

	(void)state;
	vcpu.history.samples = BURSTS_KNOWN - 1u;
	assert_int_equal(analyze_stretch_ns(&vcpu, 9 * MS), 0);
}

/* R: DIS-9. */
static void test_realtime_priority_nearer_deadline_more_urgent(void **state)
{
	(void)state;
	assert_int_equal(analyze_realtime_priority(100 * MS, 100 * MS), 10);
	assert_int_equal(analyze_realtime_priority(100 * MS, 200 * MS), 10);
	assert_int_equal(analyze_realtime_priority(107 * MS, 100 * MS), 17);
	/* Never as low as that of the class below. */
	assert_int_equal(analyze_realtime_priority(DIS_NEVER_NS, 0), 49);
}

/* R: DIS-8: CPU time from block to block, over preemptions and throttles. */
static void test_history_scripted_bursts_seen_by_the_core(void **state)
{
	static const struct burst burst[] = {{.run_ns = 12 * MS,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 8 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, burst),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct dis_history history;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	world_run(w, 1000 * MS);
	dis_vcpu_get_history(world_vcpu(w, vm, 0)->vcpu, &history);
	assert_in_range(history.samples, 10, 50);
	assert_int_equal(history.mean_ns, 12 * MS);
	assert_int_equal(history.deviation_ns, 0);
	dis_vcpu_get_history(world_vcpu(w, vm, 1)->vcpu, &history);
	assert_int_equal(history.samples, 0);
	world_close(w);
}

/* R: DIS-8: one job in two takes longer than its deadline. */
static void test_history_realtime_misses_counted_per_job(void **state)
{
	static const struct burst bursts[] = {
		{.run_ns = 1 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = 30 * MS},
		{.run_ns = 12 * MS,
		 .outcome = DIS_RUN_HALT,
		 .sleep_ns = 30 * MS},
	};
	const struct role roles[] = {ROLE(DIS_CLASS_REALTIME, bursts)};
	struct world *w = world_open_cores(1);
	struct dis_history history;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 1);
	world_run(w, 720 * MS);
	dis_vcpu_get_history(world_vcpu(w, vm, 0)->vcpu, &history);
	assert_int_equal(history.jobs, 20);
	assert_int_equal(history.misses, 10);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_history_few_bursts_mean_and_variance_exact),
		cmocka_unit_test(
			test_history_other_bursts_follow_within_a_window),
		cmocka_unit_test(test_history_longest_bursts_do_not_overflow),
		cmocka_unit_test(test_root_squares_and_neighbours_rounded_down),
		cmocka_unit_test(test_stretch_end_near_after_quantum_reaches_it),
		cmocka_unit_test(test_stretch_end_further_than_quarter_none),
		cmocka_unit_test(test_stretch_end_within_quantum_none),
		cmocka_unit_test(test_stretch_few_bursts_none),
		cmocka_unit_test(
			test_realtime_priority_nearer_deadline_more_urgent),
		cmocka_unit_test(test_history_scripted_bursts_seen_by_the_core),
		cmocka_unit_test(test_history_realtime_misses_counted_per_job),
	};

	return cmocka_run_group_tests_name("analyze", tests, NULL, NULL);
}
