/* SPDX-License-Identifier: Apache-2.0 */
/* Guests of a few bytes; see switch_guest.h. */
#include "bench/switch_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dis/executor.h>

#include "kvm/bare.h"

#define MEM_BYTES 0x200000u
#define PML4_GPA 0x2000u
#define PDPT_GPA 0x3000u
#define PD_GPA 0x4000u
#define OUT_GPA 0x8000u
#define HOG_GPA 0x9000u
#define COUNT_GPA 0xa000u
#define HOG_DATA_GPA 0x10000u
#define COUNT_UNIT 1000u
#define YIELD_PORT 0x10u

#define PTE_PRESENT_WRITABLE_USER 0x7u
#define PDE_PAGE_2M 0x80u

static const uint8_t out_program[] = {
	0xe6, YIELD_PORT, /* out %al, $YIELD_PORT */
	0xeb, 0xfc,       /* jmp back */
};

/* Reads the clock anew for `first`: most interrupts hit right after RDTSC. */
static const uint8_t hog_program[] = {
	0x0f, 0x31,                   /* rdtsc */
	0x48, 0xc1, 0xe2, 0x20,       /* shl $32, %rdx */
	0x48, 0x09, 0xd0,             /* or %rdx, %rax */
	0x48, 0x89, 0x07,             /* mov %rax, (%rdi): last */
	0x48, 0x83, 0x7f, 0x08, 0x00, /* cmpq $0, 8(%rdi): first */
	0x75, 0xed,                   /* jne to the start */
	0x0f, 0x31,                   /* rdtsc */
	0x48, 0xc1, 0xe2, 0x20,       /* shl $32, %rdx */
	0x48, 0x09, 0xd0,             /* or %rdx, %rax */
	0x48, 0x89, 0x47, 0x08,       /* mov %rax, 8(%rdi) */
	0xeb, 0xde,                   /* jmp to the start */
};

static const uint8_t count_program[] = {
	0x48, 0xff, 0x47, 0x10, /* incq 16(%rdi): count */
	0xeb, 0xfa,             /* jmp back */
};

static enum io_action yield(void *dev, struct io_access *access)
{
	(void)dev;
	(void)access;
	return IO_YIELD;
}

static const struct io_dev_ops yield_ops = {.io = yield};

static void wake(void *ctx, unsigned cpu, unsigned sender)
{
	struct bench_guest *guest = ctx;

	(void)cpu;
	(void)sender;
	dis_vcpu_wake(guest->vcpu.dis);
}

static void write_u64(uint8_t *mem, uint64_t gpa, uint64_t value)
{
	memcpy(mem + gpa, &value, sizeof(value));
}

/* All programs, and page tables that map all of it for ring 3 too. */
static void fill_memory(uint8_t *mem)
{
	memcpy(mem + OUT_GPA, out_program, sizeof(out_program));
	memcpy(mem + HOG_GPA, hog_program, sizeof(hog_program));
	memcpy(mem + COUNT_GPA, count_program, sizeof(count_program));
	write_u64(mem, PML4_GPA, PDPT_GPA | PTE_PRESENT_WRITABLE_USER);
	write_u64(mem, PDPT_GPA, PD_GPA | PTE_PRESENT_WRITABLE_USER);
	write_u64(mem, PD_GPA, PDE_PAGE_2M | PTE_PRESENT_WRITABLE_USER);
}

static int guest_open(struct bench_guest *guest, struct bench_guests *all,
		      unsigned index, char *err, size_t err_size)
{
	uint8_t *mem = arena_slot(&all->arena, index);
	int ret;

	fill_memory(mem);
	guest->all = all;
	guest->hog = (volatile struct bench_hog *)(mem + HOG_DATA_GPA);
	guest->vm.ncpus = 1;
	guest->vm.bus = &guest->bus;
	guest->vm.mmio = &guest->mmio;
	guest->vm.mem = (struct guest_mem){mem, MEM_BYTES};
	guest->vm.lapics = (struct lapic_bus){.cpus = guest->lapics,
					      .ncpus = 1,
					      .tsc_khz = all->kvm.tsc_khz,
					      .phys_bits = all->kvm.phys_bits,
					      .wake = wake,
					      .ctx = guest};
	io_bus_init(&guest->bus, IO_BUS_PORTS);
	io_bus_init(&guest->mmio, IO_BUS_MEMORY);
	ret = io_bus_add(&guest->bus, YIELD_PORT, 1, &yield_ops, NULL);
	if (!ret)
		ret = kvm_vm_init(&guest->vm, &all->kvm, err, err_size);
	if (ret)
		return ret;
	ret = kvm_vcpu_init(&guest->vcpu, &guest->vm, 0, err, err_size);
	if (ret)
		kvm_vm_fini(&guest->vm);
	return ret;
}

