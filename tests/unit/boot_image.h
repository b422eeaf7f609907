/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Small kernels built in memory, for the tests and fuzzers of the loaders.
 *
 * Place in the flow: included by tests/unit/ and tests/fuzz/ only. A test takes
 * a good image, spoils one field and hands it to the loader.
 *
 * Invariant: what boot_image_pvh(), boot_image_flat() and boot_image_bz() make is
 * valid and loads into guests from 256 KiB on.
 */
#ifndef TESTS_BOOT_IMAGE_H
#define TESTS_BOOT_IMAGE_H

#include "boot/boot.h"
#include "boot/linux_setup.h"

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Offsets in the image of boot_image_pvh(). */
#define IMAGE_NOTE_AT 0x200u
#define IMAGE_DATA_AT 0x400u
#define IMAGE_DATA_BYTES 0x300u
#define IMAGE_BYTES (IMAGE_DATA_AT + IMAGE_DATA_BYTES)

/* Segments: text 0x20000 + 0x200 bytes, data 0x30000 + 0x100 and 0x1f00 BSS. */
#define IMAGE_TEXT_GPA 0x20000u
#define IMAGE_TEXT_BYTES 0x200u
#define IMAGE_DATA_GPA 0x30000u
#define IMAGE_ENTRY (IMAGE_TEXT_GPA + 0x10u)

#define IMAGE_GUEST_BYTES (UINT64_C(256) << 10)

enum {
	IMAGE_TEXT,
	IMAGE_DATA,
	IMAGE_NOTE,
	IMAGE_PHDRS
};

struct boot_image {
	size_t size;
	uint8_t bytes[16384];
};

static inline Elf64_Ehdr *boot_image_ehdr(struct boot_image *image)
{
	return (Elf64_Ehdr *)(void *)image->bytes;
}

static inline Elf64_Phdr *boot_image_phdr(struct boot_image *image, int index)
{
	return (Elf64_Phdr *)(void *)(image->bytes + sizeof(Elf64_Ehdr)) +
	       index;
}

static inline void boot_image_put32(struct boot_image *image, size_t at,
				    uint32_t value)
{
	memcpy(image->bytes + at, &value, sizeof(value));
}

/** The same file as a 32-bit ELF: headers narrowed, each where it begins. */
static inline void boot_image_narrow(struct boot_image *image)
{
	const Elf64_Ehdr wide = *boot_image_ehdr(image);
	Elf32_Ehdr ehdr = {
		.e_type = wide.e_type,
		.e_machine = EM_386,
		.e_version = wide.e_version,
		.e_entry = (uint32_t)wide.e_entry,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = wide.e_phnum,
	};
	Elf32_Phdr table[IMAGE_PHDRS];

	memcpy(ehdr.e_ident, wide.e_ident, EI_NIDENT);
	ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	for (int i = 0; i < IMAGE_PHDRS; i++) {
		const Elf64_Phdr *from = boot_image_phdr(image, i);

		table[i] = (Elf32_Phdr){
			.p_type = from->p_type,
			.p_flags = from->p_flags,
			.p_offset = (uint32_t)from->p_offset,
			.p_vaddr = (uint32_t)from->p_vaddr,
			.p_paddr = (uint32_t)from->p_paddr,
			.p_filesz = (uint32_t)from->p_filesz,
			.p_memsz = (uint32_t)from->p_memsz,
			.p_align = (uint32_t)from->p_align,
		};
	}
	memcpy(image->bytes, &ehdr, sizeof(ehdr));
	memcpy(image->bytes + sizeof(ehdr), table, sizeof(table));
}

/** Write a note of 16 + descriptor bytes. */
static inline void boot_image_note(struct boot_image *image, size_t at,
				   uint32_t desc_bytes, uint64_t entry)
{
	boot_image_put32(image, at, 4);
	boot_image_put32(image, at + 4, desc_bytes);
	boot_image_put32(image, at + 8, 18);
	memcpy(image->bytes + at + 12, "Xen", 4);
	memcpy(image->bytes + at + 16, &entry, sizeof(entry));
}

/** A 64-bit ELF with two segments and a PVH note. */
static inline void boot_image_pvh(struct boot_image *image)
{
	memset(image, 0, sizeof(*image));
	image->size = IMAGE_BYTES;
	*boot_image_ehdr(image) = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = IMAGE_ENTRY,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = IMAGE_PHDRS,
	};
	*boot_image_phdr(image, IMAGE_TEXT) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = IMAGE_DATA_AT,
		.p_vaddr = IMAGE_TEXT_GPA,
		.p_paddr = IMAGE_TEXT_GPA,
		.p_filesz = IMAGE_TEXT_BYTES,
		.p_memsz = IMAGE_TEXT_BYTES,
		.p_align = 16,
	};
	*boot_image_phdr(image, IMAGE_DATA) = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = IMAGE_DATA_AT + IMAGE_TEXT_BYTES,
		.p_vaddr = IMAGE_DATA_GPA,
		.p_paddr = IMAGE_DATA_GPA,
		.p_filesz = 0x100,
		.p_memsz = 0x2000,
		.p_align = 16,
	};
	*boot_image_phdr(image, IMAGE_NOTE) = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = IMAGE_NOTE_AT,
		.p_filesz = 24,
		.p_memsz = 24,
		.p_align = 4,
	};
	boot_image_note(image, IMAGE_NOTE_AT, 8, IMAGE_ENTRY);
	for (unsigned i = 0; i < IMAGE_DATA_BYTES; i++)
		image->bytes[IMAGE_DATA_AT + i] = (uint8_t)(i * 7u + 1u);
}

