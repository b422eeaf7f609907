/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The figures of `disvm bench switch`: what is measured, how, and against what.
 *
 * Place in the flow: a table (switch_table.c) that switch.c walks. A figure is
 * one line in enum figure and one row.
 */
#ifndef DISVM_BENCH_SWITCH_TABLE_H
#define DISVM_BENCH_SWITCH_TABLE_H

#include "bench/bench.h"

#define BENCH_RING_EVENTS 65536u

enum way {
	EXIT_BARE,
	EXIT_RUN,
	EXIT_DIS,
	PREEMPT_BARE,
	PREEMPT_DIS,
	WORK,
	SCHED,
};

/**
 * One figure and how to get it.
 * @vcpus, @policy, @sleepers, @periods, @mixed: SCHED only, see switch_sched.h.
 * @threads: WORK only: a thread per vCPU, under the host's scheduler.
 * @undeclared: WORK only: the guests declare no intent, instead of Batch.
 */
struct contender {
	const char *name;
	const char *title;
	enum way way;
	double target;
	unsigned vcpus;
	const char *policy;
	bool sleepers;
	bool periods;
	bool mixed;
	bool threads;
	bool undeclared;
	unsigned ring_events;
	bool counters;
};

/** The order of a round. */
enum figure {
	F_EXIT_BARE,
	F_EXIT_RUN,
	F_EXIT_DIS,
	F_EXIT_DIS_EVENTS,
	F_EXIT_DIS_COUNTERS,
	F_PREEMPT_BARE,
	F_PREEMPT_DIS,
	F_WORK_DIS,
	F_WORK_UNDECLARED,
	F_WORK_THREADS,
	F_SCHED_2,
	F_SCHED_2_EVENTS,
	F_SCHED_2_COUNTERS,
	F_SCHED_16,
	F_SCHED_100,
	F_SCHED_1000,
	F_SCHED_10000,
	F_PRIORITY_2,
	F_PRIORITY_10000,
	F_PRIORITY_RANDOM_2,
	F_PRIORITY_RANDOM_10000,
	F_EDF_2,
	F_EDF_10000,
	F_PERIODS_2,
	F_PERIODS_10000,
	F_FAIR_2,
	F_FAIR_10000,
	F_FAIR_RANDOM_2,
	F_FAIR_RANDOM_10000,
	F_SLEEP_2,
	F_SLEEP_16,
	F_SLEEP_100,
	F_SLEEP_1000,
	F_SLEEP_10000,
	FIGURES,
};

_Static_assert(FIGURES <= BENCH_FIGURES_MAX, "figures");

extern const struct contender contenders[FIGURES];

/** Names, targets and ratios of all figures. */
void bench_switch_describe(struct bench_result *result);

#endif
