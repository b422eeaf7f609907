/* SPDX-License-Identifier: Apache-2.0 */
/* Steal time; see steal.h. */
#include "kvm/steal.h"

#include <asm/kvm_para.h>
#include <errno.h>

#include "kvm/vcpu.h"

int steal_write_msr(struct kvm_vcpu *vcpu, uint64_t value)
{
	struct steal *steal = &vcpu->steal;
	struct kvm_steal_time *page = NULL;

	if (value & KVM_STEAL_RESERVED_MASK)
		return -EINVAL;
	if (value & KVM_MSR_ENABLED) {
		page = guest_mem_ptr(&vcpu->vm->mem,
				     value & KVM_STEAL_VALID_BITS,
				     sizeof(*page));
		if (!page)
			return -EINVAL;
	}
	steal->msr = value;
	steal->page = page;
	/* The first figure is due, 0 too. */
	steal->told_ns = UINT64_MAX;
	steal->preempted = true;
	return 0;
}

static void set_preempted(struct steal *steal, bool preempted)
{
	steal->preempted = preempted;
	__atomic_store_n(&steal->page->preempted,
			 preempted ? KVM_VCPU_PREEMPTED : 0, __ATOMIC_RELAXED);
}

/* The guest reads the figure twice if the version is odd, or has moved on. */
static void tell(struct kvm_steal_time *page, uint64_t steal_ns)
{
	uint32_t version = __atomic_load_n(&page->version, __ATOMIC_RELAXED) |
			   1u;

	__atomic_store_n(&page->version, version, __ATOMIC_SEQ_CST);
	__atomic_store_n(&page->steal, steal_ns, __ATOMIC_SEQ_CST);
	__atomic_store_n(&page->version, version + 1u, __ATOMIC_SEQ_CST);
}

void steal_update(struct kvm_vcpu *vcpu)
{
	struct steal *steal = &vcpu->steal;
	uint64_t wait_ns;

	if (!steal->page)
		return;
	wait_ns = dis_vcpu_wait_ns(vcpu->dis);
	if (wait_ns != steal->told_ns)
		tell(steal->page, wait_ns);
	steal->told_ns = wait_ns;
	if (steal->preempted)
		set_preempted(steal, false);
}

void steal_preempted(struct kvm_vcpu *vcpu)
{
	if (vcpu->steal.page)
		set_preempted(&vcpu->steal, true);
}
