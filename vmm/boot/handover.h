/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a guest is told at its entry, before it is put into the form of a boot
 * protocol.
 *
 * Place in the flow: filled by boot_load(), written by pvh.c, multiboot_info.c
 * or linux_params.c.
 *
 * Invariant: all addresses lie in the guest's RAM below 4 GiB.
 * Locking: none; lives on the stack of one boot_load().
 */
#ifndef DISVM_BOOT_HANDOVER_H
#define DISVM_BOOT_HANDOVER_H

#include "boot/memmap.h"

#include <stdint.h>

struct boot_entry;
struct kernel_image;

/* initrd, device tree */
#define HANDOVER_MODULES_MAX 2u
/* Longest name of a module with its NUL. */
#define HANDOVER_NAME_BYTES 8u

/** @name: shorter than HANDOVER_NAME_BYTES; the module's command line. */
struct handover_module {
	uint64_t gpa;
	uint64_t bytes;
	const char *name;
};

/**
 * @kernel: what is loaded.
 * @head_gpa: start of the boot data block and of the head of the protocol, on a
 *            page boundary.
 * @cmdline_gpa: NUL terminated text.
 * @rsdp_gpa: of the ACPI tables; 0 for none.
 * @dtb, @initrd: 0 bytes for none.
 * @modules: those of the two that there are, the initrd first.
 */
struct boot_handover {
	const struct kernel_image *kernel;
	uint64_t head_gpa;
	uint64_t cmdline_gpa;
	uint64_t rsdp_gpa;
	struct handover_module dtb;
	struct handover_module initrd;
	unsigned nr_modules;
	struct handover_module modules[HANDOVER_MODULES_MAX];
	unsigned nr_map;
	struct memmap_entry map[MEMMAP_ENTRIES_MAX];
};

/**
 * One boot protocol.
 * @head_bytes: size of its head, fixed.
 * @dtb_prefix_bytes: what it puts in front of a device tree, a multiple of 8.
 * @write_block: fill in head and prefix. @dst is host memory of the boot data
 *      block, which reads as zero, and may be unaligned. Cannot fail: the
 *      handover was checked.
 * @set_registers: what @entry has beside its protocol and RIP; the rest is 0.
 */
struct handover_ops {
	uint64_t head_bytes;
	uint64_t dtb_prefix_bytes;
	void (*write_block)(const struct boot_handover *handover, void *dst);
	void (*set_registers)(const struct boot_handover *handover,
			      struct boot_entry *entry);
};

#endif
