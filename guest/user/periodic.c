/* SPDX-License-Identifier: Apache-2.0 */
/*
 * periodic:PERIOD,WORK: a job is released each PERIOD and computes WORK of CPU
 * time. Records how late each job started; a job that ends after the next
 * release is a miss, and so is each release that it ran over. Tardiness is by how
 * much the job ended late.
 */
#include <task.h>

#define TRIES 8
#define UNITS 32

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

static void record_miss(struct disvm_guest_report *report, uint64_t late_ns)
{
	report->tardiness_sum_ns += late_ns;
	if (late_ns > report->tardiness_max_ns)
		report->tardiness_max_ns = late_ns;
}

void periodic_run(struct task *task)
{
	struct disvm_guest_report *report = report_of(task);
	uint64_t period = ns_to_ticks(task->arg[0]);
	uint64_t units = ns_to_ticks(task->arg[1]) / run.unit_ticks;
	uint64_t release = run.start_tsc + period;
	uint64_t now;

	if (!period)
		period = 1;
	for (;;) {
		now = task_sleep(task,
				 release < run.end_tsc ? release : run.end_tsc);
		if (task_over(task, now))
			return;
		task_record(task, ticks_to_ns(now - release));
		for (uint64_t i = 0; i < units; i++)
			compute_unit();
		report->work++;
		now = rdtsc();
		if (task_over(task, now))
			return;
		if (release + period < now)
			record_miss(report, ticks_to_ns(now - release - period));
		for (release += period; release < now; release += period)
			report->misses++;
	}
}
