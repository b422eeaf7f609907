/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bare sequence of ioctls for a machine of one vCPU, until its first
 * instruction.
 *
 * Locking: the calling thread runs the vCPUs.
 */
#ifndef DISVM_BENCH_SPAWN_BARE_H
#define DISVM_BENCH_SPAWN_BARE_H

#include <stddef.h>
#include <stdint.h>

struct bench_bare;

/** For @n machines. Return: 0 or -errno with @err. */
int bench_bare_open(unsigned n, struct bench_bare **out, char *err,
		    size_t err_size);
/** Ends all machines. @bare may be NULL. */
void bench_bare_close(struct bench_bare *bare);

/**
 * bench_bare_time - make one more machine. It stays: the kernel has work left for a
 * while after one is ended.
 * @took_ns: from the first ioctl to its first instruction.
 * Return: 0 or -errno with @err.
 */
int bench_bare_time(struct bench_bare *bare, double *took_ns, char *err,
		    size_t err_size);

#endif
