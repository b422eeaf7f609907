/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Signals that ask something of a run: SIGINT and SIGTERM its end, SIGUSR1 the
 * state of its vCPUs.
 *
 * They come in only while the main thread waits. No signalfd: its poll() wakes up
 * for each signal that any thread of the process gets, and executors get one for
 * each end of a slice.
 *
 * Place in the flow: run.c opens, run_wait.c waits, whoever takes long looks.
 * Context: the main thread.
 */
#ifndef DISVM_RUN_SIGNALS_H
#define DISVM_RUN_SIGNALS_H

#include <poll.h>
#include <stdbool.h>

/** Before any thread is made, so that all inherit that they are blocked. */
void run_signals_open(void);

/** poll() of @fds, up to @limit_ms: one of the signals ends it with EINTR. */
int run_signals_poll(struct pollfd *fds, nfds_t n, int limit_ms);

/** Was the end asked for? From then on, always; also one that has yet to come in. */
bool run_signals_stop(void);

/** Was the state asked for, since it was last looked? */
bool run_signals_take_ask(void);

#endif
