/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user's device tree and overlays merged into the machine's: what is added,
 * and what cannot be changed (R: CARD-6).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "unit/dtb_user.h"

static struct dtb_user_tree user;
static void *machine;
static void *merged;
static uint64_t merged_bytes;
static char err[256];

static int make_machine(void **state)
{
	(void)state;
	machine = dtb_user_machine();
	merged = NULL;
	dtb_user_begin(&user);
	return 0;
}

static int free_machine(void **state)
{
	(void)state;
	free(machine);
	free(merged);
	return 0;
}

static int merge_as(bool overlay)
{
	struct dtb_file file;
	int ret;

	dtb_user_end(&user);
	file = dtb_user_file(&user, overlay);
	err[0] = '\0';
	ret = dtb_merge(machine, &file, 1, &merged, &merged_bytes, err,
			sizeof(err));
	free((void *)file.bytes);
	return ret;
}

static void merges(bool overlay)
{
	if (merge_as(overlay))
		fail_msg("%s", err);
	assert_int_equal(fdt_check_full(merged, merged_bytes), 0);
}

static void refused(bool overlay, const char *text)
{
	assert_int_equal(merge_as(overlay), -EINVAL);
	if (!strstr(err, text) || !strstr(err, "user.dtb: "))
		fail_msg("\"%s\" does not say \"%s\"", err, text);
	assert_null(strchr(err, '\n'));
}

static void check_text(const char *node, const char *name, const char *text)
{
	int at = fdt_path_offset(merged, node);
	const char *found;

	assert_true(at >= 0);
	found = fdt_getprop(merged, at, name, NULL);
	assert_non_null(found);
	assert_string_equal(found, text);
}

static void begin(const char *name)
{
	dtb_user_do(fdt_begin_node(user.bytes, name));
}

static void end(void)
{
	dtb_user_do(fdt_end_node(user.bytes));
}

static void text(const char *name, const char *value)
{
	dtb_user_do(fdt_property_string(user.bytes, name, value));
}

static void word(const char *name, uint32_t value)
{
	dtb_user_do(fdt_property_u32(user.bytes, name, value));
}

/* R: CARD-6 */
static void test_dtb_merge_tree_adds_nodes(void **state)
{
	(void)state;
	text("model", "mine");
	begin("board");
	text("compatible", "x,board");
	begin("part@7");
	text("label", "seven");
	end();
	end();
	merges(false);
	check_text("/", "model", "mine");
	check_text("/", "compatible", "disvm,machine-1");
	check_text("/board", "compatible", "x,board");
	check_text("/board/part@7", "label", "seven");
	check_text("/cpus/cpu@1", "disvm,intent", "batch");
}

static void test_dtb_merge_tree_adds_to_chosen(void **state)
{
	(void)state;
	begin("chosen");
	text("stdout-path", "/serial");
	end();
	merges(false);
	check_text("/chosen", "stdout-path", "/serial");
	check_text("/chosen", "bootargs", "quiet");
}

static void test_dtb_merge_tree_adds_reservations(void **state)
{
	static struct dtb_user_tree with;
	struct dtb_file file;
	uint64_t gpa, bytes;

	(void)state;
	memset(&with, 0, sizeof(with));
	dtb_user_do(fdt_create(with.bytes, sizeof(with.bytes)));
	dtb_user_do(fdt_add_reservemap_entry(with.bytes, 0x100000, 0x1000));
	dtb_user_do(fdt_finish_reservemap(with.bytes));
	dtb_user_do(fdt_begin_node(with.bytes, ""));
	dtb_user_end(&with);
	file = dtb_user_file(&with, false);
	assert_int_equal(dtb_merge(machine, &file, 1, &merged, &merged_bytes,
				   err, sizeof(err)),
			 0);
	free((void *)file.bytes);
	assert_int_equal(fdt_num_mem_rsv(merged), 2);
	assert_int_equal(fdt_get_mem_rsv(merged, 1, &gpa, &bytes), 0);
	assert_int_equal(gpa, 0x100000);
	assert_int_equal(bytes, 0x1000);
}

