/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pingpong: vCPUs 2k and 2k+1 send each other IPIs and halt in between. Counts
 * round trips, records the time from sending a message to the partner's seeing
 * it. A vCPU without partner hogs.
 */
#include <task.h>

static struct task *partner_of(const struct task *task)
{
	uint32_t index = task->index ^ 1;

	if (index >= machine.vcpus || tasks[index].workload->run != pingpong_run)
		return NULL;
	return &tasks[index];
}

static void send(struct task *task, uint64_t seq)
{
	__atomic_store_n(&task->sent_tsc, rdtsc(), __ATOMIC_RELAXED);
	__atomic_store_n(&task->sent_seq, seq, __ATOMIC_RELEASE);
}

void pingpong_run(struct task *task)
{
	struct task *partner = partner_of(task);
	uint64_t icr = 0, now = rdtsc();

	if (!partner) {
		hog_run(task);
		return;
	}
	for (uint64_t seq = 1;; seq++) {
		if (!(task->index & 1)) {
			send(task, seq);
			icr = ipi_to(partner->index);
		}
		while (__atomic_load_n(&partner->sent_seq, __ATOMIC_ACQUIRE) <
		       seq) {
			if (task_over(task, now))
				return;
			now = task_wait(task, icr, run.end_tsc);
			icr = 0;
		}
		uint64_t sent =
			__atomic_load_n(&partner->sent_tsc, __ATOMIC_RELAXED);

		task_record(task, now > sent ? ticks_to_ns(now - sent) : 0);
		report_of(task)->work++;
		if (task->index & 1) {
			send(task, seq);
			icr = ipi_to(partner->index);
		}
	}
}
