/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the fuzzers of the loaders share: spoiling an image, loading it, and
 * walking what the guest is told as a careful guest would.
 *
 * Place in the flow: included by tests/fuzz/fuzz_elf.c, fuzz_multiboot.c and
 * fuzz_bzimage.c.
 *
 * Invariant: abort() only on a broken promise of the loader; file and guest
 * memory are exact allocations, so that a sanitizer sees any byte beside them.
 */
#ifndef TESTS_FUZZ_BOOT_H
#define TESTS_FUZZ_BOOT_H

#include "unit/boot_image.h"

#include <stdbool.h>

static inline void fuzz_check(bool ok)
{
	if (!ok)
		abort();
}

/**
 * @raw: the file is the input; else the input is a list of three bytes,
 *       offset and value, where an offset past the image cuts it short.
 */
static inline void fuzz_boot_spoil(struct boot_image *image, bool raw,
				   const uint8_t *data, size_t size)
{
	if (raw && size > 0) {
		image->size = size < sizeof(image->bytes)
				      ? size
				      : sizeof(image->bytes);
		memcpy(image->bytes, data, image->size);
		return;
	}
	for (; size >= 3; data += 3, size -= 3) {
		size_t at = data[0] | (size_t)(data[1] & 0x1f) << 8;

		if (data[1] & 0x80)
			image->size = at ? at : 1;
		else
			image->bytes[at] = data[2];
	}
}

static inline uint64_t fuzz_word(const struct guest_mem *mem, uint64_t gpa,
				 size_t bytes)
{
	uint64_t value = 0;

	fuzz_check(guest_mem_read(mem, gpa, &value, bytes) == 0);
	return value;
}

static inline void fuzz_text(const struct guest_mem *mem, uint64_t gpa,
			     const char *text)
{
	const char *found = guest_mem_ptr(mem, gpa, strlen(text) + 1);

	fuzz_check(found && strcmp(found, text) == 0);
}

static inline void fuzz_walk_pvh(const struct guest_mem *mem, uint64_t info,
				 const struct boot_source *src)
{
	uint64_t modules = fuzz_word(mem, info + 16, 8);
	uint64_t map = fuzz_word(mem, info + 40, 8);

	fuzz_check(fuzz_word(mem, info, 4) == 0x336ec578);
	fuzz_text(mem, fuzz_word(mem, info + 24, 8), src->cmdline);
	for (uint64_t i = fuzz_word(mem, info + 12, 4); i-- > 0;) {
		uint64_t gpa = fuzz_word(mem, modules + i * 32, 8);
		uint64_t bytes = fuzz_word(mem, modules + i * 32 + 8, 8);

		fuzz_check(guest_mem_ptr(mem, gpa, bytes));
	}
	for (uint64_t i = fuzz_word(mem, info + 48, 4); i-- > 0;)
		fuzz_word(mem, map + i * 24 + 16, 4);
}

static inline void fuzz_walk_multiboot(const struct guest_mem *mem,
				       uint64_t info,
				       const struct boot_source *src)
{
	uint64_t modules = fuzz_word(mem, info + 24, 4);
	uint64_t map = fuzz_word(mem, info + 48, 4);

	fuzz_text(mem, fuzz_word(mem, info + 16, 4), src->cmdline);
	fuzz_text(mem, fuzz_word(mem, info + 64, 4), "disvm");
	for (uint64_t i = fuzz_word(mem, info + 20, 4); i-- > 0;) {
		uint64_t start = fuzz_word(mem, modules + i * 16, 4);
		uint64_t end = fuzz_word(mem, modules + i * 16 + 4, 4);

		fuzz_check(start < end);
		fuzz_check(guest_mem_ptr(mem, start, end - start));
	}
	fuzz_check(guest_mem_ptr(mem, map, fuzz_word(mem, info + 44, 4)));
}

