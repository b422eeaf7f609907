/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bandwidth and the order in which devices are served, under a virtual clock
 * (R: DIS-6).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "io/order.h"

#define RATE 1000000u /* bytes per second: a byte per microsecond */
#define BURST_BYTES (RATE / 10u)

static void test_bucket_without_rate_lets_everything_pass(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, 0);
	io_bucket_take(&bucket, UINT64_MAX, 5);
	assert_int_equal(io_bucket_ready_ns(&bucket), 0);
}

static void test_bucket_begins_full(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, BURST_BYTES, DIS_S_NS);
	assert_int_equal(io_bucket_ready_ns(&bucket), DIS_S_NS);
	io_bucket_take(&bucket, 1, DIS_S_NS);
	assert_int_equal(io_bucket_ready_ns(&bucket), DIS_S_NS + DIS_US_NS);
}

/* What is too large passes, and is paid for before the next. */
static void test_bucket_large_request_is_paid_for_later(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, 3 * RATE, 0);
	assert_int_equal(io_bucket_ready_ns(&bucket),
			 3 * DIS_S_NS - IO_BUCKET_BURST_NS);
}

static void test_bucket_saves_no_more_than_a_burst(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, BURST_BYTES, 0);
	io_bucket_take(&bucket, BURST_BYTES, 3600 * DIS_S_NS);
	assert_int_equal(io_bucket_ready_ns(&bucket), 3600 * DIS_S_NS);
}

static void test_bucket_extreme_amounts_saturate(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, 1);
	io_bucket_take(&bucket, UINT64_MAX, 0);
	assert_int_equal(io_bucket_ready_ns(&bucket),
			 DIS_NEVER_NS - IO_BUCKET_BURST_NS);
	io_bucket_init(&bucket, UINT64_MAX);
	io_bucket_take(&bucket, 1, 7);
	/* A nanosecond at least: nothing is for free. */
	assert_int_equal(bucket.paid_until_ns, 8);
}

/* Raised: a debt made at a slow rate is not waited for at that rate. */
static void test_bucket_of_a_higher_rate_owes_less_time(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, 3 * RATE, DIS_S_NS);
	io_bucket_set_rate(&bucket, 3 * RATE, 2 * DIS_S_NS);
	/* Two thirds were left, of 2 s. */
	assert_int_equal(bucket.paid_until_ns,
			 2 * DIS_S_NS + 2 * DIS_S_NS / 3 + 1);
}

/* Lowered: what was fair before is not waited for longer. */
static void test_bucket_of_a_lower_rate_owes_no_more_time(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, 1000 * RATE);
	io_bucket_take(&bucket, 1000 * BURST_BYTES, DIS_S_NS);
	io_bucket_set_rate(&bucket, 1, DIS_S_NS);
	assert_int_equal(io_bucket_ready_ns(&bucket), DIS_S_NS);
	io_bucket_take(&bucket, 1, DIS_S_NS);
	assert_int_equal(io_bucket_ready_ns(&bucket), 2 * DIS_S_NS);
}

static void test_bucket_without_rate_any_more_owes_nothing(void **state)
{
	struct io_bucket bucket;

	(void)state;
	io_bucket_init(&bucket, 1);
	io_bucket_take(&bucket, UINT64_MAX, 0);
	io_bucket_set_rate(&bucket, 0, 5);
	assert_int_equal(io_bucket_ready_ns(&bucket), 0);
	io_bucket_set_rate(&bucket, RATE, 5);
	assert_int_equal(io_bucket_ready_ns(&bucket), 0);
}

/*
 * A greedy guest with requests of odd sizes: in any window of a second no more than
 * the rate, the burst and one request.
 */
