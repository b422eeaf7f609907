/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench spawn: from the request for a guest to its first instruction and
 * until it is ready, one guest at a time and many at once.
 *
 * Ready is when the guest's report is there: its kernel runs and its workload
 * begins. When its first instruction was, it says itself. Ours and threads are
 * asked for in a process that has others already, as a daemon would have; warm ones
 * get shells (shell.h) that another guest each has used and that were scrubbed
 * since; QEMU is a process per guest. The bare sequence makes VM, memory, one vCPU
 * and its registers by the same ioctls and runs its first instruction: the least
 * that any monitor pays. It takes turns with DIS in the same process, which costs
 * the kernel more than an empty one.
 *
 * A start during which the machine below stood still is left out and counted, as is
 * a bare one. What many guests do together is played again if stalls took more than
 * a hundredth of the time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dis/executor.h>

#include "bench/flock.h"
#include "bench/spawn_bare.h"
#include "bench/stats.h"

enum by {
	BY_DIS,
	BY_WARM,
	BY_THREADS,
	BY_QEMU,
	BY_BARE, /* in the scene of BY_DIS */
	BYS
};
#define SCENES BY_BARE
enum {
	ONE,
	BURST,
	CASES
};
enum {
	FIRST,
	READY,
	READY_MAX,
	RATE,
	RECYCLE,
	MEASURES
};

static const struct bench_label contenders[BYS] = {
	[BY_DIS] = {.name = "dis", .title = "DIS"},
	[BY_WARM] = {.name = "warm", .title = "DIS, warm"},
	[BY_THREADS] = {.name = "threads", .title = "threads"},
	[BY_QEMU] = {.name = "qemu", .title = "QEMU"},
	[BY_BARE] = {.name = "bare", .title = "bare ioctls"},
};
static const struct bench_label measures[MEASURES] = {
	[FIRST] = {"first", "first instruction", "ns", false},
	[READY] = {"ready", "ready", "ns", false},
	[READY_MAX] = {"ready_max", "ready, last", "ns", false},
	[RATE] = {"rate", "rate", "per_s", true},
	[RECYCLE] = {"recycle", "end and scrub", "ns", false},
};

/** @at_once: all are asked for before the first one is waited for. */
struct job {
	enum by by;
	unsigned guests;
	bool at_once;
	const struct bench_options *options;
};

/**
 * @first_ns, @ready_ns: of each guest, from its request.
 * @bare_ns: of machines made by the bare sequence in between, if there are any.
 * @all_ns: first request to last ready.
 * @recycle_ns: of one, to end it and make its shell as good as new.
 * @stalled: stalls were too much of either.
 */
struct spawned {
	struct scene_result scene; /* outcome, reason, unwatched */
	struct bench_kept first_ns;
	struct bench_kept ready_ns;
	struct bench_kept bare_ns;
	uint64_t all_ns;
	double recycle_ns;
	bool stalled;
};

/** A job while it runs. */
struct run {
	struct flock flock;
	const struct job *job;
	struct spawned *out;
	struct bench_bare *bare;
};

static void note_ready(void *ctx, unsigned i)
{
	struct run *r = ctx;
	uint64_t now_ns = dis_clock_ns();
	bool stalled = !r->job->at_once && flock_is_stalled(&r->flock, i);

	bench_kept_add(&r->out->ready_ns,
		       (double)(now_ns - r->flock.guest[i].asked_ns), stalled);
	bench_kept_add(&r->out->first_ns, flock_first_ns(&r->flock, i, now_ns),
		       stalled);
}

static bool time_bare(struct run *r)
{
	uint64_t stalls = bench_watch_stalls(r->flock.watch);
	char err[SCENE_REASON_BYTES];
	double took_ns;

	if (bench_bare_time(r->bare, &took_ns, err, sizeof(err))) {
		scene_fail(&r->out->scene, SCENE_BROKEN, "%s", err);
		return false;
	}
	bench_kept_add(&r->out->bare_ns, took_ns,
		       bench_watch_stalls(r->flock.watch) != stalls);
	return true;
}

static bool ask_one_by_one(struct run *r)
{
	for (unsigned i = 0; i < r->job->guests; i++) {
		flock_settle();
		if (r->bare && !time_bare(r))
			return false;
		if (r->bare)
			flock_settle();
		if (!flock_add(&r->flock, 0) ||
		    !flock_wait(&r->flock, i, i + 1, note_ready, r))
			return false;
		if (r->flock.by == SCENE_QEMU)
			flock_end(&r->flock, i);
	}
	return true;
}

/* Of what many guests do together. */
struct span {
	uint64_t from_ns;
	uint64_t stalled_ns;
};

static struct span begin_span(const struct run *r)
{
	return (struct span){.from_ns = dis_clock_ns(),
			     .stalled_ns =
				     bench_watch_stalled_ns(r->flock.watch)};
}

