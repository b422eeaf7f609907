/* SPDX-License-Identifier: Apache-2.0 */
/* ELF header and program headers; see elf.h. */
#include "boot/elf.h"

#include "boot/boot_error.h"
#include "boot/elf_note.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What differs between the classes; fields are widened to those of 64 bits. */
struct elf_class {
	unsigned char number;
	size_t ehdr_bytes;
	size_t phdr_bytes;
	unsigned machine;
	const char *machine_name;
};

static const struct elf_class classes[] = {
	{ELFCLASS64, sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr), EM_X86_64,
	 "x86-64"},
	{ELFCLASS32, sizeof(Elf32_Ehdr), sizeof(Elf32_Phdr), EM_386, "i386"},
};

bool elf_detect(const uint8_t *bytes, uint64_t size_bytes)
{
	return size_bytes >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
}

/* NULL: there is no such class. */
static const struct elf_class *class_of(const unsigned char *ident)
{
	for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (ident[EI_CLASS] == classes[i].number)
			return &classes[i];
	return NULL;
}

static void read_ehdr(const struct elf_class *class, const uint8_t *bytes,
		      Elf64_Ehdr *out)
{
	Elf32_Ehdr narrow;

	if (class->number == ELFCLASS64) {
		memcpy(out, bytes, sizeof(*out));
		return;
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	*out = (Elf64_Ehdr){
		.e_type = narrow.e_type,
		.e_machine = narrow.e_machine,
		.e_version = narrow.e_version,
		.e_entry = narrow.e_entry,
		.e_phoff = narrow.e_phoff,
		.e_ehsize = narrow.e_ehsize,
		.e_phentsize = narrow.e_phentsize,
		.e_phnum = narrow.e_phnum,
	};
	memcpy(out->e_ident, narrow.e_ident, sizeof(out->e_ident));
}

static void read_phdr(const struct elf_class *class, const uint8_t *bytes,
		      Elf64_Phdr *out)
{
	Elf32_Phdr narrow;

	if (class->number == ELFCLASS64) {
		memcpy(out, bytes, sizeof(*out));
		return;
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	*out = (Elf64_Phdr){
		.p_type = narrow.p_type,
		.p_flags = narrow.p_flags,
		.p_offset = narrow.p_offset,
		.p_vaddr = narrow.p_vaddr,
		.p_paddr = narrow.p_paddr,
		.p_filesz = narrow.p_filesz,
		.p_memsz = narrow.p_memsz,
		.p_align = narrow.p_align,
	};
}

/* What kind of ELF file it is. */
static int check_ident(const struct kernel_image *image,
		       const struct elf_class *class, const Elf64_Ehdr *ehdr,
		       char *err, size_t err_size)
{
	const unsigned char *ident = ehdr->e_ident;

	if (ident[EI_DATA] != ELFDATA2LSB)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF data encoding %u; little-endian (1) "
				  "is needed",
				  image->path, ident[EI_DATA]);
	if (ident[EI_VERSION] != EV_CURRENT || ehdr->e_version != EV_CURRENT)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF version %u/%" PRIu32 "; 1 is needed",
				  image->path, ident[EI_VERSION],
				  ehdr->e_version);
	if (ehdr->e_machine != class->machine)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF machine %u; %s (%u) is needed",
				  image->path, ehdr->e_machine,
				  class->machine_name, class->machine);
	if (ehdr->e_type == ET_DYN)
		return boot_error(-EINVAL, err, err_size,
				  "%s: position-independent ELF (ET_DYN); an "
				  "executable linked to fixed addresses is "
				  "needed",
				  image->path);
	if (ehdr->e_type != ET_EXEC)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF type %u; an executable (2) is "
				  "needed",
				  image->path, ehdr->e_type);
	return 0;
}

/* Where its program headers are. */
static int check_table(const struct kernel_image *image,
		       const struct elf_class *class, const Elf64_Ehdr *ehdr,
		       char *err, size_t err_size)
{
	uint64_t size = image->file.size_bytes;
	uint64_t table_bytes;

	if (ehdr->e_ehsize != class->ehdr_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF header size %u; %zu is needed",
				  image->path, ehdr->e_ehsize,
				  class->ehdr_bytes);
	if (ehdr->e_phnum == 0)
		return boot_error(-EINVAL, err, err_size,
				  "%s: no program headers", image->path);
	if (ehdr->e_phnum == PN_XNUM)
		return boot_error(-EINVAL, err, err_size,
				  "%s: %u or more program headers", image->path,
				  PN_XNUM);
	if (ehdr->e_phentsize != class->phdr_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: program header size %u; %zu is needed",
				  image->path, ehdr->e_phentsize,
				  class->phdr_bytes);
	table_bytes = (uint64_t)ehdr->e_phnum * class->phdr_bytes;
	if (ehdr->e_phoff < class->ehdr_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: program headers at %#" PRIx64
				  " overlap the ELF header",
				  image->path, ehdr->e_phoff);
	if (ehdr->e_phoff > size || table_bytes > size - ehdr->e_phoff)
		return boot_error(
			-EINVAL, err, err_size,
			"%s: truncated: %u program headers at %#" PRIx64
			" run past the file's %" PRIu64 " bytes",
			image->path, ehdr->e_phnum, ehdr->e_phoff, size);
	return 0;
}

