/* SPDX-License-Identifier: Apache-2.0 */
/* Check of an overlay's tables; see dtb_overlay.h. */
#include "boot/dtb_overlay.h"

#include <libfdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PHANDLE_BYTES 4

static const char bad_local[] =
	"__local_fixups__ patches what is not in the overlay";
static const char bad_fixup[] = "__fixups__ patches what is not in the overlay";

/* __symbols__, __fixups__ and their like are not for patching. */
static bool is_table(const char *name, size_t length)
{
	return length >= 2 && !memcmp(name, "__", 2);
}

static bool is_phandle(const char *name)
{
	return !strcmp(name, "phandle") || !strcmp(name, "linux,phandle");
}

/* Do four bytes from @at on lie in the property? */
static bool inside(uint32_t at, int property_bytes)
{
	return property_bytes >= PHANDLE_BYTES &&
	       at <= (uint32_t)property_bytes - PHANDLE_BYTES;
}

/* The offsets of one property; those of its namesake in @node are meant. */
static bool check_offsets(const void *fdt, int node, int at)
{
	const char *name;
	int bytes, target_bytes;
	const uint8_t *list = fdt_getprop_by_offset(fdt, at, &name, &bytes);
	const void *target = fdt_getprop(fdt, node, name, &target_bytes);

	if (!target || is_phandle(name) || bytes % 4)
		return false;
	for (int i = 0; i < bytes; i += 4) {
		fdt32_t offset;

		memcpy(&offset, list + i, sizeof(offset));
		if (!inside(fdt32_to_cpu(offset), target_bytes))
			return false;
	}
	return true;
}

/* @fixups mirrors @node. Depth was checked. */
static bool check_local(const void *fdt, int node, int fixups)
{
	int at, child;

	fdt_for_each_property_offset(at, fdt, fixups)
	{
		if (!check_offsets(fdt, node, at))
			return false;
	}
	fdt_for_each_subnode(child, fdt, fixups) {
		const char *name = fdt_get_name(fdt, child, NULL);
		int mirrored = fdt_subnode_offset(fdt, node, name);

		if (mirrored < 0 ||
		    (node == 0 && is_table(name, strlen(name))) ||
		    !check_local(fdt, mirrored, child))
			return false;
	}
	return true;
}

/* Decimal, as dtc writes it; false for anything else. */
static bool parse_offset(const char *text, const char *end, uint32_t *out)
{
	uint32_t value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9' || value > INT32_MAX / 10 - 1)
			return false;
		value = value * 10 + (uint32_t)(*text - '0');
	}
	*out = value;
	return true;
}

/* "/path:property:offset", up to @end, where its NUL is. */
static bool check_fixup(const void *fdt, const char *text, const char *end)
{
	const char *name = memchr(text, ':', (size_t)(end - text));
	const char *offset;
	uint32_t at;
	int node, bytes;

	if (!name || *text != '/' ||
	    is_table(text + 1, (size_t)(name - text) - 1))
		return false;
	offset = memchr(name + 1, ':', (size_t)(end - name) - 1);
	if (!offset || !parse_offset(offset + 1, end, &at))
		return false;
	node = fdt_path_offset_namelen(fdt, text, (int)(name - text));
	if (node < 0 || !fdt_getprop_namelen(fdt, node, name + 1,
					     (int)(offset - name) - 1, &bytes))
		return false;
	return inside(at, bytes);
}

static bool check_fixups(const void *fdt, int fixups)
{
	int at, bytes;

	fdt_for_each_property_offset(at, fdt, fixups)
	{
		const char *text = fdt_getprop_by_offset(fdt, at, NULL, &bytes);
		const char *all_end = text + bytes, *end;

		for (; text < all_end; text = end + 1) {
			end = memchr(text, '\0', (size_t)(all_end - text));
			if (!end || !check_fixup(fdt, text, end))
				return false;
		}
	}
	return true;
}

/* An overlay that changes nothing is a mistake. */
static bool has_fragment(const void *fdt)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0) {
		if (fdt_subnode_offset(fdt, node, "__overlay__") >= 0)
			return true;
	}
	return false;
}

const char *dtb_overlay_check(const void *fdt)
{
	int local = fdt_path_offset(fdt, "/__local_fixups__");
	int fixups = fdt_path_offset(fdt, "/__fixups__");

	if (!has_fragment(fdt))
		return "not an overlay: no fragment with __overlay__";
	if (local >= 0 && !check_local(fdt, 0, local))
		return bad_local;
	if (fixups >= 0 && !check_fixups(fdt, fixups))
		return bad_fixup;
	return NULL;
}
