/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bzImage: the packed Linux kernel, entered by the 64-bit boot protocol.
 *
 * Place in the flow: called by kernel_image_parse(); produces one segment, the
 * part of the file that runs in protected mode, at the address that the kernel
 * prefers; linux_params.c hands over what it starts with.
 *
 * Invariant: every field is read from a copy of the setup header after that was
 * checked to lie inside the file.
 * Locking: none; works on its arguments.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst.
 */
#ifndef DISVM_BOOT_BZIMAGE_H
#define DISVM_BOOT_BZIMAGE_H

#include "boot/kernel_image.h"

/** Has the file the marks of a Linux kernel, "HdrS" and 0xaa55? */
bool bzimage_detect(const uint8_t *bytes, uint64_t size_bytes);

/**
 * bzimage_parse - check the setup header and make the segment.
 * @image: path and file are read; protocol, entry, segment and @linux_setup are
 *         set.
 *
 * Return: 0 or -EINVAL with a line that names file and field.
 */
int bzimage_parse(struct kernel_image *image, char *err, size_t err_size);

#endif