static void guest_close(struct bench_guest *guest)
{
	kvm_vcpu_fini(&guest->vcpu);
	kvm_vm_fini(&guest->vm);
}

int bench_guests_open(struct bench_guests *all, unsigned n, char *err,
		      size_t err_size)
{
	unsigned opened = 0;
	int ret;

	*all = (struct bench_guests){.kvm.fd = -1, .n = n};
	ret = kvm_open(false, &all->kvm, err, err_size);
	if (ret)
		return ret;
	ret = arena_create(n, MEM_BYTES, &all->arena);
	if (ret) {
		snprintf(err, err_size, "guest memory: %s", strerror(-ret));
		goto err_close;
	}
	for (; opened < n; opened++) {
		ret = guest_open(&all->guest[opened], all, opened, err,
				 err_size);
		if (ret)
			goto err_close;
	}
	return 0;

err_close:
	while (opened-- > 0)
		guest_close(&all->guest[opened]);
	arena_destroy(&all->arena);
	kvm_close(&all->kvm);
	return ret;
}

void bench_guests_close(struct bench_guests *all)
{
	for (unsigned i = all->n; i-- > 0;)
		guest_close(&all->guest[i]);
	arena_destroy(&all->arena);
	kvm_close(&all->kvm);
}

/* An exit may be half done: KVM completes it at the next entry. */
static int settle(const struct kvm_vcpu *vcpu)
{
	int ret;

	vcpu->run->immediate_exit = 1;
	ret = bare_run(vcpu);
	vcpu->run->immediate_exit = 0;
	return ret == -EINTR ? 0 : ret < 0 ? ret : -EIO;
}

int bench_guests_load(struct bench_guests *all, const struct bench_task *task)
{
	static const uint64_t start[] = {
		[BENCH_OUT] = OUT_GPA,
		[BENCH_HOG] = HOG_GPA,
		[BENCH_COUNT] = COUNT_GPA,
	};
	const struct bare_entry entry = {
		.ring = task->program == BENCH_OUT ? 0 : 3,
		.cr3 = PML4_GPA,
		.rip = start[task->program],
		.rdi = HOG_DATA_GPA,
	};

	for (unsigned i = 0; i < all->n; i++) {
		struct bench_guest *guest = &all->guest[i];
		int ret = settle(&guest->vcpu);

		if (!ret)
			ret = bare_set_regs(&guest->vcpu, &entry);
		if (ret)
			return ret;
		guest->hog->first = 0;
		guest->hog->count = 0;
	}
	all->series = task->series;
	all->skip = task->skip;
	all->left = task->samples;
	all->program = task->program;
	all->last = NULL;
	all->last_tsc = 0;
	all->last_ns = dis_clock_ns();
	return 0;
}

/* From the last return to this one. */
static uint64_t since_return_ns(struct bench_guests *all)
{
	uint64_t now_ns = dis_clock_ns();
	uint64_t wall_ns = now_ns - all->last_ns;

	all->last_ns = now_ns;
	return wall_ns;
}

/* In which no hog ran; 0 if this one has not got to run either. */
static uint64_t between_hogs_ns(struct bench_guest *guest)
{
	struct bench_guests *all = guest->all;
	uint64_t first = guest->hog->first, ticks;

	if (!first)
		return 0;
	ticks = all->last_tsc ? dis_ns_sub(first, all->last_tsc) : 0;
	all->last_tsc = guest->hog->last;
	guest->hog->first = 0;
	return ticks * 1000000u / all->kvm.tsc_khz;
}

void bench_guests_count(struct bench_guests *all, uint64_t cpu_ns)
{
	all->cpu_ns = cpu_ns;
	all->counted = 0;
	for (unsigned i = 0; i < all->n; i++)
		all->counted += all->guest[i].hog->count;
}

uint64_t bench_guests_unit_ns(const struct bench_guests *all)
{
	return all->cpu_ns * COUNT_UNIT / (all->counted + 1);
}

bool bench_guest_returned(struct bench_guest *guest)
{
	struct bench_guests *all = guest->all;
	struct bench_series *series = all->series;
	uint64_t sample_ns;

	if (all->program == BENCH_COUNT)
		return true;
	sample_ns = all->program == BENCH_OUT ? since_return_ns(all)
					      : between_hogs_ns(guest);
	if (all->last == guest) {
		bench_series_extend(series, sample_ns);
		return true;
	}
	all->last = guest;
	if (all->skip) {
		all->skip--;
		return true;
	}
	/* The last one may still be extended: it ends with the next one. */
	if (!all->left)
		return false;
	all->left--;
	bench_series_add(series, sample_ns, 1);
	return true;
}
