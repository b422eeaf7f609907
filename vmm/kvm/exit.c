/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of KVM exits; see exit.h. */
#include "kvm/exit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kvm/msr.h"
#include "kvm/regs.h"
#include "kvm/inspect.h"

static void fail(struct kvm_vcpu *vcpu, struct dis_run_result *result,
		 enum dis_reason reason, const char *what)
{
	if (kvm_vm_fail(vcpu->vm, 1, "vCPU %u: %s at rip 0x%" PRIx64,
			vcpu->index, what, regs_rip(vcpu)))
		inspect_failure(vcpu);
	result->outcome = DIS_RUN_FAIL;
	result->reason = reason;
}

/* Lets the device serve @access, and does what it asks for. */
static void serve(struct kvm_vcpu *vcpu, const struct io_bus *bus,
		  struct io_access *access, struct dis_run_result *result)
{
	switch (io_bus_access(bus, access)) {
	case IO_NONE:
		break;
	case IO_YIELD:
		result->outcome = DIS_RUN_YIELD;
		break;
	case IO_BLOCK:
		/* KVM's own controller tells nobody of interrupts: look again. */
		if (vcpu->vm->kernel_irqchip)
			result->outcome = DIS_RUN_YIELD;
		else
			vcpu->blocked = access->reason;
		break;
	case IO_EXIT:
		if (access->exit_code) {
			if (kvm_vm_fail(vcpu->vm, access->exit_code,
					"vCPU %u: guest exit code %" PRIu32,
					vcpu->index, access->exit_code))
				inspect_failure(vcpu);
			result->outcome = DIS_RUN_FAIL;
			result->reason = DIS_REASON_GUEST_EXIT;
		} else {
			result->outcome = DIS_RUN_FINISH;
			result->reason = access->reason;
			if (result->reason == DIS_REASON_NONE)
				result->reason = DIS_REASON_POWER_OFF;
		}
		break;
	case IO_FAIL:
		fail(vcpu, result, access->reason, access->text);
		break;
	}
}

static void on_io(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	struct kvm_run *run = vcpu->run;
	struct io_access access = {
		.addr = run->io.port,
		.width = run->io.size,
		.write = run->io.direction == KVM_EXIT_IO_OUT,
		.count = run->io.count,
		.data = (uint8_t *)run + run->io.data_offset,
		.vcpu = vcpu->index,
	};

	serve(vcpu, vcpu->vm->bus, &access, result);
}

/* The page of its local APIC in xAPIC form: each vCPU sees its own. */
static void serve_lapic(struct kvm_vcpu *vcpu, struct io_access *access)
{
	uint32_t offset = access->addr & (LAPIC_PAGE_BYTES - 1u);
	struct lapic_time now = msr_time(vcpu);

	if (access->write)
		lapic_mmio_write(&vcpu->lapic, offset, access->width,
				 io_get(access), now);
	else
		io_put(access, lapic_mmio_read(&vcpu->lapic, offset,
					       access->width, now));
}

static void on_mmio(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	struct kvm_run *run = vcpu->run;
	struct io_access access = {
		.addr = run->mmio.phys_addr,
		.width = (uint8_t)run->mmio.len,
		.write = run->mmio.is_write,
		.count = 1,
		.data = run->mmio.data,
		.vcpu = vcpu->index,
	};

	if (!vcpu->vm->kernel_irqchip &&
	    lapic_decodes(&vcpu->lapic, access.addr))
		serve_lapic(vcpu, &access);
	else
		serve(vcpu, vcpu->vm->mmio, &access, result);
}

/* What the guest left to its HLT; any value is one that it could write. */
static void write_halt_deadline(struct kvm_vcpu *vcpu)
{
	uint64_t deadline =
		__atomic_load_n(vcpu->halt_deadline, __ATOMIC_RELAXED);

	lapic_msr_write(&vcpu->lapic, LAPIC_MSR_TSC_DEADLINE, deadline,
			msr_time(vcpu));
}

/* It came in the shadow of STI, where KVM may let HLT go first. */
static bool has_late_nmi(const struct kvm_run *run)
{
	return run->s.regs.events.nmi.pending && !run->s.regs.events.nmi.masked;
}

static void on_hlt(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	if (vcpu->halt_deadline)
		write_halt_deadline(vcpu);
	vcpu->halted_if = vcpu->run->if_flag;
	if (kvm_vcpu_has_wake(vcpu, vcpu->halted_if) || has_late_nmi(vcpu->run))
		return;
	vcpu->halted = true;
	result->outcome = DIS_RUN_HALT;
}

