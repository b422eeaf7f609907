/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways between the rings: exceptions, interrupts, system calls, and the
 * IDT, which is a constant of the image.
 *
 * Invariants: ring 0 runs with interrupts off, but for the HLT of SYS_WAIT; so
 * an interrupt that finds us in ring 0 ends that system call. GS holds this
 * CPU's struct percpu in both rings (ring 3 does not use it), so there is no
 * SWAPGS. The frame for the way back to ring 3 always lies at the top of the
 * CPU's stack, whether SYSCALL code or an interrupt put it there.
 *
 * Instructions are counted here: a monitor that interprets ring 0 takes half a
 * microsecond for each. IRETQ, not SYSRET: it works everywhere.
 *
 * One KVM backend (kvm_pvm) executes SYSCALL in all but one point: it stays in
 * ring 3. The first fetch of syscall_entry, which is the kernel's page, then is
 * a page fault in ring 3, and that is taken as the system call it was.
 */
#include <layout.h>

	.set	base_low, KERNEL_BASE & 0xffff

	.section .traps, "ax"
	.globl traps_start
traps_start:

	.balign 8
	.globl syscall_entry
syscall_entry:
	mov	%rsp, %gs:PERCPU_USER_RSP
	mov	%gs:PERCPU_FRAME, %rsp
	add	$40, %rsp
	push	$USER_DS
	push	%gs:PERCPU_USER_RSP
	push	%r11
	push	$USER_CS
	push	%rcx
syscall_common:
	test	%eax, %eax
	jz	wait
	mov	%rax, %rcx
	sub	$8, %rsp
	call	kernel_syscall
	add	$8, %rsp
	iretq

wait:
	test	%rsi, %rsi
	jz	1f
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
	mov	$MSR_X2APIC_ICR, %ecx
	wrmsr
1:
	cmp	$-1, %rdi
	je	2f
	mov	%edi, %eax
	mov	%rdi, %rdx
	shr	$32, %rdx
	mov	machine + MACHINE_TIMER_MSR, %ecx
	wrmsr
2:
	cmpb	$0, %gs:PERCPU_PENDING
	jne	3f
	sti
	hlt
	cli		/* only if something else than an interrupt woke us */
3:
	movb	$0, %gs:PERCPU_PENDING
	mov	%gs:PERCPU_FRAME, %rsp
	iretq

/* Timer and IPI: all that matters is that one came. */
	.balign 8
interrupt:
	testb	$3, 8(%rsp)
	jnz	2f
	btrl	$0, %gs:PERCPU_EOI
	jc	1f
	mov	$MSR_X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
1:
	mov	%gs:PERCPU_FRAME, %rsp
	iretq
2:
	movb	$1, %gs:PERCPU_PENDING
	btrl	$0, %gs:PERCPU_EOI
	jc	spurious
	push	%rax
	push	%rcx
	push	%rdx
	mov	$MSR_X2APIC_EOI, %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rdx
	pop	%rcx
	pop	%rax
spurious:
	iretq

/* Vectors 0 to 31: to kernel_exception(struct trap_frame *), no return. */
	.macro exception vector
	.balign 8
exception_\vector:
	/* The CPU pushes an error code for these; put 0 for the others. */
	.if (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || \
	    (\vector == 17) || (\vector == 21) || (\vector == 29) || \
	    (\vector == 30)
	.else
	push	$0
	.endif
	push	$\vector
	jmp	exception_common
	.endm

	.altmacro	/* for the %i below */
	.set	i, 0
	.rept	32
	.if i != 14
	exception %i
	.endif
	.set	i, i + 1
	.endr

	/* Error code, then rip: SYSCALL left its own in rcx, the flags in r11. */
	.balign 8
exception_14:
	cmpq	$syscall_entry, 8(%rsp)
	je	syscall_by_fault
	push	$14
	jmp	exception_common
syscall_by_fault:
	add	$8, %rsp
	mov	%rcx, (%rsp)
	mov	%r11, 16(%rsp)
	jmp	syscall_common

exception_common:
	mov	%rsp, %rdi
	and	$-16, %rsp
	call	kernel_exception
	ud2

	/*
	 * One gate. The kernel starts with this section (checked by the linker
	 * script), so both halves of the address are known here.
	 */
	.macro gate handler
	.word \handler - traps_start + base_low
	.word KERNEL_CS
	.word 0x8e00
	.word KERNEL_BASE >> 16
	.quad 0
	.endm

	.macro exception_gate vector
	gate exception_\vector
	.endm

	.section .rodata
	.balign 16
idt:
	.set	i, 0
	.rept	32
	exception_gate %i
	.set	i, i + 1
	.endr
	gate	interrupt	/* VECTOR_TIMER */
	gate	interrupt	/* VECTOR_IPI */
	.rept	VECTOR_SPURIOUS - VECTOR_IPI
	gate	spurious
	.endr
	.globl idtr
idtr:
	.word . - idt - 1
	.quad idt

/* void enter_user(entry, rsp, arg0, arg1): start ring 3, interrupts on. */
	.text
	.globl enter_user
enter_user:
	push	$USER_DS
	push	%rsi
	push	$0x202
	push	$USER_CS
	push	%rdi
	mov	%edx, %edi
	mov	%ecx, %esi
	iretq
