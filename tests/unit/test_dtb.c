/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree, read back through libfdt (R: CARD-6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot/boot.h"
#include "boot/dtb.h"

#include <disvm/guest_abi.h>

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CPUS 256u
#define GIB (UINT64_C(1) << 30)

static struct dis_intent intents[MAX_CPUS + 1];
static struct dtb_source src;

static const struct dtb_device devices[] = {
	{"hypercall", "disvm,hypercall-1", DISVM_HC_PORT, DISVM_HC_PORTS},
	{"serial", "ns16550a", 0x3f8, 8},
	{"debug-exit", "disvm,debug-exit", DISVM_DEBUG_EXIT_PORT, 4},
};

static int make_source(void **state)
{
	(void)state;
	memset(intents, 0, sizeof(intents));
	for (unsigned i = 0; i <= MAX_CPUS; i++)
		intents[i].klass = DIS_CLASS_BATCH;
	src = (struct dtb_source){
		.ncpus = 2,
		.intents = intents,
		.memory_bytes = UINT64_C(64) << 20,
		.cmdline = "work=hog",
		.tsc_khz = 2000000,
		.ndevices = 3,
		.devices = devices,
	};
	return 0;
}

static void *build(uint64_t *size)
{
	char err[256] = "";
	void *fdt = NULL;

	if (dtb_build(&src, &fdt, size, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(fdt_check_full(fdt, *size), 0);
	assert_int_equal(fdt_totalsize(fdt), *size);
	return fdt;
}

static void check_refused(const char *text)
{
	char err[256] = "";
	void *fdt = NULL;
	uint64_t size;

	assert_int_equal(dtb_build(&src, &fdt, &size, err, sizeof(err)),
			 -EINVAL);
	assert_null(fdt);
	if (!strstr(err, text))
		fail_msg("\"%s\" does not say \"%s\"", err, text);
}

static int node(const void *fdt, const char *path)
{
	int offset = fdt_path_offset(fdt, path);

	if (offset < 0)
		fail_msg("%s: %s", path, fdt_strerror(offset));
	return offset;
}

static const void *property(const void *fdt, const char *path, const char *name,
			    int bytes)
{
	int len;
	const void *value = fdt_getprop(fdt, node(fdt, path), name, &len);

	assert_non_null(value);
	assert_int_equal(len, bytes);
	return value;
}

static uint64_t get_u64(const void *fdt, const char *path, const char *name)
{
	return fdt64_ld(property(fdt, path, name, 8));
}

static uint32_t get_u32(const void *fdt, const char *path, const char *name)
{
	return fdt32_ld(property(fdt, path, name, 4));
}

static void check_string(const void *fdt, const char *path, const char *name,
			 const char *text)
{
	assert_string_equal(property(fdt, path, name, (int)strlen(text) + 1),
			    text);
}

static void check_absent(const void *fdt, const char *path, const char *name)
{
	assert_null(fdt_getprop(fdt, node(fdt, path), name, NULL));
}

static void test_dtb_chosen_has_bootargs(void **state)
{
	uint64_t size;
	void *fdt = build(&size);

	(void)state;
	check_string(fdt, "/chosen", "bootargs", "work=hog");
	free(fdt);
}

static void test_dtb_without_command_line_has_empty_bootargs(void **state)
{
	uint64_t size;
	void *fdt;

	(void)state;
	src.cmdline = NULL;
	fdt = build(&size);
	check_string(fdt, "/chosen", "bootargs", "");
	free(fdt);
}

static void test_dtb_longest_command_line_is_kept(void **state)
{
	static char text[BOOT_CMDLINE_MAX_BYTES];
	uint64_t size;
	void *fdt;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	src.cmdline = text;
	fdt = build(&size);
	check_string(fdt, "/chosen", "bootargs", text);
	free(fdt);
}

static void test_dtb_too_long_command_line_refused(void **state)
{
	static char text[BOOT_CMDLINE_MAX_BYTES + 1];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	src.cmdline = text;
	check_refused("command line of 65536 bytes");
}

static void check_memory(const uint64_t *pairs, unsigned nr)
{
	uint64_t size;
	void *fdt = build(&size);
	const fdt64_t *reg = property(fdt, "/memory@0", "reg", (int)(nr * 8));

	check_string(fdt, "/memory@0", "device_type", "memory");
	for (unsigned i = 0; i < nr; i++)
		assert_int_equal(fdt64_ld(&reg[i]), pairs[i]);
	free(fdt);
}

static void test_dtb_memory_of_tiny_guest_is_one_range(void **state)
{
	const uint64_t pairs[] = {0, 0x40000};

	(void)state;
	src.memory_bytes = 0x40000;
	check_memory(pairs, 2);
}

static void test_dtb_memory_of_3g_is_one_range(void **state)
{
	const uint64_t pairs[] = {0, 3 * GIB};

	(void)state;
	src.memory_bytes = 3 * GIB;
	check_memory(pairs, 2);
}

static void test_dtb_memory_above_3g_lies_at_4g(void **state)
{
	const uint64_t pairs[] = {0, 3 * GIB, 4 * GIB, 5 * GIB};

	(void)state;
	src.memory_bytes = 8 * GIB;
	check_memory(pairs, 4);
}

static void test_dtb_reserves_legacy_area(void **state)
{
	uint64_t size, gpa, bytes;
	void *fdt = build(&size);

	(void)state;
	assert_int_equal(fdt_num_mem_rsv(fdt), 1);
	assert_int_equal(fdt_get_mem_rsv(fdt, 0, &gpa, &bytes), 0);
	assert_int_equal(gpa, 0xa0000);
	assert_int_equal(bytes, 0x60000);
	free(fdt);
}

static void test_dtb_cpus_are_numbered_from_0(void **state)
{
	uint64_t size;
	void *fdt;
	int cpu;
	unsigned n = 0;

	(void)state;
	src.ncpus = 17;
	fdt = build(&size);
	fdt_for_each_subnode(cpu, fdt, node(fdt, "/cpus")) {
		int len;
		const void *reg = fdt_getprop(fdt, cpu, "reg", &len);

		assert_non_null(reg);
		assert_int_equal(len, 4);
		assert_int_equal(fdt32_ld(reg), n);
		n++;
	}
	assert_int_equal(n, 17);
	assert_int_equal(get_u32(fdt, "/cpus/cpu@10", "reg"), 16);
	check_string(fdt, "/cpus/cpu@0", "device_type", "cpu");
	free(fdt);
}

static void test_dtb_timebase_is_tsc_in_hz(void **state)
{
	uint64_t size;
	void *fdt;

	(void)state;
	src.tsc_khz = 4999999;
	fdt = build(&size);
	assert_int_equal(get_u64(fdt, "/cpus", "timebase-frequency"),
			 UINT64_C(4999999000));
	free(fdt);
}

static void test_dtb_realtime_cpu_has_its_parameters(void **state)
{
	const char *cpu = "/cpus/cpu@1";
	uint64_t size;
	void *fdt;

	(void)state;
	intents[1] = (struct dis_intent){
		.klass = DIS_CLASS_REALTIME,
		.period_ns = 10 * DIS_S_NS,
		.deadline_ns = 9 * DIS_MS_NS,
		.wcet_ns = 1 * DIS_MS_NS,
		.latency_ns = 77,
	};
	fdt = build(&size);
	check_string(fdt, cpu, "disvm,intent", "realtime");
	assert_int_equal(get_u64(fdt, cpu, "disvm,period-ns"), 10 * DIS_S_NS);
	assert_int_equal(get_u64(fdt, cpu, "disvm,deadline-ns"), 9 * DIS_MS_NS);
	assert_int_equal(get_u64(fdt, cpu, "disvm,wcet-ns"), 1 * DIS_MS_NS);
	check_absent(fdt, cpu, "disvm,latency-ns");
	free(fdt);
}

static void test_dtb_interactive_cpu_has_latency_only(void **state)
{
	const char *cpu = "/cpus/cpu@0";
	uint64_t size;
	void *fdt;

	(void)state;
	intents[0].klass = DIS_CLASS_INTERACTIVE;
	intents[0].latency_ns = DIS_MS_NS;
	fdt = build(&size);
	check_string(fdt, cpu, "disvm,intent", "interactive");
	assert_int_equal(get_u64(fdt, cpu, "disvm,latency-ns"), DIS_MS_NS);
	check_absent(fdt, cpu, "disvm,period-ns");
	check_absent(fdt, cpu, "disvm,deadline-ns");
	check_absent(fdt, cpu, "disvm,wcet-ns");
	free(fdt);
}

/* R: CARD-6: what was granted, and nothing that was not. */
static void test_dtb_cpu_has_its_constraints(void **state)
{
	const char *names[] = {"disvm,weight", "disvm,priority",
			       "disvm,min-permille", "disvm,max-permille"};
	const uint32_t values[] = {7, 0, 10, 900};
	const char *cpu = "/cpus/cpu@0";
	uint64_t size;
	void *fdt;

	(void)state;
	intents[0].weight = 7;
	intents[0].has_priority = true;
	intents[0].min_permille = 10;
	intents[0].max_permille = 900;
	fdt = build(&size);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(get_u32(fdt, cpu, names[i]), values[i]);
		check_absent(fdt, "/cpus/cpu@1", names[i]);
	}
	free(fdt);
}

/* The words of the binding, whatever the scheduler calls its classes. */
static void test_dtb_intents_have_names_of_the_binding(void **state)
{
	static const char *const names[] = {
		[DISVM_CLASS_SYSTEM] = "system",
		[DISVM_CLASS_REALTIME] = "realtime",
		[DISVM_CLASS_INTERACTIVE] = "interactive",
		[DISVM_CLASS_BATCH] = "batch",
		[DISVM_CLASS_BACKGROUND] = "background",
	};
	uint64_t size;
	void *fdt;

	(void)state;
	src.ncpus = 5;
	for (unsigned i = 0; i < 5; i++)
		intents[i].klass = (enum dis_class)i;
	fdt = build(&size);
	for (unsigned i = 0; i < 5; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/cpus/cpu@%x", i);
		check_string(fdt, path, "disvm,intent", names[i]);
	}
	free(fdt);
}

static void test_dtb_devices_have_ports(void **state)
{
	uint64_t size;
	void *fdt = build(&size);
	const fdt32_t *reg;

	(void)state;
	check_string(fdt, "/hypercall", "compatible", "disvm,hypercall-1");
	check_string(fdt, "/debug-exit", "compatible", "disvm,debug-exit");
	check_string(fdt, "/serial", "compatible", "ns16550a");
	reg = property(fdt, "/serial", "reg", 8);
	assert_int_equal(fdt32_ld(&reg[0]), 0x3f8);
	assert_int_equal(fdt32_ld(&reg[1]), 8);
	free(fdt);
}

/* Addresses and sizes have two cells; CPUs have a number, and no size. */
static void test_dtb_root_says_what_it_is(void **state)
{
	uint64_t size;
	void *fdt = build(&size);

	(void)state;
	check_string(fdt, "/", "compatible", "disvm,machine-1");
	assert_int_equal(fdt_address_cells(fdt, 0), 2);
	assert_int_equal(fdt_size_cells(fdt, 0), 2);
	assert_int_equal(fdt_address_cells(fdt, node(fdt, "/cpus")), 1);
	assert_int_equal(fdt_size_cells(fdt, node(fdt, "/cpus")), 0);
	free(fdt);
}

/* No virtio, no interrupt controller that would have to be described. */
static void test_dtb_without_virtio_has_no_interrupt_controller(void **state)
{
	uint64_t size;
	void *fdt = build(&size);

	(void)state;
	assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "disvm,ioapic"),
			 -FDT_ERR_NOTFOUND);
	assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "virtio,mmio"),
			 -FDT_ERR_NOTFOUND);
	free(fdt);
}

