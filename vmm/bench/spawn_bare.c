/* SPDX-License-Identifier: Apache-2.0 */
/* Bare machines; see spawn_bare.h. */
#include "bench/spawn_bare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <dis/executor.h>

#include "kvm/arena.h"
#include "kvm/bare.h"

#define MEM_BYTES 0x200000u
#define PML4_GPA 0x2000u
#define PDPT_GPA 0x3000u
#define PD_GPA 0x4000u
#define CODE_GPA 0x8000u
#define PTE_PRESENT_WRITABLE 0x3u
#define PDE_PAGE_2M 0x80u

struct bare_machine {
	struct kvm_vm vm;
	struct io_bus bus, mmio;
	struct kvm_vcpu vcpu;
	struct lapic *lapics[1];
};

struct bench_bare {
	struct kvm kvm;
	struct arena arena;
	unsigned n;
	struct bare_machine machine[];
};

/* rdtsc; out; jmp */
static const uint8_t program[] = {0x0f, 0x31, 0xe6, 0x10, 0xeb, 0xfa};

static void no_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

static void write_u64(uint8_t *mem, uint64_t gpa, uint64_t value)
{
	memcpy(mem + gpa, &value, sizeof(value));
}

static int open_one(struct bare_machine *m, const struct kvm *kvm, uint8_t *mem,
		    char *err, size_t err_size)
{
	int ret;

	m->vm.ncpus = 1;
	m->vm.bus = &m->bus;
	m->vm.mmio = &m->mmio;
	m->vm.mem = (struct guest_mem){mem, MEM_BYTES};
	m->vm.lapics = (struct lapic_bus){.cpus = m->lapics,
					  .ncpus = 1,
					  .tsc_khz = kvm->tsc_khz,
					  .phys_bits = kvm->phys_bits,
					  .wake = no_wake};
	io_bus_init(&m->bus, IO_BUS_PORTS);
	io_bus_init(&m->mmio, IO_BUS_MEMORY);
	ret = kvm_vm_init(&m->vm, kvm, err, err_size);
	if (ret)
		return ret;
	ret = kvm_vcpu_init(&m->vcpu, &m->vm, 0, err, err_size);
	if (ret)
		kvm_vm_fini(&m->vm);
	return ret;
}

static void close_one(struct bare_machine *m)
{
	kvm_vcpu_fini(&m->vcpu);
	kvm_vm_fini(&m->vm);
}

/* @first_tsc: what its first instruction read. */
static int run_one(const struct bare_machine *m, uint8_t *mem,
		   uint64_t *first_tsc, char *err, size_t err_size)
{
	const struct bare_entry entry = {.cr3 = PML4_GPA, .rip = CODE_GPA};
	int ret;

	memcpy(mem + CODE_GPA, program, sizeof(program));
	write_u64(mem, PML4_GPA, PDPT_GPA | PTE_PRESENT_WRITABLE);
	write_u64(mem, PDPT_GPA, PD_GPA | PTE_PRESENT_WRITABLE);
	write_u64(mem, PD_GPA, PDE_PAGE_2M | PTE_PRESENT_WRITABLE);
	ret = bare_set_regs(&m->vcpu, &entry);
	if (!ret)
		ret = bare_run(&m->vcpu);
	if (ret >= 0)
		ret = bare_read_tsc(&m->vcpu, first_tsc);
	if (ret < 0)
		snprintf(err, err_size, "bare machine: %s", strerror(-ret));
	return ret;
}

/* From now @from_ns on until the TSC was @tsc. */
static uint64_t until(const struct kvm *kvm, uint64_t from_ns, uint64_t tsc)
{
	uint64_t now_ns = dis_clock_ns();
	unsigned __int128 ago_tsc = __rdtsc() - tsc;

	return dis_ns_sub(now_ns,
			  from_ns + (uint64_t)(ago_tsc * kvm->tsc_ns >> 32));
}

int bench_bare_open(unsigned n, struct bench_bare **out, char *err,
		    size_t err_size)
{
	struct bench_bare *bare =
		calloc(1, sizeof(*bare) + n * sizeof(struct bare_machine));
	int ret;

	if (!bare) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	ret = kvm_open(false, &bare->kvm, err, err_size);
	if (ret)
		goto err_free;
	ret = arena_create(n, MEM_BYTES, &bare->arena);
	if (ret) {
		snprintf(err, err_size, "guest memory: %s", strerror(-ret));
		goto err_close;
	}
	*out = bare;
	return 0;

err_close:
	kvm_close(&bare->kvm);
err_free:
	free(bare);
	return ret;
}

void bench_bare_close(struct bench_bare *bare)
{
	if (!bare)
		return;
	while (bare->n-- > 0)
		close_one(&bare->machine[bare->n]);
	arena_destroy(&bare->arena);
	kvm_close(&bare->kvm);
	free(bare);
}

int bench_bare_time(struct bench_bare *bare, double *took_ns, char *err,
		    size_t err_size)
{
	struct bare_machine *machine = &bare->machine[bare->n];
	uint8_t *mem = arena_slot(&bare->arena, bare->n);
	uint64_t from_ns = dis_clock_ns(), tsc;
	int ret = open_one(machine, &bare->kvm, mem, err, err_size);

	if (ret)
		return ret;
	bare->n++;
	ret = run_one(machine, mem, &tsc, err, err_size);
	if (!ret)
		*took_ns = (double)until(&bare->kvm, from_ns, tsc);
	return ret;
}
