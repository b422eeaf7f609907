/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket; see server.h.
 *
 * A request that cannot be answered yet is put aside: its connection is suspended
 * and it stands in a list, until the VM that it waits for has ended, or until the
 * next call where this one has used up its time.
 */
#include "ctl/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <dis/executor.h>

#include "ctl/keeper.h"
#include "ctl/listen.h"

#define CONNECTIONS_MAX 1024u
/* Who waits for the end of a VM leaves room for others. */
#define WAITING_MAX 960u
/* Of a connection on which nothing goes in or out; who waits is not meant. */
#define IDLE_MAX_S 60u
/* A call begins no request after this time: the caller has other things to do. */
#define CALL_NS (5 * DIS_MS_NS)
/* For the last answers to reach their readers. */
#define CLOSE_NS DIS_S_NS

LIST_HEAD(exchanges, exchange);

/*
 * One request.
 *
 * @aside: it is in one of the server's lists, and its connection suspended.
 * @wait_for: VM whose end is waited for.
 */
struct exchange {
	struct ctl_server *server;
	struct MHD_Connection *connection;
	char *body;
	size_t body_size;
	bool too_large;
	bool gone; /* its client */
	bool aside;
	dis_id wait_for;
	LIST_ENTRY(exchange) link;
};

struct ctl_server {
	const struct ctl_pool *pool;
	struct MHD_Daemon *daemon;
	struct ctl_keeper keeper;
	int fd;
	uint64_t until_ns; /* of this call */
	unsigned open;     /* requests that came and were not answered */
	unsigned n_waiting;
	struct exchanges waiting;
	struct exchanges later;
};

static enum MHD_Result send_reply(struct MHD_Connection *connection,
				  struct ctl_reply *reply)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->size, reply->text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ret;

	if (!response) {
		free(reply->text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				reply->type);
	ret = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result send_refusal(struct MHD_Connection *connection,
				    unsigned status, const char *json)
{
	struct ctl_reply reply = {
		.status = status,
		.type = "application/json",
		.text = strdup(json),
		.size = strlen(json),
	};

	return reply.text ? send_reply(connection, &reply) : MHD_NO;
}

static bool take_body(struct exchange *x, const char *data, size_t size)
{
	char *body;

	if (x->too_large || size > CTL_BODY_MAX - x->body_size) {
		x->too_large = true;
		return true;
	}
	body = realloc(x->body, x->body_size + size);
	if (!body)
		return false;
	memcpy(body + x->body_size, data, size);
	x->body = body;
	x->body_size += size;
	return true;
}

static void put_aside(struct exchange *x, struct exchanges *list)
{
	x->aside = true;
	LIST_INSERT_HEAD(list, x, link);
	MHD_suspend_connection(x->connection);
}

static void leave_list(struct exchange *x)
{
	LIST_REMOVE(x, link);
	x->server->n_waiting -= x->wait_for != DIS_ID_NONE;
	x->wait_for = DIS_ID_NONE;
	x->aside = false;
}

/* It is asked for again. */
static void resume(struct exchange *x)
{
	leave_list(x);
	MHD_resume_connection(x->connection);
}

static enum MHD_Result wait_for_end(struct exchange *x, dis_id vm)
{
	struct ctl_server *server = x->server;

	if (server->n_waiting == WAITING_MAX)
		return send_refusal(
			x->connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			"{\"error\": \"too many wait for the end of a VM\"}");
	x->wait_for = vm;
	server->n_waiting++;
	put_aside(x, &server->waiting);
	return MHD_YES;
}

static enum MHD_Result answer(struct exchange *x, const char *method,
			      const char *url)
{
	struct ctl_request request = {
		.method = method,
		.path = url,
		.body = x->body,
		.body_size = x->body_size,
	};
	struct ctl_server *server = x->server;
	struct ctl_reply reply;

	if (x->gone)
		return MHD_NO;
	if (dis_clock_ns() > server->until_ns) {
		put_aside(x, &server->later);
		return MHD_YES;
	}
	if (x->too_large)
		return send_refusal(x->connection, 413,
				    "{\"error\": \"the body is too long\"}");
	/* The library leaves out the body of the answer. */
	if (!strcmp(method, MHD_HTTP_METHOD_HEAD))
		request.method = MHD_HTTP_METHOD_GET;
	if (ctl_handle(server->pool, &request, &reply))
		return MHD_NO;
	if (reply.wait_for != DIS_ID_NONE)
		return wait_for_end(x, reply.wait_for);
	return send_reply(x->connection, &reply);
}

/* Called for the head of a request, each piece of its body, its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *data_size, void **state)
{
	struct exchange *x = *state;

	(void)version;
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return MHD_NO;
		x->server = cls;
		x->connection = connection;
		x->server->open++;
		*state = x;
		return MHD_YES;
	}
	if (*data_size) {
		bool taken = take_body(x, data, *data_size);

		*data_size = 0;
		return taken ? MHD_YES : MHD_NO;
	}
	return answer(x, method, url);
}

static void on_completed(void *cls, struct MHD_Connection *connection,
			 void **state, enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	(void)cls;
	(void)connection;
	(void)code;
	if (!x)
		return;
	if (x->aside)
		leave_list(x);
	x->server->open--;
	free(x->body);
	free(x);
}

/* Names need no escapes, and what one stands for might cut a path short. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection,
			   char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

/* No thread of its own: MHD_run() does what there is. Return: NULL with errno. */
static struct MHD_Daemon *start_daemon(struct ctl_server *server, int fd)
{
	errno = 0;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
				NULL, NULL, on_request, server,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
				NULL, MHD_OPTION_CONNECTION_LIMIT,
				CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				IDLE_MAX_S, MHD_OPTION_END);
}

