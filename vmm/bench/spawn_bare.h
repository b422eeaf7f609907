/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bare sequence of ioctls for a machine of one vCPU, until its first exit.
 *
 * Locking: the calling thread runs the vCPUs.
 */
#ifndef DISVM_BENCH_SPAWN_BARE_H
#define DISVM_BENCH_SPAWN_BARE_H

#include <stddef.h>
#include <stdint.h>

/**
 * bench_spawn_bare - make @n machines, one after the other.
 * @took_ns: of each, from the first ioctl to the exit of its first instruction.
 * Return: 0 or -errno with @err.
 */
int bench_spawn_bare(unsigned n, uint64_t *took_ns, char *err, size_t err_size);

#endif
