/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The place of the control socket (R: DIS-17).
 *
 * Place in the flow: first step of server.c.
 * Locking: the directory of the path, against other processes that do the same.
 */
#ifndef DISVM_CTL_LISTEN_H
#define DISVM_CTL_LISTEN_H

/**
 * ctl_listen - a socket that listens at @path, mode 0600.
 *
 * A socket that nobody listens at any more is replaced; anything else stays.
 * Return: a descriptor; -EADDRINUSE; -errno of the path.
 */
int ctl_listen(const char *path);

#endif
