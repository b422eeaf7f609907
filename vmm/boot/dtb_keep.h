/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a user's device tree must not change: all that the monitor says of the
 * machine, because that is how the machine is.
 *
 * Place in the flow: dtb_merge.c asks after each file.
 *
 * The rule: every node and property of the monitor's tree is in the merged one,
 * unchanged. Nodes can be added to the root and to /chosen, and properties too;
 * all others of the monitor's nodes get nothing more (but a phandle, so that
 * new nodes can refer to them). There is no further memory node.
 * Locking: none.
 */
#ifndef DISVM_BOOT_DTB_KEEP_H
#define DISVM_BOOT_DTB_KEEP_H

#include <stddef.h>

/**
 * dtb_keep_check - does @merged say of the machine what @ours says?
 * @path: the file that was merged last.
 *
 * Return: 0, or -EINVAL with a line that names file, node and property.
 */
int dtb_keep_check(const void *ours, const void *merged, const char *path,
		   char *err, size_t err_size);

#endif
