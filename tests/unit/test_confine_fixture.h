/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that confines itself, and what became of it: there is no way back.
 */
#ifndef TEST_CONFINE_FIXTURE_H
#define TEST_CONFINE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "confine.h"

struct outcome {
	int status;
	char said[512]; /* on standard error */
};

static struct confine confined;
static char why[256];

/* _exit(), of which a sanitizer knows nothing: it would do more before. */
static inline void quit(int status)
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

static inline struct outcome in_child(void (*body)(const void *arg),
				      const void *arg)
{
	struct outcome out = {0};
	size_t used = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	confined = CONFINE_NOTHING;
	*why = '\0';
	/* Not fork(), for which ThreadSanitizer starts a thread in the child. */
	pid = (pid_t)syscall(SYS_fork);
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

static inline void expect_success(void (*body)(const void *arg), const void *arg)
{
	struct outcome out = in_child(body, arg);

	if (out.status)
		fail_msg("status %#x: %s", out.status, out.said);
}

#endif
