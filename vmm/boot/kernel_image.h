/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A kernel file, read and parsed once for any number of guests.
 *
 * Place in the flow: file -> kernel_image_open() -> boot_load() per guest.
 * What can be checked without a guest's memory is checked here; where the
 * segments may lie is checked by boot_load(), against each guest.
 *
 * Invariant of an open image: 1..KERNEL_SEGMENTS_MAX segments with
 * file_bytes <= mem_bytes, mem_bytes > 0, offset + file_bytes inside the file
 * and gpa + mem_bytes without overflow; @entry_gpa lies in the file-backed part
 * of a segment.
 * Locking: none; constant after kernel_image_open(), so that any number of
 * threads may load from it.
 */
#ifndef DISVM_BOOT_KERNEL_IMAGE_H
#define DISVM_BOOT_KERNEL_IMAGE_H

#include "boot/boot_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most loadable segments; a linked kernel has fewer than ten. */
#define KERNEL_SEGMENTS_MAX 64u

/** How the kernel wants to be entered. */
enum boot_protocol {
	BOOT_PVH,       /**< Xen's PVH entry note, hvm_start_info */
	BOOT_MULTIBOOT, /**< Multiboot specification 0.6.96 */
	BOOT_LINUX,     /**< Linux's 64-bit boot protocol, from a bzImage */
	BOOT_PROTOCOLS,
};

/**
 * Bytes of the file that go to guest memory; the rest up to @mem_bytes is zero.
 * @number: index of the program header, for error lines.
 */
struct kernel_segment {
	uint64_t offset;
	uint64_t gpa;
	uint64_t file_bytes;
	uint64_t mem_bytes;
	unsigned number;
};

/**
 * What a bzImage's setup header says to the loader; see linux_setup.h.
 *
 * @header_end: the header is [LINUX_HEADER_AT, header_end) of the file.
 * @cmdline_max_bytes: longest command line, without its NUL.
 * @initrd_last_gpa: highest address of the initrd's last byte.
 */
struct linux_setup {
	uint32_t header_end;
	uint32_t cmdline_max_bytes;
	uint32_t initrd_last_gpa;
};

/**
 * @path: as the user gave it; the start of every error line.
 * @entry_gpa: where the guest starts, in the mode of its protocol.
 * @page_align_modules: multiboot flag 0; else false.
 * @linux_setup: BOOT_LINUX only.
 */
struct kernel_image {
	char *path;
	struct boot_file file;
	enum boot_protocol protocol;
	uint32_t entry_gpa;
	bool page_align_modules;
	struct linux_setup linux_setup;
	unsigned nr_segments;
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
};

/**
 * kernel_image_open - read a kernel file and parse it.
 * @path: an ELF with a PVH note or a multiboot header, a Linux bzImage, or
 *        any file with a multiboot header that has address fields.
 * @out: the image, to be given to kernel_image_close(); on success only.
 * @err: one line that names file and field.
 *
 * Return: 0; -EINVAL for a file that is none of these or damaged; the errors of
 * boot_file_read(); -ENOMEM.
 */
int kernel_image_open(const char *path, struct kernel_image **out, char *err,
		      size_t err_size);

/**
 * kernel_image_parse - fill protocol, entry and segments from the bytes.
 * @image: has path and file; the rest is zero. On error the rest is undefined.
 *
 * kernel_image_open() calls it; it stands here for whoever has the bytes in
 * memory already.
 *
 * Return: 0 or -EINVAL.
 */
int kernel_image_parse(struct kernel_image *image, char *err, size_t err_size);

/**
 * kernel_image_add_segment - append a segment that was checked by a parser.
 *
 * Return: 0, or -EINVAL when there are too many.
 */
int kernel_image_add_segment(struct kernel_image *image,
			     const struct kernel_segment *segment, char *err,
			     size_t err_size);

/** Is @gpa among the bytes that come from the file? */
bool kernel_image_has_code_at(const struct kernel_image *image, uint64_t gpa);

/** Free the image; NULL is allowed. No guest needs it once it was loaded. */
void kernel_image_close(struct kernel_image *image);

#endif
