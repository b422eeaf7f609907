/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line: when it comes, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dis/types.h>

#include "cli/progress.h"

#define CORES 8

static struct dis_core_stats cores[CORES];
static struct progress progress;
static FILE *file;
static char text[4096];

/* A plain file: no terminal. */
static int begin(void **state)
{
	(void)state;
	memset(cores, 0, sizeof(cores));
	file = tmpfile();
	if (!file)
		return -1;
	progress_init(&progress, file);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return fclose(file);
}

static void update(unsigned n_cores, uint64_t elapsed_ms)
{
	struct progress_sample sample = {
		.elapsed_ns = elapsed_ms * DIS_MS_NS,
		.limit_ns = 5 * DIS_S_NS,
		.cores = cores,
		.n_cores = n_cores,
		.live_vms = 1,
		.vms = 1,
		.vcpus = 8,
	};

	progress_update(&progress, &sample);
}

static const char *written(void)
{
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	return text;
}

static void account(unsigned core, unsigned charged_ms, unsigned idle_ms)
{
	cores[core].charged_ns += charged_ms * DIS_MS_NS;
	cores[core].idle_ns += idle_ms * DIS_MS_NS;
}

static void test_progress_plain_one_line_each_second(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 1000; ms += 100)
		update(1, ms);
	assert_string_equal(written(), "");
	account(0, 970, 30);
	update(1, 1000);
	update(1, 1500);
	assert_string_equal(written(), "1.0 s of 5 s, 1 of 1 guests, 8 vCPUs, "
				       "core 0 97 % busy\n");
}

static void test_progress_busy_counts_since_last_line(void **state)
{
	(void)state;
	account(0, 1000, 0);
	update(1, 1000);
	account(0, 250, 750);
	update(1, 2000);
	assert_non_null(strstr(written(), "core 0 100 % busy\n"));
	assert_non_null(strstr(written(), "core 0 25 % busy\n"));
}

static void test_progress_core_accounted_nothing_says_no_switch(void **state)
{
	(void)state;
	account(1, 0, 1000);
	update(2, 1000);
	assert_non_null(
		strstr(written(), "core 0 no switch, core 1 0 % busy\n"));
}

static void test_progress_many_cores_summed_up(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CORES; i++)
		account(i, 1000 - i * 100, i * 100);
	update(CORES, 1000);
	assert_non_null(strstr(written(), "8 cores 65 % busy (least 30 %)\n"));
}

static void test_progress_terminal_line_overwritten_then_removed(void **state)
{
	(void)state;
	progress.tty = true;
	progress.due_ns = 0;
	account(0, 1000, 0);
	update(1, 500);
	update(1, 900); /* not due */
	account(0, 50, 950);
	update(1, 1000);
	progress_end(&progress);
	assert_string_equal(
		written(),
		"\r0.5 s of 5 s, 1 of 1 guests, 8 vCPUs, core 0 100 % busy"
		"\r1.0 s of 5 s, 1 of 1 guests, 8 vCPUs, core 0 5 % busy  "
		"\r                                                     \r");
}

#define PROGRESS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROGRESS_TEST(test_progress_plain_one_line_each_second),
		PROGRESS_TEST(test_progress_busy_counts_since_last_line),
		PROGRESS_TEST(
			test_progress_core_accounted_nothing_says_no_switch),
		PROGRESS_TEST(test_progress_many_cores_summed_up),
		PROGRESS_TEST(
			test_progress_terminal_line_overwritten_then_removed),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
