/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of the monitor's device tree with a merged one; see dtb_keep.h. */
#include "boot/dtb_keep.h"

#include "boot/boot_error.h"

#include <errno.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NODE_PATH_BYTES 256

struct keep {
	const void *ours;
	const void *merged;
	const char *path;
	char *err;
	size_t err_size;
};

static int refuse(const struct keep *k, int node, const char *what,
		  const char *why)
{
	char name[NODE_PATH_BYTES];

	if (fdt_get_path(k->merged, node, name, sizeof(name)))
		name[0] = '\0';
	return boot_error(-EINVAL, k->err, k->err_size,
			  "%s: device tree: %s: %s %s", k->path, name, what,
			  why);
}

static bool is_phandle(const char *name)
{
	return !strcmp(name, "phandle") || !strcmp(name, "linux,phandle");
}

/* Root and /chosen: what a user adds there says nothing of our devices. */
static bool is_open(const void *fdt, int node)
{
	return node == 0 || node == fdt_path_offset(fdt, "/chosen");
}

/* Each of ours is there with its value. */
static int check_own_properties(const struct keep *k, int own, int node)
{
	int at, bytes, merged_bytes;

	fdt_for_each_property_offset(at, k->ours, own)
	{
		const char *name;
		const void *value =
			fdt_getprop_by_offset(k->ours, at, &name, &bytes);
		const void *merged =
			fdt_getprop(k->merged, node, name, &merged_bytes);

		if (!merged || merged_bytes != bytes ||
		    memcmp(merged, value, (size_t)bytes) != 0)
			return refuse(k, node, name,
				      "is the machine's and cannot be changed");
	}
	return 0;
}

/* Closed nodes have no property of another. */
static int check_added_properties(const struct keep *k, int own, int node)
{
	int at;

	fdt_for_each_property_offset(at, k->merged, node)
	{
		const char *name;

		fdt_getprop_by_offset(k->merged, at, &name, NULL);
		if (!is_phandle(name) && !fdt_getprop(k->ours, own, name, NULL))
			return refuse(k, node, name,
				      "cannot be added: the node is the "
				      "machine's");
	}
	return 0;
}

static int check_added_nodes(const struct keep *k, int own, int node)
{
	int child;

	fdt_for_each_subnode(child, k->merged, node) {
		const char *name = fdt_get_name(k->merged, child, NULL);

		if (fdt_subnode_offset(k->ours, own, name) < 0)
			return refuse(k, node, name,
				      "cannot be added: the node is the "
				      "machine's");
	}
	return 0;
}

/* Depth is that of our own tree. */
static int check_node(const struct keep *k, int own, int node)
{
	bool open = is_open(k->ours, own);
	int child, ret;

	ret = check_own_properties(k, own, node);
	if (!ret && !open)
		ret = check_added_properties(k, own, node);
	if (!ret && !open)
		ret = check_added_nodes(k, own, node);
	if (ret)
		return ret;
	fdt_for_each_subnode(child, k->ours, own) {
		const char *name = fdt_get_name(k->ours, child, NULL);
		int found = fdt_subnode_offset(k->merged, node, name);

		if (found < 0)
			return refuse(k, node, name,
				      "is the machine's and cannot be removed");
		ret = check_node(k, child, found);
		if (ret)
			return ret;
	}
	return 0;
}

static bool is_memory(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int bytes;
	const char *type = fdt_getprop(fdt, node, "device_type", &bytes);

	return !strcmp(name, "memory") || !strncmp(name, "memory@", 7) ||
	       (type && bytes == 7 && !memcmp(type, "memory", 7));
}

/* Operating systems look for memory among the children of the root. */
static int check_memory(const struct keep *k)
{
	int node;

	fdt_for_each_subnode(node, k->merged, 0) {
		const char *name = fdt_get_name(k->merged, node, NULL);

		if (is_memory(k->merged, node) &&
		    fdt_subnode_offset(k->ours, 0, name) < 0)
			return refuse(k, node, "memory",
				      "cannot be added: the guest has what "
				      "--mem says");
	}
	return 0;
}

static int compare_phandles(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Two nodes with one handle: a reference would mean either. */
static int check_phandles(const struct keep *k)
{
	size_t nr = 0, room = 0;
	uint32_t *handles = NULL;
	int ret = 0;

	for (int node = 0; node >= 0;
	     node = fdt_next_node(k->merged, node, NULL)) {
		uint32_t handle = fdt_get_phandle(k->merged, node);
		uint32_t *more = handles;

		if (!handle)
			continue;
		if (nr == room) {
			room = room ? room * 2 : 64;
			more = reallocarray(handles, room, sizeof(*more));
		}
		if (!more) {
			free(handles);
			return boot_error(-ENOMEM, k->err, k->err_size,
					  "%s: device tree: out of memory",
					  k->path);
		}
		handles = more;
		handles[nr++] = handle;
	}
	if (nr)
		qsort(handles, nr, sizeof(*handles), compare_phandles);
	for (size_t i = 1; i < nr && !ret; i++)
		if (handles[i] == handles[i - 1])
			ret = boot_error(-EINVAL, k->err, k->err_size,
					 "%s: device tree: two nodes have the "
					 "phandle %#x",
					 k->path, handles[i]);
	free(handles);
	return ret;
}

/* What our own reservations say stays; the order does not count. */
static int check_reservations(const struct keep *k)
{
	uint64_t gpa, bytes, merged_gpa, merged_bytes;
	int nr = fdt_num_mem_rsv(k->merged);

	for (int i = 0; i < fdt_num_mem_rsv(k->ours); i++) {
		bool found = false;

		fdt_get_mem_rsv(k->ours, i, &gpa, &bytes);
		for (int j = 0; j < nr && !found; j++) {
			fdt_get_mem_rsv(k->merged, j, &merged_gpa,
					&merged_bytes);
			found = gpa == merged_gpa && bytes == merged_bytes;
		}
		if (!found)
			return refuse(k, 0, "a memory reservation",
				      "is the machine's and cannot be removed");
	}
	return 0;
}

int dtb_keep_check(const void *ours, const void *merged, const char *path,
		   char *err, size_t err_size)
{
	const struct keep k = {ours, merged, path, err, err_size};
	int ret = check_node(&k, 0, 0);

	if (!ret)
		ret = check_memory(&k);
	if (!ret)
		ret = check_phandles(&k);
	return ret ? ret : check_reservations(&k);
}
