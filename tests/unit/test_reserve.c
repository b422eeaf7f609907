/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The periods behind minimum shares (reserve.h; R: DIS-6), without a scheduler. A vCPU
 * with 100 per mille: a chunk of 1 ms in each period of 9.09 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sched/reserve.h"
#include "sched/share.h"
#include "sched/vcpu.h"

#define MS DIS_MS_NS
#define PERIOD_NS (SHARE_WINDOW_NS / 11)

static struct dis_vcpu vcpu;
static struct reserve *const reserve = &vcpu.reserve;
static struct reserve_queue queue;

/* Its first period is from 0 to PERIOD_NS; it is not queued. */
static int set_up(void **state)
{
	(void)state;
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&queue, 0, sizeof(queue));
	reserve_set(reserve, 100);
	reserve_queue_add(&queue, &vcpu, true, 0);
	reserve_queue_remove(&queue, &vcpu);
	return 0;
}

static void test_reserve_first_wake_begins_a_period(void **state)
{
	(void)state;
	assert_int_equal(reserve->left_ns, MS);
	assert_int_equal(reserve->end_ns, PERIOD_NS);
}

/* Else one that sleeps until the end of each period would have twice its pace. */
static void test_reserve_wake_leaves_what_fits_into_the_rest(void **state)
{
	uint64_t rest_ns = PERIOD_NS / 4;

	(void)state;
	reserve_queue_add(&queue, &vcpu, true, PERIOD_NS - rest_ns);
	assert_int_equal(reserve->left_ns, rest_ns * MS / PERIOD_NS);
	assert_int_equal(reserve->end_ns, PERIOD_NS);
}

static void test_reserve_wake_gives_nothing_back(void **state)
{
	(void)state;
	reserve_charge(reserve, 9 * MS / 10, MS);
	reserve_queue_add(&queue, &vcpu, true, PERIOD_NS / 2);
	assert_int_equal(reserve->left_ns, MS / 10);
}

/* Who gave way has been there all the time: all of its chunk is left. */
static void test_reserve_queued_again_keeps_its_chunk(void **state)
{
	(void)state;
	reserve_queue_add(&queue, &vcpu, false, PERIOD_NS - MS / 10);
	assert_int_equal(reserve->left_ns, MS);
}

static void test_reserve_wake_after_the_end_begins_anew(void **state)
{
	(void)state;
	reserve_queue_add(&queue, &vcpu, true, PERIOD_NS + 3 * MS);
	assert_int_equal(reserve->left_ns, MS);
	assert_int_equal(reserve->end_ns, 2 * PERIOD_NS + 3 * MS);
}

/* What it ran before the end is that period's. */
static void test_reserve_charge_over_the_end_counts_what_is_after(void **state)
{
	(void)state;
	reserve_charge(reserve, 5 * MS, PERIOD_NS + 3 * MS / 10);
	assert_int_equal(reserve->left_ns, 7 * MS / 10);
	assert_int_equal(reserve->end_ns, 2 * PERIOD_NS);
}

/* Periods follow each other without a gap, however late somebody looks. */
static void test_reserve_periods_stay_in_step(void **state)
{
	(void)state;
	reserve_charge(reserve, 0, 3 * PERIOD_NS + MS);
	assert_int_equal(reserve->end_ns, 4 * PERIOD_NS);
	reserve_charge(reserve, 0, 4 * PERIOD_NS);
	assert_int_equal(reserve->end_ns, 5 * PERIOD_NS);
	assert_int_equal(reserve->left_ns, MS);
}

static void
test_reserve_queued_and_owed_has_a_new_chunk_each_period(void **state)
{
	(void)state;
	reserve_charge(reserve, MS / 2, MS);
	reserve_queue_add(&queue, &vcpu, false, MS);
	assert_ptr_equal(reserve_queue_first(&queue), &vcpu);
	reserve_queue_advance(&queue, PERIOD_NS - 1);
	assert_int_equal(reserve->left_ns, MS / 2);
	reserve_queue_advance(&queue, PERIOD_NS);
	assert_int_equal(reserve->left_ns, MS);
	assert_int_equal(reserve->end_ns, 2 * PERIOD_NS);
	assert_ptr_equal(reserve_queue_first(&queue), &vcpu);
}

/* What rests is not owed, and says when it will be. */
static void
test_reserve_queued_and_resting_is_owed_at_the_next_period(void **state)
{
	(void)state;
	reserve_charge(reserve, MS, MS);
	reserve_queue_add(&queue, &vcpu, false, MS);
	assert_null(reserve_queue_first(&queue));
	assert_int_equal(reserve_queue_next_ns(&queue), PERIOD_NS);
	reserve_queue_advance(&queue, PERIOD_NS);
	assert_ptr_equal(reserve_queue_first(&queue), &vcpu);
	assert_int_equal(reserve_queue_next_ns(&queue), DIS_NEVER_NS);
}

/* A change of other settings takes nothing away, and gives nothing. */
static void test_reserve_same_minimum_again_changes_nothing(void **state)
{
	(void)state;
	reserve_charge(reserve, MS / 4, MS);
	reserve_set(reserve, 100);
	assert_int_equal(reserve->left_ns, 3 * MS / 4);
	assert_int_equal(reserve->end_ns, PERIOD_NS);
	reserve_set(reserve, 0);
	assert_int_equal(reserve->left_ns, 0);
	assert_int_equal(reserve->end_ns, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reserve_first_wake_begins_a_period),
		TEST(test_reserve_wake_leaves_what_fits_into_the_rest),
		TEST(test_reserve_wake_gives_nothing_back),
		TEST(test_reserve_queued_again_keeps_its_chunk),
		TEST(test_reserve_wake_after_the_end_begins_anew),
		TEST(test_reserve_charge_over_the_end_counts_what_is_after),
		TEST(test_reserve_periods_stay_in_step),
		TEST(test_reserve_queued_and_owed_has_a_new_chunk_each_period),
		TEST(test_reserve_queued_and_resting_is_owed_at_the_next_period),
		TEST(test_reserve_same_minimum_again_changes_nothing),
	};

	return cmocka_run_group_tests_name("reserve", tests, NULL, NULL);
}
