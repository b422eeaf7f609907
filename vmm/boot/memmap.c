/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map; see memmap.h. */
#include "boot/memmap.h"

#include "kvm/guest_mem.h"

static void add(struct memmap_entry *map, unsigned *nr, uint64_t gpa,
		uint64_t end_gpa, bool ram)
{
	if (end_gpa <= gpa)
		return;
	map[(*nr)++] = (struct memmap_entry){
		.gpa = gpa,
		.bytes = end_gpa - gpa,
		.ram = ram,
	};
}

unsigned memmap_build(uint64_t memory_bytes,
		      struct memmap_entry map[MEMMAP_ENTRIES_MAX])
{
	const struct guest_mem mem = {.size_bytes = memory_bytes};
	uint64_t low = guest_mem_low_bytes(&mem);
	uint64_t high = memory_bytes - low;
	unsigned nr = 0;

	add(map, &nr, 0, low < MEMMAP_LEGACY_GPA ? low : MEMMAP_LEGACY_GPA,
	    true);
	add(map, &nr, MEMMAP_LEGACY_GPA, MEMMAP_LEGACY_END_GPA, false);
	add(map, &nr, MEMMAP_LEGACY_END_GPA, low, true);
	add(map, &nr, MEMMAP_DEVICES_GPA, GUEST_MEM_HIGH_GPA, false);
	add(map, &nr, GUEST_MEM_HIGH_GPA, GUEST_MEM_HIGH_GPA + high, true);
	return nr;
}
