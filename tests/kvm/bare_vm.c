/* SPDX-License-Identifier: Apache-2.0 */
/* A VM without scheduler; see bare_vm.h. */
#include "kvm/bare_vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "dev/debug_exit.h"

#define MEM_BYTES 0x10000u

void bare_vm_put(struct bare_vm *vm, unsigned page, const uint8_t *from,
		 const uint8_t *to)
{
	memcpy(vm->vm.mem.base + page * 4096u, from, (size_t)(to - from));
}

void bare_vm_put_vector(struct bare_vm *vm, unsigned vector, unsigned page,
			ptrdiff_t offset)
{
	const uint16_t entry[] = {(uint16_t)offset, (uint16_t)(page << 8)};

	memcpy(vm->vm.mem.base + vector * sizeof(entry), entry, sizeof(entry));
}

static void no_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

void bare_vm_open(struct bare_vm *vm)
{
	void *mem = mmap(NULL, MEM_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char err[256];

	assert_ptr_not_equal(mem, MAP_FAILED);
	memset(vm, 0, sizeof(*vm));
	assert_int_equal(kvm_open(false, &vm->kvm, err, sizeof(err)), 0);
	io_bus_init(&vm->bus, IO_BUS_PORTS);
	io_bus_init(&vm->mmio, IO_BUS_MEMORY);
	assert_int_equal(io_bus_add(&vm->bus, 0xf4, DEBUG_EXIT_PORTS,
				    &debug_exit_ops, NULL),
			 0);
	vm->vm.ncpus = 2;
	vm->vm.bus = &vm->bus;
	vm->vm.mmio = &vm->mmio;
	vm->vm.mem = (struct guest_mem){mem, MEM_BYTES};
	vm->vm.lapics = (struct lapic_bus){.cpus = vm->lapics,
					   .ncpus = 2,
					   .tsc_khz = vm->kvm.tsc_khz,
					   .phys_bits = vm->kvm.phys_bits,
					   .wake = no_wake};
	assert_int_equal(kvm_vm_init(&vm->vm, &vm->kvm, err, sizeof(err)), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(kvm_vcpu_init(&vm->vcpus[i], &vm->vm, i, err,
					       sizeof(err)),
				 0);
}

void bare_vm_close(struct bare_vm *vm)
{
	for (unsigned i = 0; i < 2; i++)
		kvm_vcpu_fini(&vm->vcpus[i]);
	kvm_vm_fini(&vm->vm);
	munmap(vm->vm.mem.base, MEM_BYTES);
	kvm_close(&vm->kvm);
}

enum dis_outcome bare_vm_run_once(struct kvm_vcpu *vcpu)
{
	struct dis_run_result result;

	kvm_vcpu_run_begin(vcpu);
	kvm_vcpu_run(vcpu, &result);
	return result.outcome;
}

enum dis_outcome bare_vm_run_on(struct kvm_vcpu *vcpu)
{
	enum dis_outcome outcome = DIS_RUN_CONTINUE;

	for (unsigned i = 0;
	     i < BARE_VM_RUNS_MAX && outcome == DIS_RUN_CONTINUE; i++)
		outcome = bare_vm_run_once(vcpu);
	return outcome;
}