/** The five address fields, in the order of the header. */
struct boot_image_addresses {
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr;
	uint32_t bss_end_addr;
	uint32_t entry_addr;
};

/** Write a multiboot header of 12 bytes, or of 32 with address fields. */
static inline void
boot_image_multiboot(struct boot_image *image, size_t at, uint32_t flags,
		     const struct boot_image_addresses *addresses)
{
	boot_image_put32(image, at, 0x1badb002u);
	boot_image_put32(image, at + 4, flags);
	boot_image_put32(image, at + 8, -(0x1badb002u + flags));
	if (addresses)
		memcpy(image->bytes + at + 12, addresses, sizeof(*addresses));
}

/** Where boot_image_flat() has its header, and what that says. */
#define IMAGE_FLAT_HEADER_AT 0x40u
#define IMAGE_FLAT_FLAGS 0x00010003u

static inline struct boot_image_addresses boot_image_flat_addresses(void)
{
	return (struct boot_image_addresses){
		.header_addr = IMAGE_TEXT_GPA + IMAGE_FLAT_HEADER_AT,
		.load_addr = IMAGE_TEXT_GPA,
		.load_end_addr = 0,
		.bss_end_addr = IMAGE_TEXT_GPA + 0x2000u,
		.entry_addr = IMAGE_TEXT_GPA + 0x80u,
	};
}

/** A file that is no ELF, with a multiboot header with address fields. */
static inline void boot_image_flat(struct boot_image *image)
{
	const struct boot_image_addresses addresses =
		boot_image_flat_addresses();

	memset(image, 0, sizeof(*image));
	image->size = 0x800;
	for (size_t i = 0; i < image->size; i++)
		image->bytes[i] = (uint8_t)(i * 5u + 3u);
	boot_image_multiboot(image, IMAGE_FLAT_HEADER_AT, IMAGE_FLAT_FLAGS,
			     &addresses);
}

/* The bzImage: a sector of boot code, one of setup, the kernel. */
#define IMAGE_BZ_KERNEL_AT 0x400u
#define IMAGE_BZ_KERNEL_BYTES 0x600u
#define IMAGE_BZ_INIT_BYTES 0x2000u
#define IMAGE_BZ_HEADER_END 0x26cu
#define IMAGE_BZ_CMDLINE_MAX 100u

static inline void boot_image_put(struct boot_image *image, size_t at,
				  uint64_t value, size_t bytes)
{
	memcpy(image->bytes + at, &value, bytes);
}

/** A Linux kernel of boot protocol 2.15 at IMAGE_TEXT_GPA. */
static inline void boot_image_bz(struct boot_image *image)
{
	memset(image, 0, sizeof(*image));
	image->size = IMAGE_BZ_KERNEL_AT + IMAGE_BZ_KERNEL_BYTES;
	boot_image_put(image, LINUX_SETUP_SECTS, 1, 1);
	boot_image_put(image, LINUX_SYSSIZE, IMAGE_BZ_KERNEL_BYTES / 16, 4);
	boot_image_put(image, LINUX_BOOT_FLAG, 0xaa55, 2);
	boot_image_put(image, LINUX_JUMP_LENGTH, IMAGE_BZ_HEADER_END - 0x202, 1);
	boot_image_put(image, LINUX_MAGIC, 0x53726448, 4);
	boot_image_put(image, LINUX_VERSION, 0x20f, 2);
	boot_image_put(image, LINUX_LOAD_FLAGS, 1, 1);
	boot_image_put(image, LINUX_INITRD_MAX, 0x7fffffff, 4);
	boot_image_put(image, LINUX_XLOAD_FLAGS, 1, 2);
	boot_image_put(image, LINUX_CMDLINE_SIZE, IMAGE_BZ_CMDLINE_MAX, 4);
	boot_image_put(image, LINUX_PREF_ADDRESS, IMAGE_TEXT_GPA, 8);
	boot_image_put(image, LINUX_INIT_SIZE, IMAGE_BZ_INIT_BYTES, 4);
	for (unsigned i = 0; i < IMAGE_BZ_KERNEL_BYTES; i++)
		image->bytes[IMAGE_BZ_KERNEL_AT + i] = (uint8_t)(i * 3u + 7u);
}

/**
 * Parse a copy of exactly @image->size bytes, so that a sanitizer sees each
 * byte read too many. @kernel needs no initialisation; free it with
 * boot_image_release() in any case.
 */
static inline int boot_image_parse(const struct boot_image *image,
				   struct kernel_image *kernel, char *err,
				   size_t err_size)
{
	static char path[] = "k.elf";

	memset(kernel, 0, sizeof(*kernel));
	kernel->path = path;
	kernel->file.size_bytes = image->size;
	kernel->file.bytes = malloc(image->size);
	if (!kernel->file.bytes)
		abort();
	memcpy(kernel->file.bytes, image->bytes, image->size);
	return kernel_image_parse(kernel, err, err_size);
}

static inline void boot_image_release(struct kernel_image *kernel)
{
	boot_file_free(&kernel->file);
}

/** Guest memory that reads as zero; free @base. */
static inline struct guest_mem boot_image_guest(uint64_t size_bytes)
{
	struct guest_mem mem = {.size_bytes = size_bytes};

	mem.base = calloc(1, size_bytes);
	if (!mem.base)
		abort();
	return mem;
}

#endif
