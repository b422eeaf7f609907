/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: posts from other threads (R: EVO-B2). No sleeps: threads count.
 * Meant for ThreadSanitizer as well.
 */
#include "test_lapic_fixture.h"

#include <pthread.h>

#define ROUNDS 20000u
#define VECTORS 64u
#define FIRST_VECTOR 0x40u

/*
 * Each sender counts up a word of its own, then sends; whoever got the vector
 * must see the count.
 */
struct sender {
	struct fixture *f;
	uint8_t vector;
	unsigned refused; /* posts that were not new */
	_Atomic uint64_t sent;
	uint64_t payload;
	_Atomic uint64_t acknowledged;
};

static void *send_rounds(void *arg)
{
	struct sender *s = arg;

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		s->payload = round;
		s->refused += !lapic_post(s->f->cpus[0], s->vector, false);
		while (atomic_load_explicit(&s->acknowledged,
					    memory_order_acquire) != round)
			sched_yield();
	}
	return NULL;
}

/* Nothing is lost and what was written before a post is visible after sync. */
static void test_lapic_post_from_threads_is_ordered_and_complete(void **state)
{
	struct fixture *f = *state;
	struct sender senders[2] = {
		{.f = f, .vector = 0x51},
		{.f = f, .vector = 0x92},
	};
	pthread_t threads[2];
	uint64_t seen[2] = {0};

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_rounds,
						&senders[i]),
				 0);
	while (seen[0] < ROUNDS || seen[1] < ROUNDS) {
		int vector;
		struct sender *s;

		lapic_sync(f->cpus[0]);
		vector = lapic_accept(f->cpus[0]);
		if (vector < 0) {
			sched_yield();
			continue;
		}
		s = &senders[vector == 0x92];
		assert_int_equal(s->payload, ++seen[vector == 0x92]);
		wr(f, 0, EOI, 0);
		atomic_store_explicit(&s->acknowledged, s->payload,
				      memory_order_release);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(senders[i].refused, 0);
	}
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
}

/* Two vCPUs on two threads that interrupt each other by ICR in turn. */
struct player {
	struct fixture *f;
	unsigned self;
	unsigned other;
	unsigned received;
};

static void *play(void *arg)
{
	struct player *p = arg;
	struct lapic *l = p->f->cpus[p->self];

	if (p->self == 0)
		lapic_msr_write(l, ICR, UINT64_C(1) << 32 | 0x4041, p->f->now);
	while (p->received < ROUNDS) {
		lapic_sync(l);
		if (lapic_accept(l) < 0) {
			sched_yield();
			continue;
		}
		p->received++;
		lapic_msr_write(l, EOI, 0, p->f->now);
		lapic_msr_write(l, TPR, p->received % 4 << 4, p->f->now);
		lapic_msr_write(l, TPR, 0, p->f->now);
		lapic_msr_write(l, ICR, (uint64_t)p->other << 32 | 0x4041,
				p->f->now);
	}
	return NULL;
}

static void ignore_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

static void test_lapic_icr_between_threads_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct player players[2] = {
		{.f = f, .self = 0, .other = 1},
		{.f = f, .self = 1, .other = 0},
	};
	pthread_t threads[2];

	f->bus.wake = ignore_wake;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, play,
						&players[i]),
				 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(players[i].received, ROUNDS);
	}
}

/* Lowest priority and events, against an owner that changes its own state. */
static void *storm(void *arg)
{
	struct fixture *f = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		lapic_msr_write(f->cpus[1], ICR, UINT64_C(0xf) << 32 | 0x4941,
				f->now);
		lapic_post_nmi(f->cpus[0]);
		lapic_post(f->cpus[0], 0x61, i & 1);
		if (i % 64 == 0) {
			lapic_post_init(f->cpus[0]);
			lapic_post_sipi(f->cpus[0], 0x10);
		}
	}
	return NULL;
}

static void test_lapic_post_while_owner_changes_state_is_safe(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	f->bus.wake = ignore_wake;
	assert_int_equal(pthread_create(&thread, NULL, storm, f), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		lapic_sync(f->cpus[0]);
		lapic_take_init(f->cpus[0]);
		lapic_take_sipi(f->cpus[0]);
		lapic_take_nmi(f->cpus[0]);
		wr(f, 0, SVR, i % 8 ? 0x1ff : 0xff);
		wr(f, 0, TPR, i % 16 << 4);
		lapic_accept(f->cpus[0]);
		wr(f, 0, EOI, 0);
	}
	pthread_join(thread, NULL);
	lapic_sync(f->cpus[0]);
	assert_int_equal(rd(f, 0, IRR), 0);
}

/* R: EVO-B2: of many posts of one vector, one is told to wake per sync. */
static void *post_all(void *arg)
{
	struct sender *s = arg;
	uint64_t fresh = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t vector = (uint8_t)(FIRST_VECTOR + i % VECTORS);

		fresh += lapic_post(s->f->cpus[0], vector, false);
	}
	atomic_store_explicit(&s->sent, fresh, memory_order_relaxed);
	return NULL;
}

static void test_lapic_post_by_two_threads_counts_each_vector_once(void **state)
{
	struct fixture *f = *state;
	struct sender senders[2] = {{.f = f}, {.f = f}};
	pthread_t threads[2];
	uint64_t fresh = 0;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_all,
						&senders[i]),
				 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		fresh += atomic_load(&senders[i].sent);
	}
	assert_int_equal(fresh, VECTORS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(test_lapic_post_from_threads_is_ordered_and_complete),
		T4(test_lapic_icr_between_threads_loses_nothing),
		T4(test_lapic_post_while_owner_changes_state_is_safe),
		T1(test_lapic_post_by_two_threads_counts_each_vector_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
