/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Multiboot 1: the header in the kernel file.
 *
 * Place in the flow: called by kernel_image_parse(); what the kernel is told at
 * its entry is multiboot_info.h.
 *
 * Invariant: a header counts only with magic and checksum; every address in it
 * is checked against the others and against the file.
 * Locking: none; works on its arguments.
 *
 * Source: Multiboot Specification 0.6.96, section 3.1.
 */
#ifndef DISVM_BOOT_MULTIBOOT_H
#define DISVM_BOOT_MULTIBOOT_H

#include "boot/kernel_image.h"

/**
 * multiboot_parse_elf - a header inside an ELF file.
 * @image: with the segments of elf_parse(); with address fields in the header
 *         (flag 16) these replace them, as the specification demands.
 * @elf_gpa: e_entry, taken as physical address when there are none.
 *
 * Return: 0; -ENOENT without a line when there is no header; -EINVAL.
 */
int multiboot_parse_elf(struct kernel_image *image, uint64_t elf_gpa, char *err,
			size_t err_size);

/**
 * multiboot_parse_flat - a header in any other file; it needs address fields.
 *
 * Return: 0; -ENOENT without a line when there is no header; -EINVAL.
 */
int multiboot_parse_flat(struct kernel_image *image, char *err, size_t err_size);

#endif
