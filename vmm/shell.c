/* SPDX-License-Identifier: Apache-2.0 */
/* Shells; see shell.h. */
#include "shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dis/assert.h>

#include "kvm/vcpu_state.h"

/** @fresh: of vCPU 0 and, as all others are alike, of vCPU 1. */
struct shells {
	struct shells_config cfg;
	struct shell *shelf[SHELL_STATES];
	unsigned loaded;
	struct vcpu_state *fresh[2];
	struct shell all[]; /* one per slot */
};

static struct guest_mem memory_of(const struct shells *shells,
				  const struct shell *shell)
{
	const struct arena *arena = shells->cfg.arena;

	return (struct guest_mem){arena_slot(arena, shell->slot),
				  arena->slot_bytes};
}

static void put(struct shells *shells, struct shell *shell)
{
	shell->next = shells->shelf[shell->state];
	shells->shelf[shell->state] = shell;
	if (shell->state == SHELL_LOADED)
		shells->loaded++;
}

static void close_shell(const struct shells *shells, struct shell *shell)
{
	for (unsigned i = 0; shell->vcpus && i < shells->cfg.vcpus; i++)
		kvm_vcpu_close(shells->cfg.kvm, &shell->vcpus[i]);
	free(shell->vcpus);
	shell->vcpus = NULL;
	if (shell->vm_fd >= 0)
		close(shell->vm_fd);
	shell->vm_fd = -1;
	if (shell->state > SHELL_VM)
		arena_release(shells->cfg.arena, shell->slot);
	shell->state = SHELL_EMPTY;
}

static int open_vm(const struct shells *shells, struct shell *shell, char *err,
		   size_t err_size)
{
	int fd = kvm_vm_open(shells->cfg.kvm, err, err_size);

	if (fd < 0)
		return fd;
	shell->vm_fd = fd;
	shell->state = SHELL_VM;
	return 0;
}

static int open_vcpus(const struct shells *shells, struct shell *shell,
		      char *err, size_t err_size)
{
	const struct shells_config *cfg = &shells->cfg;
	int ret = 0;

	shell->vcpus = calloc(cfg->vcpus, sizeof(*shell->vcpus));
	if (!shell->vcpus) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < cfg->vcpus; i++)
		shell->vcpus[i].fd = -1;
	for (unsigned i = 0; i < cfg->vcpus && !ret; i++)
		ret = kvm_vcpu_open(cfg->kvm, shell->vm_fd, i, cfg->vcpus,
				    &shell->vcpus[i], err, err_size);
	return ret;
}

/* On failure it is EMPTY. */
static int make_whole(const struct shells *shells, struct shell *shell,
		      char *err, size_t err_size)
{
	const struct guest_mem mem = memory_of(shells, shell);
	int ret = 0;

	if (shell->state == SHELL_EMPTY)
		ret = open_vm(shells, shell, err, err_size);
	if (!ret)
		ret = kvm_vm_set_up(shell->vm_fd, shells->cfg.kernel_irqchip,
				    &mem, err, err_size);
	if (!ret && shells->cfg.keep)
		ret = vcpu_state_set_up(shell->vm_fd, err, err_size);
	if (!ret)
		ret = open_vcpus(shells, shell, err, err_size);
	if (ret)
		close_shell(shells, shell);
	else
		shell->state = SHELL_WHOLE;
	return ret;
}

static int load(const struct shells *shells, struct shell *shell, char *err,
		size_t err_size)
{
	int ret = shells->cfg.load(shells->cfg.ctx, shell, err, err_size);

	if (!ret)
		shell->state = SHELL_LOADED;
	return ret;
}

static struct shell *pop(struct shells *shells, enum shell_state state)
{
	struct shell *shell = shells->shelf[state];

	if (shell)
		shells->shelf[state] = shell->next;
	if (shell && state == SHELL_LOADED)
		shells->loaded--;
	return shell;
}

static struct shell *pop_nearest(struct shells *shells)
{
	struct shell *shell = NULL;

	for (int state = SHELL_LOADED; state >= SHELL_EMPTY && !shell; state--)
		shell = pop(shells, (enum shell_state)state);
	return shell;
}

int shells_take(struct shells *shells, struct shell **out, char *err,
		size_t err_size)
{
	struct shell *shell = pop_nearest(shells);
	int ret = 0;

	DIS_ASSERT(shell);
	if (shell->state < SHELL_WHOLE)
		ret = make_whole(shells, shell, err, err_size);
	if (ret)
		put(shells, shell);
	else
		*out = shell;
	return ret;
}

/*
 * First what may still write to the memory, then the memory while KVM has none of
 * it mapped, then the rest. Return: 0, or why it did not come clean.
 */
