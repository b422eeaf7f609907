/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that reach a vCPU between an exit to user space and the end of the
 * instruction that caused it. Each test runs a vCPU of its own, without the
 * scheduler, on code in real mode.
 */
#include <asm/kvm_para.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "dev/debug_exit.h"
#include "kvm/regs.h"

#define MEM_BYTES 0x10000u
#define VECTOR 0x40u
#define FAULT_VECTOR 13u
/* Where the guests' code goes, as vector of a start-up IPI. */
#define CODE_PAGE 1u
#define SIPI_PAGE 2u
#define RUNS_MAX 200u

/*
 * Enables the local APIC in x2APIC form, then for ever reads a port and the EOI
 * register, which has no value. The #GP handler steps over the RDMSR; the other
 * one ends its interrupt and writes 7 to the debug-exit port.
 */
__asm__(".pushsection .rodata\n"
	".code16\n"
	"faulting_code:\n"
	"	movl $0x1b, %ecx\n"
	"	movl $0xfee00c00, %eax\n"
	"	xorl %edx, %edx\n"
	"	wrmsr\n"
	"	movl $0x80f, %ecx\n"
	"	movl $0x1ff, %eax\n"
	"	wrmsr\n"
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
	".code64\n"
	".popsection\n");

extern const uint8_t faulting_code[], faulting_gp[], faulting_irq[],
	faulting_end[];
extern const uint8_t self_init_code[], self_init_end[];
extern const uint8_t started_code[], started_end[];

struct bed {
	struct kvm kvm;
	struct kvm_vm vm;
	struct io_bus bus, mmio;
	struct lapic *lapics[2];
	struct kvm_vcpu vcpus[2];
};

static void put(struct bed *bed, unsigned page, const uint8_t *from,
		const uint8_t *to)
{
	memcpy(bed->vm.mem.base + page * 4096u, from, (size_t)(to - from));
}

/* A vector of the real-mode interrupt table. */
static void put_vector(struct bed *bed, unsigned vector, ptrdiff_t offset)
{
	const uint16_t entry[] = {(uint16_t)offset, CODE_PAGE << 8};

	memcpy(bed->vm.mem.base + vector * sizeof(entry), entry, sizeof(entry));
}

static void no_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

