/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left to a confined process (R: DIS-17). There is no way back, so each case
 * is a child.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <dis/assert.h>

#include "confine.h"
#include "io/pool.h"

#define NOBODY 65534
#define ALL_NAMESPACES \
	(1u << CONFINE_MOUNT | 1u << CONFINE_NETWORK | 1u << CONFINE_IPC | \
	 1u << CONFINE_UTS | 1u << CONFINE_CGROUP)

struct outcome {
	int status;
	char said[512]; /* on standard error */
};

static struct confine confined;
static char why[256];

#ifdef __SANITIZE_ADDRESS__
/* It asks the kernel for the stack of signals before whatever does not return. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}
#define ABORT_IS_LEFT 0
#else
#define ABORT_IS_LEFT 1
#endif

/* _exit(), of which a sanitizer knows nothing: it would do more before. */
static void quit(int status)
{
	syscall(SYS_exit_group, status);
}

/* In the child: cmocka's own assertions would go on in a copy of the parent. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			dprintf(STDERR_FILENO, "line %d: not %s (%s, %s)\n", \
				__LINE__, #condition, strerror(errno), why); \
			quit(1); \
		} \
	} while (0)

static struct outcome in_child(void (*body)(const void *arg), const void *arg)
{
	struct outcome out = {0};
	size_t used = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	confined = CONFINE_NOTHING;
	*why = '\0';
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		body(arg);
		quit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], out.said + used,
			 sizeof(out.said) - 1 - used)) > 0)
		used += (size_t)n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &out.status, 0), pid);
	return out;
}

static void expect_success(void (*body)(const void *arg), const void *arg)
{
	struct outcome out = in_child(body, arg);

	if (out.status)
		fail_msg("status %#x: %s", out.status, out.said);
}

/* ---- System calls ---------------------------------------------------------- */

struct call {
	const char *name;
	long number;
	long arguments[6];
};

static void forbid_and_call(const void *arg)
{
	const struct call *call = arg;
	const long *a = call->arguments;

	MUST(!confine_calls(&confined, why, sizeof(why)));
	syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void test_confine_call_not_needed_ends_process_and_is_told(void **state)
{
	static char page[4096] __attribute__((aligned(4096)));
	const long path = (long)"/proc/self/status", at = (long)page;
	const struct call calls[] = {
		{"open", SYS_open, {path}},
		{"openat2", SYS_openat2, {AT_FDCWD, path}},
		{"creat", SYS_creat, {path}},
		{"unlink", SYS_unlink, {path}},
		{"stat by name", SYS_newfstatat, {AT_FDCWD, path, at}},
		{"socket", SYS_socket, {1, 1}},
		{"connect", SYS_connect, {0}},
		{"execve", SYS_execve, {path}},
		{"fork", SYS_fork, {0}},
		{"clone", SYS_clone, {SIGCHLD}},
		{"clone3", SYS_clone3, {0}},
		{"mmap of code",
		 SYS_mmap,
		 {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1}},
		{"mprotect to code",
		 SYS_mprotect,
		 {at, 4096, PROT_READ | PROT_EXEC}},
		{"ptrace", SYS_ptrace, {0}},
		{"process_vm_readv", SYS_process_vm_readv, {getppid()}},
		{"kill", SYS_kill, {getppid()}},
		{"tgkill of a stranger", SYS_tgkill, {getppid(), getppid()}},
		{"mount", SYS_mount, {0}},
		{"setns", SYS_setns, {0}},
		{"chroot", SYS_chroot, {path}},
		{"setuid", SYS_setuid, {0}},
		{"bpf", SYS_bpf, {0}},
		{"io_uring_setup", SYS_io_uring_setup, {1}},
		{"prctl", SYS_prctl, {0}},
		{"sigaction", SYS_rt_sigaction, {SIGSYS, 0, 0, 8}},
		{"ioctl TIOCSTI", SYS_ioctl, {0, TIOCSTI, at}},
		/* The kernel looks at 32 bits of the request. */
		{"ioctl TIOCSTI and more",
		 SYS_ioctl,
		 {0, 0xAE0000000000 | TIOCSTI, at}},
	};
	char line[96];

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct outcome out = in_child(forbid_and_call, &calls[i]);

		snprintf(line, sizeof(line),
			 "disvm run: system call %ld is not allowed: stopped\n",
			 calls[i].number);
		if (!WIFSIGNALED(out.status) ||
		    WTERMSIG(out.status) != SIGSYS || strcmp(out.said, line))
			fail_msg("%s: status %#x, said: %s", calls[i].name,
				 out.status, out.said);
	}
}

static void open_by_glibc(const void *arg)
{
	(void)arg;
	MUST(!confine_calls(&confined, why, sizeof(why)));
	MUST(open("/proc/self/status", O_RDONLY) < 0 && errno == EACCES);
	MUST(!fopen("/etc/localtime", "r") && errno == EACCES);
}

static void test_confine_open_by_glibc_fails_and_goes_on(void **state)
{
	(void)state;
	expect_success(open_by_glibc, NULL);
}