/* R: CARD-6: each with its registers and its input of the I/O APIC, by a level. */
static void test_dtb_virtio_has_registers_and_interrupt(void **state)
{
	static const struct virtio_place places[] = {
		{.gpa = UINT64_C(0xfeb00000), .bytes = 0x200, .gsi = 16},
		{.gpa = UINT64_C(0x1feb00000), .bytes = 0x1000, .gsi = 23},
	};
	static const char *const paths[] = {"/virtio@feb00000",
					    "/virtio@1feb00000"};
	uint64_t size;
	void *fdt;
	int ioapic;

	(void)state;
	src.nvirtio = 2;
	src.virtio = places;
	fdt = build(&size);
	ioapic = fdt_node_offset_by_compatible(fdt, -1, "disvm,ioapic");
	assert_true(ioapic >= 0);
	assert_non_null(fdt_getprop(fdt, ioapic, "interrupt-controller", NULL));
	for (unsigned i = 0; i < 2; i++) {
		const fdt64_t *reg = property(fdt, paths[i], "reg", 16);
		const fdt32_t *irq = property(fdt, paths[i], "interrupts", 8);

		check_string(fdt, paths[i], "compatible", "virtio,mmio");
		assert_int_equal(fdt64_ld(&reg[0]), places[i].gpa);
		assert_int_equal(fdt64_ld(&reg[1]), places[i].bytes);
		assert_int_equal(fdt32_ld(&irq[0]), places[i].gsi);
		assert_int_equal(fdt32_ld(&irq[1]), 4); /* active high, level */
		assert_int_equal(get_u32(fdt, paths[i], "interrupt-parent"),
				 fdt_get_phandle(fdt, ioapic));
	}
	free(fdt);
}

