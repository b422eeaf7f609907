/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A JSON file of records that is complete at every moment.
 *
 * Place in the flow: the lower half of trace.c. A buffer of whole records is
 * written together with the closing brackets; the next write starts on top of
 * those.
 *
 * Invariant: [0, @end) of the file is the head and whole records, and the tail
 * stands behind it, after every call and after a failed one too.
 *
 * Locking: none; the owner's.
 */
#ifndef DISVM_TRACE_FILE_H
#define DISVM_TRACE_FILE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processes of the trace: the host, then the VMs. Apart from all thread IDs. */
#define TRACE_PID_HOST 1000000u
#define TRACE_PID_VM (TRACE_PID_HOST + 1u)

/* Format and arguments of a time in ns as microseconds with three decimals. */
#define TRACE_US "%" PRIu64 ".%03u"
#define TRACE_US_OF(ns) (ns) / 1000u, (unsigned)((ns) % 1000u)

#define TRACE_RECORD_MAX 1024u
#define TRACE_BUFFER_BYTES ((size_t)64 * 1024)

/**
 * @start_ns: time 0 of the file.
 * @end:      where the next record goes.
 * @buffer:   @used bytes of @buffered records that are not in the file yet.
 * @written:  records so far; @missing: those that no longer fitted.
 * @error:    first -errno; nothing is written after it.
 */
struct trace_file {
	int fd;
	uint64_t start_ns;
	uint64_t end;
	char *buffer;
	size_t used;
	uint64_t buffered;
	uint64_t written;
	uint64_t missing;
	int error;
};

/**
 * trace_file_open - create or empty @path, and write an empty trace.
 *
 * Return: 0; -EINVAL if @path is not a file that can be written in place,
 * -ENOMEM, or -errno. Nothing is left behind on error.
 */
int trace_file_open(struct trace_file *f, const char *path, uint64_t start_ns);

/** @ns as time of the file; 0 for what was before its start. */
uint64_t trace_file_time(const struct trace_file *f, uint64_t ns);

/** Append one record, a JSON object shorter than TRACE_RECORD_MAX. */
void trace_file_record(struct trace_file *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Write what is buffered. Return: @error. */
int trace_file_flush(struct trace_file *f);

/** Flush and close. Return: the first error. */
int trace_file_close(struct trace_file *f);

#endif
