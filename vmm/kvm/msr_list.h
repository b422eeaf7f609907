/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which MSRs make part of a vCPU's state.
 *
 * Place in the flow: vcpu_state.c reads them of a new vCPU and gives them back to
 * one that a guest has used.
 *
 * Invariant: whatever a guest can write with WRMSR and KVM keeps is in the list,
 * but for what is handed out to us (msr.c) or has an ioctl of its own: EFER, FS and
 * GS base, the APIC base (sregs), the TSC (its offset).
 * Locking: none.
 */
#ifndef DISVM_MSR_LIST_H
#define DISVM_MSR_LIST_H

#include "kvm/kvm.h"

/**
 * msr_list_read - the MSRs of vCPU @vcpu_fd, and their values now.
 * @out: those that can be read and written; the caller frees it. Entry i is
 *       (*out)[i]; its index, its value in data.
 * @n:   how many.
 *
 * Return: 0, -ENOMEM, or -errno of the ioctl.
 */
int msr_list_read(const struct kvm *kvm, int vcpu_fd,
		  struct kvm_msr_entry **out, size_t *n);

/**
 * msr_list_write - give all of them their values.
 * Return: 0, -EIO if one was refused, or -errno of the ioctl.
 */
int msr_list_write(int vcpu_fd, const struct kvm_msr_entry *entries, size_t n);

#endif