static inline void fuzz_walk_linux(const struct guest_mem *mem,
				   const struct boot_entry *entry,
				   const struct boot_source *src)
{
	uint64_t page = entry->rsi;
	uint64_t data = fuzz_word(mem, page + LINUX_SETUP_DATA, 8);
	uint64_t initrd = fuzz_word(mem, page + LINUX_RAMDISK_IMAGE, 4);
	uint64_t bytes = fuzz_word(mem, page + LINUX_RAMDISK_SIZE, 4);

	fuzz_text(mem, fuzz_word(mem, page + LINUX_CMDLINE, 4), src->cmdline);
	fuzz_check(!bytes == !src->initrd_bytes);
	fuzz_check(guest_mem_ptr(mem, initrd, bytes));
	fuzz_check(!data == !src->dtb_bytes);
	if (data)
		fuzz_check(guest_mem_ptr(mem, data + 16,
					 fuzz_word(mem, data + 12, 4)));
	fuzz_check(guest_mem_ptr(mem, entry->gdt_gpa, entry->gdt_bytes));
	fuzz_check(guest_mem_ptr(mem, entry->cr3, 6 * 4096));
	fuzz_check(fuzz_word(mem, page + LINUX_E820_COUNT, 1) > 0);
	if (src->acpi)
		fuzz_check(guest_mem_ptr(
			mem, fuzz_word(mem, page + LINUX_RSDP_AT, 8),
			acpi_bytes(src->acpi)));
}

/* Each segment's bytes are where they belong: nothing was loaded over them. */
static inline void fuzz_check_segments(const struct guest_mem *mem,
				       const struct kernel_image *kernel)
{
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct kernel_segment *segment = &kernel->segments[i];
		const uint8_t *found =
			guest_mem_ptr(mem, segment->gpa, segment->mem_bytes);

		fuzz_check(found);
		fuzz_check(memcmp(found, kernel->file.bytes + segment->offset,
				  segment->file_bytes) == 0);
		for (uint64_t at = segment->file_bytes; at < segment->mem_bytes;
		     at++)
			fuzz_check(found[at] == 0);
	}
}

/** @shape: what accompanies the kernel; @memory: size of the guest. */
static inline void fuzz_boot_load(const struct boot_image *image, uint8_t shape,
				  uint8_t memory)
{
	static const uint8_t filler[9000] = {0xff};
	static const struct acpi_source acpi = {.ncpus = 3, .rtc = true};
	struct kernel_image kernel;
	struct boot_source src = {.kernel = &kernel, .cmdline = "work=hog"};
	struct boot_entry entry;
	struct guest_mem mem;
	char err[64] = "";

	if (boot_image_parse(image, &kernel, err, sizeof(err))) {
		fuzz_check(err[0] && !strchr(err, '\n'));
		boot_image_release(&kernel);
		return;
	}
	if (shape & 1) {
		src.dtb = filler;
		src.dtb_bytes = 700;
	}
	if (shape & 2) {
		src.initrd = filler;
		src.initrd_bytes = sizeof(filler);
	}
	if (shape & 4)
		src.acpi = &acpi;
	/*
	 * 48 KiB to 1.2 MiB in odd steps, up to and across the legacy area;
	 * quadratic, because small guests are faster to make.
	 */
	mem = boot_image_guest(0xc000u + 19u * (uint64_t)memory * memory);
	if (boot_load(&src, &mem, &entry, err, sizeof(err))) {
		fuzz_check(err[0] && !strchr(err, '\n'));
	} else {
		fuzz_check(guest_mem_ptr(&mem, entry.rip, 1));
		fuzz_check_segments(&mem, &kernel);
		if (entry.protocol == BOOT_PVH)
			fuzz_walk_pvh(&mem, entry.rbx, &src);
		else if (entry.protocol == BOOT_LINUX)
			fuzz_walk_linux(&mem, &entry, &src);
		else
			fuzz_walk_multiboot(&mem, entry.rbx, &src);
	}
	free(mem.base);
	boot_image_release(&kernel);
}

#endif
