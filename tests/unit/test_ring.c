/* SPDX-License-Identifier: Apache-2.0 */
/* Event rings (R: ST-6): order, loss, two threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sched/ring.h"

#define SIZE 8u

static void put(struct event_ring *ring, uint64_t n)
{
	event_ring_put(ring, &(struct dis_event){.time_ns = n, .arg = ~n});
}

static void test_ring_empty_gives_nothing(void **state)
{
	struct event_ring ring;
	struct dis_event out[4];

	(void)state;
	assert_int_equal(event_ring_init(&ring, SIZE), 0);
	assert_int_equal(event_ring_take(&ring, out, 4), 0);
	event_ring_fini(&ring);
}

/* Events that are off cost nothing and are not counted as lost. */
static void test_ring_without_room_is_off(void **state)
{
	struct event_ring ring;
	struct dis_event out;

	(void)state;
	assert_int_equal(event_ring_init(&ring, 0), 0);
	put(&ring, 1);
	assert_int_equal(event_ring_take(&ring, &out, 1), 0);
	assert_int_equal(ring.lost, 0);
	event_ring_fini(&ring);
}

static void test_ring_wraps_in_order(void **state)
{
	struct event_ring ring;
	struct dis_event out[3];
	uint64_t expected = 0;

	(void)state;
	assert_int_equal(event_ring_init(&ring, SIZE), 0);
	for (uint64_t n = 0; n < 300; n += 3) {
		put(&ring, n);
		put(&ring, n + 1);
		put(&ring, n + 2);
		assert_int_equal(event_ring_take(&ring, out, 3), 3);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(out[i].time_ns, expected++);
	}
	event_ring_fini(&ring);
}

/* The oldest stay: what led to the loss is what matters. */
static void test_ring_full_drops_new_and_counts(void **state)
{
	struct event_ring ring;
	struct dis_event out[SIZE + 4];

	(void)state;
	assert_int_equal(event_ring_init(&ring, SIZE), 0);
	for (unsigned n = 0; n < SIZE + 4; n++)
		put(&ring, n);
	assert_int_equal(ring.lost, 4);
	assert_int_equal(event_ring_take(&ring, out, SIZE + 4), SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(out[i].time_ns, i);
	put(&ring, 99);
	assert_int_equal(event_ring_take(&ring, out, 4), 1);
	assert_int_equal(out[0].time_ns, 99);
	event_ring_fini(&ring);
}

static void *writer(void *arg)
{
	for (uint64_t n = 0; n < 300000; n++)
		put(arg, n);
	return NULL;
}

/* Whole events only, in order; taken plus lost is all. */
static void test_ring_two_threads_lose_nothing_uncounted(void **state)
{
	struct dis_event out[16];
	struct event_ring ring;
	uint64_t taken = 0, next = 0;
	pthread_t thread;
	bool done = false;

	(void)state;
	assert_int_equal(event_ring_init(&ring, 64), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer, &ring), 0);
	for (;;) {
		unsigned n = event_ring_take(&ring, out, 16);

		for (unsigned i = 0; i < n; i++) {
			assert_true(out[i].time_ns >= next);
			assert_int_equal(out[i].arg, ~out[i].time_ns);
			next = out[i].time_ns + 1;
		}
		taken += n;
		if (n)
			continue;
		if (done)
			break;
		/* Once all lie in the ring or are lost, one more look. */
		if (next == 300000 ||
		    taken + __atomic_load_n(&ring.lost, __ATOMIC_RELAXED) ==
			    300000) {
			pthread_join(thread, NULL);
			done = true;
		}
	}
	assert_int_equal(taken + ring.lost, 300000);
	event_ring_fini(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_empty_gives_nothing),
		cmocka_unit_test(test_ring_without_room_is_off),
		cmocka_unit_test(test_ring_wraps_in_order),
		cmocka_unit_test(test_ring_full_drops_new_and_counts),
		cmocka_unit_test(test_ring_two_threads_lose_nothing_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
