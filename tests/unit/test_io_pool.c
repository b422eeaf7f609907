/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O threads: who is ready is served, nobody is forgotten, disks do not take all
 * threads, what ends has ended (R: CARD-11). Whom they charge: test_io_charge.c.
 */
#include "test_io_pool_fixture.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void test_pool_serves_who_is_ready(void **state)
{
	struct thing *t = add(*state, 0, false, 1);

	for (unsigned i = 1; i <= 100; i++) {
		io_source_ready(&t->source);
		wait_for(&t->left);
		assert_in_range(atomic_load(&t->serves), i, i);
	}
	io_source_remove(&t->source);
}

static void test_pool_serves_again_while_there_is_more(void **state)
{
	struct thing *t = add(*state, 0, false, 1);

	atomic_store(&t->more, 5);
	io_source_ready(&t->source);
	for (unsigned i = 0; i < 6; i++)
		wait_for(&t->left);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 6);
}

/* What came while it was served was not seen, perhaps. */
static void test_pool_ready_during_a_serve_is_served_after_it(void **state)
{
	struct thing *t = add(*state, 0, false, 1);

	atomic_store(&t->wait, true);
	io_source_ready(&t->source);
	wait_for(&t->entered);
	io_source_ready(&t->source);
	io_source_ready(&t->source);
	sem_post(&t->go_on);
	wait_for(&t->entered);
	sem_post(&t->go_on);
	wait_for(&t->left);
	wait_for(&t->left);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 2);
	assert_int_equal(atomic_load(&t->most_inside), 1);
}

static void test_pool_source_has_as_many_servers_as_it_allows(void **state)
{
	struct thing *t = add(*state, 0, true, 2);

	atomic_store(&t->wait, true);
	for (unsigned i = 0; i < 2; i++) {
		io_source_ready(&t->source);
		wait_for(&t->entered);
	}
	io_source_ready(&t->source);
	atomic_store(&t->wait, false);
	sem_post(&t->go_on);
	sem_post(&t->go_on);
	wait_for(&t->entered);
	for (unsigned i = 0; i < 3; i++)
		wait_for(&t->left);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->most_inside), 2);
}

/* Disks that hang: the network of another guest does not notice. */
static void test_pool_slow_sources_leave_a_thread(void **state)
{
	struct thing *net = add(*state, 6, false, 1);
	struct thing *disks[6];

	for (unsigned i = 0; i < 6; i++) {
		disks[i] = add(*state, i, true, 1);
		atomic_store(&disks[i]->wait, true);
		io_source_ready(&disks[i]->source);
	}
	for (unsigned i = 0; i < IO_POOL_THREADS - 1; i++)
		wait_for(&disks[i]->entered);
	for (unsigned i = 0; i < 50; i++) {
		io_source_ready(&net->source);
		wait_for(&net->left);
	}
	for (unsigned i = IO_POOL_THREADS - 1; i < 6; i++)
		assert_int_equal(atomic_load(&disks[i]->serves), 0);
	/* The others come when one is done. */
	for (unsigned i = 0; i < 6; i++) {
		sem_post(&disks[i]->go_on);
		wait_for(&disks[i]->left);
		io_source_remove(&disks[i]->source);
		assert_int_equal(atomic_load(&disks[i]->serves), 1);
	}
	io_source_remove(&net->source);
}

