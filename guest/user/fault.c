/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit:CODE and fault:*: guests that end early or go wrong, each in its own
 * way, so that a monitor can show what it makes of that.
 */
#include <task.h>

#define UNKNOWN_CALL 0x7777u

void exit_run(struct task *task)
{
	task_sleep(task, run.start_tsc + ns_to_ticks(20 * MS_NS));
	task_over(task, rdtsc());
	report_of(task)->state = DISVM_REPORT_DONE;
	guest_exit((uint32_t)task->arg[0]);
}

void fault_triple_run(struct task *task)
{
	(void)task;
	sys(SYS_FAULT, FAULT_TRIPLE, 0, 0);
}

void fault_jump_run(struct task *task)
{
	(void)task;
	sys(SYS_FAULT, FAULT_JUMP, 0, 0);
}

void fault_ud_run(struct task *task)
{
	(void)task;
	__asm__ volatile("ud2");
}

void fault_hypercall_run(struct task *task)
{
	hypercall(task, UNKNOWN_CALL, 0, 0);
	task_print(task, "undefined hypercall had no effect");
	hog_run(task);
}

void fault_hypercall_arg_run(struct task *task)
{
	hypercall(task, DISVM_CALL_REPORT, NO_MEMORY_GPA, 0);
	task_print(task, "report outside memory had no effect");
	hog_run(task);
}

void fault_hint_run(struct task *task)
{
	hypercall(task, DISVM_CALL_INTENT, NO_MEMORY_GPA, 0);
	task_print(task, "hint outside memory had no effect");
	hog_run(task);
}

void fault_poweroff_run(struct task *task)
{
	task_sleep(task, run.start_tsc + ns_to_ticks(50 * MS_NS));
	guest_exit(0);
}
