/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First C code of each CPU: make it ours, then leave for ring 3, where
 * everything else is decided.
 */
#include <kernel.h>

#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

/* KVM's leaves: the signature "KVMKVMKVM", then features. */
static uint32_t kvm_features(void)
{
	uint32_t eax = 0x40000000, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (eax < 0x40000001 || ebx != 0x4b4d564b || ecx != 0x564b4d56 ||
	    edx != 0x4d)
		return 0;
	eax = 0x40000001;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return eax;
}

static void cpu_check(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (!(ecx & CPUID_1_ECX_X2APIC)) {
		serial_print("guest: this CPU has no x2APIC\n", NULL);
		kernel_exit(EXIT_MACHINE);
	}
	machine.kvm_features = kvm_features();
	machine.timer_msr = ecx & CPUID_1_ECX_TSC_DEADLINE
				    ? MSR_TSC_DEADLINE
				    : MSR_X2APIC_TIMER_INITIAL;
}

_Noreturn void kernel_main(uint32_t boot, uint32_t info_gpa)
{
	cpu_init(&bsp_percpu, 0);
	cpu_check();
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	wrmsr(MSR_X2APIC_LVT_LINT0, 0x10000);
	apic_init(&bsp_percpu);
	enter_user((uintptr_t)user_init, (uintptr_t)&user_pages[1] - 8, boot,
		   info_gpa);
}

_Noreturn void kernel_ap_main(uint32_t index)
{
	struct percpu *cpu = percpu_of(index);

	cpu_init(cpu, index);
	apic_init(cpu);
	report_register(index);
	enter_user((uintptr_t)user_main, (uintptr_t)&user_pages[index + 1] - 8,
		   index, 0);
}
