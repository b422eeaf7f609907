/* SPDX-License-Identifier: Apache-2.0 */
/* A KVM VM; see vm.h. */
#include "kvm/vm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kvm/msr.h"
#include "pc_map.h"

/* Where Intel's virtualisation keeps a TSS and a page table for real mode. */
#define TSS_GPA 0xfffbd000u
#define TSS_PAGES 3u
#define IDENTITY_MAP_GPA UINT64_C(0xfffbc000)
#define PAGE UINT64_C(4096)

enum {
	SLOT_LOW,
	SLOT_HIGH,
	SLOT_ROM,
	SLOT_PROBE
};

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

/* @bytes 0 removes it. */
static int set_slot(int fd, uint32_t slot, uint32_t flags, uint64_t gpa,
		    const uint8_t *host, uint64_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uint64_t)(uintptr_t)host,
	};

	return kvm_ioctl(fd, KVM_SET_USER_MEMORY_REGION, &region);
}

int kvm_vm_add_memory(int fd, const struct guest_mem *mem)
{
	uint64_t low = guest_mem_low_bytes(mem);
	uint64_t high = mem->size_bytes - low;
	int ret = set_slot(fd, SLOT_LOW, 0, 0, mem->base, low);

	if (!ret && high)
		ret = set_slot(fd, SLOT_HIGH, 0, GUEST_MEM_HIGH_GPA,
			       mem->base + low, high);
	return ret;
}

int kvm_vm_remove_memory(int fd, const struct guest_mem *mem)
{
	uint64_t low = guest_mem_low_bytes(mem);
	int ret = set_slot(fd, SLOT_LOW, 0, 0, mem->base, 0);

	if (!ret && mem->size_bytes > low)
		ret = set_slot(fd, SLOT_HIGH, 0, GUEST_MEM_HIGH_GPA,
			       mem->base + low, 0);
	return ret;
}

/* Writes to it come as MMIO exits, for which there is no device. */
int kvm_vm_add_rom(int fd, const struct kvm_rom *rom)
{
	return set_slot(fd, SLOT_ROM, KVM_MEM_READONLY,
			GUEST_MEM_HIGH_GPA - rom->bytes, rom->host, rom->bytes);
}

int kvm_vm_restart_clock(int fd)
{
	struct kvm_clock_data clock = {0};

	return kvm_ioctl(fd, KVM_SET_CLOCK, &clock);
}

/* KVM refuses a slot where one of its own is. */
int kvm_vm_has_hidden_memory(int fd, const struct guest_mem *mem)
{
	int ret = set_slot(fd, SLOT_PROBE, 0, IDENTITY_MAP_GPA, mem->base,
			   (1u + TSS_PAGES) * PAGE);

	if (ret == -EEXIST)
		return 1;
	return ret ? ret
		   : set_slot(fd, SLOT_PROBE, 0, IDENTITY_MAP_GPA, mem->base, 0);
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
static int set_routes(int fd)
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
	return kvm_ioctl(fd, KVM_SET_GSI_ROUTING, routing);
}

static int create_irqchip(int fd, const struct step_error *e)
{
	/* With port 0x61, as ours. */
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	int ret = step(e, "KVM_CREATE_IRQCHIP",
		       kvm_ioctl(fd, KVM_CREATE_IRQCHIP, NULL));

	if (!ret)
		ret = step(e, "KVM_SET_GSI_ROUTING", set_routes(fd));
	if (ret)
		return ret;
	return step(e, "KVM_CREATE_PIT2", kvm_ioctl(fd, KVM_CREATE_PIT2, &pit));
}

int kvm_vm_open(const struct kvm *kvm, char *err, size_t err_size)
{
	const struct step_error e = {err, err_size};

	return step(&e, "KVM_CREATE_VM",
		    kvm_ioctl(kvm->fd, KVM_CREATE_VM, NULL));
}

int kvm_vm_set_up(int fd, bool kernel_irqchip, const struct guest_mem *mem,
		  char *err, size_t err_size)
{
	const struct step_error e = {err, err_size};
	uint64_t identity_map = IDENTITY_MAP_GPA;
	int ret;

	ret = step(&e, "KVM_SET_IDENTITY_MAP_ADDR",
		   kvm_ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map));
	if (!ret)
		ret = step(&e, "KVM_SET_TSS_ADDR",
			   kvm_ioctl(fd, KVM_SET_TSS_ADDR,
				     (void *)(uintptr_t)TSS_GPA));
	/*
	 * In this order: memory, MSR filter and interrupt controller each make
	 * KVM wait for readers of the VM, the other way round for 8 ms.
	 */
	if (!ret && !kernel_irqchip)
		ret = msr_set_up_exits(fd, err, err_size);
	if (!ret)
		ret = step(&e, "KVM_SET_USER_MEMORY_REGION",
			   kvm_vm_add_memory(fd, mem));
	if (!ret && kernel_irqchip)
		ret = create_irqchip(fd, &e);
	return ret;
}

void kvm_vm_adopt(struct kvm_vm *vm, const struct kvm *kvm, int fd)
{
	vm->kvm = kvm;
	vm->fd = fd;
	atomic_flag_clear(&vm->failure.claimed);
}

int kvm_vm_init(struct kvm_vm *vm, const struct kvm *kvm, char *err,
		size_t err_size)
{
	int fd = kvm_vm_open(kvm, err, err_size);
	int ret;

	kvm_vm_adopt(vm, kvm, fd);
	if (fd < 0)
		return fd;
	ret = kvm_vm_set_up(fd, vm->kernel_irqchip, &vm->mem, err, err_size);
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

int kvm_vm_notify_end(const struct kvm_vm *vm, uint64_t gpa, int fd)
{
	struct kvm_ioeventfd notify = {
		.addr = gpa,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

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