/* One thread for all that wait, as the others are busy. R: DIS-6 */
static void test_pool_serves_by_priority(void **state)
{
	static const unsigned priorities[] = {6, 2, 7, 0};
	static const unsigned order[] = {3, 1, 0, 2};
	struct thing *busy[IO_POOL_THREADS], *waiting[4];

	for (unsigned i = 0; i < IO_POOL_THREADS; i++) {
		busy[i] = add(*state, i, false, 1);
		atomic_store(&busy[i]->wait, true);
		io_source_ready(&busy[i]->source);
		wait_for(&busy[i]->entered);
	}
	for (unsigned i = 0; i < 4; i++) {
		waiting[i] = add_with(*state, IO_POOL_THREADS + i, false, 1,
				      priorities[i]);
		io_source_ready(&waiting[i]->source);
	}
	sem_post(&busy[0]->go_on);
	for (unsigned i = 0; i < 4; i++)
		wait_for(&waiting[i]->left);
	for (unsigned i = 1; i < IO_POOL_THREADS; i++)
		sem_post(&busy[i]->go_on);
	for (unsigned i = 0; i < IO_POOL_THREADS; i++)
		io_source_remove(&busy[i]->source);
	for (unsigned i = 0; i < 4; i++)
		io_source_remove(&waiting[i]->source);
	for (unsigned i = 1; i < 4; i++)
		assert_true(waiting[order[i - 1]]->at_ns[0] <
			    waiting[order[i]]->at_ns[0]);
}

static void test_pool_stop_is_told_when_nobody_serves(void **state)
{
	struct thing *t = add(*state, 0, true, 2);

	atomic_store(&t->wait, true);
	for (unsigned i = 0; i < 2; i++) {
		io_source_ready(&t->source);
		wait_for(&t->entered);
	}
	io_source_ready(&t->source);
	io_source_stop(&t->source);
	sem_post(&t->go_on);
	sem_post(&t->go_on);
	wait_for(&t->stopped);
	/* What was ready is forgotten, what comes is served. */
	assert_int_equal(atomic_load(&t->serves), 2);
	atomic_store(&t->wait, false);
	io_source_ready(&t->source);
	wait_for(&t->entered);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 3);
}

static void test_pool_stop_of_an_idle_source_is_told(void **state)
{
	struct thing *t = add(*state, 0, false, 1);

	for (unsigned i = 0; i < 50; i++) {
		io_source_stop(&t->source);
		wait_for(&t->stopped);
	}
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 0);
}

static void *let_go(void *arg)
{
	struct thing *t = arg;

	sem_post(&t->go_on);
	return NULL;
}

static void test_pool_remove_waits_for_what_runs(void **state)
{
	for (unsigned i = 0; i < 100; i++) {
		struct thing *t = add(*state, 0, true, 1);
		pthread_t thread;

		atomic_store(&t->wait, true);
		io_source_ready(&t->source);
		wait_for(&t->entered);
		/* Another serve may come, or not, but does not outlive it. */
		atomic_store(&t->wait, false);
		io_source_ready(&t->source);
		/* A stop that nobody will hear of is no matter. */
		if (i % 2)
			io_source_stop(&t->source);
		assert_int_equal(pthread_create(&thread, NULL, let_go, t), 0);
		io_source_remove(&t->source);
		assert_int_equal(atomic_load(&t->inside), 0);
		assert_in_range(atomic_load(&t->serves), 1, 2);
		pthread_join(thread, NULL);
		memset(t, 0xa5, sizeof(*t));
	}
}

static void test_pool_remove_takes_out_who_waits(void **state)
{
	struct thing *blocker[IO_POOL_THREADS];
	struct thing *t;

	for (unsigned i = 0; i < IO_POOL_THREADS - 1; i++) {
		blocker[i] = add(*state, i, true, 1);
		atomic_store(&blocker[i]->wait, true);
		io_source_ready(&blocker[i]->source);
		wait_for(&blocker[i]->entered);
	}
	t = add(*state, 7, true, 1);
	io_source_ready(&t->source);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 0);
	memset(t, 0xa5, sizeof(*t));
	for (unsigned i = 0; i < IO_POOL_THREADS - 1; i++) {
		sem_post(&blocker[i]->go_on);
		io_source_remove(&blocker[i]->source);
	}
}

