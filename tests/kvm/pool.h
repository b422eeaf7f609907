/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests on real vCPUs, as disvm run has them, but several kinds in one process.
 *
 * Place in the flow: tests open a pool (domain and executors), open kinds of
 * guests (the tiny guest with a command line), spawn, start, wait, reap.
 * Whatever fails ends the test with the reason.
 *
 * Locking: the test's thread; executors post to `ended`.
 */
#ifndef DISVM_TEST_POOL_H
#define DISVM_TEST_POOL_H

#include <semaphore.h>

#include <dis/domain.h>
#include <dis/executor.h>

#include "machine.h"

/* A sanitizer has memory and mappings of its own, which grow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POOL_SANITIZED 1
#else
#define POOL_SANITIZED 0
#endif

enum pool_executor {
	POOL_DIS,     /* a core of the domain per CPU that we may use */
	POOL_THREADS, /* one per vCPU */
};

struct pool {
	struct dis_domain *dom;
	struct dis_executors *execs;
	unsigned cores;
	sem_t ended; /* one post for each VM that ended */
};

/** Opens and starts it. @vcpus: of all guests at a time. */
void pool_open(struct pool *pool, enum pool_executor executor, unsigned vms,
	       unsigned vcpus);
/** The same with a registry of policy modules. */
void pool_open_with(struct pool *pool, enum pool_executor executor,
		    unsigned vms, unsigned vcpus, struct dis_modules *modules);
/** All guests have been reaped. */
void pool_close(struct pool *pool);

/** The tiny guest with @cmdline, @vcpus each, for at most @copies. */
void pool_kind_open(struct machine_kind *kind, const char *cmdline,
		    unsigned vcpus, unsigned copies, bool kernel_irqchip);

/** One guest with the kernel at @path. */
void pool_kind_open_kernel(struct machine_kind *kind, const char *path,
			   unsigned vcpus, bool kernel_irqchip);

/**
 * One guest with a firmware of its own: 64 KiB, @code to @end at their start, so at
 * f000:0000 of its copy, and a reset vector that jumps to @entry, in real mode.
 */
void pool_kind_open_rom(struct machine_kind *kind, const uint8_t *code,
			const uint8_t *end, const uint8_t *entry,
			unsigned vcpus);

/** Spawns and builds copy @seq, which never starts: pool_discard() it. */
struct machine *pool_create(struct pool *pool, const struct machine_kind *kind,
			    unsigned seq);
void pool_discard(struct pool *pool, struct machine *machine);

/** Spawns, builds and starts copy @seq. */
struct machine *pool_boot(struct pool *pool, const struct machine_kind *kind,
			  unsigned seq);

/** Waits until @count more VMs have ended. */
void pool_wait_ended(struct pool *pool, unsigned count);

/** Ends it well, as a time limit does. */
void pool_stop(struct pool *pool, const struct machine *machine);

struct dis_vm_info pool_info(const struct pool *pool,
			     const struct machine *machine);

/** Of an ended guest: gives its slot back and destroys it. */
void pool_reap(struct pool *pool, struct machine *machine);

/** Work that the guest says @vcpu has done; 0 before its first report. */
uint64_t pool_work(const struct machine *machine, unsigned vcpu);
/** Returns when @vcpu has done @more units than now. */
void pool_wait_work(const struct machine *machine, unsigned vcpu, uint64_t more);

/** vCPUs whose report is there and done. */
unsigned pool_count_done(const struct machine *machine);

#endif
