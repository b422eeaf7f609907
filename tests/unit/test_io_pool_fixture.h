/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the I/O threads share: a pool, and sources that note what is
 * done with them.
 */
#ifndef DISVM_TEST_IO_POOL_FIXTURE_H
#define DISVM_TEST_IO_POOL_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include <dis/executor.h>

#include "io/pool.h"

/*
 * A source that notes each serve; with @wait it stays in it until it is let go.
 * @more: so many times it says that there is more.
 */
struct thing {
	struct io_source source;
	sem_t entered;
	sem_t go_on;
	sem_t left;
	sem_t stopped;
	atomic_bool wait;
	atomic_uint more;
	atomic_uint serves;
	atomic_uint inside;
	atomic_uint most_inside;
	uint64_t bytes;
	uint64_t at_ns[16]; /* of the first serves */
};

struct fixture {
	struct io_pool *pool;
	struct io_account account;
	struct thing things[8];
};

static inline void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

static inline void serve(struct io_source *source, struct io_work *work)
{
	struct thing *t = (struct thing *)source;
	unsigned inside = atomic_fetch_add(&t->inside, 1) + 1;
	unsigned most = atomic_load(&t->most_inside), n;

	while (inside > most &&
	       !atomic_compare_exchange_weak(&t->most_inside, &most, inside))
		;
	n = atomic_fetch_add(&t->serves, 1);
	if (n < 16)
		t->at_ns[n] = dis_clock_ns();
	work->bytes = t->bytes;
	sem_post(&t->entered);
	if (atomic_load(&t->wait))
		wait_for(&t->go_on);
	if (atomic_load(&t->more)) {
		atomic_fetch_sub(&t->more, 1);
		work->more = true;
	}
	atomic_fetch_sub(&t->inside, 1);
	sem_post(&t->left);
}

static inline unsigned on_stopped(struct io_source *source)
{
	struct thing *t = (struct thing *)source;

	/* Nobody is in there. */
	if (atomic_load(&t->inside))
		abort();
	sem_post(&t->stopped);
	return 3;
}

static const struct io_source_ops ops = {.serve = serve, .stopped = on_stopped};

static inline struct thing *add_with(struct fixture *f, unsigned i, bool slow,
				     unsigned servers_max, unsigned priority)
{
	struct thing *t = &f->things[i];

	memset(t, 0, sizeof(*t));
	sem_init(&t->entered, 0, 0);
	sem_init(&t->go_on, 0, 0);
	sem_init(&t->left, 0, 0);
	sem_init(&t->stopped, 0, 0);
	t->source = (struct io_source){
		.ops = &ops,
		.account = &f->account,
		.priority = priority,
		.slow = slow,
		.servers_max = servers_max,
	};
	assert_int_equal(io_source_add(f->pool, &t->source), 0);
	return t;
}

static inline struct thing *add(struct fixture *f, unsigned i, bool slow,
				unsigned servers_max)
{
	return add_with(f, i, slow, servers_max, IO_PRIORITY_DEFAULT);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(io_pool_create(&f->pool), 0);
	assert_int_equal(io_pool_start(f->pool), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	io_pool_destroy(f->pool);
	free(f);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
