/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Shells: what KVM has of a guest (descriptors of VM and vCPUs, kvm_run pages,
 * memory slots) without the guest. Made ahead, lent to a machine, scrubbed, lent
 * again.
 *
 * Place in the flow: machine_kind_open() makes a kind's shelf, machine_create()
 * takes a shell from it and builds the guest's devices anew, machine_destroy()
 * gives it back.
 *
 * A shell has one slot of the arena for good, and goes through these states:
 *   EMPTY   only the slot
 *   VM      the VM's descriptor. Made ahead, as the kernel takes the longer to make
 *           one the more mappings the process has, and each vCPU is one of them
 *   WHOLE   all descriptors; lent shells are
 *   LOADED  the guest's memory and registers are set as well: the next machine has
 *           only to be started
 * and from LOADED back to LOADED by way of a machine and a scrubbing.
 *
 * Invariant: a shell on the shelf cannot be told from one that was just made
 * (tests/kvm/test_scrub.c). One that does not come clean is closed. Who
 * gives KVM something of a VM beside what is here (an ioeventfd, a further memory
 * slot, single-stepping) takes it back before shells_give().
 *
 * Locking: the control thread.
 */
#ifndef DISVM_SHELL_H
#define DISVM_SHELL_H

#include "kvm/arena.h"
#include "kvm/vcpu.h"

enum shell_state {
	SHELL_EMPTY,
	SHELL_VM,
	SHELL_WHOLE,
	SHELL_LOADED,
	SHELL_STATES,
};

/** @slot: of the arena. @vcpus: as many as the shelf's; NULL before WHOLE. */
struct shell {
	enum shell_state state;
	size_t slot;
	int vm_fd;
	struct kvm_vcpu_handle *vcpus;
	struct shell *next; /* of the same state, on the shelf */
};

/**
 * @keep: so many shells are LOADED at once, and as many are kept for reuse. 0:
 *        what comes back is closed. Needs our own interrupt controller.
 * @load: put the guest's start into memory and registers of a WHOLE shell.
 *        Return: 0 or -errno with @err.
 */
struct shells_config {
	const struct kvm *kvm;
	const struct arena *arena;
	unsigned vcpus;
	bool kernel_irqchip;
	unsigned keep;
	int (*load)(const void *ctx, const struct shell *shell, char *err,
		    size_t err_size);
	const void *ctx;
};

struct shells;

/**
 * shells_create - a shelf with a shell for each slot of the arena.
 * @cfg: copied; what it points to must live as long as the shelf.
 *
 * Return: 0; -ENOTSUP if @keep is wanted and this host's KVM cannot be scrubbed;
 * -ENOMEM, -errno of an ioctl or of load(), each with @err.
 */
int shells_create(const struct shells_config *cfg, struct shells **out,
		  char *err, size_t err_size);
/** All that were taken have been given back. @shells may be NULL. */
void shells_destroy(struct shells *shells);

/**
 * shells_make_vms - make @n EMPTY shells, or what there are of them, VM.
 * Return: 0 or -errno with @err; those made till then are VM.
 */
int shells_make_vms(struct shells *shells, unsigned n, char *err,
		    size_t err_size);

/**
 * shells_take - the shell that is nearest to be used: LOADED, or else WHOLE, with
 * memory that reads as zero. There must be one: no more are out than slots.
 * Return: 0 or -errno with @err.
 */
int shells_take(struct shells *shells, struct shell **out, char *err,
		size_t err_size);

/**
 * shells_give - @shell's guest is gone, no thread runs its vCPUs. It is scrubbed
 * and loaded, or closed; either way its memory holds nothing of that guest.
 */
void shells_give(struct shells *shells, struct shell *shell);

#endif
