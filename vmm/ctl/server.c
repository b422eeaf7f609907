/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket; see server.h. */
#include "ctl/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/keeper.h"

#define CONNECTIONS_MAX 64u
/* Of one that says nothing; who waits for the end of a VM is not meant. */
#define IDLE_MAX_S 10u
#define BACKLOG 16
/* Rounds for one call, should the library always have more to do. */
#define ROUNDS_MAX 64u

/*
 * One request.
 *
 * @wait_for: VM whose end is waited for; its connection is suspended then, and it
 *            is in the server's list.
 */
struct exchange {
	struct ctl_server *server;
	struct MHD_Connection *connection;
	char *body;
	size_t body_size;
	bool too_large;
	bool gone; /* its client */
	dis_id wait_for;
	LIST_ENTRY(exchange) waiting;
};

struct ctl_server {
	const struct ctl_pool *pool;
	struct MHD_Daemon *daemon;
	struct ctl_keeper keeper;
	int fd;
	LIST_HEAD(, exchange) waiting;
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

static void wait_for_end(struct exchange *x, dis_id vm)
{
	x->wait_for = vm;
	LIST_INSERT_HEAD(&x->server->waiting, x, waiting);
	MHD_suspend_connection(x->connection);
}

static void stop_waiting(struct exchange *x)
{
	x->wait_for = DIS_ID_NONE;
	LIST_REMOVE(x, waiting);
	MHD_resume_connection(x->connection);
}

static enum MHD_Result answer(struct exchange *x, const char *method,
			      const char *url)
{
	const struct ctl_request request = {
		.method = method,
		.path = url,
		.body = x->body,
		.body_size = x->body_size,
	};
	struct ctl_reply reply;

	if (x->gone)
		return MHD_NO;
	if (x->too_large) {
		reply = (struct ctl_reply){
			.status = 413,
			.type = "application/json",
			.text = strdup("{\"error\": \"the body is too long\"}")};
		if (!reply.text)
			return MHD_NO;
		reply.size = strlen(reply.text);
	} else if (ctl_handle(x->server->pool, &request, &reply)) {
		return MHD_NO;
	}
	if (reply.wait_for != DIS_ID_NONE) {
		wait_for_end(x, reply.wait_for);
		return MHD_YES;
	}
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
	if (x->wait_for != DIS_ID_NONE)
		LIST_REMOVE(x, waiting);
	free(x->body);
	free(x);
}

/* A socket that nobody listens at. */
static bool is_stale(const struct sockaddr_un *at)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(at->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)at, sizeof(*at)) &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

/* Nobody else may connect, from its first moment on. */
static int bind_private(int fd, const struct sockaddr_un *at)
{
	mode_t before = umask(0177);
	int ret = bind(fd, (const struct sockaddr *)at, sizeof(*at));

	if (ret)
		ret = -errno;
	umask(before);
	return ret;
}

/* Return: a listening socket, -errno. */
static int listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, ret;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = bind_private(fd, &at);
	if (ret == -EADDRINUSE && is_stale(&at) && !unlink(path))
		ret = bind_private(fd, &at);
	if (ret)
		goto err_close;
	if (!listen(fd, BACKLOG))
		return fd;
	ret = -errno;
	unlink(path);
err_close:
	close(fd);
	return ret;
}

/* No thread of its own: MHD_run() does what there is. */
static struct MHD_Daemon *start_daemon(struct ctl_server *server, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
				NULL, NULL, on_request, server,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, IDLE_MAX_S,
				MHD_OPTION_END);
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
	fd = ret = listen_at(path);
	if (fd < 0)
		goto err_free;
	ret = ctl_keeper_start(path, &server->keeper);
	if (ret)
		goto err_unlink;
	server->daemon = start_daemon(server, fd);
	if (!server->daemon) {
		ret = -ENOMEM;
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

/* Of a suspended connection the library does not notice it. */
static bool has_gone(const struct exchange *x)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd fd = {.fd = info->connect_fd, .events = POLLRDHUP};

	return poll(&fd, 1, 0) > 0;
}

static void wake_waiting(struct ctl_server *server)
{
	struct exchange *x, *next;

	for (x = LIST_FIRST(&server->waiting); x; x = next) {
		struct dis_vm_info info;

		next = LIST_NEXT(x, waiting);
		x->gone = has_gone(x);
		if (dis_vm_get_info(server->pool->dom, x->wait_for, &info) ||
		    info.ended || x->gone)
			stop_waiting(x);
	}
}

void ctl_server_run(struct ctl_server *server)
{
	unsigned rounds = 0;
	MHD_UNSIGNED_LONG_LONG wait_ms;

	wake_waiting(server);
	do
		MHD_run(server->daemon);
	while (++rounds < ROUNDS_MAX &&
	       MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES &&
	       !wait_ms);
}

/* All have ended, so nobody waits any more; what came in last is answered, too. */
void ctl_server_close(struct ctl_server *server)
{
	struct pollfd more = {.fd = server->fd, .events = POLLIN};
	struct exchange *x;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		ctl_server_run(server);
		if (poll(&more, 1, 0) <= 0)
			break;
	}
	/* If one waits for a VM that has not ended: it must not be suspended. */
	while ((x = LIST_FIRST(&server->waiting)))
		stop_waiting(x);
	MHD_stop_daemon(server->daemon);
	ctl_keeper_end(&server->keeper);
	free(server);
}
