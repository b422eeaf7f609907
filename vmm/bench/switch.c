/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench switch: what a dispatch costs.
 *
 *   exit     ring 0 does OUT in a loop: each dispatch ends by an exit to user
 *            space, the next one runs the other guest. Wall time per dispatch:
 *            of KVM alone, with the monitor's part (interrupts, exits, devices),
 *            and with the scheduler as well.
 *   preempt  ring 3 computes for ever: each dispatch ends by a timer. Time that
 *            a dispatch takes from the work: from the last instant that one
 *            guest computed to the first that the next one did, by the TSC that
 *            they note themselves. So the speed of the core is not in it.
 *   work     sixteen guests compute for ever: the process's CPU time per unit
 *            of work that any of them has done, under DIS (as Batch, and without
 *            an intent, in shorter slices) and with a thread per vCPU under the
 *            host's scheduler. Not wall time: beside other
 *            programs the host gives sixteen threads more of the core than one.
 *   sched    the scheduler alone, without KVM: wall time per dispatch cycle
 *            (expire, pick, charge, enqueue, decide what to arm).
 *
 * exit and preempt run the same two guests in the bare loop and under DIS, in
 * turns of some ms and in alternating order, so that a machine that gets slower
 * or faster meanwhile favours none.
 *
 * R: EVO-A2, PRE-4.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/switch_bare.h"
#include "bench/switch_dis.h"
#include "bench/switch_sched.h"
#include "bench/switch_table.h"

#define QUANTUM_NS (5 * DIS_MS_NS)
#define SLICE_NS (300 * DIS_US_NS)
/* Of one turn. */
#define EXITS 2000u
#define EXITS_SKIPPED 100u
#define SLICES_SKIPPED 2u
#define WORK_NS (100 * DIS_MS_NS)
/* Two state changes per dispatch fit the ring: nobody reads it meanwhile. */
_Static_assert((EXITS + EXITS_SKIPPED) * 3u < BENCH_RING_EVENTS,
	       "events are lost");

/**
 * How much of each is done per round: exits and slices in @turns parts, each of
 * which begins with some that are not measured; in each turn @work_ns of work.
 */
struct counts {
	unsigned turns;
	unsigned exits;
	unsigned slices;
	uint64_t work_ns;
	unsigned sched_samples;
};

static const struct counts full = {
	.turns = 10,
	.exits = EXITS,
	.slices = 50,
	.work_ns = WORK_NS,
	.sched_samples = 100,
};
static const struct counts quick = {
	.turns = 1,
	.exits = 300,
	.slices = 10,
	.work_ns = WORK_NS / 5,
	.sched_samples = 5,
};

struct switch_bench {
	const struct bench_options *options;
	const struct counts *counts;
	struct bench_guests pair; /* of exit and preempt */
	struct bench_guests many; /* of work */
	struct bench_series series[FIGURES];
};

static bool is_exit(const struct contender *c)
{
	return c->way == EXIT_BARE || c->way == EXIT_RUN || c->way == EXIT_DIS;
}

static int load(struct bench_guests *guests, const struct bench_task *task,
		char *err, size_t err_size)
{
	int ret = bench_guests_load(guests, task);

	if (ret)
		snprintf(err, err_size, "registers of a guest: %s",
			 strerror(-ret));
	return ret;
}

static int run_work(struct switch_bench *b, const struct contender *c,
		    struct bench_series *series, char *err, size_t err_size)
{
	const struct bench_task task = {.program = BENCH_COUNT};
	const struct bench_dis how = {
		.cpu = b->options->cpu,
		.batch = !c->undeclared,
		.quantum_ns = QUANTUM_NS,
		.threads = c->threads,
		.window_ns = b->counts->work_ns,
	};
	int ret = load(&b->many, &task, err, err_size);

	if (!ret)
		ret = bench_dis_run(&b->many, &how, err, err_size);
	if (!ret)
		bench_series_add(series, bench_guests_unit_ns(&b->many), 1);
	return ret;
}

/* One turn of a contender that runs the pair. */
static int run_pair(struct switch_bench *b, const struct contender *c,
		    struct bench_series *series, char *err, size_t err_size)
{
	const struct bench_task task = {
		.program = is_exit(c) ? BENCH_OUT : BENCH_HOG,
		.series = series,
		.skip = is_exit(c) ? EXITS_SKIPPED : SLICES_SKIPPED,
		.samples = is_exit(c) ? b->counts->exits : b->counts->slices,
	};
	const struct bench_dis how = {
		.cpu = b->options->cpu,
		.quantum_ns = is_exit(c) ? QUANTUM_NS : SLICE_NS,
		.ring_events = c->ring_events,
		.counters = c->counters,
	};
	int ret = load(&b->pair, &task, err, err_size);

