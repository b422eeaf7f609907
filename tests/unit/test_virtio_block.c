/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio block device: requests in all shapes, faults of the disk, bad requests, after
 * virtio 1.2, 5.2 (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/virtio/block.h"
#include "lib/vdriver.h"

#define SECTOR 512u
#define SECTORS 256u
#define FLUSH (UINT64_C(1) << 9)
#define RO (UINT64_C(1) << 5)
#define ALL (FLUSH | VD_F_EVENT_IDX | VD_F_INDIRECT)

enum {
	IN,
	OUT,
	FLUSH_TYPE = 4,
	GET_ID = 8
};
enum {
	OK,
	IOERR,
	UNSUPP,
	NOTHING = 0xee
};

struct fixture {
	struct vdriver d;
	struct virtio_block block;
	struct image image;
	int fd;
	bool stopped;
};

/* What the disk does. */
static struct {
	int error;
	atomic_uint syncs;
	atomic_uint writes_through;
	_Atomic(sem_t *) wait; /* in a read */
	sem_t entered;
} host;

static ssize_t disk_readv(int fd, const struct iovec *iov, int n, off_t offset)
{
	/* Looked at once: whoever lets it go on takes it away first. */
	sem_t *wait = host.wait;

	if (wait) {
		sem_post(&host.entered);
		while (sem_wait(wait))
			;
	}
	errno = host.error;
	return host.error ? -1 : preadv(fd, iov, n, offset);
}

static ssize_t disk_writev(int fd, const struct iovec *iov, int n, off_t offset,
			   int flags)
{
	if (flags & RWF_DSYNC)
		atomic_fetch_add(&host.writes_through, 1);
	errno = host.error;
	return host.error ? -1 : pwritev2(fd, iov, n, offset, flags);
}

static int disk_sync(int fd)
{
	(void)fd;
	atomic_fetch_add(&host.syncs, 1);
	errno = host.error;
	return host.error ? -1 : 0;
}

static const struct image_host_ops disk_ops = {
	.readv = disk_readv,
	.writev = disk_writev,
	.sync = disk_sync,
};

static int set_up(void **state, bool read_only)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[] = "/tmp/test_vblk.XXXXXX", err[256];
	struct virtio_config config;

	assert_non_null(f);
	memset(&host, 0, sizeof(host));
	sem_init(&host.entered, 0, 0);
	f->fd = mkstemp(path);
	assert_true(f->fd >= 0);
	assert_int_equal(ftruncate(f->fd, (off_t)SECTORS * SECTOR), 0);
	assert_int_equal(
		image_open(path, read_only, &f->image, err, sizeof(err)), 0);
	unlink(path);
	f->image.ops = &disk_ops;
	vd_init(&f->d);
	f->d.dev = &f->block.dev;
	config = vd_config(&f->d, "disk0");
	assert_int_equal(virtio_block_init(&f->block, &f->image, &config), 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return set_up(state, false);
}

static int setup_read_only(void **state)
{
	return set_up(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f->stopped)
		virtio_stop(&f->block.dev);
	virtio_destroy(&f->block.dev);
	vd_fini(&f->d);
	image_close(&f->image);
	close(f->fd);
	free(f);
	return 0;
}

/* A request in guest memory: header, data, status. */
struct request {
	uint64_t header;
	uint64_t data;
	uint64_t status;
};

static struct request put_header(struct vdriver *d, uint32_t type,
				 uint64_t sector, uint32_t bytes)
{
	struct request r = {vd_alloc(d, 16), vd_alloc(d, bytes), vd_alloc(d, 1)};
	uint32_t *header = vd_at(d, r.header);

	header[0] = type;
	header[1] = 0;
	memcpy(&header[2], &sector, 8);
	*(uint8_t *)vd_at(d, r.status) = NOTHING;
	return r;
}

static uint8_t status_of(struct vdriver *d, const struct request *r)
{
	return *(uint8_t *)vd_at(d, r->status);
}

/* Put it, in the usual shape. Return: its head. */
static uint16_t put(struct vdriver *d, const struct request *r, uint32_t type,
		    uint32_t bytes, bool table)
{
	struct vd_buffer buffers[3] = {{r->header, 16, false}};
	unsigned n = 1;

	if (bytes)
		buffers[n++] = (struct vd_buffer){r->data, bytes,
						  type == IN || type == GET_ID};
	buffers[n++] = (struct vd_buffer){r->status, 1, true};
	return vd_add(d, 0, buffers, n, table);
}

/* From start to end. */
static uint8_t request(struct vdriver *d, uint32_t type, uint64_t sector,
		       void *data, uint32_t bytes)
{
	struct request r = put_header(d, type, sector, bytes);
	struct vd_used_elem used;
	uint16_t head;

	if (type == OUT)
		memcpy(vd_at(d, r.data), data, bytes);
	head = put(d, &r, type, bytes, false);
	vd_kick(d, 0);
	used = vd_wait(d, 0);
	assert_int_equal(used.id, head);
	if (status_of(d, &r) == OK && type == IN)
		assert_int_equal(used.len, bytes + 1);
	if (type != OUT && bytes)
		memcpy(data, vd_at(d, r.data), bytes);
	return status_of(d, &r);
}

static void test_virtio_block_configuration_says_what_it_is(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vd_read(&f->d, VD_DEVICE_ID), 2);
	assert_int_equal(vd_read_space(&f->d, 0, 8), SECTORS);
	assert_int_equal(vd_read_space(&f->d, 12, 4), 254);
	assert_int_equal(vd_read_space(&f->d, 20, 4), SECTOR);
	assert_false(f->block.dev.offered & RO);
}

