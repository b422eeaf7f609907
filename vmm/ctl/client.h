/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One request to a control socket; see ctl.h for what may be asked.
 *
 * Place in the flow: the verbs of the command line that speak to a running
 * disvm. HTTP/1.0, one request per connection: the end of the answer is the end
 * of the stream.
 * Locking: none.
 */
#ifndef DISVM_CTL_CLIENT_H
#define DISVM_CTL_CLIENT_H

#include <stddef.h>

/** @text: the body, NUL terminated; free() it. */
struct ctl_answer {
	unsigned status;
	char *text;
	size_t size;
};

/**
 * ctl_request_send - ask, and wait for the whole answer.
 * @limit_s: for each step; 0: as long as it takes.
 * @path: printable, without spaces. @body: JSON, or NULL.
 * @err: one line that names @socket.
 *
 * Return: 0; -errno of the connection, -EAGAIN when it takes too long; -EPROTO when
 * the answer is none.
 */
int ctl_request_send(const char *socket, unsigned limit_s, const char *method,
		     const char *path, const char *body, struct ctl_answer *out,
		     char *err, size_t err_size);

#endif
