/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleep:PERIOD: sleeps until absolute times PERIOD apart and records how late
 * it woke. Times that have passed already are skipped and counted as misses.
 * turn:PERIOD,AFTER: the same for AFTER, then it computes for ever.
 */
#include <task.h>

static void sleep_until(struct task *task, uint64_t end_tsc)
{
	struct disvm_guest_report *report = report_of(task);
	uint64_t period = ns_to_ticks(task->arg[0]);
	uint64_t next = run.start_tsc + period;
	uint64_t now, skipped;

	if (!period)
		period = 1;
	for (;;) {
		now = task_sleep(task, next < end_tsc ? next : end_tsc);
		if (task_over(task, now) || now >= end_tsc)
			return;
		task_record(task, ticks_to_ns(now - next));
		report->work++;
		next += period;
		if (next <= now) {
			skipped = (now - next) / period + 1;
			report->misses += skipped;
			report->skipped += skipped;
			next += skipped * period;
		}
	}
}

void sleep_run(struct task *task)
{
	sleep_until(task, run.end_tsc);
}

void turn_run(struct task *task)
{
	uint64_t turn = run.start_tsc + ns_to_ticks(task->arg[1]);

	sleep_until(task, turn < run.end_tsc ? turn : run.end_tsc);
	hog_run(task);
}
