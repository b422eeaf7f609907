/* SPDX-License-Identifier: Apache-2.0 */
/* The probe; see density_probe.h. */
#include "bench/density_probe.h"

#include <time.h>

#include <dis/executor.h>

#include "bench/tally.h"

static void play(const struct flock *f, struct tally *tally, uint64_t window_ns,
		 struct scene_window *window)
{
	const struct timespec slice = {.tv_nsec = SCENE_SLICE_NS};

	tally_begin(tally, window, dis_clock_ns(), bench_watch_stalls(f->watch));
	/* One more, to decide on the last one. */
	for (uint64_t left = window_ns / SCENE_SLICE_NS + 1; left; left--) {
		nanosleep(&slice, NULL);
		tally_slice(tally, dis_clock_ns(), bench_watch_stalls(f->watch));
	}
}

bool density_probe(struct flock *f, unsigned g, uint64_t window_ns,
		   struct scene_window *window)
{
	unsigned i = f->n;
	struct window_source source = {.guest = &f->guest[i].view, .n = 1};
	struct tally tally;

	if (!flock_add(f, g) || !flock_wait(f, i, i + 1, NULL, NULL))
		return false;
	if (tally_open(&tally, &source, SCENE_SLICE_NS)) {
		scene_fail(f->result, SCENE_BROKEN, "out of memory");
		return false;
	}
	play(f, &tally, window_ns, window);
	tally_close(&tally);
	flock_end(f, i);
	return true;
}
