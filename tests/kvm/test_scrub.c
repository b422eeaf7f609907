/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell that a guest has used and that was scrubbed is as one that nobody used:
 * every register, MSR, byte of FPU, event and byte of memory that KVM shows.
 *
 * The guest is hostile: code in real mode that writes to every MSR there may be,
 * and to all registers. What it cannot reach in real mode is set from outside.
 * It ends in the midst of an instruction. MSRs are compared over the whole of their ranges, not by the list that the
 * scrubbing goes by.
 */
#include <asm/kvm_para.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "kvm/bare.h"
#include "kvm/regs.h"
#include "shell.h"

#define MEM_BYTES UINT64_C(0x20000)
#define VCPUS 2u
#define CODE_PAGE 1u
#define CODE_GPA 0x1000u
/* Where the guest has KVM write its clock. */
#define CLOCK_GPA 0x8000u
#define MSR_TSC 0x10u
#define MSR_HV_VP_RUNTIME 0x40000010u
#define MSR_HV_TIME_REF_COUNT 0x40000020u
#define MSR_LSTAR 0xc0000082u
#define MSR_PAT 0x277u
#define MSR_MTRR_BASE 0x200u
#define MSR_MC0_CTL 0x400u
#define RUNS_MAX 400000u

/*
 * #GP and #UD step over an instruction of two bytes, which WRMSR is. The values
 * are tried one after the other, the last that is taken stays. Not touched: the
 * local APIC's MSRs, which are ours, and none of KVM's.
 */
__asm__(".pushsection .rodata\n"
	".code16\n"
	".balign 16\n"
	"hostile_code:\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ss\n"
	"	movw $0xf000, %sp\n"
	"	movw %cs, %ax\n"
	"	movw %ax, %ds\n"
	"	movw $(hostile_values - hostile_code), %si\n"
	"1:	movl (%si), %ebx\n"
	"	movl 4(%si), %ebp\n"
	"	movw $(hostile_ranges - hostile_code), %di\n"
	"2:	movl (%di), %ecx\n"
	"3:	movl %ebx, %eax\n"
	"	movl %ebp, %edx\n"
	"	wrmsr\n"
	"	incl %ecx\n"
	"	cmpl 4(%di), %ecx\n"
	"	jne 3b\n"
	"	addw $8, %di\n"
	"	cmpw $(hostile_ranges_end - hostile_code), %di\n"
	"	jne 2b\n"
	"	addw $8, %si\n"
	"	cmpw $(hostile_values_end - hostile_code), %si\n"
	"	jne 1b\n"
	/* Registers, and at last an MSR, whose value is still to come. */
	"	movl $0x620, %eax\n"
	"	movl %eax, %cr4\n"
	"	fxrstor (hostile_fpu - hostile_code)\n"
	"	lgdt (hostile_table - hostile_code)\n"
	"	movl $0x12345000, %eax\n"
	"	movl %eax, %cr2\n"
	"	movl %eax, %cr3\n"
	"	movl %eax, %dr0\n"
	"	movl %eax, %dr1\n"
	"	movl %eax, %dr2\n"
	"	movl %eax, %dr3\n"
	"	movl $0x4aa, %eax\n"
	"	movl %eax, %dr7\n"
	"	movw $0x1234, %ax\n"
	"	movw %ax, %es\n"
	"	movw %ax, %fs\n"
	"	movw %ax, %gs\n"
	"	movl $0x5a5a5a5a, %ebx\n"
	"	movl %ebx, %edx\n"
	"	movl %ebx, %esi\n"
	"	movl %ebx, %edi\n"
	"	movl %ebx, %ebp\n"
	"	stc\n"
	"	sti\n"
	"	movl $0x80b, %ecx\n"
	"	rdmsr\n"
	"4:	jmp 4b\n"
	"hostile_fault:\n"
	"	pushw %bp\n"
	"	movw %sp, %bp\n"
	"	addw $2, 2(%bp)\n"
	"	popw %bp\n"
	"	iret\n"
	".balign 4\n"
	"hostile_values:\n"
	"	.long 0xffffffff, 0xffffffff\n"
	"	.long 0x00000001, 0\n"
	"	.long 0x06060606, 0x06060606\n"
	"	.long 0x5a5a5a50, 0x00005a5a\n"
	"	.long 0x00000800, 0\n"
	"	.long 0x00008001, 0\n"
	"hostile_values_end:\n"
	"hostile_ranges:\n"
	"	.long 0x00000000, 0x0000001b\n"
	"	.long 0x0000001c, 0x000006e0\n"
	"	.long 0x000006e1, 0x00000800\n"
	"	.long 0x00000900, 0x00002000\n"
	"	.long 0x4b564d00, 0x4b564d10\n"
	"	.long 0xc0000081, 0xc0000200\n"
	"	.long 0xc0010000, 0xc0012000\n"
	"hostile_ranges_end:\n"
	"hostile_table:\n"
	"	.word 0x1234\n"
	"	.long 0x00123456\n"
	".balign 16\n"
	"hostile_fpu:\n"
	"	.word 0x037f, 0x0000, 0x00ff, 0\n"
	"	.quad 0, 0\n"
	"	.long 0x1f80, 0xffff\n"
	"	.fill 256 + 128, 1, 0x5a\n"
	"	.fill 96, 1, 0\n"
	"hostile_end:\n"
	".code64\n"
	".popsection\n");

