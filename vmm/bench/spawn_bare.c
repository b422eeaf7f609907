/* SPDX-License-Identifier: Apache-2.0 */
/* Bare machines; see spawn_bare.h. */
#include "bench/spawn_bare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct bare {
	struct kvm_vm vm;
	struct io_bus bus, mmio;
	struct kvm_vcpu vcpu;
	struct lapic *lapics[1];
};

static const uint8_t program[] = {0xe6, 0x10, 0xeb, 0xfc}; /* out; jmp */

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

static int open_one(struct bare *bare, const struct kvm *kvm, uint8_t *mem,
		    char *err, size_t err_size)
{
	int ret;

	bare->vm.ncpus = 1;
	bare->vm.bus = &bare->bus;
	bare->vm.mmio = &bare->mmio;
	bare->vm.mem = (struct guest_mem){mem, MEM_BYTES};
	bare->vm.lapics = (struct lapic_bus){.cpus = bare->lapics,
					     .ncpus = 1,
					     .tsc_khz = kvm->tsc_khz,
					     .wake = no_wake};
	io_bus_init(&bare->bus, IO_BUS_PORTS);
	io_bus_init(&bare->mmio, IO_BUS_MEMORY);
	ret = kvm_vm_init(&bare->vm, kvm, err, err_size);
	if (ret)
		return ret;
	ret = kvm_vcpu_init(&bare->vcpu, &bare->vm, 0, err, err_size);
	if (ret)
		kvm_vm_fini(&bare->vm);
	return ret;
}

static void close_one(struct bare *bare)
{
	kvm_vcpu_fini(&bare->vcpu);
	kvm_vm_fini(&bare->vm);
}

static int run_one(const struct bare *bare, uint8_t *mem, char *err,
		   size_t err_size)
{
	const struct bare_entry entry = {.cr3 = PML4_GPA, .rip = CODE_GPA};
	int ret;

	memcpy(mem + CODE_GPA, program, sizeof(program));
	write_u64(mem, PML4_GPA, PDPT_GPA | PTE_PRESENT_WRITABLE);
	write_u64(mem, PDPT_GPA, PD_GPA | PTE_PRESENT_WRITABLE);
	write_u64(mem, PD_GPA, PDE_PAGE_2M | PTE_PRESENT_WRITABLE);
	ret = bare_set_regs(&bare->vcpu, &entry);
	if (!ret)
		ret = bare_run(&bare->vcpu);
	if (ret < 0)
		snprintf(err, err_size, "bare machine: %s", strerror(-ret));
	return ret < 0 ? ret : 0;
}

/* All stay open until the last one was timed: the host is not empty. */
int bench_spawn_bare(unsigned n, uint64_t *took_ns, char *err, size_t err_size)
{
	struct bare *bare = calloc(n + 1, sizeof(*bare));
	struct arena arena = {0};
	struct kvm kvm;
	unsigned opened = 0;
	int ret;

	if (!bare) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	ret = kvm_open(false, &kvm, err, err_size);
	if (ret)
		goto err_free;
	ret = arena_create(n, MEM_BYTES, &arena);
	if (ret) {
		snprintf(err, err_size, "guest memory: %s", strerror(-ret));
		goto err_close;
	}
	for (unsigned i = 0; i < n && !ret; i++) {
		uint8_t *mem = arena_slot(&arena, i);
		uint64_t from_ns = dis_clock_ns();

		ret = open_one(&bare[i], &kvm, mem, err, err_size);
		if (ret)
			break;
		opened++;
		ret = run_one(&bare[i], mem, err, err_size);
		took_ns[i] = dis_clock_ns() - from_ns;
	}
	while (opened-- > 0)
		close_one(&bare[opened]);
	arena_destroy(&arena);
err_close:
	kvm_close(&kvm);
err_free:
	free(bare);
	return ret;
}
