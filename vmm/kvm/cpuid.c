/* SPDX-License-Identifier: Apache-2.0 */
/* Features of our guests; see cpuid.h. Leaves after SDM vol. 2A, CPUID, and AMD
 * APM vol. 3, appendix E. */
#include "kvm/cpuid.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/lapic.h"

#define LEAF_FEATURES 0x1u
#define LEAF_PERFORMANCE 0xau
#define LEAF_TOPOLOGY 0xbu
#define LEAF_TOPOLOGY_V2 0x1fu
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_KVM_FEATURES 0x40000001u
#define LEAF_TIMING 0x40000010u
#define LEAF_AMD_FEATURES 0x80000001u
#define LEAF_ADDRESS_SIZES 0x80000008u
#define LEAF_AMD_SVM 0x8000000au
#define LEAF_AMD_PERFORMANCE 0x80000022u
#define LEAF_AMD_TOPOLOGY_V2 0x80000026u

/* SDM vol. 3A, 4.1.4: without the leaf, with PAE. */
#define PHYS_BITS_PAE 36u

#define ECX_VMX (1u << 5)
#define ECX_PDCM (1u << 15)
#define ECX_X2APIC (1u << 21)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_HYPERVISOR (1u << 31)

#define AMD_ECX_SVM (1u << 2)
#define AMD_ECX_PERFCTR (1u << 23 | 1u << 24 | 1u << 28)

/*
 * What works without KVM's local APIC and its knowledge of when a vCPU runs:
 * KVM's clock; and what msr.c does in KVM's place. All else of KVM's hypercalls
 * and shared pages would lose interrupts, or TLB flushes (PV_TLB_FLUSH leaves
 * them in the page of steal time, which KVM does not look at here).
 */
#define KVM_FEATURES_OURS \
	(1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_CLOCKSOURCE2 | \
	 1u << KVM_FEATURE_NOP_IO_DELAY | \
	 1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT)
#define KVM_FEATURES_ADDED \
	(1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_STEAL_TIME)

static struct kvm_cpuid2 *allocate(void)
{
	struct kvm_cpuid2 *cpuid = calloc(
		1, sizeof(*cpuid) + KVM_CPUID_MAX * sizeof(cpuid->entries[0]));

	if (cpuid)
		cpuid->nent = KVM_CPUID_MAX;
	return cpuid;
}

/* A leaf that KVM reports as supported but empty tells a guest nothing. */
static bool empty(const struct kvm_cpuid_entry2 *e)
{
	return e->function != 0 && !e->eax && !e->ebx && !e->ecx && !e->edx;
}

/* Of interrupts that only KVM's local APIC could deliver. */
static bool counts_performance(uint32_t leaf)
{
	return leaf == LEAF_PERFORMANCE || leaf == LEAF_AMD_PERFORMANCE;
}

bool cpuid_keep(struct kvm_cpuid_entry2 *e, bool kernel_irqchip)
{
	if (empty(e) || (!kernel_irqchip && counts_performance(e->function)))
		return false;
	switch (e->function) {
	case LEAF_TOPOLOGY: /* per vCPU; the newer ones are not needed beside */
	case LEAF_TOPOLOGY_V2:
	case LEAF_AMD_TOPOLOGY_V2:
	case LEAF_TIMING: /* ours follows */
	case LEAF_AMD_SVM:
		return false;
	case LEAF_FEATURES:
		e->ecx &= ~(ECX_VMX | (kernel_irqchip ? 0u : ECX_PDCM));
		e->ecx |= ECX_X2APIC | ECX_TSC_DEADLINE | ECX_HYPERVISOR;
		return true;
	case LEAF_AMD_FEATURES:
		e->ecx &= ~(AMD_ECX_SVM |
			    (kernel_irqchip ? 0u : AMD_ECX_PERFCTR));
		return true;
	case LEAF_HYPERVISOR:
		if (e->eax < LEAF_TIMING)
			e->eax = LEAF_TIMING;
		return true;
	case LEAF_KVM_FEATURES:
		if (!kernel_irqchip)
			e->eax = (e->eax & KVM_FEATURES_OURS) |
				 KVM_FEATURES_ADDED;
		return true;
	default:
		return true;
	}
}

static uint32_t eax_of(const struct kvm_cpuid2 *cpuid, uint32_t leaf)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == leaf)
			return cpuid->entries[i].eax;
	return 0;
}

uint32_t cpuid_signature(const struct kvm_cpuid2 *cpuid)
{
	return eax_of(cpuid, LEAF_FEATURES);
}

uint32_t cpuid_phys_bits(const struct kvm_cpuid2 *cpuid)
{
	uint32_t bits = eax_of(cpuid, LEAF_ADDRESS_SIZES) & 0xffu;

	return bits ? bits : PHYS_BITS_PAE;
}

int cpuid_read(const struct kvm *kvm, bool kernel_irqchip,
	       struct kvm_cpuid2 **out)
{
	struct kvm_cpuid2 *all = allocate();
	struct kvm_cpuid2 *kept = allocate();
	int err = -ENOMEM;

	if (!all || !kept)
		goto err_free;
	err = kvm_ioctl(kvm->fd, KVM_GET_SUPPORTED_CPUID, all);
	if (err)
		goto err_free;
	kept->nent = 0;
	for (uint32_t i = 0; i < all->nent && kept->nent < KVM_CPUID_MAX - 1;
	     i++) {
		struct kvm_cpuid_entry2 e = all->entries[i];

		if (cpuid_keep(&e, kernel_irqchip))
			kept->entries[kept->nent++] = e;
	}
	kept->entries[kept->nent++] =
		(struct kvm_cpuid_entry2){.function = LEAF_TIMING,
					  .eax = kvm->tsc_khz,
					  .ebx = LAPIC_TIMER_KHZ};
	free(all);
	*out = kept;
	return 0;

err_free:
	free(all);
	free(kept);
	return err;
}

void kvm_cpuid_for(const struct kvm *kvm, uint32_t apic_id, unsigned ncpus,
		   struct kvm_cpuid2 *out)
{
	memcpy(out, kvm->cpuid,
	       sizeof(*out) + kvm->cpuid->nent * sizeof(out->entries[0]));
	cpuid_put_topology(out, apic_id, ncpus);
}
