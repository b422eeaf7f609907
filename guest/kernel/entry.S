/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way in: PVH note, multiboot header, 32-bit entry, long mode; and the
 * page tables, which are constants of the image.
 *
 * Both protocols enter in flat 32-bit protected mode without paging: multiboot
 * with its magic in eax, PVH (Xen's x86/HVM direct boot ABI) with the address
 * of hvm_start_info in ebx. So one entry serves both.
 */
#include <layout.h>

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_LOADER_MAGIC 0x2badb002
/* Modules on pages, memory size wanted, address fields (we are ELF64). */
#define MULTIBOOT_FLAGS 0x00010003

#ifndef NO_PVH
	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad start
#endif

#ifndef NO_MULTIBOOT
	.section .multiboot, "a"
	.balign 4
multiboot:
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)
	.long multiboot
	.long KERNEL_BASE
	.long image_load_end
	.long image_bss_end
	.long start
#endif

	.text
	.code32
	.globl start
start:
	cli
	cld
	xor	%ebp, %ebp	/* BOOT_OTHER */
	cmp	$MULTIBOOT_LOADER_MAGIC, %eax
	jne	1f
	inc	%ebp		/* BOOT_MULTIBOOT */
1:
	rdtsc
	mov	%eax, machine + MACHINE_ENTRY_TSC
	mov	%edx, machine + MACHINE_ENTRY_TSC + 4
	/* The first view: the boot information, read-only for ring 3. */
	mov	%ebx, %eax
	and	$~(WINDOW_PAGE - 1), %eax
	or	$0x85, %eax
	mov	%eax, page_directory + 8 * WINDOW_SLOT
	add	$WINDOW_PAGE, %eax
	mov	%eax, page_directory + 8 * WINDOW_SLOT + 8

	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	mov	$(EFER_LME | EFER_SCE), %eax
	xor	%edx, %edx
	wrmsr
	mov	$CR0_BITS, %eax
	mov	%eax, %cr0
	lgdt	boot_gdtr
	ljmp	$KERNEL_CS, $1f

	.code64
1:
	mov	$(bsp_percpu + PERCPU_SIZE), %esp
	mov	%ebp, %edi
	mov	%ebx, %esi
	xor	%ebp, %ebp
	call	kernel_main
	ud2

/* APs arrive here from the trampoline, without a stack. */
	.globl ap_entry
ap_entry:
	/* x2APIC on: IDs beyond 8 bits, and no MMIO. */
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$MSR_X2APIC_ID, %ecx
	rdmsr
	cmp	$MAX_VCPUS, %eax
	jae	park
	movzwl	machine + MACHINE_INDEX_OF(, %rax, 2), %edi
	cmp	machine + MACHINE_VCPUS, %edi
	jae	park
	mov	%edi, %eax
	imul	$PERCPU_SIZE, %eax, %eax
	lea	PERCPU_BASE + PERCPU_SIZE(%rax), %rsp
	call	kernel_ap_main
	ud2
park:
	cli
	hlt
	jmp	park

	.section .rodata
	.balign 8
	.globl boot_gdt
boot_gdt:	/* accessed bits set, so that the CPU never writes here */
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff	/* KERNEL_CS */
	.quad 0x00cf93000000ffff	/* KERNEL_DS */
	.quad 0
	.quad 0x00cff3000000ffff	/* USER_DS */
	.quad 0x00affb000000ffff	/* USER_CS */
	.globl boot_gdtr
boot_gdtr:
	.word . - boot_gdt - 1
	.quad boot_gdt

	.section .page_tables, "aw"
	.balign 4096
pml4:
	.globl pml4
	.quad page_directory_pointers + 7
	.balign 4096
page_directory_pointers:
	.quad page_directory + 7
	.balign 4096
	.globl page_directory
page_directory:
	.quad 0x83			/* the kernel's */
	.quad USER_BASE + 0x87		/* ring 3's */
	.balign 4096
