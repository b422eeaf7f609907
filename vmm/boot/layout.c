/* SPDX-License-Identifier: Apache-2.0 */
/* Occupied ranges of guest memory; see layout.h. */
#include "boot/layout.h"

#include "boot/memmap.h"

#include <dis/assert.h>

#include <errno.h>
#include <string.h>

#define PAGE_BYTES 4096u

void layout_init(struct boot_layout *layout)
{
	*layout = (struct boot_layout){
		.nr = 2,
		.ranges = {{0, PAGE_BYTES, "page 0", -1},
			   {MEMMAP_LEGACY_GPA,
			    MEMMAP_LEGACY_END_GPA - MEMMAP_LEGACY_GPA,
			    "the legacy area", -1}},
	};
}

const struct layout_range *layout_reserve(struct boot_layout *layout,
					  const struct layout_range *range)
{
	struct layout_range *ranges = layout->ranges;
	unsigned at = 0;

	DIS_ASSERT(layout->nr < LAYOUT_RANGES_MAX);
	DIS_ASSERT(range->bytes > 0 && range->bytes <= UINT64_MAX - range->gpa);
	while (at < layout->nr &&
	       ranges[at].gpa + ranges[at].bytes <= range->gpa)
		at++;
	if (at < layout->nr && ranges[at].gpa < range->gpa + range->bytes)
		return &ranges[at];
	memmove(&ranges[at + 1], &ranges[at],
		(layout->nr - at) * sizeof(ranges[0]));
	ranges[at] = *range;
	layout->nr++;
	return NULL;
}

int layout_alloc(struct boot_layout *layout, uint64_t limit_gpa, uint64_t bytes,
		 uint64_t align, const char *what, uint64_t *gpa)
{
	struct layout_range range = {
		.bytes = bytes,
		.what = what,
		.number = -1,
	};
	const struct layout_range *other;
	uint64_t top = limit_gpa;

	/* From the highest gap down: top is the end of the gap below it. */
	for (unsigned i = layout->nr;; i--) {
		uint64_t floor = 0;

		if (i > 0)
			floor = layout->ranges[i - 1].gpa +
				layout->ranges[i - 1].bytes;
		if (bytes <= top) {
			range.gpa = (top - bytes) & ~(align - 1u);
			if (range.gpa >= floor)
				break;
		}
		if (i == 0)
			return -ENOMEM;
		if (layout->ranges[i - 1].gpa < top)
			top = layout->ranges[i - 1].gpa;
	}
	other = layout_reserve(layout, &range);
	DIS_ASSERT(!other);
	*gpa = range.gpa;
	return 0;
}
