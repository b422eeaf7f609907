/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The guest's physical memory map. PVH and multiboot agree because both ask
 * here; the device tree says the same as RAM and reservations.
 *
 * Place in the flow: used by the loaders; its areas by the device tree too.
 *
 * Invariant: entries are sorted, do not overlap and are not empty.
 * Locking: none; a pure function.
 */
#ifndef DISVM_BOOT_MEMMAP_H
#define DISVM_BOOT_MEMMAP_H

#include <stdbool.h>
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

#define MEMMAP_ENTRIES_MAX 5u

/** @ram: usable; else reserved. */
struct memmap_entry {
	uint64_t gpa;
	uint64_t bytes;
	bool ram;
};

/**
 * memmap_build - describe a guest with @memory_bytes of RAM.
 * @memory_bytes: laid out as guest_mem.h says.
 *
 * Return: number of entries written.
 */
unsigned memmap_build(uint64_t memory_bytes,
		      struct memmap_entry map[MEMMAP_ENTRIES_MAX]);

#endif
