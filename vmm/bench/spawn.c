/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench spawn: from the request for a guest to its first instruction and
 * until it is ready, one guest at a time and many at once.
 *
 * Ready is when the guest's report is there: its kernel runs and its workload
 * begins. How long before that its first instruction was, it says itself. Ours
 * and threads are asked for in a process that has others already, as a daemon
 * would have; QEMU is a process per guest. The bare sequence makes VM, memory,
 * one vCPU and its registers by the same ioctls and runs one instruction that
 * exits: the least that any monitor pays.
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
	BY_THREADS,
	BY_QEMU,
	BY_BARE,
	BYS
};
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
	MEASURES
};

static const struct bench_label contenders[BYS] = {
	[BY_DIS] = {.name = "dis", .title = "DIS"},
	[BY_THREADS] = {.name = "threads", .title = "threads"},
	[BY_QEMU] = {.name = "qemu", .title = "QEMU"},
	[BY_BARE] = {.name = "bare", .title = "bare ioctls"},
};
static const struct bench_label measures[MEASURES] = {
	[FIRST] = {"first", "first instruction", "ns", false},
	[READY] = {"ready", "ready", "ns", false},
	[READY_MAX] = {"ready_max", "ready, last", "ns", false},
	[RATE] = {"rate", "rate", "per_s", true},
};

/** @at_once: all are asked for before the first one is waited for. */
struct job {
	enum by by;
	unsigned guests;
	bool at_once;
	const struct bench_options *options;
};

/** Of each guest, from its request; @all_ns: first request to last ready. */
struct spawned {
	struct scene_result scene; /* outcome and reason only */
	double first_ns[GUESTS_MAX];
	double ready_ns[GUESTS_MAX];
	uint64_t all_ns;
};

/** A job while it runs. */
struct run {
	struct flock flock;
	const struct job *job;
	struct spawned *out;
};

static void note_ready(void *ctx, unsigned i)
{
	struct run *r = ctx;
	double ready_ns = (double)(dis_clock_ns() - r->flock.guest[i].asked_ns);
	double boot_ns = (double)flock_report(&r->flock, i).boot_ns;

	r->out->ready_ns[i] = ready_ns;
	/* Its own figure cannot be longer than what was seen from here. */
	r->out->first_ns[i] = ready_ns > boot_ns ? ready_ns - boot_ns : 0;
}

static bool ask_all(struct run *r)
{
	unsigned n = r->job->guests;
	uint64_t from_ns = dis_clock_ns();

	for (unsigned i = 0; i < n; i++) {
		if (!flock_add(&r->flock, 0))
			return false;
		if (r->job->at_once)
			continue;
		if (!flock_wait(&r->flock, i, i + 1, note_ready, r))
			return false;
		if (r->flock.by == SCENE_QEMU)
			flock_end(&r->flock, i);
	}
	if (r->job->at_once && !flock_wait(&r->flock, 0, n, note_ready, r))
		return false;
	r->out->all_ns = dis_clock_ns() - from_ns;
	return true;
}

static void spawn_bare(const struct job *job, struct spawned *out)
{
	char err[SCENE_REASON_BYTES];
	uint64_t took_ns[GUESTS_MAX];

	if (bench_spawn_bare(job->guests, took_ns, err, sizeof(err))) {
		scene_fail(&out->scene, SCENE_BROKEN, "%s", err);
		return;
	}
	for (unsigned i = 0; i < job->guests; i++)
		out->first_ns[i] = (double)took_ns[i];
	out->scene.outcome = SCENE_DONE;
}

static void spawn_body(void *shared, const void *arg)
{
	static const enum scene_by by[] = {[BY_DIS] = SCENE_DIS,
					   [BY_THREADS] = SCENE_THREADS,
					   [BY_QEMU] = SCENE_QEMU};
	static struct run r; /* executors use it to the end */

	r.job = arg;
	r.out = shared;
	if (r.job->by == BY_BARE) {
		spawn_bare(r.job, r.out);
		return;
	}
	r.flock.by = by[r.job->by];
	r.flock.result = &r.out->scene;
	r.flock.scene.n_groups = 1;
	r.flock.scene.group[0] = (struct scene_group){
		.workload = "idle", .guests = r.job->guests, .vcpus = 1};
	if (flock_open(&r.flock, r.job->options) && ask_all(&r))
		r.out->scene.outcome = SCENE_DONE;
	flock_close(&r.flock);
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
	for (unsigned k = 0; k < BY_BARE; k++)
		for (unsigned m = 0; m < MEASURES; m++)
			for (unsigned ci = 0; ci < CASES; ci++)
				if (ci == BURST || m != RATE)
					bench_add_cell(result, ci, k, m);
	bench_add_cell(result, ONE, BY_BARE, FIRST);
	bench_add_ratio(result, "one_first_to_bare",
			"one at a time: first instruction, to bare ioctls",
			result->cell[ONE][BY_DIS][FIRST] - 1,
			result->cell[ONE][BY_BARE][FIRST] - 1, 1.25);
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
	};

	for (unsigned m = 0; m < MEASURES; m++)
		if (result->cell[ci][job->by][m])
			result->figure[result->cell[ci][job->by][m] - 1]
				.value[round] = values[m];
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

	if (!result->cell[ci][by][FIRST] ||
	    result->figure[result->cell[ci][by][FIRST] - 1].absent)
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
	bench_progress_begin(progress, result->rounds, CASES * BYS);
	for (unsigned i = 0; i < result->rounds * CASES * BYS && !ret; i++) {
		unsigned round = i / (CASES * BYS), ci = i / BYS % CASES;

		ret = run_job(options, result, round, ci,
			      (enum by)((i + round) % BYS), err, err_size);
		bench_progress_step(progress);
	}
	bench_progress_end(progress);
	return ret;
}

const struct bench bench_spawn = {
	.name = "spawn",
	.summary = "how long a guest takes to start, alone and among many",
	.run = run_spawn,
};
