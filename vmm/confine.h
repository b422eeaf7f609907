/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Taking from the process what guests never need: the host's files, networks and
 * other processes, privileges, and most system calls. Whoever breaks out of a guest
 * into the monitor finds what is open there, and nothing else.
 *
 * Place in the flow: three steps of cli/run.c, in this order, as each takes away what
 * the one before needs: confine_namespaces() when all but the last files are open,
 * confine_enter() when all are, both before the process has a second thread;
 * confine_calls() when all threads have been started and no guest has.
 *
 * Invariant: what is in `parts` is in force in every thread, and there is no way back.
 * Locking: none; the main thread only.
 *
 * Sources: R: DIS-17; seccomp(2), namespaces(7), user_namespaces(7), capabilities(7),
 * pivot_root(2), fsmount(2).
 */
#ifndef DISVM_CONFINE_H
#define DISVM_CONFINE_H

#include <stddef.h>

/** CONFINE_USER is not wanted for itself: it is how a user without rights gets the others. */
enum confine_part {
	CONFINE_USER,
	CONFINE_MOUNT, /**< and the file tree is empty */
	CONFINE_NETWORK,
	CONFINE_IPC,
	CONFINE_UTS,
	CONFINE_CGROUP,
	CONFINE_CAPABILITIES, /**< there are none */
	CONFINE_SECCOMP,
	CONFINE_PARTS,
};

/**
 * @parts:   bit per enum confine_part that is in force.
 * @root_fd: the empty file tree, until it is entered; -1: there is none.
 */
struct confine {
	unsigned parts;
	int root_fd;
};

/** Before the first step. */
#define CONFINE_NOTHING ((struct confine){.root_fd = -1})

/** "network": as the report has it. */
const char *confine_part_name(enum confine_part part);

/**
 * confine_namespaces - namespaces of its own for the process, and an empty file tree,
 * made but not entered: files are opened as before.
 * @err: one line: the first that this host does not permit.
 *
 * Context: there is one thread. Network interfaces have been opened.
 * Return: 0, or -errno of that; all that is permitted has been done then, too.
 */
int confine_namespaces(struct confine *confine, char *err, size_t err_size);

/**
 * confine_enter - leave the host's file tree, if there is another, and drop all
 * capabilities.
 *
 * Context: there is one thread. All files have been opened.
 * Return: as above.
 */
int confine_enter(struct confine *confine, char *err, size_t err_size);

/**
 * confine_calls - only calls that a run needs, in all threads. Another one writes
 * "disvm run: system call N is not allowed: stopped" and ends the process by SIGSYS,
 * as it is a bug or a guest that has broken out.
 *
 * Context: all threads have been started, are in their own code already, and do not
 * block SIGSYS.
 * Return: 0 or -errno with @err; nothing has changed then.
 */
int confine_calls(struct confine *confine, char *err, size_t err_size);

/** Releases what steps that were not reached would have used. */
void confine_close(struct confine *confine);

#endif
