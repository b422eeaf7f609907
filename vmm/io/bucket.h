/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A token bucket: how much may pass per second (R: DIS-6).
 *
 * Place in the flow: one per guest, asked by order.c before a device is served
 * and told afterwards how much it moved.
 *
 * Kept as one time instead of a count: the time at which all that has passed
 * would have passed at exactly the rate. What is more than IO_BUCKET_BURST_NS
 * ahead of that is too early.
 *
 * Invariant: in any window of t, less than rate * (t + IO_BUCKET_BURST_NS) passes,
 * plus the one thing that was let through last.
 * Locking: none; the caller's.
 */
#ifndef DISVM_IO_BUCKET_H
#define DISVM_IO_BUCKET_H

#include <stdint.h>

#include <dis/types.h>

/* Short enough that nobody notices a stop, long enough for a large request. */
#define IO_BUCKET_BURST_NS (100 * DIS_MS_NS)

/** @rate: per second; 0: no limit. */
struct io_bucket {
	uint64_t rate;
	uint64_t paid_until_ns;
};

/** A full bucket. */
void io_bucket_init(struct io_bucket *bucket, uint64_t rate);

/**
 * Another rate from now on. What was let through ahead of its time is waited for no
 * longer than at either rate.
 */
void io_bucket_set_rate(struct io_bucket *bucket, uint64_t rate,
			uint64_t now_ns);

/** When the next may pass; not later than now: at once. */
uint64_t io_bucket_ready_ns(const struct io_bucket *bucket);

/** @amount has passed, whether the bucket had it or not. */
void io_bucket_take(struct io_bucket *bucket, uint64_t amount, uint64_t now_ns);

#endif
