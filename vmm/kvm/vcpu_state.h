/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The state that KVM holds of a vCPU: taken from one that never ran, given to one
 * that did.
 *
 * Place in the flow: shell.c takes it once, and scrubs vCPUs with it between two
 * guests.
 *
 * What makes it up: general, segment, control and debug registers, FPU and all
 * that XSAVE covers, XCR0, MSRs (msr_list.h), events on their way, the state of
 * activity, nested virtualisation, the offset of the TSC; and of kvm_run every
 * byte. What a guest has in our own local APIC and devices is not KVM's.
 *
 * Invariant: after vcpu_state_give() the vCPU cannot be told from the one that the
 * state is of (tests/kvm/test_scrub.c).
 * Locking: the vCPU belongs to the caller, no thread runs it.
 */
#ifndef DISVM_VCPU_STATE_H
#define DISVM_VCPU_STATE_H

#include "kvm/vcpu.h"

struct vcpu_state;

/** Can KVM be told to forget everything? Return: NULL, or what it lacks. */
const char *vcpu_state_lacks(const struct kvm *kvm);

/**
 * vcpu_state_set_up - have KVM tell all events of the vCPUs of @vm_fd, also a
 * triple fault that is due but did not exit yet. Before any of the calls below.
 * Return: 0 or -errno with @err naming the ioctl.
 */
int vcpu_state_set_up(int vm_fd, char *err, size_t err_size);

/**
 * vcpu_state_take - of @handle, which was never run.
 * Return: 0, -ENOMEM, -ENOTSUP, or -errno, with @err naming the ioctl.
 */
int vcpu_state_take(const struct kvm *kvm, const struct kvm_vcpu_handle *handle,
		    struct vcpu_state **out, char *err, size_t err_size);
void vcpu_state_free(struct vcpu_state *state);

/**
 * vcpu_state_settle - let KVM end what the vCPU was in the midst of: the
 * instruction of the last exit may still write to registers and to memory. No
 * step further.
 * Return: 0, -EBUSY if there is no end to it, or -errno of KVM_RUN.
 */
int vcpu_state_settle(const struct kvm_vcpu_handle *handle);

/**
 * vcpu_state_give - @handle, which has settled, becomes as @state.
 * Return: 0 or -errno: it is as neither then.
 */
int vcpu_state_give(const struct kvm *kvm, const struct kvm_vcpu_handle *handle,
		    const struct vcpu_state *state);

#endif
