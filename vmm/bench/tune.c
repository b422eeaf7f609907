/* SPDX-License-Identifier: Apache-2.0 */
/* Tuning by hand; see tune.h. */
#include "bench/tune.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dis/types.h>

#define SLICE_NS (100 * DIS_US_NS)
/* As under DIS a Batch vCPU has; more turns of 256 vCPUs than one in a window. */
#define BATCH_SLICE_NS (10 * DIS_MS_NS)
/* In the middle: below the stall watch. */
#define FIFO_PRIORITY 50
/* sched(7); the C library of Debian 12 has no name for it. */
#define POLICY_DEADLINE 6u

/* struct sched_attr of the kernel, first version: sched_setattr(2). */
struct attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

static int set_attr(pid_t tid, const struct attr *attr)
{
	return syscall(SYS_sched_setattr, tid, attr, 0) ? -errno : 0;
}

/* Kernels without slices take the call and ignore the figure. */
static int set_slice(pid_t tid, uint32_t policy, uint64_t slice_ns)
{
	struct attr attr = {
		.size = sizeof(attr), .policy = policy, .runtime_ns = slice_ns};
	struct attr back = {0};
	int ret = set_attr(tid, &attr);

	if (ret)
		return ret;
	if (syscall(SYS_sched_getattr, tid, &back, sizeof(back), 0))
		return -errno;
	return back.runtime_ns == slice_ns ? 0 : -ENOTSUP;
}

int bench_tune(pid_t tid, enum bench_tuning tuning, uint64_t runtime_ns,
	       uint64_t period_ns, char *err, size_t err_size)
{
	const struct sched_param fifo = {.sched_priority = FIFO_PRIORITY};
	const struct attr deadline = {.size = sizeof(deadline),
				      .policy = POLICY_DEADLINE,
				      .runtime_ns = runtime_ns,
				      .deadline_ns = period_ns,
				      .period_ns = period_ns};
	const char *what = "";
	int ret = 0;

	switch (tuning) {
	case TUNE_NONE:
		break;
	case TUNE_NICE:
		what = "nice -20";
		ret = setpriority(PRIO_PROCESS, (id_t)tid, -20) ? -errno : 0;
		break;
	case TUNE_SLICE:
		what = "a slice of 100 us";
		ret = set_slice(tid, SCHED_OTHER, SLICE_NS);
		break;
	case TUNE_BATCH:
		what = "SCHED_BATCH with a slice of 10 ms";
		ret = set_slice(tid, SCHED_BATCH, BATCH_SLICE_NS);
		break;
	case TUNE_FIFO:
		what = "SCHED_FIFO";
		ret = sched_setscheduler(tid, SCHED_FIFO, &fifo) ? -errno : 0;
		break;
	case TUNE_DEADLINE:
		what = "SCHED_DEADLINE";
		ret = set_attr(tid, &deadline);
		break;
	}
	if (ret == -EBUSY)
		snprintf(err, err_size, "%s: refused by the kernel's admission",
			 what);
	else if (ret)
		snprintf(err, err_size, "%s: %s", what, strerror(-ret));
	return ret;
}
