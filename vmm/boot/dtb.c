/* SPDX-License-Identifier: Apache-2.0 */
/* Writing of the device tree with libfdt; see dtb.h. */
#include "boot/dtb.h"

#include "boot/boot.h"
#include "boot/boot_error.h"
#include "boot/memmap.h"
#include "kvm/guest_mem.h"
#include "pc_map.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DTB_CPUS_MAX 256u
#define DTB_DEVICES_MAX 256u
#define DTB_VIRTIO_MAX 256u

/*
 * Room that is surely enough: a Realtime CPU's node takes 160 bytes, a device's
 * 100 beside its strings, that of virtio 130; everything else together, with the
 * names of all properties, about 900.
 */
#define DTB_BASE_BYTES 2048u
#define DTB_CPU_BYTES 256u
#define DTB_DEVICE_BYTES 128u
#define DTB_VIRTIO_BYTES 160u

/*
 * The I/O APIC's handle, far from those that compilers of device trees number
 * from 1 on; cells of its inputs: number, then how it triggers.
 */
#define IOAPIC_PHANDLE 0x44490001u
#define INTERRUPT_LEVEL_HIGH 4u

/* The first error of a row of libfdt calls stays; later ones do nothing. */
struct dtb_writer {
	void *fdt;
	int error;
};

static void begin(struct dtb_writer *w, const char *name)
{
	if (!w->error)
		w->error = fdt_begin_node(w->fdt, name);
}

static void end(struct dtb_writer *w)
{
	if (!w->error)
		w->error = fdt_end_node(w->fdt);
}

static void put_string(struct dtb_writer *w, const char *name, const char *text)
{
	if (!w->error)
		w->error = fdt_property_string(w->fdt, name, text);
}

static void put_u32(struct dtb_writer *w, const char *name, uint32_t value)
{
	if (!w->error)
		w->error = fdt_property_u32(w->fdt, name, value);
}

static void put_u64(struct dtb_writer *w, const char *name, uint64_t value)
{
	if (!w->error)
		w->error = fdt_property_u64(w->fdt, name, value);
}

static void put_bytes(struct dtb_writer *w, const char *name, const void *bytes,
		      size_t len)
{
	if (!w->error)
		w->error = fdt_property(w->fdt, name, bytes, (int)len);
}

/*
 * All RAM; what the memory map reserves within it is in the reservation block,
 * as device trees have it.
 */
static void write_memory(struct dtb_writer *w, uint64_t memory_bytes)
{
	const struct guest_mem mem = {.size_bytes = memory_bytes};
	uint64_t low = guest_mem_low_bytes(&mem);
	const fdt64_t reg[4] = {cpu_to_fdt64(0), cpu_to_fdt64(low),
				cpu_to_fdt64(GUEST_MEM_HIGH_GPA),
				cpu_to_fdt64(memory_bytes - low)};
	size_t ranges = memory_bytes > low ? 2 : 1;

	begin(w, "memory@0");
	put_string(w, "device_type", "memory");
	put_bytes(w, "reg", reg, ranges * 2 * sizeof(reg[0]));
	end(w);
}

static void write_reservations(struct dtb_writer *w)
{
	if (!w->error)
		w->error = fdt_add_reservemap_entry(w->fdt, MEMMAP_LEGACY_GPA,
						    MEMMAP_LEGACY_END_GPA -
							    MEMMAP_LEGACY_GPA);
	if (!w->error)
		w->error = fdt_finish_reservemap(w->fdt);
}

static void write_cpu(struct dtb_writer *w, unsigned index,
		      const struct dis_intent *intent)
{
	char name[16];

	snprintf(name, sizeof(name), "cpu@%x", index);
	begin(w, name);
	put_string(w, "device_type", "cpu");
	put_u32(w, "reg", index);
	put_string(w, "disvm,intent", dis_class_name(intent->klass));
	if (intent->klass == DIS_CLASS_REALTIME) {
		put_u64(w, "disvm,period-ns", intent->period_ns);
		put_u64(w, "disvm,deadline-ns", intent->deadline_ns);
		put_u64(w, "disvm,wcet-ns", intent->wcet_ns);
	} else if (intent->klass == DIS_CLASS_INTERACTIVE) {
		put_u64(w, "disvm,latency-ns", intent->latency_ns);
	}
	if (intent->weight)
		put_u32(w, "disvm,weight", intent->weight);
	if (intent->has_priority)
		put_u32(w, "disvm,priority", intent->priority);
	if (intent->min_permille)
		put_u32(w, "disvm,min-permille", intent->min_permille);
	if (intent->max_permille)
		put_u32(w, "disvm,max-permille", intent->max_permille);
	end(w);
}

static void write_device(struct dtb_writer *w, const struct dtb_device *device)
{
	const fdt32_t reg[2] = {cpu_to_fdt32(device->port),
				cpu_to_fdt32(device->ports)};

	begin(w, device->name);
	put_string(w, "compatible", device->compatible);
	put_bytes(w, "reg", reg, sizeof(reg));
	end(w);
}

/* A name of its own: to an operating system the ACPI tables describe it. */
static void write_ioapic(struct dtb_writer *w)
{
	const fdt64_t reg[2] = {cpu_to_fdt64(PC_IOAPIC_GPA),
				cpu_to_fdt64(PC_IOAPIC_BYTES)};
	char name[40];

	snprintf(name, sizeof(name), "interrupt-controller@%" PRIx64,
		 PC_IOAPIC_GPA);
	begin(w, name);
	put_string(w, "compatible", "disvm,ioapic");
	put_bytes(w, "interrupt-controller", "", 0);
	put_u32(w, "#interrupt-cells", 2);
	put_bytes(w, "reg", reg, sizeof(reg));
	put_u32(w, "phandle", IOAPIC_PHANDLE);
	end(w);
}

