/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench neighbour: eight guests that sleep 1 ms at a time, all promised
 * the same; one of them turns into a busy loop. What happens to the other seven?
 */
#include <stdio.h>

#include "bench/grid.h"

enum {
	TURNER,
	OTHERS
};
enum {
	BEFORE,
	AFTER
};

#define RUNTIME_NS (200 * DIS_US_NS)
/* From the end of the first window to the turn, for slow starts. */
#define MARGIN_NS (500 * DIS_MS_NS)

static const struct grid_case cases[] = {
	{{.name = "seven", .title = "the other seven"}, 7, true},
};

static const struct grid_measure measures[] = {
	{{"p50_before", "p50 before", "ns", false},
	 OTHERS,
	 BEFORE,
	 false,
	 grid_p50},
	{{"p99_before", "p99 before", "ns", false},
	 OTHERS,
	 BEFORE,
	 false,
	 grid_p99},
	{{"p50_after", "p50 after", "ns", false}, OTHERS, AFTER, true, grid_p50},
	{{"p99_after", "p99 after", "ns", false}, OTHERS, AFTER, true, grid_p99},
	{{"p999_after", "p99.9 after", "ns", false},
	 OTHERS,
	 AFTER,
	 false,
	 grid_p999},
	{{"missed_after", "missed after", "permille", false},
	 OTHERS,
	 AFTER,
	 false,
	 grid_missed_permille},
	{{"growth", "p99 after/before", "ratio", false},
	 OTHERS,
	 AFTER,
	 false,
	 grid_growth_p99},
};

static const struct grid_target targets[] = {
	{NULL, "growth", "dis", NULL, 1.5},
};

static bool neighbour_scene(const struct grid_case *c, bool quick,
			    struct scene *scene, char *why, size_t why_size)
{
	struct scene_group sleeper = {
		.intent = "interactive:target=1ms",
		.vcpus = 1,
		.critical = true,
		.runtime_ns = RUNTIME_NS,
		.period_ns = 1 * DIS_MS_NS,
	};

	(void)quick;
	(void)why;
	(void)why_size;
	scene->turn_ns = scene->warm_ns + scene->window_ns + MARGIN_NS;
	scene->group[TURNER] = sleeper;
	scene->group[TURNER].guests = 1;
	snprintf(scene->group[TURNER].workload,
		 sizeof(scene->group[TURNER].workload), "turn:1ms,%llums",
		 (unsigned long long)(scene->turn_ns / DIS_MS_NS));
	scene->group[OTHERS] = sleeper;
	scene->group[OTHERS].guests = c->value;
	snprintf(scene->group[OTHERS].workload,
		 sizeof(scene->group[OTHERS].workload), "sleep:1ms");
	scene->n_groups = 2;
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
	.window_ns = 3 * DIS_S_NS,
	.what = "lateness of guests when one of their kind runs away",
	.starved = "never woke",
	.scene = neighbour_scene,
};

const struct bench bench_neighbour = {
	.name = "neighbour",
	.summary = "what a guest that turns into a busy loop does to its like",
	.round_s = 60,
	.grid = &grid,
};