/* " the instruction 0f 0b", if KVM tells its bytes. */
static void print_instruction(const struct kvm_run *run, char *to, size_t size)
{
	unsigned bytes = run->emulation_failure.insn_size;
	size_t n;

	if (run->emulation_failure.ndata < 3 ||
	    !(run->emulation_failure.flags &
	      KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return;
	n = (size_t)snprintf(to, size, " the instruction");
	for (unsigned i = 0; i < bytes && i < 15 && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, " %02x",
				      run->emulation_failure.insn_bytes[i]);
}

static void on_internal_error(struct kvm_vcpu *vcpu,
			      struct dis_run_result *result)
{
	const struct kvm_run *run = vcpu->run;
	char instruction[72] = "";
	char what[128];

	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
		print_instruction(run, instruction, sizeof(instruction));
		snprintf(what, sizeof(what), "KVM cannot emulate%s",
			 instruction);
	} else {
		snprintf(what, sizeof(what), "KVM internal error %" PRIu32,
			 run->internal.suberror);
	}
	fail(vcpu, result, DIS_REASON_KVM_ERROR, what);
}

static void on_shutdown(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	const char *what = "triple fault";

	/* AMD's manual leaves them undefined then, so KVM sets them anew. */
	if (regs_are_reset(vcpu))
		what = "triple fault (registers lost, AMD SVM has reset them)";
	fail(vcpu, result, DIS_REASON_TRIPLE_FAULT, what);
}

static const char *const kind_names[] = {
	[EXIT_KIND_IO] = "io",
	[EXIT_KIND_MMIO] = "mmio",
	[EXIT_KIND_MSR] = "msr",
	[EXIT_KIND_HLT] = "hlt",
	[EXIT_KIND_INTERRUPT_WINDOW] = "interrupt_window",
	[EXIT_KIND_TPR] = "tpr",
	[EXIT_KIND_SIGNAL] = "signal",
	[EXIT_KIND_SHUTDOWN] = "shutdown",
	[EXIT_KIND_ERROR] = "error",
	[EXIT_KIND_OTHER] = "other",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == EXIT_KINDS,
	       "every kind has a name");

const char *exit_kind_name(enum exit_kind kind)
{
	return (unsigned)kind < EXIT_KINDS ? kind_names[kind] : "?";
}

enum exit_kind exit_kind_of(uint32_t reason)
{
	switch (reason) {
	case KVM_EXIT_IO:
		return EXIT_KIND_IO;
	case KVM_EXIT_MMIO:
		return EXIT_KIND_MMIO;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		return EXIT_KIND_MSR;
	case KVM_EXIT_HLT:
		return EXIT_KIND_HLT;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return EXIT_KIND_INTERRUPT_WINDOW;
	case KVM_EXIT_SET_TPR:
		return EXIT_KIND_TPR;
	case KVM_EXIT_INTR:
		return EXIT_KIND_SIGNAL;
	case KVM_EXIT_SHUTDOWN:
		return EXIT_KIND_SHUTDOWN;
	case KVM_EXIT_INTERNAL_ERROR:
	case KVM_EXIT_FAIL_ENTRY:
		return EXIT_KIND_ERROR;
	default:
		return EXIT_KIND_OTHER;
	}
}

bool exit_is_unfinished(const struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
	case KVM_EXIT_MMIO:
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		return true;
	default:
		return false;
	}
}

void exit_decode(struct kvm_vcpu *vcpu, struct dis_run_result *result)
{
	char what[64];

	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		on_io(vcpu, result);
		break;
	case KVM_EXIT_MMIO:
		on_mmio(vcpu, result);
		break;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		msr_exit(vcpu);
		break;
	case KVM_EXIT_HLT:
		on_hlt(vcpu, result);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_SET_TPR:
		break; /* what follows is done before the next entry */
	case KVM_EXIT_SHUTDOWN:
		on_shutdown(vcpu, result);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		on_internal_error(vcpu, result);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(what, sizeof(what), "entry failed, reason 0x%llx",
			 vcpu->run->fail_entry.hardware_entry_failure_reason);
		fail(vcpu, result, DIS_REASON_KVM_ERROR, what);
		break;
	default:
		snprintf(what, sizeof(what), "unexpected exit %u",
			 vcpu->run->exit_reason);
		fail(vcpu, result, DIS_REASON_BAD_EXIT, what);
		break;
	}
}