/* What --dump-dtb wrote comes back unchanged. */
static void test_dtb_merge_own_tree_changes_nothing(void **state)
{
	const struct dtb_file file = {"user.dtb", machine,
				      fdt_totalsize(machine), false};

	(void)state;
	assert_int_equal(dtb_merge(machine, &file, 1, &merged, &merged_bytes,
				   err, sizeof(err)),
			 0);
	assert_int_equal(fdt_num_mem_rsv(merged), fdt_num_mem_rsv(machine));
	assert_int_equal(fdt_size_dt_struct(merged),
			 fdt_size_dt_struct(machine));
}

static void test_dtb_merge_tree_other_memory_refused(void **state)
{
	static const uint64_t reg[2] = {0, 0x4000000000000000};

	(void)state;
	begin("memory@0");
	dtb_user_do(fdt_property(user.bytes, "reg", reg, sizeof(reg)));
	end();
	refused(false, "/memory@0: reg is there already");
}

static void test_dtb_merge_tree_more_memory_refused(void **state)
{
	(void)state;
	begin("memory@100000000");
	text("device_type", "memory");
	end();
	refused(false, "/memory@100000000: memory cannot be added");
}

static void test_dtb_merge_tree_memory_by_type_refused(void **state)
{
	(void)state;
	begin("ram@100000000");
	text("device_type", "memory");
	end();
	refused(false, "memory cannot be added");
}

static void test_dtb_merge_tree_more_cpus_refused(void **state)
{
	(void)state;
	begin("cpus");
	begin("cpu@2");
	word("reg", 2);
	end();
	end();
	refused(false,
		"/cpus: cpu@2 cannot be added: the node is the machine's");
}

static void test_dtb_merge_tree_other_intent_refused(void **state)
{
	(void)state;
	begin("cpus");
	begin("cpu@0");
	text("disvm,intent", "realtime");
	end();
	end();
	refused(false, "/cpus/cpu@0: disvm,intent is there already");
}

static void test_dtb_merge_tree_more_intent_refused(void **state)
{
	(void)state;
	begin("cpus");
	begin("cpu@0");
	word("disvm,weight", 1000);
	end();
	end();
	refused(false, "/cpus/cpu@0: disvm,weight cannot be added");
}

static void test_dtb_merge_tree_other_command_line_refused(void **state)
{
	(void)state;
	begin("chosen");
	text("bootargs", "debug");
	end();
	refused(false, "/chosen: bootargs is there already");
}

static void test_dtb_merge_tree_other_cells_refused(void **state)
{
	(void)state;
	word("#address-cells", 1);
	refused(false, "/: #address-cells is there already");
}

static void test_dtb_merge_tree_disabled_device_refused(void **state)
{
	(void)state;
	begin("serial");
	text("status", "disabled");
	end();
	refused(false, "/serial: status cannot be added");
}

static void test_dtb_merge_tree_phandle_of_ours_refused(void **state)
{
	(void)state;
	begin("mine");
	word("phandle", 0x44490001);
	end();
	refused(false, "two nodes have the phandle 0x44490001");
}

/* New nodes must be able to refer to the machine's. */
static void test_dtb_merge_tree_phandle_for_ours_is_added(void **state)
{
	(void)state;
	begin("serial");
	word("phandle", 7);
	end();
	begin("mine");
	word("console", 7);
	end();
	merges(false);
	assert_int_equal(
		fdt_get_phandle(merged, fdt_path_offset(merged, "/serial")), 7);
}

/* R: CARD-6 */
static void test_dtb_merge_overlay_adds_nodes(void **state)
{
	(void)state;
	dtb_user_fragment(&user, "/");
	begin("board");
	text("compatible", "x,board");
	end();
	dtb_user_fragment_end(&user);
	merges(true);
	check_text("/board", "compatible", "x,board");
	check_text("/cpus/cpu@0", "disvm,intent", "interactive");
}

