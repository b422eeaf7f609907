/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control socket: HTTP/1.1 over a Unix socket, by libmicrohttpd (R: DIS-17).
 *
 * Place in the flow: opened before guests start; whoever waits for them polls
 * ctl_server_fd() and calls ctl_server_run(). What is asked for, ctl.c does.
 * Authority: who may write to the socket, whose mode is 0600. The administrator
 * gives it to others by the means of files.
 * Invariant: no client makes the caller wait: sockets do not block, and what clients
 * may have here is limited (connections, memory, body, time). A call takes 5 ms, or
 * what one request takes, which grows with the number of guests.
 * Locking: none; one thread.
 */
#ifndef DISVM_CTL_SERVER_H
#define DISVM_CTL_SERVER_H

#include "ctl/ctl.h"

struct ctl_server;

/**
 * ctl_server_open - listen at @path.
 * @path: what nobody listens at any more there is replaced.
 * @pool: must live as long; may be filled until the first ctl_server_run().
 * @err:  one line.
 *
 * Return: 0; -errno of the path: -EADDRINUSE when something else is there;
 * -ENOMEM.
 */
int ctl_server_open(const char *path, const struct ctl_pool *pool,
		    struct ctl_server **out, char *err, size_t err_size);

/** Readable when there is something to do. */
int ctl_server_fd(const struct ctl_server *server);

/** Do what there is to do; also when a VM has ended, and now and then. */
void ctl_server_run(struct ctl_server *server);

/**
 * No more requests, but the last answers, for a second at most; all VMs are still
 * there. The socket is gone then.
 */
void ctl_server_close(struct ctl_server *server);

#endif
