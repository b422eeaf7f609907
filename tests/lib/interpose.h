/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Stands between all code of a test program and the C library (the linker's
 * --wrap, TEST_WRAPS in the Makefile).
 *
 * Place in the flow: watches every dispatch of every test, with the virtual
 * clock, the executor threads and KVM alike: a call inside dis_core_step(), or in an
 * executor's loop outside of run and idle, that allocates, takes a lock, writes, or
 * enters the kernel for anything but a kick or the timer ends the test (R: PRE-4,
 * BUD-5). Faults of clock and timer are injected here too.
 *
 * Locking: any thread.
 */
#ifndef TESTS_INTERPOSE_H
#define TESTS_INTERPOSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Dispatch passes so far. */
uint64_t interpose_passes(void);

/**
 * Count forbidden calls instead of ending the test; and how many since then.
 * For the test of the test.
 */
void interpose_expect(bool expected);
unsigned interpose_forbidden(void);

/** CLOCK_MONOTONIC, and the timers that are set from then on, are so far off. */
extern _Atomic int64_t interpose_skew_ns;
/** Timers that are set do not fire. */
extern atomic_bool interpose_timers_dead;
/** Timers that are set fire so much later. */
extern _Atomic uint64_t interpose_timers_late_ns;

#endif
