/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests that come one by one: under DIS, with threads, or under QEMU.
 *
 * Place in the flow: benches that measure the coming itself (spawn.c,
 * density.c), in a child of scene_child().
 *
 * Locking: the child's main thread.
 */
#ifndef DISVM_BENCH_FLOCK_H
#define DISVM_BENCH_FLOCK_H

#include "bench/bench.h"
#include "bench/own.h"
#include "bench/qemu.h"
#include "bench/watch.h"

/** @machine: not under QEMU. @stalls: seen before it was asked for. */
struct flock_guest {
	struct machine *machine;
	struct qemu_guest qemu;
	struct window_guest view;
	uint64_t asked_ns;
	uint64_t stalls;
};

/**
 * @warm:   guests are made ahead and kept (shell.h), all of them; SCENE_DIS, one
 *          group.
 * @ahead:  their VMs alone are; not under QEMU.
 * @scene:  whose groups the guests are of; guests is the most of each.
 * @result: outcome and reason go there.
 * @watch:  NULL: nobody watches for stalls.
 */
struct flock {
	enum scene_by by;
	bool warm;
	bool ahead;
	struct scene scene;
	struct scene_result *result;
	struct bench_watch *watch;
	struct own own;
	char qemu[512];
	unsigned n;
	unsigned of_group[SCENE_GROUPS_MAX];
	struct flock_guest *guest;
};

/** Watch for stalls from now on. The result says if that is not possible. */
void flock_watch(struct flock *flock, const struct bench_options *options);

/**
 * flock_open - everything but the guests.
 * @flock: by, warm, ahead, scene and result are set, the rest is 0.
 * Return: false with the result's outcome.
 */
bool flock_open(struct flock *flock, const struct bench_options *options);

/**
 * flock_add - ask for one more guest of group @g; it may not be ready yet.
 * Return: false with the result's outcome.
 */
bool flock_add(struct flock *flock, unsigned g);

/**
 * flock_wait - until guests [@from, @to) are ready.
 * @ready: called for each, as soon as it is seen; may be NULL.
 */
bool flock_wait(struct flock *flock, unsigned from, unsigned to,
		void (*ready)(void *ctx, unsigned i), void *ctx);

/** Has a stall been seen since guest @i was asked for? */
bool flock_is_stalled(const struct flock *flock, unsigned i);

/** A pause: what was added last has still something to do when it is ready. */
void flock_settle(void);

/** End guest @i; its memory stays. */
void flock_end(struct flock *flock, unsigned i);
/**
 * flock_recycle - end all guests and give them back, as if there had been none.
 * Return: false with the result's outcome.
 */
bool flock_recycle(struct flock *flock);
/** End the watch, and what would outlive this process: QEMU's. */
void flock_close(struct flock *flock);

/** A copy of the report of vCPU 0 of guest @i, which was ready. */
struct disvm_guest_report flock_report(const struct flock *flock, unsigned i);

/**
 * flock_first_ns - from the request for guest @i to its first instruction.
 * @ready_ns: when it was seen to be ready.
 *
 * Ours have the host's TSC and noted it then. Of QEMU's only the distance to
 * ready is known; being seen to be ready takes until the next look, up to 0.1 ms.
 */
double flock_first_ns(const struct flock *flock, unsigned i, uint64_t ready_ns);

#endif
