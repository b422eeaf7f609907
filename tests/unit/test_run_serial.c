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
		run_serial_put(meanwhile.serial, 0, "", LINE, strlen(LINE));
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
	assert_int_equal(run_serial_init(&bed->serial, bed->to, 1), 0);
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
		run_serial_put(&bed->serial, 0, "", LINE, strlen(LINE));
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

	run_serial_put(&bed->serial, 0, "", "one\ntw", 6);
	run_serial_end_line(&bed->serial);
	assert_reads(bed, "one\ntw\n");
	run_serial_end_line(&bed->serial);
	run_serial_put(&bed->serial, 0, "x: ", "three\n", 6);
	run_serial_end_line(&bed->serial);
	assert_reads(bed, "x: three\n");
}

/* As much as each of @n guests wants to put, until it is refused. */
static void flood(struct run_serial *serial, unsigned first, unsigned n)
{
	for (unsigned i = 0; i < 2 * SERIAL_BYTES / strlen(LINE); i++)
		for (unsigned guest = first; guest < first + n; guest++)
			run_serial_put(serial, guest, "flood: ", LINE,
				       strlen(LINE));
}

/* R: CARD-1. Others that flood, one after the other or at once, cost it nothing. */
static void test_run_serial_flood_leaves_others_their_part(void **state)
{
	enum {
		GUESTS = 20
	};
	struct run_serial serial;
	size_t line_len = strlen("quiet: ") + strlen(LINE), from;
	unsigned lines = (unsigned)(SERIAL_BYTES / 2 / GUESTS / line_len);

	(void)state;
	assert_int_equal(run_serial_init(&serial, NULL, GUESTS), 0);
	/* Round 2: nothing is left of what waited before. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned guest = 0; guest < GUESTS / 2; guest++)
			flood(&serial, guest, 1);
		flood(&serial, GUESTS / 2, GUESTS / 2 - 1);
		assert_true(serial.lost_bytes > 0);
		assert_in_range(serial.waiting_len, SERIAL_BYTES / 4 * 3,
				SERIAL_BYTES);
		serial.lost_bytes = 0;
		from = serial.waiting_len;
		for (unsigned i = 0; i < lines; i++)
			run_serial_put(&serial, GUESTS - 1, "quiet: ", LINE,
				       strlen(LINE));
		assert_int_equal(serial.lost_bytes, 0);
		assert_int_equal(serial.waiting_len, from + lines * line_len);
		assert_true(serial.waiting_len <= SERIAL_BYTES);
		run_serial_flush(&serial, false);
		assert_int_equal(serial.waiting_len, 0);
	}
	run_serial_fini(&serial);
}

static void test_run_serial_guest_alone_has_all_the_room(void **state)
{
	struct bed *bed = *state;

	put_lines(bed, (unsigned)(SERIAL_BYTES / strlen(LINE)));
	assert_int_equal(bed->serial.lost_bytes, 0);
	put_lines(bed, 1);
	assert_int_equal(bed->serial.lost_bytes, strlen(LINE));
	close(bed->reader);
	bed->reader = -1;
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
		cmocka_unit_test(test_run_serial_flood_leaves_others_their_part),
		cmocka_unit_test_setup_teardown(
			test_run_serial_guest_alone_has_all_the_room, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_run_serial_end_line_ends_what_was_begun, set_up,
			tear_down),
	};

	/* As disvm run does: a reader that went away is an error of write(). */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
