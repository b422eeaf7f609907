/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every verb of the command line shares: its outcome, its error line, its
 * prototype.
 *
 * Place in the flow: main.c calls one cmd_VERB() per process, which answers
 * with an enum cli_status; main.c alone turns that into an exit code.
 *
 * Invariant: a verb that does not answer CLI_DONE or CLI_GUEST_FAILED has
 * written exactly one line on standard error.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_CLI_H
#define DISVM_CLI_H

#include <stddef.h>

#define DISVM_VERSION "0.1.0"

/* Baked in by the build. */
#ifndef DISVM_COMMIT
#define DISVM_COMMIT "unknown"
#endif

/** How a verb ended. */
enum cli_status {
	CLI_DONE,
	CLI_GUEST_FAILED, /**< at least one guest ended as Failed */
	CLI_USAGE,        /**< wrong usage or invalid input */
	CLI_HOST,         /**< this host cannot; the message says why */
	CLI_REFUSED,      /**< slab, admission, permission */
	CLI_STATUSES,
};

/**
 * cli_error - write "disvm VERB: MESSAGE" as one line on standard error.
 * @verb: NULL for "disvm: MESSAGE".
 *
 * Control characters of the message (they may come from a file or an argument)
 * appear as '?'; a very long message is cut.
 */
void cli_error(const char *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Copy @from (at most @from_size bytes, NUL or not) to @to as printable ASCII,
 * NUL terminated; other bytes become '?'. For text that a guest wrote.
 */
void cli_printable(char *to, size_t to_size, const char *from, size_t from_size);

/*
 * The verbs. argv[0] is the verb's name. Return: enum cli_status.
 */
int cmd_run(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_control(int argc, char **argv); /* several of them: control.c */

#endif
