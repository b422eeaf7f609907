/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sampling the load of the host from /proc (R: DIS-8).
 *
 * Place in the flow: run.c opens the files, as later none can be opened; the main
 * thread samples once a second and hands the result to the domain. Never on an
 * executor thread: these are files.
 *
 * Invariant: what a file does not tell is DIS_LOAD_ABSENT, never 0; a file that
 * is malformed tells nothing.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_HOST_LOAD_H
#define DISVM_HOST_LOAD_H

#include <dis/load.h>

/** CPU time in ticks of the clock of /proc/stat; busy is what is not idle. */
struct host_cpu_ticks {
	uint64_t busy, stolen, io_wait, all;
};

enum host_load_file {
	HOST_LOAD_STAT,
	HOST_LOAD_LOADAVG,
	HOST_LOAD_MEMINFO,
	HOST_LOAD_MEMORY_STALL,
	HOST_LOAD_IO_STALL,
	HOST_LOAD_FILES,
};

/**
 * @fds:     of each file; -1: it is not there.
 * @cpus:    host CPU of core i; @n_cores of them.
 * @before:  of each core, and @before_all of the host, at the last sample.
 */
struct host_load {
	int fds[HOST_LOAD_FILES];
	const unsigned *cpus;
	unsigned n_cores;
	uint64_t sampled_ns; /* 0: never */
	struct host_cpu_ticks before[DIS_CORES_MAX];
	struct host_cpu_ticks before_all;
	uint64_t own_before_ns[DIS_CORES_MAX];
};

/** Before host_load_open(). */
#define HOST_LOAD_CLOSED \
	{ \
		.fds = { -1, -1, -1, -1, -1 } \
	}

/**
 * host_load_open - open what there is.
 * @proc: "/proc", or a directory like it in tests.
 * @cpus: must live as long as @load.
 */
void host_load_open(struct host_load *load, const char *proc,
		    const unsigned *cpus, unsigned n_cores);
/** Nothing to do after HOST_LOAD_CLOSED. */
void host_load_close(struct host_load *load);

/**
 * host_load_sample - what happened since the last call.
 * @own_ns: CPU time of each core's executor so far; NULL: not known, and what is
 *          foreign neither.
 *
 * The first call has nothing to compare with: only what is of this moment is
 * filled then.
 */
void host_load_sample(struct host_load *load, const uint64_t *own_ns,
		      uint64_t now_ns, struct dis_host_load *out);

#endif