static void test_virtio_block_reads_what_was_written(void **state)
{
	struct fixture *f = *state;
	char data[3 * SECTOR], back[3 * SECTOR];

	vd_start(&f->d, ALL, 8);
	memset(data, 'x', sizeof(data));
	assert_int_equal(request(&f->d, OUT, 7, data, sizeof(data)), OK);
	assert_int_equal(request(&f->d, IN, 7, back, sizeof(back)), OK);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(pread(f->fd, back, SECTOR, 9 * SECTOR), SECTOR);
	assert_memory_equal(data, back, SECTOR);
	assert_int_equal(atomic_load(&f->block.dev.stats.requests), 2);
	assert_int_equal(atomic_load(&f->block.dev.stats.write_bytes),
			 sizeof(data));
}

/* 2.7.4: headers and data may be cut anywhere. */
static void test_virtio_block_request_may_be_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct request r;
	char text[SECTOR];

	vd_start(d, ALL, 16);
	memset(text, 'q', sizeof(text));
	assert_int_equal(pwrite(f->fd, text, SECTOR, SECTOR), SECTOR);
	for (unsigned table = 0; table < 2; table++) {
		r = put_header(d, IN, 1, SECTOR);
		/* The status is the last byte, wherever. */
		const struct vd_buffer buffers[] = {
			{r.header, 3, false},
			{r.header + 3, 13, false},
			{r.data, 100, true},
			{r.data + 100, 0, true},
			{r.data + 100, SECTOR - 100 + 1, true},
		};

		vd_add(d, 0, buffers, 5, table);
		vd_kick(d, 0);
		assert_int_equal(vd_wait(d, 0).len, SECTOR + 1);
		assert_memory_equal(vd_at(d, r.data), text, SECTOR);
		assert_int_equal(*(uint8_t *)vd_at(d, r.data + SECTOR), OK);
	}
}

static void test_virtio_block_flush_reaches_the_disk(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = "";

	vd_start(&f->d, ALL, 8);
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR), OK);
	assert_int_equal(atomic_load(&host.syncs), 0);
	assert_int_equal(request(&f->d, FLUSH_TYPE, 0, NULL, 0), OK);
	assert_int_equal(atomic_load(&host.syncs), 1);
	assert_int_equal(atomic_load(&host.writes_through), 0);
}

/* 5.2.6.2: without the feature the driver relies on each write. */
static void test_virtio_block_without_flush_writes_through(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = "";

	vd_start(&f->d, VD_F_EVENT_IDX, 8);
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR), OK);
	assert_int_equal(atomic_load(&host.writes_through), 1);
}

