/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Removes the control socket when the process has ended, however that was: a process
 * of its own, as the one that listens is confined by then, and sees no files (R:
 * DIS-17).
 *
 * Place in the flow: started by server.c as soon as there is a socket.
 * Invariant: it has no descriptors but its end of a pair, and does nothing before that
 * says that the other one is gone; then it removes the path if it is still the same
 * socket.
 * Locking: none.
 */
#ifndef DISVM_CTL_KEEPER_H
#define DISVM_CTL_KEEPER_H

#include <sys/types.h>

/** @fd: our end. */
struct ctl_keeper {
	pid_t pid;
	int fd;
};

/**
 * ctl_keeper_start - for the socket at @path, which exists.
 * Context: before the process has a second thread. Return: 0 or -errno.
 */
int ctl_keeper_start(const char *path, struct ctl_keeper *out);

/** The path is gone when it returns. */
void ctl_keeper_end(struct ctl_keeper *keeper);

#endif
