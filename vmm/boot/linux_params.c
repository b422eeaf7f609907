/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux is entered with; see linux_params.h. */
#include "boot/linux_params.h"

#include "boot/boot.h"
#include "boot/linux_setup.h"

#include <string.h>

#define TABLE_ENTRIES UINT64_C(512)
/* Page tables of 2 MiB pages, one for each GiB. */
#define TABLES 4u
#define TABLE_BYTES (TABLE_ENTRIES * sizeof(uint64_t))

#define PAGE_PRESENT_WRITABLE UINT64_C(0x3)
#define PAGE_LARGE UINT64_C(0x80)
#define LARGE_PAGE_SHIFT 21u

/* Flat, present, accessed: 64-bit code; data, read and write. */
#define GDT_CODE_64 UINT64_C(0x00af9b000000ffff)
#define GDT_DATA UINT64_C(0x00cf93000000ffff)

/* Places in the head. */
#define PML4_AT LINUX_PAGE_BYTES
#define PDPT_AT (PML4_AT + TABLE_BYTES)
#define TABLES_AT (PDPT_AT + TABLE_BYTES)
#define GDT_AT (TABLES_AT + TABLES * TABLE_BYTES)
#define HEAD_BYTES (GDT_AT + LINUX_GDT_BYTES)

static void put(uint8_t *page, size_t at, uint64_t value, size_t bytes)
{
	memcpy(page + at, &value, bytes);
}

static void write_memory_map(uint8_t *page, const struct boot_handover *handover)
{
	for (unsigned i = 0; i < handover->nr_map; i++) {
		const struct memmap_entry *entry = &handover->map[i];
		size_t at =
			LINUX_E820_TABLE + (size_t)i * LINUX_E820_ENTRY_BYTES;

		put(page, at, entry->gpa, 8);
		put(page, at + 8, entry->bytes, 8);
		put(page, at + 16, entry->type, 4);
	}
	put(page, LINUX_E820_COUNT, handover->nr_map, 1);
}

static void write_params(uint8_t *page, const struct boot_handover *handover)
{
	const struct kernel_image *kernel = handover->kernel;
	uint64_t initrd_gpa = handover->initrd.gpa;
	uint64_t initrd_bytes = handover->initrd.bytes;

	memcpy(page + LINUX_HEADER_AT, kernel->file.bytes + LINUX_HEADER_AT,
	       kernel->linux_setup.header_end - LINUX_HEADER_AT);
	put(page, LINUX_VIDEO_MODE, LINUX_VIDEO_NORMAL, 2);
	put(page, LINUX_LOADER_TYPE, LINUX_LOADER_UNKNOWN, 1);
	put(page, LINUX_RAMDISK_IMAGE, initrd_gpa, 4);
	put(page, LINUX_EXT_RAMDISK_IMAGE, initrd_gpa >> 32, 4);
	put(page, LINUX_RAMDISK_SIZE, initrd_bytes, 4);
	put(page, LINUX_EXT_RAMDISK_SIZE, initrd_bytes >> 32, 4);
	put(page, LINUX_CMDLINE, handover->cmdline_gpa, 4);
	put(page, LINUX_EXT_CMDLINE, handover->cmdline_gpa >> 32, 4);
	put(page, LINUX_SETUP_DATA,
	    handover->dtb.bytes ? handover->dtb.gpa - LINUX_SETUP_DATA_BYTES : 0,
	    8);
	put(page, LINUX_RSDP_AT, handover->rsdp_gpa, 8);
	write_memory_map(page, handover);
}

static void write_page_tables(uint8_t *head, uint64_t head_gpa)
{
	put(head, PML4_AT, (head_gpa + PDPT_AT) | PAGE_PRESENT_WRITABLE, 8);
	for (unsigned i = 0; i < TABLES; i++)
		put(head, PDPT_AT + (size_t)i * 8u,
		    (head_gpa + TABLES_AT + (size_t)i * TABLE_BYTES) |
			    PAGE_PRESENT_WRITABLE,
		    8);
	for (uint64_t i = 0; i < TABLES * TABLE_ENTRIES; i++)
		put(head, TABLES_AT + i * 8u,
		    i << LARGE_PAGE_SHIFT | PAGE_LARGE | PAGE_PRESENT_WRITABLE,
		    8);
}

static void write_block(const struct boot_handover *handover, void *dst)
{
	uint8_t *head = dst;

	write_params(head, handover);
	write_page_tables(head, handover->head_gpa);
	put(head, GDT_AT + LINUX_BOOT_CS, GDT_CODE_64, 8);
	put(head, GDT_AT + LINUX_BOOT_DS, GDT_DATA, 8);
	if (handover->dtb.bytes) {
		uint8_t *prefix = head +
				  (handover->dtb.gpa - handover->head_gpa) -
				  LINUX_SETUP_DATA_BYTES;

		put(prefix, 0, 0, 8); /* the last one */
		put(prefix, 8, LINUX_SETUP_DTB, 4);
		put(prefix, 12, handover->dtb.bytes, 4);
	}
}

static void set_registers(const struct boot_handover *handover,
			  struct boot_entry *entry)
{
	entry->rsi = handover->head_gpa;
	entry->cr3 = handover->head_gpa + PML4_AT;
	entry->gdt_gpa = handover->head_gpa + GDT_AT;
	entry->gdt_bytes = LINUX_GDT_BYTES;
	entry->cs = LINUX_BOOT_CS;
	entry->ds = LINUX_BOOT_DS;
}

const struct handover_ops linux_handover_ops = {
	.head_bytes = HEAD_BYTES,
	.dtb_prefix_bytes = LINUX_SETUP_DATA_BYTES,
	.write_block = write_block,
	.set_registers = set_registers,
};
