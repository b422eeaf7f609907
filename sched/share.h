/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Maximum shares (R: DIS-6): in no window of 100 ms more than was granted, for
 * a vCPU or, over all cores, for a VM.
 *
 * Design: a ring of buckets of 2 ms, 51 of them, so that those up to the present
 * one cover the last 100 ms wherever one stands in the present bucket. Usage is
 * counted in the bucket in which it happened. Before a vCPU runs it reserves a
 * part of what the last 100 ms leave; the reserve counts as used until usage
 * takes its place, so that cores which ask at the same time cannot both get the
 * rest. What leaves the ring is free again, a bucket at a time: a vCPU that wants
 * to run all the time gets 100/102 of its maximum.
 *
 * Without locks: one word has the sum of the reserves and a count of changes. Who
 * reserves reads it, sums the buckets, and swaps it if it did not change. Who
 * settles first adds to the buckets, then takes the reserve from the word: in
 * between it counts twice, never not at all.
 *
 * A late timer is counted, not undone: a window then holds what ran over.
 *
 * Place in the flow: park.c asks on behalf of a vCPU that is to run.
 * Locking: none; any executor.
 */
#ifndef DIS_SHARE_H
#define DIS_SHARE_H

#include <stdatomic.h>

#include <dis/types.h>

#define SHARE_WINDOW_NS (100 * DIS_MS_NS)
#define SHARE_BUCKET_NS (2 * DIS_MS_NS)
#define SHARE_BUCKETS 51u

/**
 * @word:   changes << 32 | reserved ns.
 * @bucket: number of the bucket since time 0 << 28 | used ns.
 */
struct share_window {
	atomic_ullong word;
	atomic_ullong bucket[SHARE_BUCKETS];
};

/** @permille of one core in a window; may be more than 1000 for a VM. */
static inline uint64_t share_of_window_ns(unsigned permille)
{
	return permille * (SHARE_WINDOW_NS / 1000u);
}

/**
 * share_window_reserve - set some of @quota_ns aside.
 * @want_ns: most that is of use.
 * @need_ns: less than this is of no use; <= @want_ns.
 * @leave:   take at most half while there is more than @need_ns twice, so that
 *           siblings on other cores find some.
 *
 * Return: what was reserved, or 0.
 */
uint64_t share_window_reserve(struct share_window *window, uint64_t quota_ns,
			      uint64_t want_ns, uint64_t need_ns, bool leave,
			      uint64_t now_ns);

/** What was reserved was used from @from_ns to @to_ns, or not at all. */
void share_window_settle(struct share_window *window, uint64_t reserved_ns,
			 uint64_t from_ns, uint64_t to_ns);

/**
 * share_window_release_ns - when asking for @need_ns is worth while.
 * Return: a time after now; DIS_NEVER_NS if @quota_ns is less.
 */
uint64_t share_window_release_ns(struct share_window *window, uint64_t quota_ns,
				 uint64_t need_ns, uint64_t now_ns);

#endif
