/* SPDX-License-Identifier: Apache-2.0 */
/* What measures of grids are computed by; see grid.h. */
#include "bench/grid.h"

#include <math.h>

double grid_p50(const struct grid_view *view)
{
	return bench_hist_figure(&view->group->hist, 500);
}

double grid_p90(const struct grid_view *view)
{
	return bench_hist_figure(&view->group->hist, 900);
}

double grid_p99(const struct grid_view *view)
{
	return bench_hist_figure(&view->group->hist, 990);
}

double grid_p999(const struct grid_view *view)
{
	return bench_hist_figure(&view->group->hist, 999);
}

double grid_max(const struct grid_view *view)
{
	return bench_hist_figure(&view->group->hist, 1000);
}

/* All that were: those that began and those that were skipped. */
double grid_periods(const struct grid_view *view)
{
	double periods =
		(double)view->group->wakes + (double)view->group->skipped;

	return periods > 0 ? periods : (double)NAN;
}

double grid_missed_permille(const struct grid_view *view)
{
	return 1000 * (double)view->group->misses / grid_periods(view);
}

double grid_stalled_misses(const struct grid_view *view)
{
	return (double)view->group->stalled_misses;
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
	return bench_hist_figure(&view->group->hist, 990) /
	       bench_hist_figure(&view->before->hist, 990);
}

/* Of the jobs that ended late. */
double grid_tardiness_mean(const struct grid_view *view)
{
	double late = (double)(view->group->misses - view->group->skipped);

	if (isnan(grid_periods(view)))
		return (double)NAN;
	return late > 0 ? (double)view->group->tardiness_sum_ns / late : 0;
}

double grid_tardiness_max(const struct grid_view *view)
{
	double max_ns = (double)view->group->tardiness_max_ns;

	return max_ns == 0 && isnan(grid_periods(view)) ? (double)NAN : max_ns;
}

/* Returns to user space, of whatever kind. */
double grid_exits_per_wake(const struct grid_view *view)
{
	double wakes = (double)view->group->wakes;

	return wakes > 0 ? (double)view->group->exits / wakes : (double)NAN;
}

double grid_exits_per_work(const struct grid_view *view)
{
	double work = (double)view->group->work;

	return work > 0 ? (double)view->group->exits / work : (double)NAN;
}
