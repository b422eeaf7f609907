/* SPDX-License-Identifier: Apache-2.0 */
/* Register states; see regs.h. */
#include "kvm/regs.h"

#include "kvm/cpuid.h"

#define CR0_PE 0x1u
#define CR0_ET 0x10u
#define CR0_NW_CD 0x60000000u
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define EFER_LME_LMA 0x500u
#define DR6_RESET 0xffff0ff0u
#define DR7_RESET 0x400u

#define RESET_CS_BASE 0xffff0000u
#define RESET_RIP 0xfff0u

#define TYPE_CODE 0xbu /* execute, read, accessed */
#define TYPE_DATA 0x3u /* read, write, accessed */
#define TYPE_TSS 0xbu  /* busy 32-bit TSS */
#define TYPE_LDT 0x2u

static struct kvm_segment flat(uint8_t type, uint16_t selector)
{
	return (struct kvm_segment){.limit = UINT32_MAX,
				    .selector = selector,
				    .type = type,
				    .present = 1,
				    .db = 1,
				    .s = 1,
				    .g = 1};
}

static struct kvm_segment real(uint8_t type, uint16_t selector, uint64_t base)
{
	return (struct kvm_segment){.base = base,
				    .limit = 0xffff,
				    .selector = selector,
				    .type = type,
				    .present = 1,
				    .s = 1};
}

static struct kvm_segment system_segment(uint8_t type, uint32_t limit)
{
	return (struct kvm_segment){.limit = limit, .type = type, .present = 1};
}

static int set(int vcpu_fd, const struct kvm_sregs *sregs,
	       const struct kvm_regs *regs)
{
	int ret = kvm_ioctl(vcpu_fd, KVM_SET_SREGS, (void *)sregs);

	if (!ret)
		ret = kvm_ioctl(vcpu_fd, KVM_SET_REGS, (void *)regs);
	return ret;
}

/* 32-bit protected mode without paging. */
static void enter_protected(struct kvm_sregs *sregs)
{
	sregs->cs = flat(TYPE_CODE, 0x10);
	sregs->ss = flat(TYPE_DATA, 0x18);
	sregs->cr0 = CR0_PE | CR0_ET;
	sregs->cr4 = 0;
	sregs->efer = 0;
}

static void enter_long(struct kvm_sregs *sregs, const struct boot_entry *entry)
{
	sregs->cs = flat(TYPE_CODE, entry->cs);
	sregs->cs.db = 0;
	sregs->cs.l = 1;
	sregs->ss = flat(TYPE_DATA, entry->ds);
	sregs->gdt = (struct kvm_dtable){
		.base = entry->gdt_gpa,
		.limit = (uint16_t)(entry->gdt_bytes - 1u),
	};
	sregs->cr0 = CR0_PG | CR0_PE | CR0_ET;
	sregs->cr3 = entry->cr3;
	sregs->cr4 = CR4_PAE;
	sregs->efer = EFER_LME_LMA;
}

int regs_set_boot(int vcpu_fd, const struct boot_entry *entry)
{
	struct kvm_regs regs = {.rflags = 2,
				.rip = entry->rip,
				.rbx = entry->rbx,
				.rax = entry->rax,
				.rsi = entry->rsi};
	struct kvm_sregs sregs;
	int ret = kvm_ioctl(vcpu_fd, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	if (entry->protocol == BOOT_LINUX)
		enter_long(&sregs, entry);
	else
		enter_protected(&sregs);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
	sregs.tr = system_segment(TYPE_TSS, 0x67);
	return set(vcpu_fd, &sregs, &regs);
}

static int set_real(const struct kvm_vcpu *vcpu, uint16_t selector,
		    uint64_t base, uint64_t rip)
{
	const struct kvm_segment data = real(TYPE_DATA, 0, 0);
	struct kvm_regs regs = {.rflags = 2,
				.rip = rip,
				.rdx = cpuid_signature(vcpu->vm->kvm->cpuid)};
	struct kvm_sregs sregs;
	int ret = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	sregs.cs = real(TYPE_CODE, selector, base);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.tr = system_segment(TYPE_TSS, 0xffff);
	sregs.ldt = system_segment(TYPE_LDT, 0xffff);
	sregs.gdt = sregs.idt = (struct kvm_dtable){.limit = 0xffff};
	/* SDM vol. 3A, table 9-1: INIT and SIPI keep how memory is cached. */
	sregs.cr0 = (sregs.cr0 & CR0_NW_CD) | CR0_ET;
	sregs.cr2 = sregs.cr3 = sregs.cr4 = 0;
	sregs.efer = 0;
	return set(vcpu->fd, &sregs, &regs);
}

/* Interrupts, NMIs, faults and shadows on their way, and what NMI masks. */
static int drop_events(const struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_events none = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
			 KVM_VCPUEVENT_VALID_SHADOW,
	};

	return kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &none);
}

int regs_set_init(const struct kvm_vcpu *vcpu)
{
	struct kvm_debugregs breakpoints = {.dr6 = DR6_RESET, .dr7 = DR7_RESET};
	int ret = drop_events(vcpu);

	if (!ret)
		ret = kvm_ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &breakpoints);
	return ret ? ret : set_real(vcpu, 0xf000, RESET_CS_BASE, RESET_RIP);
}

int regs_set_sipi(const struct kvm_vcpu *vcpu, uint8_t vector)
{
	return set_real(vcpu, (uint16_t)(vector << 8), (uint64_t)vector << 12,
			0);
}

int regs_set_apic_base(const struct kvm_vcpu *vcpu, uint64_t base)
{
	struct kvm_sregs sregs;
	int ret = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	sregs.apic_base = base;
	return kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
}

uint64_t regs_rip(const struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	return kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) ? 0 : regs.rip;
}

bool regs_are_reset(const struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	return regs_rip(vcpu) == RESET_RIP &&
	       !kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) &&
	       sregs.cs.base == RESET_CS_BASE && !(sregs.cr0 & CR0_PE);
}
