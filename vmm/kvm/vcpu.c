/* SPDX-License-Identifier: Apache-2.0 */
/* Creation and running of a vCPU; see vcpu.h. */
#include "kvm/vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include <dis/executor.h>
#include <dis/handler_code.h>

#include "kvm/exit.h"
#include "kvm/msr.h"
#include "kvm/sampling.h"
#include "kvm/regs.h"
#include "kvm/inspect.h"

static _Thread_local const struct kvm_vcpu *current;

static int set_cpuid(const struct kvm *kvm, int fd, unsigned index,
		     unsigned ncpus)
{
	_Alignas(struct kvm_cpuid2)
		uint8_t buffer[sizeof(struct kvm_cpuid2) +
			       KVM_CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
	struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)buffer;

	kvm_cpuid_for(kvm, index, ncpus, cpuid);
	return kvm_ioctl(fd, KVM_SET_CPUID2, cpuid);
}

int kvm_vcpu_open(const struct kvm *kvm, int vm_fd, unsigned index,
		  unsigned ncpus, struct kvm_vcpu_handle *out, char *err,
		  size_t err_size)
{
	const char *what = "KVM_CREATE_VCPU";
	int ret;

	*out = (struct kvm_vcpu_handle){.fd = -1};
	ret = kvm_ioctl(vm_fd, KVM_CREATE_VCPU, (void *)(uintptr_t)index);
	if (ret < 0)
		goto err_message;
	out->fd = ret;
	what = "mmap of kvm_run";
	out->run = mmap(NULL, kvm->run_bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED, out->fd, 0);
	if (out->run == MAP_FAILED) {
		ret = -errno;
		out->run = NULL;
		goto err_close;
	}
	what = "KVM_SET_CPUID2";
	ret = set_cpuid(kvm, out->fd, index, ncpus);
	if (ret)
		goto err_close;
	what = "KVM_VCPU_TSC_OFFSET";
	ret = msr_set_tsc_offset(out->fd, 0);
	if (ret)
		goto err_close;
	return 0;

err_close:
	kvm_vcpu_close(kvm, out);
err_message:
	snprintf(err, err_size, "vCPU %u: %s: %s", index, what, strerror(-ret));
	return ret;
}

void kvm_vcpu_close(const struct kvm *kvm, struct kvm_vcpu_handle *handle)
{
	if (handle->run)
		munmap(handle->run, kvm->run_bytes);
	if (handle->fd >= 0)
		close(handle->fd);
	*handle = (struct kvm_vcpu_handle){.fd = -1};
}

int kvm_vcpu_adopt(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		   const struct kvm_vcpu_handle *handle, char *err,
		   size_t err_size)
{
	int ret;

	*vcpu = (struct kvm_vcpu){
		.vm = vm, .index = index, .fd = handle->fd, .run = handle->run};
	ret = vm->profile ? sampling_init(vcpu) : 0;
	if (ret) {
		snprintf(err, err_size, "vCPU %u: profile: %s", index,
			 strerror(-ret));
		return ret;
	}
	if (vm->kernel_irqchip)
		return 0;
	vcpu->run->kvm_valid_regs |= KVM_SYNC_X86_EVENTS;
	vcpu->run->kvm_dirty_regs = 0;
	lapic_init(&vcpu->lapic, index, index == 0, &vm->lapics);
	return 0;
}

void kvm_vcpu_release(struct kvm_vcpu *vcpu)
{
	sampling_fini(vcpu);
}

int kvm_vcpu_init(struct kvm_vcpu *vcpu, struct kvm_vm *vm, unsigned index,
		  char *err, size_t err_size)
{
	struct kvm_vcpu_handle handle;
	int ret = kvm_vcpu_open(vm->kvm, vm->fd, index, vm->ncpus, &handle, err,
				err_size);

	if (ret)
		return ret;
	ret = kvm_vcpu_adopt(vcpu, vm, index, &handle, err, err_size);
	if (ret)
		kvm_vcpu_close(vm->kvm, &handle);
	return ret;
}

