/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The files that `disvm run` writes beside the trace: serial output, console, report.
 *
 * Place in the flow: steps of run.c, from before the guests are built to their end.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_RUN_OUTPUTS_H
#define DISVM_RUN_OUTPUTS_H

struct run_session;

/** All return an enum cli_status; what is wrong has been said then. */

/** Early, as a path that cannot be written must not cost the guests' work. */
int run_outputs_open(struct run_session *session);

/** Everything can be done: what the files held before may go. */
int run_outputs_commit(struct run_session *session);

/**
 * @status: of the run. What one that did not come to its end has made is of no use.
 * Return: @status, or what went wrong here.
 */
int run_outputs_close(struct run_session *session, int status);

#endif