static void test_dtb_merge_overlay_other_value_refused(void **state)
{
	(void)state;
	dtb_user_fragment(&user, "/cpus/cpu@1");
	text("disvm,intent", "system");
	dtb_user_fragment_end(&user);
	refused(true,
		"/cpus/cpu@1: disvm,intent is the machine's and cannot be "
		"changed");
}

static void test_dtb_merge_overlay_more_cpus_refused(void **state)
{
	(void)state;
	dtb_user_fragment(&user, "/cpus");
	begin("cpu@2");
	end();
	dtb_user_fragment_end(&user);
	refused(true, "/cpus: cpu@2 cannot be added");
}

static void test_dtb_merge_overlay_without_target_refused(void **state)
{
	(void)state;
	dtb_user_fragment(&user, "/nowhere");
	text("a", "b");
	dtb_user_fragment_end(&user);
	refused(true, "overlay does not apply: FDT_ERR_NOTFOUND");
}

static void test_dtb_merge_overlay_that_is_none_refused(void **state)
{
	(void)state;
	begin("board");
	end();
	refused(true, "not an overlay: no fragment with __overlay__");
}

static void test_dtb_merge_files_in_order(void **state)
{
	static struct dtb_user_tree overlay;
	struct dtb_file files[2];

	(void)state;
	begin("board");
	text("level", "tree");
	end();
	dtb_user_end(&user);
	dtb_user_begin(&overlay);
	dtb_user_fragment(&overlay, "/board");
	dtb_user_do(fdt_property_string(overlay.bytes, "level", "overlay"));
	dtb_user_fragment_end(&overlay);
	dtb_user_end(&overlay);
	files[0] = dtb_user_file(&user, false);
	files[1] = dtb_user_file(&overlay, true);
	assert_int_equal(dtb_merge(machine, files, 2, &merged, &merged_bytes,
				   err, sizeof(err)),
			 0);
	check_text("/board", "level", "overlay");
	free((void *)files[0].bytes);
	free((void *)files[1].bytes);
}

static void test_dtb_merge_too_many_files_refused(void **state)
{
	struct dtb_file files[DTB_MERGE_FILES_MAX + 1] = {0};

	(void)state;
	dtb_user_end(&user);
	assert_int_equal(dtb_merge(machine, files, DTB_MERGE_FILES_MAX + 1,
				   &merged, &merged_bytes, err, sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "17 files; at most 16"));
}

#define MERGE(test) \
	cmocka_unit_test_setup_teardown(test, make_machine, free_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MERGE(test_dtb_merge_tree_adds_nodes),
		MERGE(test_dtb_merge_tree_adds_to_chosen),
		MERGE(test_dtb_merge_tree_adds_reservations),
		MERGE(test_dtb_merge_own_tree_changes_nothing),
		MERGE(test_dtb_merge_tree_other_memory_refused),
		MERGE(test_dtb_merge_tree_more_memory_refused),
		MERGE(test_dtb_merge_tree_memory_by_type_refused),
		MERGE(test_dtb_merge_tree_more_cpus_refused),
		MERGE(test_dtb_merge_tree_other_intent_refused),
		MERGE(test_dtb_merge_tree_more_intent_refused),
		MERGE(test_dtb_merge_tree_other_command_line_refused),
		MERGE(test_dtb_merge_tree_other_cells_refused),
		MERGE(test_dtb_merge_tree_disabled_device_refused),
		MERGE(test_dtb_merge_tree_phandle_of_ours_refused),
		MERGE(test_dtb_merge_tree_phandle_for_ours_is_added),
		MERGE(test_dtb_merge_overlay_adds_nodes),
		MERGE(test_dtb_merge_overlay_other_value_refused),
		MERGE(test_dtb_merge_overlay_more_cpus_refused),
		MERGE(test_dtb_merge_overlay_without_target_refused),
		MERGE(test_dtb_merge_overlay_that_is_none_refused),
		MERGE(test_dtb_merge_files_in_order),
		MERGE(test_dtb_merge_too_many_files_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
