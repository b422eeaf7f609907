/* SPDX-License-Identifier: Apache-2.0 */
/* What signals ask of a run; see run_signals.h. */
#include "cli/run_signals.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

/* Signals are the process's, and so is what they have asked for. */
static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t state_asked;
static sigset_t while_waiting;

static void on_signal(int signo)
{
	if (signo == SIGUSR1)
		state_asked = 1;
	else
		stop_asked = 1;
}

void run_signals_open(void)
{
	static const int ours[] = {SIGINT, SIGTERM, SIGUSR1};
	static const struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	while_waiting = blocked;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		sigaddset(&blocked, ours[i]);
		sigdelset(&while_waiting, ours[i]);
	}
	/* First: none comes in before a wait. */
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaction(ours[i], &action, NULL);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

int run_signals_poll(struct pollfd *fds, nfds_t n, int limit_ms)
{
	const struct timespec limit = {.tv_sec = limit_ms / 1000,
				       .tv_nsec = limit_ms % 1000 * 1000000L};

	return ppoll(fds, n, &limit, &while_waiting);
}

bool run_signals_stop(void)
{
	sigset_t to_come;

	sigpending(&to_come);
	return stop_asked || sigismember(&to_come, SIGINT) == 1 ||
	       sigismember(&to_come, SIGTERM) == 1;
}

bool run_signals_take_ask(void)
{
	bool asked = state_asked;

	if (asked)
		state_asked = 0;
	return asked;
}
