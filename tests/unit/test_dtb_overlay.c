/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlays whose tables would have libfdt patch what is not in them: found by the
 * fuzzer as a crash, refused since (R: CARD-6).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot/dtb_overlay.h"
#include "unit/dtb_user.h"

static struct dtb_user_tree tree;

static void begin(const char *name)
{
	dtb_user_do(fdt_begin_node(tree.bytes, name));
}

static void end(unsigned nodes)
{
	while (nodes-- > 0)
		dtb_user_do(fdt_end_node(tree.bytes));
}

static void word(const char *name, uint32_t value)
{
	dtb_user_do(fdt_property_u32(tree.bytes, name, value));
}

static void text(const char *name, const char *value)
{
	dtb_user_do(fdt_property_string(tree.bytes, name, value));
}

/* A node "mine" with a handle and 8 bytes, "refs", that refer to others. */
static int begin_overlay(void **state)
{
	(void)state;
	dtb_user_begin(&tree);
	dtb_user_fragment(&tree, "/");
	begin("mine");
	word("phandle", 1);
	dtb_user_do(fdt_property_u64(tree.bytes, "refs", 1));
	end(1);
	dtb_user_fragment_end(&tree);
	return 0;
}

static void refused(const char *why)
{
	const char *found;

	dtb_user_end(&tree);
	found = dtb_overlay_check(tree.bytes);
	assert_non_null(found);
	assert_non_null(strstr(found, why));
}

static void taken(void)
{
	dtb_user_end(&tree);
	assert_null(dtb_overlay_check(tree.bytes));
}

/* __local_fixups__ for "refs", or what it is called here. */
static void local_fixup(const char *property, uint32_t offset)
{
	begin("__local_fixups__");
	begin("fragment@0");
	begin("__overlay__");
	begin("mine");
	word(property, offset);
	end(4);
}

static void fixup(const char *value)
{
	begin("__fixups__");
	text("label", value);
	end(1);
}

static void test_dtb_overlay_without_tables_is_taken(void **state)
{
	(void)state;
	taken();
}

static void test_dtb_overlay_without_fragment_refused(void **state)
{
	(void)state;
	dtb_user_begin(&tree);
	refused("no fragment");
}

static void test_dtb_overlay_local_fixup_inside_is_taken(void **state)
{
	(void)state;
	local_fixup("refs", 4);
	taken();
}

static void test_dtb_overlay_local_fixup_past_the_end_refused(void **state)
{
	(void)state;
	local_fixup("refs", 5);
	refused("__local_fixups__");
}

static void test_dtb_overlay_local_fixup_far_outside_refused(void **state)
{
	(void)state;
	local_fixup("refs", UINT32_MAX - 1);
	refused("__local_fixups__");
}

static void test_dtb_overlay_local_fixup_of_no_property_refused(void **state)
{
	(void)state;
	local_fixup("other", 0);
	refused("__local_fixups__");
}

/* The renumbering of handles would change the offset itself. */
static void test_dtb_overlay_local_fixup_of_a_phandle_refused(void **state)
{
	(void)state;
	local_fixup("phandle", 0);
	refused("__local_fixups__");
}

static void test_dtb_overlay_local_fixup_of_three_bytes_refused(void **state)
{
	(void)state;
	begin("__local_fixups__");
	begin("fragment@0");
	begin("__overlay__");
	begin("mine");
	dtb_user_do(fdt_property(tree.bytes, "refs", "\0\0", 3));
	end(4);
	refused("__local_fixups__");
}

static void test_dtb_overlay_local_fixup_of_no_node_refused(void **state)
{
	(void)state;
	begin("__local_fixups__");
	begin("fragment@1");
	end(2);
	refused("__local_fixups__");
}

/* Patching the table while it is read. */
static void test_dtb_overlay_local_fixup_of_itself_refused(void **state)
{
	(void)state;
	begin("__local_fixups__");
	begin("__local_fixups__");
	end(2);
	refused("__local_fixups__");
}

static void test_dtb_overlay_fixup_inside_is_taken(void **state)
{
	(void)state;
	fixup("/fragment@0/__overlay__/mine:refs:4");
	taken();
}

static void test_dtb_overlay_fixup_outside_refused(void **state)
{
	static const char *const bad[] = {
		"/fragment@0/__overlay__/mine:refs:5",
		"/fragment@0/__overlay__/mine:refs:-1",
		"/fragment@0/__overlay__/mine:refs:4294967294",
		"/fragment@0/__overlay__/mine:refs:99999999999999999999",
		"/fragment@0/__overlay__/mine:refs:",
		"/fragment@0/__overlay__/mine:refs:0x0",
		"/fragment@0/__overlay__/mine:refs",
		"/fragment@0/__overlay__/mine:other:0",
		"/fragment@0/__overlay__/other:refs:0",
		"/__fixups__:label:0",
		"fragment@0:target-path:0",
		"",
		":",
		"::",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin_overlay(NULL);
		fixup(bad[i]);
		refused("__fixups__");
	}
}

static void test_dtb_overlay_fixup_without_nul_refused(void **state)
{
	(void)state;
	begin("__fixups__");
	dtb_user_do(fdt_property(tree.bytes, "label", "/f:x:0", 6));
	end(1);
	refused("__fixups__");
}

#define OVERLAY(test) cmocka_unit_test_setup(test, begin_overlay)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OVERLAY(test_dtb_overlay_without_tables_is_taken),
		OVERLAY(test_dtb_overlay_without_fragment_refused),
		OVERLAY(test_dtb_overlay_local_fixup_inside_is_taken),
		OVERLAY(test_dtb_overlay_local_fixup_past_the_end_refused),
		OVERLAY(test_dtb_overlay_local_fixup_far_outside_refused),
		OVERLAY(test_dtb_overlay_local_fixup_of_no_property_refused),
		OVERLAY(test_dtb_overlay_local_fixup_of_a_phandle_refused),
		OVERLAY(test_dtb_overlay_local_fixup_of_three_bytes_refused),
		OVERLAY(test_dtb_overlay_local_fixup_of_no_node_refused),
		OVERLAY(test_dtb_overlay_local_fixup_of_itself_refused),
		OVERLAY(test_dtb_overlay_fixup_inside_is_taken),
		OVERLAY(test_dtb_overlay_fixup_outside_refused),
		OVERLAY(test_dtb_overlay_fixup_without_nul_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
