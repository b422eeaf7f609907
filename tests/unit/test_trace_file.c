/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: much of it, and a file that is valid at any moment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test_trace_fixture.h"

/* Three vCPUs take turns on two cores; the rings are drained in turn. */
static void feed_many(struct trace *t, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		unsigned us = i * 10, a = i % 3, b = (i + 1) % 3;
		struct dis_event events[] = {
			RUN(us + 1, 0, b, 1),      THROTTLE(us + 8, 0, b, 1),
			REQUEUE(us + 8, 0, b, 1),  RUN(us, 0, a, 0),
			THROTTLE(us + 9, 0, a, 0), REQUEUE(us + 9, 0, a, 0),
		};

		trace_events(t, events, sizeof(events) / sizeof(events[0]));
	}
}

static void test_trace_many_events_every_track_in_order(void **state)
{
	enum {
		ROUNDS = 40000
	};
	struct trace *t = open_trace(100000);
	json_t *root, *events;

	(void)state;
	feed_many(t, ROUNDS);
	close_trace(t, ROUNDS * 10);
	events = read_events(&root);
	check_tracks(events);
	assert_true(json_array_size(events) > 8 * ROUNDS);
	assert_null(find(events, "i", "events handed over too late", 0));
	json_decref(root);
}

/* More than the heap holds, all within the interval: nothing gets lost. */
static void test_trace_order_buffer_full_oldest_written(void **state)
{
	enum {
		ROUNDS = 30000
	};
	struct trace *t = open_trace(10 * DIS_S_NS);
	json_t *root, *events;

	(void)state;
	feed_many(t, ROUNDS);
	close_trace(t, ROUNDS * 10);
	events = read_events(&root);
	check_tracks(events);
	assert_true(json_array_size(events) > 8 * ROUNDS);
	json_decref(root);
}

/* What a killed process leaves behind is what stands in the file now. */
static void test_trace_not_closed_yet_file_valid(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;
	size_t first;

	(void)state;
	feed_many(t, 2000);
	events = read_events(&root);
	check_tracks(events);
	first = json_array_size(events);
	assert_true(first > 1000);
	json_decref(root);
	feed_many(t, 2000);
	events = read_events(&root);
	assert_true(json_array_size(events) > first);
	json_decref(root);
	close_trace(t, 1000000);
}

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_trace_disk_full_one_line_and_file_valid(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;
	char expected[256];
	struct stat st;
	int ret;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(200000);
	feed_many(t, 4000);
	ret = trace_close(t, US(50000), err, sizeof(err));
	limit_file_size(RLIM_INFINITY);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(ret, -EFBIG);
	snprintf(expected, sizeof(expected),
		 "trace %s: File too large; the last ", path);
	assert_int_equal(strncmp(err, expected, strlen(expected)), 0);
	assert_null(strchr(err, '\n'));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 100000 && st.st_size <= 200000);
	events = read_events(&root);
	check_tracks(events);
	json_decref(root);
}

static void refuse_open(const char *name, int code, const char *why)
{
	struct trace_config config = {.cpus = cpus, .n_cores = 2};
	char expected[256];
	struct trace *t;

	assert_int_equal(trace_open(name, &config, &t, err, sizeof(err)), code);
	snprintf(expected, sizeof(expected), "trace %s: %s", name, why);
	assert_string_equal(err, expected);
}

static void test_trace_open_bad_path_refused(void **state)
{
	(void)state;
	refuse_open("/nonexistent/t.json", -ENOENT, "No such file or directory");
	refuse_open("/tmp", -EISDIR, "Is a directory");
	refuse_open("/dev/full", -ENOSPC, "No space left on device");
}

static void test_trace_open_pipe_refused(void **state)
{
	static const char name[] = "/tmp/disvm-test-trace-fifo";

	(void)state;
	unlink(name);
	assert_int_equal(mkfifo(name, 0600), 0);
	refuse_open(name, -EINVAL, "not a regular file");
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_many_events_every_track_in_order),
		cmocka_unit_test(test_trace_order_buffer_full_oldest_written),
		cmocka_unit_test(test_trace_not_closed_yet_file_valid),
		cmocka_unit_test(test_trace_disk_full_one_line_and_file_valid),
		cmocka_unit_test(test_trace_open_bad_path_refused),
		cmocka_unit_test(test_trace_open_pipe_refused),
	};

	return cmocka_run_group_tests_name("trace file", tests, make_file,
					   remove_file);
}
