/* SPDX-License-Identifier: Apache-2.0 */
/* The place of the control socket; see listen.h. */
#include "ctl/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/address.h"

#define BACKLOG 64

#define TYPE (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static bool is_stale(const struct sockaddr_un *at)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(at->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, TYPE, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)at, sizeof(*at)) &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_to(int fd, const struct sockaddr_un *at)
{
	return bind(fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;
}

static int listen_at(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, TYPE, 0), ret;

	if (fd < 0)
		return -errno;
	/* The mode that the file will have, from its first moment on. */
	ret = fchmod(fd, 0600) ? -errno : bind_to(fd, at);
	if (ret == -EADDRINUSE && is_stale(at) && !unlink(at->sun_path))
		ret = bind_to(fd, at);
	if (!ret && listen(fd, BACKLOG)) {
		ret = -errno;
		unlink(at->sun_path);
	}
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* A descriptor that keeps others out until it is closed. Return: -errno. */
static int lock_directory(const char *path)
{
	char *copy = strdup(path);
	int fd, ret;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/*
 * Between bind() and listen() a socket looks as if it were left over, and two that
 * find the same one would each remove it.
 */
int ctl_listen(const char *path)
{
	struct sockaddr_un at;
	int ret = ctl_address(path, &at), lock;

	if (ret)
		return ret;
	lock = lock_directory(path);
	if (lock < 0)
		return lock;
	ret = listen_at(&at);
	close(lock);
	return ret;
}
