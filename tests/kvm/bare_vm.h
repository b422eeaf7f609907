/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A VM of two vCPUs without devices and without the scheduler, for tests of a vCPU
 * alone: some bytes of real-mode code, run step by step.
 *
 * Place in the flow: a test opens one, puts code at pages, sets registers or sends
 * a start-up IPI, and runs. Port 0xf4 ends the guest with the code written.
 * Whatever fails ends the test.
 */
#ifndef DISVM_TEST_BARE_VM_H
#define DISVM_TEST_BARE_VM_H

#include "kvm/vcpu.h"

#define BARE_VM_RUNS_MAX 200u

/**
 * For real-mode code of vCPU 0; both write EAX, ECX and EDX. apic_on: its local APIC in
 * x2APIC form. pv_eoi_on, after that: its interrupts end by the word at 0x700.
 */
#define BARE_VM_MACROS \
	".macro apic_on\n" \
	"	movl $0x1b, %ecx\n" \
	"	movl $0xfee00d00, %eax\n" \
	"	xorl %edx, %edx\n" \
	"	wrmsr\n" \
	"	movl $0x80f, %ecx\n" \
	"	movl $0x1ff, %eax\n" \
	"	wrmsr\n" \
	".endm\n" \
	".macro pv_eoi_on\n" \
	"	movl $0x4b564d04, %ecx\n" \
	"	movl $0x701, %eax\n" \
	"	wrmsr\n" \
	".endm\n"

struct bare_vm {
	struct kvm kvm;
	struct kvm_vm vm;
	struct io_bus bus, mmio;
	struct lapic *lapics[2];
	struct kvm_vcpu vcpus[2];
};

void bare_vm_open(struct bare_vm *vm);
void bare_vm_close(struct bare_vm *vm);

/** Code from @from to @to goes to page @page, as for a start-up IPI. */
void bare_vm_put(struct bare_vm *vm, unsigned page, const uint8_t *from,
		 const uint8_t *to);
/** @vector of the real-mode interrupt table: @offset in page @page. */
void bare_vm_put_vector(struct bare_vm *vm, unsigned vector, unsigned page,
			ptrdiff_t offset);

enum dis_outcome bare_vm_run_once(struct kvm_vcpu *vcpu);
/** Until it does something else than go on; CONTINUE if it never does. */
enum dis_outcome bare_vm_run_on(struct kvm_vcpu *vcpu);

#endif