extern const uint8_t hostile_code[], hostile_fault[], hostile_end[];

static const struct msr_range {
	uint32_t first, end;
} msr_ranges[] = {
	{0, 0x2000},
	{0x40000000, 0x40000200},
	{0x4b564d00, 0x4b564d10},
	{0xc0000000, 0xc0002000},
	{0xc0010000, 0xc0012000},
};

#define MSRS_MAX 2048u

/* All that KVM shows of a vCPU. */
struct dump {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_fpu fpu;
	uint64_t tsc_offset;
	unsigned n_msrs;
	struct kvm_msr_entry msrs[MSRS_MAX];
};

struct bed {
	struct kvm kvm;
	struct arena arena;
	struct shells *shells;
	struct shell *shell;
};

static int load_nothing(const void *ctx, const struct shell *shell, char *err,
			size_t err_size)
{
	(void)ctx;
	(void)shell;
	(void)err;
	(void)err_size;
	return 0;
}

static void take(struct bed *bed)
{
	char err[256] = "";

	if (shells_take(bed->shells, &bed->shell, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(bed->shell->state, SHELL_LOADED);
}

static void bed_open(struct bed *bed)
{
	struct shells_config cfg = {.kvm = &bed->kvm,
				    .arena = &bed->arena,
				    .vcpus = VCPUS,
				    .keep = 1,
				    .load = load_nothing};
	char err[256] = "";

	*bed = (struct bed){.kvm.fd = -1};
	if (kvm_open(false, &bed->kvm, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(arena_create(1, MEM_BYTES, &bed->arena), 0);
	if (shells_create(&cfg, &bed->shells, err, sizeof(err)))
		fail_msg("%s", err);
	take(bed);
}

static void bed_close(struct bed *bed)
{
	shells_give(bed->shells, bed->shell);
	shells_destroy(bed->shells);
	arena_destroy(&bed->arena);
	kvm_close(&bed->kvm);
}

/* To the shelf and back; it must be the same descriptors. */
static void recycle(struct bed *bed)
{
	int vm_fd = bed->shell->vm_fd, vcpu_fd = bed->shell->vcpus[0].fd;

	shells_give(bed->shells, bed->shell);
	assert_int_equal(bed->shell->state, SHELL_LOADED);
	take(bed);
	assert_int_equal(bed->shell->vm_fd, vm_fd);
	assert_int_equal(bed->shell->vcpus[0].fd, vcpu_fd);
}

static uint8_t *memory(const struct bed *bed)
{
	return arena_slot(&bed->arena, 0);
}

static void vcpu_ioctl(const struct bed *bed, unsigned i, unsigned long request,
		       void *arg)
{
	int ret = kvm_ioctl(bed->shell->vcpus[i].fd, request, arg);

	if (ret)
		fail_msg("vCPU ioctl 0x%lx: %s", request, strerror(-ret));
}

/*
 * Time goes on: the TSC, and Hyper-V's CPU time of the thread and of the machine,
 * which no guest of ours sees, as CPUID has nothing of Hyper-V.
 */
static bool is_clock(uint32_t msr)
{
	return msr == MSR_TSC || msr == MSR_HV_VP_RUNTIME ||
	       msr == MSR_HV_TIME_REF_COUNT;
}

static void dump_msrs(const struct bed *bed, unsigned i, struct dump *out)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = {.head.nmsrs = 1};

	for (size_t r = 0; r < sizeof(msr_ranges) / sizeof(msr_ranges[0]); r++)
		for (uint32_t m = msr_ranges[r].first; m < msr_ranges[r].end;
		     m++) {
			one.entry = (struct kvm_msr_entry){.index = m};
			if (is_clock(m) || ioctl(bed->shell->vcpus[i].fd,
						 KVM_GET_MSRS, &one) != 1)
				continue;
			assert_true(out->n_msrs < MSRS_MAX);
			out->msrs[out->n_msrs++] = one.entry;
		}
}

static struct dump *dump_take(const struct bed *bed, unsigned i)
{
	struct dump *d = calloc(1, sizeof(*d));
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET};

	assert_non_null(d);
	attr.addr = (uint64_t)(uintptr_t)&d->tsc_offset;
	vcpu_ioctl(bed, i, KVM_GET_REGS, &d->regs);
	vcpu_ioctl(bed, i, KVM_GET_SREGS, &d->sregs);
	vcpu_ioctl(bed, i, KVM_GET_DEBUGREGS, &d->debugregs);
	vcpu_ioctl(bed, i, KVM_GET_VCPU_EVENTS, &d->events);
	vcpu_ioctl(bed, i, KVM_GET_MP_STATE, &d->mp_state);
	vcpu_ioctl(bed, i, KVM_GET_XCRS, &d->xcrs);
	vcpu_ioctl(bed, i, KVM_GET_XSAVE, &d->xsave);
	vcpu_ioctl(bed, i, KVM_GET_FPU, &d->fpu);
	vcpu_ioctl(bed, i, KVM_GET_DEVICE_ATTR, &attr);
	dump_msrs(bed, i, d);
	return d;
}

static uint64_t msr_of(const struct dump *d, uint32_t index)
{
	for (unsigned i = 0; i < d->n_msrs; i++)
		if (d->msrs[i].index == index)
			return d->msrs[i].data;
	fail_msg("MSR 0x%x cannot be read", index);
	return 0;
}

static unsigned msrs_changed(const struct dump *a, const struct dump *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n_msrs; i++)
		n += a->msrs[i].data != b->msrs[i].data;
	return n;
}

#define EXPECT_SAME(a, b, field) \
	assert_memory_equal(&(a)->field, &(b)->field, sizeof((a)->field))

static void expect_same(const struct dump *a, const struct dump *b)
{
	EXPECT_SAME(a, b, regs);
	EXPECT_SAME(a, b, sregs);
	EXPECT_SAME(a, b, debugregs);
	EXPECT_SAME(a, b, events);
	EXPECT_SAME(a, b, mp_state);
	EXPECT_SAME(a, b, xcrs);
	/* Which parts are in use (512 to 519) is no matter: the rest reads as 0. */
	assert_memory_equal(&a->xsave, &b->xsave, 512);
	assert_memory_equal((const uint8_t *)&a->xsave + 520,
			    (const uint8_t *)&b->xsave + 520,
			    sizeof(a->xsave) - 520);
	EXPECT_SAME(a, b, fpu);
	assert_int_equal(a->tsc_offset, b->tsc_offset);
	assert_int_equal(a->n_msrs, b->n_msrs);
	for (unsigned i = 0; i < a->n_msrs; i++) {
		assert_int_equal(a->msrs[i].index, b->msrs[i].index);
		if (a->msrs[i].data != b->msrs[i].data)
			fail_msg("MSR 0x%x: 0x%llx, not 0x%llx",
				 a->msrs[i].index, b->msrs[i].data,
				 a->msrs[i].data);
	}
}

static void expect_zero(const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (((const uint8_t *)from)[i])
			fail_msg("byte %zu is 0x%02x", i,
				 ((const uint8_t *)from)[i]);
}

/* Nothing may be left that comes with the next entry either. */
static void enter_at_once(const struct bed *bed, unsigned i)
{
	const struct kvm_vcpu_handle *vcpu = &bed->shell->vcpus[i];

	vcpu->run->immediate_exit = 1;
	assert_int_equal(ioctl(vcpu->fd, KVM_RUN, 0), -1);
	assert_int_equal(errno, EINTR);
	vcpu->run->immediate_exit = 0;
}

static void expect_as_new(struct bed *bed, const struct dump *fresh, unsigned i)
{
	struct dump *scrubbed = dump_take(bed, i);

	expect_same(fresh, scrubbed);
	free(scrubbed);
	expect_zero(bed->shell->vcpus[i].run, bed->kvm.run_bytes);
	enter_at_once(bed, i);
	scrubbed = dump_take(bed, i);
	expect_same(fresh, scrubbed);
	free(scrubbed);
	memset(bed->shell->vcpus[i].run, 0, bed->kvm.run_bytes);
}

/* Real mode at CODE_PAGE, as after a start-up IPI. */
static void put_code(const struct bed *bed, unsigned i, const uint8_t *from,
		     const uint8_t *to)
{
	struct kvm_vm vm = {.kvm = &bed->kvm};
	const struct kvm_vcpu vcpu = {.vm = &vm, .fd = bed->shell->vcpus[i].fd};

	memcpy(memory(bed) + CODE_GPA, from, (size_t)(to - from));
	assert_int_equal(regs_set_sipi(&vcpu, CODE_PAGE), 0);
}

static void put_vector(const struct bed *bed, unsigned vector, ptrdiff_t offset)
{
	const uint16_t entry[] = {(uint16_t)offset, CODE_PAGE << 8};

	memcpy(memory(bed) + vector * sizeof(entry), entry, sizeof(entry));
}

/* MSRs that are handed out are refused: the guest goes on with the next. */
static void run_hostile(const struct bed *bed, unsigned i)
{
	const struct kvm_vcpu_handle *vcpu = &bed->shell->vcpus[i];

	put_code(bed, i, hostile_code, hostile_end);
	put_vector(bed, 13, hostile_fault - hostile_code);
	put_vector(bed, 6, hostile_fault - hostile_code);
	for (unsigned n = 0; n < RUNS_MAX; n++) {
		assert_int_equal(ioctl(vcpu->fd, KVM_RUN, 0), 0);
		if (vcpu->run->exit_reason == KVM_EXIT_X86_WRMSR) {
			vcpu->run->msr.error = 1;
			continue;
		}
		assert_int_equal(vcpu->run->exit_reason, KVM_EXIT_X86_RDMSR);
		vcpu->run->msr.data = 0x5a5a5a5a5a5a5a5a;
		return;
	}
	fail_msg("the hostile guest does not come to its end");
}

static void test_scrub_after_hostile_guest_leaves_nothing(void **state)
{
	struct dump *fresh[VCPUS], *dirty;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned i = 0; i < VCPUS; i++)
		fresh[i] = dump_take(&bed, i);
	for (unsigned i = 0; i < VCPUS; i++) {
		run_hostile(&bed, i);
		dirty = dump_take(&bed, i);
		/* Else nothing is shown. */
		assert_int_equal(msr_of(dirty, MSR_LSTAR), 0x8001);
		assert_int_equal(msr_of(dirty, MSR_KVM_SYSTEM_TIME_NEW), 0x8001);
		assert_int_not_equal(msr_of(dirty, MSR_PAT),
				     msr_of(fresh[i], MSR_PAT));
		assert_int_not_equal(msr_of(dirty, MSR_MTRR_BASE),
				     msr_of(fresh[i], MSR_MTRR_BASE));
		assert_int_not_equal(msr_of(dirty, MSR_MC0_CTL),
				     msr_of(fresh[i], MSR_MC0_CTL));
		assert_true(msrs_changed(fresh[i], dirty) > 30);
		assert_int_equal(dirty->regs.rbx, 0x5a5a5a5a);
		assert_int_equal(dirty->fpu.xmm[0][0], 0x5a);
		assert_int_equal(dirty->debugregs.db[0], 0x12345000);
		free(dirty);
	}
	recycle(&bed);
	expect_zero(memory(&bed), MEM_BYTES);
	for (unsigned i = 0; i < VCPUS; i++) {
		expect_as_new(&bed, fresh[i], i);
		free(fresh[i]);
	}
	expect_zero(memory(&bed), MEM_BYTES);
	bed_close(&bed);
}

