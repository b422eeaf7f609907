/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hog: computes for ever. Counts units of about 1 us, so that counts compare
 * between monitors; looks at the time every 16 of them.
 */
#include <task.h>

void hog_run(struct task *task)
{
	volatile uint64_t *work = &report_of(task)->work;

	do {
		for (unsigned i = 0; i < 16; i++) {
			compute_unit();
			(*work)++;
		}
	} while (!task_over(task, rdtsc()));
}
