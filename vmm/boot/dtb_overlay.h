/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What fdt_overlay_apply() takes on trust in an overlay: that the places it is
 * told to patch lie inside their properties. A file could have it write anywhere.
 *
 * Place in the flow: dtb_file_check() calls it for overlays.
 *
 * The rule: each entry of __local_fixups__ and __fixups__ names four bytes inside
 * an existing property, outside the overlay's own tables; phandles, which libfdt
 * renumbers first, are no such entries.
 * Locking: none.
 *
 * Source: dtc, Documentation/dt-object-internal.txt.
 */
#ifndef DISVM_BOOT_DTB_OVERLAY_H
#define DISVM_BOOT_DTB_OVERLAY_H

#include <stddef.h>

/**
 * dtb_overlay_check - has @fdt fragments, and are its fixups sound?
 * @fdt: passed fdt_check_full() and the limits of dtb_file.h.
 *
 * Return: NULL, or what is wrong, in words.
 */
const char *dtb_overlay_check(const void *fdt);

#endif
