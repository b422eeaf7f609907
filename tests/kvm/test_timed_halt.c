/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DISVM_CALL_TIMED_HALT: a HLT that sets the timer first. All of it but the last
 * test is about a vCPU of its own, without the scheduler, on code in real mode; the
 * timers that must not fire meanwhile are ten minutes away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include <cmocka.h>

#include "kvm/bare_vm.h"
#include "kvm/pool.h"
#include "kvm/regs.h"

#define VECTOR 0x40u
#define CODE_PAGE 1u
#define DEADLINE_AT 0x600u
#define LVT_AT 0x620u
#define INTERRUPTS_OFF_AT 0x630u
#define INTERRUPTS_AT 0x631u
#define MSRS_TO_SET_UP 4u
#define LVT_ONE_SHOT VECTOR
#define LVT_DEADLINE (0x40000u | VECTOR)
#define SLEEPS 3u

/*
 * Lets its interrupts end by the word at 0x700 and sets the LVT entry of its timer
 * to what LVT_AT says, MSRS_TO_SET_UP in all; then halts again and again, or once
 * with interrupts off. The handler counts at INTERRUPTS_AT and exits with 5 after
 * number SLEEPS, or with 9 if the end of its interrupt would be an exit.
 */
__asm__(".pushsection .rodata\n" BARE_VM_MACROS ".code16\n"
	"halt_code:\n"
	"	apic_on\n"
	"	pv_eoi_on\n"
	"	xorw %bx, %bx\n"
	"	movw %bx, %ds\n"
	"	movl $0x832, %ecx\n"
	"	movl 0x620, %eax\n"
	"	wrmsr\n"
	"	movw $0x8000, %sp\n"
	"	cmpb $0, 0x630\n"
	"	jne 2f\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n"
	"2:	cli\n"
	"	hlt\n"
	"halt_irq:\n"
	"	movb $9, %al\n"
	"	btrw $0, 0x700\n"
	"	jnc 3f\n"
	"	incb 0x631\n"
	"	movb $5, %al\n"
	"	cmpb $3, 0x631\n"
	"	je 3f\n"
	"	iret\n"
	"3:	outb %al, $0xf4\n"
	"halt_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t halt_code[], halt_irq[], halt_end[];

static void put_deadline(struct bare_vm *vm, uint64_t deadline)
{
	memcpy(vm->vm.mem.base + DEADLINE_AT, &deadline, sizeof(deadline));
}

static uint64_t in_ten_minutes(const struct bare_vm *vm)
{
	return __rdtsc() + UINT64_C(600000) * vm->kvm.tsc_khz;
}

/* vCPU 0 has agreed. */
static struct kvm_vcpu *open_agreed(struct bare_vm *vm, uint32_t lvt,
				    uint64_t deadline)
{
	struct kvm_vcpu *vcpu = &vm->vcpus[0];

	bare_vm_open(vm);
	bare_vm_put(vm, CODE_PAGE, halt_code, halt_end);
	bare_vm_put_vector(vm, VECTOR, CODE_PAGE, halt_irq - halt_code);
	memcpy(vm->vm.mem.base + LVT_AT, &lvt, sizeof(lvt));
	put_deadline(vm, deadline);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	vcpu->halt_deadline = (const uint64_t *)(vm->vm.mem.base + DEADLINE_AT);
	return vcpu;
}

static struct dis_run_result run_until_halt(struct kvm_vcpu *vcpu)
{
	struct dis_run_result result = {.outcome = DIS_RUN_CONTINUE};

	for (unsigned i = 0;
	     i < BARE_VM_RUNS_MAX && result.outcome == DIS_RUN_CONTINUE; i++) {
		kvm_vcpu_run_begin(vcpu);
		kvm_vcpu_run(vcpu, &result);
	}
	assert_int_equal(result.outcome, DIS_RUN_HALT);
	return result;
}

static unsigned interrupts(const struct bare_vm *vm)
{
	return vm->vm.mem.base[INTERRUPTS_AT];
}

/* The deadline of each sleep is near: it comes while the vCPU is halted, or before. */
static void test_timed_halt_sleep_is_one_exit(void **state)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	enum dis_outcome outcome = DIS_RUN_HALT;
	uint64_t exits = 0;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);

	(void)state;
	for (unsigned i = 0; i < BARE_VM_RUNS_MAX && outcome != DIS_RUN_FAIL;
	     i++) {
		put_deadline(&vm, __rdtsc() + vm.kvm.tsc_khz);
		outcome = bare_vm_run_once(vcpu);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(outcome, DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 5");
	for (unsigned i = 0; i < EXIT_KINDS; i++)
		exits += vcpu->exits[i];
	assert_int_equal(vcpu->exits[EXIT_KIND_MSR], MSRS_TO_SET_UP);
	assert_int_equal(vcpu->exits[EXIT_KIND_HLT], SLEEPS);
	/* And the end. */
	assert_int_equal(exits, MSRS_TO_SET_UP + SLEEPS + 1u);
	bare_vm_close(&vm);
}

static void test_timed_halt_past_deadline_interrupts_at_once(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 1);

	(void)state;
	/* Not HALT: it is never told to sleep. */
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 5");
	assert_int_equal(vcpu->exits[EXIT_KIND_HLT], SLEEPS);
	bare_vm_close(&vm);
}

