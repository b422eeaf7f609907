/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm bench lockholder: a guest with four vCPUs that share a spin lock, on as
 * many cores, on two, on one. A holder that is off its core stops the others, and
 * with a ticket lock, whose order is that in which they came, so does each of those
 * that wait. Of the other lock at 4:1 threads lose three turns of five (half of all
 * turns end with the lock held, then three are spun away): no scheduler can give
 * more than 2.5 times what they have.
 */
#include <stdio.h>

#include "bench/grid.h"

#define VCPUS 4u

static const struct grid_case cases[] = {
	{{.name = "x1", .title = "4 vCPUs on 4 cores"}, 1, true},
	{{.name = "x2", .title = "4 vCPUs on 2 cores"}, 2, true},
	{{.name = "x4", .title = "4 vCPUs on 1 core"}, 4, true},
	{{.name = "t1", .title = "ticket lock, 4 vCPUs on 4 cores"}, 1, true},
	{{.name = "t2", .title = "ticket lock, 4 vCPUs on 2 cores"}, 2, true},
	{{.name = "t4", .title = "ticket lock, 4 vCPUs on 1 core"}, 4, true},
};
static const char *const workloads[] = {"spin",   "spin",   "spin",
					"ticket", "ticket", "ticket"};

static const struct grid_measure measures[] = {
	{{"locks", "acquisitions", "per_s", true}, 0, 0, true, grid_work_per_s},
	{{"p50", "p50 to get it", "ns", false}, 0, 0, false, grid_p50},
	{{"p99", "p99", "ns", false}, 0, 0, true, grid_p99},
	{{"max", "max", "ns", false}, 0, 0, false, grid_max},
	{{"jain", "Jain index", "index", true}, 0, 0, false, grid_jain},
};

static const struct grid_target targets[] = {
	{"x4", "locks", "dis", "threads", 5},
	{"t4", "locks", "dis", "threads", 5},
};

static bool lockholder_scene(const struct grid_case *c, bool quick,
			     struct scene *scene, char *why, size_t why_size)
{
	unsigned cores = VCPUS / c->value;
	bool enough = scene->n_cpus >= cores;

	(void)quick;
	if (!enough)
		snprintf(why, why_size, "%u cores are needed, %u may be used",
			 cores, scene->n_cpus);
	else
		scene->n_cpus = cores;
	scene->group[0] = (struct scene_group){
		.guests = 1,
		.vcpus = VCPUS,
		.critical = true,
	};
	snprintf(scene->group[0].workload, sizeof(scene->group[0].workload),
		 "%s", workloads[c - cases]);
	scene->n_groups = 1;
	return enough;
}

static const struct grid grid = {
	.cases = cases,
	.n_cases = sizeof(cases) / sizeof(cases[0]),
	.measures = measures,
	.n_measures = sizeof(measures) / sizeof(measures[0]),
	.targets = targets,
	.n_targets = sizeof(targets) / sizeof(targets[0]),
	.contenders = GRID_PEERS | GRID_NICE | GRID_SLICE | GRID_BATCH,
	.window_ns = 3 * DIS_S_NS,
	.what = "a spin lock that is held for 5 us",
	.starved = "never got the lock",
	.scene = lockholder_scene,
};

const struct bench bench_lockholder = {
	.name = "lockholder",
	.summary = "a spin lock among more vCPUs than cores",
	.round_s = 40,
	.grid = &grid,
};