/* By which a thread is told, and tells. */
struct pipes {
	int to[2];
	int from[2];
};

static void *answer_word(void *arg)
{
	const struct pipes *pipes = arg;
	char byte = 1;

	/* It is there: what begins a thread is not left. */
	MUST(write(pipes->from[1], &byte, 1) == 1);
	return read(pipes->to[0], &byte, 1) == 1 ? arg : NULL;
}

static void on_kick(int signo)
{
	(void)signo;
}

static void use_what_is_left(const void *arg)
{
	struct pipes pipes;
	pthread_t thread;
	struct timespec ts;
	void *memory, *result;
	char byte = 0;

	(void)arg;
	signal(SIGURG, on_kick);
	MUST(!pipe(pipes.to) && !pipe(pipes.from));
	MUST(!pthread_create(&thread, NULL, answer_word, &pipes));
	MUST(read(pipes.from[0], &byte, 1) == 1);
	MUST(!confine_calls(&confined, why, sizeof(why)));
	MUST(confined.parts == 1u << CONFINE_SECCOMP);
	memory = malloc((size_t)8 << 20);
	MUST(memory);
	memory = realloc(memory, (size_t)16 << 20);
	MUST(memory);
	free(memory);
	MUST(getrandom(&ts, sizeof(ts), 0) == sizeof(ts));
	MUST(!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	MUST(!syscall(SYS_tgkill, getpid(), gettid(), SIGURG));
	MUST(isatty(pipes.to[0]) == 0 && errno == ENOTTY);
	MUST(write(pipes.to[1], &byte, 1) == 1);
	MUST(!pthread_join(thread, &result) && result == &pipes);
}

static void test_confine_calls_of_a_run_work(void **state)
{
	(void)state;
	expect_success(use_what_is_left, NULL);
}

#if ABORT_IS_LEFT
static void fail_an_assertion(const void *arg)
{
	MUST(!confine_calls(&confined, why, sizeof(why)));
	DIS_ASSERT(arg);
}

static void test_confine_failed_assertion_is_still_told(void **state)
{
	struct outcome out = in_child(fail_an_assertion, NULL);

	(void)state;
	assert_non_null(strstr(out.said, "assertion failed: arg\n"));
	assert_true(WIFSIGNALED(out.status));
	assert_int_equal(WTERMSIG(out.status), SIGABRT);
}
#endif

/* ---- Threads --------------------------------------------------------------- */

static void call_socket(struct io_source *source, struct io_work *work)
{
	(void)source;
	(void)work;
	syscall(SYS_socket, 1, 1, 0);
}

static void call_on_io_thread(const void *arg)
{
	static const struct io_source_ops ops = {.serve = call_socket};
	static struct io_account account;
	static struct io_source source = {
		.ops = &ops, .account = &account, .servers_max = 1};
	struct io_pool *pool;

	(void)arg;
	io_bucket_init(&account.bucket, 0);
	MUST(!io_pool_create(&pool));
	MUST(!io_source_add(pool, &source));
	MUST(!io_pool_start(pool));
	MUST(!confine_calls(&confined, why, sizeof(why)));
	io_source_ready(&source);
	for (;;)
		sched_yield();
}

/* It was there before the filter, and blocks all signals but one. */
static void test_confine_io_thread_is_confined_as_well(void **state)
{
	struct outcome out = in_child(call_on_io_thread, NULL);
	char line[96];

	(void)state;
	snprintf(line, sizeof(line),
		 "disvm run: system call %d is not allowed: stopped\n",
		 SYS_socket);
	assert_string_equal(out.said, line);
	assert_true(WIFSIGNALED(out.status));
	assert_int_equal(WTERMSIG(out.status), SIGSYS);
}

/* ---- Namespaces, file tree, capabilities ------------------------------------ */

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
static void test_confine_without_rights_all_the_same_or_refused(void **state)
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

static void test_confine_half_a_user_namespace_not_entered(void **state)
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
	const struct CMUnitTest tests[] =
	{ cmocka_unit_test(
		  test_confine_call_not_needed_ends_process_and_is_told),
	  cmocka_unit_test(test_confine_open_by_glibc_fails_and_goes_on),
	  cmocka_unit_test(test_confine_calls_of_a_run_work),
#if ABORT_IS_LEFT
	  cmocka_unit_test(test_confine_failed_assertion_is_still_told),
#endif
	  cmocka_unit_test(test_confine_io_thread_is_confined_as_well),
	  cmocka_unit_test(test_confine_tree_empty_network_idle_no_capabilities),
	  cmocka_unit_test(test_confine_without_rights_all_the_same_or_refused),
	  cmocka_unit_test(test_confine_half_a_user_namespace_not_entered),
	  cmocka_unit_test(test_confine_part_missing_named_and_rest_in_force),
	  cmocka_unit_test(test_confine_in_a_chroot_tree_empty),
	};

	if (!ABORT_IS_LEFT)
		print_message("left out, as AddressSanitizer calls what is not "
			      "left: test_confine_failed_assertion_is_still_"
			      "told\n");
	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
