/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disk images: what is opened, and what becomes of each kind of failure of the
 * host (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/image.h"

#define SECTOR IMAGE_SECTOR_BYTES

struct fixture {
	char dir[32];
	char path[64];
	struct image image;
	bool open;
	char err[256];
};

/* What the faulty host does; the fixture's image is the only one at a time. */
static struct {
	size_t most;    /* bytes that one call moves; 0: all */
	int interrupts; /* calls that end with EINTR first */
	int errors;     /* then calls that end with this */
	unsigned calls;
	int last_flags;
	unsigned syncs;
	int sync_errors; /* syncs that fail */
} host;

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(&host, 0, sizeof(host));
	strcpy(f->dir, "/tmp/test_image.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/disk", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->open)
		image_close(&f->image);
	unlink(f->path);
	rmdir(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void make(struct fixture *f, off_t bytes)
{
	int fd = open(f->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
}

static int try_open(struct fixture *f, bool read_only)
{
	int ret = image_open(f->path, read_only, &f->image, f->err,
			     sizeof(f->err));

	f->open = !ret;
	return ret;
}

static void make_and_open(struct fixture *f, off_t bytes, bool read_only)
{
	make(f, bytes);
	assert_int_equal(try_open(f, read_only), 0);
}

static int io(struct fixture *f, enum image_op op, uint64_t offset, void *data,
	      size_t bytes)
{
	struct iovec iov = {data, bytes};

	return image_io(&f->image, op, offset, &iov, 1);
}

static int before_call(void)
{
	host.calls++;
	if (host.interrupts) {
		host.interrupts--;
		errno = EINTR;
		return -1;
	}
	errno = host.errors;
	return host.errors ? -1 : 0;
}

static struct iovec first_part(const struct iovec *iov)
{
	struct iovec part = *iov;

	if (host.most && part.iov_len > host.most)
		part.iov_len = host.most;
	return part;
}

static ssize_t faulty_readv(int fd, const struct iovec *iov, int n, off_t offset)
{
	struct iovec part = first_part(iov);

	if (before_call())
		return -1;
	return host.most ? preadv(fd, &part, 1, offset)
			 : preadv(fd, iov, n, offset);
}

static ssize_t faulty_writev(int fd, const struct iovec *iov, int n,
			     off_t offset, int flags)
{
	struct iovec part = first_part(iov);

	host.last_flags = flags;
	if (before_call())
		return -1;
	return host.most ? pwritev2(fd, &part, 1, offset, flags)
			 : pwritev2(fd, iov, n, offset, flags);
}

static int faulty_sync(int fd)
{
	host.syncs++;
	if (host.sync_errors) {
		host.sync_errors--;
		errno = EIO;
		return -1;
	}
	return fdatasync(fd);
}

static const struct image_host_ops faulty = {
	.readv = faulty_readv,
	.writev = faulty_writev,
	.sync = faulty_sync,
};

static void expect_refused(struct fixture *f, bool read_only, int ret,
			   const char *text)
{
	char line[128];

	snprintf(line, sizeof(line), "%s: %s", f->path, text);
	assert_int_equal(try_open(f, read_only), ret);
	assert_string_equal(f->err, line);
}

static void test_image_missing_is_refused(void **state)
{
	expect_refused(*state, true, -ENOENT, "No such file or directory");
}

static void test_image_directory_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	expect_refused(f, false, -EISDIR, "Is a directory");
	expect_refused(f, true, -EINVAL, "neither a file nor a block device");
}

/* Nor does it wait for a writer. */
static void test_image_fifo_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	expect_refused(f, true, -EINVAL, "neither a file nor a block device");
}

static void test_image_empty_is_refused(void **state)
{
	struct fixture *f = *state;

	make(f, 0);
	expect_refused(f, true, -EINVAL, "is empty");
}

static void test_image_with_part_of_sector_is_refused(void **state)
{
	struct fixture *f = *state;

	make(f, 2 * SECTOR + 1);
	expect_refused(f, false, -EINVAL,
		       "its 1025 bytes are not whole sectors of 512");
}

static void test_image_that_another_process_writes_is_refused(void **state)
{
	struct fixture *f = *state;
	struct image other;
	char err[128];

	make_and_open(f, SECTOR, false);
	assert_int_equal(image_open(f->path, true, &other, err, sizeof(err)),
			 -EBUSY);
	assert_non_null(strstr(err, "is in use already"));
}

static void test_image_read_only_opens_twice(void **state)
{
	struct fixture *f = *state;
	struct image other;
	char err[128];

	make_and_open(f, SECTOR, true);
	assert_int_equal(image_open(f->path, true, &other, err, sizeof(err)), 0);
	image_close(&other);
	assert_int_equal(image_open(f->path, false, &other, err, sizeof(err)),
			 -EBUSY);
}

static void test_image_reads_what_was_written(void **state)
{
	struct fixture *f = *state;
	char a[SECTOR], b[SECTOR], back[2 * SECTOR];
	struct iovec iov[2] = {{a, SECTOR}, {b, SECTOR}};

	make_and_open(f, 4 * SECTOR, false);
	assert_int_equal(f->image.bytes, 4 * SECTOR);
	memset(a, 'a', SECTOR);
	memset(b, 'b', SECTOR);
	assert_int_equal(image_io(&f->image, IMAGE_WRITE, 2 * SECTOR, iov, 2),
			 0);
	assert_int_equal(io(f, IMAGE_READ, 2 * SECTOR, back, sizeof(back)), 0);
	assert_memory_equal(back, a, SECTOR);
	assert_memory_equal(back + SECTOR, b, SECTOR);
}

static void test_image_range_outside_is_refused(void **state)
{
	struct fixture *f = *state;
	char data[2 * SECTOR] = {0};

	make_and_open(f, 2 * SECTOR, false);
	f->image.ops = &faulty;
	assert_int_equal(io(f, IMAGE_READ, SECTOR, data, 2 * SECTOR), -EINVAL);
	assert_int_equal(io(f, IMAGE_READ, 3 * SECTOR, data, 0), -EINVAL);
	assert_int_equal(io(f, IMAGE_WRITE, UINT64_MAX - SECTOR + 1, data,
			    SECTOR),
			 -EINVAL);
	assert_int_equal(io(f, IMAGE_READ, 1, data, SECTOR), -EINVAL);
	assert_int_equal(io(f, IMAGE_READ, 0, data, SECTOR - 1), -EINVAL);
	assert_int_equal(host.calls, 0);
}

static void test_image_read_only_takes_no_writes(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = {0};

	make_and_open(f, SECTOR, true);
	f->image.ops = &faulty;
	assert_int_equal(io(f, IMAGE_WRITE, 0, data, SECTOR), -EROFS);
	assert_int_equal(io(f, IMAGE_WRITE_THROUGH, 0, data, SECTOR), -EROFS);
	assert_int_equal(io(f, IMAGE_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(host.calls + host.syncs, 0);
}

/* Calls that move a few bytes only, in both directions. */
static void test_image_short_transfers_are_continued(void **state)
{
	struct fixture *f = *state;
	char data[2 * SECTOR], back[2 * SECTOR];
	struct iovec iov[3] = {
		{back, 7}, {back + 7, 0}, {back + 7, 2 * SECTOR - 7}};

	make_and_open(f, 2 * SECTOR, false);
	f->image.ops = &faulty;
	host.most = 100;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	assert_int_equal(io(f, IMAGE_WRITE, 0, data, sizeof(data)), 0);
	assert_int_equal(host.calls, 11);
	assert_int_equal(image_io(&f->image, IMAGE_READ, 0, iov, 3), 0);
	assert_memory_equal(data, back, sizeof(data));
}

static void test_image_interrupted_calls_are_repeated(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = {0};

	make_and_open(f, SECTOR, false);
	f->image.ops = &faulty;
	host.interrupts = 3;
	assert_int_equal(io(f, IMAGE_READ, 0, data, SECTOR), 0);
	assert_int_equal(host.calls, 4);
}

static void test_image_error_of_host_is_handed_on(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = {0};

	make_and_open(f, SECTOR, false);
	f->image.ops = &faulty;
	host.errors = EIO;
	assert_int_equal(io(f, IMAGE_READ, 0, data, SECTOR), -EIO);
	host.errors = ENOSPC;
	assert_int_equal(io(f, IMAGE_WRITE, 0, data, SECTOR), -ENOSPC);
	host.errors = 0;
	assert_int_equal(io(f, IMAGE_READ, 0, data, SECTOR), 0);
}

static void test_image_truncated_below_gives_error(void **state)
{
	struct fixture *f = *state;
	char data[2 * SECTOR];

	make_and_open(f, 4 * SECTOR, false);
	assert_int_equal(truncate(f->path, SECTOR + 100), 0);
	assert_int_equal(io(f, IMAGE_READ, 0, data, SECTOR), 0);
	assert_int_equal(io(f, IMAGE_READ, SECTOR, data, SECTOR), -EIO);
	assert_int_equal(io(f, IMAGE_READ, 3 * SECTOR, data, SECTOR), -EIO);
}

/* Nor can anything be written that would hide that. */
static void test_image_truncated_below_takes_no_writes(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = {0};
	struct stat st;

	make_and_open(f, 4 * SECTOR, false);
	assert_int_equal(truncate(f->path, SECTOR), 0);
	assert_int_equal(io(f, IMAGE_WRITE, 0, data, SECTOR), -EIO);
	assert_int_equal(io(f, IMAGE_WRITE_THROUGH, 3 * SECTOR, data, SECTOR),
			 -EIO);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, SECTOR);
	/* As long as before, or longer: somebody knows what he does. */
	assert_int_equal(truncate(f->path, 5 * SECTOR), 0);
	assert_int_equal(io(f, IMAGE_WRITE, 3 * SECTOR, data, SECTOR), 0);
}

/* A disk that is full: a limit of the file size, with its signal blocked. */
static void test_image_on_full_disk_gives_error(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, full;
	char data[2 * SECTOR] = {0};
	sigset_t set, before;
	int ret;

	make_and_open(f, 8 * SECTOR, false);
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	full = limit;
	full.rlim_cur = 3 * SECTOR;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	/* One sector fits: a short write, then the error. */
	ret = io(f, IMAGE_WRITE, 2 * SECTOR, data, 2 * SECTOR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(ret, -EFBIG);
}

static void test_image_write_through_asks_for_the_disk(void **state)
{
	struct fixture *f = *state;
	char data[SECTOR] = {0};

	make_and_open(f, SECTOR, false);
	f->image.ops = &faulty;
	assert_int_equal(io(f, IMAGE_WRITE, 0, data, SECTOR), 0);
	assert_int_equal(host.last_flags, 0);
	assert_int_equal(io(f, IMAGE_WRITE_THROUGH, 0, data, SECTOR), 0);
	assert_int_equal(host.last_flags, RWF_DSYNC);
}

/* The kernel has forgotten what it could not write: no later flush is true. */
static void test_image_flush_after_failed_one_fails(void **state)
{
	struct fixture *f = *state;

	make_and_open(f, SECTOR, false);
	f->image.ops = &faulty;
	assert_int_equal(io(f, IMAGE_FLUSH, 0, NULL, 0), 0);
	host.sync_errors = 1;
	assert_int_equal(io(f, IMAGE_FLUSH, 0, NULL, 0), -EIO);
	assert_int_equal(io(f, IMAGE_FLUSH, 0, NULL, 0), -EIO);
	assert_int_equal(host.syncs, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_image_missing_is_refused),
		T(test_image_directory_is_refused),
		T(test_image_fifo_is_refused),
		T(test_image_empty_is_refused),
		T(test_image_with_part_of_sector_is_refused),
		T(test_image_that_another_process_writes_is_refused),
		T(test_image_read_only_opens_twice),
		T(test_image_reads_what_was_written),
		T(test_image_range_outside_is_refused),
		T(test_image_read_only_takes_no_writes),
		T(test_image_short_transfers_are_continued),
		T(test_image_interrupted_calls_are_repeated),
		T(test_image_error_of_host_is_handed_on),
		T(test_image_truncated_below_gives_error),
		T(test_image_truncated_below_takes_no_writes),
		T(test_image_on_full_disk_gives_error),
		T(test_image_write_through_asks_for_the_disk),
		T(test_image_flush_after_failed_one_fails),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
