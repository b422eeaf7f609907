/* SPDX-License-Identifier: Apache-2.0 */
/**
 * MSRs that user space answers: the local APIC's, and writes of the TSC.
 *
 * Place in the flow: the filter is set at VM creation; exits come from vcpu.c.
 */
#ifndef DISVM_MSR_H
#define DISVM_MSR_H

#include "kvm/vcpu.h"

/**
 * msr_set_up_exits - have the local APIC's and TSC's MSRs handed out.
 *
 * Without an in-kernel APIC, x2APIC registers fault and arrive with reason
 * INVAL; the others would be handled by KVM and need the filter.
 * Return: 0 or -errno with @err naming the ioctl.
 */
int msr_set_up_exits(int vm_fd, char *err, size_t err_size);

/** Answers KVM_EXIT_X86_RDMSR and KVM_EXIT_X86_WRMSR in vcpu->run. */
void msr_exit(struct kvm_vcpu *vcpu);

/**
 * msr_set_caching - MTRRs on, and all memory write-back by default, as firmware
 * leaves them to an operating system; Linux does without its PAT if they are off.
 * Return: 0 or -errno.
 */
int msr_set_caching(int vcpu_fd);

/** The present instant on the host's and on the vCPU's clock. */
struct lapic_time msr_time(const struct kvm_vcpu *vcpu);

/**
 * msr_set_tsc_offset - guest TSC = host TSC + @offset from now on.
 * @vcpu_fd: its owner keeps kvm_vcpu.tsc_offset in step; 0 in a new one.
 * Return: 0 or -errno.
 */
int msr_set_tsc_offset(int vcpu_fd, uint64_t offset);

#endif
