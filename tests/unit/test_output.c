/* SPDX-License-Identifier: Apache-2.0 */
/* Output files of a run that does not come to its end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/output.h"

static char path[64];

static int make_name(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/disvm-test-output-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 || close(fd) || unlink(path);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static off_t size_of(void)
{
	struct stat st;

	return stat(path, &st) ? -1 : st.st_size;
}

static void open_and_write(struct output *out)
{
	memset(out, 0, sizeof(*out));
	assert_int_equal(output_open(out, path), 0);
	assert_int_equal(output_commit(out), 0);
	assert_true(fputs("half", out->file) >= 0);
}

static void test_output_created_and_discarded_removed(void **state)
{
	struct output out;

	(void)state;
	open_and_write(&out);
	output_discard(&out);
	assert_int_equal(size_of(), -1);
}

static void test_output_kept_and_discarded_empty(void **state)
{
	struct output out;

	(void)state;
	open_and_write(&out);
	output_keep(&out);
	output_discard(&out);
	assert_int_equal(size_of(), 0);
}

static void test_output_kept_and_closed_has_all(void **state)
{
	struct output out;

	(void)state;
	open_and_write(&out);
	output_keep(&out);
	assert_int_equal(output_close(&out), 0);
	assert_int_equal(size_of(), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_name, remove_file)
	const struct CMUnitTest tests[] = {
		TEST(test_output_created_and_discarded_removed),
		TEST(test_output_kept_and_discarded_empty),
		TEST(test_output_kept_and_closed_has_all),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
