/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A vCPU without a monitor: a state to start programs of a few bytes in, and
 * KVM_RUN with nothing around it.
 *
 * Place in the flow: benchmarks measure disvm's own way into a guest against
 * this one, on the same vCPU. Not used to run guests.
 * Locking: the caller's thread owns the vCPU.
 */
#ifndef DISVM_BARE_H
#define DISVM_BARE_H

#include "kvm/vcpu.h"

/**
 * @ring: 0 or 3.
 * @cr3:  page table; it maps @rip and what the program touches for @ring.
 * @rdi:  the program's argument.
 */
struct bare_entry {
	unsigned ring;
	uint64_t cr3;
	uint64_t rip;
	uint64_t rdi;
};

/**
 * bare_set_regs - 64-bit mode, flat segments, no interrupts, no IDT.
 * Return: 0 or -errno.
 */
int bare_set_regs(const struct kvm_vcpu *vcpu, const struct bare_entry *entry);

/**
 * bare_run - KVM_RUN, once.
 * Return: the exit reason (KVM_EXIT_...), -EINTR after immediate_exit or a
 * signal, -errno.
 */
int bare_run(const struct kvm_vcpu *vcpu);

/** What RDTSC has left in EDX:EAX. Return: 0 or -errno. */
int bare_read_tsc(const struct kvm_vcpu *vcpu, uint64_t *tsc);

#endif
