/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, the empty file tree, capabilities; see confine.h. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	int flag; /* of unshare() */
} parts[CONFINE_PARTS] = {
	[CONFINE_USER] = {"user", CLONE_NEWUSER},
	[CONFINE_MOUNT] = {"mount", CLONE_NEWNS},
	[CONFINE_NETWORK] = {"network", CLONE_NEWNET},
	[CONFINE_IPC] = {"ipc", CLONE_NEWIPC},
	[CONFINE_UTS] = {"uts", CLONE_NEWUTS},
	[CONFINE_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[CONFINE_CAPABILITIES] = {"capabilities", 0},
	[CONFINE_SECCOMP] = {"seccomp", 0},
};

const char *confine_part_name(enum confine_part part)
{
	return parts[part].name;
}

/* glibc has no prototypes of these. Version 3 has two words of each set. */
static int capabilities(long call, struct __user_cap_data_struct sets[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(call, &head, sets) ? -errno : 0;
}

static bool may_administer(void)
{
	struct __user_cap_data_struct sets[2] = {0};

	return !capabilities(SYS_capget, sets) &&
	       sets[0].effective >> CAP_SYS_ADMIN & 1;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	return n < 0 ? -err : 0;
}

/*
 * As whom we were. All that are not mapped look alike, and whoever asks who is at the
 * other end of a socket must not take a stranger for himself.
 */
static int map_own_ids(uid_t uid, gid_t gid)
{
	char users[32], groups[32];
	int ret;

	snprintf(users, sizeof(users), "%u %u 1\n", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1\n", gid, gid);
	/* Without rights a group is mapped only by who cannot leave groups. */
	ret = write_file("/proc/self/setgroups", "deny");
	if (!ret)
		ret = write_file("/proc/self/uid_map", users);
	return ret ? ret : write_file("/proc/self/gid_map", groups);
}

/* All capabilities, but only over namespaces that are made in here. */
static int enter_user_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(parts[CONFINE_USER].flag))
		return -errno;
	return map_own_ids(uid, gid);
}

/* There is no way back from a half of it, so that a child tries it first. */
static int try_user_namespace(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(-enter_user_namespace());
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

/*
 * Not mounted anywhere: mounting it over a directory would hide that one, and fail
 * where the host has none to spare.
 */
static int make_empty_tree(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), fd = -1;

	if (fs >= 0 && !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
				     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		fd = -errno;
	if (fs >= 0)
		close(fs);
	return fd;
}

/* Says it of the first that is missing. Return: @first, or @ret if that is 0. */
static int missing(int first, int ret, const char *what, char *err,
		   size_t err_size)
{
	if (ret && !first)
		snprintf(err, err_size, "%s: %s", what, strerror(-ret));
	return first ? first : ret;
}

int confine_namespaces(struct confine *c, char *err, size_t err_size)
{
	char what[32];
	int ret = 0;

	if (!may_administer()) {
		ret = try_user_namespace();
		if (!ret)
			ret = enter_user_namespace();
		if (ret)
			return missing(0, ret, "user namespace", err, err_size);
		c->parts |= 1u << CONFINE_USER;
	}
	/* One by one: a kernel may lack some. */
	for (unsigned i = CONFINE_MOUNT; i <= CONFINE_CGROUP; i++) {
		int failed = unshare(parts[i].flag) ? -errno : 0;

		if (!failed && i == CONFINE_MOUNT) {
			c->root_fd = make_empty_tree();
			failed = c->root_fd < 0 ? c->root_fd : 0;
		} else if (!failed) {
			c->parts |= 1u << i;
		}
		snprintf(what, sizeof(what), "%s namespace", parts[i].name);
		ret = missing(ret, failed, what, err, err_size);
	}
	return ret;
}

/* In place of the host's tree, which goes: nothing of it is kept busy. */
static bool replace_root(int root_fd)
{
	/* Private first: what is mounted and unmounted in here is our own. */
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !move_mount(root_fd, "", AT_FDCWD, "/",
			   MOVE_MOUNT_F_EMPTY_PATH) &&
	       !syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH);
}

/*
 * An initramfs cannot be replaced, nor the root of who was started in a chroot. It stays
 * then, but out of reach: no name leads to it, and no directory in it is open.
 */
static int enter_tree(int root_fd)
{
	if (fchdir(root_fd))
		return -errno;
	if (!replace_root(root_fd) && chroot("."))
		return -errno;
	return chdir("/") ? -errno : 0;
}

int confine_enter(struct confine *c, char *err, size_t err_size)
{
	struct __user_cap_data_struct none[2] = {0};
	int ret = 0, failed;

	if (c->root_fd >= 0) {
		failed = enter_tree(c->root_fd);
		if (!failed)
			c->parts |= 1u << CONFINE_MOUNT;
		ret = missing(ret, failed, "empty file tree", err, err_size);
		confine_close(c);
	}
	failed = capabilities(SYS_capset, none);
	if (!failed)
		c->parts |= 1u << CONFINE_CAPABILITIES;
	return missing(ret, failed, "capabilities", err, err_size);
}

void confine_close(struct confine *c)
{
	if (c->root_fd >= 0)
		close(c->root_fd);
	c->root_fd = -1;
}
