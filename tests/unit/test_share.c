/* SPDX-License-Identifier: Apache-2.0 */
/* The window of usage behind maximum shares (share.h). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sched/share.h"

#define MS DIS_MS_NS
#define QUOTA (20 * MS)

static struct share_window window;

static int set_up(void **state)
{
	(void)state;
	memset(&window, 0, sizeof(window));
	return 0;
}

/* All that is left at @now_ns, taken and given back unused. */
static uint64_t left_ns(uint64_t now_ns)
{
	uint64_t got_ns =
		share_window_reserve(&window, QUOTA, QUOTA, 1, false, now_ns);

	if (got_ns)
		share_window_settle(&window, got_ns, now_ns, now_ns);
	return got_ns;
}

static void use(uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns = to_ns - from_ns;

	assert_int_equal(share_window_reserve(&window, QUOTA, ns, ns, false,
					      from_ns),
			 ns);
	share_window_settle(&window, ns, from_ns, to_ns);
}

static void test_share_unused_window_has_the_quota(void **state)
{
	(void)state;
	assert_int_equal(left_ns(0), QUOTA);
	assert_int_equal(left_ns(123456789), QUOTA);
}

/* R: DIS-6 */
static void test_share_reserve_counts_as_used_until_settled(void **state)
{
	(void)state;
	assert_int_equal(share_window_reserve(&window, QUOTA, 15 * MS, MS,
					      false, 0),
			 15 * MS);
	assert_int_equal(share_window_reserve(&window, QUOTA, 15 * MS, MS,
					      false, 0),
			 5 * MS);
	assert_int_equal(left_ns(0), 0);
	share_window_settle(&window, 15 * MS, 0, MS);
	assert_int_equal(left_ns(MS), 14 * MS);
}

/* R: DIS-6: for 100 ms at least, for 102 at most. */
static void test_share_usage_stays_as_long_as_the_window(void **state)
{
	(void)state;
	use(3 * MS, 13 * MS);
	assert_int_equal(left_ns(13 * MS), 10 * MS);
	assert_int_equal(left_ns(103 * MS), 10 * MS);
	assert_int_equal(left_ns(106 * MS), 13 * MS);
	assert_int_equal(left_ns(113 * MS), 19 * MS);
	assert_int_equal(left_ns(115 * MS), 20 * MS);
}

static void test_share_usage_lies_where_it_happened(void **state)
{
	(void)state;
	/* Three buckets: 1, 2 and 1 ms. */
	use(1 * MS, 5 * MS);
	assert_int_equal(left_ns(102 * MS), 17 * MS);
	assert_int_equal(left_ns(104 * MS), 19 * MS);
	assert_int_equal(left_ns(106 * MS), 20 * MS);
}

static void test_share_used_up_says_when_enough_is_free(void **state)
{
	(void)state;
	use(10 * MS, 30 * MS);
	assert_int_equal(left_ns(30 * MS), 0);
	assert_int_equal(share_window_release_ns(&window, QUOTA, MS, 30 * MS),
			 112 * MS);
	assert_int_equal(share_window_release_ns(&window, QUOTA, 3 * MS,
						 30 * MS),
			 114 * MS);
	assert_int_equal(left_ns(112 * MS), 2 * MS);
}

static void test_share_more_than_the_quota_is_never_free(void **state)
{
	(void)state;
	assert_true(share_window_release_ns(&window, MS, 2 * MS, 0) ==
		    DIS_NEVER_NS);
	assert_true(share_window_release_ns(&window, 0, 0, 0) == DIS_NEVER_NS);
}

static void test_share_reserves_of_others_are_looked_at_soon(void **state)
{
	(void)state;
	assert_int_equal(share_window_reserve(&window, QUOTA, QUOTA, 1, false,
					      5 * MS),
			 QUOTA);
	assert_int_equal(share_window_release_ns(&window, QUOTA, MS, 5 * MS),
			 6 * MS);
}

