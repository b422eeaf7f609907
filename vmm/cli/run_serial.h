/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Serial output on its way from the executors to a file or terminal.
 *
 * Place in the flow: the guests' serial devices put lines in, on executor
 * threads that must not block; the main thread writes them out.
 *
 * Invariant: what was put comes out in order, whole lines of different guests
 * never mixed. Lines for which there is no room, as the reader is so slow, are
 * dropped and the loss is told in the output. A guest has a part of half of the room
 * for itself, all guests' parts being equal; the other half is whose who comes first.
 * So none that floods makes others' lines be dropped while those fit into their parts.
 * Locking: one mutex, a leaf, held for a memcpy only.
 */
#ifndef DISVM_RUN_SERIAL_H
#define DISVM_RUN_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SERIAL_BYTES ((size_t)1 << 20)

/**
 * What waits of a guest.
 *
 * @swaps: of the run_serial, when that was; if it has more by now, nothing waits.
 */
struct run_serial_guest {
	uint32_t swaps;
	uint32_t bytes;
};

/**
 * @fd: eventfd, readable when something was put.
 * @in_line: what was put last has no end of line.
 * @waiting, @writing: SERIAL_BYTES and a note each; the first is filled by executors, the
 *                     second belongs to the main thread.
 * @part_bytes: of a guest in what waits.
 * @shared_len: of what waits, that is beyond the parts of the guests it is of.
 */
struct run_serial {
	FILE *to;
	int fd;
	pthread_mutex_t lock;
	char *waiting;
	size_t waiting_len;
	uint64_t lost_bytes;
	bool in_line;
	uint32_t swaps;
	unsigned n_guests;
	struct run_serial_guest *guests;
	size_t part_bytes;
	size_t shared_len;
	char *writing;
	size_t writing_len;
	size_t written; /* of it */
};

/**
 * @to:       may be NULL: everything is dropped.
 * @n_guests: > 0.
 *
 * Return: 0 or -errno.
 */
int run_serial_init(struct run_serial *serial, FILE *to, unsigned n_guests);
/** Writes what is left. @to is not closed. */
void run_serial_fini(struct run_serial *serial);

/** Any thread. @guest: < n_guests. @prefix: put before the data, or "". */
void run_serial_put(struct run_serial *serial, unsigned guest,
		    const char *prefix, const void *data, size_t len);

/** Something else follows on the same terminal: end a line that was begun. */
void run_serial_end_line(struct run_serial *serial);

/**
 * run_serial_flush - main thread: write out what waits.
 * @wait: all of it, however long the reader takes; else what it takes now, and of
 *        what was put before the call: what comes meanwhile makes @fd readable, so
 *        that guests that never stop do not keep the main thread here.
 */
void run_serial_flush(struct run_serial *serial, bool wait);

/** The descriptor to be polled for room before the next flush, or -1. */
int run_serial_stuck_fd(const struct run_serial *serial);

#endif
