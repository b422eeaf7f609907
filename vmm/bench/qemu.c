/* SPDX-License-Identifier: Apache-2.0 */
/* A scene under QEMU; see qemu.h. */
#include "bench/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHY_BYTES 200

bool qemu_find(char *path, size_t size)
{
	const char *dirs = getenv("PATH");

	while (dirs && *dirs) {
		size_t n = strcspn(dirs, ":");

		if (n &&
		    snprintf(path, size, "%.*s/" QEMU_NAME, (int)n, dirs) <
			    (int)size &&
		    !access(path, X_OK))
			return true;
		dirs += n + (dirs[n] == ':');
	}
	return false;
}

/* In the child: only what may be called after a fork of a quiet process. */
static void __attribute__((noreturn))
become_qemu(const char *path, const struct scene *scene,
	    const struct scene_group *group, int memory, int messages)
{
	char object[96], append[64], vcpus[16], bytes[24];
	int none = open("/dev/null", O_RDWR);

	snprintf(object, sizeof(object),
		 "memory-backend-file,id=mem,share=on,size=%lluM,"
		 "mem-path=/proc/self/fd/%d",
		 (unsigned long long)(SCENE_GUEST_BYTES >> 20), memory);
	snprintf(append, sizeof(append), "work=%s", group->workload);
	snprintf(vcpus, sizeof(vcpus), "%u", group->vcpus);
	snprintf(bytes, sizeof(bytes), "%lluM",
		 (unsigned long long)(SCENE_GUEST_BYTES >> 20));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(none, STDIN_FILENO);
	dup2(none, STDOUT_FILENO);
	dup2(messages, STDERR_FILENO);
	fcntl(memory, F_SETFD, 0);
	/* Without ARCH_CAPABILITIES: some hosts announce and refuse it. */
	execl(path, path, "-accel", "kvm", "-M", "microvm,memory-backend=mem",
	      "-object", object, "-cpu", "host,-arch-capabilities", "-smp",
	      vcpus, "-m", bytes, "-nodefaults", "-no-user-config",
	      "-no-reboot", "-display", "none", "-serial", "null", "-device",
	      "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", scene->kernel,
	      "-append", append, (char *)NULL);
	_exit(127);
}

static int map_memory(int fd, struct window_guest *view)
{
	void *mem;

	if (fd < 0 || ftruncate(fd, (off_t)SCENE_GUEST_BYTES))
		return -errno;
	mem = mmap(NULL, SCENE_GUEST_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	*view = (struct window_guest){.mem = mem, .bytes = SCENE_GUEST_BYTES};
	return 0;
}

int qemu_spawn(const char *path, const struct scene *scene,
	       const struct scene_group *group, struct qemu_guest *out,
	       struct window_guest *view, char *err, size_t err_size)
{
	int memory = memfd_create("guest", MFD_CLOEXEC);
	int ret = map_memory(memory, view);

	out->messages = memfd_create("messages", MFD_CLOEXEC);
	if (!ret && out->messages < 0)
		ret = -errno;
	if (!ret) {
		out->pid = fork();
		if (out->pid == 0)
			become_qemu(path, scene, group, memory, out->messages);
		if (out->pid < 0)
			ret = -errno;
	}
	view->vcpus = group->vcpus;
	if (ret)
		snprintf(err, err_size, QEMU_NAME ": %s", strerror(-ret));
	if (memory >= 0)
		close(memory);
	return ret;
}

bool qemu_runs(const struct qemu_guest *guest, char *why, size_t size)
{
	char text[WHY_BYTES];
	ssize_t n;
	int status;

	if (waitpid(guest->pid, &status, WNOHANG) == 0)
		return true;
	n = pread(guest->messages, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	snprintf(why, size, "QEMU ended: %s", *text ? text : "no message");
	return false;
}

void qemu_end(const struct qemu_guest *guest)
{
	int status;

	kill(guest->pid, SIGKILL);
	waitpid(guest->pid, &status, 0);
	close(guest->messages);
}

struct qemus {
	struct qemu_guest *guest;
	unsigned n;
	char why[SCENE_REASON_BYTES];
};

static const char *qemus_alive(void *ctx)
{
	struct qemus *q = ctx;

	for (unsigned i = 0; i < q->n; i++)
		if (!qemu_runs(&q->guest[i], q->why, sizeof(q->why)))
			return q->why;
	return NULL;
}

/*
 * One after the other; who is ready is stopped until all are. Else the first
 * ones, which compute already, would slow down the start of the last.
 */
static bool bring_up(const char *path, const struct scene *scene,
		     struct qemus *q, struct window_source *source,
		     struct scene_result *result)
{
	char err[WHY_BYTES];

	for (unsigned g = scene->n_groups; g-- > 0;)
		for (unsigned i = 0; i < scene->group[g].guests; i++) {
			struct window_guest *view = &source->guest[q->n];

			if (qemu_spawn(path, scene, &scene->group[g],
				       &q->guest[q->n], view, err,
				       sizeof(err))) {
				scene_fail(result, SCENE_BROKEN, "%s", err);
				return false;
			}
			view->group = g;
			q->n++;
			source->n = q->n;
			if (!bench_window_wait(source, q->n - 1, q->n, result))
				return false;
			kill(q->guest[q->n - 1].pid, SIGSTOP);
		}
	for (unsigned i = 0; i < q->n; i++)
		kill(q->guest[i].pid, SIGCONT);
	return true;
}

void scene_play_qemu(const struct scene *scene, struct scene_result *result)
{
	unsigned n = scene_guests(scene);
	struct qemus q = {.guest = calloc(n, sizeof(*q.guest))};
	struct window_source source = {.guest = calloc(n, sizeof(*source.guest)),
				       .alive = qemus_alive,
				       .ctx = &q};
	char path[512];

	if (!qemu_find(path, sizeof(path)))
		scene_fail(result, SCENE_IMPOSSIBLE,
			   QEMU_NAME " is not installed");
	else if (!q.guest || !source.guest)
		scene_fail(result, SCENE_BROKEN, "out of memory");
	else if (bring_up(path, scene, &q, &source, result))
		bench_window_play(scene, &source, result);
	for (unsigned i = 0; i < q.n; i++)
		qemu_end(&q.guest[i]);
	free(source.guest);
	free(q.guest);
}
