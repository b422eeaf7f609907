/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map; see memmap.h. */
#include "boot/memmap.h"

#include "kvm/guest_mem.h"

struct memmap_writer {
	struct memmap_entry *map;
	unsigned nr;
	uint64_t acpi_gpa;
	uint64_t acpi_end_gpa;
};

static void add(struct memmap_writer *w, uint64_t gpa, uint64_t end_gpa,
		enum memmap_type type)
{
	if (end_gpa <= gpa)
		return;
	w->map[w->nr++] = (struct memmap_entry){
		.gpa = gpa,
		.bytes = end_gpa - gpa,
		.type = type,
	};
}

/* RAM, less the ACPI tables if they are in it. */
static void add_ram(struct memmap_writer *w, uint64_t gpa, uint64_t end_gpa)
{
	if (w->acpi_gpa < gpa || w->acpi_gpa >= end_gpa) {
		add(w, gpa, end_gpa, MEMMAP_RAM);
		return;
	}
	add(w, gpa, w->acpi_gpa, MEMMAP_RAM);
	add(w, w->acpi_gpa, w->acpi_end_gpa, MEMMAP_ACPI);
	add(w, w->acpi_end_gpa, end_gpa, MEMMAP_RAM);
}

unsigned memmap_build(uint64_t memory_bytes, uint64_t acpi_gpa,
		      uint64_t acpi_bytes,
		      struct memmap_entry map[MEMMAP_ENTRIES_MAX])
{
	const struct guest_mem mem = {.size_bytes = memory_bytes};
	uint64_t low = guest_mem_low_bytes(&mem);
	uint64_t high = memory_bytes - low;
	struct memmap_writer w = {
		.map = map,
		.acpi_gpa = acpi_bytes ? acpi_gpa : UINT64_MAX,
		.acpi_end_gpa = acpi_gpa + acpi_bytes,
	};

	add_ram(&w, 0, low < MEMMAP_LEGACY_GPA ? low : MEMMAP_LEGACY_GPA);
	add(&w, MEMMAP_LEGACY_GPA, MEMMAP_LEGACY_END_GPA, MEMMAP_RESERVED);
	add_ram(&w, MEMMAP_LEGACY_END_GPA, low);
	add(&w, MEMMAP_DEVICES_GPA, GUEST_MEM_HIGH_GPA, MEMMAP_RESERVED);
	add_ram(&w, GUEST_MEM_HIGH_GPA, GUEST_MEM_HIGH_GPA + high);
	return w.nr;
}
