/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What guests cost in memory and CPU time, by what the host's kernel tells.
 *
 * Locking: none.
 */
#ifndef DISVM_BENCH_MEMORY_H
#define DISVM_BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * bench_text_kib - the figure behind @name in a text of lines "NAME   N kB", in
 * bytes; 0 if there is none.
 */
uint64_t bench_text_kib(const char *text, const char *name);

/** Memory of the host that nobody needs (/proc/meminfo). */
uint64_t bench_memory_available(void);
/** Anonymous memory of this process that is there, guests' included. */
uint64_t bench_memory_anonymous(void);
/** Private and its share of file-backed memory of @pid, without shared memory. */
uint64_t bench_memory_of(pid_t pid);
/** Bytes of [@mem, @mem + @bytes) that are there. */
uint64_t bench_memory_resident(const void *mem, size_t bytes);
/** CPU time of a process; 0: this one. */
uint64_t bench_cpu_ns(pid_t pid);

#endif
