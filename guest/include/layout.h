/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where things lie in the guest's memory, for C, assembler and linker script.
 *
 * Place in the flow: the bottom of guest/; includes nothing.
 *
 * Invariant: everything below USER_BASE is the kernel's (one 2 MiB page
 * without the U bit), everything in the next 2 MiB belongs to ring 3. Memory
 * outside the image is written only after the boot information, which a loader
 * may have put anywhere, was consumed.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

/* Real-mode code of the APs; its page number is the SIPI vector. */
#define TRAMPOLINE_BASE 0x7000

/* Kernel data of vCPU 1 and up; vCPU 0's lies in the image. */
#define PERCPU_BASE 0x100000
#define PERCPU_SIZE 2048

/* So that the kernel's pages end where ring 3's begin: without a gap. */
#define KERNEL_BASE 0x1fb000
#define USER_BASE 0x200000
#define USER_LIMIT 0x400000

/* Read-only views of boot information for ring 3: pairs of 2 MiB pages. */
#define WINDOW_BASE 0x1000000
#define WINDOW_PAGE 0x200000
#define WINDOW_SLOT 8 /* first entry of the page directory */
#define WINDOW_PAIRS 4

#define MAX_VCPUS 256
#define MAX_VIRTIO 8

/* Offsets in struct percpu, checked in cpu.c. */
#define PERCPU_FRAME 0
#define PERCPU_USER_RSP 8
#define PERCPU_PENDING 16
#define PERCPU_EOI 24

/* Offsets in struct machine, checked in cpu.c. */
#define MACHINE_VCPUS 0
#define MACHINE_TIMER_MSR 8
#define MACHINE_ENTRY_TSC 40
#define MACHINE_INDEX_OF 48

/* Linux's selectors: a monitor may know them and run ring 3 faster. */
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x40
#define STAR_VALUE 0x0023001000000000

#define VECTOR_TIMER 0x20
#define VECTOR_IPI 0x21
#define VECTOR_SPURIOUS 0x2f

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_ID 0x802
#define MSR_X2APIC_EOI 0x80b
#define MSR_KVM_STEAL_TIME 0x4b564d03
#define MSR_KVM_PV_EOI 0x4b564d04
#define KVM_FEATURE_STEAL_TIME (1 << 5)
#define KVM_FEATURE_PV_EOI (1 << 6)
#define MSR_X2APIC_SVR 0x80f
#define MSR_X2APIC_ICR 0x830
#define MSR_X2APIC_LVT_TIMER 0x832
#define MSR_X2APIC_LVT_LINT0 0x835
#define MSR_X2APIC_TIMER_INITIAL 0x838
#define MSR_X2APIC_TIMER_CURRENT 0x839
#define MSR_X2APIC_TIMER_DIVIDE 0x83e
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_SFMASK 0xc0000084
#define MSR_GS_BASE 0xc0000101

#define EFER_SCE 0x1
#define EFER_LME 0x100
#define CR0_BITS 0x80010033 /* PG WP NE ET MP PE; caches on */
#define CR4_PAE 0x20

#endif
