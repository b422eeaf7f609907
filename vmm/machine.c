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
	return firmware_open(kind->spec.firmware_path, &kind->firmware, err,
			     err_size);
}

static int build_firmware_config(struct machine_kind *kind, char *err,
				 size_t err_size)
{
	int ret = firmware_config_build(kind->spec.vcpus, kind->spec.mem_bytes,
					&kind->firmware_config);

	if (ret)
		snprintf(err, err_size, "out of memory");
	return ret;
}

/* A vCPU that has never run starts in the ROM, as on a PC. */
static int load_firmware(const struct machine_kind *kind,
			 const struct shell *shell, const struct guest_mem *mem,
			 char *err, size_t err_size)
{
	const struct kvm_rom rom = {kind->firmware.rom, kind->firmware.bytes};
	int ret = kvm_vm_add_rom(shell->vm_fd, &rom);

	if (ret)
		snprintf(err, err_size, "ROM: %s", strerror(-ret));
	else
		firmware_load(&kind->firmware, mem);
	return ret;
}

static int load_kernel(const struct machine_kind *kind,
		       const struct shell *shell, const struct guest_mem *mem,
		       char *err, size_t err_size)
{
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
	int ret = boot_load(&source, mem, &entry, err, err_size);

	if (ret)
		return ret;
	ret = regs_set_boot(shell->vcpus[0].fd, &entry);
	for (unsigned i = 0; i < kind->spec.vcpus && !ret; i++)
		ret = msr_set_caching(shell->vcpus[i].fd);
	if (ret)
		snprintf(err, err_size, "registers: %s", strerror(-ret));
	return ret;
}

/* Memory and registers of a guest: all that KVM has of its start. */
static int load(const void *ctx, const struct shell *shell, char *err,
		size_t err_size)
{
	const struct machine_kind *kind = ctx;
	const struct guest_mem mem = {arena_slot(&kind->arena, shell->slot),
				      kind->spec.mem_bytes};

	return kind->spec.firmware_path
		       ? load_firmware(kind, shell, &mem, err, err_size)
		       : load_kernel(kind, shell, &mem, err, err_size);
}

static int make_shells(struct machine_kind *kind, char *err, size_t err_size)
{
	bool known_to_kvm = kind->spec.firmware_path || kind->io.n_places;
	const struct shells_config cfg = {
		.kvm = &kind->kvm,
		.arena = &kind->arena,
		.vcpus = kind->spec.vcpus,
		.kernel_irqchip = kind->spec.kernel_irqchip,
		.keep = known_to_kvm ? 0 : kind->spec.keep,
		.load = load,
		.ctx = kind,
	};

	return shells_create(&cfg, &kind->shells, err, err_size);
}

int machine_kind_open(const struct machine_spec *spec, struct machine_kind *out,
		      enum machine_fault *fault, char *err, size_t err_size)
{
	int ret;

	*out = (struct machine_kind){.spec = *spec, .kvm.fd = -1};
	*fault = MACHINE_FAULT_INPUT;
	ret = spec->firmware_path ? open_firmware(out, err, err_size)
				  : open_kernel(out, err, err_size);
	if (!ret)
		ret = machine_io_open(&spec->io, &out->io, fault, err, err_size);
	if (ret)
		goto err_close;
	*fault = MACHINE_FAULT_HOST;
	ret = build_firmware_config(out, err, err_size);
	if (ret)
		goto err_close;
	ret = kvm_open(spec->kernel_irqchip, &out->kvm, err, err_size);
	if (ret)
		goto err_close;
	ret = arena_create(spec->copies, spec->mem_bytes, &out->arena);
	if (ret) {
		snprintf(err, err_size,
			 "guest memory: no room for %u times %llu bytes: %s",
			 spec->copies, (unsigned long long)spec->mem_bytes,
			 strerror(-ret));
		goto err_close;
	}
	if (spec->numa_node >= 0)
		ret = arena_bind(&out->arena, (unsigned)spec->numa_node);
	if (ret) {
		snprintf(err, err_size, "guest memory on NUMA node %d: %s",
			 spec->numa_node, strerror(-ret));
		goto err_close;
	}
	*fault = MACHINE_FAULT_INPUT;
	if (!spec->firmware_path)
		ret = build_dtb(out, err, err_size);
	if (ret)
		goto err_close;
	*fault = MACHINE_FAULT_HOST;
	ret = make_shells(out, err, err_size);
	if (ret)
		goto err_close;
	return 0;

err_close:
	machine_kind_close(out);
	return ret;
}

