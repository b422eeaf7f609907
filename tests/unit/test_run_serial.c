/* SPDX-License-Identifier: Apache-2.0 */
/* Serial output to a reader that does not read, of guests that never stop. R: CARD-1 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/run_serial.h"

#define LINE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\n"
/* More than a pipe holds. */
#define LINES 10000u

struct bed {
	struct run_serial serial;
	FILE *to;
	int reader;
};

/* What guests put while the main thread writes: a line before each write. */
static struct {
	struct run_serial *serial;
	unsigned lines;
} meanwhile;

/* Instead of libc's. */
int poll(struct pollfd *fds, nfds_t n, int limit_ms)
{
	struct timespec limit = {.tv_sec = limit_ms / 1000,
				 .tv_nsec = limit_ms % 1000 * 1000000L};

	if (meanwhile.lines) {
		meanwhile.lines--;
		run_serial_put(meanwhile.serial, "", LINE, strlen(LINE));
	}
	return ppoll(fds, n, limit_ms < 0 ? NULL : &limit, NULL);
}

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	int ends[2];

	assert_non_null(bed);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	bed->reader = ends[0];
	bed->to = fdopen(ends[1], "w");
	assert_non_null(bed->to);
	assert_int_equal(run_serial_init(&bed->serial, bed->to), 0);
	*state = bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;

	if (bed->reader >= 0)
		close(bed->reader);
	run_serial_fini(&bed->serial);
	fclose(bed->to);
	free(bed);
	return 0;
}

static void put_lines(struct bed *bed, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		run_serial_put(&bed->serial, "", LINE, strlen(LINE));
}

/* What the pipe holds; each byte is checked. */
static size_t read_all(struct bed *bed, size_t from)
{
	static char buf[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = read(bed->reader, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(
				buf[i],
				LINE[(from + got + (size_t)i) % strlen(LINE)]);
		got += (size_t)n;
	}
	return got;
}

/* It would hang here if it waited. */
static void test_run_serial_full_pipe_blocks_nobody(void **state)
{
	struct bed *bed = *state;

	put_lines(bed, LINES);
	assert_int_equal(run_serial_stuck_fd(&bed->serial), -1);
	run_serial_flush(&bed->serial, false);
	assert_int_equal(run_serial_stuck_fd(&bed->serial), fileno(bed->to));
	run_serial_flush(&bed->serial, false);
	assert_true(read_all(bed, 0) > 0);
	/* So that the end does not wait for room. */
	close(bed->reader);
	bed->reader = -1;
}

static void test_run_serial_reader_that_returns_gets_all(void **state)
{
	struct bed *bed = *state;
	size_t got = 0;

	put_lines(bed, LINES);
	for (unsigned i = 0; i < 2; i++) {
		do {
			run_serial_flush(&bed->serial, false);
			got += read_all(bed, got);
		} while (run_serial_stuck_fd(&bed->serial) >= 0);
		assert_int_equal(got, (i + 1) * LINES * strlen(LINE));
		if (i == 0)
			put_lines(bed, LINES);
	}
}

static bool is_readable(int fd)
{
	struct pollfd fds = {fd, POLLIN, 0};

	return poll(&fds, 1, 0) == 1;
}

static void test_run_serial_flush_ends_though_lines_come(void **state)
{
	struct bed *bed = *state;
	size_t len = strlen(LINE);

	put_lines(bed, 1);
	meanwhile.serial = &bed->serial;
	meanwhile.lines = 100;
	run_serial_flush(&bed->serial, false);
	assert_int_equal(meanwhile.lines, 99);
	meanwhile.lines = 0;
	assert_int_equal(read_all(bed, 0), len);
	/* The next poll() comes back at once for what came meanwhile. */
	assert_true(is_readable(bed->serial.fd));
	meanwhile.lines = 100;
	run_serial_flush(&bed->serial, true);
	assert_int_equal(meanwhile.lines, 0);
	assert_int_equal(read_all(bed, 0), 101 * len);
}

static void assert_reads(struct bed *bed, const char *wanted)
{
	char buf[64];
	ssize_t n;

	run_serial_flush(&bed->serial, false);
	n = read(bed->reader, buf, sizeof(buf));
	assert_int_equal(n, strlen(wanted));
	assert_memory_equal(buf, wanted, (size_t)n);
}

static void test_run_serial_end_line_ends_what_was_begun(void **state)
{
	struct bed *bed = *state;

	run_serial_put(&bed->serial, "", "one\ntw", 6);
	run_serial_end_line(&bed->serial);
	assert_reads(bed, "one\ntw\n");
	run_serial_end_line(&bed->serial);
	run_serial_put(&bed->serial, "x: ", "three\n", 6);
	run_serial_end_line(&bed->serial);
	assert_reads(bed, "x: three\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_run_serial_full_pipe_blocks_nobody, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_run_serial_reader_that_returns_gets_all, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_run_serial_flush_ends_though_lines_come, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_run_serial_end_line_ends_what_was_begun, set_up,
			tear_down),
	};

	/* As disvm run does: a reader that went away is an error of write(). */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
