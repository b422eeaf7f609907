/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench pingpong: two vCPUs of a guest wake each other by IPI and halt in
 * between, alone and beside busy guests.
 */
#include "bench/grid.h"

enum {
	PAIR,
	BUSY
};

static const struct grid_case cases[] = {
	{{.name = "alone", .title = "alone"}, 0, true},
	{{.name = "load", .title = "8 busy guests"}, 8, true},
};

static const struct grid_measure measures[] = {
	{{"trips", "half trips", "per_s", true}, PAIR, 0, true, grid_work_per_s},
	{{"p50", "p50 to be seen", "ns", false}, PAIR, 0, true, grid_p50},
	{{"p99", "p99", "ns", false}, PAIR, 0, true, grid_p99},
	{{"max", "max", "ns", false}, PAIR, 0, false, grid_max},
	{{"busy", "busy work", "per_s", true}, BUSY, 0, true, grid_work_per_s},
	{{"exits", "exits/IPI", "count", false},
	 PAIR,
	 0,
	 false,
	 grid_exits_per_work},
};

static bool pingpong_scene(const struct grid_case *c, bool quick,
			   struct scene *scene, char *why, size_t why_size)
{
	(void)quick;
	(void)why;
	(void)why_size;
	scene->group[PAIR] = (struct scene_group){
		.workload = "pingpong",
		.intent = "interactive:target=1ms",
		.guests = 1,
		.vcpus = 2,
		.critical = true,
		.runtime_ns = 200 * DIS_US_NS,
		.period_ns = 1 * DIS_MS_NS,
	};
	scene->group[BUSY] = (struct scene_group){
		.workload = "hog",
		.intent = "batch",
		.guests = c->value,
		.vcpus = 1,
	};
	scene->n_groups = c->value ? 2 : 1;
	return true;
}

static const struct grid grid = {
	.cases = cases,
	.n_cases = sizeof(cases) / sizeof(cases[0]),
	.measures = measures,
	.n_measures = sizeof(measures) / sizeof(measures[0]),
	.contenders = GRID_PROMPT,
	.window_ns = 2 * DIS_S_NS,
	.what = "messages between two vCPUs, by IPI",
	.starved = "never woke",
	.scene = pingpong_scene,
};

const struct bench bench_pingpong = {
	.name = "pingpong",
	.summary = "IPIs between two vCPUs of a guest, alone and under load",
	.round_s = 40,
	.grid = &grid,
};
