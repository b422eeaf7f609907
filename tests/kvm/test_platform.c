/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot vCPU does for the machine: its timers, and the interrupts of the
 * 8259 pair (R: CARD-8). Code in real mode, without the scheduler.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dis/executor.h>

#include "kvm/bare_vm.h"
#include "kvm/regs.h"

#define CODE_PAGE 1u
#define VECTOR 0x40u

/*
 * The second one keeps interrupts off for 20 accesses to port 0x80. The handler ends
 * the guest with 7.
 */
__asm__(".pushsection .rodata\n"
	".code16\n"
	"platform_code:\n"
	"halt_code:\n"
	"	movw $0x8000, %sp\n"
	"	sti\n"
	"	hlt\n"
	"	jmp halt_code\n"
	"halt_off_code:\n"
	"	cli\n"
	"	hlt\n"
	"	jmp halt_off_code\n"
	"window_code:\n"
	"	movw $0x8000, %sp\n"
	"	movw $20, %cx\n"
	"1:	inb $0x80, %al\n"
	"	loop 1b\n"
	"	sti\n"
	"2:	jmp 2b\n"
	"platform_irq:\n"
	"	movb $7, %al\n"
	"	outb %al, $0xf4\n"
	"platform_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t platform_code[], halt_code[], halt_off_code[],
	window_code[], platform_irq[], platform_end[];

/* @ticks, @accepted: calls; @seen: vCPUs that the port's accesses came from. */
static struct platform {
	uint64_t expiry_ns;
	uint64_t ticked_ns;
	unsigned ticks;
	unsigned accepted;
	bool intr;
	unsigned accesses;
	const struct kvm_vcpu *seen;
} platform;

static uint64_t expiry_ns(void *ctx)
{
	assert_ptr_equal(ctx, &platform);
	return platform.expiry_ns;
}

/* One-shot. */
static void tick(void *ctx, uint64_t now_ns)
{
	assert_ptr_equal(ctx, &platform);
	platform.ticks++;
	platform.ticked_ns = now_ns;
	platform.expiry_ns = DIS_NEVER_NS;
	platform.intr = true;
}

static bool extint(void *ctx)
{
	assert_ptr_equal(ctx, &platform);
	return platform.intr;
}

static uint8_t accept(void *ctx)
{
	assert_ptr_equal(ctx, &platform);
	platform.accepted++;
	platform.intr = false;
	return VECTOR;
}

static const struct kvm_platform_ops ops = {
	.expiry_ns = expiry_ns,
	.tick = tick,
	.extint = extint,
	.accept = accept,
};

static enum io_action port_io(void *dev, struct io_access *a)
{
	(void)dev;
	(void)a;
	platform.accesses++;
	platform.seen = kvm_vcpu_current();
	return IO_NONE;
}

static const struct io_dev_ops port_ops = {.io = port_io};

/* vCPU 0 starts at @code, with LINT0 as firmware leaves it. */
static struct kvm_vcpu *open_at(struct bare_vm *vm, const uint8_t *code)
{
	struct kvm_vcpu *vcpu = &vm->vcpus[0];
	struct kvm_regs regs;

	bare_vm_open(vm);
	platform = (struct platform){.expiry_ns = DIS_NEVER_NS};
	vm->vm.platform = &ops;
	vm->vm.platform_ctx = &platform;
	assert_int_equal(io_bus_add(&vm->bus, 0x80, 1, &port_ops, NULL), 0);
	bare_vm_put(vm, CODE_PAGE, platform_code, platform_end);
	bare_vm_put_vector(vm, VECTOR, CODE_PAGE, platform_irq - platform_code);
	lapic_virtual_wire(&vcpu->lapic);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs), 0);
	regs.rip = (uint64_t)(code - platform_code);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs), 0);
	return vcpu;
}

static struct dis_run_result run_until_halt(struct kvm_vcpu *vcpu)
{
	struct dis_run_result result = {.outcome = DIS_RUN_CONTINUE};

	for (unsigned i = 0; i < BARE_VM_RUNS_MAX; i++) {
		kvm_vcpu_run_begin(vcpu);
		kvm_vcpu_run(vcpu, &result);
		if (result.outcome != DIS_RUN_CONTINUE)
			break;
	}
	assert_int_equal(result.outcome, DIS_RUN_HALT);
	return result;
}