/* R: ST-3: to the scheduler it is a HLT with an armed timer, as after a WRMSR. */
static void test_timed_halt_ends_with_other_interrupt(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);
	struct dis_run_result result;

	(void)state;
	put_deadline(&vm, in_ten_minutes(&vm));
	result = run_until_halt(vcpu);
	assert_true(result.timer_ns != DIS_NEVER_NS);
	assert_int_equal(interrupts(&vm), 0);
	assert_true(lapic_post(&vcpu->lapic, VECTOR, false));
	put_deadline(&vm, 0);
	assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_HALT);
	assert_int_equal(interrupts(&vm), 1);
	assert_int_equal(vcpu->exits[EXIT_KIND_HLT], 2);
	bare_vm_close(&vm);
}

/* It came before the HLT, which its own deadline would not end. */
static void test_timed_halt_with_pending_interrupt_does_not_halt(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);

	(void)state;
	while (vcpu->exits[EXIT_KIND_MSR] < MSRS_TO_SET_UP)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	assert_true(lapic_post(&vcpu->lapic, VECTOR, false));
	run_until_halt(vcpu);
	assert_int_equal(interrupts(&vm), 1);
	bare_vm_close(&vm);
}

static void test_timed_halt_zero_disarms(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);

	(void)state;
	put_deadline(&vm, in_ten_minutes(&vm));
	run_until_halt(vcpu);
	assert_true(lapic_timer_armed(&vcpu->lapic));
	put_deadline(&vm, 0);
	assert_true(lapic_post(&vcpu->lapic, VECTOR, false));
	assert_int_equal(run_until_halt(vcpu).timer_ns, DIS_NEVER_NS);
	assert_false(lapic_timer_armed(&vcpu->lapic));
	bare_vm_close(&vm);
}

/* SDM vol. 3A, 10.5.4.1: as a write to the MSR. */
static void test_timed_halt_in_other_timer_mode_is_plain_halt(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_ONE_SHOT, 1);

	(void)state;
	assert_int_equal(run_until_halt(vcpu).timer_ns, DIS_NEVER_NS);
	assert_false(lapic_timer_armed(&vcpu->lapic));
	bare_vm_close(&vm);
}

static void test_timed_halt_farthest_deadline_does_not_overflow(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, UINT64_MAX);

	(void)state;
	assert_true(run_until_halt(vcpu).timer_ns >
		    dis_clock_ns() + 3600 * DIS_S_NS);
	assert_int_equal(interrupts(&vm), 0);
	bare_vm_close(&vm);
}

/* For ever, as each HLT with interrupts off, also when the deadline is past. */
static void test_timed_halt_with_interrupts_off_has_no_timer(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 1);

	(void)state;
	vm.vm.mem.base[INTERRUPTS_OFF_AT] = 1;
	assert_int_equal(run_until_halt(vcpu).timer_ns, DIS_NEVER_NS);
	assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_HALT);
	assert_int_equal(interrupts(&vm), 0);
	bare_vm_close(&vm);
}

static void test_timed_halt_is_early_by_agreement(void **state)
{
	const int64_t slack = 0;
	struct dis_run_result result;
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);

	(void)state;
	vcpu->slack = &slack;
	vcpu->early_ns = 1200 * DIS_S_NS;
	put_deadline(&vm, in_ten_minutes(&vm));
	result = run_until_halt(vcpu);
	assert_int_equal(result.early_ns, vcpu->early_ns);
	assert_int_equal(interrupts(&vm), 0);
	assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_HALT);
	assert_int_equal(interrupts(&vm), 1);
	bare_vm_close(&vm);
}

/* The next kernel knows nothing of that word. */
static void test_timed_halt_is_forgotten_at_init(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_agreed(&vm, LVT_DEADLINE, 0);

	(void)state;
	run_until_halt(vcpu);
	assert_non_null(vcpu->halt_deadline);
	lapic_post_init(&vcpu->lapic);
	bare_vm_run_once(vcpu);
	assert_null(vcpu->halt_deadline);
	bare_vm_close(&vm);
}

static const uint64_t *agreed_word(enum pool_executor executor,
				   const char *cmdline, bool kernel_irqchip)
{
	const uint64_t *word;
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	pool_open(&pool, executor, 1, 1);
	pool_kind_open(&kind, cmdline, 1, 1, kernel_irqchip);
	guest = pool_boot(&pool, &kind, 0);
	pool_wait_work(guest, 0, 2);
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	word = guest->vcpus[0].halt_deadline;
	pool_reap(&pool, guest);
	machine_kind_close(&kind);
	pool_close(&pool);
	return word;
}

/* Where HLT is KVM's the guest sleeps all the same, by the MSR. */
static void test_timed_halt_is_offered_where_hlt_is_seen(void **state)
{
	(void)state;
	assert_non_null(agreed_word(POOL_DIS, "work=sleep:1ms", false));
	assert_non_null(agreed_word(POOL_THREADS, "work=sleep:1ms", false));
	assert_null(agreed_word(POOL_THREADS, "work=sleep:1ms", true));
	assert_null(agreed_word(POOL_DIS, "work=hog", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timed_halt_sleep_is_one_exit),
		cmocka_unit_test(
			test_timed_halt_past_deadline_interrupts_at_once),
		cmocka_unit_test(test_timed_halt_ends_with_other_interrupt),
		cmocka_unit_test(
			test_timed_halt_with_pending_interrupt_does_not_halt),
		cmocka_unit_test(test_timed_halt_zero_disarms),
		cmocka_unit_test(
			test_timed_halt_in_other_timer_mode_is_plain_halt),
		cmocka_unit_test(
			test_timed_halt_farthest_deadline_does_not_overflow),
		cmocka_unit_test(
			test_timed_halt_with_interrupts_off_has_no_timer),
		cmocka_unit_test(test_timed_halt_is_early_by_agreement),
		cmocka_unit_test(test_timed_halt_is_forgotten_at_init),
		cmocka_unit_test(test_timed_halt_is_offered_where_hlt_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
