/* SPDX-License-Identifier: Apache-2.0 */
/* Walk of ELF notes; see elf_note.h. */
#include "boot/elf_note.h"

#include "boot/boot_error.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define XEN_NOTE_NAME "Xen"
#define XEN_NOTE_PHYS32_ENTRY 18u

/* @value < 2^33: sizes of notes are 32-bit fields. */
static uint64_t pad(uint64_t value, uint64_t align)
{
	return (value + align - 1u) & ~(align - 1u);
}

static int read_entry(const struct elf_notes *notes, uint64_t at,
		      uint32_t desc_bytes, uint32_t *gpa, char *err,
		      size_t err_size)
{
	uint64_t entry = 0;

	if (desc_bytes != 4u && desc_bytes != 8u)
		return boot_error(-EINVAL, err, err_size,
				  "%s: program header %u: PVH note of %" PRIu32
				  " bytes; 4 or 8 are needed",
				  notes->path, notes->number, desc_bytes);
	memcpy(&entry, notes->bytes + at, desc_bytes);
	if (entry > UINT32_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "%s: program header %u: PVH entry %#" PRIx64
				  " is not below 4 GiB",
				  notes->path, notes->number, entry);
	*gpa = (uint32_t)entry;
	return 0;
}

int elf_note_find_pvh(const struct elf_notes *notes, bool *found, uint32_t *gpa,
		      char *err, size_t err_size)
{
	uint64_t align = notes->align == 8u ? 8u : 4u;
	uint64_t at = 0;

	*found = false;
	while (at < notes->size_bytes &&
	       notes->size_bytes - at >= sizeof(Elf64_Nhdr)) {
		uint64_t left = notes->size_bytes - at;
		uint64_t desc, end;
		Elf64_Nhdr note;

		memcpy(&note, notes->bytes + at, sizeof(note));
		desc = pad(sizeof(note) + (uint64_t)note.n_namesz, align);
		end = desc + note.n_descsz;
		/* The padding behind the last note may be missing. */
		if (sizeof(note) + (uint64_t)note.n_namesz > left ||
		    (note.n_descsz && end > left))
			return boot_error(-EINVAL, err, err_size,
					  "%s: program header %u: note at "
					  "%#" PRIx64 " runs past the segment",
					  notes->path, notes->number, at);
		if (note.n_type == XEN_NOTE_PHYS32_ENTRY &&
		    note.n_namesz == sizeof(XEN_NOTE_NAME) &&
		    memcmp(notes->bytes + at + sizeof(note), XEN_NOTE_NAME,
			   sizeof(XEN_NOTE_NAME)) == 0) {
			*found = true;
			return read_entry(notes, at + desc, note.n_descsz, gpa,
					  err, err_size);
		}
		at += pad(end, align);
	}
	return 0;
}
