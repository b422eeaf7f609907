/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees and overlays of a user: the input spoils good ones (pairs of
 * offset and value), or is the file itself. Whatever is merged must be a tree
 * that says of the machine what it said before.
 */
#include "boot/dtb_keep.h"
#include "unit/dtb_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void add_overlay(struct dtb_user_tree *tree)
{
	dtb_user_begin(tree);
	dtb_user_fragment(tree, "/");
	dtb_user_do(fdt_begin_node(tree->bytes, "mine"));
	dtb_user_do(fdt_property_u32(tree->bytes, "phandle", 1));
	dtb_user_do(fdt_property_u32(tree->bytes, "other", 1));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_fragment_end(tree);
	dtb_user_do(fdt_begin_node(tree->bytes, "__symbols__"));
	dtb_user_do(fdt_property_string(tree->bytes, "mine",
					"/fragment@0/__overlay__/mine"));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_begin_node(tree->bytes, "__fixups__"));
	dtb_user_do(fdt_property_string(
		tree->bytes, "mine", "/fragment@0/__overlay__/mine:other:0"));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_begin_node(tree->bytes, "__local_fixups__"));
	dtb_user_do(fdt_begin_node(tree->bytes, "fragment@0"));
	dtb_user_do(fdt_begin_node(tree->bytes, "__overlay__"));
	dtb_user_do(fdt_begin_node(tree->bytes, "mine"));
	dtb_user_do(fdt_property_u32(tree->bytes, "other", 0));
	for (unsigned i = 0; i < 4; i++)
		dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_end(tree);
}

static void add_tree(struct dtb_user_tree *tree)
{
	dtb_user_begin(tree);
	dtb_user_do(fdt_property_string(tree->bytes, "model", "x"));
	dtb_user_do(fdt_begin_node(tree->bytes, "cpus"));
	dtb_user_do(fdt_begin_node(tree->bytes, "cpu@1"));
	dtb_user_do(fdt_property_u32(tree->bytes, "reg", 1));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_do(fdt_begin_node(tree->bytes, "__symbols__"));
	dtb_user_do(fdt_property_string(tree->bytes, "one", "/cpus/cpu@1"));
	dtb_user_do(fdt_end_node(tree->bytes));
	dtb_user_end(tree);
}

static struct dtb_file spoil(struct dtb_user_tree *tree, bool overlay,
			     const uint8_t *data, size_t size)
{
	uint32_t total = fdt_totalsize(tree->bytes);

	for (; size >= 3; data += 3, size -= 3)
		tree->bytes[(data[0] | (size_t)data[1] << 8) % total] = data[2];
	/* The header may have another size now; the file has not. */
	fdt_set_totalsize(tree->bytes,
			  fdt_totalsize(tree->bytes) < DTB_USER_BYTES
				  ? fdt_totalsize(tree->bytes)
				  : total);
	return dtb_user_file(tree, overlay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dtb_user_tree tree, overlay;
	struct dtb_file files[2];
	void *machine, *merged = NULL;
	uint64_t bytes = 0;
	char err[160] = "";
	unsigned nr = 2;

	if (size < 2 || size > DTB_USER_BYTES)
		return 0;
	machine = dtb_user_machine();
	add_tree(&tree);
	add_overlay(&overlay);
	if (data[0] & 1) {
		/* The file as it is. */
		files[0] = (struct dtb_file){"user.dtb", malloc(size - 1),
					     size - 1, data[0] & 2};
		check(files[0].bytes);
		memcpy((void *)files[0].bytes, data + 1, size - 1);
		nr = 1;
	} else if (data[0] & 2) {
		files[0] = spoil(&tree, false, data + 1, size - 1);
		files[1] = dtb_user_file(&overlay, true);
	} else {
		files[0] = dtb_user_file(&tree, false);
		files[1] = spoil(&overlay, true, data + 1, size - 1);
	}
	if (dtb_merge(machine, files, nr, &merged, &bytes, err, sizeof(err))) {
		check(err[0] && !strchr(err, '\n'));
	} else {
		check(fdt_check_full(merged, bytes) == 0);
		check(dtb_keep_check(machine, merged, "x", err, sizeof(err)) ==
		      0);
		free(merged);
	}
	for (unsigned i = 0; i < nr; i++)
		free((void *)files[i].bytes);
	free(machine);
	return 0;
}
