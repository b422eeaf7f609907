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

static void on_stop(int signo)
{
	(void)signo;
	stop_asked = 1;
}

static void on_ask(int signo)
{
	(void)signo;
	state_asked = 1;
}

void run_signals_open(void)
{
	static const struct sigaction stop = {.sa_handler = on_stop};
	static const struct sigaction ask = {.sa_handler = on_ask};
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_BLOCK, &ours, &while_waiting);
	sigdelset(&while_waiting, SIGINT);
	sigdelset(&while_waiting, SIGTERM);
	sigdelset(&while_waiting, SIGUSR1);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &ask, NULL);
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
