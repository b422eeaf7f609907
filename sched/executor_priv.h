/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an executor's thread (executor.c) and the control side of all of them
 * (executors.c) share.
 */
#ifndef DIS_EXECUTOR_PRIV_H
#define DIS_EXECUTOR_PRIV_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include <dis/executor.h>

struct executor {
	struct dis_executors *execs;
	struct dis_core *core;
	const struct dis_run_ops *ops;
	unsigned index;
	pthread_t thread;
	bool joinable;
	pid_t tid; /* set before the first run, so before any kick */

	/* Any thread: futex word, changed by every ring. */
	atomic_uint doorbell;
	/* Written by this thread: the next step is to come until then. */
	_Atomic uint64_t due_ns;
	/* Written by the control thread: it did not. */
	atomic_bool lost;

	/* The control thread's: the due time it saw pass, and the thread's CPU
	 * time then. */
	uint64_t late_due_ns;
	uint64_t late_cpu_ns;

	/* This thread and its signal handler. */
	void *volatile running; /* vCPU to interrupt, or NULL */
	volatile sig_atomic_t signalled;
	volatile sig_atomic_t expired; /* the timer was the reason */
	volatile uint64_t strays;      /* signals that others sent */

	/* This thread. */
	timer_t timer;
	uint64_t armed_ns; /* DIS_NEVER_NS: not armed */
	uint64_t until_ns; /* what it is armed for, not before armed_ns */
	uint64_t now_ns;   /* of the last step */
	uint64_t pace_ns;  /* between steps, smoothed */
	uint64_t cpu_ns;   /* thread CPU time charged so far */
	uint64_t tick_ns;  /* the next tick, if there are any */
};

struct dis_executors {
	unsigned cores;
	struct dis_domain *dom;
	bool by_cpu_time;
	uint64_t tick_ns; /* between two ticks; 0: there are none */
	cpu_set_t allowed;
	unsigned *host_cpus;
	uint64_t started_ns;
	pid_t pid;
	atomic_bool stop;
	atomic_uint ready; /* futex word: threads that reached their loop */
	atomic_int error;  /* first failure of a thread's own set-up */
	struct executor *exec;
};

/* The thread; @arg is its struct executor. */
void *executor_main(void *arg);

/* Of the timer's signal and of kicks. */
void executor_on_signal(int signo, siginfo_t *info, void *context);

uint64_t executor_clock_ns(clockid_t clock);

/* Waits while *word == @value, at most until @until_ns. */
void executor_futex_wait(atomic_uint *word, unsigned value, uint64_t until_ns);

#endif
