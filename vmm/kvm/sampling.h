/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Samples of a running vCPU's instruction pointer.
 *
 * Place in the flow: when the VM is profiled, KVM leaves the registers in
 * kvm_run at each return to user space (KVM_CAP_SYNC_REGS), so that a sample
 * costs no exit and no ioctl. One is taken when KVM_RUN came back because of a
 * signal: a preemption, a kick, or the executors' tick, which is there for that.
 * Context: the thread that owns the vCPU; no allocation after sampling_init().
 */
#ifndef DISVM_KVM_SAMPLING_H
#define DISVM_KVM_SAMPLING_H

#include "kvm/vcpu.h"

/** Return: 0 or -ENOMEM; with 0 @vcpu->samples is there. */
int sampling_init(struct kvm_vcpu *vcpu);
/** @vcpu still has its kvm_run, whose next user need not be profiled. */
void sampling_fini(struct kvm_vcpu *vcpu);

/** A signal has ended the run of @vcpu, which is profiled. */
void sampling_take(struct kvm_vcpu *vcpu);

#endif
