/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that are left to a run; see confine.h.
 *
 * What is not in here is a bug or an attack, but for openat(): it fails, as glibc
 * opens files where nobody asks it to, and does without. /proc/sys/vm/overcommit_memory
 * when memory of a thread's arena becomes free, /etc/localtime for the first date.
 */
#include "confine.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bits of ioctl's request that say whose it is: _IOC_TYPE(). */
#define IOCTL_TYPE 0xff00u

#define ANY .compares = 0
#define IF(argument, mask, value) \
	.compares = 1, .compare = { \
			       (argument), \
			       SCMP_CMP_MASKED_EQ, \
			       (mask), \
			       (value), \
	}

static const struct rule {
	int call;
	unsigned compares;
	struct scmp_arg_cmp compare;
} rules[] = {
	/*
	 * Guests: whatever KVM takes on the descriptors that there are. Its requests
	 * are many, and all are answered by KVM alone. TIOCSTI, which types on
	 * the terminal of whoever started us, is of another type.
	 */
	{SCMP_SYS(ioctl), IF(1, IOCTL_TYPE, KVMIO << 8)},

	/* Executors and I/O threads: wait, wake, take turns. */
	{SCMP_SYS(futex), ANY},
	{SCMP_SYS(timer_settime), ANY},
	{SCMP_SYS(timer_delete), ANY},
	{SCMP_SYS(clock_gettime),
	 ANY}, /* CPU time of threads; not in the vDSO */
	{SCMP_SYS(epoll_wait), ANY},
	{SCMP_SYS(epoll_ctl), ANY},
	{SCMP_SYS(sched_yield), ANY},
	{SCMP_SYS(clock_nanosleep), ANY}, /* policy modules: they are told off */
	{SCMP_SYS(getpid), ANY},          /* raise(), of abort() */
	{SCMP_SYS(gettid), ANY},

	/* The main thread: wait, also on when the process was stopped meanwhile. */
	{SCMP_SYS(ppoll), ANY},
	{SCMP_SYS(poll), ANY}, /* has a reader room for more? */
	{SCMP_SYS(restart_syscall), ANY},
	{SCMP_SYS(rt_sigprocmask), ANY},
	{SCMP_SYS(rt_sigpending), ANY},
	{SCMP_SYS(rt_sigreturn), ANY},

	/* Disks, networks, consoles, entropy, eventfds, the files of the run. */
	{SCMP_SYS(read), ANY},
	{SCMP_SYS(write), ANY},
	{SCMP_SYS(readv), ANY},
	{SCMP_SYS(writev), ANY},
	{SCMP_SYS(pread64), ANY},
	{SCMP_SYS(pwrite64), ANY},
	{SCMP_SYS(preadv), ANY},
	{SCMP_SYS(pwritev2), ANY},
	{SCMP_SYS(fdatasync), ANY},
	{SCMP_SYS(getrandom), ANY},
	{SCMP_SYS(ftruncate), ANY},
	{SCMP_SYS(close), ANY},

	/* stdio: what kind of file is it, and where in it are we? */
	{SCMP_SYS(lseek), ANY},
	{SCMP_SYS(fstat), ANY},
	{SCMP_SYS(newfstatat), IF(3, AT_EMPTY_PATH, AT_EMPTY_PATH)},
	{SCMP_SYS(ioctl), IF(1, UINT32_MAX, TCGETS)},
	{SCMP_SYS(ioctl), IF(1, UINT32_MAX, TCGETS2)}, /* newer glibc */

	/* Memory, but none to execute. */
	{SCMP_SYS(brk), ANY},
	{SCMP_SYS(mmap), IF(2, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), IF(2, PROT_EXEC, 0)},
	{SCMP_SYS(mremap), ANY},
	{SCMP_SYS(munmap), ANY},
	{SCMP_SYS(madvise), ANY},
	{SCMP_SYS(sched_getaffinity), ANY}, /* malloc(): how many arenas? */
	{SCMP_SYS(sysinfo), ANY}, /* qsort(): how much memory may it take? */

	/* The control socket: connections that come in on it. */
	{SCMP_SYS(accept4), ANY},
	{SCMP_SYS(recvfrom), ANY},
	{SCMP_SYS(sendto), ANY},
	{SCMP_SYS(sendmsg), ANY},
	{SCMP_SYS(shutdown), ANY},
	{SCMP_SYS(getsockopt), ANY},
	{SCMP_SYS(setsockopt), ANY},
	{SCMP_SYS(getpeername), ANY},
	{SCMP_SYS(fcntl), IF(1, UINT32_MAX, F_GETFL)},
	{SCMP_SYS(fcntl), IF(1, UINT32_MAX, F_SETFL)},
	{SCMP_SYS(fcntl), IF(1, UINT32_MAX, F_GETFD)},
	{SCMP_SYS(fcntl), IF(1, UINT32_MAX, F_SETFD)},

	{SCMP_SYS(wait4),
	 ANY}, /* for who removes the socket, see ctl/keeper.h */

	/* The end of threads and of the process. */
	{SCMP_SYS(exit), ANY},
	{SCMP_SYS(exit_group), ANY},
};

/* Only what is safe anywhere: it comes in the middle of whatever called. */
static void on_forbidden(int signo, siginfo_t *info, void *context)
{
	static const char before[] = "disvm run: system call ";
	static const char after[] = " is not allowed: stopped\n";
	char line[sizeof(before) + 10 + sizeof(after)];
	size_t at = sizeof(line) - (sizeof(after) - 1);
	unsigned call = (unsigned)info->si_syscall;
	ssize_t told;

	(void)context;
	memcpy(line + at, after, sizeof(after) - 1);
	do
		line[--at] = (char)('0' + call % 10);
	while (call /= 10);
	at -= sizeof(before) - 1;
	memcpy(line + at, before, sizeof(before) - 1);
	told = write(STDERR_FILENO, line + at, sizeof(line) - at);
	(void)told;
	/* The handler is gone (SA_RESETHAND): this ends the process. */
	raise(signo);
}

static int catch_forbidden(void)
{
	struct sigaction action = {
		.sa_sigaction = on_forbidden,
		.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER),
	};

	return sigaction(SIGSYS, &action, NULL) ? -errno : 0;
}

static int add_rules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp own = {
		.arg = 0,
		.op = SCMP_CMP_EQ,
		.datum_a = (scmp_datum_t)getpid(),
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && !ret; i++)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					     rules[i].call, rules[i].compares,
					     &rules[i].compare);
	/* Kicks of executors: signals to threads of this process only. */
	if (!ret)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					     SCMP_SYS(tgkill), 1, &own);
	if (!ret)
		ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(openat), 0);
	return ret;
}

/* What is called with each entry of a guest is compared first. */
static int set_attributes(scmp_filter_ctx filter)
{
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
				       SCMP_ACT_KILL_PROCESS);
	if (!ret)
		ret = seccomp_syscall_priority(filter, SCMP_SYS(ioctl), 255);
	return ret;
}

int confine_calls(struct confine *c, char *err, size_t err_size)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int ret = filter ? set_attributes(filter) : -ENOMEM;

	if (!ret)
		ret = add_rules(filter);
	if (!ret)
		ret = catch_forbidden();
	/* Sets PR_SET_NO_NEW_PRIVS as well, in all threads. */
	if (!ret)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	if (ret)
		snprintf(err, err_size, "system call filter: %s",
			 strerror(-ret));
	else
		c->parts |= 1u << CONFINE_SECCOMP;
	return ret;
}
