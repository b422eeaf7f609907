/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of the guest: exceptions, none of which is expected, and exit.
 */
#include <kernel.h>

/* Every way out that there may be; the last one is to stand still. */
_Noreturn void kernel_exit(uint32_t code)
{
	if (machine.hypercall_port) {
		out32(machine.hypercall_port + DISVM_HC_ARG0, code);
		out32(machine.hypercall_port + DISVM_HC_CALL, DISVM_CALL_EXIT);
	}
	out8(DISVM_DEBUG_EXIT_PORT, (uint8_t)code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void kernel_exception(const struct trap_frame *frame)
{
	bool user = frame->cs & 3;
	uint32_t index;
	uint64_t cr2;

	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	__asm__ volatile("mov %%gs:%c1, %0"
			 : "=r"(index)
			 : "i"(offsetof(struct percpu, index)));
	if (!user)
		serial_break_lock();
	serial_print(user ? "guest fault vcpu 0x% vector 0x% error 0x% "
			    "rip 0x% cr2 0x%\n"
			  : "guest panic vcpu 0x% vector 0x% error 0x% "
			    "rip 0x% cr2 0x%\n",
		     (const uint64_t[]){index, frame->vector, frame->error,
					frame->rip, cr2});
	kernel_exit(user ? EXIT_FAULT : EXIT_PANIC);
}