/* What no guest of real mode can bring about. */
static void make_dirty(const struct bed *bed, unsigned i)
{
	const uint64_t offset = 0x123456789;
	struct kvm_device_attr attr = {.group = KVM_VCPU_TSC_CTRL,
				       .attr = KVM_VCPU_TSC_OFFSET,
				       .addr = (uint64_t)(uintptr_t)&offset};
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_sregs sregs;
	struct kvm_xsave xsave;
	struct kvm_regs regs;

	vcpu_ioctl(bed, i, KVM_GET_SREGS, &sregs);
	sregs.cs.l = 1;
	sregs.cs.db = 0;
	sregs.tr.base = sregs.ldt.base = 0x5a5a5000;
	sregs.ldt.limit = 0x5a5a;
	sregs.gdt = sregs.idt =
		(struct kvm_dtable){.base = 0x5a5a5a5a, .limit = 0x5a5a};
	sregs.cr3 = 0x3000;
	sregs.cr8 = 5;
	sregs.cr4 = 0x620;
	sregs.cr0 = 0x80050033;
	sregs.efer = 0x501;
	vcpu_ioctl(bed, i, KVM_SET_SREGS, &sregs);
	memset(&regs, 0x5a, sizeof(regs));
	regs.rflags = 0x246;
	vcpu_ioctl(bed, i, KVM_SET_REGS, &regs);
	/* Whatever parts of XSAVE there are are in use already: their bits. */
	vcpu_ioctl(bed, i, KVM_GET_XSAVE, &xsave);
	memset(&xsave.region[40], 0x5a, 256);
	xsave.region[128] |= 3;
	vcpu_ioctl(bed, i, KVM_SET_XSAVE, &xsave);
	vcpu_ioctl(bed, i, KVM_GET_DEBUGREGS, &debugregs);
	debugregs.db[3] = 0x5a5a5a5a;
	debugregs.dr6 = 0xffff0ff1;
	debugregs.dr7 = 0x4aa;
	vcpu_ioctl(bed, i, KVM_SET_DEBUGREGS, &debugregs);
	vcpu_ioctl(bed, i, KVM_GET_VCPU_EVENTS, &events);
	events.interrupt.injected = 1;
	events.interrupt.nr = 0x5a;
	events.interrupt.shadow = 1;
	events.nmi.pending = 1;
	events.nmi.masked = 1;
	events.exception.injected = 1;
	events.exception.nr = 14;
	events.exception.has_error_code = 1;
	events.exception.error_code = 0x5a;
	events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING |
			KVM_VCPUEVENT_VALID_SHADOW |
			KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	events.triple_fault.pending = 1;
	vcpu_ioctl(bed, i, KVM_SET_VCPU_EVENTS, &events);
	/* Some KVM have none, and say yes all the same. */
	vcpu_ioctl(bed, i, KVM_SET_DEVICE_ATTR, &attr);
	bed->shell->vcpus[i].run->request_interrupt_window = 1;
	bed->shell->vcpus[i].run->cr8 = 5;
	memset((uint8_t *)bed->shell->vcpus[i].run + 4096, 0x5a, 4096);
}

