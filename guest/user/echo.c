/* SPDX-License-Identifier: Apache-2.0 */
/*
 * echo: writes back each line that it reads from the serial line, until the
 * line "exit", which ends the guest. Looks every millisecond. For one vCPU of
 * the guest.
 */
#include <task.h>

static char line[256];

void echo_run(struct task *task)
{
	uint64_t used = 0, got, now;

	for (;;) {
		got = sys(SYS_READ, (uintptr_t)line + used, 1, 0);
		if (!got) {
			now = rdtsc();
			if (task_over(task, now))
				return;
			task_sleep(task, now + ns_to_ticks(MS_NS));
			continue;
		}
		if (line[used] == '\r')
			line[used] = '\n';
		if (line[used++] != '\n' && used < sizeof(line))
			continue;
		sys(SYS_WRITE, (uintptr_t)line, used, 0);
		report_of(task)->work++;
		if (used == 5 && text_prefix(line, "exit\n")) {
			task_over(task, rdtsc());
			report_of(task)->state = DISVM_REPORT_DONE;
			guest_exit(0);
		}
		used = 0;
	}
}