static void test_pool_descriptor_makes_its_source_ready(void **state)
{
	struct thing *t = add(*state, 0, false, 1);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	assert_int_equal(io_source_watch(&t->source, fd), 0);
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(eventfd_write(fd, 1), 0);
		wait_for(&t->left);
	}
	io_source_unwatch(&t->source, fd);
	io_source_remove(&t->source);
	close(fd);
	assert_int_equal(atomic_load(&t->serves), 20);
}

/* The descriptor's old owner is gone; another source has its slot now. */
static void test_pool_event_of_a_former_source_is_ignored(void **state)
{
	struct fixture *f = *state;
	struct thing *t = add(f, 0, false, 1), *next;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	assert_int_equal(io_source_watch(&t->source, fd), 0);
	io_source_remove(&t->source);
	next = add(f, 1, false, 1);
	assert_int_equal(next->source.slot, t->source.slot);
	assert_int_equal(eventfd_write(fd, 1), 0);
	/* By when that has been looked at. */
	for (unsigned i = 0; i < 50; i++) {
		io_source_stop(&next->source);
		wait_for(&next->stopped);
	}
	io_source_remove(&next->source);
	close(fd);
	assert_int_equal(atomic_load(&t->serves), 0);
	assert_int_equal(atomic_load(&next->serves), 0);
}

/* R: DIS-6 */
static void test_pool_bandwidth_spaces_serves(void **state)
{
	struct fixture *f = *state;
	struct thing *t;

	/* 1 KB per serve at 100 KB/s: 10 pass at once, then one each 10 ms. */
	io_bucket_init(&f->account.bucket, 100000);
	t = add(f, 0, true, 1);
	t->bytes = 1000;
	atomic_store(&t->more, 15);
	io_source_ready(&t->source);
	for (unsigned i = 0; i < 16; i++)
		wait_for(&t->left);
	io_source_remove(&t->source);
	/* None before all but a burst of what went before was paid for. */
	for (unsigned i = 0; i < 16; i++)
		assert_true(t->at_ns[i] + IO_BUCKET_BURST_NS >=
			    t->at_ns[0] + i * 10 * DIS_MS_NS);
	assert_int_equal(atomic_load(&t->serves), 16);
}

/* R: DIS-6: at the old rate it would be served in a day. */
static void test_pool_new_bandwidth_frees_who_is_held_back(void **state)
{
	struct fixture *f = *state;
	struct thing *t;

	io_bucket_init(&f->account.bucket, 1);
	io_bucket_take(&f->account.bucket, 86400, dis_clock_ns());
	t = add(f, 0, false, 1);
	io_source_ready(&t->source);
	/* So that a thread has looked at it, and idles. */
	for (unsigned i = 0; i < 10; i++)
		sched_yield();
	assert_int_equal(atomic_load(&t->serves), 0);
	io_account_set_rate(f->pool, &f->account, 1000000000);
	wait_for(&t->left);
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&t->serves), 1);
}

/* R: DIS-6: three disks hang, so that those that wait are served in their order. */
static void test_pool_new_priority_of_one_that_waits(void **state)
{
	struct thing *busy, *first, *second;
	struct fixture *f = *state;

	busy = add(f, 0, true, IO_POOL_THREADS - 1);
	atomic_store(&busy->wait, true);
	for (unsigned i = 0; i < IO_POOL_THREADS - 1; i++) {
		io_source_ready(&busy->source);
		wait_for(&busy->entered);
	}
	first = add(f, 1, true, 1);
	second = add(f, 2, true, 1);
	atomic_store(&first->wait, true);
	atomic_store(&second->wait, true);
	io_source_ready(&first->source);
	io_source_ready(&second->source);
	/* Both are in the order once a quick one behind them was served. */
	{
		struct thing *quick = add_with(f, 3, false, 1, 7);

		io_source_ready(&quick->source);
		wait_for(&quick->left);
		io_source_remove(&quick->source);
	}
	io_source_set_priority(&second->source, 0);
	sem_post(&busy->go_on);
	wait_for(&second->entered);
	assert_int_equal(atomic_load(&first->serves), 0);
	sem_post(&second->go_on);
	wait_for(&first->entered);
	sem_post(&first->go_on);
	for (unsigned i = 0; i < IO_POOL_THREADS - 2; i++)
		sem_post(&busy->go_on);
	io_source_remove(&busy->source);
	io_source_remove(&first->source);
	io_source_remove(&second->source);
}

