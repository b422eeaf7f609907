/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench latency: how late does a guest wake on a host that is full?
 *
 * One guest sleeps 1 ms at a time beside K guests that compute; lateness is what
 * it saw itself. What the busy ones got done meanwhile stands beside: a sleeper
 * is easily served at their cost.
 */
#include <stdio.h>

#include "bench/grid.h"

enum {
	SLEEPER,
	BUSY
};

/* Of a core: two wakes' worth, on hosts where entering a guest is dear. */
#define RUNTIME_NS (200 * DIS_US_NS)

static const struct grid_case cases[] = {
	{{.name = "k0", .title = "alone"}, 0, true},
	{{.name = "k4", .title = "4 busy guests"}, 4, true},
	{{.name = "k8", .title = "8 busy guests"}, 8, false},
	{{.name = "k16", .title = "16 busy guests"}, 16, false},
	{{.name = "k64", .title = "64 busy guests"}, 64, false},
};

static const struct grid_measure measures[] = {
	{{"p50", "p50", "ns", false}, SLEEPER, 0, true, grid_p50},
	{{"p90", "p90", "ns", false}, SLEEPER, 0, false, grid_p90},
	{{"p99", "p99", "ns", false}, SLEEPER, 0, true, grid_p99},
	{{"p999", "p99.9", "ns", false}, SLEEPER, 0, false, grid_p999},
	{{"max", "max", "ns", false}, SLEEPER, 0, false, grid_max},
	{{"missed", "missed", "permille", false},
	 SLEEPER,
	 0,
	 false,
	 grid_missed_permille},
	{{"busy", "busy work", "per_s", true}, BUSY, 0, true, grid_work_per_s},
	{{"exits", "exits/wake", "count", false},
	 SLEEPER,
	 0,
	 false,
	 grid_exits_per_wake},
};

static const struct grid_target targets[] = {
	{"k16", "p99", "dis", "threads", 1.0 / 20},
	{"k16", "p99", "dis", "threads", 1.0 / 40},
	{"k16", "p99", "dis", "qemu", 1.0 / 20},
	{"k16", "p99", "dis", "qemu", 1.0 / 40},
	{"k16", "p99", "dis", "fifo", 1},
	{"k16", "p99", "early", "fifo", 0.5},
	{"k4", "p50", "dis", NULL, 60000},
	{"k8", "p50", "dis", NULL, 60000},
	{"k16", "p50", "dis", NULL, 60000},
	{"k64", "p50", "dis", NULL, 60000},
	{"k4", "p50", "early", NULL, 20000},
	{"k8", "p50", "early", NULL, 20000},
	{"k16", "p50", "early", NULL, 20000},
	{"k64", "p50", "early", NULL, 20000},
	{"k4", "busy", "dis", "threads", 1},
	{"k8", "busy", "dis", "threads", 1},
	{"k16", "busy", "dis", "threads", 1},
	{"k64", "busy", "dis", "threads", 1},
};

static bool latency_scene(const struct grid_case *c, bool quick,
			  struct scene *scene, char *why, size_t why_size)
{
	(void)quick;
	(void)why;
	(void)why_size;
	scene->group[SLEEPER] = (struct scene_group){
		.workload = "sleep:1ms",
		.intent = "interactive:target=1ms",
		.guests = 1,
		.vcpus = 1,
		.critical = true,
		.runtime_ns = RUNTIME_NS,
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
	.targets = targets,
	.n_targets = sizeof(targets) / sizeof(targets[0]),
	.contenders = GRID_PROMPT,
	.window_ns = 3 * DIS_S_NS,
	.plots = true,
	.what = "lateness of a guest that sleeps 1 ms at a time",
	.starved = "never woke",
	.scene = latency_scene,
};

const struct bench bench_latency = {
	.name = "latency",
	.summary = "how late a guest wakes beside busy ones",
	.round_s = 140,
	.grid = &grid,
};
