/* SPDX-License-Identifier: Apache-2.0 */
/* Growing and looking; see density_grow.h. */
#include "bench/density_grow.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <dis/executor.h>

#include "bench/density_probe.h"
#include "bench/memory.h"
#include "bench/stats.h"

#define THREADS_GUESTS 1000u
#define QEMU_GUESTS 100u
/* Open files for anything but guests. */
#define OTHER_FILES 200u
#define PROBE_NS (1 * DIS_S_NS)
#define IDLE_NS (500 * DIS_MS_NS)
#define QUICK_NS (100 * DIS_MS_NS)
/* Guests whose first instruction is timed: so many before each look. */
#define TIMED 50u

enum {
	PROBE,
	IDLE
};

/** After how many guests is looked; the last one is the limit. */
static const unsigned steps[] = {1,    10,   30,   100,  300,
				 1000, 2000, 4000, 8000, 16000};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

/**
 * @first_ns: of the last guests, to their first instruction.
 * @ready_ns: of all since the last look, until they were ready; a sum, of @ready.
 * @stalled:  of these, left out.
 * @anonymous: memory before anything was made.
 * @available: once all that comes before guests was made.
 * @ahead: what the kernel has of a guest already then, its VM.
 */
struct run {
	struct flock flock;
	struct density_grown *out;
	bool quick;
	unsigned idle; /* guests */
	bool timing;
	struct bench_kept first_ns;
	uint64_t ready_ns;
	unsigned ready;
	unsigned stalled;
	uint64_t available;
	double ahead;
	uint64_t anonymous;
};

static void pause_ns(uint64_t ns)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / DIS_S_NS),
				    .tv_nsec = (long)(ns % DIS_S_NS)};

	nanosleep(&ts, NULL);
}

static unsigned limit_of(enum scene_by by, bool quick)
{
	struct rlimit files = {.rlim_max = 1024};
	uint64_t most;

	if (quick)
		return DENSITY_QUICK_GUESTS;
	if (by != SCENE_DIS)
		return by == SCENE_QEMU ? QEMU_GUESTS : THREADS_GUESTS;
	getrlimit(RLIMIT_NOFILE, &files);
	most = dis_ns_sub(files.rlim_max, OTHER_FILES) / 2;
	return most < steps[N_STEPS - 1] ? (unsigned)most : steps[N_STEPS - 1];
}

static uint64_t cpu_of_all(const struct run *r)
{
	uint64_t sum = 0;

	if (r->flock.by != SCENE_QEMU)
		return bench_cpu_ns(0) - bench_watch_cpu_ns(r->flock.watch);
	for (unsigned i = 0; i < r->flock.n; i++)
		if (r->flock.guest[i].qemu.pid > 0)
			sum += bench_cpu_ns(r->flock.guest[i].qemu.pid);
	return sum;
}

static void measure_memory(struct run *r, struct density_point *point)
{
	uint64_t own = 0, guest = 0, gone, known;

	for (unsigned i = 0; i < r->flock.n; i++) {
		const struct flock_guest *g = &r->flock.guest[i];

		if (r->flock.by == SCENE_QEMU && g->qemu.pid <= 0)
			continue;
		guest += bench_memory_resident(g->view.mem, g->view.bytes);
		if (r->flock.by == SCENE_QEMU)
			own += bench_memory_of(g->qemu.pid);
	}
	if (r->flock.by != SCENE_QEMU)
		own = dis_ns_sub(bench_memory_anonymous() - r->anonymous, guest);
	gone = dis_ns_sub(r->available, bench_memory_available());
	known = own + guest;
	point->value[DENSITY_OWN] = (double)own / r->idle;
	point->value[DENSITY_GUEST] = (double)guest / r->idle;
	point->value[DENSITY_KERNEL] =
		(double)dis_ns_sub(gone, known) / r->idle + r->ahead;
}

/* Of @stalls left out and the others, if they are @enough, @value. */
static void set(struct density_point *point, unsigned m, double value,
		unsigned stalls, bool enough)
{
	point->value[m] = enough ? value : NAN;
	point->stalls[m] = stalls;
	point->still[m] = !enough;
}

/* Since the last look. */
static void measure_starts(struct run *r, struct density_point *point)
{
	const struct bench_kept *first = &r->first_ns;
	bool enough = bench_kept_is_enough(first);

	set(point, DENSITY_FIRST,
	    enough ? bench_spread(first->value, first->n).median : 0,
	    first->stalls, enough);
	set(point, DENSITY_SPAWN,
	    (double)r->ready_ns / (r->ready ? r->ready : 1), r->stalled,
	    bench_is_enough(r->ready, r->ready + r->stalled));
	r->first_ns = (struct bench_kept){0};
	r->ready_ns = 0;
	r->ready = r->stalled = 0;
}