void kvm_vcpu_fini(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_handle handle = {vcpu->fd, vcpu->run};

	kvm_vcpu_release(vcpu);
	kvm_vcpu_close(vcpu->vm->kvm, &handle);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

const struct kvm_vcpu *kvm_vcpu_current(void)
{
	return current;
}

void kvm_vcpu_run_begin(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

void HANDLER_CODE kvm_vcpu_run_interrupt(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	*(volatile __u8 *)&vcpu->run->immediate_exit = 1;
}

void kvm_vcpu_preempted(void *arg)
{
	steal_preempted(arg);
}

void kvm_vcpu_ask(struct kvm_vcpu *vcpu, struct cpu_snapshot *to,
		  struct samples *samples)
{
	vcpu->asked_samples = samples;
	atomic_store(&vcpu->asked, to);
	dis_vcpu_inspect(vcpu->dis);
}

bool kvm_vcpu_answered(const struct kvm_vcpu *vcpu)
{
	return !atomic_load(&vcpu->asked);
}

void kvm_vcpu_inspect(void *arg)
{
	struct kvm_vcpu *vcpu = arg;
	struct cpu_snapshot *to = atomic_load(&vcpu->asked);

	if (!to)
		return;
	inspect_take(vcpu, to);
	if (vcpu->asked_samples)
		*vcpu->asked_samples = *vcpu->samples;
	atomic_store(&vcpu->asked, NULL);
}

static bool fail(struct kvm_vcpu *vcpu, struct dis_run_result *result,
		 const char *what, int err)
{
	if (kvm_vm_fail(vcpu->vm, 1, "vCPU %u: %s: %s", vcpu->index, what,
			strerror(-err)))
		inspect_failure(vcpu);
	result->outcome = DIS_RUN_FAIL;
	result->reason = DIS_REASON_KVM_ERROR;
	return false;
}

/* Only this thread writes the figure; others may read it. */
static void count_exit(struct kvm_vcpu *vcpu, int err)
{
	enum exit_kind kind = EXIT_KIND_ERROR;

	if (!err)
		kind = exit_kind_of(vcpu->run->exit_reason);
	else if (err == EINTR || err == EAGAIN)
		kind = EXIT_KIND_SIGNAL;
	__atomic_store_n(&vcpu->exits[kind], vcpu->exits[kind] + 1u,
			 __ATOMIC_RELAXED);
}

/* Return: did a signal end it? */
static bool enter(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	uint64_t entered_tsc = __rdtsc();
	int err = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? errno : 0;

	vcpu->guest_tsc += __rdtsc() - entered_tsc;
	count_exit(vcpu, err);
	if (!vcpu->vm->kernel_irqchip) {
		lapic_pv_eoi_collect(&vcpu->lapic);
		lapic_cr8_set(&vcpu->lapic, vcpu->run->cr8);
		lapic_nmi_mask_set(&vcpu->lapic,
				   vcpu->run->s.regs.events.nmi.masked);
	}
	vcpu->unfinished = !err && exit_is_unfinished(vcpu->run);
	vcpu->events_known = !err || err == EINTR;
	/* EAGAIN: an AP of the in-kernel controller left its wait. */
	if (err == EINTR || err == EAGAIN)
		return true;
	if (err)
		fail(vcpu, result, "KVM_RUN", -err);
	else
		exit_decode(vcpu, result);
	return !err && vcpu->run->exit_reason == KVM_EXIT_INTR;
}

/*
 * Lets KVM end the instruction of the last exit, without a step further. What
 * that writes to the registers has to be there before INIT sets them; if it is
 * a fault, KVM would deliver that and forget an interrupt given to it before.
 *
 * The next pass begins anew: immediate_exit may stand for a signal as well.
 */
static void finish_instruction(struct kvm_vcpu *vcpu,
			       struct dis_run_result *result)
{
	kvm_vcpu_run_interrupt(vcpu);
	vcpu->run->cr8 = lapic_cr8_get(&vcpu->lapic);
	enter(vcpu, result);
}

/* What the guest's former kernel had agreed on is void. */
static void forget_agreements(struct kvm_vcpu *vcpu)
{
	vcpu->halted = false;
	vcpu->blocked = DIS_REASON_NONE;
	vcpu->early_ns = 0;
	vcpu->halt_deadline = NULL;
	vcpu->steal = (struct steal){0};
}

/* INIT and SIPI that came in. Return: false if one could not be done. */
static bool take_resets(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	int ret = 0, vector;

	if (lapic_take_init(&vcpu->lapic)) {
		forget_agreements(vcpu);
		vcpu->events_known = false;
		ret = regs_set_init(vcpu);
	}
	vector = lapic_take_sipi(&vcpu->lapic);
	if (!ret && vector >= 0) {
		vcpu->halted = false;
		ret = regs_set_sipi(vcpu, (uint8_t)vector);
	}
	return ret ? fail(vcpu, result, "INIT or SIPI", ret) : true;
}

/* The 8259 pair's INTR is wired to the boot vCPU's LINT0. */
static void show_lint0(struct kvm_vcpu *vcpu)
{
	const struct kvm_vm *vm = vcpu->vm;

	if (vcpu->index == 0 && vm->platform)
		lapic_lint0_set(&vcpu->lapic,
				vm->platform->extint(vm->platform_ctx));
}

bool kvm_vcpu_has_wake(struct kvm_vcpu *vcpu, bool if_flag)
{
	show_lint0(vcpu);
	lapic_sync(&vcpu->lapic);
	return lapic_has_wake(&vcpu->lapic, if_flag);
}

static bool has_interrupt(const struct kvm_vcpu *vcpu)
{
	return lapic_extint(&vcpu->lapic) || lapic_pending(&vcpu->lapic) >= 0;
}

/* Is there an interrupt that the guest would take now? */
static bool is_interruptible(const struct kvm_vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	return has_interrupt(vcpu) && run->ready_for_interrupt_injection &&
	       run->if_flag;
}

/* The guest takes it: which one it is. */
static uint32_t accept_interrupt(struct kvm_vcpu *vcpu)
{
	const struct kvm_vm *vm = vcpu->vm;
	uint8_t vector;

	if (!lapic_extint(&vcpu->lapic))
		return (uint32_t)lapic_accept(&vcpu->lapic);
	lapic_extint_taken(&vcpu->lapic);
	vector = vm->platform->accept(vm->platform_ctx);
	show_lint0(vcpu);
	return vector;
}

/* KVM keeps as many as a processor would. */
static int give_nmi(struct kvm_vcpu *vcpu)
{
	vcpu->events_known = false;
	return kvm_ioctl(vcpu->fd, KVM_NMI, NULL);
}

/* With the coming entry, where KVM's other events are known: no ioctl of its own. */
static int give_interrupt(struct kvm_vcpu *vcpu, uint32_t vector)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_interrupt irq = {vector};

	if (!vcpu->events_known)
		return kvm_ioctl(vcpu->fd, KVM_INTERRUPT, &irq);
	run->s.regs.events.interrupt.injected = 1;
	run->s.regs.events.interrupt.nr = (__u8)vector;
	run->s.regs.events.interrupt.soft = 0;
	run->kvm_dirty_regs = KVM_SYNC_X86_EVENTS;
	return 0;
}

/* When the machine's timers are due, if @vcpu is the one that sees to them. */
static uint64_t platform_expiry_ns(const struct kvm_vcpu *vcpu)
{
	const struct kvm_vm *vm = vcpu->vm;

	if (vcpu->index != 0 || !vm->platform || !vm->platform->expiry_ns)
		return DIS_NEVER_NS;
	return vm->platform->expiry_ns(vm->platform_ctx);
}

/* The next timer of its local APIC, if it could do anything. */
static uint64_t lapic_next_ns(const struct kvm_vcpu *vcpu)
{
	if ((vcpu->halted && !vcpu->halted_if) ||
	    (vcpu->blocked != DIS_REASON_NONE && !vcpu->run->if_flag))
		return DIS_NEVER_NS;
	return lapic_timer_expiry_ns(&vcpu->lapic);
}

/*
 * Does the scheduler know when the next timer is due? Not of one that was due at
 * this entry and goes on: whoever ends its interrupt without an exit, and computes
 * for ever, would have no other.
 */
static bool is_timer_told(const struct kvm_vcpu *vcpu)
{
	uint64_t next_ns =
		dis_ns_min(lapic_next_ns(vcpu), platform_expiry_ns(vcpu));

	return next_ns == DIS_NEVER_NS || next_ns == vcpu->told_ns;
}

/* Gives the guest what is deliverable, or asks KVM to say when it is. */
static bool inject(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	struct kvm_run *run = vcpu->run;
	int ret = 0;

	while (!ret && lapic_take_nmi(&vcpu->lapic))
		ret = give_nmi(vcpu);
	if (!ret && is_interruptible(vcpu))
		ret = give_interrupt(vcpu, accept_interrupt(vcpu));
	if (vcpu->lapic.pv_eoi && is_timer_told(vcpu))
		lapic_pv_eoi_offer(&vcpu->lapic);
	run->request_interrupt_window = has_interrupt(vcpu);
	run->cr8 = lapic_cr8_get(&vcpu->lapic);
	return ret ? fail(vcpu, result, "injection", ret) : true;
}

/* The time as the timer of a vCPU sees it that agreed to be woken early. */
static struct lapic_time timer_time(struct kvm_vcpu *vcpu)
{
	struct lapic_time now = msr_time(vcpu);

	if (!vcpu->halted || !vcpu->early_ns)
		return now;
	now.now_ns = dis_ns_add(now.now_ns, vcpu->early_ns);
	vcpu->early_wake = lapic_timer_expiry_ns(&vcpu->lapic) <= now.now_ns;
	now.guest_tsc += vcpu->early_ns * vcpu->lapic.bus->tsc_khz / 1000000u;
	return now;
}

static void tick_platform(const struct kvm_vcpu *vcpu)
{
	const struct kvm_vm *vm = vcpu->vm;
	uint64_t expiry_ns = platform_expiry_ns(vcpu);
	uint64_t now_ns;

	if (expiry_ns == DIS_NEVER_NS)
		return;
	now_ns = dis_clock_ns();
	if (now_ns >= expiry_ns)
		vm->platform->tick(vm->platform_ctx, now_ns);
}

/* Nothing, or nothing more, to wait for? */
static bool block_over(struct kvm_vcpu *vcpu)
{
	if (vcpu->blocked == DIS_REASON_NONE)
		return true;
	if (!atomic_exchange(&vcpu->woken, false) &&
	    !lapic_has_wake(&vcpu->lapic, vcpu->run->if_flag))
		return false;
	vcpu->blocked = DIS_REASON_NONE;
	return true;
}

/*
 * Everything that is due before the entry. Return: true to enter; otherwise
 * @result says why not.
 */
static bool prepare(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	struct lapic *lapic = &vcpu->lapic;

	/* First: what it raises may be this vCPU's. */
	tick_platform(vcpu);
	show_lint0(vcpu);
	lapic_sync(lapic);
	/* Also what cannot be noticed: before the interrupt that hides it is taken. */
	if (lapic_timer_armed(lapic))
		lapic_timer_tick(lapic, timer_time(vcpu));
	if (vcpu->unfinished &&
	    (lapic_init_due(lapic) || is_interruptible(vcpu))) {
		finish_instruction(vcpu, result);
		return false;
	}
	if (!take_resets(vcpu, result))
		return false;
	if (lapic_activity(lapic) == LAPIC_WAIT_SIPI) {
		result->outcome = DIS_RUN_HALT;
		return false;
	}
	if (vcpu->halted && !lapic_has_wake(lapic, vcpu->halted_if)) {
		result->outcome = DIS_RUN_HALT;
		return false;
	}
	vcpu->halted = false;
	if (!block_over(vcpu)) {
		result->outcome = DIS_RUN_HALT;
		result->reason = vcpu->blocked;
		return false;
	}
	steal_update(vcpu);
	return inject(vcpu, result);
}

static void tell_timer(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	uint64_t lapic_ns, platform_ns;

	result->timer_ns = DIS_NEVER_NS;
	result->early_ns = 0;
	if (vcpu->vm->kernel_irqchip)
		return;
	lapic_ns = lapic_next_ns(vcpu);
	platform_ns = platform_expiry_ns(vcpu);
	result->timer_ns = dis_ns_min(lapic_ns, platform_ns);
	vcpu->told_ns = result->timer_ns;
	/* It agreed on its own timer's interrupts, and on halts, see timer_time(). */
	if (lapic_ns <= platform_ns && vcpu->blocked == DIS_REASON_NONE)
		result->early_ns = vcpu->early_ns;
}

/* By the host's TSC, which costs a hundredth of what an exit does. */
static uint64_t guest_ns(const struct kvm_vcpu *vcpu)
{
	return (uint64_t)((unsigned __int128)vcpu->guest_tsc *
				  vcpu->vm->kvm->tsc_ns >>
			  32);
}

/* No timer and no interrupt ends that. */
static void stay_held(struct dis_run_result *result)
{
	*result = (struct dis_run_result){
		.outcome = DIS_RUN_HALT,
		.reason = DIS_REASON_IO,
		.timer_ns = DIS_NEVER_NS,
		.slack_ns = DIS_SLACK_NONE,
	};
}

void kvm_vcpu_run(void *arg, struct dis_run_result *result)
{
	struct kvm_vcpu *vcpu = arg;

	if (atomic_load(&vcpu->holds)) {
		stay_held(result);
		return;
	}
	result->outcome = DIS_RUN_CONTINUE;
	result->reason = DIS_REASON_NONE;
	vcpu->guest_tsc = 0;
	current = vcpu;
	if ((vcpu->vm->kernel_irqchip || prepare(vcpu, result)) &&
	    enter(vcpu, result) && vcpu->samples)
		sampling_take(vcpu);
	current = NULL;
	result->guest_ns = guest_ns(vcpu);
	tell_timer(vcpu, result);
	result->slack_ns = DIS_SLACK_NONE;
	if (vcpu->early_wake && vcpu->halted) {
		vcpu->early_wake = false;
		result->slack_ns =
			__atomic_load_n(vcpu->slack, __ATOMIC_RELAXED);
	}
}
