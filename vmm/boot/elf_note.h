/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The PVH entry point among the notes of an ELF file.
 *
 * Place in the flow: called by elf_parse() for each PT_NOTE.
 *
 * Invariant: name and descriptor of a note are looked at only after both are
 * known to lie inside the segment.
 * Locking: none.
 *
 * Source: System V ABI, chapter 5, "Note Section"; Xen public headers,
 * elfnote.h.
 */
#ifndef DISVM_BOOT_ELF_NOTE_H
#define DISVM_BOOT_ELF_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @path, @number: file and index of the program header, for error lines.
 * @bytes: @size_bytes of the segment, inside the file.
 * @align: p_align; 8 pads to 8 bytes, anything else to 4 as all tools do.
 */
struct elf_notes {
	const char *path;
	unsigned number;
	const uint8_t *bytes;
	uint64_t size_bytes;
	uint64_t align;
};

/**
 * elf_note_find_pvh - look for name "Xen", type 18.
 * @found: set to true, with *@gpa, when there is one; the first counts.
 *
 * A rest too short for another note is padding.
 *
 * Return: 0, found or not; -EINVAL for a note that runs past the segment, a
 * descriptor that has neither 4 nor 8 bytes or an entry not below 4 GiB.
 */
int elf_note_find_pvh(const struct elf_notes *notes, bool *found, uint32_t *gpa,
		      char *err, size_t err_size);

#endif
