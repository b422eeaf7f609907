/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving the slots of ended VMs back (R: EVO-B4): no core knows them any more, and
 * nobody is still to be told how they ended.
 */
#include <errno.h>

#include <dis/error.h>

#include "core.h"

int dis_vm_reap_begin(struct dis_domain *dom, dis_id id)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	if (!atomic_load(&vm->ended) || vm->retiring) {
		err = -DIS_ESTATE;
	} else {
		vm->retiring = true;
		atomic_store(&vm->unretired, vm->vcpus);
		for (unsigned i = 0; i < vm->vcpus; i++)
			mailbox_post(vm->vcpu[i], DIS_MSG_RETIRE);
	}
	pthread_mutex_unlock(&dom->lock);
	return err;
}

/* Is some core still to tell its joiners how a VM ended? */
static bool joins_pending(const struct dis_domain *dom)
{
	if (!atomic_load(&dom->joining))
		return false;
	for (unsigned i = 0; i < dom->ncores; i++)
		if (atomic_load(&dom->cores[i].joins_due) != JOINS_NONE)
			return true;
	return false;
}

int dis_vm_reap_finish(struct dis_domain *dom, dis_id id)
{
	struct dis_vm *vm;
	int err = domain_lock_vm(dom, id, &vm);

	if (err)
		return err;
	if (vm->started && !vm->retiring)
		err = -DIS_ESTATE;
	else if (atomic_load(&vm->unretired) || joins_pending(dom))
		err = -EAGAIN;
	else
		vm_free(dom, vm);
	pthread_mutex_unlock(&dom->lock);
	return err;
}