/* Return: how long it took. */
static uint64_t end_span(struct run *r, const struct span *span)
{
	uint64_t took_ns = dis_clock_ns() - span->from_ns;
	uint64_t stalled_ns = bench_watch_stalled_ns(r->flock.watch);

	if (bench_is_stalled(stalled_ns - span->stalled_ns, took_ns))
		r->out->stalled = true;
	return took_ns;
}

static bool ask_at_once(struct run *r)
{
	unsigned n = r->job->guests;
	struct span span = begin_span(r);

	for (unsigned i = 0; i < n; i++)
		if (!flock_add(&r->flock, 0))
			return false;
	if (!flock_wait(&r->flock, 0, n, note_ready, r))
		return false;
	r->out->all_ns = end_span(r, &span);
	return true;
}

/* A guest in each shell, who leaves it as guests do. */
static bool use_shells(struct run *r)
{
	struct span span;

	for (unsigned i = 0; i < r->job->guests; i++)
		if (!flock_add(&r->flock, 0))
			return false;
	if (!flock_wait(&r->flock, 0, r->job->guests, NULL, NULL))
		return false;
	span = begin_span(r);
	if (!flock_recycle(&r->flock))
		return false;
	r->out->recycle_ns = (double)end_span(r, &span) / r->job->guests;
	return true;
}

static bool has_bare(const struct job *job)
{
	return job->by == BY_DIS && !job->at_once;
}

static bool open_bare(struct run *r)
{
	char err[SCENE_REASON_BYTES];

	if (!has_bare(r->job) ||
	    !bench_bare_open(r->job->guests, &r->bare, err, sizeof(err)))
		return true;
	scene_fail(&r->out->scene, SCENE_BROKEN, "%s", err);
	return false;
}

static bool play(struct run *r)
{
	if (!flock_open(&r->flock, r->job->options) || !open_bare(r))
		return false;
	if (r->flock.warm && !use_shells(r))
		return false;
	return r->job->at_once ? ask_at_once(r) : ask_one_by_one(r);
}

static void spawn_body(void *shared, const void *arg)
{
	static const enum scene_by by[] = {[BY_DIS] = SCENE_DIS,
					   [BY_WARM] = SCENE_DIS,
					   [BY_THREADS] = SCENE_THREADS,
					   [BY_QEMU] = SCENE_QEMU};
	static struct run r; /* executors use it to the end */

	r.job = arg;
	r.out = shared;
	r.flock.by = by[r.job->by];
	r.flock.warm = r.job->by == BY_WARM;
	r.flock.result = &r.out->scene;
	r.flock.scene.n_groups = 1;
	r.flock.scene.group[0] = (struct scene_group){
		.workload = "idle", .guests = r.job->guests, .vcpus = 1};
	flock_watch(&r.flock, r.job->options);
	if (play(&r))
		r.out->scene.outcome = SCENE_DONE;
	bench_bare_close(r.bare);
	flock_close(&r.flock);
}

static bool has_cell(unsigned ci, unsigned k, unsigned m)
{
	if (m == RECYCLE)
		return k == BY_WARM;
	return ci == BURST || m != RATE;
}

static void describe(struct bench_result *result, bool quick)
{
	const struct bench_label cases[CASES] = {
		[ONE] = {.name = "one", .title = "one at a time"},
		[BURST] = {.name = "burst",
			   .title = quick ? "5 at once" : "100 at once"}};

	result->unit = "ns";
	result->what = "from the request for a guest of one vCPU";
	result->n_cases = CASES;
	result->n_contenders = BYS;
	result->n_measures = MEASURES;
	memcpy(result->cases, cases, sizeof(cases));
	memcpy(result->contenders, contenders, sizeof(contenders));
	memcpy(result->measures, measures, sizeof(measures));
	for (unsigned k = 0; k < SCENES; k++)
		for (unsigned m = 0; m < MEASURES; m++)
			for (unsigned ci = 0; ci < CASES; ci++)
				if (has_cell(ci, k, m))
					bench_add_cell(result, ci, k, m);
	bench_add_cell(result, ONE, BY_BARE, FIRST);
	bench_add_ratio(result, "one_first_to_bare",
			"one at a time: first instruction, to bare ioctls",
			result->cell[ONE][BY_DIS][FIRST] - 1,
			result->cell[ONE][BY_BARE][FIRST] - 1, 1.25);
	bench_add_ratio(result, "one_warm_first_to_bare",
			"one at a time, warm: first instruction, to bare",
			result->cell[ONE][BY_WARM][FIRST] - 1,
			result->cell[ONE][BY_BARE][FIRST] - 1, 0.25);
	for (unsigned k = BY_THREADS; k <= BY_QEMU; k++) {
		char name[BENCH_NAME_BYTES], title[BENCH_NAME_BYTES];

		snprintf(name, sizeof(name), "one_ready_to_%s",
			 contenders[k].name);
		snprintf(title, sizeof(title), "one at a time: ready, to %s",
			 contenders[k].title);
		bench_add_ratio(result, name, title,
				result->cell[ONE][BY_DIS][READY] - 1,
				result->cell[ONE][k][READY] - 1, 0);
	}
}

