/* SPDX-License-Identifier: Apache-2.0 */
/*
 * periodic:PERIOD,WORK: a job is released each PERIOD and computes for WORK of its
 * own CPU time, however fast the processor is meanwhile. Records how late each job
 * started; a job that ends late is a miss, and so is each release that it ran over
 * (job.h). Tardiness is by how much the job ended late.
 */
#include <task.h>

#include <job.h>

#define TRIES 8
#define UNITS 32
/* What takes so many times as long was interrupted: no processor is as slow. */
#define INTERRUPTED 4

/* The fastest of a few tries: interruptions only ever add. */
void periodic_calibrate(void)
{
	uint64_t best = NEVER;

	for (unsigned try = 0; try < TRIES; try++) {
		uint64_t ticks = rdtsc();

		for (unsigned i = 0; i < UNITS; i++)
			compute_unit();
		ticks = rdtsc() - ticks;
		if (ticks < best)
			best = ticks;
	}
	run.unit_ticks = best / UNITS + 1;
}

/* Of the units that were interrupted, what they take without counts. */
static void compute_for(uint64_t ticks)
{
	uint64_t done = 0, before = rdtsc();

	while (done < ticks) {
		uint64_t now, took;

		compute_unit();
		now = rdtsc();
		took = now - before;
		done += took < INTERRUPTED * run.unit_ticks ? took
							    : run.unit_ticks;
		before = now;
	}
}

/* All of a job at once, so that no look at the report divides it. */
static void record_end(struct task *task, uint64_t start_late,
		       const struct job_end *job)
{
	struct disvm_guest_report *report = report_of(task);
	uint64_t late_ns = ticks_to_ns(job->late);

	task_record(task, ticks_to_ns(start_late));
	report->work++;
	report->misses += job->skipped + (job->late > 0);
	report->skipped += job->skipped;
	report->tardiness_sum_ns += late_ns;
	if (late_ns > report->tardiness_max_ns)
		report->tardiness_max_ns = late_ns;
}

void periodic_run(struct task *task)
{
	uint64_t period = ns_to_ticks(task->arg[0]);
	uint64_t work = ns_to_ticks(task->arg[1]);
	uint64_t release = run.start_tsc + period;

	if (!period)
		period = 1;
	for (;;) {
		uint64_t begin = task_sleep(
			task, release < run.end_tsc ? release : run.end_tsc);
		struct job_end job;
		uint64_t end;

		if (task_over(task, begin))
			return;
		compute_for(work);
		end = rdtsc();
		if (task_over(task, end))
			return;
		job = job_end(release, period, end);
		record_end(task, begin - release, &job);
		release = job.next;
	}
}
