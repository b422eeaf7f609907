/* SPDX-License-Identifier: Apache-2.0 */
/* Merging of device trees with libfdt; see dtb_merge.h. */
#include "boot/dtb_merge.h"

#include "boot/boot_error.h"
#include "boot/boot_file.h"
#include "boot/dtb_keep.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#define NODE_PATH_BYTES 256

/*
 * Room beside our own tree and the files': the paths of an overlay's symbols
 * become longer when they are merged.
 */
#define MERGE_SPARE_BYTES (UINT64_C(1) << 20)

struct merge {
	void *tree;
	const void *ours;
	const struct dtb_file *file;
	char *err;
	size_t err_size;
};

static int fail(const struct merge *m, const char *what, int error)
{
	return boot_error(-EINVAL, m->err, m->err_size,
			  "%s: device tree: %s: %s", m->file->path, what,
			  fdt_strerror(error));
}

static int refuse_property(const struct merge *m, int node, const char *name)
{
	char path[NODE_PATH_BYTES];

	if (fdt_get_path(m->tree, node, path, sizeof(path)))
		path[0] = '\0';
	return boot_error(-EINVAL, m->err, m->err_size,
			  "%s: device tree: %s: %s is there already, with "
			  "another value, and cannot be changed",
			  m->file->path, path, name);
}

static int merge_properties(const struct merge *m, int node, int from)
{
	const void *source = m->file->bytes;
	int at, bytes, old_bytes, error;

	fdt_for_each_property_offset(at, source, from)
	{
		const char *name;
		const void *value =
			fdt_getprop_by_offset(source, at, &name, &bytes);
		const void *old = fdt_getprop(m->tree, node, name, &old_bytes);

		if (old && (old_bytes != bytes ||
			    memcmp(old, value, (size_t)bytes) != 0))
			return refuse_property(m, node, name);
		if (old)
			continue;
		error = fdt_setprop(m->tree, node, name, value, bytes);
		if (error)
			return fail(m, name, error);
	}
	return 0;
}

/* What is added lies behind @node: its place stays. Depth was checked. */
static int merge_node(const struct merge *m, int node, int from)
{
	const void *source = m->file->bytes;
	int child, ret = merge_properties(m, node, from);

	if (ret)
		return ret;
	fdt_for_each_subnode(child, source, from) {
		const char *name = fdt_get_name(source, child, NULL);
		int to = fdt_subnode_offset(m->tree, node, name);

		if (to == -FDT_ERR_NOTFOUND)
			to = fdt_add_subnode(m->tree, node, name);
		if (to < 0)
			return fail(m, name, to);
		ret = merge_node(m, to, child);
		if (ret)
			return ret;
	}
	return 0;
}

static bool has_reservation(const void *tree, uint64_t gpa, uint64_t bytes)
{
	uint64_t other_gpa, other_bytes;

	for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
		fdt_get_mem_rsv(tree, i, &other_gpa, &other_bytes);
		if (gpa == other_gpa && bytes == other_bytes)
			return true;
	}
	return false;
}

static int merge_tree(const struct merge *m)
{
	const void *source = m->file->bytes;
	uint64_t gpa, bytes;
	int error;

	for (int i = 0; i < fdt_num_mem_rsv(source); i++) {
		fdt_get_mem_rsv(source, i, &gpa, &bytes);
		if (has_reservation(m->tree, gpa, bytes))
			continue;
		error = fdt_add_mem_rsv(m->tree, gpa, bytes);
		if (error)
			return fail(m, "memory reservation", error);
	}
	return merge_node(m, 0, 0);
}

/* libfdt changes the overlay too, and spoils both on an error. */
static int apply_overlay(const struct merge *m)
{
	size_t bytes = fdt_totalsize(m->file->bytes);
	void *copy = malloc(bytes);
	int error;

	if (!copy)
		return boot_error(-ENOMEM, m->err, m->err_size,
				  "%s: device tree: out of memory",
				  m->file->path);
	memcpy(copy, m->file->bytes, bytes);
	error = fdt_overlay_apply(m->tree, copy);
	free(copy);
	return error ? fail(m, "overlay does not apply", error) : 0;
}

static int merge_file(const struct merge *m)
{
	int ret = dtb_file_check(m->file, m->err, m->err_size);

	if (!ret)
		ret = m->file->overlay ? apply_overlay(m) : merge_tree(m);
	if (!ret)
		ret = dtb_keep_check(m->ours, m->tree, m->file->path, m->err,
				     m->err_size);
	return ret;
}

static int merge_all(struct merge *m, const struct dtb_file *files, unsigned nr,
		     uint64_t room)
{
	int error = fdt_open_into(m->ours, m->tree, (int)room);
	int ret = 0;

	for (unsigned i = 0; i < nr && !error && !ret; i++) {
		m->file = &files[i];
		ret = merge_file(m);
	}
	if (ret)
		return ret;
	if (!error)
		error = fdt_pack(m->tree);
	if (!error)
		error = fdt_check_full(m->tree, room);
	if (!error)
		return 0;
	return boot_error(-EINVAL, m->err, m->err_size,
			  "device tree: merged: %s", fdt_strerror(error));
}

int dtb_merge(const void *ours, const struct dtb_file *files, unsigned nr,
	      void **out, uint64_t *out_bytes, char *err, size_t err_size)
{
	uint64_t room = fdt_totalsize(ours) + MERGE_SPARE_BYTES +
			nr * DTB_FILE_MAX_BYTES;
	struct merge m = {.ours = ours, .err = err, .err_size = err_size};
	int ret;

	if (nr > DTB_MERGE_FILES_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %u files; at most %u", nr,
				  DTB_MERGE_FILES_MAX);
	/* Zeroed, so that padding carries nothing of ours into a guest. */
	m.tree = calloc(1, room);
	if (!m.tree)
		return boot_error(-ENOMEM, err, err_size,
				  "device tree: out of memory");
	ret = merge_all(&m, files, nr, room);
	if (ret) {
		free(m.tree);
		return ret;
	}
	*out_bytes = fdt_totalsize(m.tree);
	*out = m.tree;
	return 0;
}

int dtb_merge_user(const struct dtb_user *user, void **dtb, uint64_t *dtb_bytes,
		   char *err, size_t err_size)
{
	struct boot_file bytes[DTB_MERGE_FILES_MAX] = {0};
	struct dtb_file files[DTB_MERGE_FILES_MAX];
	unsigned nr = 0, wanted = user->noverlays + (user->tree ? 1u : 0u);
	void *merged = NULL;
	int ret = 0;

	if (wanted == 0)
		return 0;
	if (wanted > DTB_MERGE_FILES_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %u files; at most %u", wanted,
				  DTB_MERGE_FILES_MAX);
	for (; nr < wanted && !ret; nr++) {
		bool overlay = nr >= wanted - user->noverlays;
		const char *path =
			overlay ? user->overlays[nr - (wanted - user->noverlays)]
				: user->tree;

		ret = boot_file_read(path, DTB_FILE_MAX_BYTES, &bytes[nr], err,
				     err_size);
		files[nr] = (struct dtb_file){path, bytes[nr].bytes,
					      bytes[nr].size_bytes, overlay};
	}
	if (!ret)
		ret = dtb_merge(*dtb, files, nr, &merged, dtb_bytes, err,
				err_size);
	if (!ret) {
		free(*dtb);
		*dtb = merged;
	}
	for (unsigned i = 0; i < nr; i++)
		boot_file_free(&bytes[i]);
	return ret;
}
