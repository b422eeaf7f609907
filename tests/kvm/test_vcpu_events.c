/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reaches a vCPU between an exit to user space and the end of the instruction
 * that caused it, and what KVM makes of it. Each test runs a vCPU of its own, without the
 * scheduler, on code in real mode.
 */
#include <asm/kvm_para.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include <cmocka.h>

#include <dis/executor.h>

#include "kvm/bare_vm.h"
#include "kvm/cpuid.h"
#include "kvm/regs.h"

#define VECTOR 0x40u
#define FAULT_VECTOR 13u
/* Where the guests' code goes, as vector of a start-up IPI. */
#define CODE_PAGE 1u
#define SIPI_PAGE 2u
#define TSC_AT 0x500u
#define EDX_AT 0x500u
#define EDX_APIC (1u << 9)
#define FLAG_AT 0x600u
#define LVT_AT 0x720u
#define LVT_PERIODIC 0x20000u

/*
 * Enables the local APIC in x2APIC form, then for ever reads a port and the EOI
 * register, which has no value. The #GP handler steps over the RDMSR; the other
 * one ends its interrupt and writes 7 to the debug-exit port.
 */
__asm__(".pushsection .rodata\n" BARE_VM_MACROS ".code16\n"
	"faulting_code:\n"
	"	apic_on\n"
	"	movw $0x8000, %sp\n"
	"	sti\n"
	"	movl $0x80b, %ecx\n"
	"1:	inb $0x80, %al\n"
	"	rdmsr\n"
	"	jmp 1b\n"
	"faulting_gp:\n"
	"	movw %sp, %bp\n"
	"	addw $2, (%bp)\n"
	"	iret\n"
	"faulting_irq:\n"
	"	movl $0x80b, %ecx\n"
	"	xorl %eax, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"	movb $7, %al\n"
	"	outb %al, $0xf4\n"
	"faulting_end:\n"
	/* An INIT to itself (APIC ID 1). */
	"self_init_code:\n"
	"	movl $0x1b, %ecx\n"
	"	movl $0xfee00c00, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"	movl $0x830, %ecx\n"
	"	movl $0x4500, %eax\n"
	"	movl $1, %edx\n"
	"	wrmsr\n"
	"	hlt\n"
	"self_init_end:\n"
	/* Exits with 9 if it begins with its first instruction, else with 3. */
	"started_code:\n"
	"	movb $9, %al\n"
	"	outb %al, $0xf4\n"
	"	hlt\n"
	"started_end:\n"
	/*
	 * A periodic timer of about 1 ms; interrupts are on when FLAG_AT is not 0,
	 * and the first one ends the guest.
	 */
	"ticking_code:\n"
	"	apic_on\n"
	"	movl $0x832, %ecx\n"
	"	movl $0x20040, %eax\n"
	"	wrmsr\n"
	"	movl $0x83e, %ecx\n"
	"	movl $0xb, %eax\n"
	"	wrmsr\n"
	"	movl $0x838, %ecx\n"
	"	movl $1000000, %eax\n"
	"	wrmsr\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"1:	inb $0x80, %al\n"
	"	cmpb $0, 0x600\n"
	"	je 1b\n"
	"	movw $0x8000, %sp\n"
	"	sti\n"
	"2:	inb $0x80, %al\n"
	"	jmp 2b\n"
	"ticking_irq:\n"
	"	movb $8, %al\n"
	"	outb %al, $0xf4\n"
	"ticking_end:\n"
	/* Moves its TSC far ahead; what it reads then goes to TSC_AT. */
	"tsc_code:\n"
	"	movl $0x10, %ecx\n"
	"	movl $0x12345678, %edx\n"
	"	xorl %eax, %eax\n"
	"	wrmsr\n"
	"	rdtsc\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"	movl %eax, 0x500\n"
	"	movl %edx, 0x504\n"
	"	movb $5, %al\n"
	"	outb %al, $0xf4\n"
	"tsc_end:\n"
	/*
	 * Lets its interrupts end by the word at 0x700, sets its timer, whose LVT
	 * entry is at LVT_AT, to 1 ms and halts; the handler's exit code is 20 and
	 * what that word says.
	 */
	"eoi_code:\n"
	"	apic_on\n"
	"	pv_eoi_on\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"	movl $0x832, %ecx\n"
	"	movl 0x720, %eax\n"
	"	wrmsr\n"
	"	movl $0x83e, %ecx\n"
	"	movl $0xb, %eax\n"
	"	wrmsr\n"
	"	movl $0x838, %ecx\n"
	"	movl $1000000, %eax\n"
	"	wrmsr\n"
	"	movw $0x8000, %sp\n"
	"	sti\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	"eoi_irq:\n"
	"	movb 0x700, %al\n"
	"	addb $20, %al\n"
	"	outb %al, $0xf4\n"
	"eoi_end:\n"
	/* EDX of CPUID leaf 1 without and with its APIC, to EDX_AT. */
	"apic_code:\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"	movl $0xfee00100, %eax\n"
	"	movw $0x500, %di\n"
	"1:	xorl %edx, %edx\n"
	"	movl $0x1b, %ecx\n"
	"	wrmsr\n"
	"	movl $1, %eax\n"
	"	xorl %ecx, %ecx\n"
	"	cpuid\n"
	"	movl %edx, (%di)\n"
	"	addw $4, %di\n"
	"	movl $0xfee00900, %eax\n"
	"	cmpw $0x508, %di\n"
	"	jne 1b\n"
	"	movb $4, %al\n"
	"	outb %al, $0xf4\n"
	"apic_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t faulting_code[], faulting_gp[], faulting_irq[],
	faulting_end[];
extern const uint8_t self_init_code[], self_init_end[];
extern const uint8_t started_code[], started_end[];
extern const uint8_t ticking_code[], ticking_irq[], ticking_end[];
extern const uint8_t tsc_code[], tsc_end[];
extern const uint8_t apic_code[], apic_end[];
extern const uint8_t eoi_code[], eoi_irq[], eoi_end[];

/* SDM vol. 3A, 6.9: the fault of an instruction comes before an interrupt. */
static void test_vcpu_interrupt_beside_faulting_msr_is_delivered(void **state)
{
	struct kvm_vcpu_events events;
	struct dis_run_result result;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, faulting_code, faulting_end);
	bare_vm_put_vector(&vm, FAULT_VECTOR, CODE_PAGE,
			   faulting_gp - faulting_code);
	bare_vm_put_vector(&vm, VECTOR, CODE_PAGE, faulting_irq - faulting_code);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	for (unsigned i = 0; i < BARE_VM_RUNS_MAX; i++) {
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
		if (vcpu->run->exit_reason == KVM_EXIT_X86_RDMSR)
			break;
	}
	assert_int_equal(vcpu->run->exit_reason, KVM_EXIT_X86_RDMSR);
	assert_true(lapic_post(&vcpu->lapic, VECTOR, false));

	/* To the point where KVM has the fault, and not a step further. */
	kvm_vcpu_run_begin(vcpu);
	kvm_vcpu_run_interrupt(vcpu);
	kvm_vcpu_run(vcpu, &result);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.exception.nr, FAULT_VECTOR);
	assert_int_equal(events.interrupt.injected, 0);

	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 7");
	bare_vm_close(&vm);
}

