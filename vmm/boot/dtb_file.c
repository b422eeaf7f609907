/* SPDX-License-Identifier: Apache-2.0 */
/* Check of a user's device tree; see dtb_file.h. */
#include "boot/dtb_file.h"

#include "boot/boot_error.h"
#include "boot/dtb_overlay.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#define DTB_VERSION 17u

static int refuse(const struct dtb_file *file, char *err, size_t err_size,
		  const char *why)
{
	return boot_error(-EINVAL, err, err_size, "%s: device tree: %s",
			  file->path, why);
}

static int check_header(const struct dtb_file *file, char *err, size_t err_size)
{
	int error;

	if (file->size_bytes < FDT_V17_SIZE ||
	    fdt_magic(file->bytes) != FDT_MAGIC)
		return boot_error(-EINVAL, err, err_size,
				  "%s: not a flattened device tree (no magic "
				  "number)",
				  file->path);
	if (file->size_bytes > DTB_FILE_MAX_BYTES)
		return refuse(file, err, err_size,
			      "larger than 256 KiB, the most that is taken");
	if (fdt_totalsize(file->bytes) > file->size_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: device tree: truncated: %u bytes by its "
				  "header, the file has %u",
				  file->path, fdt_totalsize(file->bytes),
				  (unsigned)file->size_bytes);
	if (fdt_version(file->bytes) < DTB_VERSION)
		return boot_error(-EINVAL, err, err_size,
				  "%s: device tree: version %u; 17 is needed",
				  file->path, fdt_version(file->bytes));
	error = fdt_check_full(file->bytes, file->size_bytes);
	return error ? refuse(file, err, err_size, fdt_strerror(error)) : 0;
}

/* Printable and without '/', which would make two names of one. */
static bool is_name(const char *name)
{
	if (!name || !*name)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == '/')
			return false;
	return true;
}

static int check_properties(const struct dtb_file *file, int node,
			    unsigned *count, char *err, size_t err_size)
{
	const char *name;
	int at;

	fdt_for_each_property_offset(at, file->bytes, node)
	{
		if (!fdt_getprop_by_offset(file->bytes, at, &name, NULL) ||
		    !is_name(name))
			return refuse(file, err, err_size,
				      "a property without a valid name");
		if (++*count > DTB_FILE_PROPERTIES_MAX)
			return refuse(file, err, err_size,
				      "more than 16384 properties");
	}
	return 0;
}

static int check_nodes(const struct dtb_file *file, char *err, size_t err_size)
{
	unsigned nodes = 0, properties = 0;
	int depth = -1, node, ret;

	for (node = fdt_next_node(file->bytes, -1, &depth);
	     node >= 0 && depth >= 0;
	     node = fdt_next_node(file->bytes, node, &depth)) {
		if (depth > DTB_FILE_DEPTH_MAX)
			return refuse(file, err, err_size,
				      "nodes more than 32 deep");
		if (++nodes > DTB_FILE_NODES_MAX)
			return refuse(file, err, err_size,
				      "more than 4096 nodes");
		if (depth > 0 && !is_name(fdt_get_name(file->bytes, node, NULL)))
			return refuse(file, err, err_size,
				      "a node without a valid name");
		ret = check_properties(file, node, &properties, err, err_size);
		if (ret)
			return ret;
	}
	return 0;
}

int dtb_file_check(const struct dtb_file *file, char *err, size_t err_size)
{
	int ret = check_header(file, err, err_size);
	const char *why;

	if (!ret)
		ret = check_nodes(file, err, err_size);
	if (ret || !file->overlay)
		return ret;
	why = dtb_overlay_check(file->bytes);
	return why ? refuse(file, err, err_size, why) : 0;
}
