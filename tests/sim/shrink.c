/* SPDX-License-Identifier: Apache-2.0 */
/* Playing lists in children, and taking them apart; see shrink.h. */
#include "sim/shrink.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dis/assert.h>

/* A list that goes on for ever is broken, too. */
#define CHILD_LIMIT_S 600u

_Noreturn static void play_as_child(const struct random_config *cfg,
				    const struct random_op *ops, size_t n,
				    struct random_tally *tally, bool tell,
				    int log)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	const struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		signal(faults[i], SIG_DFL);
	/* A failed assert_...() of the test library must end the child. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	alarm(CHILD_LIMIT_S);
	if (!tell)
		dup2(log, STDERR_FILENO);
	random_play(cfg, ops, n, tally, tell);
	_exit(0);
}

/* The line that says which invariant, or how the child ended. */
static void read_why(int log, int status, char *why, size_t size)
{
	char text[4096];
	ssize_t n = pread(log, text, sizeof(text) - 1, 0);
	const char *line;

	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "disvm: ");
	if (!line)
		line = text;
	if (*line)
		snprintf(why, size, "%.*s", (int)strcspn(line, "\n"), line);
	else
		snprintf(why, size, "ended with status %x", (unsigned)status);
}

struct shrink_result shrink_play(const struct random_config *cfg,
				 const struct random_op *ops, size_t n,
				 bool tell)
{
	struct shrink_result result = {0};
	int log = memfd_create("log", MFD_CLOEXEC), status;
	struct random_tally *tally = mmap(NULL, sizeof(*tally),
					  PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	DIS_ASSERT(log >= 0 && tally != MAP_FAILED);
	fflush(NULL);
	child = fork();
	DIS_ASSERT(child >= 0);
	if (!child)
		play_as_child(cfg, ops, n, tally, tell, log);
	DIS_ASSERT(waitpid(child, &status, 0) == child);
	result.broke = status != 0;
	result.tally = *tally;
	if (result.broke)
		read_why(log, status, result.why, sizeof(result.why));
	munmap(tally, sizeof(*tally));
	close(log);
	return result;
}

/* @ops without [from, to). Return: its length up to the operation that breaks,
 * or 0 if it does not break in the same way. */
static size_t breaks_without(const struct random_config *cfg,
			     struct random_op *part,
			     const struct random_op *ops, size_t n, size_t from,
			     size_t to, const struct shrink_result *found)
{
	struct shrink_result result;
	size_t rest = n - (to - from);

	memcpy(part, ops, from * sizeof(*ops));
	memcpy(part + from, ops + to, (n - to) * sizeof(*ops));
	result = shrink_play(cfg, part, rest, false);
	if (!result.broke || strcmp(result.why, found->why) != 0)
		return 0;
	return result.tally.at + 1 < rest ? result.tally.at + 1 : rest;
}

size_t shrink_list(const struct random_config *cfg, struct random_op *ops,
		   size_t n, const struct shrink_result *found)
{
	struct random_op *part = calloc(n, sizeof(*part));
	bool removed = false;
	size_t chunk;

	DIS_ASSERT(part);
	if (found->tally.at + 1 < n)
		n = found->tally.at + 1;
	for (chunk = n / 2; chunk;
	     chunk = chunk > 1 || !removed ? chunk / 2 : chunk) {
		removed = false;
		for (size_t from = 0; from + chunk <= n && n > 1;) {
			size_t rest = breaks_without(cfg, part, ops, n, from,
						     from + chunk, found);

			if (rest) {
				memcpy(ops, part, rest * sizeof(*ops));
				n = rest;
				removed = true;
			} else {
				from += chunk;
			}
		}
	}
	free(part);
	return n;
}
