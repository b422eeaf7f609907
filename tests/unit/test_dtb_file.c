/* SPDX-License-Identifier: Apache-2.0 */
/* A user's device tree file: damage and limits (R: CARD-6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>

#include "unit/dtb_user.h"

/* Larger than any file that is taken. */
static _Alignas(8) uint8_t bytes[1 << 20];
static char err[256];

static int begin(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof(bytes));
	dtb_user_do(fdt_create(bytes, sizeof(bytes)));
	dtb_user_do(fdt_finish_reservemap(bytes));
	dtb_user_do(fdt_begin_node(bytes, ""));
	return 0;
}

static void end(void)
{
	dtb_user_do(fdt_end_node(bytes));
	dtb_user_do(fdt_finish(bytes));
}

static int check(uint64_t size)
{
	struct dtb_file file = {"user.dtb", NULL, size, false};
	void *copy = malloc(size ? size : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	file.bytes = copy;
	err[0] = '\0';
	ret = dtb_file_check(&file, err, sizeof(err));
	free(copy);
	return ret;
}

static void refused(uint64_t size, const char *text)
{
	assert_int_equal(check(size), -EINVAL);
	if (!strstr(err, text) || !strstr(err, "user.dtb: "))
		fail_msg("\"%s\" does not say \"%s\"", err, text);
	assert_null(strchr(err, '\n'));
}

static void test_dtb_file_good_is_taken(void **state)
{
	(void)state;
	dtb_user_do(fdt_property_string(bytes, "model", "x"));
	end();
	assert_int_equal(check(fdt_totalsize(bytes)), 0);
}

static void test_dtb_file_with_trailing_bytes_is_taken(void **state)
{
	(void)state;
	end();
	assert_int_equal(check(fdt_totalsize(bytes) + 100), 0);
}

static void test_dtb_file_of_text_refused(void **state)
{
	(void)state;
	memset(bytes, 'a', 100);
	refused(100, "not a flattened device tree");
}

static void test_dtb_file_truncated_anywhere_refused(void **state)
{
	uint32_t size;

	(void)state;
	dtb_user_do(fdt_property_string(bytes, "model", "x"));
	end();
	size = fdt_totalsize(bytes);
	for (uint32_t cut = 0; cut < size; cut++)
		assert_int_equal(check(cut), -EINVAL);
	refused(size - 1, "truncated");
}

static void test_dtb_file_of_an_old_version_refused(void **state)
{
	(void)state;
	end();
	fdt_set_version(bytes, 16);
	refused(fdt_totalsize(bytes), "version 16; 17 is needed");
}

static void test_dtb_file_with_bad_structure_refused(void **state)
{
	(void)state;
	end();
	bytes[fdt_off_dt_struct(bytes) + 3] = 0x55;
	refused(fdt_totalsize(bytes), "FDT_ERR_BADSTRUCTURE");
}

static void nest(int depth)
{
	for (int i = 0; i < depth; i++)
		dtb_user_do(fdt_begin_node(bytes, "n"));
	for (int i = 0; i < depth; i++)
		dtb_user_do(fdt_end_node(bytes));
	end();
}

static void test_dtb_file_32_deep_is_taken(void **state)
{
	(void)state;
	nest(32);
	assert_int_equal(check(fdt_totalsize(bytes)), 0);
}

/* libfdt recurses: deep trees would end the process. */
static void test_dtb_file_33_deep_refused(void **state)
{
	(void)state;
	nest(33);
	refused(fdt_totalsize(bytes), "nodes more than 32 deep");
}

static void test_dtb_file_15000_deep_refused(void **state)
{
	(void)state;
	nest(15000);
	refused(fdt_totalsize(bytes), "nodes more than 32 deep");
}

static void test_dtb_file_with_4097_nodes_refused(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 4096; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		dtb_user_do(fdt_begin_node(bytes, name));
		dtb_user_do(fdt_end_node(bytes));
	}
	end();
	refused(fdt_totalsize(bytes), "more than 4096 nodes");
}

static void test_dtb_file_with_16385_properties_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16385; i++)
		dtb_user_do(fdt_property(bytes, "p", "", 0));
	end();
	refused(fdt_totalsize(bytes), "more than 16384 properties");
}

static void test_dtb_file_too_large_refused(void **state)
{
	(void)state;
	end();
	refused(DTB_FILE_MAX_BYTES + 1, "larger than 256 KiB");
}

static void test_dtb_file_node_with_slash_refused(void **state)
{
	(void)state;
	dtb_user_do(fdt_begin_node(bytes, "a/b"));
	dtb_user_do(fdt_end_node(bytes));
	end();
	refused(fdt_totalsize(bytes), "a node without a valid name");
}

static void test_dtb_file_property_with_control_refused(void **state)
{
	(void)state;
	dtb_user_do(fdt_property(bytes, "a\nb", "", 0));
	end();
	refused(fdt_totalsize(bytes), "a property without a valid name");
}

#define FILE_TEST(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_dtb_file_good_is_taken),
		FILE_TEST(test_dtb_file_with_trailing_bytes_is_taken),
		FILE_TEST(test_dtb_file_of_text_refused),
		FILE_TEST(test_dtb_file_truncated_anywhere_refused),
		FILE_TEST(test_dtb_file_of_an_old_version_refused),
		FILE_TEST(test_dtb_file_with_bad_structure_refused),
		FILE_TEST(test_dtb_file_32_deep_is_taken),
		FILE_TEST(test_dtb_file_33_deep_refused),
		FILE_TEST(test_dtb_file_15000_deep_refused),
		FILE_TEST(test_dtb_file_with_4097_nodes_refused),
		FILE_TEST(test_dtb_file_with_16385_properties_refused),
		FILE_TEST(test_dtb_file_too_large_refused),
		FILE_TEST(test_dtb_file_node_with_slash_refused),
		FILE_TEST(test_dtb_file_property_with_control_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
