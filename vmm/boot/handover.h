/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a guest is told at its entry, before it is put into the form of a boot
 * protocol.
 *
 * Place in the flow: filled by boot_load(), written by pvh.c or
 * multiboot_info.c.
 *
 * Invariant: all addresses lie in the guest's RAM below 4 GiB.
 * Locking: none; lives on the stack of one boot_load().
 */
#ifndef DISVM_BOOT_HANDOVER_H
#define DISVM_BOOT_HANDOVER_H

#include "boot/memmap.h"

#include <stdint.h>

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
 * @head_gpa: where the head of the protocol goes; 8-aligned.
 * @cmdline_gpa: NUL terminated text.
 */
struct boot_handover {
	uint64_t head_gpa;
	uint64_t cmdline_gpa;
	unsigned nr_modules;
	struct handover_module modules[HANDOVER_MODULES_MAX];
	unsigned nr_map;
	struct memmap_entry map[MEMMAP_ENTRIES_MAX];
};

/**
 * One boot protocol.
 * @head_bytes: size of its head, fixed.
 * @rax: what the guest finds in EAX; EBX is the address of the head.
 * @write_head: fill @dst, host memory of @head_bytes at @handover->head_gpa.
 *              Cannot fail: the handover was checked. @dst may be unaligned.
 */
struct handover_ops {
	uint64_t head_bytes;
	uint64_t rax;
	void (*write_head)(const struct boot_handover *handover, void *dst);
};

#endif