static int scrub(const struct shells *shells, const struct shell *shell)
{
	const struct shells_config *cfg = &shells->cfg;
	const struct guest_mem mem = memory_of(shells, shell);
	int ret = 0;

	for (unsigned i = 0; i < cfg->vcpus && !ret; i++)
		ret = vcpu_state_settle(&shell->vcpus[i]);
	for (unsigned i = 0; i < cfg->vcpus && !ret; i++)
		ret = vcpu_state_give(cfg->kvm, &shell->vcpus[i],
				      shells->fresh[i ? 1 : 0]);
	if (!ret)
		ret = kvm_vm_remove_memory(shell->vm_fd, &mem);
	if (ret)
		return ret;
	arena_clear(cfg->arena, shell->slot);
	ret = kvm_vm_add_memory(shell->vm_fd, &mem);
	return ret ? ret : kvm_vm_restart_clock(shell->vm_fd);
}

void shells_give(struct shells *shells, struct shell *shell)
{
	char err[256];

	if (shells->loaded >= shells->cfg.keep || scrub(shells, shell) ||
	    load(shells, shell, err, sizeof(err)))
		close_shell(shells, shell);
	put(shells, shell);
}

int shells_make_vms(struct shells *shells, unsigned n, char *err,
		    size_t err_size)
{
	int ret = 0;

	for (; n && !ret && shells->shelf[SHELL_EMPTY]; n--) {
		struct shell *shell = shells->shelf[SHELL_EMPTY];

		ret = open_vm(shells, shell, err, err_size);
		if (ret)
			break;
		shells->shelf[SHELL_EMPTY] = shell->next;
		put(shells, shell);
	}
	return ret;
}

/* The state of vCPUs that never ran; can they be brought back to it? */
static int take_fresh(struct shells *shells, const struct shell *shell,
		      char *err, size_t err_size)
{
	const struct shells_config *cfg = &shells->cfg;
	const struct guest_mem mem = memory_of(shells, shell);
	int ret;

	ret = kvm_vm_has_hidden_memory(shell->vm_fd, &mem);
	if (ret > 0) {
		snprintf(err, err_size,
			 "guests made ahead: this host's KVM keeps memory of "
			 "its own in a guest");
		return -ENOTSUP;
	}
	for (unsigned i = 0; i < 2 && i < cfg->vcpus && !ret; i++)
		ret = vcpu_state_take(cfg->kvm, &shell->vcpus[i],
				      &shells->fresh[i], err, err_size);
	return ret;
}

/*
 * Up to where a guest has only to be entered: the first KVM_RUN makes the
 * kernel start a thread for the VM.
 */
static int make_ready(struct shells *shells, struct shell *shell, char *err,
		      size_t err_size)
{
	int ret = make_whole(shells, shell, err, err_size);

	if (!ret && !shells->fresh[0])
		ret = take_fresh(shells, shell, err, err_size);
	if (!ret) {
		ret = vcpu_state_settle(&shell->vcpus[0]);
		if (ret)
			snprintf(err, err_size, "KVM_RUN: %s", strerror(-ret));
	}
	if (!ret)
		memset(shell->vcpus[0].run, 0, shells->cfg.kvm->run_bytes);
	return ret ? ret : load(shells, shell, err, err_size);
}

/* The VMs of all of them before the first vCPU: see shell.h. */
static int make_ready_all(struct shells *shells, char *err, size_t err_size)
{
	const char *lacks = vcpu_state_lacks(shells->cfg.kvm);
	int ret;

	if (shells->cfg.keep && lacks) {
		snprintf(err, err_size,
			 "guests made ahead: this host's KVM lacks %s", lacks);
		return -ENOTSUP;
	}
	ret = shells_make_vms(shells, shells->cfg.keep, err, err_size);
	for (unsigned i = 0; i < shells->cfg.keep && !ret; i++) {
		struct shell *shell = pop(shells, SHELL_VM);

		ret = make_ready(shells, shell, err, err_size);
		put(shells, shell);
	}
	return ret;
}

int shells_create(const struct shells_config *cfg, struct shells **out,
		  char *err, size_t err_size)
{
	size_t slots = cfg->arena->slots;
	struct shells *shells;
	int ret;

	DIS_ASSERT(cfg->keep <= slots && !(cfg->keep && cfg->kernel_irqchip));
	shells = calloc(1, sizeof(*shells) + slots * sizeof(shells->all[0]));
	if (!shells) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	shells->cfg = *cfg;
	/* Those of the first slots are the first to go. */
	for (size_t i = slots; i-- > 0;) {
		shells->all[i] = (struct shell){.slot = i, .vm_fd = -1};
		put(shells, &shells->all[i]);
	}
	ret = make_ready_all(shells, err, err_size);
	if (ret) {
		shells_destroy(shells);
		return ret;
	}
	*out = shells;
	return 0;
}

void shells_destroy(struct shells *shells)
{
	struct shell *shell;

	if (!shells)
		return;
	while ((shell = pop_nearest(shells)))
		close_shell(shells, shell);
	for (unsigned i = 0; i < 2; i++)
		vcpu_state_free(shells->fresh[i]);
	free(shells);
}
