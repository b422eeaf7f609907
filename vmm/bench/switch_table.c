/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of disvm bench switch; see switch_table.h. */
#include "bench/switch_table.h"

const struct contender contenders[FIGURES] = {
	[F_EXIT_BARE] =
		{
			.name = "exit_bare",
			.title = "exit, bare loop",
			.way = EXIT_BARE,
		},
	[F_EXIT_RUN] =
		{
			.name = "exit_run",
			.title = "exit, loop with devices",
			.way = EXIT_RUN,
		},
	[F_EXIT_DIS] =
		{
			.name = "exit_dis",
			.title = "exit, DIS",
			.way = EXIT_DIS,
		},
	[F_EXIT_DIS_COUNTERS] =
		{
			.name = "exit_dis_counters",
			.title = "exit, DIS, counters on",
			.way = EXIT_DIS,
			.counters = true,
		},
	[F_EXIT_DIS_EVENTS] =
		{
			.name = "exit_dis_events",
			.title = "exit, DIS, events on",
			.way = EXIT_DIS,
			.ring_events = BENCH_RING_EVENTS,
		},
	[F_PREEMPT_BARE] =
		{
			.name = "preempt_bare",
			.title = "preempt, bare loop",
			.way = PREEMPT_BARE,
		},
	[F_PREEMPT_DIS] =
		{
			.name = "preempt_dis",
			.title = "preempt, DIS",
			.way = PREEMPT_DIS,
		},
	[F_WORK_DIS] =
		{
			.name = "work_dis",
			.title = "work, 16 hogs, DIS",
			.way = WORK,
		},
	[F_WORK_UNDECLARED] =
		{
			.name = "work_undeclared",
			.title = "work, 16 undeclared hogs, DIS",
			.way = WORK,
			.undeclared = true,
		},
	[F_WORK_THREADS] =
		{
			.name = "work_threads",
			.title = "work, 16 hogs, threads",
			.way = WORK,
			.threads = true,
		},
	[F_SCHED_2] =
		{
			.name = "sched_2",
			.title = "sched, 2 vCPUs",
			.way = SCHED,
			.vcpus = 2,
			.target = 300,
		},
	[F_SCHED_2_COUNTERS] =
		{
			.name = "sched_2_counters",
			.title = "sched, 2 vCPUs, counters on",
			.way = SCHED,
			.vcpus = 2,
			.counters = true,
		},
	[F_SCHED_2_EVENTS] =
		{
			.name = "sched_2_events",
			.title = "sched, 2 vCPUs, events on",
			.way = SCHED,
			.vcpus = 2,
			.ring_events = BENCH_RING_EVENTS,
		},
	[F_SCHED_16] =
		{
			.name = "sched_16",
			.title = "sched, 16 vCPUs",
			.way = SCHED,
			.vcpus = 16,
		},
	[F_SCHED_100] =
		{
			.name = "sched_100",
			.title = "sched, 100 vCPUs",
			.way = SCHED,
			.vcpus = 100,
		},
	[F_SCHED_1000] =
		{
			.name = "sched_1000",
			.title = "sched, 1000 vCPUs",
			.way = SCHED,
			.vcpus = 1000,
		},
	[F_SCHED_10000] =
		{
			.name = "sched_10000",
			.title = "sched, 10000 vCPUs",
			.way = SCHED,
			.vcpus = 10000,
			.target = 450,
		},
	[F_PRIORITY_2] =
		{
			.name = "sched_2_priority",
			.title = "sched, 2 vCPUs, priority",
			.way = SCHED,
			.vcpus = 2,
			.policy = "priority",
			.target = 300,
		},
	[F_PRIORITY_10000] =
		{
			.name = "sched_10000_priority",
			.title = "sched, 10000 vCPUs, priority",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "priority",
			.target = 450,
		},
	[F_PRIORITY_RANDOM_2] =
		{
			.name = "sched_2_priority_random",
			.title = "sched, 2, priority, random",
			.way = SCHED,
			.vcpus = 2,
			.policy = "priority",
			.mixed = true,
			.target = 300,
		},
	[F_PRIORITY_RANDOM_10000] =
		{
			.name = "sched_10000_priority_random",
			.title = "sched, 10000, priority, random",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "priority",
			.mixed = true,
			.target = 450,
		},
	[F_EDF_2] =
		{
			.name = "sched_2_edf",
			.title = "sched, 2 vCPUs, edf",
			.way = SCHED,
			.vcpus = 2,
			.policy = "edf",
			.target = 300,
		},
	[F_EDF_10000] =
		{
			.name = "sched_10000_edf",
			.title = "sched, 10000 vCPUs, edf",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "edf",
			.target = 450,
		},
	[F_PERIODS_2] =
		{
			.name = "sched_2_edf_random",
			.title = "sched, 2 vCPUs, edf, random",
			.way = SCHED,
			.vcpus = 2,
			.policy = "edf",
			.periods = true,
			.target = 300,
		},
	[F_PERIODS_10000] =
		{
			.name = "sched_10000_edf_random",
			.title = "sched, 10000, edf, random",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "edf",
			.periods = true,
			.target = 450,
		},
	[F_FAIR_2] =
		{
			.name = "sched_2_fair",
			.title = "sched, 2 vCPUs, fair",
			.way = SCHED,
			.vcpus = 2,
			.policy = "fair",
			.target = 300,
		},
	[F_FAIR_10000] =
		{
			.name = "sched_10000_fair",
			.title = "sched, 10000 vCPUs, fair",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "fair",
			.target = 450,
		},
	[F_FAIR_RANDOM_2] =
		{
			.name = "sched_2_fair_random",
			.title = "sched, 2 vCPUs, fair, random",
			.way = SCHED,
			.vcpus = 2,
			.policy = "fair",
			.mixed = true,
			.target = 300,
		},
	[F_FAIR_RANDOM_10000] =
		{
			.name = "sched_10000_fair_random",
			.title = "sched, 10000, fair, random",
			.way = SCHED,
			.vcpus = 10000,
			.policy = "fair",
			.mixed = true,
			.target = 450,
		},
	[F_SLEEP_2] =
		{
			.name = "sleep_2",
			.title = "sched, 2 sleepers",
			.way = SCHED,
			.vcpus = 2,
			.sleepers = true,
		},
	[F_SLEEP_16] =
		{
			.name = "sleep_16",
			.title = "sched, 16 sleepers",
			.way = SCHED,
			.vcpus = 16,
			.sleepers = true,
		},
	[F_SLEEP_100] =
		{
			.name = "sleep_100",
			.title = "sched, 100 sleepers",
			.way = SCHED,
			.vcpus = 100,
			.sleepers = true,
		},
	[F_SLEEP_1000] =
		{
			.name = "sleep_1000",
			.title = "sched, 1000 sleepers",
			.way = SCHED,
			.vcpus = 1000,
			.sleepers = true,
		},
	[F_SLEEP_10000] =
		{
			.name = "sleep_10000",
			.title = "sched, 10000 sleepers",
			.way = SCHED,
			.vcpus = 10000,
			.sleepers = true,
		},
};

