/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ELF executables of 64 and of 32 bits: header, loadable segments, PVH entry note.
 *
 * Place in the flow: called by kernel_image_parse(); produces segments and
 * entry points, never touches guest memory. Sections are not looked at.
 *
 * Invariant: every field is read from a copy after its range was checked
 * against the size of the file; arithmetic on fields is checked for overflow.
 * Locking: none; works on its arguments.
 *
 * Source: System V ABI, chapters 4 and 5, AMD64 supplement; Xen public headers,
 * elfnote.h (XEN_ELFNOTE_PHYS32_ENTRY).
 */
#ifndef DISVM_BOOT_ELF_H
#define DISVM_BOOT_ELF_H

#include "boot/kernel_image.h"

/**
 * @elf_gpa: e_entry, unchecked: only multiboot uses it, and checks it then.
 * @pvh_gpa: valid if @has_pvh; lies in the file-backed part of a segment.
 */
struct elf_entries {
	uint64_t elf_gpa;
	bool has_pvh;
	uint32_t pvh_gpa;
};

/** Do the bytes start as an ELF file does? */
bool elf_detect(const uint8_t *bytes, uint64_t size_bytes);

/**
 * elf_parse - check all headers and collect the segments.
 * @image: path and file are read, segments are appended.
 * @out: written on success only.
 *
 * Return: 0 or -EINVAL with a line that names file and field.
 */
int elf_parse(struct kernel_image *image, struct elf_entries *out, char *err,
	      size_t err_size);

#endif
