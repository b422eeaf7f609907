/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench throughput: what do N busy vCPUs get done in total, and how evenly?
 */
#include "bench/grid.h"

/* More vCPUs are more guests: no contender can have 256 in one. */
#define PER_GUEST 16u

static const struct grid_case cases[] = {
	{{.name = "n2", .title = "2 busy vCPUs"}, 2, true},
	{{.name = "n16", .title = "16 busy vCPUs"}, 16, true},
	{{.name = "n64", .title = "64 busy vCPUs"}, 64, false},
	{{.name = "n256", .title = "256 busy vCPUs"}, 256, false},
};

static const struct grid_measure measures[] = {
	{{"work", "total work", "per_s", true}, 0, 0, true, grid_work_per_s},
	{{"jain", "Jain index", "index", true}, 0, 0, false, grid_jain},
};

static const struct grid_target targets[] = {
	{"n16", "work", "dis", "threads", 1},
	{"n64", "work", "dis", "threads", 1},
	{"n256", "work", "dis", "threads", 1},
	{"n16", "jain", "dis", NULL, 0.99},
	{"n64", "jain", "dis", NULL, 0.99},
	{"n256", "jain", "dis", NULL, 0.99},
};

static bool throughput_scene(const struct grid_case *c, bool quick,
			     struct scene *scene, char *why, size_t why_size)
{
	unsigned vcpus = c->value < PER_GUEST ? c->value : PER_GUEST;

	(void)why;
	(void)why_size;
	scene->group[0] = (struct scene_group){
		.workload = "hog",
		.intent = "batch",
		.guests = c->value / vcpus,
		.vcpus = vcpus,
		.critical = true,
	};
	scene->n_groups = 1;
	/* Twelve turns of each with slices of 10 ms on two cores: whom the ends of
	 * the window give a slice more is no matter of fairness. */
	if (c->value > 64 && !quick)
		scene->window_ns = 16 * DIS_S_NS;
	return true;
}

static const struct grid grid = {
	.cases = cases,
	.n_cases = sizeof(cases) / sizeof(cases[0]),
	.measures = measures,
	.n_measures = sizeof(measures) / sizeof(measures[0]),
	.targets = targets,
	.n_targets = sizeof(targets) / sizeof(targets[0]),
	.contenders = GRID_PEERS | GRID_NICE | GRID_BATCH,
	.window_ns = 4 * DIS_S_NS,
	.what = "work of vCPUs that only compute (units of about 1 us)",
	.starved = "did no work",
	.scene = throughput_scene,
};

const struct bench bench_throughput = {
	.name = "throughput",
	.summary = "what busy vCPUs get done, and how evenly",
	.round_s = 190,
	.grid = &grid,
};