static void test_dtb_too_many_virtio_devices_refused(void **state)
{
	(void)state;
	src.nvirtio = 257;
	check_refused("257 virtio devices; at most 256");
}

static void test_dtb_largest_tree_is_built(void **state)
{
	static struct dtb_device many[256];
	static struct virtio_place places[256];
	static char names[256][16];
	static char text[BOOT_CMDLINE_MAX_BYTES];
	uint64_t size;
	void *fdt;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		intents[i].klass = DIS_CLASS_REALTIME;
		intents[i].period_ns = DIS_S_NS;
		intents[i].weight = intents[i].has_priority = 1;
		intents[i].min_permille = intents[i].max_permille = 1;
		places[i] = (struct virtio_place){
			.gpa = UINT64_MAX - 4096 * i, .bytes = 1, .gsi = 23};
		snprintf(names[i], sizeof(names[i]), "device-%03u", i);
		many[i] = (struct dtb_device){names[i], "disvm,test", i, 1};
	}
	memset(text, 'x', sizeof(text) - 1);
	src = (struct dtb_source){
		.ncpus = MAX_CPUS,
		.intents = intents,
		.memory_bytes = 64 * GIB,
		.cmdline = text,
		.tsc_khz = UINT32_MAX,
		.ndevices = 256,
		.devices = many,
		.nvirtio = 256,
		.virtio = places,
	};
	fdt = build(&size);
	assert_int_equal(get_u32(fdt, "/cpus/cpu@ff", "reg"), 255);
	free(fdt);
}

