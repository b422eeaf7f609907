/* SPDX-License-Identifier: Apache-2.0 */
/* The control side of a VM: bound, started, ended, freed; see dis/domain.h. */
#include <stdlib.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "core.h"
#include "state.h"

/* In the verdict: there is one. Below it the state, then the reason. */
#define VERDICT_SET 0x10000u

int dis_vm_bind(struct dis_domain *dom, dis_id id, void *vm_arg,
		void *const *vcpu_args)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	if (vm->started) {
		err = -DIS_ESTATE;
	} else {
		vm->arg = vm_arg;
		for (unsigned i = 0; i < vm->vcpus; i++)
			vm->vcpu[i]->arg = vcpu_args[i];
	}
	pthread_mutex_unlock(&dom->lock);
	return err;
}

int dis_vm_start(struct dis_domain *dom, dis_id id)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	if (vm->started) {
		err = -DIS_ESTATE;
	} else {
		vm->started = true;
		for (unsigned i = 0; i < vm->vcpus; i++)
			mailbox_post(vm->vcpu[i], DIS_MSG_START);
	}
	pthread_mutex_unlock(&dom->lock);
	return err;
}

void vm_end(struct dis_vm *vm, enum dis_state state, enum dis_reason reason)
{
	unsigned none = 0;
	unsigned verdict = VERDICT_SET | (unsigned)state << 8 |
			   (unsigned)reason;

	DIS_ASSERT(dis_state_final(state));
	if (!atomic_compare_exchange_strong(&vm->verdict, &none, verdict))
		return;
	for (unsigned i = 0; i < vm->vcpus; i++)
		mailbox_post(vm->vcpu[i], DIS_MSG_END);
}

static void read_verdict(const struct dis_vm *vm, enum dis_state *state,
			 enum dis_reason *reason)
{
	unsigned verdict = atomic_load(&vm->verdict);

	DIS_ASSERT(verdict & VERDICT_SET);
	*state = (enum dis_state)(verdict >> 8 & 0xffu);
	*reason = (enum dis_reason)(verdict & 0xffu);
}

void vm_verdict(const struct dis_vm *vm, enum dis_state *state,
		enum dis_reason *reason)
{
	read_verdict(vm, state, reason);
	/* The one that failed says why; its siblings are killed. */
	if (*state == DIS_STATE_FAILED)
		*reason = DIS_REASON_KILLED;
}

enum dis_state vm_end_state(const struct dis_vm *vm)
{
	return atomic_load(&vm->ended)
		       ? (enum dis_state)(atomic_load(&vm->verdict) >> 8 & 0xffu)
		       : DIS_STATE_SCHEDULED;
}

void vm_vcpu_stopped(struct dis_core *core, struct dis_vcpu *vcpu,
		     uint64_t now_ns)
{
	struct dis_domain *dom = core->dom;
	struct dis_vm *vm = vcpu->vm;
	enum dis_state state;
	enum dis_reason reason;

	realtime_reserve(vcpu, NULL);
	if (atomic_fetch_sub(&vm->live, 1u) != 1u)
		return;
	read_verdict(vm, &state, &reason);
	core_emit(core, &(struct dis_event){
				.time_ns = now_ns,
				.vm = vm->id,
				.vm_seq = vm->seq,
				.cpu = (uint16_t)core->index,
				.type = DIS_EVENT_VM_END,
				.state = (uint8_t)state,
				.reason = (uint8_t)reason,
			});
	/* First say that it ended, then look for joiners (join_current). */
	atomic_store(&vm->ended, true);
	if (atomic_load(&dom->joining)) {
		for (unsigned i = 0; i < dom->ncores; i++) {
			atomic_store(&dom->cores[i].joins_due, JOINS_DUE);
			mailbox_force(&dom->cores[i]);
		}
	}
	dom->cfg.ops->ended(vm->arg, state, reason);
}

int dis_vm_end(struct dis_domain *dom, dis_id id, enum dis_state state,
	       enum dis_reason reason)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	if (!vm->started)
		err = -DIS_ESTATE;
	else
		vm_end(vm, state, reason);
	pthread_mutex_unlock(&dom->lock);
	return err;
}

void vm_free(struct dis_domain *dom, struct dis_vm *vm)
{
	ledger_keep(dom, vm);
	for (unsigned i = 0; i < vm->vcpus; i++) {
		struct dis_vcpu *vcpu = vm->vcpu[i];

		admission_give(dom, &vcpu->settings);
		realtime_reserve(vcpu, NULL);
		slab_free(&dom->vcpus, vcpu->id);
	}
	dom->mem_bytes -= vm->mem_bytes;
	free(vm->vcpu);
	slab_free(&dom->vms, vm->id);
}