static void test_scrub_of_every_register_and_event_leaves_nothing(void **state)
{
	struct dump *fresh[VCPUS], *dirty;
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (unsigned i = 0; i < VCPUS; i++) {
		fresh[i] = dump_take(&bed, i);
		make_dirty(&bed, i);
		dirty = dump_take(&bed, i);
		/* Else nothing is shown. */
		assert_int_equal(dirty->events.interrupt.injected, 1);
		assert_int_equal(dirty->events.nmi.pending, 1);
		assert_int_equal(dirty->events.nmi.masked, 1);
		assert_int_equal(dirty->events.exception.injected, 1);
		assert_int_equal(dirty->events.triple_fault.pending, 1);
		assert_int_equal(dirty->sregs.efer, 0x501);
		assert_int_equal(dirty->sregs.ldt.limit, 0x5a5a);
		assert_int_equal(dirty->fpu.xmm[0][0], 0x5a);
		assert_int_equal(dirty->debugregs.dr6, 0xffff0ff1);
		free(dirty);
	}
	recycle(&bed);
	for (unsigned i = 0; i < VCPUS; i++) {
		expect_as_new(&bed, fresh[i], i);
		free(fresh[i]);
	}
	bed_close(&bed);
}

/* hlt; jmp -3: enough to be entered many times. */
static const uint8_t halting[] = {0xf4, 0xeb, 0xfd};

