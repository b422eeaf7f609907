/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A vCPU: its KVM descriptor, its kvm_run page, its local APIC, and the run
 * operations that DIS calls.
 *
 * Place in the flow: KVM_RUN and the decoding of exits; what an exit means goes
 * to the bus, the local APIC, or back to the scheduler as an outcome.
 *
 * Invariant: a halted vCPU enters KVM_RUN only with something to wake it.
 * Locking: the executor that runs the vCPU owns it. Others touch
 * run->immediate_exit (through the signal handler) and post to the LAPIC.
 */
#ifndef DISVM_VCPU_H
#define DISVM_VCPU_H

#include <dis/domain.h>

#include "diag/samples.h"
#include "kvm/steal.h"
#include "kvm/vm.h"

/** Why KVM_RUN came back, counted per vCPU (R: DIS-3). */
enum exit_kind {
	EXIT_KIND_IO,
	EXIT_KIND_MMIO,
	EXIT_KIND_MSR,
	EXIT_KIND_HLT,
	EXIT_KIND_INTERRUPT_WINDOW,
	EXIT_KIND_TPR,
	EXIT_KIND_SIGNAL, /* the preemption timer, a kick */
	EXIT_KIND_SHUTDOWN,
	EXIT_KIND_ERROR,
	EXIT_KIND_OTHER,
	EXIT_KINDS,
};

/**
 * @dis: the scheduler's side; set before the start.
 * @halted, @halted_if: it executed HLT with RFLAGS.IF as in halted_if.
 * @holds: a device does for it what must be over before it goes on: it waits, whatever
 *         else comes. Any thread counts up and down; who counts down wakes it.
 * @guest_tsc: ticks inside KVM_RUN in the present run.
 * @exits: returns of KVM_RUN by kind; others may read it.
 * @unfinished: the last exit was inside an instruction (port, memory, MSR),
 *              which KVM ends, or lets fault, first thing in the next KVM_RUN.
 * @events_known: run->s.regs.events is what KVM has.
 * @early_ns:   its guest agrees to timer interrupts that are early by up to this;
 * @slack:      where it says by how much they were, in guest memory;
 * @early_wake: its timer woke it, and its word was not looked at since.
 * @halt_deadline: by agreement each HLT first writes IA32_TSC_DEADLINE with this, in
 *              guest memory; NULL: it does not.
 * @asked:   where a snapshot is wanted; NULL again when it is there.
 * @samples: NULL unless its VM is profiled.
 */
struct kvm_vcpu {
	struct kvm_vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	struct dis_vcpu *dis;
	struct lapic lapic;
	bool halted;
	bool halted_if;
	enum dis_reason blocked; /* by its own call, for this; NONE: it is not */
	atomic_bool woken;       /* any thread: ends a block, or the next one */
	atomic_uint holds;
	bool unfinished;
	bool events_known;
	uint64_t guest_tsc;
	uint64_t exits[EXIT_KINDS];
	uint64_t tsc_offset;
	uint64_t tsc_adjust;
	uint64_t pv_eoi; /* MSR_KVM_PV_EOI_EN */
	struct steal steal;
	uint64_t told_ns; /* its next timer, as the scheduler was told last */
	uint64_t early_ns;
	const int64_t *slack;
	bool early_wake;
	const uint64_t *halt_deadline;
	_Atomic(struct cpu_snapshot *) asked;
	struct samples *asked_samples;
	struct samples *samples;
};

/**
 * kvm_vcpu_init - create vCPU @index of @vm, in its reset state.
 * Return: 0 or -errno with @err naming the ioctl; nothing is left open then.
 */
int kvm_vcpu_init(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		  char *err, size_t err_size);
void kvm_vcpu_fini(struct kvm_vcpu *vcpu);

/** The vCPU whose run the calling thread is in, or NULL. */
const struct kvm_vcpu *kvm_vcpu_current(void);

/**
 * kvm_vcpu_has_wake - take over what came in for @vcpu; would it go on if halted?
 * @if_flag: RFLAGS.IF. Context: its owner; with our own local APICs.
 */
bool kvm_vcpu_has_wake(struct kvm_vcpu *vcpu, bool if_flag);

/** What KVM has of a vCPU. @fd -1: nothing. */
struct kvm_vcpu_handle {
	int fd;
	struct kvm_run *run;
};

/**
 * kvm_vcpu_open - make KVM's part of a vCPU alone, for who makes vCPUs ahead.
 * @ncpus: of the machine.
 * Return: 0 or -errno with @err naming the ioctl; nothing is left open then.
 */
int kvm_vcpu_open(const struct kvm *kvm, int vm_fd, unsigned index,
		  unsigned ncpus, struct kvm_vcpu_handle *out, char *err,
		  size_t err_size);
void kvm_vcpu_close(const struct kvm *kvm, struct kvm_vcpu_handle *handle);

/**
 * kvm_vcpu_adopt - everything else: @vcpu in its reset state.
 * @handle: in the state of a new one. It stays its owner's to close.
 * Return: 0 or -ENOMEM with @err.
 */
int kvm_vcpu_adopt(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		   const struct kvm_vcpu_handle *handle, char *err,
		   size_t err_size);
/** What was adopted, or is zero, leaves its handle. */
void kvm_vcpu_release(struct kvm_vcpu *vcpu);

/* The run operations (dis/ops.h); @arg is a struct kvm_vcpu. */
void kvm_vcpu_run_begin(void *arg);
void kvm_vcpu_run(void *arg, struct dis_run_result *result);
void kvm_vcpu_run_interrupt(void *arg);
void kvm_vcpu_preempted(void *arg);
void kvm_vcpu_inspect(void *arg);

/**
 * kvm_vcpu_ask - have the owner of @vcpu take a snapshot of it, soon; it need
 * not run for that, and goes on as if nothing had been.
 * @to:      filled in when kvm_vcpu_answered() says so; it must stay until then,
 *           or until the executors have stopped.
 * @samples: the same, with the samples so far; NULL if it is not profiled.
 *
 * Context: one thread, which may not be an executor's; not from
 * dis_vm_reap_begin() on. Not again before it was answered.
 */
void kvm_vcpu_ask(struct kvm_vcpu *vcpu, struct cpu_snapshot *to,
		  struct samples *samples);
bool kvm_vcpu_answered(const struct kvm_vcpu *vcpu);

#endif
