/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disvm VERB ...: finds the verb, calls it, turns its outcome into the exit
 * code. A new verb is one file and one row here.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct verb {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct verb verbs[] = {
	{"run", "boot guests in this process, print a report, exit", cmd_run},
	{"sim", "replay a trace against other policies", cmd_sim},
	{"ls", "list the guests of a running disvm", cmd_control},
	{"wait", "wait for the end of one of them", cmd_control},
	{"stop", "end one, as finished", cmd_control},
	{"kill", "end one, as failed", cmd_control},
	{"set", "change intents, shares, limits, slices while guests run",
	 cmd_control},
	{"policy", "change the order within a class", cmd_control},
	{"pause", "take nobody off its core until resume", cmd_control},
	{"resume", "end a pause", cmd_control},
	{"trigger", "have each core decide anew", cmd_control},
	{"stats", "print the report of a run so far", cmd_control},
	{"bench", "measure this host and the scheduler on it", cmd_bench},
	{"help", "list the verbs, or explain one: disvm help VERB", cmd_help},
	{"version", "print version and commit", cmd_version},
};

/* The exit codes are part of the interface: see disvm(1). */
static const int exit_codes[CLI_STATUSES] = {
	[CLI_DONE] = 0, [CLI_GUEST_FAILED] = 1, [CLI_USAGE] = 2,
	[CLI_HOST] = 3, [CLI_REFUSED] = 4,
};

static const struct verb *find_verb(const char *name)
{
	/* The two options that every program has. */
	if (!strcmp(name, "--help"))
		name = "help";
	if (!strcmp(name, "--version"))
		name = "version";
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	cli_error(NULL, "unknown verb '%s' (see disvm help)", name);
	return NULL;
}

static int cmd_help(int argc, char **argv)
{
	const struct verb *verb;

	if (argc > 2) {
		cli_error("help", "unexpected argument '%s'", argv[2]);
		return CLI_USAGE;
	}
	if (argc == 2) {
		char help[] = "--help";
		char *arguments[] = {argv[1], help, NULL};

		verb = find_verb(argv[1]);
		if (!verb)
			return CLI_USAGE;
		if (verb->run != cmd_help && verb->run != cmd_version)
			return verb->run(2, arguments);
	}
	printf("usage: disvm VERB [options]\n\n");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].summary);
	printf("\nOptions of a verb: disvm VERB --help. See disvm(1).\n");
	return CLI_DONE;
}

static int cmd_version(int argc, char **argv)
{
	if (argc > 1) {
		cli_error("version", "unexpected argument '%s'", argv[1]);
		return CLI_USAGE;
	}
	printf("disvm %s (%s)\n", DISVM_VERSION, DISVM_COMMIT);
	return CLI_DONE;
}

/*
 * A caller may have closed a standard descriptor. What is opened next would take
 * its number, and a guest's output end up in an eventfd. The wrong direction
 * makes each use of it fail, as it would on a closed one.
 */
static bool reserve_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
		int opened;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		opened = open("/dev/null", flags);
		if (opened < 0)
			return false;
		assert(opened == fd); /* the lowest that is free */
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	int status;

	if (!reserve_standard_fds()) {
		cli_error(NULL, "/dev/null: %s", strerror(errno));
		return exit_codes[CLI_HOST];
	}
	if (argc < 2) {
		cli_error(NULL, "a verb is missing (see disvm help)");
		return exit_codes[CLI_USAGE];
	}
	verb = find_verb(argv[1]);
	if (!verb)
		return exit_codes[CLI_USAGE];
	status = verb->run(argc - 1, argv + 1);
	/* A report that did not reach its reader is not done. */
	if ((fflush(stdout) || ferror(stdout)) &&
	    (status == CLI_DONE || status == CLI_GUEST_FAILED)) {
		cli_error(NULL, "standard output: %s", strerror(errno));
		status = CLI_HOST;
	}
	return exit_codes[status];
}