	if (ret)
		return ret;
	if (c->way == EXIT_BARE)
		return bench_bare_exits(&b->pair, err, err_size);
	if (c->way == EXIT_RUN)
		return bench_run_exits(&b->pair, err, err_size);
	if (c->way == PREEMPT_BARE)
		return bench_bare_slices(&b->pair, SLICE_NS, err, err_size);
	return bench_dis_run(&b->pair, &how, err, err_size);
}

static int run_sched(const struct contender *c, struct bench_series *series,
		     char *err, size_t err_size)
{
	const struct bench_sched how = {
		.vcpus = c->vcpus,
		.policy = c->policy,
		.sleepers = c->sleepers,
		.periods = c->periods,
		.mixed = c->mixed,
		.ring_events = c->ring_events,
		.counters = c->counters,
	};

	return bench_sched_run(&how, series, err, err_size);
}

/*
 * All contenders that run guests, one after the other. The scheduler alone has
 * no contender: it is measured in the first turn.
 */
static int run_turn(struct switch_bench *b, unsigned turn, bool reversed,
		    struct bench_progress *progress, char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned i = 0; i < FIGURES && !ret; i++) {
		unsigned at = reversed ? FIGURES - 1 - i : i;
		const struct contender *c = &contenders[at];

		if (c->way == WORK)
			ret = run_work(b, c, &b->series[at], err, err_size);
		else if (c->way != SCHED)
			ret = run_pair(b, c, &b->series[at], err, err_size);
		else if (turn == 0)
			ret = run_sched(c, &b->series[at], err, err_size);
		else
			continue;
		bench_progress_step(progress);
	}
	return ret;
}

static int run_round(struct switch_bench *b, unsigned round,
		     struct bench_progress *progress,
		     struct bench_result *result, char *err, size_t err_size)
{
	int ret = 0;

	for (unsigned i = 0; i < FIGURES; i++)
		b->series[i].count = 0;
	for (unsigned turn = 0; turn < b->counts->turns && !ret; turn++)
		ret = run_turn(b, turn, (round + turn) % 2, progress, err,
			       err_size);
	for (unsigned i = 0; i < FIGURES && !ret; i++) {
		struct bench_sum sum = bench_series_sum(&b->series[i]);

		result->figure[i].value[round] = bench_sum_mean_ns(&sum);
		result->figure[i].stalls += (unsigned)sum.stalls;
	}
	return ret;
}

static int open_bench(struct switch_bench *b, char *err, size_t err_size)
{
	const struct counts *counts = b->counts;
	int ret = 0;

	for (unsigned i = 0; i < FIGURES && !ret; i++) {
		const struct contender *c = &contenders[i];

		ret = bench_series_init(
			&b->series[i],
			c->way == SCHED  ? counts->sched_samples
			: c->way == WORK ? counts->turns
			: is_exit(c)     ? counts->exits * counts->turns
					 : counts->slices * counts->turns);
	}
	if (ret) {
		snprintf(err, err_size, "out of memory");
		return ret;
	}
	ret = bench_guests_open(&b->pair, BENCH_PAIR, err, err_size);
	if (ret)
		return ret;
	ret = bench_guests_open(&b->many, BENCH_GUESTS_MAX, err, err_size);
	if (ret)
		bench_guests_close(&b->pair);
	return ret;
}

static void free_series(struct switch_bench *b)
{
	for (unsigned i = 0; i < FIGURES; i++)
		bench_series_free(&b->series[i]);
}

/* Steps of a round, for the progress. */
static unsigned steps(const struct counts *counts)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FIGURES; i++)
		n += contenders[i].way == SCHED ? 1 : counts->turns;
	return n;
}

static int run_switch(const struct bench_options *options,
		      struct bench_progress *progress,
		      struct bench_result *result, char *err, size_t err_size)
{
	struct switch_bench b = {
		.options = options,
		.counts = options->quick ? &quick : &full,
	};
	int ret = open_bench(&b, err, err_size);

	if (ret) {
		free_series(&b);
		return ret;
	}
	bench_switch_describe(result);
	bench_progress_begin(progress, options->rounds, steps(b.counts));
	for (unsigned round = 0; round < options->rounds && !ret; round++)
		ret = run_round(&b, round, progress, result, err, err_size);
	bench_progress_end(progress);
	bench_guests_close(&b.many);
	bench_guests_close(&b.pair);
	free_series(&b);
	return ret;
}

const struct bench bench_switch = {
	.name = "switch",
	.summary = "what a dispatch costs, against a bare KVM_RUN loop",
	.one_cpu = true,
	.round_s = 10,
	.run = run_switch,
};
