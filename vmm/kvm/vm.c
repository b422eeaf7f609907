/* SPDX-License-Identifier: Apache-2.0 */
/* A KVM VM; see vm.h. */
#include "kvm/vm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kvm/msr.h"
#include "pc_map.h"

/* Where Intel's virtualisation keeps a TSS and a page table for real mode. */
#define TSS_GPA 0xfffbd000u
#define IDENTITY_MAP_GPA UINT64_C(0xfffbc000)

struct step_error {
	char *err;
	size_t size;
};

static int step(const struct step_error *e, const char *name, int ret)
{
	if (ret >= 0)
		return ret;
	snprintf(e->err, e->size, "%s: %s", name, strerror(-ret));
	return ret;
}

static int add_slot(const struct kvm_vm *vm, uint32_t slot, uint32_t flags,
		    uint64_t gpa, const uint8_t *host, uint64_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uint64_t)(uintptr_t)host,
	};

	return kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int add_memory(const struct kvm_vm *vm)
{
	uint64_t low = guest_mem_low_bytes(&vm->mem);
	uint64_t high = vm->mem.size_bytes - low;
	int ret = add_slot(vm, 0, 0, 0, vm->mem.base, low);

	if (!ret && high)
		ret = add_slot(vm, 1, 0, GUEST_MEM_HIGH_GPA, vm->mem.base + low,
			       high);
	/* Writes to it come as MMIO exits, for which there is no device. */
	if (!ret && vm->rom.bytes)
		ret = add_slot(vm, 2, KVM_MEM_READONLY,
			       GUEST_MEM_HIGH_GPA - vm->rom.bytes, vm->rom.host,
			       vm->rom.bytes);
	return ret;
}

static struct kvm_irq_routing_entry route(uint32_t gsi, uint32_t chip,
					  uint32_t pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = chip, .pin = pin},
	};
}

/* The wiring of pc_map.h; KVM's own has the timer at pin 0 of the I/O APIC. */
static int set_routes(const struct kvm_vm *vm)
{
	_Alignas(struct kvm_irq_routing)
		uint8_t buffer[sizeof(struct kvm_irq_routing) +
			       (PC_ISA_GSIS + PC_GSIS) *
				       sizeof(struct kvm_irq_routing_entry)] = {
			0};
	struct kvm_irq_routing *routing = (struct kvm_irq_routing *)buffer;

	for (uint32_t gsi = 0; gsi < PC_GSIS; gsi++) {
		uint32_t pin = gsi == PC_PIT_GSI ? PC_PIT_PIN : gsi;

		if (gsi == PC_CASCADE_GSI)
			continue;
		if (gsi < PC_ISA_GSIS)
			routing->entries[routing->nr++] =
				route(gsi,
				      gsi < 8 ? KVM_IRQCHIP_PIC_MASTER
					      : KVM_IRQCHIP_PIC_SLAVE,
				      gsi % 8);
		routing->entries[routing->nr++] =
			route(gsi, KVM_IRQCHIP_IOAPIC, pin);
	}
	return kvm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing);
}

static int set_up_irqchip(struct kvm_vm *vm, const struct step_error *e)
{
	/* With port 0x61, as ours. */
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	int ret;

	if (!vm->kernel_irqchip)
		return msr_set_up_exits(vm->fd, e->err, e->size);
	ret = step(e, "KVM_CREATE_IRQCHIP",
		   kvm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL));
	if (!ret)
		ret = step(e, "KVM_SET_GSI_ROUTING", set_routes(vm));
	if (ret)
		return ret;
	return step(e, "KVM_CREATE_PIT2",
		    kvm_ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
}

int kvm_vm_init(struct kvm_vm *vm, const struct kvm *kvm, char *err,
		size_t err_size)
{
	const struct step_error e = {err, err_size};
	uint64_t identity_map = IDENTITY_MAP_GPA;
	int ret;

	vm->kvm = kvm;
	atomic_flag_clear(&vm->failure.claimed);
	vm->fd = step(&e, "KVM_CREATE_VM",
		      kvm_ioctl(kvm->fd, KVM_CREATE_VM, NULL));
	if (vm->fd < 0)
		return vm->fd;
	ret = step(&e, "KVM_SET_IDENTITY_MAP_ADDR",
		   kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map));
	if (!ret)
		ret = step(&e, "KVM_SET_TSS_ADDR",
			   kvm_ioctl(vm->fd, KVM_SET_TSS_ADDR,
				     (void *)(uintptr_t)TSS_GPA));
	if (!ret)
		ret = set_up_irqchip(vm, &e);
	if (!ret)
		ret = step(&e, "KVM_SET_USER_MEMORY_REGION", add_memory(vm));
	if (ret)
		kvm_vm_fini(vm);
	return ret;
}

void kvm_vm_fini(struct kvm_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

void kvm_vm_set_line(const struct kvm_vm *vm, unsigned gsi, bool level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	/* It fails for a number that is no input only. */
	(void)kvm_ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

int kvm_vm_notify(const struct kvm_vm *vm, uint64_t gpa, int fd)
{
	struct kvm_ioeventfd notify = {.addr = gpa, .len = 4, .fd = fd};

	return kvm_ioctl(vm->fd, KVM_IOEVENTFD, &notify);
}

bool kvm_vm_fail(struct kvm_vm *vm, uint32_t exit_code, const char *format, ...)
{
	va_list args;

	if (atomic_flag_test_and_set(&vm->failure.claimed))
		return false;
	vm->failure.exit_code = exit_code;
	va_start(args, format);
	vsnprintf(vm->failure.detail, sizeof(vm->failure.detail), format, args);
	va_end(args);
	return true;
}