static void test_bucket_rate_holds_in_every_window(void **state)
{
	enum {
		REQUESTS = 4000,
		MOST = 4096
	};
	static uint64_t at_ns[REQUESTS], bytes[REQUESTS];
	struct io_bucket bucket;
	uint64_t now_ns = 12345;
	uint32_t random = 1;

	(void)state;
	io_bucket_init(&bucket, RATE);
	for (unsigned i = 0; i < REQUESTS; i++) {
		random = random * 1103515245u + 12345u;
		bytes[i] = 1 + (random >> 16) % MOST;
		now_ns = dis_ns_max(now_ns, io_bucket_ready_ns(&bucket));
		at_ns[i] = now_ns;
		io_bucket_take(&bucket, bytes[i], now_ns);
		/* Now and then it has nothing to do. */
		if (i % 500 == 499)
			now_ns += 300 * DIS_MS_NS;
	}
	for (unsigned from = 0; from < REQUESTS; from++) {
		uint64_t sum = 0;

		for (unsigned i = from; i < REQUESTS; i++) {
			if (at_ns[i] - at_ns[from] > DIS_S_NS)
				break;
			sum += bytes[i];
			assert_true(sum <= RATE + BURST_BYTES + MOST);
		}
	}
}

static struct io_turn turn(unsigned priority, bool slow,
			   struct io_bucket *bucket)
{
	return (struct io_turn){
		.priority = priority, .slow = slow, .bucket = bucket};
}

static void test_order_empty_gives_nobody(void **state)
{
	struct io_order order;

	(void)state;
	io_order_init(&order);
	assert_null(io_order_take(&order, 0, true));
	assert_false(io_order_any(&order));
	assert_int_equal(io_order_due_ns(&order), DIS_NEVER_NS);
}

