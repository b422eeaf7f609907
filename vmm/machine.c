/* SPDX-License-Identifier: Apache-2.0 */
/* Building of a guest; see machine.h. */
#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/error.h>

#include "boot/dtb.h"
#include "kvm/msr.h"
#include "kvm/regs.h"
#include "machine_devices.h"

_Static_assert(LAPIC_MAX >= DIS_VCPUS_PER_VM_MAX, "each vCPU has one");

static int build_dtb(struct machine_kind *kind, char *err, size_t err_size)
{
	const struct dtb_source source = {
		.ncpus = kind->spec.vcpus,
		.intents = kind->spec.intents,
		.memory_bytes = kind->spec.mem_bytes,
		.cmdline = kind->spec.cmdline,
		.tsc_khz = kind->kvm.tsc_khz,
		.ndevices = machine_dtb_device_count,
		.devices = machine_dtb_devices,
		.nvirtio = kind->io.n_places,
		.virtio = kind->io.places,
	};
	int ret =
		dtb_build(&source, &kind->dtb, &kind->dtb_bytes, err, err_size);

	if (ret)
		return ret;
	return dtb_merge_user(&kind->spec.dtb, &kind->dtb, &kind->dtb_bytes,
			      err, err_size);
}

static int open_kernel(struct machine_kind *kind, char *err, size_t err_size)
{
	const struct machine_spec *spec = &kind->spec;
	int ret = kernel_image_open(spec->kernel_path, &kind->kernel, err,
				    err_size);

	if (!ret && spec->initrd_path)
		ret = boot_file_read(spec->initrd_path, BOOT_FILE_MAX_BYTES,
				     &kind->initrd, err, err_size);
	return ret;
}

static int open_firmware(struct machine_kind *kind, char *err, size_t err_size)
{
	const struct machine_spec *spec = &kind->spec;
	int ret = firmware_open(spec->firmware_path, &kind->firmware, err,
				err_size);

	if (ret)
		return ret;
	ret = firmware_config_build(spec->vcpus, spec->mem_bytes,
				    &kind->firmware_config);
	if (ret)
		snprintf(err, err_size, "out of memory");
	return ret;
}

int machine_kind_open(const struct machine_spec *spec, struct machine_kind *out,
		      enum machine_fault *fault, char *err, size_t err_size)
{
	struct machine_kind kind = {.spec = *spec, .kvm.fd = -1};
	int ret;

	*fault = MACHINE_FAULT_INPUT;
	ret = spec->firmware_path ? open_firmware(&kind, err, err_size)
				  : open_kernel(&kind, err, err_size);
	if (!ret)
		ret = machine_io_open(&spec->io, &kind.io, fault, err, err_size);
	if (ret)
		goto err_close;
	*fault = MACHINE_FAULT_HOST;
	ret = kvm_open(spec->kernel_irqchip, &kind.kvm, err, err_size);
	if (ret)
		goto err_close;
	ret = arena_create(spec->copies, spec->mem_bytes, &kind.arena);
	if (ret) {
		snprintf(err, err_size,
			 "guest memory: no room for %u times %llu bytes: %s",
			 spec->copies, (unsigned long long)spec->mem_bytes,
			 strerror(-ret));
		goto err_close;
	}
	if (spec->numa_node >= 0)
		ret = arena_bind(&kind.arena, (unsigned)spec->numa_node);
	if (ret) {
		snprintf(err, err_size, "guest memory on NUMA node %d: %s",
			 spec->numa_node, strerror(-ret));
		goto err_close;
	}
	*fault = MACHINE_FAULT_INPUT;
	if (!spec->firmware_path)
		ret = build_dtb(&kind, err, err_size);
	if (ret)
		goto err_close;
	*out = kind;
	return 0;

err_close:
	machine_kind_close(&kind);
	return ret;
}

void machine_kind_close(struct machine_kind *kind)
{
	free(kind->dtb);
	machine_io_close(&kind->io);
	arena_destroy(&kind->arena);
	kvm_close(&kind->kvm);
	fw_cfg_store_free(&kind->firmware_config);
	firmware_close(&kind->firmware);
	boot_file_free(&kind->initrd);
	kernel_image_close(kind->kernel);
	kind->dtb = NULL;
	kind->kernel = NULL;
}

static void fini_vcpus(struct machine *machine, unsigned count)
{
	while (count-- > 0)
		kvm_vcpu_fini(&machine->vcpus[count]);
}

static int init_vcpus(struct machine *machine, struct dis_domain *dom,
		      char *err, size_t err_size)
{
	unsigned n = machine->kind->spec.vcpus;

	for (unsigned i = 0; i < n; i++) {
		struct kvm_vcpu *vcpu = &machine->vcpus[i];
		int ret = kvm_vcpu_init(vcpu, &machine->vm, i, err, err_size);

		if (ret) {
			fini_vcpus(machine, i);
			return ret;
		}
		vcpu->dis = dis_vm_vcpu(dom, machine->id, i);
	}
	return 0;
}

/* The processor starts in the ROM, and the firmware does what it does on a PC. */
static int load_firmware(struct machine *machine, char *err, size_t err_size)
{
	int ret;

	firmware_load(&machine->kind->firmware, &machine->vm.mem);
	ret = regs_set_init(&machine->vcpus[0]);
	if (ret)
		snprintf(err, err_size, "registers: %s", strerror(-ret));
	return ret;
}

