/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes in child processes; see scene.h. */
#include "bench/scene.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/stats.h"

/* Nothing takes that long; a child that hangs ends by SIGALRM. */
#define CHILD_LIMIT_S 900u
/* Between two looks at whether there is something to tell. */
#define TICK_MS 1000

unsigned scene_windows(const struct scene *scene)
{
	return scene->turn_ns ? 2 : 1;
}

bool scene_window_counts(const struct scene_window *window)
{
	return bench_is_enough(window->slices - window->stalled, window->slices);
}

unsigned scene_guests(const struct scene *scene)
{
	unsigned n = 0;

	for (unsigned i = 0; i < scene->n_groups; i++)
		n += scene->group[i].guests;
	return n;
}

void scene_fail(struct scene_result *result, enum scene_outcome outcome,
		const char *format, ...)
{
	va_list args;

	result->outcome = outcome;
	va_start(args, format);
	vsnprintf(result->reason, sizeof(result->reason), format, args);
	va_end(args);
}

static void __attribute__((noreturn))
child_main(void (*body)(void *shared, const void *arg), const void *arg,
	   void *shared, pid_t parent)
{
	/* Ends with its parent, whatever that ends of. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		alarm(CHILD_LIMIT_S);
		body(shared, arg);
	}
	_exit(0);
}

/* Until it ended, or this kernel cannot tell. */
static void show_progress(pid_t child)
{
	struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN};

	if (ended.fd < 0)
		return;
	while (!poll(&ended, 1, TICK_MS))
		bench_progress_tick();
	close(ended.fd);
}

static int wait_for(pid_t child, char *err, size_t err_size)
{
	int status;

	show_progress(child);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		snprintf(err, err_size,
			 "the measuring process ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(err, err_size,
			 "the measuring process ended with status %d",
			 WEXITSTATUS(status));
	return -EIO;
}

int scene_child(void (*body)(void *shared, const void *arg), const void *arg,
		void *out, size_t bytes, char *err, size_t err_size)
{
	void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), child;
	int ret;

	if (shared == MAP_FAILED) {
		ret = -errno;
		snprintf(err, err_size, "memory for a result: %s",
			 strerror(-ret));
		return ret;
	}
	fflush(NULL);
	child = fork();
	if (child == 0)
		child_main(body, arg, shared, parent);
	if (child < 0) {
		ret = -errno;
		snprintf(err, err_size, "fork: %s", strerror(-ret));
	} else {
		ret = wait_for(child, err, err_size);
	}
	memcpy(out, shared, bytes);
	munmap(shared, bytes);
	return ret;
}

struct play {
	const struct scene *scene;
	const struct scene_contender *contender;
};

static int bind_to(const unsigned *cpus, unsigned n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < n; i++)
		CPU_SET(cpus[i], &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static void play(void *shared, const void *arg)
{
	const struct play *p = arg;
	struct scene_result *result = shared;
	int ret = bind_to(p->scene->cpus, p->scene->n_cpus);

	if (ret)
		scene_fail(result, SCENE_BROKEN, "binding to CPUs: %s",
			   strerror(-ret));
	else if (p->contender->by == SCENE_QEMU)
		scene_play_qemu(p->scene, result);
	else
		scene_play_own(p->scene, p->contender, result);
}

int scene_run(const struct scene *scene,
	      const struct scene_contender *contender,
	      struct scene_result *result, char *err, size_t err_size)
{
	const struct play p = {scene, contender};

	return scene_child(play, &p, result, sizeof(*result), err, err_size);
}