/* The WRMSR that sent the INIT must not go on in the state after it. */
static void test_vcpu_init_to_itself_starts_anew_at_sipi(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[1];

	(void)state;
	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, self_init_code, self_init_end);
	bare_vm_put(&vm, SIPI_PAGE, started_code, started_end);
	lapic_post_sipi(&vcpu->lapic, CODE_PAGE);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_HALT);
	assert_int_equal(lapic_activity(&vcpu->lapic), LAPIC_WAIT_SIPI);
	lapic_post_sipi(&vcpu->lapic, SIPI_PAGE);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 1: guest exit code 9");
	bare_vm_close(&vm);
}

/* SDM vol. 3A, table 9-1: EDX says which processor it is. */
static void test_vcpu_init_shows_signature(void **state)
{
	struct kvm_regs regs;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[1];

	(void)state;
	bare_vm_open(&vm);
	assert_int_equal(regs_set_init(vcpu), 0);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs), 0);
	assert_true(regs.rdx != 0);
	assert_int_equal(regs.rdx, cpuid_signature(vm.kvm.cpuid));
	bare_vm_close(&vm);
}

/* SDM vol. 3A, table 9-1: INIT keeps CD and NW, and sets ET alone beside them. */
static void test_vcpu_init_keeps_cache_control(void **state)
{
	static const uint32_t caching[] = {0, 0x40000000, 0x60000000};
	struct kvm_sregs sregs;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[1];

	(void)state;
	bare_vm_open(&vm);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), 0);
		sregs.cr0 = caching[i] | 0x11;
		assert_int_equal(kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs), 0);
		assert_int_equal(regs_set_init(vcpu), 0);
		assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs), 0);
		assert_int_equal(sregs.cr0, caching[i] | 0x10);
	}
	bare_vm_close(&vm);
}

/* SDM vol. 3A, 10.4.3: without EN there is no APIC, and CPUID says so. */
static void test_vcpu_cpuid_says_whether_the_apic_is_enabled(void **state)
{
	uint32_t edx[2];
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, apic_code, apic_end);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 4");
	memcpy(edx, vm.vm.mem.base + EDX_AT, sizeof(edx));
	assert_int_equal(edx[0] & EDX_APIC, 0);
	assert_true(edx[1] & EDX_APIC);
	bare_vm_close(&vm);
}

/*
 * SDM vol. 3A, 10.8.4: a period that ends while the interrupt of the last one waits is
 * merged with it, and not made up for.
 */
