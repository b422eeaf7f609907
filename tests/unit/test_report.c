/* SPDX-License-Identifier: Apache-2.0 */
/* The report: what is computed, and what a guest can do to it. */
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

static void test_jain_equal_shares_one(void **state)
{
	static const uint64_t shares[] = {7, 7, 7, 7};

	(void)state;
	NEAR(report_jain(shares, 4), 1.0);
}

static void test_jain_one_has_all_one_in_n(void **state)
{
	static const uint64_t shares[] = {0, 0, 9, 0};

	(void)state;
	NEAR(report_jain(shares, 4), 0.25);
}

/* (1+2+3)^2 / (3 * (1+4+9)) */
static void test_jain_known_shares_known_value(void **state)
{
	static const uint64_t shares[] = {1, 2, 3};

	(void)state;
	NEAR(report_jain(shares, 3), 36.0 / 42.0);
}

static void test_jain_nothing_or_all_zero_one(void **state)
{
	static const uint64_t shares[] = {0, 0};

	(void)state;
	NEAR(report_jain(NULL, 0), 1.0);
	NEAR(report_jain(shares, 2), 1.0);
}

static void test_jain_greatest_shares_no_overflow(void **state)
{
	static const uint64_t shares[] = {UINT64_MAX, UINT64_MAX};

	(void)state;
	NEAR(report_jain(shares, 2), 1.0);
}

static uint32_t buckets[DISVM_HIST_BUCKETS];

static int clear_buckets(void **state)
{
	(void)state;
	memset(buckets, 0, sizeof(buckets));
	return 0;
}

static void test_latency_empty_histogram_nothing_counted(void **state)
{
	struct report_latency l = report_latency_read(buckets, 5);

	(void)state;
	assert_int_equal(l.counted, 0);
	assert_int_equal(l.max_ns, 0);
}

/* Values below 32 ns have a bucket each: percentiles are exact there. */
static void test_latency_one_to_twenty_nearest_rank(void **state)
{
	struct report_latency l;

	(void)state;
	for (uint64_t v = 1; v <= 20; v++)
		buckets[disvm_hist_bucket(v)]++;
	l = report_latency_read(buckets, 20);
	assert_int_equal(l.counted, 20);
	assert_int_equal(l.p50_ns, 10);
	assert_int_equal(l.p90_ns, 18);
	assert_int_equal(l.p99_ns, 20);
	assert_int_equal(l.p999_ns, 20);
	assert_int_equal(l.max_ns, 20);
}

static void test_latency_rare_outlier_in_p999_only(void **state)
{
	struct report_latency l;

	(void)state;
	buckets[disvm_hist_bucket(10)] = 998;
	buckets[disvm_hist_bucket(1000000)] = 2;
	l = report_latency_read(buckets, 1000000);
	assert_int_equal(l.p99_ns, 10);
	assert_int_equal(l.p999_ns, 1000000);
}

static void test_latency_wide_bucket_upper_end(void **state)
{
	uint32_t bucket = disvm_hist_bucket(1000000);
	struct report_latency l;

	(void)state;
	buckets[bucket] = 100;
	buckets[disvm_hist_bucket(5000000)] = 1;
	l = report_latency_read(buckets, 5000000);
	assert_int_equal(l.p50_ns, disvm_hist_value(bucket + 1) - 1);
	assert_true(l.p50_ns >= 1000000 && l.p50_ns < 1040000);
}

static void test_latency_never_beyond_maximum(void **state)
{
	struct report_latency l;

	(void)state;
	buckets[disvm_hist_bucket(1000000)] = 100;
	l = report_latency_read(buckets, 1000000);
	assert_int_equal(l.p50_ns, 1000000);
	assert_int_equal(l.p99_ns, 1000000);
}

static void test_latency_last_bucket_maximum(void **state)
{
	struct report_latency l;

	(void)state;
	buckets[DISVM_HIST_BUCKETS - 1] = 3;
	l = report_latency_read(buckets, UINT64_C(90) * 1000000000);
	assert_int_equal(l.p50_ns, UINT64_C(90) * 1000000000);
}

