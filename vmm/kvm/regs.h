/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Register states that the monitor sets: boot entry, INIT, start-up IPI.
 *
 * All return 0 or -errno of the ioctl.
 */
#ifndef DISVM_REGS_H
#define DISVM_REGS_H

#include "boot/boot.h"
#include "kvm/vcpu.h"

/** Protected or long mode, as boot.h describes for the protocol. */
int regs_set_boot(int vcpu_fd, const struct boot_entry *entry);

/** State after INIT (SDM vol. 3A, table 9-1): reset vector, real mode. */
int regs_set_init(const struct kvm_vcpu *vcpu);

/** Real mode at @vector << 12 (SDM vol. 3A, 8.4.4). */
int regs_set_sipi(const struct kvm_vcpu *vcpu, uint8_t vector);

/** RIP, or 0 if it cannot be read; for messages. */
uint64_t regs_rip(const struct kvm_vcpu *vcpu);

/** Is the vCPU at the reset vector, with nothing executed since? */
bool regs_are_reset(const struct kvm_vcpu *vcpu);

/**
 * regs_set_apic_base - tell KVM the vCPU's IA32_APIC_BASE, which is ours: CPUID says
 * by its EN whether there is a local APIC (SDM vol. 3A, 10.4.3).
 * Return: 0 or -errno.
 */
int regs_set_apic_base(const struct kvm_vcpu *vcpu, uint64_t base);

#endif
