/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine by its device tree; the binding is in disvm/guest_abi.h.
 */
#include <fdt.h>
#include <task.h>

/* Which node of interest we are in. */
enum place {
	PLACE_OTHER,
	PLACE_CHOSEN,
	PLACE_MEMORY,
	PLACE_CPUS,
	PLACE_CPU, /* a child of that */
	PLACE_HYPERCALL,
	PLACE_VIRTIO,
};

static enum place place_of(const char *name)
{
	if (text_equal(name, "chosen"))
		return PLACE_CHOSEN;
	if (text_prefix(name, "memory@"))
		return PLACE_MEMORY;
	if (text_equal(name, "cpus"))
		return PLACE_CPUS;
	if (text_equal(name, "hypercall") || text_prefix(name, "hypercall@"))
		return PLACE_HYPERCALL;
	if (text_prefix(name, "virtio@"))
		return PLACE_VIRTIO;
	return PLACE_OTHER;
}

static uint32_t class_of(const char *name)
{
	const char *rest = name;
	uint32_t klass;

	if (name && class_parse(&rest, &klass) && !*rest)
		return klass;
	die(EXIT_MACHINE, "device tree: disvm,intent", name ? name : "broken");
}

static uint64_t number(const struct fdt *fdt)
{
	uint64_t value;

	if (!fdt_number(fdt, &value))
		die(EXIT_MACHINE, "device tree: not a number", fdt->name);
	return value;
}

static void cpu_property(const struct fdt *fdt)
{
	struct disvm_intent_hint *intent = &tasks[machine.vcpus].intent;

	if (text_equal(fdt->name, "reg"))
		apic_id_of[machine.vcpus] = (uint32_t)number(fdt);
	else if (text_equal(fdt->name, "disvm,intent"))
		intent->klass = class_of(fdt_string(fdt));
	else if (text_equal(fdt->name, "disvm,period-ns"))
		intent->period_ns = number(fdt);
	else if (text_equal(fdt->name, "disvm,wcet-ns"))
		intent->wcet_ns = number(fdt);
	else if (text_equal(fdt->name, "disvm,latency-ns"))
		intent->latency_ns = number(fdt);
}

/* A cpu node begins: it will be the vCPU with the next index. */
static void cpu_begin(void)
{
	if (machine.vcpus == MAX_VCPUS)
		die(EXIT_MACHINE, "device tree", "more than 256 CPUs");
	apic_id_of[machine.vcpus] = UINT32_MAX;
	tasks[machine.vcpus].intent.klass = CLASS_NONE;
}

static void cpu_end(void)
{
	uint32_t id = apic_id_of[machine.vcpus];

	if (id >= MAX_VCPUS || machine.index_of[id] != NO_INDEX)
		die(EXIT_MACHINE, "device tree",
		    "a cpu node's reg is absent, above 255 or there twice");
	machine.index_of[id] = (uint16_t)machine.vcpus++;
}

static uint64_t be64(const uint8_t *p)
{
	return (uint64_t)fdt_be32(p) << 32 | fdt_be32(p + 4);
}

/* The RAM that we live in: the range from address 0. */
static void memory_reg(const struct fdt *fdt)
{
	for (uint32_t at = 0; at + 16 <= fdt->bytes; at += 16)
		if (be64(fdt->value + at) == 0)
			machine.memory_end = be64(fdt->value + at + 8);
}

static void property(const struct fdt *fdt, enum place place,
		     const char **bootargs)
{
	bool reg = text_equal(fdt->name, "reg");

	if (place == PLACE_CPU && fdt->depth == 3)
		cpu_property(fdt);
	if (fdt->depth != 2)
		return;
	if (place == PLACE_CHOSEN && text_equal(fdt->name, "bootargs"))
		*bootargs = fdt_string(fdt);
	else if (place == PLACE_MEMORY && reg)
		memory_reg(fdt);
	else if (place == PLACE_CPUS &&
		 text_equal(fdt->name, "timebase-frequency"))
		machine.tsc_hz = number(fdt);
	else if (place == PLACE_HYPERCALL && reg && fdt->bytes >= 4)
		machine.hypercall_port = (uint16_t)fdt_be32(fdt->value);
	else if (place == PLACE_VIRTIO && reg && fdt->bytes == 16 &&
		 machine.virtio_devices < MAX_VIRTIO)
		machine.virtio_gpa[machine.virtio_devices++] = be64(fdt->value);
}

const char *fdt_machine_read(const uint8_t *dtb, uint32_t bytes)
{
	enum place place = PLACE_OTHER;
	const char *bootargs = NULL;
	enum fdt_event event;
	struct fdt fdt;

	for (unsigned i = 0; i < MAX_VCPUS; i++)
		machine.index_of[i] = NO_INDEX;
	if (!fdt_open(&fdt, dtb, bytes))
		die(EXIT_MACHINE, "device tree", "bad header");
	while ((event = fdt_next(&fdt)) != FDT_DONE) {
		if (event == FDT_BROKEN)
			die(EXIT_MACHINE, "device tree", "broken structure");
		if (event == FDT_NODE && fdt.depth == 2)
			place = place_of(fdt.name);
		if (event == FDT_NODE && place == PLACE_CPUS &&
		    fdt.depth == 3 && text_prefix(fdt.name, "cpu@")) {
			cpu_begin();
			place = PLACE_CPU;
		}
		if (event == FDT_NODE_END && place == PLACE_CPU &&
		    fdt.depth == 2) {
			cpu_end();
			place = PLACE_CPUS;
		}
		if (event == FDT_PROPERTY)
			property(&fdt, place, &bootargs);
	}
	if (!machine.vcpus)
		die(EXIT_MACHINE, "device tree", "no CPU");
	return bootargs;
}
