/* SPDX-License-Identifier: Apache-2.0 */
/* Search and check of the multiboot header; see multiboot.h. */
#include "boot/multiboot.h"

#include "boot/boot_error.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MULTIBOOT_HEADER_MAGIC 0x1badb002u
/* The header lies completely within this part of the file, 4-aligned. */
#define MULTIBOOT_SEARCH_BYTES 8192u

#define MULTIBOOT_PAGE_ALIGN (1u << 0)
#define MULTIBOOT_MEMORY_INFO (1u << 1)
#define MULTIBOOT_VIDEO_MODE (1u << 2)
#define MULTIBOOT_MANDATORY 0xffffu
#define MULTIBOOT_ADDRESSES (1u << 16)

struct multiboot_magic {
	uint32_t magic;
	uint32_t flags;
	uint32_t checksum;
};

struct multiboot_addresses {
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr;
	uint32_t bss_end_addr;
	uint32_t entry_addr;
};

/* Offset of the header, or -1. */
static int64_t find_header(const struct kernel_image *image,
			   struct multiboot_magic *out)
{
	uint64_t end = image->file.size_bytes < MULTIBOOT_SEARCH_BYTES
			       ? image->file.size_bytes
			       : MULTIBOOT_SEARCH_BYTES;

	for (uint64_t at = 0; at + sizeof(*out) <= end; at += 4) {
		memcpy(out, image->file.bytes + at, sizeof(*out));
		if (out->magic == MULTIBOOT_HEADER_MAGIC &&
		    out->magic + out->flags + out->checksum == 0)
			return (int64_t)at;
	}
	return -1;
}

static int check_flags(const struct kernel_image *image, uint32_t flags,
		       char *err, size_t err_size)
{
	uint32_t unknown = flags & MULTIBOOT_MANDATORY &
			   ~(MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO |
			     MULTIBOOT_VIDEO_MODE);

	if (flags & MULTIBOOT_VIDEO_MODE)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot header asks for a video mode "
				  "(flag 2); there is no video",
				  image->path);
	if (unknown)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot header has unknown mandatory "
				  "flags %#" PRIx32,
				  image->path, unknown);
	return 0;
}

/*
 * One segment out of the address fields. They are 32-bit, and so is every sum
 * that is formed here, in 64 bits.
 */
static int load_by_addresses(struct kernel_image *image, uint64_t header_at,
			     char *err, size_t err_size)
{
	uint64_t size = image->file.size_bytes;
	uint64_t at = header_at + sizeof(struct multiboot_magic);
	struct multiboot_addresses a;
	struct kernel_segment segment = {0};
	uint64_t load_end, bss_end;

	if (at + sizeof(a) > size || at + sizeof(a) > MULTIBOOT_SEARCH_BYTES)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot header at %#" PRIx64
				  ": truncated: no room for the address fields",
				  image->path, header_at);
	memcpy(&a, image->file.bytes + at, sizeof(a));

	if (a.load_addr > a.header_addr ||
	    a.header_addr - a.load_addr > header_at)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot load_addr %#" PRIx32
				  " does not fit header_addr %#" PRIx32
				  " at offset %#" PRIx64,
				  image->path, a.load_addr, a.header_addr,
				  header_at);
	segment.offset = header_at - (a.header_addr - a.load_addr);
	segment.gpa = a.load_addr;

	load_end = a.load_end_addr;
	if (load_end == 0)
		load_end = a.load_addr + (size - segment.offset);
	if (load_end <= a.load_addr ||
	    load_end - a.load_addr > size - segment.offset)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot load_end_addr %#" PRIx64
				  " does not fit load_addr %#" PRIx32
				  " and the file's %" PRIu64 " bytes",
				  image->path, load_end, a.load_addr, size);
	segment.file_bytes = load_end - a.load_addr;

	bss_end = a.bss_end_addr ? a.bss_end_addr : load_end;
	if (bss_end < load_end)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot bss_end_addr %#" PRIx32
				  " lies before the end of the data, %#" PRIx64,
				  image->path, a.bss_end_addr, load_end);
	segment.mem_bytes = bss_end - a.load_addr;

	if (a.entry_addr < a.load_addr || a.entry_addr >= load_end)
		return boot_error(-EINVAL, err, err_size,
				  "%s: multiboot entry_addr %#" PRIx32
				  " lies outside %#" PRIx32 "..%#" PRIx64,
				  image->path, a.entry_addr, a.load_addr,
				  load_end);
	image->nr_segments = 0;
	image->entry_gpa = a.entry_addr;
	return kernel_image_add_segment(image, &segment, err, err_size);
}

/* Enter at e_entry; the segments are those of the program headers. */
static int enter_by_elf(struct kernel_image *image, uint64_t elf_gpa, char *err,
			size_t err_size)
{
	if (elf_gpa > UINT32_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF entry %#" PRIx64
				  " is not below 4 GiB, as multiboot needs",
				  image->path, elf_gpa);
	if (!kernel_image_has_code_at(image, elf_gpa))
		return boot_error(-EINVAL, err, err_size,
				  "%s: ELF entry %#" PRIx64
				  " lies in no loaded segment",
				  image->path, elf_gpa);
	image->entry_gpa = (uint32_t)elf_gpa;
	return 0;
}

static int parse_common(struct kernel_image *image, bool is_elf,
			uint64_t elf_gpa, char *err, size_t err_size)
{
	struct multiboot_magic header;
	int64_t at = find_header(image, &header);
	int ret;

	if (at < 0)
		return -ENOENT;
	ret = check_flags(image, header.flags, err, err_size);
	if (ret)
		return ret;
	image->protocol = BOOT_MULTIBOOT;
	image->page_align_modules = header.flags & MULTIBOOT_PAGE_ALIGN;
	if (header.flags & MULTIBOOT_ADDRESSES)
		return load_by_addresses(image, (uint64_t)at, err, err_size);
	if (is_elf)
		return enter_by_elf(image, elf_gpa, err, err_size);
	return boot_error(-EINVAL, err, err_size,
			  "%s: multiboot header at %#" PRIx64
			  " has no address fields (flag 16), and the file is "
			  "not an ELF",
			  image->path, (uint64_t)at);
}

int multiboot_parse_elf(struct kernel_image *image, uint64_t elf_gpa, char *err,
			size_t err_size)
{
	return parse_common(image, true, elf_gpa, err, err_size);
}

int multiboot_parse_flat(struct kernel_image *image, char *err, size_t err_size)
{
	return parse_common(image, false, 0, err, err_size);
}
