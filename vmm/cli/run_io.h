/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The devices of the guests of `disvm run`, between options and machine_io.h, and
 * where their output and troubles go.
 *
 * Place in the flow: run.c builds the specification and opens the console's output;
 * I/O threads put console output in; run_wait.c writes it out and says what went
 * wrong.
 * Locking: main thread, but for what I/O threads put in, see run_serial.h.
 */
#ifndef DISVM_RUN_IO_H
#define DISVM_RUN_IO_H

#include "cli/output.h"
#include "cli/run_serial.h"
#include "machine_io.h"

struct run_session;

/** Begin of a line of a guest's console. */
struct run_console_line {
	char text[256];
	size_t len;
};

/**
 * @output:  the console's file, open only with --console file:PATH.
 * @lines:   on their way there; only if they do not go with the serial output.
 * @to:      those, or the session's; NULL: there is no console.
 * @held:    with several copies: of each, what has no end of line yet; the I/O threads'.
 * @trouble_fd: eventfd: a device has stopped.
 */
struct run_io {
	struct output output;
	struct run_serial lines;
	struct run_serial *to;
	struct run_console_line *held;
	int trouble_fd;
};

/** Before anything else of it. Return: 0 or -errno. */
int run_io_init(struct run_session *session);
/** The guests have been destroyed; output is not closed. */
void run_io_fini(struct run_session *session);

/** What the options ask for; from then on the console can be written. */
void run_io_spec(struct run_session *session, struct machine_io_spec *out);

/**
 * run_io_open_lines - once it is known where serial output goes.
 * @stdio: where "stdio" is; the console shares the way of serial output there.
 *
 * Return: 0 or -errno.
 */
int run_io_open_lines(struct run_session *session, FILE *stdio);

/** The guests' devices have stopped: what they said last. */
void run_io_flush_held(struct run_session *session);

/** Say which devices have stopped since the last time; after trouble_fd was readable. */
void run_io_say_troubles(struct run_session *session);

#endif
