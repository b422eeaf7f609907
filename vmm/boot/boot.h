/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Loading of a guest: kernel, initrd, device tree, command line.
 *
 * Place in the flow: kernel_image_open() and dtb_build() once for a kind of
 * VM, boot_load() for each VM, then the KVM layer sets the boot vCPU's
 * registers from struct boot_entry.
 *
 * Invariant: everything is checked before the first byte of guest memory is
 * written; a refused guest's memory is as it was.
 * Locking: none. The source is only read: any number of threads may load from
 * the same one into different guests.
 */
#ifndef DISVM_BOOT_BOOT_H
#define DISVM_BOOT_BOOT_H

#include "boot/acpi.h"
#include "boot/kernel_image.h"
#include "kvm/guest_mem.h"

/** Longest command line with its NUL. */
#define BOOT_CMDLINE_MAX_BYTES UINT64_C(65536)

/** The area that kernels scan for the RSDP (ACPI 6.5, 5.2.5.1), up to 1 MiB. */
#define BOOT_SCAN_GPA UINT64_C(0xe0000)

/** Where a PC begins after a reset, if it is entered in real mode. */
#define BOOT_RESET_GPA UINT64_C(0xffff0)

/**
 * @kernel: an open image.
 * @initrd: @initrd_bytes of them; NULL and 0 for none. Module 0 if there is one.
 * @cmdline: NULL is "".
 * @dtb: blob of dtb_build(), @dtb_bytes; NULL and 0 for none. The last module,
 *       its command line DISVM_DTB_MODULE; setup_data for a bzImage.
 * @acpi: what ACPI tables say; NULL for none.
 */
struct boot_source {
	const struct kernel_image *kernel;
	const void *initrd;
	uint64_t initrd_bytes;
	const char *cmdline;
	const void *dtb;
	uint64_t dtb_bytes;
	const struct acpi_source *acpi;
};

/**
 * How the boot vCPU starts. PVH and multiboot ask for the same machine state:
 *
 *   CR0 PE set, PG clear; CR4 and EFER 0; paging and interrupts off;
 *   CS 32-bit code, read and execute, base 0, limit 4 GiB; DS, ES, SS 32-bit
 *   data, read and write, base 0, limit 4 GiB; TR a busy 32-bit TSS, base 0,
 *   limit 0x67; RFLAGS 2; A20 open; no usable GDT, IDT or stack.
 *
 * BOOT_LINUX asks for long mode: CR0 PE and PG, CR4 PAE, EFER LME and LMA set,
 * page tables at CR3 that map the first 4 GiB one to one; interrupts off; a GDT
 * with a flat 64-bit code segment @cs and a flat data segment @ds, loaded; TR as
 * above.
 *
 * All addresses below 4 GiB; the other general registers are 0.
 * @cr3, @gdt_gpa, @gdt_bytes, @cs, @ds: BOOT_LINUX only.
 */
struct boot_entry {
	enum boot_protocol protocol;
	uint64_t rip;
	uint64_t rbx;
	uint64_t rax;
	uint64_t rsi;
	uint64_t cr3;
	uint64_t gdt_gpa;
	uint16_t gdt_bytes;
	uint16_t cs;
	uint16_t ds;
};

/**
 * boot_load - put a kernel and what it is told into a guest's memory.
 * @src: see above.
 * @mem: reads as zero everywhere (fresh anonymous memory, or scrubbed): the
 *       kernel's BSS is part of the contract and is not touched, so that a
 *       guest costs only the pages that have contents.
 * @out: written on success only.
 * @err: one line that names the kernel file and the segment or part.
 *
 * Boot data (start info, command line, device tree, ACPI tables) goes below
 * BOOT_RESET_GPA, as near as page boundaries allow, so that it is found by the
 * scan for the RSDP. What is too large for that goes to the top of the first GiB
 * of RAM; with ACPI tables its pages are MEMMAP_ACPI then, and a copy of the RSDP
 * lies at BOOT_SCAN_GPA. At BOOT_RESET_GPA there are some instructions that reset
 * the machine by its reset register: Linux goes there to reboot. An initrd goes
 * to the top of the RAM below 3 GiB, or as high as a bzImage allows.
 *
 * Return: 0; -EINVAL for a segment outside RAM, overlapping another or an area
 * of the loader, or a command line that is too long; -ENOMEM when boot data or
 * initrd do not fit into the guest's memory.
 */
int boot_load(const struct boot_source *src, const struct guest_mem *mem,
	      struct boot_entry *out, char *err, size_t err_size);

#endif
