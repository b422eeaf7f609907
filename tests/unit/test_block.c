/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a disk image by I/O threads (R: CARD-11, EVO-E3). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/block.h"

#define SECTOR IMAGE_SECTOR_BYTES
#define SECTORS 64u

struct fixture {
	struct image image;
	struct io_pool *pool;
	struct io_account account;
	struct block block;
	sem_t done;
	atomic_ullong charged_ns[2];
	atomic_uint order; /* requests done so far */
};

struct request {
	struct block_request request;
	struct iovec iov;
	struct fixture *f;
	int err;
	unsigned place;
	char data[SECTOR];
};

/* The disk of test_block_close_... waits in here. */
static sem_t entered, go_on;
static atomic_uint begun;

static ssize_t waiting_readv(int fd, const struct iovec *iov, int n,
			     off_t offset)
{
	atomic_fetch_add(&begun, 1);
	sem_post(&entered);
	while (sem_wait(&go_on))
		;
	return preadv(fd, iov, n, offset);
}

static const struct image_host_ops waiting = {
	.readv = waiting_readv,
	.writev = pwritev2,
	.sync = fdatasync,
};

static void on_charge(void *ctx, unsigned vcpu, uint64_t ns)
{
	struct fixture *f = ctx;

	atomic_fetch_add(&f->charged_ns[vcpu], ns);
}

static void on_done(struct block_request *request, int err)
{
	struct request *r = request->ctx;

	r->err = err;
	r->place = atomic_fetch_add(&r->f->order, 1);
	sem_post(&r->f->done);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[] = "/tmp/test_block.XXXXXX", err[256];
	int fd;

	assert_non_null(f);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)SECTORS * SECTOR), 0);
	close(fd);
	assert_int_equal(image_open(path, false, &f->image, err, sizeof(err)),
			 0);
	unlink(path);
	sem_init(&f->done, 0, 0);
	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	f->account = (struct io_account){.charge = on_charge, .ctx = f};
	assert_int_equal(io_pool_create(&f->pool), 0);
	assert_int_equal(io_pool_start(f->pool), 0);
	assert_int_equal(block_open(&f->block, &f->image, f->pool, &f->account,
				    IO_PRIORITY_DEFAULT),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	io_pool_destroy(f->pool);
	image_close(&f->image);
	free(f);
	return 0;
}

static void submit(struct fixture *f, struct request *r, enum image_op op,
		   unsigned sector, unsigned vcpu)
{
	r->f = f;
	r->err = 1;
	r->iov = (struct iovec){r->data, SECTOR};
	r->request = (struct block_request){
		.op = op,
		.offset = (uint64_t)sector * SECTOR,
		.iov = &r->iov,
		.n = op == IMAGE_FLUSH ? 0 : 1,
		.vcpu = vcpu,
		.done = on_done,
		.ctx = r,
	};
	block_submit(&f->block, &r->request);
}

static void wait_done(struct fixture *f, unsigned n)
{
	while (n--)
		while (sem_wait(&f->done))
			;
}

static void test_block_requests_are_done_in_order(void **state)
{
	struct fixture *f = *state;
	static struct request r[2 * SECTORS + 1];

	for (unsigned i = 0; i < SECTORS; i++) {
		memset(r[i].data, (int)i, SECTOR);
		submit(f, &r[i], IMAGE_WRITE, i, 0);
		submit(f, &r[SECTORS + i], IMAGE_READ, i, 0);
	}
	submit(f, &r[2 * SECTORS], IMAGE_FLUSH, 0, 0);
	wait_done(f, 2 * SECTORS + 1);
	for (unsigned i = 0; i < SECTORS; i++) {
		assert_int_equal(r[i].err, 0);
		assert_int_equal(r[i].place, 2 * i);
		assert_int_equal(r[SECTORS + i].place, 2 * i + 1);
		assert_memory_equal(r[i].data, r[SECTORS + i].data, SECTOR);
	}
	assert_int_equal(r[2 * SECTORS].err, 0);
	assert_int_equal(r[2 * SECTORS].place, 2 * SECTORS);
	block_close(&f->block);
}

static void test_block_error_reaches_the_device(void **state)
{
	struct fixture *f = *state;
	struct request r;

	submit(f, &r, IMAGE_READ, SECTORS, 0);
	wait_done(f, 1);
	assert_int_equal(r.err, -EINVAL);
	block_close(&f->block);
}

/* R: EVO-E3 */
static void test_block_time_is_charged_to_the_vcpu(void **state)
{
	struct fixture *f = *state;
	struct request r;

	submit(f, &r, IMAGE_READ, 0, 1);
	wait_done(f, 1);
	/* What was done is charged before the device is gone. */
	block_close(&f->block);
	assert_int_equal(atomic_load(&f->charged_ns[0]), 0);
	assert_true(atomic_load(&f->charged_ns[1]) > 0);
}

static void *let_go(void *arg)
{
	(void)arg;
	/* Later than the close, as a rule; the test holds in any case. */
	usleep(20000);
	for (unsigned i = 0; i < 3; i++)
		sem_post(&go_on);
	return NULL;
}

/* One is being done, two wait: what was begun is done, and nothing later. */
static void test_block_close_waits_for_what_was_begun(void **state)
{
	struct fixture *f = *state;
	struct request r[3];
	pthread_t thread;
	unsigned done;

	f->image.ops = &waiting;
	for (unsigned i = 0; i < 3; i++)
		submit(f, &r[i], IMAGE_READ, i, 0);
	while (sem_wait(&entered))
		;
	assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
	block_close(&f->block);
	done = atomic_load(&f->order);
	assert_in_range(done, 1, 3);
	assert_int_equal(atomic_load(&begun), done);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(r[i].err, i < done ? 0 : 1);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&f->order), done);
}

/* What the options ask for reaches the order of the I/O threads. R: DIS-6 */
static void test_block_priority_is_its_sources(void **state)
{
	struct fixture *f = *state;
	struct block other;

	assert_int_equal(block_open(&other, &f->image, f->pool, &f->account, 1),
			 0);
	block_close(&other);
	block_close(&f->block);
	assert_int_equal(other.source.turn.priority, 1);
	assert_int_equal(f->block.source.turn.priority, IO_PRIORITY_DEFAULT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_block_requests_are_done_in_order),
		T(test_block_error_reaches_the_device),
		T(test_block_time_is_charged_to_the_vcpu),
		T(test_block_close_waits_for_what_was_begun),
		T(test_block_priority_is_its_sources),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
