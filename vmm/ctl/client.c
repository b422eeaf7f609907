/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a control socket; see client.h. */
#include "ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl/address.h"

/* A report of 10,000 guests has 20 MB. */
#define ANSWER_MAX ((size_t)1 << 30)
#define READ_BYTES 65536u

static int connect_to(const char *path, unsigned limit_s)
{
	const struct timeval limit = {.tv_sec = limit_s};
	struct sockaddr_un at;
	int ret = ctl_address(path, &at), fd;

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* 0: none. Of connect() as well, which waits while many do. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_request(int fd, const char *method, const char *path,
			 const char *body)
{
	char *request;
	int length = asprintf(&request,
			      "%s %s HTTP/1.0\r\nHost: disvm\r\n"
			      "Content-Length: %zu\r\n\r\n%s",
			      method, path, body ? strlen(body) : 0,
			      body ? body : "");
	int ret;

	if (length < 0)
		return -ENOMEM;
	ret = write_all(fd, request, (size_t)length);
	free(request);
	return ret;
}

/* Up to the end of the stream, with a NUL behind. */
static int read_all(int fd, char **out, size_t *size)
{
	char *data = NULL;
	size_t used = 0, room = 0;
	int ret = -EFBIG;

	while (used < ANSWER_MAX) {
		ssize_t n;

		if (room - used < READ_BYTES) {
			char *more = realloc(data, room * 2u + READ_BYTES + 1u);

			ret = -ENOMEM;
			if (!more)
				break;
			data = more;
			room = room * 2u + READ_BYTES;
		}
		n = recv(fd, data + used, room - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		ret = n < 0 ? -errno : -EFBIG;
		if (n < 0)
			break;
		if (!n) {
			data[used] = '\0';
			*out = data;
			*size = used;
			return 0;
		}
		used += (size_t)n;
	}
	free(data);
	return ret;
}

/* Of the header named @name (with its colon) in the @head, or NULL. */
static const char *header_value(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at ? at + strlen(name) + strspn(at + strlen(name), " ") : NULL;
}

/* @data: the whole answer; its body becomes @out. */
static int split_answer(char *data, size_t size, struct ctl_answer *out)
{
	char *end = data ? strstr(data, "\r\n\r\n") : NULL;
	const char *length;
	size_t body;

	if (!end || sscanf(data, "HTTP/1.%*1[01] %3u", &out->status) != 1)
		return -EPROTO;
	*end = '\0';
	body = (size_t)(end + 4 - data);
	length = header_value(data, "\r\nContent-Length:");
	/* It ended in the middle: the other side was killed, for example. */
	if (!length || strtoull(length, NULL, 10) != size - body)
		return -EPROTO;
	out->size = size - body;
	memmove(data, data + body, out->size + 1);
	out->text = data;
	return 0;
}

static const char *why(int err)
{
	switch (-err) {
	case EPROTO:
		return "no whole answer";
	case ECONNREFUSED:
		return "nobody listens there";
	case EAGAIN:
		return "no answer in time";
	default:
		return strerror(-err);
	}
}

int ctl_request_send(const char *socket_path, unsigned limit_s,
		     const char *method, const char *path, const char *body,
		     struct ctl_answer *out, char *err, size_t err_size)
{
	int fd = connect_to(socket_path, limit_s);
	char *data = NULL;
	size_t size = 0;
	int ret = fd < 0 ? fd : write_request(fd, method, path, body);

	if (!ret)
		ret = read_all(fd, &data, &size);
	if (!ret)
		ret = split_answer(data, size, out);
	if (fd >= 0)
		close(fd);
	if (!ret)
		return 0;
	free(data);
	snprintf(err, err_size, "%s: %s", socket_path, why(ret));
	return ret;
}
