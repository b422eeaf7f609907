/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID of our guests; see cpuid.h. Leaves after SDM vol. 2A, CPUID. */
#include "kvm/cpuid.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dev/lapic.h"

#define LEAF_FEATURES 0x1u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_KVM_FEATURES 0x40000001u
#define LEAF_TIMING 0x40000010u

#define ECX_X2APIC (1u << 21)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_HYPERVISOR (1u << 31)
#define EDX_HTT (1u << 28)

/*
 * Hypercalls and shared pages behind which there is KVM's own local APIC: a
 * guest that relied on them would lose interrupts.
 */
#define KVM_FEATURES_OF_LAPIC \
	(1u << KVM_FEATURE_ASYNC_PF | 1u << KVM_FEATURE_PV_UNHALT | \
	 1u << KVM_FEATURE_ASYNC_PF_VMEXIT | 1u << KVM_FEATURE_PV_SEND_IPI | \
	 1u << KVM_FEATURE_PV_SCHED_YIELD | 1u << KVM_FEATURE_ASYNC_PF_INT)

/* msr.c does these in their place. */
#define FEATURES_OF_OURS \
	(1u << KVM_FEATURE_PV_EOI | 1u << KVM_FEATURE_STEAL_TIME)

#define TOPOLOGY_SMT (1u << 8)
#define TOPOLOGY_CORE (2u << 8)

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

static void append(struct kvm_cpuid2 *cpuid, const struct kvm_cpuid_entry2 *e)
{
	if (cpuid->nent < KVM_CPUID_MAX)
		cpuid->entries[cpuid->nent++] = *e;
}

/* Our own version of the leaf follows: topology is per vCPU, timing ours. */
static bool replaced(const struct kvm_cpuid_entry2 *e)
{
	return e->function == LEAF_TOPOLOGY || e->function == LEAF_TIMING;
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
	for (uint32_t i = 0; i < all->nent; i++) {
		struct kvm_cpuid_entry2 e = all->entries[i];

		if (empty(&e) || replaced(&e))
			continue;
		if (e.function == LEAF_FEATURES)
			e.ecx |= ECX_X2APIC | ECX_TSC_DEADLINE | ECX_HYPERVISOR;
		if (e.function == LEAF_HYPERVISOR && e.eax < LEAF_TIMING)
			e.eax = LEAF_TIMING;
		if (e.function == LEAF_KVM_FEATURES && !kernel_irqchip)
			e.eax = (e.eax & ~KVM_FEATURES_OF_LAPIC) |
				FEATURES_OF_OURS;
		append(kept, &e);
	}
	append(kept, &(struct kvm_cpuid_entry2){.function = LEAF_TIMING,
						.eax = kvm->tsc_khz,
						.ebx = LAPIC_TIMER_KHZ});
	free(all);
	*out = kept;
	return 0;

err_free:
	free(all);
	free(kept);
	return err;
}

/* Bits an APIC ID needs to tell @ncpus apart. */
static uint32_t id_bits(unsigned ncpus)
{
	return ncpus <= 1u ? 0u : 32u - (uint32_t)__builtin_clz(ncpus - 1u);
}

void kvm_cpuid_for(const struct kvm *kvm, uint32_t apic_id, unsigned ncpus,
		   struct kvm_cpuid2 *out)
{
	uint32_t logical = ncpus < 256u ? ncpus : 255u;

	memcpy(out, kvm->cpuid,
	       sizeof(*out) + kvm->cpuid->nent * sizeof(out->entries[0]));
	for (uint32_t i = 0; i < out->nent; i++) {
		struct kvm_cpuid_entry2 *e = &out->entries[i];

		if (e->function != LEAF_FEATURES)
			continue;
		e->ebx = (e->ebx & 0xffffu) | logical << 16 |
			 (apic_id & 0xffu) << 24;
		if (ncpus > 1u)
			e->edx |= EDX_HTT;
	}
	/* One thread a core, all cores in one package. */
	append(out, &(struct kvm_cpuid_entry2){
			    .function = LEAF_TOPOLOGY,
			    .index = 0,
			    .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			    .eax = 0,
			    .ebx = 1,
			    .ecx = TOPOLOGY_SMT | 0u,
			    .edx = apic_id});
	append(out, &(struct kvm_cpuid_entry2){
			    .function = LEAF_TOPOLOGY,
			    .index = 1,
			    .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			    .eax = id_bits(ncpus),
			    .ebx = ncpus,
			    .ecx = TOPOLOGY_CORE | 1u,
			    .edx = apic_id});
}