int ctl_server_open(const char *path, const struct ctl_pool *pool,
		    struct ctl_server **out, char *err, size_t err_size)
{
	struct ctl_server *server = calloc(1, sizeof(*server));
	const union MHD_DaemonInfo *info;
	int ret = -ENOMEM, fd;

	if (!server)
		goto err_say;
	server->pool = pool;
	LIST_INIT(&server->waiting);
	LIST_INIT(&server->later);
	fd = ret = ctl_listen(path);
	if (fd < 0)
		goto err_free;
	ret = ctl_keeper_start(path, &server->keeper);
	if (ret)
		goto err_unlink;
	server->daemon = start_daemon(server, fd);
	if (!server->daemon) {
		ret = errno ? -errno : -ENOMEM;
		goto err_end;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	server->fd = info->epoll_fd;
	*out = server;
	return 0;

err_end:
	ctl_keeper_end(&server->keeper);
err_unlink:
	close(fd);
	unlink(path);
err_free:
	free(server);
err_say:
	snprintf(err, err_size, "%s: %s", path, strerror(-ret));
	return ret;
}

int ctl_server_fd(const struct ctl_server *server)
{
	return server->fd;
}

/*
 * Of a suspended connection the library does not notice it. Who has only said that he
 * will say no more still listens.
 */
static bool has_gone(const struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd fd = {.fd = info->connect_fd};

	return poll(&fd, 1, 0) > 0;
}

static void wake_waiting(struct ctl_server *server)
{
	struct exchange *x, *next;

	for (x = LIST_FIRST(&server->waiting); x; x = next) {
		struct dis_vm_info info;

		next = LIST_NEXT(x, link);
		x->gone = has_gone(x);
		if (dis_vm_get_info(server->pool->dom, x->wait_for, &info) ||
		    info.ended || x->gone)
			resume(x);
	}
}

void ctl_server_run(struct ctl_server *server)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	struct exchange *x;

	server->until_ns = dis_clock_ns() + CALL_NS;
	wake_waiting(server);
	do
		MHD_run(server->daemon);
	while (dis_clock_ns() < server->until_ns &&
	       MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES &&
	       !wait_ms);
	/* The descriptor is readable then, for the next call. */
	while ((x = LIST_FIRST(&server->later)))
		resume(x);
}

void ctl_server_close(struct ctl_server *server)
{
	uint64_t limit_ns = dis_clock_ns() + CLOSE_NS;
	struct pollfd fd = {.fd = server->fd, .events = POLLIN};
	struct exchange *x;
	int listener;

	/* Those that have come, also if nobody has looked at them yet. */
	ctl_server_run(server);
	listener = MHD_quiesce_daemon(server->daemon);
	while (server->open && dis_clock_ns() < limit_ns) {
		poll(&fd, 1, 10);
		ctl_server_run(server);
	}
	/* One that waits for a VM that goes on must not be suspended. */
	while ((x = LIST_FIRST(&server->waiting)))
		resume(x);
	MHD_stop_daemon(server->daemon);
	if (listener >= 0)
		close(listener);
	ctl_keeper_end(&server->keeper);
	free(server);
}
