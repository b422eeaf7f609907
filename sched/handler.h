/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The executors' signal handler.
 *
 * Installed straight through the system call: ThreadSanitizer's own sigaction
 * defers handlers to the next call that it knows, and KVM_RUN is none, so a
 * deferred handler would be the lost kick that executor.c takes care to avoid.
 * For the same reason what runs inside the handler is HANDLER_CODE, not
 * instrumented.
 */
#ifndef DIS_HANDLER_H
#define DIS_HANDLER_H

#include <signal.h>

#include <dis/handler_code.h>

/**
 * The timer's signal is a real-time one, allocated with the timer. Kicks are not:
 * a real-time signal fails with EAGAIN when the user's queue is full, and a kick
 * that failed is a lost one; equal kicks may well be one. SIGURG is ignored by
 * whoever has no handler.
 */
#define HANDLER_TIMER_SIGNAL (SIGRTMIN + 1)
#define HANDLER_KICK_SIGNAL SIGURG

/** Return: 0 or -errno. */
int handler_install(void (*handler)(int, siginfo_t *, void *));

#endif
