/* SPDX-License-Identifier: Apache-2.0 */
/* MSR exits; see msr.h. */
#include "kvm/msr.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <x86intrin.h>

#include <dis/executor.h>

#include "kvm/regs.h"

#define MSR_TSC 0x10u
#define MSR_TSC_ADJUST 0x3bu
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MTRR_ENABLE 0x800u
#define MTRR_WRITE_BACK 6u

/* A bit per MSR of a range, 1 = KVM handles it. */
static uint8_t handled_by_none[8];

static struct kvm_msr_filter_range deny(uint32_t msr, uint32_t flags)
{
	return (struct kvm_msr_filter_range){.flags = flags,
					     .nmsrs = 1,
					     .base = msr,
					     .bitmap = handled_by_none};
}

int msr_set_up_exits(int vm_fd, char *err, size_t err_size)
{
	const uint32_t both = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = {KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_FILTER},
	};
	struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	int ret;

	filter.ranges[0] = deny(LAPIC_MSR_BASE, both);
	filter.ranges[1] = deny(LAPIC_MSR_TSC_DEADLINE, both);
	filter.ranges[2] = deny(MSR_TSC, KVM_MSR_FILTER_WRITE);
	filter.ranges[3] = deny(MSR_TSC_ADJUST, both);
	filter.ranges[4] = deny(MSR_KVM_PV_EOI_EN, both);
	filter.ranges[5] = deny(MSR_KVM_STEAL_TIME, both);
	ret = kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap);
	if (ret) {
		snprintf(err, err_size,
			 "KVM_ENABLE_CAP(KVM_CAP_X86_USER_SPACE_MSR): %s",
			 strerror(-ret));
		return ret;
	}
	ret = kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter);
	if (ret)
		snprintf(err, err_size, "KVM_X86_SET_MSR_FILTER: %s",
			 strerror(-ret));
	return ret;
}

int msr_set_caching(int vcpu_fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry = {.index = MSR_MTRR_DEF_TYPE,
			  .data = MTRR_ENABLE | MTRR_WRITE_BACK},
	};
	int ret = kvm_ioctl(vcpu_fd, KVM_SET_MSRS, &msrs);

	/* The number of MSRs that were set. */
	return ret == 1 ? 0 : ret < 0 ? ret : -EIO;
}

struct lapic_time msr_time(const struct kvm_vcpu *vcpu)
{
	struct lapic_time now;

	now.guest_tsc = __rdtsc() + vcpu->tsc_offset;
	now.now_ns = dis_clock_ns();
	return now;
}

int msr_set_tsc_offset(int vcpu_fd, uint64_t offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)&offset,
	};

	return kvm_ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr);
}

/*
 * Sets the offset and tells what it is then: where guests run without hardware for
 * it, KVM accepts an offset and leaves the TSC alone.
 */
static int move_tsc_offset(int vcpu_fd, uint64_t *offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)offset,
	};
	int ret = msr_set_tsc_offset(vcpu_fd, *offset);

	return ret ? ret : kvm_ioctl(vcpu_fd, KVM_GET_DEVICE_ATTR, &attr);
}

/* SDM vol. 3B, 18.17.3: a write of one of the two moves the other as well. */
static int write_tsc(struct kvm_vcpu *vcpu, uint32_t msr, uint64_t value)
{
	uint64_t delta, offset;
	int ret;

	if (msr == MSR_TSC)
		delta = value - (__rdtsc() + vcpu->tsc_offset);
	else
		delta = value - vcpu->tsc_adjust;
	offset = vcpu->tsc_offset + delta;
	ret = move_tsc_offset(vcpu->fd, &offset);
	if (ret)
		return ret;
	vcpu->tsc_adjust += offset - vcpu->tsc_offset;
	vcpu->tsc_offset = offset;
	return 0;
}

static int read_as(uint64_t is, uint64_t *value)
{
	*value = is;
	return 0;
}

/* KVM has CPUID say whether there is an APIC, and has to be told. */
static int write_apic_base(struct kvm_vcpu *vcpu, uint64_t value)
{
	uint64_t before = vcpu->lapic.base;
	int ret = lapic_msr_write(&vcpu->lapic, LAPIC_MSR_BASE, value,
				  msr_time(vcpu));

	if (ret || !((before ^ value) & LAPIC_BASE_EN))
		return ret;
	return regs_set_apic_base(vcpu, value);
}

/* Enable in bit 0, bit 1 reserved, the rest is the word's address. */
static int write_pv_eoi(struct kvm_vcpu *vcpu, uint64_t value)
{
	uint32_t *word = NULL;

	if (value & 2u)
		return -EINVAL;
	if (value & KVM_MSR_ENABLED) {
		word = guest_mem_ptr(&vcpu->vm->mem, value & ~UINT64_C(3),
				     sizeof(*word));
		if (!word)
			return -EINVAL;
	}
	vcpu->pv_eoi = value;
	lapic_pv_eoi_set(&vcpu->lapic, word);
	return 0;
}

static bool is_lapic(uint32_t msr)
{
	return msr == LAPIC_MSR_BASE || msr == LAPIC_MSR_TSC_DEADLINE ||
	       (msr >= LAPIC_MSR_X2APIC_FIRST && msr <= LAPIC_MSR_X2APIC_LAST);
}

void msr_exit(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint32_t msr = run->msr.index;
	uint64_t value = run->msr.data;
	bool write = run->exit_reason == KVM_EXIT_X86_WRMSR;
	int ret = -EINVAL;

	if (msr == LAPIC_MSR_BASE && write)
		ret = write_apic_base(vcpu, value);
	else if (is_lapic(msr) && write)
		ret = lapic_msr_write(&vcpu->lapic, msr, value, msr_time(vcpu));
	else if (is_lapic(msr))
		ret = lapic_msr_read(&vcpu->lapic, msr, &value, msr_time(vcpu));
	else if (msr == MSR_TSC_ADJUST && !write)
		ret = read_as(vcpu->tsc_adjust, &value);
	else if ((msr == MSR_TSC || msr == MSR_TSC_ADJUST) && write)
		ret = write_tsc(vcpu, msr, value);
	else if (msr == MSR_KVM_PV_EOI_EN && write)
		ret = write_pv_eoi(vcpu, value);
	else if (msr == MSR_KVM_PV_EOI_EN)
		ret = read_as(vcpu->lapic.pv_eoi ? vcpu->pv_eoi : 0, &value);
	else if (msr == MSR_KVM_STEAL_TIME && write)
		ret = steal_write_msr(vcpu, value);
	else if (msr == MSR_KVM_STEAL_TIME)
		ret = read_as(vcpu->steal.msr, &value);
	run->msr.data = value;
	run->msr.error = ret != 0;
}