static int load_kernel(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_kind *kind = machine->kind;
	const struct acpi_source acpi = {
		.ncpus = kind->spec.vcpus,
		.rtc = true,
		.nvirtio = kind->io.n_places,
		.virtio = kind->io.places,
	};
	const struct boot_source source = {
		.kernel = kind->kernel,
		.initrd = kind->initrd.bytes,
		.initrd_bytes = kind->initrd.size_bytes,
		.cmdline = kind->spec.cmdline,
		.dtb = kind->dtb,
		.dtb_bytes = kind->dtb_bytes,
		.acpi = &acpi,
	};
	struct boot_entry entry;
	int ret = boot_load(&source, &machine->vm.mem, &entry, err, err_size);

	if (ret)
		return ret;
	/* The boot protocols start a kernel behind a firmware that is not there. */
	if (!kind->spec.kernel_irqchip)
		lapic_virtual_wire(&machine->vcpus[0].lapic);
	ret = regs_set_boot(&machine->vcpus[0], &entry);
	for (unsigned i = 0; i < kind->spec.vcpus && !ret; i++)
		ret = msr_set_caching(&machine->vcpus[i]);
	if (ret)
		snprintf(err, err_size, "registers: %s", strerror(-ret));
	return ret;
}

static int bind(struct machine *machine, struct dis_domain *dom)
{
	void *args[DIS_VCPUS_PER_VM_MAX];

	for (unsigned i = 0; i < machine->kind->spec.vcpus; i++)
		args[i] = &machine->vcpus[i];
	return dis_vm_bind(dom, machine->id, machine, args);
}

static void wake_vcpu(void *ctx, unsigned cpu, unsigned sender)
{
	struct machine *machine = ctx;

	dis_vcpu_wake_by(machine->vcpus[cpu].dis, machine->vcpus[sender].dis);
}

static struct machine *allocate(const struct machine_kind *kind, unsigned seq)
{
	const struct machine_spec *spec = &kind->spec;
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return NULL;
	machine->vcpus = calloc(spec->vcpus, sizeof(*machine->vcpus));
	machine->lapics = calloc(spec->vcpus, sizeof(struct lapic *));
	if (!machine->vcpus || !machine->lapics) {
		free(machine->vcpus);
		free(machine->lapics);
		free(machine);
		return NULL;
	}
	machine->kind = kind;
	machine->seq = seq;
	machine->vm.kernel_irqchip = spec->kernel_irqchip;
	machine->vm.profile = spec->profile;
	machine->vm.ncpus = spec->vcpus;
	machine->vm.bus = &machine->bus;
	machine->vm.mmio = &machine->mmio;
	machine->vm.mem = (struct guest_mem){arena_slot(&kind->arena, seq),
					     spec->mem_bytes};
	machine->vm.rom =
		(struct kvm_rom){kind->firmware.rom, kind->firmware.bytes};
	machine->vm.lapics = (struct lapic_bus){.cpus = machine->lapics,
						.ncpus = spec->vcpus,
						.tsc_khz = kind->kvm.tsc_khz,
						.wake = wake_vcpu,
						.ctx = machine};
	return machine;
}

int machine_create(const struct machine_kind *kind, unsigned seq,
		   struct dis_domain *dom, dis_id id, void *owner,
		   struct machine **out, enum machine_fault *fault, char *err,
		   size_t err_size)
{
	struct machine *machine = allocate(kind, seq);
	int ret;

	*fault = MACHINE_FAULT_HOST;
	if (!machine) {
		snprintf(err, err_size, "out of memory");
		return -ENOMEM;
	}
	machine->id = id;
	machine->owner = owner;
	ret = machine_devices_add(machine);
	if (ret) {
		snprintf(err, err_size, "devices: %s", strerror(-ret));
		goto err_free;
	}
	ret = kvm_vm_init(&machine->vm, &kind->kvm, err, err_size);
	if (ret)
		goto err_devices;
	ret = init_vcpus(machine, dom, err, err_size);
	if (ret)
		goto err_vm;
	ret = machine_io_connect(machine);
	if (ret) {
		snprintf(err, err_size, "devices: %s", strerror(-ret));
		goto err_vcpus;
	}
	*fault = MACHINE_FAULT_INPUT;
	ret = kind->spec.firmware_path ? load_firmware(machine, err, err_size)
				       : load_kernel(machine, err, err_size);
	if (ret)
		goto err_vcpus;
	*fault = MACHINE_FAULT_HOST;
	ret = bind(machine, dom);
	if (ret) {
		snprintf(err, err_size, "binding to the scheduler: %s",
			 dis_strerror(ret));
		goto err_vcpus;
	}
	*out = machine;
	return 0;

err_vcpus:
	fini_vcpus(machine, kind->spec.vcpus);
err_vm:
	kvm_vm_fini(&machine->vm);
	arena_release(&kind->arena, seq);
err_devices:
	machine_devices_remove(machine);
err_free:
	free(machine->vcpus);
	free(machine->lapics);
	free(machine);
	return ret;
}

void machine_destroy(struct machine *machine)
{
	machine_io_stop(machine);
	fini_vcpus(machine, machine->kind->spec.vcpus);
	kvm_vm_fini(&machine->vm);
	arena_release(&machine->kind->arena, machine->seq);
	machine_devices_remove(machine);
	free(machine->vcpus);
	free(machine->lapics);
	free(machine);
}