/*
 * In one go: a stall is no CPU time of theirs, and to ask for theirs takes some, as the
 * kernel keeps a thread of its own for each guest in the process.
 */
static void measure_idle(struct run *r, struct density_point *point)
{
	uint64_t idle_ns = r->quick ? QUICK_NS : IDLE_NS;
	uint64_t from_ns = cpu_of_all(r);

	pause_ns(idle_ns);
	point->value[DENSITY_IDLE_CPU] =
		(double)dis_ns_sub(cpu_of_all(r), from_ns) * 1000 /
		(double)idle_ns;
}

static bool measure_probe(struct run *r, struct density_point *point)
{
	struct scene_window window = {0};
	const struct bench_hist *hist = &window.group[0].hist;
	bool enough;

	if (!density_probe(&r->flock, PROBE, r->quick ? QUICK_NS : PROBE_NS,
			   &window))
		return false;
	enough = scene_window_counts(&window);
	set(point, DENSITY_PROBE_P50, bench_hist_figure(hist, 500),
	    window.stalled, enough);
	set(point, DENSITY_PROBE_P99, bench_hist_figure(hist, 990),
	    window.stalled, enough);
	return true;
}

static bool measure(struct run *r)
{
	struct density_point *point = &r->out->point[r->out->n];

	point->value[DENSITY_GUESTS] = r->idle;
	measure_starts(r, point);
	measure_memory(r, point);
	measure_idle(r, point);
	if (!measure_probe(r, point))
		return false;
	r->out->n++;
	return true;
}

static void note_ready(void *ctx, unsigned i)
{
	struct run *r = ctx;
	uint64_t now_ns = dis_clock_ns();
	bool stalled = flock_is_stalled(&r->flock, i);

	if (stalled) {
		r->stalled++;
	} else {
		r->ready_ns += now_ns - r->flock.guest[i].asked_ns;
		r->ready++;
	}
	if (r->timing)
		bench_kept_add(&r->first_ns,
			       flock_first_ns(&r->flock, i, now_ns), stalled);
}

/* Up to @to idle guests. */
static bool grow(struct run *r, unsigned to)
{
	for (; r->idle < to; r->idle++) {
		r->timing = to - r->idle <= TIMED;
		if (r->timing)
			flock_settle();
		if (!flock_add(&r->flock, IDLE) ||
		    !flock_wait(&r->flock, r->flock.n - 1, r->flock.n,
				note_ready, r))
			return false;
	}
	return true;
}

void density_grow(void *shared, const void *arg)
{
	const struct density_job *job = arg;
	static struct run r; /* executors use it to the end */
	unsigned limit = limit_of(job->by, job->options->quick);
	uint64_t before;

	r.out = shared;
	r.quick = job->options->quick;
	r.flock.by = job->by;
	r.flock.ahead = job->by != SCENE_QEMU;
	r.flock.result = &r.out->scene;
	flock_watch(&r.flock, job->options);
	before = bench_memory_available();
	r.anonymous = bench_memory_anonymous();
	r.flock.scene.n_groups = 2;
	r.flock.scene.group[PROBE] =
		(struct scene_group){.workload = "sleep:1ms",
				     .intent = "interactive:target=1ms",
				     .guests = N_STEPS + 1,
				     .vcpus = 1};
	r.flock.scene.group[IDLE] = (struct scene_group){
		.workload = "idle", .guests = limit, .vcpus = 1};
	if (!flock_open(&r.flock, job->options))
		return;
	r.available = bench_memory_available();
	if (r.flock.ahead)
		r.ahead = (double)dis_ns_sub(before, r.available) /
			  scene_guests(&r.flock.scene);
	for (unsigned i = 0; i < N_STEPS; i++) {
		unsigned to = steps[i] < limit ? steps[i] : limit;

		if (to <= r.idle || !grow(&r, to) || !measure(&r))
			break;
	}
	flock_close(&r.flock);
	/* What ends the growth is a finding, once there was any. */
	if (r.out->n) {
		memcpy(r.out->ended, r.out->scene.reason, sizeof(r.out->ended));
		r.out->scene.outcome = SCENE_DONE;
	}
}
