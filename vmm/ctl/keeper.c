/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the control socket in the end; see keeper.h. */
#include "ctl/keeper.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void keep_only(int fd)
{
	if (fd)
		close_range(0, (unsigned)fd - 1u, 0);
	close_range((unsigned)fd + 1u, ~0u, 0);
}

/* Another run may have taken the place of one that was killed. */
static void remove_if_same(const char *path, const struct stat *of)
{
	struct stat now;

	if (!lstat(path, &now) && now.st_dev == of->st_dev &&
	    now.st_ino == of->st_ino)
		unlink(path);
}

/* A signal to all of the group is not meant for it. */
static void keep(int fd, const char *path, const struct stat *of)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	keep_only(fd);
	while (read(fd, &byte, 1) > 0)
		;
	remove_if_same(path, of);
}

int ctl_keeper_start(const char *path, struct ctl_keeper *out)
{
	struct stat of;
	int pair[2], ret;

	if (lstat(path, &of) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	out->pid = fork();
	if (!out->pid) {
		keep(pair[1], path, &of);
		_exit(0);
	}
	ret = out->pid < 0 ? -errno : 0;
	close(pair[1]);
	out->fd = pair[0];
	if (ret)
		close(pair[0]);
	return ret;
}

void ctl_keeper_end(struct ctl_keeper *keeper)
{
	close(keeper->fd);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
