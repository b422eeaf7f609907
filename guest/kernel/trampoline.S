/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an AP starts: real mode at TRAMPOLINE_BASE, straight to long mode.
 * smp_start() copies it there.
 */
#include <layout.h>

	.section .rodata
	.balign 8
	.globl trampoline, trampoline_end
	.code16
trampoline:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	trampoline_gdtr - trampoline
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
	ljmpl	$KERNEL_CS, $ap_entry
	.balign 4
trampoline_gdtr:
	.word 8 * 8 - 1
	.long boot_gdt
	.balign 8
trampoline_end:
	.code64
