/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control socket of a run (--control): what it controls, and its life.
 *
 * Place in the flow: opened before the guests are spawned, so that a bad path is
 * refused early; served by run_wait.c; closed while all slots are still held.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_RUN_CONTROL_H
#define DISVM_RUN_CONTROL_H

#include "ctl/server.h"

struct run_session;

struct run_control {
	struct ctl_pool pool;
	struct ctl_server *server; /* NULL: none was asked for */
	dis_id *vms;
};

/** Listens, if it was asked for. Return: exit status, with its line written. */
int run_control_open(struct run_session *session);

/** The guests are there. Return: exit status, with its line written. */
int run_control_begin(struct run_session *session);

/** To be polled, or -1. */
int run_control_fd(const struct run_session *session);

/** Does what others ask for. */
void run_control_serve(struct run_session *session);

/** Says to those who wait how it ended, and removes the socket. */
void run_control_close(struct run_session *session);

#endif