static void halt_often(const struct bed *bed)
{
	const struct kvm_vcpu_handle *vcpu = &bed->shell->vcpus[0];

	put_code(bed, 0, halting, halting + sizeof(halting));
	for (unsigned n = 0; n < 100; n++) {
		assert_int_equal(ioctl(vcpu->fd, KVM_RUN, 0), 0);
		assert_int_equal(vcpu->run->exit_reason, KVM_EXIT_HLT);
	}
}

/* KVM writes the clock when it enters the guest that asked for it. */
static void test_scrub_of_kvmclock_ends_writes_to_memory(void **state)
{
	static const uint8_t zero[64];
	struct bed bed;

	(void)state;
	bed_open(&bed);
	run_hostile(&bed, 0);
	assert_memory_not_equal(memory(&bed) + CLOCK_GPA, zero, sizeof(zero));
	recycle(&bed);
	halt_often(&bed);
	expect_zero(memory(&bed) + CLOCK_GPA, sizeof(zero));
	bed_close(&bed);
}

/* A guest must not see for how long its shell had been in use before. */
static void test_scrub_restarts_kvmclock(void **state)
{
	const struct kvm_clock_data late = {.clock = UINT64_C(1) << 50};
	struct kvm_clock_data clock = {0};
	struct bed bed;

	(void)state;
	bed_open(&bed);
	assert_int_equal(
		kvm_ioctl(bed.shell->vm_fd, KVM_SET_CLOCK, (void *)&late), 0);
	recycle(&bed);
	assert_int_equal(kvm_ioctl(bed.shell->vm_fd, KVM_GET_CLOCK, &clock), 0);
	assert_true(clock.clock < 60 * DIS_S_NS);
	bed_close(&bed);
}

