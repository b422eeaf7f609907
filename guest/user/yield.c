/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yield: gives its core up all the time; counts how often. Where there is no
 * hypercall device it pauses instead, once per count.
 */
#include <task.h>

void yield_run(struct task *task)
{
	volatile uint64_t *work = &report_of(task)->work;
	uint16_t port = machine.hypercall_port;

	do {
		if (port)
			sys(SYS_OUT, port + DISVM_HC_CALL, 4, DISVM_CALL_YIELD);
		else
			__builtin_ia32_pause();
		(*work)++;
	} while (!task_over(task, rdtsc()));
}
