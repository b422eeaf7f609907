/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bare loop: the main thread alternates two vCPUs by KVM_RUN, and nothing
 * else. The least that any scheduler pays on this host for a dispatch. And the
 * same loop with what the monitor does for each run: what is left to DIS's loop
 * is the scheduler.
 *
 * Place in the flow: the contender that switch_dis.c is measured against, on the
 * same vCPUs and by the same clock reads.
 */
#ifndef DISVM_BENCH_BARE_H
#define DISVM_BENCH_BARE_H

#include "bench/switch_guest.h"

/**
 * bench_bare_exits - dispatches that end by an exit, until all samples are taken.
 * @pair: loaded with BENCH_OUT.
 * Return: 0 or -errno with @err.
 */
int bench_bare_exits(struct bench_guests *pair, char *err, size_t err_size);

/**
 * bench_run_exits - the same by kvm_vcpu_run(), as an executor calls it.
 * @pair: loaded with BENCH_OUT.
 * Return: 0 or -errno with @err.
 */
int bench_run_exits(struct bench_guests *pair, char *err, size_t err_size);

/**
 * bench_bare_slices - dispatches that a POSIX timer ends after @slice_ns.
 * @pair: loaded with BENCH_HOG.
 * Return: 0 or -errno with @err.
 */
int bench_bare_slices(struct bench_guests *pair, uint64_t slice_ns, char *err,
		      size_t err_size);

#endif
