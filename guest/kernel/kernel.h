/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The kernel's own interfaces, one line each; ring 0 only.
 *
 * Place in the flow: entry.S -> kernel_main() -> ring 3 -> kernel_syscall().
 *
 * Locking: none but the serial line's; each CPU touches its own struct percpu.
 */
#ifndef GUEST_KERNEL_H
#define GUEST_KERNEL_H

#include <machine.h>

struct tss {
	uint32_t reserved0;
	uint64_t rsp0;
	uint8_t unused[90]; /* never read: no other stacks in use */
	uint16_t iomap_base;
} __attribute__((packed));

/**
 * What ring 0 keeps for one CPU, with its stack in the same page half. Not
 * zeroed: cpu_init() sets what is used.
 *
 * @frame:   where the way back to ring 3 lies: 40 bytes below the stack's top.
 * @eoi:     bit 0: the host says that the end of this interrupt is all there is to
 *           do; clearing it ends the interrupt (KVM's MSR_KVM_PV_EOI_EN).
 * @pending: an interrupt came since the last SYS_WAIT.
 */
struct percpu {
	uint64_t frame;
	uint64_t user_rsp;
	uint32_t pending;
	uint32_t index;
	uint32_t eoi;
	uint64_t gdt[10];
	struct tss tss;
	uint8_t stack[PERCPU_SIZE - 216] __attribute__((aligned(8)));
};

_Static_assert(sizeof(struct percpu) == PERCPU_SIZE, "stack ends the struct");

/* What the CPU and the exception stubs push. */
struct trap_frame {
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* entry.S, traps.S, trampoline.S */
extern const uint64_t boot_gdt[7];
extern uint64_t page_directory[512];
extern const char trampoline[], trampoline_end[];
extern struct percpu bsp_percpu;
void syscall_entry(void);
_Noreturn void enter_user(uintptr_t rip, uintptr_t rsp, uint32_t arg0,
			  uint32_t arg1);

/* main.c: first C code of each CPU. */
_Noreturn void kernel_main(uint32_t boot, uint32_t info_gpa);
_Noreturn void kernel_ap_main(uint32_t index);

/* cpu.c */
void cpu_init(struct percpu *cpu, uint32_t index);
struct percpu *percpu_of(uint32_t index);
void apic_init(struct percpu *cpu);

/* smp.c */
void smp_start(void);
void report_register(uint32_t index);

/* syscall.c */
uint64_t kernel_syscall(uint64_t arg0, uint64_t arg1, uint64_t arg2,
			uint32_t number);

/* exception.c */
_Noreturn void kernel_exception(const struct trap_frame *frame);
_Noreturn void kernel_exit(uint32_t code);

/* serial.c: COM1. */
void serial_write(const char *text, uint64_t bytes);
uint64_t serial_read(char *buf, uint64_t bytes);
/** For a panic, which may have come while this CPU was writing. */
void serial_break_lock(void);
/** Each "%" in @text takes one of @values, as hexadecimal. */
void serial_print(const char *text, const uint64_t *values);

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value),
			 "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

#endif