static void test_virtio_block_tells_its_name(void **state)
{
	struct fixture *f = *state;
	char id[20];

	vd_start(&f->d, ALL, 8);
	assert_int_equal(request(&f->d, GET_ID, 0, id, sizeof(id)), OK);
	assert_string_equal(id, "disk0");
	assert_int_equal(request(&f->d, GET_ID, 0, id, 19), IOERR);
}

static void test_virtio_block_unknown_type_is_not_supported(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR];

	vd_start(&f->d, ALL, 8);
	assert_int_equal(request(&f->d, 11, 0, data, SECTOR), UNSUPP);
	assert_int_equal(request(&f->d, UINT32_MAX, 0, NULL, 0), UNSUPP);
}

static void test_virtio_block_range_outside_is_an_error(void **state)
{
	static const uint64_t sectors[] = {SECTORS, SECTORS - 1, UINT64_MAX,
					   UINT64_C(1) << 55};
	struct fixture *f = *state;
	char data[2 * SECTOR];

	vd_start(&f->d, ALL, 8);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(request(&f->d, IN, sectors[i], data,
					 sizeof(data)),
				 IOERR);
		assert_int_equal(request(&f->d, OUT, sectors[i], data,
					 sizeof(data)),
				 IOERR);
	}
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR + 1), IOERR);
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR - 1), IOERR);
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR), OK);
}

static void test_virtio_block_read_only_takes_no_writes(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = "";

	assert_true(f->block.dev.offered & RO);
	vd_start(&f->d, ALL | RO, 8);
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR), IOERR);
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR), OK);
	assert_int_equal(request(&f->d, FLUSH_TYPE, 0, NULL, 0), OK);
}

static void test_virtio_block_error_of_disk_is_told_and_passes(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = "";

	vd_start(&f->d, ALL, 8);
	host.error = EIO;
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR), IOERR);
	host.error = ENOSPC;
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR), IOERR);
	host.error = 0;
	assert_int_equal(request(&f->d, OUT, 0, data, SECTOR), OK);
	assert_int_equal(atomic_load(&f->block.dev.stats.errors), 2);
	assert_int_equal(vd_read(&f->d, VD_STATUS), 0xf);
}

static void test_virtio_block_failed_flush_stays_failed(void **state)
{
	struct fixture *f = *state;

	vd_start(&f->d, ALL, 8);
	host.error = EIO;
	assert_int_equal(request(&f->d, FLUSH_TYPE, 0, NULL, 0), IOERR);
	host.error = 0;
	assert_int_equal(request(&f->d, FLUSH_TYPE, 0, NULL, 0), IOERR);
}

static void test_virtio_block_truncated_below_is_an_error(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR];

	vd_start(&f->d, ALL, 8);
	assert_int_equal(ftruncate(f->fd, SECTOR), 0);
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR), OK);
	assert_int_equal(request(&f->d, IN, 1, data, SECTOR), IOERR);
}

static void expect_broken(struct fixture *f, const char *text)
{
	char trouble[256];

	vd_wait_line(&f->d);
	assert_int_equal(vd_read(&f->d, VD_STATUS), 0x4f);
	virtio_trouble(&f->block.dev, trouble, sizeof(trouble));
	assert_string_equal(trouble, text);
}

static void test_virtio_block_request_without_status_breaks_it(void **state)
{
	struct fixture *f = *state;
	struct request r;

	vd_start(&f->d, ALL, 8);
	r = put_header(&f->d, OUT, 0, SECTOR);
	vd_add(&f->d, 0,
	       (const struct vd_buffer[]){{r.header, 16, false},
					  {r.data, SECTOR, false}},
	       2, false);
	vd_kick(&f->d, 0);
	expect_broken(f, "disk0: queue 0: a request without room for header "
			 "and status");
}

static void test_virtio_block_request_without_header_breaks_it(void **state)
{
	struct fixture *f = *state;
	struct request r;

	vd_start(&f->d, ALL, 8);
	r = put_header(&f->d, IN, 0, SECTOR);
	vd_add(&f->d, 0,
	       (const struct vd_buffer[]){{r.header, 15, false},
					  {r.status, 1, true}},
	       2, false);
	vd_kick(&f->d, 0);
	expect_broken(f, "disk0: queue 0: a request without room for header "
			 "and status");
}

