/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench deadline: periodic guests that fill a part of every core, beside
 * 16 busy ones: how many of their deadlines are missed, and by how much?
 *
 * Per core three guests with periods of 10, 20 and 40 ms, each a third of the
 * case's utilisation; a job's deadline is the next release. The budget that they
 * declare, and that SCHED_DEADLINE is told, is their work and what it takes to enter
 * and leave them: once for the shortest period, and once more for each job of that
 * which interrupts them; as far as the cores have so much left.
 */
#include <stdio.h>

#include "bench/grid.h"
#include "bench/tally.h"

#define BUSY_GUESTS 16u
#define RATES 3u
#define BUSY RATES
/* Of a core, that SCHED_DEADLINE gives away: less than 95 by default. */
#define KERNEL_PERCENT 94u
/* To enter and leave a guest, where that is dear (kvm_pvm). */
#define ENTRY_US 250u

static const uint64_t period_ns[RATES] = {10 * DIS_MS_NS, 20 * DIS_MS_NS,
					  40 * DIS_MS_NS};

static const struct grid_case cases[] = {
	{{.name = "u50", .title = "50 % of each core"}, 50, true},
	{{.name = "u70", .title = "70 % of each core"}, 70, false},
	{{.name = "u80", .title = "80 % of each core"}, 80, false},
	{{.name = "u90", .title = "90 % of each core"}, 90, false},
	{{.name = "u95", .title = "95 % of each core"}, 95, true},
};

static const struct grid_measure measures[] = {
	{{"missed", "missed", "permille", false},
	 GRID_CRITICAL,
	 0,
	 true,
	 grid_missed_permille},
	{{"periods", "periods", "count", true},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_periods},
	{{"stalled", "missed in stalls", "count", false},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_stalled_misses},
	{{"tardiness", "mean tardiness", "ns", false},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_tardiness_mean},
	{{"tardiness_max", "worst tardiness", "ns", false},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_tardiness_max},
	{{"start_p99", "start p99", "ns", false},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_p99},
	{{"jobs", "jobs", "per_s", true},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_work_per_s},
	{{"busy", "busy work", "per_s", true}, BUSY, 0, true, grid_work_per_s},
	{{"exits", "exits/tick", "count", false},
	 GRID_CRITICAL,
	 0,
	 false,
	 grid_exits_per_wake},
};

static const struct grid_target targets[] = {
	{"u95", "missed", "dis", NULL, 0},
};

/* Of one group in microseconds, at @percent of each core and @most for all. */
static uint64_t budget_us(unsigned rate, unsigned percent, unsigned most,
			  uint64_t work_us)
{
	unsigned left = most > percent ? most - percent : 0;
	uint64_t left_us = period_ns[0] / DIS_US_NS * left / 100 / RATES;
	uint64_t entries = period_ns[rate] / period_ns[0];

	return work_us + entries * dis_ns_min(ENTRY_US, left_us);
}

static bool deadline_scene(const struct grid_case *c, bool quick,
			   struct scene *scene, char *why, size_t why_size)
{
	(void)why;
	(void)why_size;
	for (unsigned i = 0; i < RATES; i++) {
		struct scene_group *group = &scene->group[i];
		uint64_t work_us =
			period_ns[i] / DIS_US_NS * c->value / 100 / RATES;
		uint64_t wcet_us = budget_us(i, c->value, 100, work_us);

		*group = (struct scene_group){
			.guests = scene->n_cpus,
			.vcpus = 1,
			.critical = true,
			.runtime_ns =
				DIS_US_NS *
				budget_us(i, c->value, KERNEL_PERCENT, work_us),
			.period_ns = period_ns[i],
		};
		snprintf(group->workload, sizeof(group->workload),
			 "periodic:%llums,%lluus",
			 (unsigned long long)(period_ns[i] / DIS_MS_NS),
			 (unsigned long long)work_us);
		snprintf(group->intent, sizeof(group->intent),
			 "realtime:period=%llums,wcet=%lluus",
			 (unsigned long long)(period_ns[i] / DIS_MS_NS),
			 (unsigned long long)wcet_us);
	}
	scene->group[BUSY] = (struct scene_group){
		.workload = "hog",
		.intent = "batch",
		.guests = quick ? 2 : BUSY_GUESTS,
		.vcpus = 1,
	};
	scene->n_groups = RATES + 1;
	scene->settle_ns = tally_settle_ns(c->value, period_ns[RATES - 1]);
	return true;
}

static const struct grid grid = {
	.cases = cases,
	.n_cases = sizeof(cases) / sizeof(cases[0]),
	.measures = measures,
	.n_measures = sizeof(measures) / sizeof(measures[0]),
	.targets = targets,
	.n_targets = sizeof(targets) / sizeof(targets[0]),
	.contenders = GRID_PROMPT,
	.window_ns = 4 * DIS_S_NS,
	.what = "deadlines of periodic guests beside busy ones (worst "
		"tardiness: since the start, stalls included)",
	.starved = "never woke",
	.scene = deadline_scene,
};

const struct bench bench_deadline = {
	.name = "deadline",
	.summary = "deadlines missed on cores that are nearly full",
	.round_s = 190,
	.grid = &grid,
};