/*
 * One is held back by its bandwidth while the thread that found this out serves a disk
 * that hangs: another one must remember its time.
 */
static void test_pool_who_is_held_back_is_not_forgotten(void **state)
{
	struct fixture *f = *state;
	struct io_account limited;
	struct thing *held, *disk;

	for (unsigned i = 0; i < 30; i++) {
		io_bucket_init(&limited.bucket, 1000000);
		limited.charge = NULL;
		io_bucket_take(&limited.bucket, 103000, dis_clock_ns());
		held = add(f, 0, false, 1);
		held->source.turn.bucket = &limited.bucket;
		disk = add(f, 1, true, 1);
		atomic_store(&disk->wait, true);
		io_source_ready(&held->source);
		io_source_ready(&disk->source);
		wait_for(&disk->entered);
		wait_for(&held->left);
		sem_post(&disk->go_on);
		io_source_remove(&disk->source);
		io_source_remove(&held->source);
	}
}

/* Senders on several threads, as vCPUs are, against the sleep of the servers. */
struct sender {
	struct thing *things;
	unsigned n;
	unsigned rounds;
};

static void *send_ready(void *arg)
{
	const struct sender *s = arg;

	for (unsigned i = 0; i < s->rounds; i++)
		io_source_ready(&s->things[i % s->n].source);
	return NULL;
}

/* What was written before the ready is seen by a serve after it. */
static void counting_serve(struct io_source *source, struct io_work *work)
{
	struct thing *t = (struct thing *)source;
	unsigned due = atomic_exchange(&t->more, 0);

	(void)work;
	atomic_fetch_add(&t->serves, 1);
	while (due--)
		sem_post(&t->left);
}

static const struct io_source_ops counting_ops = {.serve = counting_serve};

static void test_pool_forgets_nobody(void **state)
{
	enum {
		ROUNDS = 20000
	};
	struct fixture *f = *state;
	struct sender sender = {f->things, 4, ROUNDS};
	pthread_t threads[2];

	for (unsigned i = 0; i < 4; i++)
		add(f, i, i % 2, 1)->source.ops = &counting_ops;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_ready,
						&sender),
				 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct thing *t = &f->things[i % 4];

		atomic_fetch_add(&t->more, 1);
		io_source_ready(&t->source);
		wait_for(&t->left);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 4; i++)
		io_source_remove(&f->things[i].source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pool_serves_who_is_ready),
		T(test_pool_serves_again_while_there_is_more),
		T(test_pool_ready_during_a_serve_is_served_after_it),
		T(test_pool_source_has_as_many_servers_as_it_allows),
		T(test_pool_slow_sources_leave_a_thread),
		T(test_pool_serves_by_priority),
		T(test_pool_stop_is_told_when_nobody_serves),
		T(test_pool_stop_of_an_idle_source_is_told),
		T(test_pool_remove_waits_for_what_runs),
		T(test_pool_remove_takes_out_who_waits),
		T(test_pool_descriptor_makes_its_source_ready),
		T(test_pool_event_of_a_former_source_is_ignored),
		T(test_pool_bandwidth_spaces_serves),
		T(test_pool_new_bandwidth_frees_who_is_held_back),
		T(test_pool_new_priority_of_one_that_waits),
		T(test_pool_who_is_held_back_is_not_forgotten),
		T(test_pool_forgets_nobody),
	};

	return cmocka_run_group_tests_name("io-pool", tests, NULL, NULL);
}
