/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU without a monitor; see bare.h. */
#include "kvm/bare.h"

#include <errno.h>
#include <sys/ioctl.h>

/* SDM vol. 3A, 2.5 and 2.2.1: 64-bit mode with 4-level paging. */
#define CR0_PG_WP_NE_ET_MP_PE 0x80010033u
#define CR4_PAE 0x20u
#define EFER_LMA_LME_SCE 0x501u
#define RFLAGS_RESERVED 0x2u

#define TYPE_CODE 0xbu /* execute, read, accessed */
#define TYPE_DATA 0x3u /* read, write, accessed */

int bare_set_regs(const struct kvm_vcpu *vcpu, const struct bare_entry *entry)
{
	const struct kvm_segment code = {
		.limit = UINT32_MAX,
		.selector = (uint16_t)(0x10u | entry->ring),
		.type = TYPE_CODE,
		.present = 1,
		.dpl = (uint8_t)entry->ring,
		.s = 1,
		.l = 1,
		.g = 1,
	};
	struct kvm_regs regs = {.rip = entry->rip,
				.rdi = entry->rdi,
				.rflags = RFLAGS_RESERVED};
	struct kvm_segment data = code;
	struct kvm_sregs sregs;
	int ret = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (ret)
		return ret;
	data.selector = (uint16_t)(0x18u | entry->ring);
	data.type = TYPE_DATA;
	data.l = 0;
	data.db = 1;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr3 = entry->cr3;
	sregs.cr4 = CR4_PAE;
	sregs.cr0 = CR0_PG_WP_NE_ET_MP_PE;
	sregs.efer = EFER_LMA_LME_SCE;
	ret = kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (!ret)
		ret = kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	return ret;
}

int bare_run(const struct kvm_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0) < 0)
		return -errno;
	return (int)vcpu->run->exit_reason;
}

int bare_read_tsc(const struct kvm_vcpu *vcpu, uint64_t *tsc)
{
	struct kvm_regs regs;
	int ret = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);

	if (!ret)
		*tsc = regs.rdx << 32 | (uint32_t)regs.rax;
	return ret;
}
