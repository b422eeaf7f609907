/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces, file tree and capabilities of a confined process (R: DIS-17).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <dirent.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <cmocka.h>

#include "test_confine_fixture.h"

#define NOBODY 65534
#define ALL_NAMESPACES \
	(1u << CONFINE_MOUNT | 1u << CONFINE_NETWORK | 1u << CONFINE_IPC | \
	 1u << CONFINE_UTS | 1u << CONFINE_CGROUP)

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	MUST(fd >= 0);
	MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Root in a user namespace of its own. */
static void become_own_root(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1", geteuid());
	MUST(!unshare(CLONE_NEWUSER));
	put("/proc/self/uid_map", map);
}

static void become_nobody(void)
{
	if (geteuid())
		return;
	MUST(!setresgid(NOBODY, NOBODY, NOBODY));
	MUST(!setresuid(NOBODY, NOBODY, NOBODY));
	/* As in who was started as nobody: its files in /proc are its own. */
	MUST(!prctl(PR_SET_DUMPABLE, 1));
}

static void expect_empty_tree(void)
{
	struct dirent *entry;
	DIR *root = opendir("/");
	unsigned n = 0;

	MUST(root);
	while ((entry = readdir(root)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	MUST(!n);
	MUST(access("/proc", F_OK) && errno == ENOENT);
	MUST(access("../../proc", F_OK) && errno == ENOENT);
	MUST(open("/new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
}

static void expect_own_network(void)
{
	struct if_nameindex *names = if_nameindex();

	MUST(names && names[0].if_name && !strcmp(names[0].if_name, "lo"));
	MUST(!names[1].if_name);
}

static void expect_no_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	MUST(!syscall(SYS_capget, &head, sets));
	for (unsigned i = 0; i < 2; i++)
		MUST(!sets[i].effective && !sets[i].permitted &&
		     !sets[i].inheritable);
}

static void enter_and_look(const void *arg)
{
	const bool *as_nobody = arg;
	char byte;
	uid_t uid;
	gid_t gid;
	int fd;

	if (*as_nobody)
		become_nobody();
	uid = getuid();
	gid = getgid();
	MUST(!confine_namespaces(&confined, why, sizeof(why)));
	/* Until the next step files are opened as before. */
	fd = open("/proc/stat", O_RDONLY);
	MUST(fd >= 0);
	MUST(!confine_enter(&confined, why, sizeof(why)));
	MUST((confined.parts & ALL_NAMESPACES) == ALL_NAMESPACES);
	MUST(confined.parts >> CONFINE_CAPABILITIES & 1);
	MUST(!*as_nobody || confined.parts >> CONFINE_USER & 1);
	MUST(getuid() == uid && getgid() == gid);
	expect_empty_tree();
	expect_own_network();
	expect_no_capabilities();
	MUST(pread(fd, &byte, 1, 0) == 1);
}

static void test_confine_tree_empty_network_idle_no_capabilities(void **state)
{
	const bool as_nobody = false;

	(void)state;
	expect_success(enter_and_look, &as_nobody);
}

static void make_user_namespace(const void *arg)
{
	(void)arg;
	become_nobody();
	if (unshare(CLONE_NEWUSER))
		quit(2);
}

static void be_refused(const void *arg)
{
	(void)arg;
	become_nobody();
	MUST(confine_namespaces(&confined, why, sizeof(why)));
	MUST(!strncmp(why, "user namespace: ", 16));
	MUST(!confined.parts);
}

/* What this host lets a user without rights do decides which. */
static void test_confine_user_namespace_does_or_is_refused(void **state)
{
	const bool as_nobody = true;

	(void)state;
	if (!in_child(make_user_namespace, NULL).status)
		expect_success(enter_and_look, &as_nobody);
	else
		expect_success(be_refused, NULL);
}

/* Who is 0 may map itself only with CAP_SETFCAP, user_namespaces(7). */
static void be_root_without_rights(const void *arg)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	(void)arg;
	become_own_root();
	MUST(!syscall(SYS_capset, &head, none));
	MUST(!prctl(PR_SET_DUMPABLE, 1));
	MUST(confine_namespaces(&confined, why, sizeof(why)) == -EPERM);
	MUST(!strcmp(why, "user namespace: Operation not permitted"));
	/* And is not left in half a namespace. */
	MUST(!confined.parts && getuid() == 0);
}

static void test_confine_user_namespace_not_entered_by_halves(void **state)
{
	(void)state;
	expect_success(be_root_without_rights, NULL);
}

/* A user namespace in which there may be no network namespace. */
static void lack_networks(const void *arg)
{
	(void)arg;
	become_own_root();
	put("/proc/sys/user/max_net_namespaces", "0");
	MUST(confine_namespaces(&confined, why, sizeof(why)) == -ENOSPC);
	MUST(!strcmp(why, "network namespace: No space left on device"));
	MUST(!confine_enter(&confined, why, sizeof(why)));
	MUST((confined.parts & ALL_NAMESPACES) ==
	     (ALL_NAMESPACES & ~(1u << CONFINE_NETWORK)));
	expect_empty_tree();
}

static void test_confine_part_missing_named_and_rest_in_force(void **state)
{
	(void)state;
	expect_success(lack_networks, NULL);
}

/* A root that cannot be replaced, as it is no mount: that of a chroot. */
static void enter_from_chroot(const void *arg)
{
	(void)arg;
	become_own_root();
	MUST(!unshare(CLONE_NEWNS));
	MUST(!chroot("/tmp"));
	MUST(!chdir("/"));
	MUST(!confine_namespaces(&confined, why, sizeof(why)));
	MUST(!confine_enter(&confined, why, sizeof(why)));
	MUST(confined.parts >> CONFINE_MOUNT & 1);
	expect_empty_tree();
}

static void test_confine_in_a_chroot_tree_empty(void **state)
{
	(void)state;
	expect_success(enter_from_chroot, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_confine_tree_empty_network_idle_no_capabilities),
		cmocka_unit_test(test_confine_user_namespace_does_or_is_refused),
		cmocka_unit_test(
			test_confine_user_namespace_not_entered_by_halves),
		cmocka_unit_test(
			test_confine_part_missing_named_and_rest_in_force),
		cmocka_unit_test(test_confine_in_a_chroot_tree_empty),
	};

#ifdef __SANITIZE_THREAD__
	/* In the child of a fork(), too, where confine.c needs to be alone. */
	print_message("left out, as ThreadSanitizer has a thread of its own: "
		      "test_confine_user_namespace_*\n");
	cmocka_set_skip_filter("*user_namespace*");
#endif
	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
