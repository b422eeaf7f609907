/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests in this program, for scenes: domain, executors, kinds of guests.
 *
 * Place in the flow: scene_play_own(), and benches that spawn by themselves.
 *
 * Locking: built by the child's main thread; what executors write is atomic.
 */
#ifndef DISVM_BENCH_OWN_H
#define DISVM_BENCH_OWN_H

#include <stdatomic.h>

#include "bench/scene.h"
#include "machine.h"

#define OWN_WHY_BYTES 256

/** A vCPU's own thread. */
struct own_thread {
	pid_t tid;
	const struct scene_group *group;
};

/**
 * @keep:   as machine_spec.keep, of each group.
 * @critical: threads of critical vCPUs, to be tuned; each notes itself.
 * @ended:  enum dis_reason of a guest that ended: none should.
 */
struct own {
	const struct scene *scene;
	const struct scene_contender *contender;
	unsigned keep;
	struct dis_executors *execs;
	struct dis_domain *dom;
	struct machine_kind kind[SCENE_GROUPS_MAX];
	struct dis_intent *intents[SCENE_GROUPS_MAX]; /* one per vCPU */
	char cmdline[SCENE_GROUPS_MAX][80];
	struct own_thread *critical;
	atomic_uint n_critical;
	atomic_int ended;
	char ended_why[OWN_WHY_BYTES];
};

/**
 * own_open - everything but the guests; executors run. One per process.
 * @own: zero but for scene, contender, keep; executors use it until the process ends.
 * Return: 0 or -errno with @err; the process is of no more use then.
 */
int own_open(struct own *own, char *err, size_t err_size);

/**
 * own_spawn - one guest of group @g, built and started.
 * @seq: its number within the group.
 * Return: 0 or -errno with @err.
 */
int own_spawn(struct own *own, unsigned g, unsigned seq, struct machine **out,
	      char *err, size_t err_size);

/**
 * own_retire - end a guest that runs and give everything of it back.
 * Return: 0 or -errno.
 */
int own_retire(struct own *own, struct machine *machine);

/** For struct window_source; @ctx is a struct own. */
const char *own_alive(void *ctx);

#endif
