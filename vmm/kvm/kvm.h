/* SPDX-License-Identifier: Apache-2.0 */
/**
 * /dev/kvm: what this host's KVM can do, and the raw ioctls of the whole system.
 *
 * Place in the flow: opened once per process, before any VM is built. Only
 * vmm/kvm/ includes <linux/kvm.h>.
 * Locking: constant after kvm_open().
 */
#ifndef DISVM_KVM_H
#define DISVM_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

/** Most CPUID leaves we hand to a guest. */
#define KVM_CPUID_MAX 128u

/**
 * @cpuid:     KVM_GET_SUPPORTED_CPUID, completed by cpuid.c for our machine.
 * @tsc_ns:    ns per tick of the TSC, times 2^32.
 * @phys_bits: MAXPHYADDR of guests.
 * @tsc_khz:   frequency of the host's TSC, which guests see unscaled.
 */
struct kvm {
	int fd;
	size_t run_bytes; /* of a vCPU's mapping */
	uint32_t tsc_khz;
	uint32_t phys_bits;
	uint64_t tsc_ns;
	struct kvm_cpuid2 *cpuid;
};

/**
 * kvm_open - open /dev/kvm and check the API version and capabilities.
 * @kernel_irqchip: the in-kernel interrupt controller is needed as well.
 * @err: one line that names the first thing missing.
 *
 * Return: 0, -errno of opening, -ENOTSUP for a missing capability, -ENOMEM.
 */
int kvm_open(bool kernel_irqchip, struct kvm *out, char *err, size_t err_size);
void kvm_close(struct kvm *kvm);

/**
 * kvm_cpuid_for - CPUID of vCPU @apic_id of a machine with @ncpus.
 * @out: room for KVM_CPUID_MAX entries.
 */
void kvm_cpuid_for(const struct kvm *kvm, uint32_t apic_id, unsigned ncpus,
		   struct kvm_cpuid2 *out);

/** ioctl that restarts on EINTR; 0 or more, or -errno. */
int kvm_ioctl(int fd, unsigned long request, void *arg);

#endif
