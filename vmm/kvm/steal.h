/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Steal time: how long a vCPU was runnable and did not run, and whether it was
 * taken off its core, told to the guest in its own memory (MSR_KVM_STEAL_TIME; the
 * kernel's Documentation/virt/kvm/x86/msr.rst).
 *
 * Place in the flow: with M:N the kernel's own figure would be the executor's, so
 * the MSR is taken over from KVM (msr.c) and DIS's wait time is written here. With
 * KVM's own interrupt controller, that is a thread per vCPU, KVM does it all.
 *
 * Invariant: `page` is NULL or lies in guest memory as a whole.
 * Locking: the vCPU's owner.
 */
#ifndef DISVM_STEAL_H
#define DISVM_STEAL_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_vcpu;
struct kvm_steal_time;

/**
 * @msr:     as the guest wrote it; 0: off.
 * @page:    where the figures go.
 * @told_ns: the figure there.
 * @preempted: the flag there.
 */
struct steal {
	uint64_t msr;
	struct kvm_steal_time *page;
	uint64_t told_ns;
	bool preempted;
};

/** WRMSR. Return: 0, or -EINVAL: reserved bits, not in guest memory. */
int steal_write_msr(struct kvm_vcpu *vcpu, uint64_t value);
/** Before an entry: @vcpu runs, and has waited for so long in all. */
void steal_update(struct kvm_vcpu *vcpu);
/** @vcpu was taken off its core though it could go on. */
void steal_preempted(struct kvm_vcpu *vcpu);

#endif
