/* SPDX-License-Identifier: Apache-2.0 */
/**
 * CPUID as our guests see it.
 *
 * Place in the flow: read once by kvm_open(), completed per vCPU at creation
 * (kvm_cpuid_for() in kvm.h).
 */
#ifndef DISVM_CPUID_H
#define DISVM_CPUID_H

#include "kvm/kvm.h"

/**
 * cpuid_read - what KVM supports, plus what our own local APIC adds: x2APIC,
 * TSC-deadline timer, the hypervisor's timing leaf 0x40000010 (TSC and APIC
 * timer in kHz); less what cpuid_keep() takes away.
 * Return: 0, -errno. The caller frees *out.
 */
int cpuid_read(const struct kvm *kvm, bool kernel_irqchip,
	       struct kvm_cpuid2 **out);

/**
 * cpuid_keep - make an entry that KVM supports one of our guests'.
 * @e: changed. What goes: virtualisation; without @kernel_irqchip all that only
 *     KVM's own local APIC can do (performance counters among it, as nobody
 *     would deliver their interrupt).
 * Return: false if the guest gets no such entry.
 */
bool cpuid_keep(struct kvm_cpuid_entry2 *e, bool kernel_irqchip);

/**
 * cpuid_put_topology - say which CPU this is, and how many there are: all cores
 * of one package, a thread each, by the leaves of Intel and of AMD.
 * @cpuid: has entries of cpuid_keep() and room for two more.
 */
void cpuid_put_topology(struct kvm_cpuid2 *cpuid, uint32_t apic_id,
			unsigned ncpus);

/** Family, model and stepping: EAX of leaf 1, which is in EDX after INIT. */
uint32_t cpuid_signature(const struct kvm_cpuid2 *cpuid);

/** MAXPHYADDR: of leaf 0x80000008, or what a CPU without it has. */
uint32_t cpuid_phys_bits(const struct kvm_cpuid2 *cpuid);

/** Bits of an APIC ID that tell @ncpus CPUs apart. */
uint32_t cpuid_id_bits(unsigned ncpus);

#endif
