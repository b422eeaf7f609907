/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket with clients that are processes of their own (ctl/server.h,
 * ctl/client.h). This one serves until all of them have ended.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/server.h"
#include "lib/world.h"

#define CLIENTS_MAX 100
/* As many as may wait, see server.c. */
#define JOINERS_MAX 960

struct bed {
	char dir[64];
	char path[96];
	struct world *w;
	dis_id vm;
	struct ctl_pool pool;
	struct ctl_server *server;
};

/* More than a socket takes at once. */
#define REPORT_BYTES (8u << 20)

static int write_report(void *ctx, FILE *to)
{
	(void)ctx;
	for (unsigned i = 0; i < REPORT_BYTES; i++)
		putc(' ', to);
	return 0;
}

static int open_bed(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct bed *bed = calloc(1, sizeof(*bed));
	char err[256];

	assert_non_null(bed);
	snprintf(bed->dir, sizeof(bed->dir), "/tmp/disvm-ctl.XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	snprintf(bed->path, sizeof(bed->path), "%s/socket", bed->dir);
	bed->w = world_open_cores(1);
	bed->vm = world_vm(bed->w, roles, 1);
	bed->pool = (struct ctl_pool){
		.dom = bed->w->dom,
		.vms = &bed->vm,
		.n_vms = 1,
		.report = write_report,
	};
	assert_int_equal(ctl_server_open(bed->path, &bed->pool, &bed->server,
					 err, sizeof(err)),
			 0);
	*state = bed;
	return 0;
}

static int close_bed(void **state)
{
	struct bed *bed = *state;

	if (bed->server)
		ctl_server_close(bed->server);
	/* Nothing is left there. */
	assert_int_equal(rmdir(bed->dir), 0);
	world_close(bed->w);
	free(bed);
	return 0;
}

/* A process that asks, and ends with half the status of HTTP; 1: there is none. */
static pid_t client(const struct bed *bed, const char *method, const char *path,
		    const char *body)
{
	pid_t pid = fork();
	struct ctl_answer answer;
	char err[256];

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (ctl_request_send(bed->path, 0, method, path, body, &answer, err,
			     sizeof(err)))
		_exit(1);
	_exit((int)answer.status / 2);
}

static void serve(struct bed *bed)
{
	struct pollfd fd = {.fd = ctl_server_fd(bed->server), .events = POLLIN};

	poll(&fd, 1, 10);
	ctl_server_run(bed->server);
	world_settle(bed->w);
}

/* Serves until it has ended. Return: how. */
static int result_of(struct bed *bed, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0)
		serve(bed);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A connection of this process, which says what it likes. */
static int open_raw(const struct bed *bed)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, bed->path, strlen(bed->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* R: DIS-17 */
static void test_request_is_answered(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(result_of(bed, client(bed, "GET", "/vms", NULL)), 100);
	assert_int_equal(result_of(bed, client(bed, "GET", "/vm", NULL)), 202);
	assert_int_equal(result_of(bed, client(bed, "PATCH", "/vms/vm/vcpus/0",
					       "{\"priority\":3}")),
			 100);
	assert_int_equal(
		dis_vcpu_intent(world_vcpu(bed->w, bed->vm, 0)->vcpu).priority,
		3);
}

/* R: DIS-17: the socket is the authority, and only its owner's. */
static void test_socket_is_its_owners_alone(void **state)
{
	struct bed *bed = *state;
	struct stat st;

	assert_int_equal(lstat(bed->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* R: DIS-17 */
static void test_body_too_long_is_refused(void **state)
{
	struct bed *bed = *state;
	char *body = malloc(CTL_BODY_MAX + 2u);

	assert_non_null(body);
	memset(body, ' ', CTL_BODY_MAX + 1u);
	body[CTL_BODY_MAX + 1u] = '\0';
	assert_int_equal(result_of(bed, client(bed, "PATCH", "/pool", body)),
			 206);
	body[CTL_BODY_MAX - 2u] = '{';
	body[CTL_BODY_MAX - 1u] = '}';
	body[CTL_BODY_MAX] = '\0';
	assert_int_equal(result_of(bed, client(bed, "PATCH", "/pool", body)),
			 100);
	free(body);
}

/* R: DIS-10, DIS-17, ST-5: told when it has ended, and others are served before. */
static void test_join_waits_for_the_end(void **state)
{
	struct bed *bed = *state;
	pid_t joiner = client(bed, "GET", "/vms/vm/end", NULL);

	for (unsigned i = 0; i < 20; i++)
		serve(bed);
	assert_int_equal(waitpid(joiner, NULL, WNOHANG), 0);
	assert_int_equal(result_of(bed, client(bed, "GET", "/vms", NULL)), 100);
	assert_int_equal(waitpid(joiner, NULL, WNOHANG), 0);
	assert_int_equal(
		result_of(bed, client(bed, "POST", "/vms/vm/stop", NULL)), 100);
	assert_int_equal(result_of(bed, joiner), 100);
}

/* R: DIS-17: who waited and went away holds no connection. */
static void test_joiners_that_left_make_room(void **state)
{
	static const char ask[] = "GET /vms/vm/end HTTP/1.1\r\nHost: x\r\n\r\n";
	struct bed *bed = *state;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		int fd = open_raw(bed);

		assert_int_equal(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL),
				 sizeof(ask) - 1);
		serve(bed);
		close(fd);
		serve(bed);
	}
	assert_int_equal(result_of(bed, client(bed, "GET", "/vms", NULL)), 100);
}

/* R: DIS-17: the last answers are written before it is closed. */
static void test_close_answers_joiners(void **state)
{
	struct bed *bed = *state;
	pid_t joiner = client(bed, "GET", "/vms/vm/end", NULL);
	int status;

	for (unsigned i = 0; i < 20; i++)
		serve(bed);
	assert_int_equal(dis_vm_end(bed->w->dom, bed->vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	world_settle(bed->w);
	ctl_server_close(bed->server);
	bed->server = NULL;
	assert_int_equal(waitpid(joiner, &status, 0), joiner);
	assert_int_equal(WEXITSTATUS(status), 100);
}

/* R: DIS-17: closed while it waits, it is told that there is no answer. */
static void test_close_ends_who_still_waits(void **state)
{
	struct bed *bed = *state;
	pid_t joiner = client(bed, "GET", "/vms/vm/end", NULL);
	int status;

	for (unsigned i = 0; i < 20; i++)
		serve(bed);
	ctl_server_close(bed->server);
	bed->server = NULL;
	assert_int_equal(waitpid(joiner, &status, 0), joiner);
	assert_int_equal(WEXITSTATUS(status), 1);
}

/* R: DIS-17: all of it, though no socket holds so much. */
static void test_close_writes_a_large_answer_whole(void **state)
{
	struct bed *bed = *state;
	pid_t reader = client(bed, "GET", "/report", NULL);
	int status;

	for (unsigned i = 0; i < 3; i++)
		serve(bed);
	ctl_server_close(bed->server);
	bed->server = NULL;
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(WEXITSTATUS(status), 100);
}

/* R: DIS-17: who says half a request, and who does not read, have a second. */
static void test_close_does_not_wait_for_ever(void **state)
{
	static const char half[] = "GET /vms HTTP/1.1\r\nHost";
	static const char whole[] = "GET /report HTTP/1.1\r\nHost: x\r\n\r\n";
	struct bed *bed = *state;
	int a = open_raw(bed), b = open_raw(bed);

	assert_int_equal(send(a, half, sizeof(half) - 1, 0), sizeof(half) - 1);
	assert_int_equal(send(b, whole, sizeof(whole) - 1, 0),
			 sizeof(whole) - 1);
	serve(bed);
	ctl_server_close(bed->server);
	bed->server = NULL;
	close(a);
	close(b);
}

/* R: DIS-17: there is room for others, and who finds none is told. */
static void test_many_joiners_leave_room(void **state)
{
	static const char ask[] = "GET /vms/vm/end HTTP/1.1\r\nHost: x\r\n\r\n";
	const struct rlimit room = {4096, 4096};
	struct bed *bed = *state;
	int fds[JOINERS_MAX];

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &room), 0);
	for (unsigned i = 0; i < JOINERS_MAX; i++) {
		fds[i] = open_raw(bed);
		assert_int_equal(send(fds[i], ask, sizeof(ask) - 1, 0),
				 sizeof(ask) - 1);
		ctl_server_run(bed->server);
	}
	assert_int_equal(
		result_of(bed, client(bed, "GET", "/vms/vm/end", NULL)), 251);
	assert_int_equal(result_of(bed, client(bed, "GET", "/vms", NULL)), 100);
	for (unsigned i = 0; i < JOINERS_MAX; i++)
		close(fds[i]);
	/* Their places are free again. */
	serve(bed);
	serve(bed);
	assert_int_equal(
		result_of(bed, client(bed, "POST", "/vms/vm/stop", NULL)), 100);
	assert_int_equal(
		result_of(bed, client(bed, "GET", "/vms/vm/end", NULL)), 100);
}

/* R: DIS-17: what has taken its place is somebody else's. */
static void test_close_leaves_what_took_its_place(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(unlink(bed->path), 0);
	fclose(fopen(bed->path, "w"));
	ctl_server_close(bed->server);
	bed->server = NULL;
	assert_int_equal(unlink(bed->path), 0);
}

/* R: DIS-17: nothing in a path stands for something else. */
static void test_escapes_in_a_path_mean_nothing(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(result_of(bed, client(bed, "GET", "/vms/v%6d", NULL)),
			 202);
	assert_int_equal(result_of(bed, client(bed, "GET", "/vms%00/x", NULL)),
			 202);
}

/* R: DIS-17: nonsense and half a request cost others nothing. */
static void test_nonsense_is_survived(void **state)
{
	static const char *const nonsense[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"\x16\x03\x01\x02\x00",
		"GET /vms HTTP/1.1\r\n",
		"PATCH /pool HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n{",
		"PATCH /pool HTTP/1.1\r\nContent-Length: -1\r\n\r\n{",
		"PATCH / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
	};
	int fds[sizeof(nonsense) / sizeof(nonsense[0])];
	struct bed *bed = *state;

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		fds[i] = open_raw(bed);
		send(fds[i], nonsense[i], strlen(nonsense[i]), MSG_NOSIGNAL);
		serve(bed);
	}
	assert_int_equal(result_of(bed, client(bed, "GET", "/vms", NULL)), 100);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		close(fds[i]);
}

/* R: DIS-17 */
static void test_path_in_use_is_refused_and_a_dead_one_taken(void **state)
{
	struct bed *bed = *state;
	struct ctl_server *other;
	char err[256], path[128];
	int fd;

	assert_int_equal(ctl_server_open(bed->path, &bed->pool, &other, err,
					 sizeof(err)),
			 -EADDRINUSE);
	assert_non_null(strstr(err, bed->path));
	/* A file of somebody stays. */
	snprintf(path, sizeof(path), "%s/file", bed->dir);
	fclose(fopen(path, "w"));
	assert_int_equal(ctl_server_open(path, &bed->pool, &other, err,
					 sizeof(err)),
			 -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	/* A socket that a killed process has left. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un at = {.sun_family = AF_UNIX};

		memcpy(at.sun_path, path, strlen(path));
		assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)),
				 0);
	}
	close(fd);
	assert_int_equal(
		ctl_server_open(path, &bed->pool, &other, err, sizeof(err)), 0);
	ctl_server_close(other);
	snprintf(path, sizeof(path), "%s/no/socket", bed->dir);
	assert_int_equal(ctl_server_open(path, &bed->pool, &other, err,
					 sizeof(err)),
			 -ENOENT);
}

/* What listens there but says something else. */
static int answer_of(const char *dir, const char *text)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), status;
	pid_t pid;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/liar", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (!pid) {
		struct ctl_answer answer;
		char err[256];
		int ret = ctl_request_send(at.sun_path, 0, "GET", "/", NULL,
					   &answer, err, sizeof(err));

		_exit(-ret);
	}
	{
		char request[512];
		int peer = accept(fd, NULL, NULL);

		assert_true(recv(peer, request, sizeof(request), 0) > 0);
		send(peer, text, strlen(text), MSG_NOSIGNAL);
		close(peer);
	}
	close(fd);
	unlink(at.sun_path);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void test_client_takes_a_whole_answer_only(void **state)
{
	const struct bed *bed = *state;

	assert_int_equal(answer_of(bed->dir,
				   "HTTP/1.1 200 OK\r\nContent-Length: "
				   "2\r\n\r\n{}"),
			 0);
	assert_int_equal(answer_of(bed->dir,
				   "HTTP/1.1 200 OK\r\nContent-Length: "
				   "3\r\n\r\n{}"),
			 EPROTO);
	assert_int_equal(answer_of(bed->dir, "HTTP/1.1 200 OK\r\n\r\n{}"),
			 EPROTO);
	assert_int_equal(answer_of(bed->dir, "SSH-2.0-x\r\n\r\n"), EPROTO);
	assert_int_equal(answer_of(bed->dir, ""), EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_is_answered),
		TEST(test_socket_is_its_owners_alone),
		TEST(test_body_too_long_is_refused),
		TEST(test_join_waits_for_the_end),
		TEST(test_joiners_that_left_make_room),
		TEST(test_close_answers_joiners),
		TEST(test_close_ends_who_still_waits),
		TEST(test_close_writes_a_large_answer_whole),
		TEST(test_close_does_not_wait_for_ever),
		TEST(test_close_leaves_what_took_its_place),
		TEST(test_many_joiners_leave_room),
		TEST(test_escapes_in_a_path_mean_nothing),
		TEST(test_nonsense_is_survived),
		TEST(test_path_in_use_is_refused_and_a_dead_one_taken),
		TEST(test_client_takes_a_whole_answer_only),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