void machine_kind_close(struct machine_kind *kind)
{
	shells_destroy(kind->shells);
	free(kind->dtb);
	machine_io_close(&kind->io);
	arena_destroy(&kind->arena);
	kvm_close(&kind->kvm);
	fw_cfg_store_free(&kind->firmware_config);
	firmware_close(&kind->firmware);
	boot_file_free(&kind->initrd);
	kernel_image_close(kind->kernel);
	kind->shells = NULL;
	kind->dtb = NULL;
	kind->kernel = NULL;
}

int machine_kind_make_vms(struct machine_kind *kind, unsigned n, char *err,
			  size_t err_size)
{
	return shells_make_vms(kind->shells, n, err, err_size);
}

int machine_kind_start(struct machine_kind *kind, char *err, size_t err_size)
{
	int ret = machine_io_start(&kind->io);

	if (ret)
		snprintf(err, err_size, "I/O threads: %s", strerror(-ret));
	return ret;
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
	machine->vm.rom =
		(struct kvm_rom){kind->firmware.rom, kind->firmware.bytes};
	machine->vm.bus = &machine->bus;
	machine->vm.mmio = &machine->mmio;
	machine->vm.lapics =
		(struct lapic_bus){.cpus = machine->lapics,
				   .ncpus = spec->vcpus,
				   .tsc_khz = kind->kvm.tsc_khz,
				   .phys_bits = kind->kvm.phys_bits,
				   .wake = wake_vcpu,
				   .ctx = machine};
	return machine;
}

static void give_shell(struct machine *machine)
{
	for (unsigned i = 0; i < machine->kind->spec.vcpus; i++)
		kvm_vcpu_release(&machine->vcpus[i]);
	shells_give(machine->kind->shells, machine->shell);
}

/* KVM's part of the machine, and its memory. */
static int take_shell(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_kind *kind = machine->kind;
	struct shell *shell;
	int ret = shells_take(kind->shells, &shell, err, err_size);

	if (ret)
		return ret;
	machine->shell = shell;
	machine->vm.mem = (struct guest_mem){
		arena_slot(&kind->arena, shell->slot), kind->spec.mem_bytes};
	kvm_vm_adopt(&machine->vm, &kind->kvm, shell->vm_fd);
	for (unsigned i = 0; i < kind->spec.vcpus && !ret; i++)
		ret = kvm_vcpu_adopt(&machine->vcpus[i], &machine->vm, i,
				     &shell->vcpus[i], err, err_size);
	if (ret)
		give_shell(machine);
	return ret;
}

static int bind(struct machine *machine, struct dis_domain *dom)
{
	void *args[DIS_VCPUS_PER_VM_MAX];

	for (unsigned i = 0; i < machine->kind->spec.vcpus; i++) {
		/* For I/O threads, which may look already (on_charge()). */
		__atomic_store_n(&machine->vcpus[i].dis,
				 dis_vm_vcpu(dom, machine->id, i),
				 __ATOMIC_RELEASE);
		args[i] = &machine->vcpus[i];
	}
	return dis_vm_bind(dom, machine->id, machine, args);
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
	ret = take_shell(machine, err, err_size);
	if (ret)
		goto err_free;
	ret = machine_devices_add(machine);
	if (ret) {
		snprintf(err, err_size, "devices: %s", strerror(-ret));
		goto err_shell;
	}
	*fault = MACHINE_FAULT_INPUT;
	if (machine->shell->state != SHELL_LOADED)
		ret = load(kind, machine->shell, err, err_size);
	if (ret)
		goto err_devices;
	/* The boot protocols start a kernel behind a firmware that is not there. */
	if (!kind->spec.kernel_irqchip && !kind->spec.firmware_path)
		lapic_virtual_wire(&machine->vcpus[0].lapic);
	*fault = MACHINE_FAULT_HOST;
	ret = bind(machine, dom);
	if (ret) {
		snprintf(err, err_size, "binding to the scheduler: %s",
			 dis_strerror(ret));
		goto err_devices;
	}
	/* From here on devices may charge vCPUs. */
	ret = machine_io_connect(machine);
	if (ret) {
		snprintf(err, err_size, "devices: %s", strerror(-ret));
		goto err_devices;
	}
	*out = machine;
	return 0;

err_devices:
	machine_devices_remove(machine);
err_shell:
	give_shell(machine);
err_free:
	free(machine->vcpus);
	free(machine->lapics);
	free(machine);
	return ret;
}

/* Devices first: they may have given KVM something. */
void machine_destroy(struct machine *machine)
{
	machine_io_stop(machine);
	machine_devices_remove(machine);
	give_shell(machine);
	free(machine->vcpus);
	free(machine->lapics);
	free(machine);
}
