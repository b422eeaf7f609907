/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The I/O threads: a few for all guests of the process, which serve devices that
 * have something to do (R: CARD-11, DIS-6, EVO-E3).
 *
 * Place in the flow: a device is a source. A vCPU's kick, a readable descriptor,
 * or the device itself says that it is ready; a thread then serves it, when its
 * turn comes (order.h): takes what the guest queued, moves the data, answers. An
 * executor only ever says "ready", which takes no lock and never waits.
 *
 * Invariants:
 * - A source that is slow (it waits for a disk) never occupies the last thread,
 *   so that a network does not wait for a stranger's disk.
 * - What was made ready after a serve began is served again.
 * - After io_source_remove() nothing of the source runs, and none of its guest's
 *   memory is touched.
 * - The CPU time of the threads is charged to the vCPUs it was for: that of each serve
 *   and each end of a stop, and of what led to it.
 *
 * Locking: the pool's lock guards turns and sources; only I/O threads and the
 * control thread take it, for a few instructions. No lock is held in callbacks.
 */
#ifndef DISVM_IO_POOL_H
#define DISVM_IO_POOL_H

#include <stdatomic.h>

#include "io/order.h"

struct io_pool;
struct io_source;

/**
 * What all devices of a guest share.
 *
 * @bucket: guarded by the pool's lock once a source has it.
 * @charge: vCPU @vcpu has had @ns of CPU time used; any I/O thread, after anything has
 *          made one of the guest's sources ready. NULL: nobody is charged.
 */
struct io_account {
	struct io_bucket bucket;
	void (*charge)(void *ctx, unsigned vcpu, uint64_t ns);
	void *ctx;
};

/**
 * What one serve has done.
 *
 * @bytes: moved; they count against the guest's bandwidth.
 * @vcpu:  on whose behalf; at first vCPU 0, which pays if nobody else does.
 * @more:  there is more to do, or may be.
 */
struct io_work {
	uint64_t bytes;
	unsigned vcpu;
	bool more;
};

/**
 * serve: do a part of what there is to do: one request, or a few short ones, as
 *     others wait meanwhile. @work is zero at the call. On up to servers_max
 *     threads at once.
 * stopped: what io_source_stop() asked for is reached: no thread is in serve, and
 *     none will be until the source is ready again. Optional. Return: the vCPU that
 *     is charged.
 *
 * Both run on an I/O thread without a lock. Only a slow source may block.
 */
struct io_source_ops {
	void (*serve)(struct io_source *source, struct io_work *work);
	unsigned (*stopped)(struct io_source *source);
};

/**
 * Part of a device. The first group is set before io_source_add() and constant;
 * the others belong to the pool.
 *
 * @priority: at first.
 * @servers_max: threads that may serve it at once, >= 1.
 */
struct io_source {
	const struct io_source_ops *ops;
	struct io_account *account;
	unsigned priority;
	bool slow;
	unsigned servers_max;

	/* Any thread. */
	struct io_pool *pool;
	atomic_bool mailed;
	atomic_bool stop;
	struct io_source *mail_next; /* guarded by `mailed` */

	/* The pool's lock. */
	struct io_turn turn;
	unsigned slot;
	unsigned servers;
	bool queued;   /* its turn is in the order */
	bool again;    /* ready, but all its servers are busy */
	bool stopping; /* no serve begins */
	bool removed;
	struct io_source *stop_next;
};

/** As many as can wait for disks at once, and one that never does. */
#define IO_POOL_THREADS 4u

/** Return: 0 or -errno; nothing is left then. */
int io_pool_create(struct io_pool **out);
/**
 * io_pool_start - start the threads, and wait until they are there. What became ready
 * before is served then.
 *
 * Context: control thread, once.
 * Return: 0 or -errno; io_pool_destroy() ends those that run.
 */
int io_pool_start(struct io_pool *pool);
/** All sources must have been removed. NULL: nothing to do. */
void io_pool_destroy(struct io_pool *pool);

/** Context: control thread. Return: 0 or -ENOMEM. */
int io_source_add(struct io_pool *pool, struct io_source *source);

/**
 * io_source_remove - nothing of @source runs any more when it returns; waits for
 * what runs now. What was queued is not served.
 *
 * Context: control thread. Nobody may say "ready" or "stop" any more.
 */
void io_source_remove(struct io_source *source);

/**
 * io_source_watch - readability of @fd, and its end, make @source ready: once for
 * each time that something arrives, as epoll does with EPOLLET.
 * @fd: stays the caller's; must be open until the source was removed.
 *
 * Context: control thread. Return: 0 or -errno.
 */
int io_source_watch(struct io_source *source, int fd);
/** No more of that. A serve because of it may still come. */
void io_source_unwatch(struct io_source *source, int fd);

/** Its turn among all devices, from now on. Context: control thread. */
void io_source_set_priority(struct io_source *source, unsigned priority);

/**
 * io_account_set_rate - another bandwidth, from now on.
 * @account: that a source of @pool has. @rate: bytes per second, 0: no limit.
 * Context: control thread.
 */
void io_account_set_rate(struct io_pool *pool, struct io_account *account,
			 uint64_t rate);

/** Serve it soon. Context: any thread, no lock, never waits. */
void io_source_ready(struct io_source *source);

/**
 * io_source_stop - serve it no more; ops->stopped() is called when no thread does.
 * What is ready by then is forgotten.
 *
 * Context: any thread, no lock, never waits. Not again before stopped().
 */
void io_source_stop(struct io_source *source);

#endif