static void test_share_less_than_needed_is_not_reserved(void **state)
{
	(void)state;
	use(0, 19 * MS);
	assert_int_equal(share_window_reserve(&window, QUOTA, 5 * MS, 2 * MS,
					      false, 19 * MS),
			 0);
	assert_int_equal(left_ns(19 * MS), 1 * MS);
}

static void test_share_leaves_half_to_siblings(void **state)
{
	(void)state;
	assert_int_equal(share_window_reserve(&window, QUOTA, QUOTA, MS, true,
					      0),
			 10 * MS);
	assert_int_equal(share_window_reserve(&window, QUOTA, QUOTA, 5 * MS,
					      true, 0),
			 10 * MS);
}

/* A late timer: it is counted, and paid for. */
static void test_share_overrun_counts_in_full(void **state)
{
	(void)state;
	assert_int_equal(share_window_reserve(&window, QUOTA, 5 * MS, MS, false,
					      0),
			 5 * MS);
	share_window_settle(&window, 5 * MS, 0, 30 * MS);
	assert_int_equal(left_ns(30 * MS), 0);
	assert_int_equal(left_ns(102 * MS + 10 * MS), 2 * MS);
}

/* Another core's clock may be some microseconds ahead. */
static void test_share_usage_ahead_of_the_clock_counts(void **state)
{
	(void)state;
	use(3 * MS, 5 * MS);
	assert_int_equal(left_ns(2 * MS), 18 * MS);
}

/* Far behind: what it says must not take the place of what was used since. */
static void test_share_usage_of_a_late_clock_replaces_nothing(void **state)
{
	const uint64_t ring_ns = SHARE_BUCKETS * SHARE_BUCKET_NS;

	(void)state;
	use(ring_ns, ring_ns + 2 * MS);
	share_window_settle(&window, 0, 0, MS);
	assert_int_equal(left_ns(ring_ns + 2 * MS), 18 * MS);
}

static void test_share_buckets_are_used_again_after_years(void **state)
{
	uint64_t year_ns = 365 * UINT64_C(86400) * DIS_S_NS;

	(void)state;
	use(0, 10 * MS);
	use(year_ns, year_ns + 10 * MS);
	assert_int_equal(left_ns(year_ns + 10 * MS), 10 * MS);
}

#define THREADS 4u
#define ROUNDS 20000u
static atomic_ullong held_ns, most_ns;

static void *reserve_and_give_back(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t got_ns = share_window_reserve(&window, QUOTA, 9 * MS,
						       MS, i % 2, 50 * MS);
		unsigned long long held, most;

		if (!got_ns)
			continue;
		held = atomic_fetch_add(&held_ns, got_ns) + got_ns;
		most = atomic_load(&most_ns);
		while (held > most &&
		       !atomic_compare_exchange_weak(&most_ns, &most, held))
			;
		atomic_fetch_sub(&held_ns, got_ns);
		share_window_settle(&window, got_ns, 50 * MS, 50 * MS);
	}
	return NULL;
}

/* R: DIS-6: not one nanosecond is given out twice. */
static void test_share_threads_never_hold_more_than_the_quota(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						reserve_and_give_back, NULL),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_true(atomic_load(&most_ns) <= QUOTA);
	assert_true(atomic_load(&most_ns) > 0);
	assert_int_equal(left_ns(50 * MS), QUOTA);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_share_unused_window_has_the_quota),
		TEST(test_share_reserve_counts_as_used_until_settled),
		TEST(test_share_usage_stays_as_long_as_the_window),
		TEST(test_share_usage_lies_where_it_happened),
		TEST(test_share_used_up_says_when_enough_is_free),
		TEST(test_share_more_than_the_quota_is_never_free),
		TEST(test_share_reserves_of_others_are_looked_at_soon),
		TEST(test_share_less_than_needed_is_not_reserved),
		TEST(test_share_leaves_half_to_siblings),
		TEST(test_share_overrun_counts_in_full),
		TEST(test_share_usage_ahead_of_the_clock_counts),
		TEST(test_share_usage_of_a_late_clock_replaces_nothing),
		TEST(test_share_buckets_are_used_again_after_years),
		TEST(test_share_threads_never_hold_more_than_the_quota),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
