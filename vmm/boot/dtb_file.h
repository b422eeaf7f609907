/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Device trees that a user supplies: whether a file can be worked with.
 *
 * Place in the flow: before dtb_merge.c touches it. libfdt's functions recurse
 * and search linearly; the limits keep both within bounds for any file.
 *
 * Invariant: a tree that passed has a header of version 17, passes
 * fdt_check_full(), and is within the limits below.
 * Locking: none.
 *
 * Source: Devicetree Specification 0.4, chapters 2.2 and 5.
 */
#ifndef DISVM_BOOT_DTB_FILE_H
#define DISVM_BOOT_DTB_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTB_FILE_MAX_BYTES (UINT64_C(256) << 10)
#define DTB_FILE_NODES_MAX 4096u
#define DTB_FILE_PROPERTIES_MAX 16384u
#define DTB_FILE_DEPTH_MAX 32

/**
 * @path: for error lines.
 * @bytes: @size_bytes of them, 8-byte aligned.
 * @overlay: fragments to be applied, rather than a tree.
 */
struct dtb_file {
	const char *path;
	const void *bytes;
	uint64_t size_bytes;
	bool overlay;
};

/**
 * dtb_file_check - is it a device tree, or an overlay, that can be merged?
 *
 * Return: 0, or -EINVAL with a line that names the file.
 */
int dtb_file_check(const struct dtb_file *file, char *err, size_t err_size);

#endif
