/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NMIs of our local APICs in guests on real vCPUs: how many arrive, and what they do
 * to a halt (SDM vol. 3A, 6.7.1). Each test runs a vCPU of its own, without the
 * scheduler, on code in real mode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kvm/bare_vm.h"
#include "kvm/regs.h"

#define NMI_VECTOR 2u
#define VECTOR 0x40u
#define CODE_PAGE 1u
#define COUNT_AT 0x500u
#define HANDLER_PORT 0x81u
/* More exits than what was posted needs. */
#define RUNS 40u

/* Reads a port for ever; the handler counts at COUNT_AT and reads another one. */
__asm__(".pushsection .rodata\n"
	".code16\n"
	"counting_code:\n"
	"	movw $0x8000, %sp\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"1:	inb $0x80, %al\n"
	"	jmp 1b\n"
	"counting_nmi:\n"
	"	incb 0x500\n"
	"	inb $0x81, %al\n"
	"	iret\n"
	"counting_end:\n"
	/* Halts in the NMI's handler; an interrupt ends the guest with 6. */
	"halting_code:\n"
	"	movl $0x1b, %ecx\n"
	"	movl $0xfee00d00, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"	movl $0x80f, %ecx\n"
	"	movl $0x1ff, %eax\n"
	"	wrmsr\n"
	"	movw $0x8000, %sp\n"
	"1:	inb $0x80, %al\n"
	"	jmp 1b\n"
	"halting_nmi:\n"
	"	sti\n"
	"	hlt\n"
	"	movb $3, %al\n"
	"	outb %al, $0xf4\n"
	"halting_irq:\n"
	"	movb $6, %al\n"
	"	outb %al, $0xf4\n"
	"halting_end:\n"
	/* The NMI's handler ends the guest with 7. */
	"shadow_code:\n"
	"	hlt\n"
	"	jmp shadow_code\n"
	"shadow_nmi:\n"
	"	movb $7, %al\n"
	"	outb %al, $0xf4\n"
	"shadow_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t counting_code[], counting_nmi[], counting_end[];
extern const uint8_t halting_code[], halting_nmi[], halting_irq[],
	halting_end[];
extern const uint8_t shadow_code[], shadow_nmi[], shadow_end[];

static void start(struct bare_vm *vm, const uint8_t *code, const uint8_t *nmi,
		  const uint8_t *end)
{
	bare_vm_open(vm);
	bare_vm_put(vm, CODE_PAGE, code, end);
	bare_vm_put_vector(vm, NMI_VECTOR, CODE_PAGE, nmi - code);
	assert_int_equal(regs_set_sipi(&vm->vcpus[0], CODE_PAGE), 0);
}

static void post_nmis(struct kvm_vcpu *vcpu, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		lapic_post_nmi(&vcpu->lapic);
}

static void run(struct kvm_vcpu *vcpu)
{
	for (unsigned i = 0; i < RUNS; i++)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
}

static void test_nmis_of_one_entry_are_two_at_most(void **state)
{
	(void)state;
	for (unsigned posted = 1; posted <= 4; posted++) {
		struct bare_vm vm;

		start(&vm, counting_code, counting_nmi, counting_end);
		/* Its stack is there. */
		assert_int_equal(bare_vm_run_once(&vm.vcpus[0]),
				 DIS_RUN_CONTINUE);
		post_nmis(&vm.vcpus[0], posted);
		run(&vm.vcpus[0]);
		assert_int_equal(vm.vm.mem.base[COUNT_AT],
				 posted < 2 ? posted : 2);
		bare_vm_close(&vm);
	}
}

static void test_nmis_in_the_handler_are_one_more(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];
	unsigned i;

	(void)state;
	start(&vm, counting_code, counting_nmi, counting_end);
	assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	post_nmis(vcpu, 1);
	for (i = 0; i < RUNS && vcpu->run->io.port != HANDLER_PORT; i++)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	assert_true(i < RUNS);
	post_nmis(vcpu, 3);
	run(vcpu);
	assert_int_equal(vm.vm.mem.base[COUNT_AT], 2);
	bare_vm_close(&vm);
}

static void test_nmi_does_not_end_a_halt_in_its_handler(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	start(&vm, halting_code, halting_nmi, halting_end);
	bare_vm_put_vector(&vm, VECTOR, CODE_PAGE, halting_irq - halting_code);
	while (vcpu->run->exit_reason != KVM_EXIT_IO)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	post_nmis(vcpu, 1);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_HALT);
	post_nmis(vcpu, 1);
	assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_HALT);
	lapic_post(&vcpu->lapic, VECTOR, false);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 6");
	bare_vm_close(&vm);
}

/* Between STI and HLT KVM may keep the NMI until after the latter. */
static void test_nmi_in_the_shadow_of_sti_ends_the_halt(void **state)
{
	struct kvm_vcpu_events events;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	start(&vm, shadow_code, shadow_nmi, shadow_end);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events), 0);
	events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	events.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), 0);
	post_nmis(vcpu, 1);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 7");
	bare_vm_close(&vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nmis_of_one_entry_are_two_at_most),
		cmocka_unit_test(test_nmis_in_the_handler_are_one_more),
		cmocka_unit_test(test_nmi_does_not_end_a_halt_in_its_handler),
		cmocka_unit_test(test_nmi_in_the_shadow_of_sti_ends_the_halt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
