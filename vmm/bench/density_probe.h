/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The probe of disvm bench density: one guest more among many, watched for a while.
 *
 * Locking: the child's main thread.
 */
#ifndef DISVM_BENCH_DENSITY_PROBE_H
#define DISVM_BENCH_DENSITY_PROBE_H

#include "bench/flock.h"

/**
 * density_probe - a guest of group @g, from when it is ready for @window_ns. It is
 * ended then.
 * @window: zero; what it did in the slices without a stall (tally.h), as group 0.
 *
 * Return: false with the flock's result.
 */
bool density_probe(struct flock *flock, unsigned g, uint64_t window_ns,
		   struct scene_window *window);

#endif
