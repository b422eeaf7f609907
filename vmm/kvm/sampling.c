/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling; see sampling.h. */
#include "kvm/sampling.h"

#include <errno.h>
#include <stdlib.h>

#include "kvm/inspect.h"

#define SAMPLED ((__u64)KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS)

int sampling_init(struct kvm_vcpu *vcpu)
{
	vcpu->samples = calloc(1, sizeof(*vcpu->samples));
	if (!vcpu->samples)
		return -ENOMEM;
	vcpu->run->kvm_valid_regs |= SAMPLED;
	return 0;
}

void sampling_fini(struct kvm_vcpu *vcpu)
{
	if (vcpu->samples)
		vcpu->run->kvm_valid_regs &= ~SAMPLED;
	free(vcpu->samples);
	vcpu->samples = NULL;
}

void sampling_take(struct kvm_vcpu *vcpu)
{
	const struct walk_memory memory = inspect_memory(vcpu->vm);
	const struct kvm_sync_regs *sync = &vcpu->run->s.regs;
	const struct paging_regs paging = inspect_paging(&sync->sregs);
	const struct snapshot_segment cs = inspect_segment(&sync->sregs.cs);
	struct snapshot_place at =
		snapshot_place(&paging, &cs, sync->regs.rip, sync->regs.rflags);
	struct sample *fresh =
		samples_add(vcpu->samples, at.linear, at.bits, at.ring == 3);

	if (fresh)
		fresh->n_bytes =
			(uint8_t)walk_read(&paging, &memory, fresh->address,
					   fresh->bytes, sizeof(fresh->bytes));
}
