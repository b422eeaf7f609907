/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Snapshots of vCPUs: the ioctls behind diag/snapshot.h.
 *
 * Place in the flow: a failure takes one of the vCPU that failed; the control
 * thread asks for one with kvm_vcpu_ask(), and DIS has the vCPU's owner take it
 * at its next scheduling pass, whatever the vCPU does: it need not run for it,
 * and no ioctl waits for a KVM_RUN.
 * Context: inspect_take() on the thread that owns the vCPU; a few ioctls and
 * reads of guest memory, no allocation, no lock.
 */
#ifndef DISVM_KVM_INSPECT_H
#define DISVM_KVM_INSPECT_H

#include "diag/snapshot.h"
#include "kvm/vcpu.h"

/** From KVM's form. */
struct snapshot_segment inspect_segment(const struct kvm_segment *segment);
struct paging_regs inspect_paging(const struct kvm_sregs *sregs);

/** What the guest can read. */
struct walk_memory inspect_memory(const struct kvm_vm *vm);

/** Fills @out; what cannot be read is told in @out->failed. */
void inspect_take(const struct kvm_vcpu *vcpu, struct cpu_snapshot *out);

/** @vcpu is the one that kvm_vm_fail() was first called for: keep its state. */
void inspect_failure(struct kvm_vcpu *vcpu);

#endif