/* One chain of 8 buffers of 4 MiB: more than any driver may ask for. */
static void test_virtio_block_huge_request_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct vd_buffer buffers[12];
	struct request r;

	vd_start(&f->d, ALL, 16);
	r = put_header(&f->d, IN, 0, SECTOR);
	buffers[0] = (struct vd_buffer){r.header, 16, false};
	for (unsigned i = 1; i < 11; i++)
		buffers[i] = (struct vd_buffer){0, VD_MEM_BYTES, true};
	buffers[11] = (struct vd_buffer){r.status, 1, true};
	vd_add(&f->d, 0, buffers, 12, false);
	vd_kick(&f->d, 0);
	vd_wait(&f->d, 0);
	assert_int_equal(status_of(&f->d, &r), IOERR);
}

/* Many at once, answered in any order, each once. */
static void test_virtio_block_many_requests_are_all_answered(void **state)
{
	enum {
		ROUNDS = 40,
		AT_ONCE = 16
	};
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct request r[AT_ONCE];
	uint64_t first;

	vd_start(d, ALL, 64);
	first = d->next_gpa;
	for (unsigned round = 0; round < ROUNDS; round++) {
		d->next_gpa = first;
		for (unsigned i = 0; i < AT_ONCE; i++) {
			r[i] = put_header(d, OUT, i, SECTOR);
			memset(vd_at(d, r[i].data), (int)(round + i), SECTOR);
			put(d, &r[i], OUT, SECTOR, i % 2);
			if (i % 5 == 0)
				vd_kick(d, 0);
		}
		vd_kick(d, 0);
		for (unsigned i = 0; i < AT_ONCE; i++)
			vd_wait(d, 0);
		for (unsigned i = 0; i < AT_ONCE; i++) {
			char back[SECTOR];

			assert_int_equal(status_of(d, &r[i]), OK);
			assert_int_equal(pread(f->fd, back, SECTOR,
					       (off_t)i * SECTOR),
					 SECTOR);
			assert_memory_equal(back, vd_at(d, r[i].data), SECTOR);
		}
	}
}

/* A second request overtakes one that hangs. */
static void test_virtio_block_two_requests_run_at_once(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct request slow, other;
	sem_t wait;

	sem_init(&wait, 0, 0);
	host.wait = &wait;
	vd_start(d, ALL, 8);
	slow = put_header(d, IN, 0, SECTOR);
	put(d, &slow, IN, SECTOR, false);
	vd_kick(d, 0);
	while (sem_wait(&host.entered))
		;
	other = put_header(d, FLUSH_TYPE, 0, 0);
	put(d, &other, FLUSH_TYPE, 0, false);
	vd_kick(d, 0);
	vd_wait(d, 0);
	assert_int_equal(status_of(d, &other), OK);
	assert_int_equal(status_of(d, &slow), NOTHING);
	host.wait = NULL;
	sem_post(&wait);
	vd_wait(d, 0);
	assert_int_equal(status_of(d, &slow), OK);
}

/* R: EVO-E3 */
static void test_virtio_block_time_is_charged_to_who_asked(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR];

	vd_start(&f->d, ALL, 8);
	f->d.vcpu = 2;
	assert_int_equal(request(&f->d, IN, 0, data, SECTOR), OK);
	virtio_stop(&f->block.dev);
	assert_true(atomic_load(&f->d.charged_ns[2]) > 0);
	assert_int_equal(atomic_load(&f->d.charged_ns[1]), 0);
	f->stopped = true;
}

