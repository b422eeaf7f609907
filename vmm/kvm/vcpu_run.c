/* SPDX-License-Identifier: Apache-2.0 */
/* Running of a vCPU: what is due before it, KVM_RUN, what came of it; see vcpu.h. */
#include "kvm/vcpu.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#include <dis/executor.h>
#include <dis/handler_code.h>

#include "kvm/exit.h"
#include "kvm/inspect.h"
#include "kvm/msr.h"
#include "kvm/regs.h"
#include "kvm/sampling.h"

static _Thread_local const struct kvm_vcpu *current;

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