/* Fields that loadable segments and notes share. */
static int check_in_file(const struct kernel_image *image,
			 const Elf64_Phdr *phdr, unsigned number, char *err,
			 size_t err_size)
{
	uint64_t size = image->file.size_bytes;

	/* Where nothing is taken from the file, linkers leave any offset. */
	if (phdr->p_filesz == 0)
		return 0;
	if (phdr->p_offset <= size && phdr->p_filesz <= size - phdr->p_offset)
		return 0;
	return boot_error(-EINVAL, err, err_size,
			  "%s: segment %u: truncated: %#" PRIx64
			  " bytes at offset %#" PRIx64
			  " run past the file's %" PRIu64 " bytes",
			  image->path, number, phdr->p_filesz, phdr->p_offset,
			  size);
}

static int add_load(struct kernel_image *image, const Elf64_Phdr *phdr,
		    unsigned number, char *err, size_t err_size)
{
	const struct kernel_segment segment = {
		/* Without bytes it may be anything, also for arithmetic. */
		.offset = phdr->p_filesz ? phdr->p_offset : 0,
		.gpa = phdr->p_paddr,
		.file_bytes = phdr->p_filesz,
		.mem_bytes = phdr->p_memsz,
		.number = number,
	};
	int ret;

	if (phdr->p_filesz > phdr->p_memsz)
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: %#" PRIx64
				  " bytes in the file, but %#" PRIx64
				  " in memory",
				  image->path, number, phdr->p_filesz,
				  phdr->p_memsz);
	ret = check_in_file(image, phdr, number, err, err_size);
	if (ret)
		return ret;
	if (phdr->p_memsz > UINT64_MAX - phdr->p_paddr)
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: %#" PRIx64
				  " bytes at %#" PRIx64
				  " wrap around the address space",
				  image->path, number, phdr->p_memsz,
				  phdr->p_paddr);
	if (phdr->p_align & (phdr->p_align - 1u))
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: alignment %#" PRIx64
				  " is not a power of two",
				  image->path, number, phdr->p_align);
	/* ABI: p_vaddr and p_offset are congruent modulo p_align. */
	if (phdr->p_align > 1u && phdr->p_filesz > 0 &&
	    ((phdr->p_vaddr ^ phdr->p_offset) & (phdr->p_align - 1u)))
		return boot_error(-EINVAL, err, err_size,
				  "%s: segment %u: offset %#" PRIx64
				  " and address %#" PRIx64
				  " disagree modulo the alignment %#" PRIx64,
				  image->path, number, phdr->p_offset,
				  phdr->p_vaddr, phdr->p_align);
	if (phdr->p_memsz == 0)
		return 0;
	return kernel_image_add_segment(image, &segment, err, err_size);
}

static int scan_notes(const struct kernel_image *image, const Elf64_Phdr *phdr,
		      unsigned number, struct elf_entries *entries, char *err,
		      size_t err_size)
{
	struct elf_notes notes = {
		.path = image->path,
		.number = number,
		.size_bytes = phdr->p_filesz,
		.align = phdr->p_align,
	};
	int ret;

	ret = check_in_file(image, phdr, number, err, err_size);
	if (ret || phdr->p_filesz == 0)
		return ret;
	notes.bytes = image->file.bytes + phdr->p_offset;
	return elf_note_find_pvh(&notes, &entries->has_pvh, &entries->pvh_gpa,
				 err, err_size);
}

static int walk_table(struct kernel_image *image, const struct elf_class *class,
		      const Elf64_Ehdr *ehdr, struct elf_entries *entries,
		      char *err, size_t err_size)
{
	for (unsigned i = 0; i < ehdr->e_phnum; i++) {
		Elf64_Phdr phdr;
		int ret = 0;

		read_phdr(class,
			  image->file.bytes + ehdr->e_phoff +
				  i * class->phdr_bytes,
			  &phdr);
		if (phdr.p_type == PT_LOAD)
			ret = add_load(image, &phdr, i, err, err_size);
		else if (phdr.p_type == PT_NOTE && !entries->has_pvh)
			ret = scan_notes(image, &phdr, i, entries, err,
					 err_size);
		if (ret)
			return ret;
	}
	return 0;
}

int elf_parse(struct kernel_image *image, struct elf_entries *out, char *err,
	      size_t err_size)
{
	const uint8_t *bytes = image->file.bytes;
	uint64_t size = image->file.size_bytes;
	struct elf_entries entries = {0};
	const struct elf_class *class;
	Elf64_Ehdr ehdr;
	int ret;

	if (size < EI_NIDENT)
		return boot_error(-EINVAL, err, err_size,
				  "%s: truncated: %" PRIu64
				  " bytes; an ELF header has more",
				  image->path, size);
	class = class_of(bytes);
	if (!class)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF class %u is unknown", image->path,
				  bytes[EI_CLASS]);
	if (size < class->ehdr_bytes)
		return boot_error(-EINVAL, err, err_size,
				  "%s: truncated: %" PRIu64
				  " bytes; an ELF header has %zu",
				  image->path, size, class->ehdr_bytes);
	read_ehdr(class, bytes, &ehdr);
	ret = check_ident(image, class, &ehdr, err, err_size);
	if (ret)
		return ret;
	ret = check_table(image, class, &ehdr, err, err_size);
	if (ret)
		return ret;
	ret = walk_table(image, class, &ehdr, &entries, err, err_size);
	if (ret)
		return ret;
	if (image->nr_segments == 0)
		return boot_error(-EINVAL, err, err_size,
				  "%s: no loadable segment", image->path);
	if (entries.has_pvh && !kernel_image_has_code_at(image, entries.pvh_gpa))
		return boot_error(-EINVAL, err, err_size,
				  "%s: PVH entry %#" PRIx32
				  " lies in no loaded segment",
				  image->path, entries.pvh_gpa);
	entries.elf_gpa = ehdr.e_entry;
	*out = entries;
	return 0;
}