/* The reset waits for a read into memory that is the driver's again then. */
static void test_virtio_block_reset_waits_for_the_disk(void **state)
{
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct request r;
	sem_t wait;

	sem_init(&wait, 0, 0);
	host.wait = &wait;
	vd_start(d, ALL, 8);
	r = put_header(d, IN, 0, SECTOR);
	memset(vd_at(d, r.data), 'd', SECTOR);
	put(d, &r, IN, SECTOR, false);
	vd_kick(d, 0);
	while (sem_wait(&host.entered))
		;
	vd_write(d, VD_STATUS, 0);
	assert_int_equal(atomic_load(&d->releases), 0);
	sem_post(&wait);
	while (sem_wait(&d->released))
		;
	/* From here on nothing comes in. */
	memset(vd_at(d, r.data), 'd', SECTOR);
	assert_int_equal(vd_read(d, VD_STATUS), 0);
	host.wait = NULL;
	vd_start(d, ALL, 8);
	assert_int_equal(request(d, FLUSH_TYPE, 0, NULL, 0), OK);
	assert_int_equal(*(char *)vd_at(d, r.data), 'd');
}

/* A vCPU that writes where the device does. */
struct scribbler {
	volatile uint8_t *at;
	atomic_bool end;
};

/* A guest may do so; to TSan it is none of the threads that it watches. */
__attribute__((no_sanitize("thread"))) static void *scribble(void *arg)
{
	struct scribbler *s = arg;

	while (!atomic_load_explicit(&s->end, memory_order_relaxed))
		*s->at = NOTHING;
	return NULL;
}

/* What the device has answered it knows itself: guest memory may say anything. */
static void test_virtio_block_status_is_not_read_back(void **state)
{
	enum {
		REQUESTS = 16000
	};
	struct fixture *f = *state;
	struct vdriver *d = &f->d;
	struct scribbler s = {0};
	struct request r;
	pthread_t thread;

	vd_start(d, ALL, 64);
	r = put_header(d, FLUSH_TYPE, 0, 0);
	s.at = vd_at(d, r.status);
	assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
	/* One at a time: two I/O threads would write into the same byte. */
	for (unsigned i = 0; i < REQUESTS; i++) {
		put(d, &r, FLUSH_TYPE, 0, false);
		vd_kick(d, 0);
		vd_wait(d, 0);
	}
	atomic_store(&s.end, true);
	pthread_join(thread, NULL);
	virtio_stop(&f->block.dev);
	f->stopped = true;
	assert_int_equal(atomic_load(&f->block.dev.stats.requests), REQUESTS);
	assert_int_equal(atomic_load(&f->block.dev.stats.errors), 0);
}

/* What the options ask for reaches the order of the I/O threads. R: DIS-6 */
static void test_virtio_block_priority_is_its_sources(void **state)
{
	struct fixture *f = *state;
	struct virtio_config config = vd_config(&f->d, "disk1");
	struct virtio_block other;

	config.priority = 1;
	assert_int_equal(virtio_block_init(&other, &f->image, &config), 0);
	virtio_stop(&other.dev);
	virtio_destroy(&other.dev);
	assert_int_equal(other.dev.source.turn.priority, 1);
	assert_int_equal(f->block.dev.source.turn.priority, IO_PRIORITY_DEFAULT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_virtio_block_configuration_says_what_it_is),
		T(test_virtio_block_reads_what_was_written),
		T(test_virtio_block_request_may_be_cut_anywhere),
		T(test_virtio_block_flush_reaches_the_disk),
		T(test_virtio_block_without_flush_writes_through),
		T(test_virtio_block_tells_its_name),
		T(test_virtio_block_unknown_type_is_not_supported),
		T(test_virtio_block_range_outside_is_an_error),
		cmocka_unit_test_setup_teardown(
			test_virtio_block_read_only_takes_no_writes,
			setup_read_only, teardown),
		T(test_virtio_block_error_of_disk_is_told_and_passes),
		T(test_virtio_block_failed_flush_stays_failed),
		T(test_virtio_block_truncated_below_is_an_error),
		T(test_virtio_block_request_without_status_breaks_it),
		T(test_virtio_block_request_without_header_breaks_it),
		T(test_virtio_block_huge_request_is_an_error),
		T(test_virtio_block_many_requests_are_all_answered),
		T(test_virtio_block_two_requests_run_at_once),
		T(test_virtio_block_time_is_charged_to_who_asked),
		T(test_virtio_block_reset_waits_for_the_disk),
		T(test_virtio_block_status_is_not_read_back),
		T(test_virtio_block_priority_is_its_sources),
	};

	return cmocka_run_group_tests_name("virtio-block", tests, NULL, NULL);
}
