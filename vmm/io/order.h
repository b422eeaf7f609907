/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who is served next: by priority, in turn among equals, and nobody whose guest
 * has used up its bandwidth (R: DIS-6).
 *
 * Place in the flow: inside pool.c, which asks for a turn whenever one of its
 * threads is free. Time is an argument, so it is tested under a virtual clock.
 *
 * Invariant: an entry is in one list at most. A lower priority gets what the
 * higher ones leave; who is held back by its bucket stands in nobody's way; among
 * equals nobody waits for ever.
 * Locking: none; the caller's.
 */
#ifndef DISVM_IO_ORDER_H
#define DISVM_IO_ORDER_H

#include <stdbool.h>
#include <sys/queue.h>

#include "io/bucket.h"

/** 0 is served first. */
#define IO_PRIORITIES 8u
#define IO_PRIORITY_DEFAULT 4u

/**
 * So many quick ones in a row go before a slow one that waits. A disk's request takes
 * longer than all of them; but some that never stop must not keep it out for ever.
 */
#define IO_QUICK_TURNS 8u

/**
 * @priority: < IO_PRIORITIES.
 * @slow:     to serve it may take long (it waits for a disk).
 * @bucket:   of its guest, shared by its devices; NULL: no limit.
 * @due_ns:   when it may be served, while it is held back.
 */
struct io_turn {
	unsigned priority;
	bool slow;
	struct io_bucket *bucket;

	uint64_t due_ns;
	TAILQ_ENTRY(io_turn) link;
};

TAILQ_HEAD(io_turns, io_turn);

struct io_order {
	struct io_turns ready[IO_PRIORITIES][2]; /* [1]: the slow ones */
	/* Quick turns in a row while a slow one waited that could be taken. */
	unsigned passed[IO_PRIORITIES];
	struct io_turns held;
	uint64_t due_ns; /* of the first of those, or earlier */
};

void io_order_init(struct io_order *order);

/** @turn, in no list, wants to be served. */
void io_order_put(struct io_order *order, struct io_turn *turn);

/**
 * io_order_take - who is next; it is in no list then.
 * @slow_too: may it be one to serve which takes long?
 *
 * Among equals the quick ones go first, IO_QUICK_TURNS of them in a row at most
 * while a slow one waits that may be taken.
 * Return: NULL if nobody may be served now.
 */
struct io_turn *io_order_take(struct io_order *order, uint64_t now_ns,
			      bool slow_too);

/** @turn, put before and not taken, is not to be served any more. */
void io_order_remove(struct io_order *order, struct io_turn *turn);

/** A bucket has another rate: who is held back is looked at anew. */
void io_order_renew(struct io_order *order);

/** Is anybody put and not held back, as far as was looked at? */
bool io_order_any(const struct io_order *order);

/**
 * When somebody who is held back may be served, or earlier; DIS_NEVER_NS: nobody is.
 * As far as io_order_take() came.
 */
static inline uint64_t io_order_due_ns(const struct io_order *order)
{
	return order->due_ns;
}

#endif
