/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU's own registers: segments, task state, system-call entry, local APIC.
 * Runs once on each, with 256 of them at the same time: keep it short.
 */
#include <kernel.h>

_Static_assert(offsetof(struct percpu, frame) == PERCPU_FRAME, "traps.S");
_Static_assert(offsetof(struct percpu, user_rsp) == PERCPU_USER_RSP, "traps.S");
_Static_assert(offsetof(struct percpu, pending) == PERCPU_PENDING, "traps.S");
_Static_assert(offsetof(struct percpu, eoi) == PERCPU_EOI, "traps.S");
_Static_assert(offsetof(struct machine, vcpus) == MACHINE_VCPUS, "entry.S");
_Static_assert(offsetof(struct machine, timer_msr) == MACHINE_TIMER_MSR,
	       "traps.S");
_Static_assert(offsetof(struct machine, entry_tsc) == MACHINE_ENTRY_TSC,
	       "entry.S");
_Static_assert(offsetof(struct machine, index_of) == MACHINE_INDEX_OF,
	       "entry.S");

struct percpu bsp_percpu __attribute__((aligned(16)));

struct percpu *percpu_of(uint32_t index)
{
	if (index == 0)
		return &bsp_percpu;
	return (struct percpu *)(uintptr_t)(PERCPU_BASE + index * PERCPU_SIZE);
}

static void load_tables(struct percpu *cpu)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed))
	gdtr = {sizeof(cpu->gdt) - 1, (uintptr_t)cpu->gdt};
	uint64_t tss = (uintptr_t)&cpu->tss;

	for (unsigned i = 0; i < 7; i++)
		cpu->gdt[i] = boot_gdt[i];
	/* Available 64-bit TSS; we live below 16 MiB, so base 31:24 is 0. */
	cpu->gdt[8] = UINT64_C(0x0000890000000000) | tss << 16 |
		      (sizeof(cpu->tss) - 1);
	cpu->gdt[9] = 0;
	cpu->tss.rsp0 = (uintptr_t)(cpu + 1);
	cpu->tss.iomap_base = sizeof(cpu->tss);

	/*
	 * Null in GS above all: IRETQ to ring 3 would clear the base of a
	 * segment that ring 3 may not use.
	 */
	__asm__ volatile("lgdt %0\n\t"
			 "lidt idtr\n\t"
			 "ltr %w1\n\t"
			 "mov %w2, %%ss\n\t"
			 "mov %w3, %%ds\n\t"
			 "mov %w3, %%es\n\t"
			 "mov %w3, %%fs\n\t"
			 "mov %w3, %%gs"
			 :
			 : "m"(gdtr), "r"(TSS_SELECTOR), "r"(KERNEL_DS), "r"(0)
			 : "memory");
}

void cpu_init(struct percpu *cpu, uint32_t index)
{
	cpu->frame = (uintptr_t)(cpu + 1) - 40;
	cpu->pending = 0;
	cpu->eoi = 0;
	cpu->index = index;
	load_tables(cpu);
	wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
	wrmsr(MSR_STAR, STAR_VALUE);
	wrmsr(MSR_LSTAR, (uintptr_t)syscall_entry);
	/* IF, DF and TF are off in ring 0. */
	wrmsr(MSR_SFMASK, 0x700);
}

/* x2APIC mode is on. The BSP's LINT0 carries the 8259's interrupts: not ours. */
void apic_init(struct percpu *cpu)
{
	bool deadline = machine.timer_msr == MSR_TSC_DEADLINE;

	wrmsr(MSR_X2APIC_SVR, 0x100 | VECTOR_SPURIOUS);
	if (!deadline)
		wrmsr(MSR_X2APIC_TIMER_DIVIDE, 0xb); /* by 1 */
	wrmsr(MSR_X2APIC_LVT_TIMER, (deadline ? 0x40000 : 0) | VECTOR_TIMER);
	if (machine.kvm_features & KVM_FEATURE_PV_EOI)
		wrmsr(MSR_KVM_PV_EOI, (uintptr_t)&cpu->eoi | 1);
}