static void write_virtio(struct dtb_writer *w, const struct virtio_place *place)
{
	const fdt64_t reg[2] = {cpu_to_fdt64(place->gpa),
				cpu_to_fdt64(place->bytes)};
	const fdt32_t interrupts[2] = {cpu_to_fdt32(place->gsi),
				       cpu_to_fdt32(INTERRUPT_LEVEL_HIGH)};
	char name[40];

	snprintf(name, sizeof(name), "virtio@%" PRIx64, place->gpa);
	begin(w, name);
	put_string(w, "compatible", "virtio,mmio");
	put_bytes(w, "reg", reg, sizeof(reg));
	put_u32(w, "interrupt-parent", IOAPIC_PHANDLE);
	put_bytes(w, "interrupts", interrupts, sizeof(interrupts));
	end(w);
}

static void write_tree(struct dtb_writer *w, const struct dtb_source *src)
{
	begin(w, "");
	put_string(w, "compatible", "disvm,machine-1");
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 2);

	begin(w, "chosen");
	put_string(w, "bootargs", src->cmdline ? src->cmdline : "");
	end(w);

	write_memory(w, src->memory_bytes);

	begin(w, "cpus");
	put_u32(w, "#address-cells", 1);
	put_u32(w, "#size-cells", 0);
	put_u64(w, "timebase-frequency", (uint64_t)src->tsc_khz * 1000u);
	for (unsigned i = 0; i < src->ncpus; i++)
		write_cpu(w, i, &src->intents[i]);
	end(w);

	for (unsigned i = 0; i < src->ndevices; i++)
		write_device(w, &src->devices[i]);
	if (src->nvirtio)
		write_ioapic(w);
	for (unsigned i = 0; i < src->nvirtio; i++)
		write_virtio(w, &src->virtio[i]);
	end(w);
}

static int check_device(const struct dtb_device *device, char *err,
			size_t err_size)
{
	if (!device->name[0] || strchr(device->name, '/'))
		return boot_error(-EINVAL, err, err_size,
				  "device tree: device name \"%s\" is empty or "
				  "has a '/'",
				  device->name);
	if (device->ports == 0 || device->port > UINT16_MAX ||
	    device->ports > UINT16_MAX + 1u - device->port)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %s: %" PRIu32
				  " ports at %#" PRIx32
				  " lie outside the I/O space",
				  device->name, device->ports, device->port);
	return 0;
}

static int check_source(const struct dtb_source *src, char *err, size_t err_size)
{
	int ret;

	if (src->ncpus == 0 || src->ncpus > DTB_CPUS_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %u CPUs; 1 to %u are possible",
				  src->ncpus, DTB_CPUS_MAX);
	if (src->memory_bytes == 0)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: no memory");
	if (src->tsc_khz == 0)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: frequency of the TSC is 0");
	if (src->cmdline && strlen(src->cmdline) >= BOOT_CMDLINE_MAX_BYTES)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: command line of %zu bytes; at "
				  "most %" PRIu64,
				  strlen(src->cmdline),
				  BOOT_CMDLINE_MAX_BYTES - 1u);
	if (src->ndevices > DTB_DEVICES_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %u devices; at most %u",
				  src->ndevices, DTB_DEVICES_MAX);
	if (src->nvirtio > DTB_VIRTIO_MAX)
		return boot_error(-EINVAL, err, err_size,
				  "device tree: %u virtio devices; at most %u",
				  src->nvirtio, DTB_VIRTIO_MAX);
	for (unsigned i = 0; i < src->ncpus; i++) {
		if ((unsigned)src->intents[i].klass >= DIS_CLASSES)
			return boot_error(-EINVAL, err, err_size,
					  "device tree: CPU %u: unknown intent "
					  "class %u",
					  i, (unsigned)src->intents[i].klass);
	}
	for (unsigned i = 0; i < src->ndevices; i++) {
		ret = check_device(&src->devices[i], err, err_size);
		if (ret)
			return ret;
	}
	return 0;
}

/* An upper bound of the tree's size. */
static size_t room_bytes(const struct dtb_source *src)
{
	size_t room = DTB_BASE_BYTES + (size_t)src->ncpus * DTB_CPU_BYTES +
		      (size_t)src->nvirtio * DTB_VIRTIO_BYTES +
		      (src->cmdline ? strlen(src->cmdline) : 0);

	for (unsigned i = 0; i < src->ndevices; i++)
		room += DTB_DEVICE_BYTES + strlen(src->devices[i].name) +
			strlen(src->devices[i].compatible);
	return room;
}

int dtb_build(const struct dtb_source *src, void **out, uint64_t *out_bytes,
	      char *err, size_t err_size)
{
	struct dtb_writer w = {0};
	size_t room;
	int ret;

	ret = check_source(src, err, err_size);
	if (ret)
		return ret;
	room = room_bytes(src);
	/* Zeroed, so that padding carries nothing of ours into a guest. */
	w.fdt = calloc(1, room);
	if (!w.fdt)
		return boot_error(-ENOMEM, err, err_size,
				  "device tree: no memory for %zu bytes", room);
	w.error = fdt_create(w.fdt, (int)room);
	write_reservations(&w);
	write_tree(&w, src);
	if (!w.error)
		w.error = fdt_finish(w.fdt);
	if (!w.error)
		w.error = fdt_check_full(w.fdt, room);
	if (w.error) {
		free(w.fdt);
		return boot_error(-EINVAL, err, err_size, "device tree: %s",
				  fdt_strerror(w.error));
	}
	*out_bytes = fdt_totalsize(w.fdt);
	*out = w.fdt;
	return 0;
}
