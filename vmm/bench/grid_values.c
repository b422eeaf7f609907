/* SPDX-License-Identifier: Apache-2.0 */
/* What measures of grids are computed by; see grid.h. */
#include "bench/grid.h"

double grid_p50(const struct grid_view *view)
{
	return (double)bench_hist_percentile(&view->group->hist, 500);
}

double grid_p90(const struct grid_view *view)
{
	return (double)bench_hist_percentile(&view->group->hist, 900);
}

double grid_p99(const struct grid_view *view)
{
	return (double)bench_hist_percentile(&view->group->hist, 990);
}

double grid_p999(const struct grid_view *view)
{
	return (double)bench_hist_percentile(&view->group->hist, 999);
}

double grid_max(const struct grid_view *view)
{
	return (double)bench_hist_percentile(&view->group->hist, 1000);
}

/* Of all periods that were: those worked through and those missed. */
double grid_missed_permille(const struct grid_view *view)
{
	double missed = (double)view->group->misses;
	double all = missed + (double)view->group->wakes;

	return all > 0 ? 1000 * missed / all : 0;
}

double grid_work_per_s(const struct grid_view *view)
{
	double s = (double)view->window->clean_ns / 1e9;

	return s > 0 ? (double)view->group->work / s : 0;
}

double grid_jain(const struct grid_view *view)
{
	return view->group->jain;
}

/* 1: as before. */
double grid_growth_p99(const struct grid_view *view)
{
	double before = (double)bench_hist_percentile(&view->before->hist, 990);

	return before > 0 ? grid_p99(view) / before : 0;
}

/* Of the jobs that ended late. */
double grid_tardiness_mean(const struct grid_view *view)
{
	double misses = (double)view->group->misses;

	return misses > 0 ? (double)view->group->tardiness_sum_ns / misses : 0;
}

double grid_tardiness_max(const struct grid_view *view)
{
	return (double)view->group->tardiness_max_ns;
}

/* Returns to user space, of whatever kind. */
double grid_exits_per_wake(const struct grid_view *view)
{
	double wakes = (double)view->group->wakes;

	return wakes > 0 ? (double)view->group->exits / wakes : 0;
}

double grid_exits_per_work(const struct grid_view *view)
{
	double work = (double)view->group->work;

	return work > 0 ? (double)view->group->exits / work : 0;
}