/* The machine's timer is the boot vCPU's, and no other's. */
static void test_platform_timer_is_boot_vcpus_timer(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, halt_code);
	uint64_t due_ns = dis_clock_ns() + 3600 * DIS_S_NS;

	(void)state;
	platform.expiry_ns = due_ns;
	assert_int_equal(run_until_halt(vcpu).timer_ns, due_ns);
	assert_int_equal(run_until_halt(&vm.vcpus[1]).timer_ns, DIS_NEVER_NS);
	assert_int_equal(platform.ticks, 0);
	bare_vm_close(&vm);
}

/* Its interrupt may be another vCPU's. */
static void test_platform_timer_counts_with_interrupts_off(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, halt_off_code);
	uint64_t due_ns = dis_clock_ns() + 3600 * DIS_S_NS;

	(void)state;
	platform.expiry_ns = due_ns;
	assert_int_equal(run_until_halt(vcpu).timer_ns, due_ns);
	bare_vm_close(&vm);
}

/* What the guest agreed on are early interrupts of its own timer. */
static void test_platform_timer_is_never_early(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, halt_code);
	const int64_t slack = 0;
	struct dis_run_result result;

	(void)state;
	vcpu->early_ns = DIS_MS_NS;
	vcpu->slack = &slack;
	platform.expiry_ns = dis_clock_ns() + 3600 * DIS_S_NS;
	result = run_until_halt(vcpu);
	assert_int_equal(result.early_ns, 0);
	platform.expiry_ns = DIS_NEVER_NS;
	result = run_until_halt(vcpu);
	assert_int_equal(result.early_ns, DIS_MS_NS);
	bare_vm_close(&vm);
}

static void test_platform_timer_due_wakes_by_8259_pair(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, halt_code);
	uint64_t due_ns;

	(void)state;
	run_until_halt(vcpu);
	due_ns = dis_clock_ns();
	platform.expiry_ns = due_ns;
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 7");
	assert_int_equal(platform.ticks, 1);
	assert_true(platform.ticked_ns >= due_ns);
	assert_int_equal(platform.accepted, 1);
	bare_vm_close(&vm);
}

/* The pair is asked for the vector when the guest takes it, not before. */
static void test_extint_waits_for_the_interrupt_window(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, window_code);

	(void)state;
	platform.intr = true;
	while (platform.accesses < 20) {
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
		assert_int_equal(platform.accepted, 0);
		assert_true(vcpu->run->request_interrupt_window);
	}
	assert_int_equal(bare_vm_run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(vm.vm.failure.detail, "vCPU 0: guest exit code 7");
	assert_int_equal(platform.accepted, 1);
	bare_vm_close(&vm);
}

static void test_extint_masked_at_lint0_is_not_taken(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, halt_code);

	(void)state;
	lapic_mmio_write(&vcpu->lapic, 0x350, 4, 0x10700,
			 (struct lapic_time){0, 0});
	platform.intr = true;
	run_until_halt(vcpu);
	run_until_halt(vcpu);
	assert_int_equal(platform.accepted, 0);
	bare_vm_close(&vm);
}

static void test_vcpu_current_is_known_to_devices(void **state)
{
	struct bare_vm vm;
	struct kvm_vcpu *vcpu = open_at(&vm, window_code);

	(void)state;
	assert_null(kvm_vcpu_current());
	while (!platform.accesses)
		assert_int_equal(bare_vm_run_once(vcpu), DIS_RUN_CONTINUE);
	assert_ptr_equal(platform.seen, vcpu);
	assert_null(kvm_vcpu_current());
	bare_vm_close(&vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_platform_timer_is_boot_vcpus_timer),
		cmocka_unit_test(test_platform_timer_counts_with_interrupts_off),
		cmocka_unit_test(test_platform_timer_is_never_early),
		cmocka_unit_test(test_platform_timer_due_wakes_by_8259_pair),
		cmocka_unit_test(test_extint_waits_for_the_interrupt_window),
		cmocka_unit_test(test_extint_masked_at_lint0_is_not_taken),
		cmocka_unit_test(test_vcpu_current_is_known_to_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
