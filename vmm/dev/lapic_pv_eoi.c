/* SPDX-License-Identifier: Apache-2.0 */
/*
 * End of interrupt without an exit, after KVM's MSR_KVM_PV_EOI_EN (the kernel's
 * Documentation/virt/kvm/x86/msr.rst).
 *
 * Guest and host share a word. Before an entry the host sets its bit 0 if the
 * interrupt in service is the only one there is: then its end changes nothing but
 * the ISR. The guest ends it by clearing the bit, and if it finds it clear, by the
 * register. After the exit the host looks which it was, and takes the bit back.
 */
#include "lapic_priv.h"

void lapic_pv_eoi_set(struct lapic *l, uint32_t *word)
{
	l->pv_eoi = word;
	l->pv_eoi_offered = false;
}

/* Is one interrupt in service, edge-triggered, and none waiting? */
static bool is_lone(const struct lapic *l)
{
	unsigned in_service = 0;

	for (unsigned i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		if (l->irr[i] || l->isr[i] & l->tmr[i])
			return false;
		in_service += (unsigned)__builtin_popcountll(l->isr[i]);
	}
	return in_service == 1;
}

void lapic_pv_eoi_offer(struct lapic *l)
{
	if (!l->pv_eoi || !is_lone(l))
		return;
	__atomic_store_n(l->pv_eoi, 1u, __ATOMIC_RELAXED);
	l->pv_eoi_offered = true;
}

void lapic_pv_eoi_collect(struct lapic *l)
{
	if (!l->pv_eoi_offered)
		return;
	l->pv_eoi_offered = false;
	if (!(__atomic_exchange_n(l->pv_eoi, 0u, __ATOMIC_RELAXED) & 1u))
		lapic_eoi(l);
}