/*
 * Page tables that KVM shadows: the former guest's must not translate for the
 * next one, which has others at the same place. In ring 3, where nobody interprets,
 * both read the byte at 2 MiB and write it to where there is no memory; the tables
 * differ in where the first is.
 */
static const uint8_t reading[] = {
	0x8a, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00, /* mov 0x200000, %al */
	0x88, 0x04, 0x25, 0x00, 0x10, 0x20, 0x00, /* mov %al, 0x201000 */
};

#define PML4_GPA 0x2000u
#define PDPT_GPA 0x3000u
#define PD_GPA 0x4000u
#define PT_GPA 0x5000u /* low 2 MiB, to themselves */
#define PT2_GPA 0x6000u
#define NOWHERE_GPA 0x10000000u
#define PTE 7u /* present, writable, ring 3 */

static void put_u64(const struct bed *bed, uint64_t gpa, uint64_t value)
{
	memcpy(memory(bed) + gpa, &value, sizeof(value));
}

/* @pt2: the table for 2 MiB; @page: what its first entry maps. */
static void put_tables(const struct bed *bed, uint64_t pt2, uint64_t page)
{
	put_u64(bed, PML4_GPA, PDPT_GPA | PTE);
	put_u64(bed, PDPT_GPA, PD_GPA | PTE);
	put_u64(bed, PD_GPA, PT_GPA | PTE);
	put_u64(bed, PD_GPA + 8, pt2 | PTE);
	for (uint64_t i = 0; i < MEM_BYTES / 4096; i++)
		put_u64(bed, PT_GPA + i * 8, (i << 12) | PTE);
	put_u64(bed, pt2, page | PTE);
	put_u64(bed, pt2 + 8, NOWHERE_GPA | PTE);
}

static uint8_t read_mapped(const struct bed *bed)
{
	const struct kvm_vcpu_handle *vcpu = &bed->shell->vcpus[0];
	const struct kvm_vcpu as_vcpu = {.fd = vcpu->fd, .run = vcpu->run};
	const struct bare_entry entry = {
		.ring = 3, .cr3 = PML4_GPA, .rip = CODE_GPA};

	memcpy(memory(bed) + CODE_GPA, reading, sizeof(reading));
	assert_int_equal(bare_set_regs(&as_vcpu, &entry), 0);
	assert_int_equal(bare_run(&as_vcpu), KVM_EXIT_MMIO);
	assert_int_equal(vcpu->run->mmio.phys_addr, NOWHERE_GPA);
	return vcpu->run->mmio.data[0];
}

static void test_scrub_forgets_page_tables(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed);
	put_tables(&bed, PT2_GPA, 0xa000);
	memory(&bed)[0xa000] = 1;
	assert_int_equal(read_mapped(&bed), 1);
	recycle(&bed);
	put_tables(&bed, 0x7000, 0xb000);
	memory(&bed)[0xa000] = 1;
	memory(&bed)[0xb000] = 2;
	assert_int_equal(read_mapped(&bed), 2);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scrub_after_hostile_guest_leaves_nothing),
		cmocka_unit_test(
			test_scrub_of_every_register_and_event_leaves_nothing),
		cmocka_unit_test(test_scrub_of_kvmclock_ends_writes_to_memory),
		cmocka_unit_test(test_scrub_restarts_kvmclock),
		cmocka_unit_test(test_scrub_forgets_page_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
