/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who occupies which range of guest memory while a guest is loaded.
 *
 * Place in the flow: boot_load() reserves the kernel's segments, then takes
 * room for what the loader itself places.
 *
 * Invariant: ranges are sorted by address and do not overlap; none wraps.
 * Locking: none; lives on the stack of one boot_load().
 */
#ifndef DISVM_BOOT_LAYOUT_H
#define DISVM_BOOT_LAYOUT_H

#include "boot/kernel_image.h"

#include <stdint.h>

/* Segments, page 0, legacy area, boot data, initrd. */
#define LAYOUT_RANGES_MAX (KERNEL_SEGMENTS_MAX + 4u)

/** @number >= 0: of a segment; else -1. */
struct layout_range {
	uint64_t gpa;
	uint64_t bytes;
	const char *what;
	int number;
};

struct boot_layout {
	unsigned nr;
	struct layout_range ranges[LAYOUT_RANGES_MAX];
};

/**
 * layout_init - an empty layout but for page 0 and the legacy area.
 *
 * Page 0 stays free so that address 0 means "none" in what the guest is told.
 */
void layout_init(struct boot_layout *layout);

/**
 * layout_reserve - occupy a given range.
 * @range: not empty, does not wrap; its text must outlive the layout.
 *
 * Return: NULL if it is occupied now, else the range that is in the way.
 */
const struct layout_range *layout_reserve(struct boot_layout *layout,
					  const struct layout_range *range);

/**
 * layout_alloc - occupy the highest free range below an address.
 * @limit_gpa: end of the memory to use.
 * @bytes: > 0.
 * @align: a power of two.
 * @what: static text that names the range.
 * @gpa: written on success only; never 0.
 *
 * Highest, because small kernels use the memory behind their own end before
 * they read what the loader left them.
 *
 * Return: 0 or -ENOMEM.
 */
int layout_alloc(struct boot_layout *layout, uint64_t limit_gpa, uint64_t bytes,
		 uint64_t align, const char *what, uint64_t *gpa);

#endif