static void test_order_goes_by_priority_then_in_turn(void **state)
{
	struct io_turn low = turn(7, false, NULL), high = turn(0, true, NULL);
	struct io_turn a = turn(4, false, NULL), b = turn(4, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_order_put(&order, &low);
	io_order_put(&order, &a);
	io_order_put(&order, &b);
	io_order_put(&order, &high);
	assert_true(io_order_any(&order));
	assert_ptr_equal(io_order_take(&order, 0, true), &high);
	assert_ptr_equal(io_order_take(&order, 0, true), &a);
	/* It has more to do: behind the other one. */
	io_order_put(&order, &a);
	assert_ptr_equal(io_order_take(&order, 0, true), &b);
	assert_ptr_equal(io_order_take(&order, 0, true), &a);
	assert_ptr_equal(io_order_take(&order, 0, true), &low);
	assert_null(io_order_take(&order, 0, true));
}

/* Who is held back by a rate that is no more comes at once; by one that is, is held. */
static void test_order_renewed_looks_at_those_held_back_anew(void **state)
{
	struct io_bucket freed, kept;
	struct io_turn a = turn(4, false, &freed), b = turn(4, false, &kept);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_bucket_init(&freed, 1);
	io_bucket_init(&kept, 1);
	io_bucket_take(&freed, 10, 0);
	io_bucket_take(&kept, 10, 0);
	io_order_put(&order, &a);
	io_order_put(&order, &b);
	assert_null(io_order_take(&order, 5, true));
	assert_false(io_order_any(&order));
	io_bucket_set_rate(&freed, 0, 5);
	io_order_renew(&order);
	assert_true(io_order_any(&order));
	assert_ptr_equal(io_order_take(&order, 5, true), &a);
	assert_null(io_order_take(&order, 5, true));
	assert_int_equal(io_order_due_ns(&order), io_bucket_ready_ns(&kept));
	io_order_remove(&order, &b);
}

static void test_order_quick_ones_go_first_among_equals(void **state)
{
	struct io_turn slow = turn(4, true, NULL), quick = turn(4, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	for (unsigned i = 0; i < 2 * IO_QUICK_TURNS; i++) {
		io_order_put(&order, &slow);
		io_order_put(&order, &quick);
		assert_ptr_equal(io_order_take(&order, 0, true), &quick);
		assert_ptr_equal(io_order_take(&order, 0, true), &slow);
	}
}

/* R: DIS-6. Guests that flood consoles do not keep others' disks out. */
static void test_order_slow_one_waits_for_so_many_quick_ones(void **state)
{
	struct io_turn slow = turn(4, true, NULL);
	struct io_turn quick[4];
	struct io_order order;

	(void)state;
	io_order_init(&order);
	for (unsigned i = 0; i < 4; i++) {
		quick[i] = turn(4, false, NULL);
		io_order_put(&order, &quick[i]);
	}
	for (unsigned round = 0; round < 3; round++) {
		/* Before it waits they have as many turns as they like. */
		for (unsigned i = 0; i < 100; i++)
			io_order_put(&order, io_order_take(&order, 0, true));
		io_order_put(&order, &slow);
		for (unsigned i = 0; i < IO_QUICK_TURNS; i++) {
			struct io_turn *t = io_order_take(&order, 0, true);

			assert_ptr_equal(t, &quick[i % 4]);
			io_order_put(&order, t);
		}
		assert_ptr_equal(io_order_take(&order, 0, true), &slow);
	}
}

/* The thread that is not for slow ones counts no turns, and takes none of them. */
static void
test_order_bound_of_quick_ones_needs_a_thread_for_slow_ones(void **state)
{
	struct io_turn slow = turn(4, true, NULL), quick = turn(4, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_order_put(&order, &slow);
	for (unsigned i = 0; i < 2 * IO_QUICK_TURNS; i++) {
		io_order_put(&order, &quick);
		assert_ptr_equal(io_order_take(&order, 0, i % 2), &quick);
	}
	io_order_put(&order, &quick);
	assert_ptr_equal(io_order_take(&order, 0, false), &quick);
	io_order_put(&order, &quick);
	assert_ptr_equal(io_order_take(&order, 0, true), &slow);
	assert_ptr_equal(io_order_take(&order, 0, true), &quick);
}

/* It has waited long enough, but for its bandwidth: the quick ones go on. */
static void
test_order_slow_one_without_bandwidth_stops_no_quick_one(void **state)
{
	struct io_bucket bucket;
	struct io_turn slow = turn(4, true, &bucket);
	struct io_turn quick = turn(4, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, BURST_BYTES + 1000, 0);
	io_order_put(&order, &slow);
	for (unsigned i = 0; i < 3 * IO_QUICK_TURNS; i++) {
		io_order_put(&order, &quick);
		assert_ptr_equal(io_order_take(&order, 0, true), &quick);
	}
	assert_ptr_equal(io_order_take(&order, DIS_MS_NS, true), &slow);
}

/* All threads but one wait for disks: the last one is not for them. */
static void test_order_without_slow_ones_passes_them_over(void **state)
{
	struct io_turn slow = turn(0, true, NULL), quick = turn(7, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_order_put(&order, &slow);
	assert_null(io_order_take(&order, 0, false));
	io_order_put(&order, &quick);
	assert_ptr_equal(io_order_take(&order, 0, false), &quick);
	assert_ptr_equal(io_order_take(&order, 0, true), &slow);
}

static void test_order_holds_back_who_has_used_its_bandwidth(void **state)
{
	struct io_bucket bucket;
	struct io_turn poor = turn(0, false, &bucket);
	struct io_turn other = turn(7, false, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, BURST_BYTES + 1000, 0);
	io_order_put(&order, &poor);
	io_order_put(&order, &other);
	assert_ptr_equal(io_order_take(&order, 0, true), &other);
	assert_null(io_order_take(&order, DIS_MS_NS - 1, true));
	assert_int_equal(io_order_due_ns(&order), DIS_MS_NS);
	assert_ptr_equal(io_order_take(&order, DIS_MS_NS, true), &poor);
	assert_int_equal(io_order_due_ns(&order), DIS_NEVER_NS);
}

/* Two devices of a guest share a bucket: what one uses, the other lacks. */
static void test_order_devices_of_a_guest_share_its_bandwidth(void **state)
{
	struct io_bucket bucket;
	struct io_turn disk = turn(4, true, &bucket);
	struct io_turn net = turn(4, false, &bucket);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_bucket_init(&bucket, RATE);
	io_order_put(&order, &disk);
	io_order_put(&order, &net);
	assert_ptr_equal(io_order_take(&order, 0, true), &net);
	io_bucket_take(&bucket, BURST_BYTES + 500, 0);
	assert_null(io_order_take(&order, 0, true));
	/* It was due, but the other one came first. */
	io_bucket_take(&bucket, 500, 0);
	assert_null(io_order_take(&order, 500 * DIS_US_NS, true));
	assert_int_equal(io_order_due_ns(&order), DIS_MS_NS);
	assert_ptr_equal(io_order_take(&order, DIS_MS_NS, true), &disk);
}

static void test_order_removed_ones_are_not_served(void **state)
{
	struct io_bucket bucket;
	struct io_turn held = turn(0, false, &bucket);
	struct io_turn ready = turn(0, true, NULL);
	struct io_order order;

	(void)state;
	io_order_init(&order);
	io_bucket_init(&bucket, RATE);
	io_bucket_take(&bucket, RATE, 0);
	io_order_put(&order, &held);
	io_order_put(&order, &ready);
	assert_null(io_order_take(&order, 0, false));
	io_order_remove(&order, &held);
	io_order_remove(&order, &ready);
	assert_null(io_order_take(&order, 3600 * DIS_S_NS, true));
	assert_int_equal(io_order_due_ns(&order), DIS_NEVER_NS);
}

/*
 * Three guests that always have something to do, of which one is limited: it gets
 * its rate, the other two all else, in equal parts.
 */
static void test_order_limit_of_one_is_room_for_the_others(void **state)
{
	enum {
		REQUEST = 1000,
		SERVE_NS = 100 * 1000
	};
	struct io_bucket buckets[3];
	struct io_turn turns[3];
	uint64_t bytes[3] = {0};
	struct io_order order;

	(void)state;
	io_order_init(&order);
	for (unsigned i = 0; i < 3; i++) {
		io_bucket_init(&buckets[i], i ? 0 : RATE);
		turns[i] = turn(4, true, &buckets[i]);
		io_order_put(&order, &turns[i]);
	}
	for (uint64_t now_ns = 0; now_ns < 10 * DIS_S_NS; now_ns += SERVE_NS) {
		struct io_turn *t = io_order_take(&order, now_ns, true);

		assert_non_null(t);
		bytes[t - turns] += REQUEST;
		io_bucket_take(t->bucket, REQUEST, now_ns);
		io_order_put(&order, t);
	}
	/* 100 requests of 100 us each make 10 ms; 10 MB/s can be had. */
	assert_in_range(bytes[0], 10 * RATE, 10 * RATE + BURST_BYTES + REQUEST);
	assert_in_range(bytes[1], 44 * (uint64_t)RATE, 46 * (uint64_t)RATE);
	assert_in_range(bytes[1] - bytes[2] + REQUEST, 0, 2 * REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket_without_rate_lets_everything_pass),
		cmocka_unit_test(test_bucket_begins_full),
		cmocka_unit_test(test_bucket_large_request_is_paid_for_later),
		cmocka_unit_test(test_bucket_saves_no_more_than_a_burst),
		cmocka_unit_test(test_bucket_extreme_amounts_saturate),
		cmocka_unit_test(test_bucket_of_a_higher_rate_owes_less_time),
		cmocka_unit_test(test_bucket_of_a_lower_rate_owes_no_more_time),
		cmocka_unit_test(test_bucket_without_rate_any_more_owes_nothing),
		cmocka_unit_test(
			test_order_renewed_looks_at_those_held_back_anew),
		cmocka_unit_test(test_bucket_rate_holds_in_every_window),
		cmocka_unit_test(test_order_empty_gives_nobody),
		cmocka_unit_test(test_order_goes_by_priority_then_in_turn),
		cmocka_unit_test(test_order_quick_ones_go_first_among_equals),
		cmocka_unit_test(
			test_order_slow_one_waits_for_so_many_quick_ones),
		cmocka_unit_test(
			test_order_bound_of_quick_ones_needs_a_thread_for_slow_ones),
		cmocka_unit_test(
			test_order_slow_one_without_bandwidth_stops_no_quick_one),
		cmocka_unit_test(test_order_without_slow_ones_passes_them_over),
		cmocka_unit_test(
			test_order_holds_back_who_has_used_its_bandwidth),
		cmocka_unit_test(
			test_order_devices_of_a_guest_share_its_bandwidth),
		cmocka_unit_test(test_order_removed_ones_are_not_served),
		cmocka_unit_test(test_order_limit_of_one_is_room_for_the_others),
	};

	return cmocka_run_group_tests_name("io-order", tests, NULL, NULL);
}