static void test_dtb_of_one_cpu_fits_boot_data_page(void **state)
{
	uint64_t size;
	void *fdt;

	(void)state;
	src.ncpus = 1;
	fdt = build(&size);
	assert_true(size < 2048);
	free(fdt);
}

static void test_dtb_no_cpu_refused(void **state)
{
	(void)state;
	src.ncpus = 0;
	check_refused("0 CPUs; 1 to 256");
}

static void test_dtb_257_cpus_refused(void **state)
{
	(void)state;
	src.ncpus = MAX_CPUS + 1;
	check_refused("257 CPUs; 1 to 256");
}

static void test_dtb_no_memory_refused(void **state)
{
	(void)state;
	src.memory_bytes = 0;
	check_refused("no memory");
}

static void test_dtb_no_tsc_frequency_refused(void **state)
{
	(void)state;
	src.tsc_khz = 0;
	check_refused("frequency of the TSC is 0");
}

static void test_dtb_unknown_class_refused(void **state)
{
	(void)state;
	intents[1].klass = DIS_CLASSES;
	check_refused("CPU 1: unknown intent class 5");
}

static void check_device_refused(struct dtb_device device, const char *text)
{
	src.ndevices = 1;
	src.devices = &device;
	check_refused(text);
}

static void test_dtb_device_bad_name_refused(void **state)
{
	(void)state;
	check_device_refused((struct dtb_device){"", "c", 0, 1},
			     "device name \"\"");
	check_device_refused((struct dtb_device){"a/b", "c", 0, 1},
			     "device name \"a/b\"");
}

