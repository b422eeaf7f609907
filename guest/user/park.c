/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park: vCPUs 2k and 2k+1 take turns, as two tasks do that share a mutex: who has
 * had its turn wakes the other by hypercall and blocks by hypercall. Counts turns.
 * Without partner or hypercall device: hog.
 */
#include <task.h>

void park_run(struct task *task)
{
	uint32_t other = task->index ^ 1;
	uint64_t turn = task->index & 1;

	if (!machine.hypercall_port || other >= machine.vcpus ||
	    tasks[other].workload->run != park_run) {
		hog_run(task);
		return;
	}
	while (!task_over(task, rdtsc())) {
		/* Turns are counted in the word of the even one. */
		uint64_t *turns = &tasks[task->index & ~1u].sent_seq;

		if ((__atomic_load_n(turns, __ATOMIC_ACQUIRE) & 1) != turn) {
			hypercall(task, DISVM_CALL_BLOCK, DISVM_BLOCK_MUTEX, 0);
			continue;
		}
		report_of(task)->work++;
		__atomic_add_fetch(turns, 1, __ATOMIC_RELEASE);
		hypercall(task, DISVM_CALL_WAKE, other, 0);
	}
	/* Nobody waits for one who has left. */
	hypercall(task, DISVM_CALL_WAKE, other, 0);
}
