/* SPDX-License-Identifier: Apache-2.0 */
/* The stall watch; see watch.h. */
#include "bench/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <dis/executor.h>

#define SCHEDSTAT "/proc/thread-self/schedstat"
#define STACK_BYTES 65536

struct watcher {
	struct bench_watch *watch;
	unsigned cpu;
	pthread_t thread;
};

/** @ready: watchers that set themselves up; @error: of the first that failed. */
struct bench_watch {
	unsigned n;
	atomic_bool stop;
	atomic_uint ready;
	atomic_int error;
	atomic_uint_least64_t stalls;
	atomic_uint_least64_t stalled_ns;
	struct watcher watcher[DIS_CORES_MAX];
};

/* Time that this thread was ready but did not run: the second figure. */
static uint64_t queued_ns(int fd)
{
	char text[96];
	uint64_t queued;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%*u %" SCNu64, &queued) == 1 ? queued : 0;
}

static int set_up(unsigned cpu)
{
	const struct sched_param param = {
		.sched_priority = sched_get_priority_max(SCHED_FIFO)};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		return -errno;
	return 0;
}

static void watch_cpu(struct bench_watch *watch, int fd)
{
	uint64_t due_ns = dis_clock_ns(), queued = queued_ns(fd), late_ns;

	while (!atomic_load(&watch->stop)) {
		struct timespec due;

		due_ns += WATCH_PERIOD_NS;
		due = (struct timespec){.tv_sec = (time_t)(due_ns / DIS_S_NS),
					.tv_nsec = (long)(due_ns % DIS_S_NS)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		late_ns = dis_ns_sub(dis_clock_ns(), due_ns);
		if (late_ns <= WATCH_STALL_NS)
			continue;
		uint64_t now_queued = queued_ns(fd);

		if (bench_watch_is_stall(late_ns, now_queued - queued)) {
			atomic_fetch_add(&watch->stalls, 1);
			atomic_fetch_add(&watch->stalled_ns, late_ns);
		}
		queued = now_queued;
		due_ns = dis_clock_ns();
	}
}

static void *watcher_main(void *arg)
{
	struct watcher *watcher = arg;
	struct bench_watch *watch = watcher->watch;
	int fd = open(SCHEDSTAT, O_RDONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : set_up(watcher->cpu), none = 0;

	if (ret)
		atomic_compare_exchange_strong(&watch->error, &none, ret);
	atomic_fetch_add(&watch->ready, 1);
	if (!ret)
		watch_cpu(watch, fd);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int start_threads(struct bench_watch *watch, const unsigned *cpus,
			 unsigned n)
{
	pthread_attr_t attr;
	int ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (; watch->n < n && !ret; watch->n += !ret) {
		struct watcher *watcher = &watch->watcher[watch->n];

		*watcher = (struct watcher){watch, cpus[watch->n], 0};
		ret = -pthread_create(&watcher->thread, &attr, watcher_main,
				      watcher);
	}
	pthread_attr_destroy(&attr);
	while (atomic_load(&watch->ready) < watch->n)
		usleep(100);
	return ret ? ret : atomic_load(&watch->error);
}

int bench_watch_start(const unsigned *cpus, unsigned n,
		      struct bench_watch **out, char *err, size_t err_size)
{
	struct bench_watch *watch = calloc(1, sizeof(*watch));
	int ret = watch ? start_threads(watch, cpus, n) : -ENOMEM;

	if (!ret) {
		*out = watch;
		return 0;
	}
	snprintf(err, err_size, "stall watch: %s", strerror(-ret));
	if (watch)
		bench_watch_stop(watch);
	*out = NULL;
	return ret;
}

void bench_watch_stop(struct bench_watch *watch)
{
	atomic_store(&watch->stop, true);
	for (unsigned i = 0; i < watch->n; i++)
		pthread_join(watch->watcher[i].thread, NULL);
	free(watch);
}

uint64_t bench_watch_stalls(const struct bench_watch *watch)
{
	return watch ? atomic_load(&watch->stalls) : 0;
}

uint64_t bench_watch_stalled_ns(const struct bench_watch *watch)
{
	return watch ? atomic_load(&watch->stalled_ns) : 0;
}

uint64_t bench_watch_cpu_ns(const struct bench_watch *watch)
{
	uint64_t sum = 0;

	for (unsigned i = 0; watch && i < watch->n; i++) {
		struct timespec ts = {0};
		clockid_t clock;

		if (!pthread_getcpuclockid(watch->watcher[i].thread, &clock))
			clock_gettime(clock, &ts);
		sum += (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
	}
	return sum;
}