static void test_dtb_device_without_ports_refused(void **state)
{
	(void)state;
	check_device_refused((struct dtb_device){"d", "c", 0x10, 0},
			     "d: 0 ports at 0x10");
}

static void test_dtb_device_past_io_space_refused(void **state)
{
	(void)state;
	check_device_refused((struct dtb_device){"d", "c", 0xfff8, 9},
			     "d: 9 ports at 0xfff8");
	check_device_refused((struct dtb_device){"d", "c", 0x10000, 1},
			     "d: 1 ports at 0x10000");
}

static void test_dtb_device_at_end_of_io_space_is_built(void **state)
{
	const struct dtb_device last = {"d", "c", 0xfff8, 8};
	uint64_t size;

	(void)state;
	src.ndevices = 1;
	src.devices = &last;
	free(build(&size));
}

static void test_dtb_too_many_devices_refused(void **state)
{
	(void)state;
	src.ndevices = 257;
	check_refused("257 devices; at most 256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, make_source)
		CASE(test_dtb_chosen_has_bootargs),
		CASE(test_dtb_without_command_line_has_empty_bootargs),
		CASE(test_dtb_longest_command_line_is_kept),
		CASE(test_dtb_too_long_command_line_refused),
		CASE(test_dtb_memory_of_tiny_guest_is_one_range),
		CASE(test_dtb_memory_of_3g_is_one_range),
		CASE(test_dtb_memory_above_3g_lies_at_4g),
		CASE(test_dtb_reserves_legacy_area),
		CASE(test_dtb_cpus_are_numbered_from_0),
		CASE(test_dtb_timebase_is_tsc_in_hz),
		CASE(test_dtb_realtime_cpu_has_its_parameters),
		CASE(test_dtb_interactive_cpu_has_latency_only),
		CASE(test_dtb_cpu_has_its_constraints),
		CASE(test_dtb_intents_have_names_of_the_binding),
		CASE(test_dtb_devices_have_ports),
		CASE(test_dtb_root_says_what_it_is),
		CASE(test_dtb_without_virtio_has_no_interrupt_controller),
		CASE(test_dtb_virtio_has_registers_and_interrupt),
		CASE(test_dtb_too_many_virtio_devices_refused),
		CASE(test_dtb_largest_tree_is_built),
		CASE(test_dtb_of_one_cpu_fits_boot_data_page),
		CASE(test_dtb_no_cpu_refused),
		CASE(test_dtb_257_cpus_refused),
		CASE(test_dtb_no_memory_refused),
		CASE(test_dtb_no_tsc_frequency_refused),
		CASE(test_dtb_unknown_class_refused),
		CASE(test_dtb_device_bad_name_refused),
		CASE(test_dtb_device_without_ports_refused),
		CASE(test_dtb_device_past_io_space_refused),
		CASE(test_dtb_device_at_end_of_io_space_is_built),
		CASE(test_dtb_too_many_devices_refused),
	};

	return cmocka_run_group_tests_name("device tree", tests, NULL, NULL);
}
