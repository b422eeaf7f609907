/* SPDX-License-Identifier: Apache-2.0 */
/**
 * CPUID as our guests see it.
 *
 * Place in the flow: read once by kvm_open(), completed per vCPU at creation.
 */
#ifndef DISVM_CPUID_H
#define DISVM_CPUID_H

#include "kvm/kvm.h"

/**
 * cpuid_read - what KVM supports, plus what our own local APIC adds: x2APIC,
 * TSC-deadline timer, the hypervisor's timing leaf 0x40000010 (TSC and APIC
 * timer in kHz). Without @kernel_irqchip less what only KVM's local APIC can do.
 * Return: 0, -errno. The caller frees *out.
 */
int cpuid_read(const struct kvm *kvm, bool kernel_irqchip,
	       struct kvm_cpuid2 **out);

#endif
