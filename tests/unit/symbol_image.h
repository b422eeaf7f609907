/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A small ELF file with a symbol table, to be spoilt in one place.
 *
 * Place in the flow: included by tests/unit/test_symbols.c, test_diag.c and
 * tests/fuzz/fuzz_symbols.c.
 */
#ifndef TESTS_SYMBOL_IMAGE_H
#define TESTS_SYMBOL_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IMAGE_SYMBOLS 8u
#define IMAGE_NAMES 256u

/** Sections of the image. */
enum symbol_section {
	SECTION_NULL,
	SECTION_TEXT, /* IMAGE_TEXT_BYTES of code at IMAGE_TEXT */
	SECTION_DATA,
	SECTION_SYMTAB,
	SECTION_STRTAB,
	SECTIONS,
};

#define IMAGE_TEXT UINT64_C(0xffffffff81000000)
#define IMAGE_TEXT_BYTES 0x1000u
#define IMAGE_DATA UINT64_C(0xffffffff82000000)
/* Where the text is loaded to. */
#define IMAGE_LOADED UINT64_C(0x1000000)

struct symbol_image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;
	Elf64_Shdr shdr[SECTIONS];
	Elf64_Sym sym[IMAGE_SYMBOLS];
	char names[IMAGE_NAMES];
};

/** Without symbols; entry 0 is the empty one that each table begins with. */
static inline void symbol_image_make(struct symbol_image *image)
{
	memset(image, 0, sizeof(*image));
	image->ehdr = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			    ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phoff = offsetof(struct symbol_image, phdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = offsetof(struct symbol_image, shdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
	};
	image->phdr = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_vaddr = IMAGE_TEXT,
		.p_paddr = IMAGE_LOADED,
		.p_memsz = IMAGE_TEXT_BYTES,
	};
	image->shdr[SECTION_TEXT] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = IMAGE_TEXT,
		.sh_size = IMAGE_TEXT_BYTES,
	};
	image->shdr[SECTION_DATA] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_WRITE,
		.sh_addr = IMAGE_DATA,
		.sh_size = 0x1000,
	};
	image->shdr[SECTION_SYMTAB] = (Elf64_Shdr){
		.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(struct symbol_image, sym),
		.sh_size = sizeof(Elf64_Sym),
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_link = SECTION_STRTAB,
	};
	image->shdr[SECTION_STRTAB] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct symbol_image, names),
		.sh_size = 1,
	};
}

/** Adds a symbol; returns it, to be changed. */
static inline Elf64_Sym *symbol_image_add(struct symbol_image *image,
					  const char *name, unsigned type,
					  uint64_t value, uint64_t size)
{
	Elf64_Shdr *symtab = &image->shdr[SECTION_SYMTAB];
	Elf64_Shdr *strtab = &image->shdr[SECTION_STRTAB];
	Elf64_Sym *sym = &image->sym[symtab->sh_size / sizeof(*sym)];

	*sym = (Elf64_Sym){
		.st_name = (uint32_t)strtab->sh_size,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, type),
		.st_shndx = SECTION_TEXT,
		.st_value = value,
		.st_size = size,
	};
	memcpy(image->names + strtab->sh_size, name, strlen(name) + 1);
	strtab->sh_size += strlen(name) + 1;
	symtab->sh_size += sizeof(*sym);
	return sym;
}

#endif
