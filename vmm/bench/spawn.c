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
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dis/executor.h>

#include "bench/flock.h"
#include "bench/spawn_bare.h"
#include "bench/stats.h"

#define GUESTS_MAX BENCH_ROUNDS_MAX

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
 * Of each guest, from its request; @all_ns: first request to last ready.
 * @recycle_ns: of one, to end it and make its shell as good as new.
 * @bare_ns: of machines made by the bare sequence in between; 0: there are none.
 */
struct spawned {
	struct scene_result scene; /* outcome and reason only */
	double first_ns[GUESTS_MAX];
	double ready_ns[GUESTS_MAX];
	uint64_t all_ns;
	double recycle_ns;
	double bare_ns[GUESTS_MAX];
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

	r->out->ready_ns[i] = (double)(now_ns - r->flock.guest[i].asked_ns);
	r->out->first_ns[i] = flock_first_ns(&r->flock, i, now_ns);
}

static bool time_bare(struct run *r, unsigned i)
{
	char err[SCENE_REASON_BYTES];

	if (!bench_bare_time(r->bare, &r->out->bare_ns[i], err, sizeof(err)))
		return true;
	scene_fail(&r->out->scene, SCENE_BROKEN, "%s", err);
	return false;
}

static bool ask_one_by_one(struct run *r)
{
	for (unsigned i = 0; i < r->job->guests; i++) {
		flock_settle();
		if (r->bare && !time_bare(r, i))
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

static bool ask_at_once(struct run *r)
{
	unsigned n = r->job->guests;
	uint64_t from_ns = dis_clock_ns();

	for (unsigned i = 0; i < n; i++)
		if (!flock_add(&r->flock, 0))
			return false;
	if (!flock_wait(&r->flock, 0, n, note_ready, r))
		return false;
	r->out->all_ns = dis_clock_ns() - from_ns;
	return true;
}

/* A guest in each shell, who leaves it as guests do. */
static bool use_shells(struct run *r)
{
	uint64_t from_ns;

	for (unsigned i = 0; i < r->job->guests; i++)
		if (!flock_add(&r->flock, 0))
			return false;
	if (!flock_wait(&r->flock, 0, r->job->guests, NULL, NULL))
		return false;
	from_ns = dis_clock_ns();
	if (!flock_recycle(&r->flock))
		return false;
	r->out->recycle_ns =
		(double)(dis_clock_ns() - from_ns) / r->job->guests;
	return true;
}

static bool open_bare(struct run *r)
{
	char err[SCENE_REASON_BYTES];

	if (r->job->by != BY_DIS || r->job->at_once ||
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
	snprintf(result->unwatched, sizeof(result->unwatched), "%s",
		 FLOCK_UNWATCHED);
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

static void take(struct bench_result *result, unsigned round, unsigned ci,
		 const struct job *job, const struct spawned *s)
{
	struct bench_spread first = bench_spread(s->first_ns, job->guests);
	struct bench_spread ready = bench_spread(s->ready_ns, job->guests);
	const double values[MEASURES] = {
		[FIRST] = first.median,
		[READY] = ready.median,
		[READY_MAX] = ready.max,
		[RATE] = s->all_ns ? job->guests * 1e9 / (double)s->all_ns : 0,
		[RECYCLE] = s->recycle_ns,
	};

	for (unsigned m = 0; m < MEASURES; m++)
		if (result->cell[ci][job->by][m])
			result->figure[result->cell[ci][job->by][m] - 1]
				.value[round] = values[m];
	if (s->bare_ns[0] > 0)
		result->figure[result->cell[ONE][BY_BARE][FIRST] - 1]
			.value[round] =
			bench_spread(s->bare_ns, job->guests).median;
}

static unsigned guests_of(unsigned ci, enum by by, bool quick)
{
	if (quick)
		return ci == ONE ? 2 : 5;
	return ci == BURST ? 100 : by == BY_QEMU ? 10 : 50;
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
	ret = scene_child(spawn_body, &job, &spawned, sizeof(spawned), err,
			  err_size);
	if (ret)
		return ret;
	if (spawned.scene.outcome == SCENE_DONE) {
		take(result, round, ci, &job, &spawned);
	} else if (spawned.scene.outcome == SCENE_IMPOSSIBLE) {
		bench_note_impossible(result, ci, by, spawned.scene.reason);
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