static void test_vcpu_timer_period_is_merged_with_waiting_one(void **state)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];
	uint64_t on_ns;

	(void)state;
	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, ticking_code, ticking_end);
	bare_vm_put_vector(&vm, VECTOR, CODE_PAGE, ticking_irq - ticking_code);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	while (lapic_pending(&vcpu->lapic) < 0)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	nanosleep(&pause, NULL);
	vm.vm.mem.base[FLAG_AT] = 1;
	on_ns = dis_clock_ns();
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 8");
	assert_true(vcpu->lapic.timer_due_ns > on_ns);
	bare_vm_close(&vm);
}

/* SDM vol. 3A, table 9-1: nothing is pending after INIT. */
static void test_vcpu_init_drops_events_that_kvm_holds(void **state)
{
	struct kvm_interrupt irq = {VECTOR};
	struct kvm_vcpu_events events;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[1];

	(void)state;
	bare_vm_open(&vm);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_INTERRUPT, &irq), 0);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_NMI, NULL), 0);
	lapic_post_init(&vcpu->lapic);
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_HALT);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.interrupt.injected, 0);
	assert_int_equal(events.nmi.pending, 0);
	assert_int_equal(events.nmi.injected, 0);
	bare_vm_close(&vm);
}

/* What only KVM's own local APIC could do is not promised to guests of ours. */
static void test_cpuid_without_kernel_irqchip_lacks_its_features(void **state)
{
	static const unsigned features[] = {KVM_FEATURE_PV_UNHALT,
					    KVM_FEATURE_PV_SEND_IPI,
					    KVM_FEATURE_ASYNC_PF_INT};
	struct bare_vm vm;

	(void)state;
	bare_vm_open(&vm);
	for (unsigned i = 0; i < vm.kvm.cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &vm.kvm.cpuid->entries[i];

		if (e->function != KVM_CPUID_FEATURES)
			continue;
		for (size_t k = 0; k < sizeof(features) / sizeof(features[0]);
		     k++)
			assert_int_equal(e->eax >> features[k] & 1u, 0);
		/* This one is ours. */
		assert_true(e->eax >> KVM_FEATURE_PV_EOI & 1u);
	}
	bare_vm_close(&vm);
}

/* Deadlines of timers are in the guest's TSC: both sides must mean the same. */
static void test_vcpu_tsc_is_what_the_monitor_takes_it_for(void **state)
{
	uint64_t from, to, seen;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, tsc_code, tsc_end);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	from = __rdtsc();
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	to = __rdtsc();
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 5");
	memcpy(&seen, vm.vm.mem.base + TSC_AT, sizeof(seen));
	assert_in_range(seen - vcpu->tsc_offset, from, to);
	assert_int_equal(vcpu->tsc_adjust, vcpu->tsc_offset);
	bare_vm_close(&vm);
}

static void expect_end(uint32_t lvt, const char *detail)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	enum dis_outcome outcome = DIS_RUN_HALT;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = &vm.vcpus[0];

	bare_vm_open(&vm);
	bare_vm_put(&vm, CODE_PAGE, eoi_code, eoi_end);
	bare_vm_put_vector(&vm, VECTOR, CODE_PAGE, eoi_irq - eoi_code);
	memcpy(vm.vm.mem.base + LVT_AT, &lvt, sizeof(lvt));
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	while (outcome == DIS_RUN_HALT) {
		outcome = bare_vm_run_on(vcpu);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(outcome, DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, detail);
	bare_vm_close(&vm);
}

/*
 * A timer that goes on is known to the scheduler only after the next exit: the end
 * of its interrupt has to be one, or a guest that computes had no other tick.
 */
static void test_vcpu_end_of_periodic_interrupt_is_an_exit(void **state)
{
	(void)state;
	expect_end(VECTOR, "vCPU 0: guest exit code 21");
	expect_end(VECTOR | LVT_PERIODIC, "vCPU 0: guest exit code 20");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_vcpu_interrupt_beside_faulting_msr_is_delivered),
		cmocka_unit_test(test_vcpu_init_to_itself_starts_anew_at_sipi),
		cmocka_unit_test(test_vcpu_init_drops_events_that_kvm_holds),
		cmocka_unit_test(test_vcpu_init_shows_signature),
		cmocka_unit_test(test_vcpu_init_keeps_cache_control),
		cmocka_unit_test(
			test_vcpu_cpuid_says_whether_the_apic_is_enabled),
		cmocka_unit_test(
			test_vcpu_timer_period_is_merged_with_waiting_one),
		cmocka_unit_test(
			test_cpuid_without_kernel_irqchip_lacks_its_features),
		cmocka_unit_test(test_vcpu_tsc_is_what_the_monitor_takes_it_for),
		cmocka_unit_test(test_vcpu_end_of_periodic_interrupt_is_an_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
