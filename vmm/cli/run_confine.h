/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How far the process of `disvm run` is confined: --confine, between options and
 * confine.h.
 *
 * Place in the flow: steps of run.c; confine.h says when.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_RUN_CONFINE_H
#define DISVM_RUN_CONFINE_H

struct run_session;

/** All return an enum cli_status; what is wrong has been said then. */

int run_confine_namespaces(struct run_session *session);
int run_confine_enter(struct run_session *session);
int run_confine_calls(struct run_session *session);

#endif
