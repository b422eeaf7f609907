/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The guest's physical memory map. All boot protocols agree because they ask
 * here; the device tree says the same as RAM and reservations.
 *
 * Place in the flow: used by the loaders; its areas by the device tree too.
 *
 * Invariant: entries are sorted, do not overlap and are not empty.
 * Locking: none; a pure function.
 */
#ifndef DISVM_BOOT_MEMMAP_H
#define DISVM_BOOT_MEMMAP_H

#include <stdint.h>

/*
 * 640 KiB to 1 MiB stays reserved, although RAM lies there: operating systems
 * take it for the video and firmware area of a PC and use it for neither code
 * nor data, and firmware will want it.
 */
#define MEMMAP_LEGACY_GPA UINT64_C(0xa0000)
#define MEMMAP_LEGACY_END_GPA UINT64_C(0x100000)

/* I/O APIC, local APIC and a firmware ROM: 20 MiB below 4 GiB. */
#define MEMMAP_DEVICES_GPA UINT64_C(0xfec00000)

#define MEMMAP_ENTRIES_MAX 7u

/** The numbers are those of E820, PVH and multiboot alike. */
enum memmap_type {
	MEMMAP_RAM = 1,
	MEMMAP_RESERVED = 2,
	MEMMAP_ACPI = 3, /**< RAM, once the tables in it were read */
};

struct memmap_entry {
	uint64_t gpa;
	uint64_t bytes;
	enum memmap_type type;
};

/**
 * memmap_build - describe a guest with @memory_bytes of RAM.
 * @memory_bytes: laid out as guest_mem.h says.
 * @acpi_gpa, @acpi_bytes: what becomes MEMMAP_ACPI, within the RAM below 3 GiB
 *        and outside the legacy area; 0 bytes for none.
 *
 * Return: number of entries written.
 */
unsigned memmap_build(uint64_t memory_bytes, uint64_t acpi_gpa,
		      uint64_t acpi_bytes,
		      struct memmap_entry map[MEMMAP_ENTRIES_MAX]);

#endif
