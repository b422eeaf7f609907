/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a user can do by hand for a thread that must not be late, or that is to get
 * much done.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_TUNE_H
#define DISVM_BENCH_TUNE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bench_tuning {
	TUNE_NONE,
	TUNE_NICE,  /**< nice -20 */
	TUNE_SLICE, /**< a slice of 100 us: sched_setattr, since Linux 6.12 */
	TUNE_BATCH, /**< SCHED_BATCH with a slice of 10 ms, likewise */
	TUNE_FIFO,  /**< SCHED_FIFO */
	TUNE_DEADLINE, /**< SCHED_DEADLINE */
};

/**
 * bench_tune - apply @tuning to thread @tid of this process.
 * @runtime_ns, @period_ns: TUNE_DEADLINE only.
 * Return: 0, or -errno with @err naming what was refused.
 */
int bench_tune(pid_t tid, enum bench_tuning tuning, uint64_t runtime_ns,
	       uint64_t period_ns, char *err, size_t err_size);

#endif
