/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What ring 0 and ring 3 of the guest share: the machine's description, the
 * tasks, and the system calls.
 *
 * Place in the flow: ring 3 (user/init.c) fills the description in, because
 * some monitors run ring 3 natively and interpret ring 0; ring 0 only uses it.
 *
 * Invariant: ring 3 is trusted. The rings are there to be exercised and to
 * catch mistakes, not to keep a hostile program in.
 * Locking: written by vCPU 0 before SYS_START, read-only after that.
 */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <disvm/guest_abi.h>
#include <layout.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Value of machine.index_of for an APIC that is not to be used. */
#define NO_INDEX 0xffffu

/**
 * @vcpus:          how many there are; index 0 boots.
 * @hypercall_port: 0 without the device.
 * @broadcast:      start all APs at once; without a device tree.
 * @serial_fifo:    nobody wants to read the serial line; use its FIFO.
 * @timer_msr:      set by ring 0: MSR_TSC_DEADLINE, or
 *                  MSR_X2APIC_TIMER_INITIAL for one-shot counts.
 * @kvm_features: set by ring 0: KVM_FEATURE_*, of CPUID leaf 0x40000001.
 * @apic_hz:        frequency of one-shot counts.
 * @memory_end:     first address behind the RAM; 0 = unknown.
 * @entry_tsc:      when the first instruction ran.
 * @index_of:       vCPU index by APIC ID.
 * @virtio_gpa:     registers of the first @virtio_devices virtio devices.
 */
struct machine {
	uint32_t vcpus;
	uint16_t hypercall_port;
	bool broadcast;
	bool serial_fifo;
	uint32_t timer_msr;
	uint64_t tsc_hz;
	uint64_t apic_hz;
	uint64_t memory_end;
	uint64_t entry_tsc;
	uint16_t index_of[MAX_VCPUS];
	uint32_t kvm_features;
	uint32_t virtio_devices;
	uint64_t virtio_gpa[MAX_VIRTIO];
};

extern struct machine machine;

/**
 * One vCPU's page in ring 3: its report, then its stack, which must never
 * grow into the canary.
 */
struct user_page {
	struct disvm_guest_report report;
	uint64_t canary;
	uint8_t stack[4096 - sizeof(struct disvm_guest_report) - 8];
};

_Static_assert(sizeof(struct user_page) == 4096, "one page");

#define USER_CANARY UINT64_C(0x5ac4f1ce0ddba11)

extern struct user_page user_pages[]; /* linker script: behind the image */

/** APIC ID of each vCPU, by index. */
extern uint32_t apic_id_of[MAX_VCPUS];

/* What the loader left in eax (user_init's first argument). */
#define BOOT_OTHER 0u
#define BOOT_MULTIBOOT 1u

/* Where ring 3 starts: on vCPU 0, and on the others. */
void user_init(uint32_t boot, uint32_t info_gpa);
void user_main(uint32_t index);

/*
 * System calls: number in rax, arguments in rdi, rsi, rdx; result in rax.
 * Everything but rbx, rbp and r12 to r15 is lost.
 */

/**
 * Halt until an interrupt. Returns at once if one came since the last wait, so
 * that a condition checked before the call is never slept over.
 * arg0: value for the timer MSR (0 disarms it), or WAIT_KEEP.
 * arg1: value for the interrupt command register to write first; 0 = none.
 */
#define SYS_WAIT 0u
#define WAIT_KEEP UINT64_MAX
/** Write arg1 bytes at arg0 to the serial line. */
#define SYS_WRITE 1u
/** Read up to arg1 bytes to arg0 from the serial line; returns how many. */
#define SYS_READ 2u
/** End the guest with code arg0. */
#define SYS_EXIT 3u
/** Register the report of vCPU 0, start the others. */
#define SYS_START 4u
/**
 * View of physical address arg0, at least 2 MiB long; 0 = no view left. arg1: 1 =
 * to be written as well.
 */
#define SYS_MAP 5u
/** Port arg0, width arg1 in bytes: write arg2, or read and return it. */
#define SYS_OUT 6u
#define SYS_IN 7u
/** MSR arg0: write arg1, or read and return it. */
#define SYS_WRMSR 8u
#define SYS_RDMSR 9u
/** Harm ourselves: FAULT_* in arg0. Does not return. */
#define SYS_FAULT 10u
#define FAULT_TRIPLE 0u
#define FAULT_JUMP 1u

/* Exit codes of the guest. */
#define EXIT_USAGE 2   /**< bad command line, too little memory */
#define EXIT_MACHINE 3 /**< something that we need is missing */
#define EXIT_PANIC 13  /**< exception in ring 0 */
#define EXIT_FAULT 14  /**< exception in ring 3 */

#endif