static void bed_open(struct bed *bed)
{
	void *mem = mmap(NULL, MEM_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char err[256];

	assert_ptr_not_equal(mem, MAP_FAILED);
	memset(bed, 0, sizeof(*bed));
	assert_int_equal(kvm_open(false, &bed->kvm, err, sizeof(err)), 0);
	io_bus_init(&bed->bus, IO_BUS_PORTS);
	io_bus_init(&bed->mmio, IO_BUS_MEMORY);
	assert_int_equal(io_bus_add(&bed->bus, 0xf4, DEBUG_EXIT_PORTS,
				    &debug_exit_ops, NULL),
			 0);
	bed->vm.ncpus = 2;
	bed->vm.bus = &bed->bus;
	bed->vm.mmio = &bed->mmio;
	bed->vm.mem = (struct guest_mem){mem, MEM_BYTES};
	bed->vm.lapics = (struct lapic_bus){.cpus = bed->lapics,
					    .ncpus = 2,
					    .tsc_khz = bed->kvm.tsc_khz,
					    .wake = no_wake};
	assert_int_equal(kvm_vm_init(&bed->vm, &bed->kvm, err, sizeof(err)), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(kvm_vcpu_init(&bed->vcpus[i], &bed->vm, i, err,
					       sizeof(err)),
				 0);
}

static void bed_close(struct bed *bed)
{
	for (unsigned i = 0; i < 2; i++)
		kvm_vcpu_fini(&bed->vcpus[i]);
	kvm_vm_fini(&bed->vm);
	munmap(bed->vm.mem.base, MEM_BYTES);
	kvm_close(&bed->kvm);
}

static enum dis_outcome run_once(struct kvm_vcpu *vcpu)
{
	struct dis_run_result result;

	kvm_vcpu_run_begin(vcpu);
	kvm_vcpu_run(vcpu, &result);
	return result.outcome;
}

/* Until it does something else than go on; CONTINUE if it never does. */
static enum dis_outcome run_on(struct kvm_vcpu *vcpu)
{
	enum dis_outcome outcome = DIS_RUN_CONTINUE;

	for (unsigned i = 0; i < RUNS_MAX && outcome == DIS_RUN_CONTINUE; i++)
		outcome = run_once(vcpu);
	return outcome;
}

/* SDM vol. 3A, 6.9: the fault of an instruction comes before an interrupt. */
static void test_vcpu_interrupt_beside_faulting_msr_is_delivered(void **state)
{
	struct kvm_vcpu_events events;
	struct dis_run_result result;
	struct bed bed;
	struct kvm_vcpu *vcpu = &bed.vcpus[0];

	(void)state;
	bed_open(&bed);
	put(&bed, CODE_PAGE, faulting_code, faulting_end);
	put_vector(&bed, FAULT_VECTOR, faulting_gp - faulting_code);
	put_vector(&bed, VECTOR, faulting_irq - faulting_code);
	assert_int_equal(regs_set_sipi(vcpu, CODE_PAGE), 0);
	for (unsigned i = 0; i < RUNS_MAX; i++) {
		assert_int_equal(run_once(vcpu), DIS_RUN_CONTINUE);
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

	assert_int_equal(run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(bed.vm.failure.detail, "vCPU 0: guest exit code 7");
	bed_close(&bed);
}

/* The WRMSR that sent the INIT must not go on in the state after it. */
static void test_vcpu_init_to_itself_starts_anew_at_sipi(void **state)
{
	struct bed bed;
	struct kvm_vcpu *vcpu = &bed.vcpus[1];

	(void)state;
	bed_open(&bed);
	put(&bed, CODE_PAGE, self_init_code, self_init_end);
	put(&bed, SIPI_PAGE, started_code, started_end);
	lapic_post_sipi(&vcpu->lapic, CODE_PAGE);
	assert_int_equal(run_on(vcpu), DIS_RUN_HALT);
	assert_int_equal(lapic_activity(&vcpu->lapic), LAPIC_WAIT_SIPI);
	lapic_post_sipi(&vcpu->lapic, SIPI_PAGE);
	assert_int_equal(run_on(vcpu), DIS_RUN_FAIL);
	assert_string_equal(bed.vm.failure.detail, "vCPU 1: guest exit code 9");
	bed_close(&bed);
}

/* SDM vol. 3A, table 9-1: nothing is pending after INIT. */
static void test_vcpu_init_drops_events_that_kvm_holds(void **state)
{
	struct kvm_interrupt irq = {VECTOR};
	struct kvm_vcpu_events events;
	struct bed bed;
	struct kvm_vcpu *vcpu = &bed.vcpus[1];

	(void)state;
	bed_open(&bed);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_INTERRUPT, &irq), 0);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_NMI, NULL), 0);
	lapic_post_init(&vcpu->lapic);
	assert_int_equal(run_on(vcpu), DIS_RUN_HALT);
	assert_int_equal(kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.interrupt.injected, 0);
	assert_int_equal(events.nmi.pending, 0);
	assert_int_equal(events.nmi.injected, 0);
	bed_close(&bed);
}

/* What only KVM's own local APIC could do is not promised to guests of ours. */
static void test_cpuid_without_kernel_irqchip_lacks_its_features(void **state)
{
	static const unsigned features[] = {KVM_FEATURE_PV_UNHALT,
					    KVM_FEATURE_PV_SEND_IPI,
					    KVM_FEATURE_ASYNC_PF_INT};
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned i = 0; i < bed.kvm.cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &bed.kvm.cpuid->entries[i];

		if (e->function != KVM_CPUID_FEATURES)
			continue;
		for (size_t k = 0; k < sizeof(features) / sizeof(features[0]);
		     k++)
			assert_int_equal(e->eax >> features[k] & 1u, 0);
		/* This one is ours. */
		assert_true(e->eax >> KVM_FEATURE_PV_EOI & 1u);
	}
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_vcpu_interrupt_beside_faulting_msr_is_delivered),
		cmocka_unit_test(test_vcpu_init_to_itself_starts_anew_at_sipi),
		cmocka_unit_test(test_vcpu_init_drops_events_that_kvm_holds),
		cmocka_unit_test(
			test_cpuid_without_kernel_irqchip_lacks_its_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