static struct bench_spread spread_of(const struct bench_kept *kept)
{
	return bench_spread(kept->value, kept->n);
}

static void set(struct bench_result *result, unsigned round, unsigned cell,
		double value, const struct bench_kept *kept)
{
	result->figure[cell - 1].value[round] = value;
	result->figure[cell - 1].stalls += kept->stalls;
}

static void take(struct bench_result *result, unsigned round, unsigned ci,
		 const struct job *job, const struct spawned *s)
{
	struct bench_spread first = spread_of(&s->first_ns);
	struct bench_spread ready = spread_of(&s->ready_ns);
	const double values[MEASURES] = {
		[FIRST] = first.median,
		[READY] = ready.median,
		[READY_MAX] = ready.max,
		[RATE] = s->all_ns ? job->guests * 1e9 / (double)s->all_ns : 0,
		[RECYCLE] = s->recycle_ns,
	};

	for (unsigned m = 0; m < MEASURES; m++)
		if (result->cell[ci][job->by][m])
			set(result, round, result->cell[ci][job->by][m],
			    values[m], &s->ready_ns);
	if (has_bare(job))
		set(result, round, result->cell[ONE][BY_BARE][FIRST],
		    spread_of(&s->bare_ns).median, &s->bare_ns);
	if (*s->scene.unwatched)
		snprintf(result->unwatched, sizeof(result->unwatched), "%s",
			 s->scene.unwatched);
}

static unsigned guests_of(unsigned ci, enum by by, bool quick)
{
	if (quick)
		return ci == ONE ? 2 : 5;
	return ci == BURST ? 100 : by == BY_QEMU ? 10 : 50;
}

static bool is_enough(const struct job *job, const struct spawned *s)
{
	return !s->stalled && bench_kept_is_enough(&s->ready_ns) &&
	       (!has_bare(job) || bench_kept_is_enough(&s->bare_ns));
}

static int play_job(const struct job *job, struct spawned *spawned, char *err,
		    size_t err_size)
{
	for (unsigned try = 0; try < SCENE_TRIES; try++) {
		int ret = scene_child(spawn_body, job, spawned,
				      sizeof(*spawned), err, err_size);

		if (ret || spawned->scene.outcome != SCENE_DONE ||
		    is_enough(job, spawned))
			return ret;
	}
	scene_fail(&spawned->scene, SCENE_IMPOSSIBLE,
		   "the machine stood still so often that too little is left");
	return 0;
}

static void note_impossible(struct bench_result *result, unsigned ci,
			    const struct job *job, const char *reason)
{
	bench_note_impossible(result, ci, job->by, reason);
	if (has_bare(job))
		bench_note_impossible(result, ci, BY_BARE, reason);
}

static int run_job(const struct bench_options *options,
		   struct bench_result *result, unsigned round, unsigned ci,
		   enum by by, char *err, size_t err_size)
{
	static struct spawned spawned;
	const struct job job = {.by = by,
				.guests = guests_of(ci, by, options->quick),
				.at_once = ci == BURST,
				.options = options};
	int ret;

	if (result->figure[result->cell[ci][by][FIRST] - 1].absent)
		return 0;
	ret = play_job(&job, &spawned, err, err_size);
	if (ret)
		return ret;
	if (spawned.scene.outcome == SCENE_DONE) {
		take(result, round, ci, &job, &spawned);
	} else if (spawned.scene.outcome == SCENE_IMPOSSIBLE) {
		note_impossible(result, ci, &job, spawned.scene.reason);
	} else {
		snprintf(err, err_size, "%s, %s: %s", result->cases[ci].title,
			 contenders[by].title, spawned.scene.reason);
		ret = -EIO;
	}
	return ret;
}

static int run_spawn(const struct bench_options *options,
		     struct bench_progress *progress,
		     struct bench_result *result, char *err, size_t err_size)
{
	int ret = 0;

	describe(result, options->quick);
	bench_progress_begin(progress, result->rounds, CASES * SCENES);
	for (unsigned i = 0; i < result->rounds * CASES * SCENES && !ret; i++) {
		unsigned round = i / (CASES * SCENES), ci = i / SCENES % CASES;

		ret = run_job(options, result, round, ci,
			      (enum by)((i + round) % SCENES), err, err_size);
		bench_progress_step(progress);
	}
	bench_progress_end(progress);
	return ret;
}

const struct bench bench_spawn = {
	.name = "spawn",
	.summary = "how long a guest takes to start, alone and among many",
	.round_s = 30,
	.run = run_spawn,
};
