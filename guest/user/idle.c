/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle: is there, and is done at once; then halts without a timer, like every
 * vCPU that is done.
 */
#include <task.h>

void idle_run(struct task *task)
{
	(void)task;
}
