/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the other CPUs, all at the same time: INIT and SIPI to everyone,
 * then each sets itself up (SDM vol. 3, "MP initialization"; virtual CPUs need
 * none of the waiting times). And registering each one's report.
 */
#include <kernel.h>

#define ICR_INIT 0x4500
#define ICR_STARTUP (0x4600 | TRAMPOLINE_BASE >> 12)
#define ICR_ALL_BUT_SELF 0xc0000

/* Before ring 3 has filled it in: its magic tells the host when it is valid. */
void report_register(uint32_t index)
{
	uint16_t port = machine.hypercall_port;

	if (!port)
		return;
	out32(port + DISVM_HC_ARG0, (uint32_t)(uintptr_t)&user_pages[index]);
	out32(port + DISVM_HC_CALL, DISVM_CALL_REPORT);
}

static void send_to_aps(uint32_t command)
{
	if (machine.broadcast) {
		wrmsr(MSR_X2APIC_ICR, ICR_ALL_BUT_SELF | command);
		return;
	}
	for (uint32_t i = 1; i < machine.vcpus; i++)
		wrmsr(MSR_X2APIC_ICR, (uint64_t)apic_id_of[i] << 32 | command);
}

void smp_start(void)
{
	char *to = (char *)TRAMPOLINE_BASE;
	const char *from = trampoline;
	uint64_t bytes = (uint64_t)(trampoline_end - trampoline);

	report_register(0);
	if (machine.vcpus == 1)
		return;
	__asm__ volatile("rep movsb"
			 : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
	send_to_aps(ICR_INIT);
	send_to_aps(ICR_STARTUP);
}
