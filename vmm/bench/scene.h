/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A scene: groups of guests that run together for a while, under one contender,
 * and what was seen of them.
 *
 * Place in the flow: benches describe scenes (grid.h), scene_run() forks a child
 * that builds one (own.c: this program; qemu.c), watches it (window.c) and
 * leaves the result in shared memory. A child for each, so that every contender
 * starts afresh, and none sees what another one left.
 *
 * Invariant: all contenders are measured by the reports that the guests write
 * into their own memory, read at the same times by the same code.
 *
 * Locking: parent and child share the result only; the parent reads it when the
 * child has ended.
 */
#ifndef DISVM_BENCH_SCENE_H
#define DISVM_BENCH_SCENE_H

#include <stdbool.h>

#include <dis/types.h>

#include "bench/hist.h"
#include "bench/tune.h"

#define SCENE_GROUPS_MAX 16u
#define SCENE_WINDOWS_MAX 2u
#define SCENE_REASON_BYTES 256u
#define SCENE_STRIP_MAX 4096u
#define SCENE_GUEST_BYTES (UINT64_C(8) << 20)
/** Length of a slice of a window: see struct scene_window. */
#define SCENE_SLICE_NS (20 * DIS_MS_NS)

/** Of a scene of which stalls leave too little; a bad time of the machine below lasts
 * for seconds. */
#define SCENE_TRIES 10u

/** Who runs the guests. */
enum scene_by {
	SCENE_DIS,     /**< executors of DIS */
	SCENE_THREADS, /**< a thread per vCPU, KVM's interrupt controller */
	SCENE_QEMU,    /**< a process of QEMU per guest */
};

/**
 * @tuning: of the threads of critical vCPUs; SCENE_THREADS only.
 * @early:  the guests agree to be entered early; SCENE_DIS only.
 */
struct scene_contender {
	const char *name;
	const char *title;
	enum scene_by by;
	enum bench_tuning tuning;
	bool early;
};

/**
 * @workload: of each vCPU, as in guest/README.md.
 * @intent:   of each vCPU under DIS, as in dis_intent_parse(); "" for none.
 * @critical: what the scene is about, e.g. must not be late: its threads are tuned.
 * @runtime_ns, @period_ns: what SCHED_DEADLINE is told of it.
 */
struct scene_group {
	char workload[48];
	char intent[64];
	unsigned guests;
	unsigned vcpus;
	bool critical;
	uint64_t runtime_ns;
	uint64_t period_ns;
};

/**
 * @kernel:   the guest image.
 * @cpus:     host CPUs that everything runs on.
 * @warm_ns:  from when all guests are ready to the first window.
 * @settle_ns: how long what a stall of the machine made late is late after it.
 * @turn_ns:  not 0: group 0 turns at this time of its own; the first window ends
 *            before, a second one begins after.
 * @strip:    note who ran where, SCENE_DIS only.
 */
struct scene {
	const char *kernel;
	const unsigned *cpus;
	unsigned n_cpus;
	uint64_t warm_ns;
	uint64_t window_ns;
	uint64_t settle_ns;
	uint64_t turn_ns;
	bool strip;
	unsigned n_groups;
	struct scene_group group[SCENE_GROUPS_MAX];
};

/** Of all vCPUs of a group, in the slices without a stall. */
struct scene_figures {
	uint64_t work;
	uint64_t wakes;
	uint64_t misses;  /**< late jobs and @skipped */
	uint64_t skipped; /**< of @wakes + @skipped that there were */
	uint64_t tardiness_sum_ns;
	uint64_t tardiness_max_ns; /**< since its start, stalls included */
	uint64_t stalled_misses;   /**< in the slices left out */
	uint64_t exits; /**< to user space; 0 where nobody counts them */
	double jain;    /**< of the work of its vCPUs */
	struct bench_hist hist;
};

/**
 * A window is cut into slices of SCENE_SLICE_NS, a short one into shorter ones.
 * Those that a stall of the machine may have touched are counted in @stalled and
 * left out: see tally.h.
 * @clean_ns: length of the others.
 */
struct scene_window {
	uint64_t clean_ns;
	unsigned slices;
	unsigned stalled;
	struct scene_figures group[SCENE_GROUPS_MAX];
};

/** Guest @guest, in order of starting, of group @group ran on core @core. */
struct scene_run_of {
	unsigned core;
	unsigned guest;
	unsigned group;
	uint64_t from_ns;
	uint64_t to_ns;
};

enum scene_outcome {
	SCENE_BROKEN,     /**< something went wrong: @reason */
	SCENE_IMPOSSIBLE, /**< this host or user cannot do this: @reason */
	SCENE_DONE,
};

/** @unwatched: why stalls were not seen, or "". */
struct scene_result {
	enum scene_outcome outcome;
	char reason[SCENE_REASON_BYTES];
	char unwatched[SCENE_REASON_BYTES];
	struct scene_window window[SCENE_WINDOWS_MAX];
	unsigned n_strip;
	struct scene_run_of strip[SCENE_STRIP_MAX];
};

unsigned scene_windows(const struct scene *scene);
/** Are enough slices left, a quarter, for the window to stand for the scene? */
bool scene_window_counts(const struct scene_window *window);
unsigned scene_guests(const struct scene *scene);

/**
 * scene_run - play @scene under @contender in a child process.
 * @result: overwritten; its outcome says what the rest is worth.
 *
 * Return: 0, or -errno with @err: there could be no child.
 */
int scene_run(const struct scene *scene,
	      const struct scene_contender *contender,
	      struct scene_result *result, char *err, size_t err_size);

/**
 * scene_child - run @body in a child process with @bytes of shared memory.
 * @body:   writes what it has to say to @shared; may leave anything behind.
 * @shared: zero when @body starts; copied to @out.
 *
 * Return: 0; -errno with @err: no child, or it did not end well.
 */
int scene_child(void (*body)(void *shared, const void *arg), const void *arg,
		void *out, size_t bytes, char *err, size_t err_size);

/* One per enum scene_by. Context: the child; they fill @result. */
void scene_play_own(const struct scene *scene,
		    const struct scene_contender *contender,
		    struct scene_result *result);
void scene_play_qemu(const struct scene *scene, struct scene_result *result);

/** Sets outcome and reason. */
void scene_fail(struct scene_result *result, enum scene_outcome outcome,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
