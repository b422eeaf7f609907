/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Guests that idle, added until a limit, and the looks at them on the way.
 *
 * Place in the flow: density.c runs density_grow() in a child of scene_child(), and
 * makes figures of what it saw.
 *
 * Stalls of the machine below are left out and counted: starts during which one was
 * seen, slices of the probe (density_probe.h). The watch is there before any memory is
 * looked at, and its own time does not count.
 *
 * Locking: the child's main thread.
 */
#ifndef DISVM_BENCH_DENSITY_GROW_H
#define DISVM_BENCH_DENSITY_GROW_H

#include "bench/bench.h"
#include "bench/scene.h"

#define DENSITY_POINTS_MAX 16u
#define DENSITY_QUICK_GUESTS 10u

enum {
	DENSITY_GUESTS,
	DENSITY_OWN,
	DENSITY_KERNEL,
	DENSITY_GUEST,
	DENSITY_FIRST,
	DENSITY_SPAWN,
	DENSITY_IDLE_CPU,
	DENSITY_PROBE_P50,
	DENSITY_PROBE_P99,
	DENSITY_MEASURES
};

struct density_job {
	enum scene_by by;
	const struct bench_options *options;
};

/**
 * What a look saw.
 * @stalls: left out of each; @still: so many that it has no value.
 */
struct density_point {
	double value[DENSITY_MEASURES];
	unsigned stalls[DENSITY_MEASURES];
	bool still[DENSITY_MEASURES];
};

/** @ended: why there are no more guests, or "". */
struct density_grown {
	struct scene_result scene; /* outcome, reason, unwatched */
	unsigned n;
	struct density_point point[DENSITY_POINTS_MAX];
	char ended[SCENE_REASON_BYTES];
};

/** scene_child()'s body: of a struct density_job, a struct density_grown. */
void density_grow(void *shared, const void *arg);

#endif
