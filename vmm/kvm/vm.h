/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A KVM VM: descriptor, memory slots, interrupt controller, MSR exits.
 *
 * Place in the flow: created by machine.c, holds the vCPUs of vcpu.h.
 * Locking: built by one thread; constant while vCPUs run, but for `failure`.
 */
#ifndef DISVM_VM_H
#define DISVM_VM_H

#include <stdatomic.h>

#include "dev/bus.h"
#include "dev/lapic.h"
#include "diag/snapshot.h"
#include "kvm/guest_mem.h"
#include "kvm/kvm.h"

#define KVM_VM_DETAIL_BYTES 256

/**
 * Why the VM ended, told by the first vCPU that ends it.
 * @claimed: guards the others; they are read after the VM has ended.
 * @snapshot: of that vCPU, if @has_snapshot.
 */
struct vm_failure {
	atomic_flag claimed;
	uint32_t exit_code;
	char detail[KVM_VM_DETAIL_BYTES];
	bool has_snapshot;
	struct cpu_snapshot snapshot;
};

/**
 * What vCPUs ask the machine around them for: its timers, which the boot vCPU sees
 * to, and the interrupts of its 8259 pair. None may block; all but tick may be called
 * by several vCPUs at once.
 *
 * The machine's timers are part of the boot vCPU's timer, and with it an entry of
 * its core's timer queue. Who makes one of them due earlier, on another thread
 * than that vCPU's, has to wake it: it asks for the expiry anew.
 *
 * @expiry_ns: when tick has something to do, CLOCK_MONOTONIC; DIS_NEVER_NS: never.
 *             Asked for after each run of the boot vCPU, also if that is halted
 *             with interrupts off: they may be another vCPU's. NULL: no timers.
 * @tick:      what is due at @now_ns happens. Called before the boot vCPU's entry,
 *             at or after the expiry; it may set lines that are that vCPU's own.
 * @extint:    does the 8259 pair ask the boot vCPU for an interrupt?
 * @accept:    a vCPU acknowledges it. Return: the vector, that of a spurious one if
 *             there is none any more.
 */
struct kvm_platform_ops {
	uint64_t (*expiry_ns)(void *ctx);
	void (*tick)(void *ctx, uint64_t now_ns);
	bool (*extint)(void *ctx);
	uint8_t (*accept)(void *ctx);
};

/** A firmware's image: read only, ends at 4 GiB. @bytes: whole pages; 0: none. */
struct kvm_rom {
	const uint8_t *host;
	uint64_t bytes;
};

/**
 * @kernel_irqchip: KVM's own interrupt controllers and PIT instead of ours.
 * @profile: where its vCPUs run is sampled, see sampling.h.
 * @rom:   what kvm_vm_add_rom() was given, for who looks at the guest.
 * @bus:   where port I/O exits go; @mmio: accesses where there is no RAM.
 * @lapics: the bus of our own local APICs; unused with kernel_irqchip.
 * @platform: called with @platform_ctx; NULL with kernel_irqchip.
 */
struct kvm_vm {
	const struct kvm *kvm;
	int fd;
	bool kernel_irqchip;
	bool profile;
	unsigned ncpus;
	struct guest_mem mem;
	struct kvm_rom rom;
	const struct io_bus *bus;
	const struct io_bus *mmio;
	struct lapic_bus lapics;
	const struct kvm_platform_ops *platform;
	void *platform_ctx;
	struct vm_failure failure;
};

/**
 * kvm_vm_init - create the VM's descriptor, interrupt controller and slots.
 * @vm: mem, rom, bus, mmio, ncpus, kernel_irqchip and profile are set by the caller.
 * @err: one line naming the ioctl.
 *
 * Return: 0 or -errno; nothing is left open then.
 */
int kvm_vm_init(struct kvm_vm *vm, const struct kvm *kvm, char *err,
		size_t err_size);
void kvm_vm_fini(struct kvm_vm *vm);

/**
 * kvm_vm_set_line - with kernel_irqchip: input @gsi of KVM's controllers is at
 * @level; inputs are those of pc_map.h.
 *
 * Context: any thread.
 */
void kvm_vm_set_line(const struct kvm_vm *vm, unsigned gsi, bool level);

/*
 * The same in parts, for who makes VMs ahead: kvm_vm_open(), kvm_vm_set_up(),
 * and once there is a guest for it, kvm_vm_adopt().
 */

/** Return: the descriptor of a VM with nothing in it, or -errno with @err. */
int kvm_vm_open(const struct kvm *kvm, char *err, size_t err_size);

/** Return: 0 or -errno with @err; @fd stays the caller's. */
int kvm_vm_set_up(int fd, bool kernel_irqchip, const struct guest_mem *mem,
		  char *err, size_t err_size);

/** From now on @fd is @vm's, whose fields the caller has set as above. */
void kvm_vm_adopt(struct kvm_vm *vm, const struct kvm *kvm, int fd);

/**
 * kvm_vm_remove_memory - take the slots away, and with them all that KVM derived
 * from what is in them: page tables that it shadows would outlive a change of
 * guest memory by us, of which it learns nothing. No vCPU may run.
 * kvm_vm_add_memory - give them back.
 * Return: 0 or -errno.
 */
int kvm_vm_remove_memory(int fd, const struct guest_mem *mem);
int kvm_vm_add_memory(int fd, const struct guest_mem *mem);

/** kvm_vm_add_rom - @rom belongs to the VM from now on. Return: 0 or -errno. */
int kvm_vm_add_rom(int fd, const struct kvm_rom *rom);

/** kvm_vm_restart_clock - the guest's kvmclock begins anew. Return: 0 or -errno. */
int kvm_vm_restart_clock(int fd);

/**
 * kvm_vm_has_hidden_memory - has KVM pages of its own in the guest's address
 * space? A guest can write to them and we cannot: Intel's virtualisation without
 * "unrestricted guest" has (kernel: __x86_set_memory_region()).
 * @mem: the VM's. It has all its vCPUs.
 * Return: 0, 1, or -errno.
 */
int kvm_vm_has_hidden_memory(int fd, const struct guest_mem *mem);

/**
 * kvm_vm_notify - KVM itself writes to eventfd @fd when the guest writes 32 bits at
 * @gpa; there is no exit then. kvm_vm_notify_end - no more, with the same @fd.
 *
 * Context: no vCPU runs. Return: 0 or -errno.
 */
int kvm_vm_notify(const struct kvm_vm *vm, uint64_t gpa, int fd);
int kvm_vm_notify_end(const struct kvm_vm *vm, uint64_t gpa, int fd);

/**
 * The first caller's words stay; later ones are dropped.
 * Return: was this the first?
 */
bool kvm_vm_fail(struct kvm_vm *vm, uint32_t exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
