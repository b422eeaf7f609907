/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls beside SYS_WAIT, which is in traps.S. Mechanism only: what
 * they are used for is decided in ring 3.
 */
#include <kernel.h>

/* A view of 4 MiB from the 2 MiB page of @gpa on; the first pair is entry.S's. */
static uint64_t map_view(uint64_t gpa, uint64_t writable)
{
	static unsigned used = 1;
	uint64_t page = gpa & ~(uint64_t)(WINDOW_PAGE - 1);
	unsigned slot = WINDOW_SLOT + 2 * used;

	if (used == WINDOW_PAIRS)
		return 0;
	used++;
	page |= writable << 1 | 0x85;
	page_directory[slot] = page;
	page_directory[slot + 1] = page + WINDOW_PAGE;
	return (uint64_t)slot * WINDOW_PAGE + gpa % WINDOW_PAGE;
}

static void port_out(uint16_t port, uint64_t width, uint32_t value)
{
	if (width == 1)
		out8(port, (uint8_t)value);
	else if (width == 2)
		__asm__ volatile("outw %w0, %1" ::"a"(value), "Nd"(port));
	else
		out32(port, value);
}

/* Without a usable IDT the first exception becomes a triple fault. */
static _Noreturn void self_harm(uint64_t how)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt;

	__asm__ volatile("lidt %0" ::"m"(no_idt));
	if (how == FAULT_JUMP)
		__asm__ volatile("jmp *%0" ::"r"(UINT64_C(0xffff800000000000)));
	__asm__ volatile("ud2");
	__builtin_unreachable();
}

uint64_t kernel_syscall(uint64_t arg0, uint64_t arg1, uint64_t arg2,
			uint32_t number)
{
	switch (number) {
	case SYS_WRITE:
		serial_write((const char *)arg0, arg1);
		return 0;
	case SYS_READ:
		return serial_read((char *)arg0, arg1);
	case SYS_EXIT:
		kernel_exit((uint32_t)arg0);
	case SYS_START:
		smp_start();
		return 0;
	case SYS_MAP:
		return map_view(arg0, arg1);
	case SYS_OUT:
		port_out((uint16_t)arg0, arg1, (uint32_t)arg2);
		return 0;
	case SYS_IN:
		return arg1 == 1 ? in8((uint16_t)arg0) : in32((uint16_t)arg0);
	case SYS_WRMSR:
		wrmsr((uint32_t)arg0, arg1);
		return 0;
	case SYS_RDMSR:
		return rdmsr((uint32_t)arg0);
	case SYS_FAULT:
		self_harm(arg0);
	default:
		serial_print("guest: unknown system call 0x%\n",
			     (const uint64_t[]){number});
		kernel_exit(EXIT_PANIC);
	}
}
