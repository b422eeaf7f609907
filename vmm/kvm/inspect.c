/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of a vCPU's registers; see inspect.h. */
#include "kvm/inspect.h"

#include <string.h>

#include <dis/executor.h>

struct snapshot_segment inspect_segment(const struct kvm_segment *segment)
{
	return (struct snapshot_segment){.base = segment->base,
					 .limit = segment->limit,
					 .selector = segment->selector,
					 .type = segment->type,
					 .dpl = segment->dpl,
					 .present = segment->present,
					 .system = !segment->s,
					 .db = segment->db,
					 .l = segment->l};
}

struct paging_regs inspect_paging(const struct kvm_sregs *sregs)
{
	return (struct paging_regs){.cr0 = sregs->cr0,
				    .cr3 = sregs->cr3,
				    .cr4 = sregs->cr4,
				    .efer = sregs->efer};
}

struct walk_memory inspect_memory(const struct kvm_vm *vm)
{
	return (struct walk_memory){vm->mem, vm->rom.host, vm->rom.bytes};
}

static struct snapshot_table table_of(const struct kvm_dtable *table)
{
	return (struct snapshot_table){table->base, table->limit};
}

static void copy_general(const struct kvm_regs *regs, struct cpu_snapshot *out)
{
	const uint64_t gpr[SNAPSHOT_GPRS] = {regs->rax, regs->rcx, regs->rdx,
					     regs->rbx, regs->rsp, regs->rbp,
					     regs->rsi, regs->rdi, regs->r8,
					     regs->r9,  regs->r10, regs->r11,
					     regs->r12, regs->r13, regs->r14,
					     regs->r15};

	memcpy(out->gpr, gpr, sizeof(gpr));
	out->rip = regs->rip;
	out->rflags = regs->rflags;
}

static void copy_special(const struct kvm_sregs *sregs, struct cpu_snapshot *out)
{
	const struct kvm_segment *segments[SNAPSHOT_SEGMENTS] = {
		[SNAPSHOT_CS] = &sregs->cs,   [SNAPSHOT_DS] = &sregs->ds,
		[SNAPSHOT_ES] = &sregs->es,   [SNAPSHOT_FS] = &sregs->fs,
		[SNAPSHOT_GS] = &sregs->gs,   [SNAPSHOT_SS] = &sregs->ss,
		[SNAPSHOT_LDT] = &sregs->ldt, [SNAPSHOT_TR] = &sregs->tr,
	};

	for (unsigned i = 0; i < SNAPSHOT_SEGMENTS; i++)
		out->segment[i] = inspect_segment(segments[i]);
	out->paging = inspect_paging(sregs);
	out->cr2 = sregs->cr2;
	out->cr8 = sregs->cr8;
	out->apic_base = sregs->apic_base;
	out->gdt = table_of(&sregs->gdt);
	out->idt = table_of(&sregs->idt);
}

static void copy_events(const struct kvm_vcpu_events *events,
			struct snapshot_events *out)
{
	out->exception = events->exception.injected ||
			 events->exception.pending;
	out->vector = events->exception.nr;
	out->has_error_code = events->exception.has_error_code;
	out->error_code = events->exception.error_code;
	out->nmi = events->nmi.injected || events->nmi.pending;
	out->shadow = events->interrupt.shadow;
}

static void copy_activity(const struct kvm_vcpu *vcpu,
			  struct snapshot_activity *out)
{
	*out = (struct snapshot_activity){
		.halted = vcpu->halted,
		.blocked = vcpu->blocked,
		.timer_ns = DIS_NEVER_NS,
		.pending = -1,
		.in_service = -1,
	};
	/* One that is run without a scheduler has none. */
	if (vcpu->dis) {
		out->state = dis_vcpu_state(vcpu->dis);
		out->reason = dis_vcpu_reason(vcpu->dis);
		dis_vcpu_get_stats(vcpu->dis, &out->stats);
	}
	if (vcpu->vm->kernel_irqchip)
		return;
	out->waits_for_sipi = lapic_activity(&vcpu->lapic) == LAPIC_WAIT_SIPI;
	out->timer_ns = lapic_timer_expiry_ns(&vcpu->lapic);
	out->pending = lapic_requested(&vcpu->lapic);
	out->in_service = lapic_in_service(&vcpu->lapic);
}

void inspect_take(const struct kvm_vcpu *vcpu, struct cpu_snapshot *out)
{
	const struct walk_memory memory = inspect_memory(vcpu->vm);
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret;

	*out = (struct cpu_snapshot){.vcpu = vcpu->index,
				     .when_ns = dis_clock_ns()};
	ret = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	if (!ret)
		ret = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	if (!ret)
		ret = kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	out->failed = ret;
	if (ret)
		return;
	copy_general(&regs, out);
	copy_special(&sregs, out);
	copy_events(&events, &out->events);
	copy_activity(vcpu, &out->activity);
	snapshot_look(out, &memory);
}

void inspect_failure(struct kvm_vcpu *vcpu)
{
	struct vm_failure *failure = &vcpu->vm->failure;

	inspect_take(vcpu, &failure->snapshot);
	failure->has_snapshot = true;
}