void bench_switch_describe(struct bench_result *result)
{
	result->unit = "ns";
	result->what = "per dispatch";
	for (unsigned i = 0; i < FIGURES; i++)
		bench_add_figure(result, contenders[i].name,
				 contenders[i].title, contenders[i].target);
	bench_add_ratio(result, "exit", "exit, DIS to bare loop", F_EXIT_DIS,
			F_EXIT_BARE, 1.05);
	bench_add_ratio(result, "exit_run", "exit, loop with devices to bare",
			F_EXIT_RUN, F_EXIT_BARE, 0);
	bench_add_ratio(result, "preempt", "preempt, DIS to bare loop",
			F_PREEMPT_DIS, F_PREEMPT_BARE, 0);
	bench_add_ratio(result, "work", "work, DIS to threads", F_WORK_DIS,
			F_WORK_THREADS, 1);
	bench_add_ratio(result, "work_undeclared",
			"work, undeclared to threads", F_WORK_UNDECLARED,
			F_WORK_THREADS, 0);
	bench_add_ratio(result, "sched_growth", "sched, 10000 to 2 vCPUs",
			F_SCHED_10000, F_SCHED_2, 1.5);
	bench_add_ratio(result, "priority_growth", "priority, 10000 to 2 vCPUs",
			F_PRIORITY_10000, F_PRIORITY_2, 1.5);
	bench_add_ratio(result, "priority_random_growth",
			"priority random, 10000 to 2 vCPUs",
			F_PRIORITY_RANDOM_10000, F_PRIORITY_RANDOM_2, 1.5);
	bench_add_ratio(result, "edf_growth", "edf, 10000 to 2 vCPUs",
			F_EDF_10000, F_EDF_2, 1.5);
	bench_add_ratio(result, "edf_random_growth",
			"edf random, 10000 to 2 vCPUs", F_PERIODS_10000,
			F_PERIODS_2, 1.5);
	bench_add_ratio(result, "fair_growth", "fair, 10000 to 2 vCPUs",
			F_FAIR_10000, F_FAIR_2, 1.5);
	bench_add_ratio(result, "fair_random_growth",
			"fair random, 10000 to 2 vCPUs", F_FAIR_RANDOM_10000,
			F_FAIR_RANDOM_2, 1.5);
	bench_add_ratio(result, "sleep_growth", "sched, 10000 to 2 sleepers",
			F_SLEEP_10000, F_SLEEP_2, 0);
	bench_add_ratio(result, "exit_events", "exit, events on to off",
			F_EXIT_DIS_EVENTS, F_EXIT_DIS, 1.01);
	bench_add_ratio(result, "exit_counters", "exit, counters on to off",
			F_EXIT_DIS_COUNTERS, F_EXIT_DIS, 1.01);
	bench_add_ratio(result, "sched_counters", "sched, counters on to off",
			F_SCHED_2_COUNTERS, F_SCHED_2, 0);
	bench_add_ratio(result, "sched_events", "sched, events on to off",
			F_SCHED_2_EVENTS, F_SCHED_2, 0);
}