static void test_latency_every_bucket_full_no_overflow(void **state)
{
	struct report_latency l;

	(void)state;
	memset(buckets, 0xff, sizeof(buckets));
	l = report_latency_read(buckets, UINT64_MAX);
	assert_int_equal(l.counted, UINT64_C(896) * UINT32_MAX);
	assert_true(l.p50_ns < l.p90_ns && l.p90_ns < l.p99_ns);
}

static void test_guest_good_block_condensed(void **state)
{
	struct disvm_guest_report block = guest_block();
	struct report_guest g;

	(void)state;
	assert_int_equal(report_guest_read(&block, &g), 0);
	assert_string_equal(g.workload, "sleep:1ms");
	assert_true(g.done);
	assert_int_equal(g.work, 5000);
	assert_int_equal(g.wakes, 4990);
	assert_int_equal(g.misses, 3);
	assert_int_equal(g.skipped, 2);
	assert_int_equal(g.lateness.p50_ns, 20);
	assert_int_equal(g.lateness.max_ns, 31);
}

static void test_guest_not_a_block_refused(void **state)
{
	struct disvm_guest_report block;
	struct report_guest g;

	(void)state;
	block = guest_block();
	block.magic = 0;
	assert_int_equal(report_guest_read(&block, &g), -EINVAL);
	block = guest_block();
	block.version = 99;
	assert_int_equal(report_guest_read(&block, &g), -EINVAL);
	block = guest_block();
	block.state = 0;
	assert_int_equal(report_guest_read(&block, &g), -EINVAL);
}

static void test_guest_hostile_workload_name_printable(void **state)
{
	struct disvm_guest_report block = guest_block();
	struct report_guest g;

	(void)state;
	memset(block.workload, 0x9b, sizeof(block.workload));
	block.workload[0] = 'x';
	block.workload[1] = '\033';
	assert_int_equal(report_guest_read(&block, &g), 0);
	assert_int_equal(strlen(g.workload), 31);
	assert_true(!strncmp(g.workload, "x????", 5));
}

static void test_pool_two_cores_summed(void **state)
{
	struct run_report report = make_report(1);
	struct dis_core_stats pool = report_pool(&report);

	(void)state;
	assert_int_equal(pool.charged_ns, 8500000000);
	assert_int_equal(pool.idle_ns, 1500000000);
	assert_int_equal(pool.timer_arms, 30);
	assert_int_equal(pool.kicks_sent, 3);
}

static void test_host_facts_filled_in(void **state)
{
	struct report_host host;

	(void)state;
	report_host_read(&host, cpus, 2);
	assert_string_equal(host.cpu_list, "0,3");
	assert_int_equal(host.n_cpus, 2);
	assert_true(*host.kernel && *host.kvm_backend && *host.commit);
}

#define LATENCY_TEST(test) cmocka_unit_test_setup(test, clear_buckets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jain_equal_shares_one),
		cmocka_unit_test(test_jain_one_has_all_one_in_n),
		cmocka_unit_test(test_jain_known_shares_known_value),
		cmocka_unit_test(test_jain_nothing_or_all_zero_one),
		cmocka_unit_test(test_jain_greatest_shares_no_overflow),
		LATENCY_TEST(test_latency_empty_histogram_nothing_counted),
		LATENCY_TEST(test_latency_one_to_twenty_nearest_rank),
		LATENCY_TEST(test_latency_rare_outlier_in_p999_only),
		LATENCY_TEST(test_latency_wide_bucket_upper_end),
		LATENCY_TEST(test_latency_never_beyond_maximum),
		LATENCY_TEST(test_latency_last_bucket_maximum),
		LATENCY_TEST(test_latency_every_bucket_full_no_overflow),
		cmocka_unit_test(test_guest_good_block_condensed),
		cmocka_unit_test(test_guest_not_a_block_refused),
		cmocka_unit_test(test_guest_hostile_workload_name_printable),
		cmocka_unit_test(test_pool_two_cores_summed),
		cmocka_unit_test(test_host_facts_filled_in),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
