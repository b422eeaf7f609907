/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Merging of a user's device tree and overlays into the monitor's (R: CARD-6).
 *
 * Place in the flow: machine_kind_open() builds the monitor's tree (dtb.h), then
 * has the user's files merged, in the order given; the result is what guests get.
 * A tree adds its nodes, properties and reservations; an overlay is applied by
 * libfdt. What the monitor says stays (dtb_keep.h), or the file is refused.
 *
 * Invariant: a blob that was handed out passed fdt_check_full().
 * Locking: none.
 */
#ifndef DISVM_BOOT_DTB_MERGE_H
#define DISVM_BOOT_DTB_MERGE_H

#include "boot/dtb_file.h"

/** Most files in one merge. */
#define DTB_MERGE_FILES_MAX 16u

/**
 * dtb_merge - merge files into a tree.
 * @ours: a blob of dtb_build().
 * @files: @nr of them, at most DTB_MERGE_FILES_MAX.
 * @out: malloced blob of *@out_bytes, the caller frees it; on success only.
 *
 * Return: 0; -EINVAL with a line that names the file and what is wrong with it;
 * -ENOMEM.
 */
int dtb_merge(const void *ours, const struct dtb_file *files, unsigned nr,
	      void **out, uint64_t *out_bytes, char *err, size_t err_size);

/** @tree: NULL for none; @overlays: paths of @noverlays. */
struct dtb_user {
	const char *tree;
	unsigned noverlays;
	const char *const *overlays;
};

/**
 * dtb_merge_user - read the user's files and merge them.
 * @dtb: a malloced blob of *@dtb_bytes; freed and replaced on success, if there
 *       is a file.
 *
 * Context: may block on the file system.
 * Return: 0, or the errors of boot_file_read() and dtb_merge().
 */
int dtb_merge_user(const struct dtb_user *user, void **dtb, uint64_t *dtb_bytes,
		   char *err, size_t err_size);

#endif
