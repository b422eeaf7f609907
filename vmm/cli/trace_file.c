/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON file that is complete at every moment; see trace_file.h. */
#include "trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dis/assert.h>

static const char head[] = "{\"displayTimeUnit\":\"ns\",\"otherData\":"
			   "{\"schema\":\"disvm.trace/1\"},"
			   "\"traceEvents\":[\n";
static const char tail[] = "\n]}\n";

#define HEAD_BYTES (sizeof(head) - 1)
#define TAIL_BYTES (sizeof(tail) - 1)

static int write_at(int fd, uint64_t offset, const char *bytes, size_t count)
{
	while (count) {
		ssize_t n = pwrite(fd, bytes, count, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		bytes += n;
		offset += (uint64_t)n;
		count -= (size_t)n;
	}
	return 0;
}

/*
 * Back to the last complete state. The tail goes over bytes that the file had
 * before, so that it needs no new block of a full disk.
 */
static void repair(struct trace_file *f)
{
	if (!write_at(f->fd, f->end, tail, TAIL_BYTES) &&
	    ftruncate(f->fd, (off_t)(f->end + TAIL_BYTES)))
		return; /* the error that led here is reported already */
}

int trace_file_flush(struct trace_file *f)
{
	if (f->error || !f->used)
		return f->error;
	memcpy(f->buffer + f->used, tail, TAIL_BYTES);
	f->error = write_at(f->fd, f->end, f->buffer, f->used + TAIL_BYTES);
	if (f->error) {
		repair(f);
		f->missing += f->buffered;
	} else {
		f->end += f->used;
		f->written += f->buffered;
	}
	f->used = 0;
	f->buffered = 0;
	return f->error;
}

void trace_file_record(struct trace_file *f, const char *fmt, ...)
{
	va_list args;
	int length;

	/* Room for a separator, the record and the tail. */
	if (f->used + TRACE_RECORD_MAX + 2 + TAIL_BYTES > TRACE_BUFFER_BYTES)
		trace_file_flush(f);
	if (f->error) {
		f->missing++;
		return;
	}
	if (f->written + f->buffered) {
		memcpy(f->buffer + f->used, ",\n", 2);
		f->used += 2;
	}
	va_start(args, fmt);
	length = vsnprintf(f->buffer + f->used, TRACE_RECORD_MAX, fmt, args);
	va_end(args);
	DIS_ASSERT(length > 0 && length < (int)TRACE_RECORD_MAX);
	f->used += (size_t)length;
	f->buffered++;
}

static int check_kind(int fd, bool *regular)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*regular = S_ISREG(st.st_mode);
	/* A pipe or a socket cannot be written in place. */
	return *regular || S_ISCHR(st.st_mode) ? 0 : -EINVAL;
}

int trace_file_open(struct trace_file *f, const char *path, uint64_t start_ns)
{
	bool regular = false;
	int ret;

	*f = (struct trace_file){.fd = -1, .start_ns = start_ns};
	f->buffer = malloc(TRACE_BUFFER_BYTES);
	if (!f->buffer)
		return -ENOMEM;
	/* O_NONBLOCK: a pipe without a reader is an error, not a wait. */
	f->fd = open(path,
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK,
		     0644);
	if (f->fd < 0) {
		ret = errno == ENXIO ? -EINVAL : -errno;
		goto err_free;
	}
	ret = check_kind(f->fd, &regular);
	if (ret)
		goto err_close;
	memcpy(f->buffer, head, HEAD_BYTES);
	f->used = HEAD_BYTES;
	ret = trace_file_flush(f);
	if (ret)
		goto err_close;
	return 0;

err_close:
	close(f->fd);
	if (regular)
		unlink(path);
err_free:
	free(f->buffer);
	return ret;
}

uint64_t trace_file_time(const struct trace_file *f, uint64_t ns)
{
	return ns > f->start_ns ? ns - f->start_ns : 0;
}

int trace_file_close(struct trace_file *f)
{
	int ret = trace_file_flush(f);

	/* Where the disk is a network, errors come as late as this. */
	if (close(f->fd) && !ret)
		ret = -errno;
	free(f->buffer);
	return ret;
}
