/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bzImage finds at its entry, read back by the offsets of the boot
 * protocol: parameters, page tables, segments, initrd, device tree
 * (R: CARD-11, CARD-6).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot/memmap.h"
#include "unit/boot_check.h"

#define MIB (UINT64_C(1) << 20)

static struct boot_image image;
static struct kernel_image kernel;
static struct boot_source src;
static struct boot_entry entry;

static int make_kernel(void **state)
{
	(void)state;
	boot_image_bz(&image);
	src = (struct boot_source){.kernel = &kernel, .cmdline = "quiet"};
	check_parses(&image, &kernel);
	return 0;
}

static int free_kernel(void **state)
{
	(void)state;
	boot_image_release(&kernel);
	return 0;
}

static uint64_t word(const struct guest_mem *mem, uint64_t gpa, size_t bytes)
{
	uint64_t value = 0;

	assert_int_equal(guest_mem_read(mem, gpa, &value, bytes), 0);
	return value;
}

static uint64_t param(const struct guest_mem *mem, uint64_t at, size_t bytes)
{
	return word(mem, entry.rsi + at, bytes);
}

/* R: CARD-11 */
static void test_linux_params_entry_is_64_bit(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(entry.protocol, BOOT_LINUX);
	assert_int_equal(entry.rip, IMAGE_TEXT_GPA + 0x200);
	assert_int_equal(entry.rax, 0);
	assert_int_equal(entry.rbx, 0);
	assert_int_equal(entry.rsi % 4096, 0);
	assert_memory_equal(guest_mem_ptr(&mem, IMAGE_TEXT_GPA, 0x600),
			    image.bytes + IMAGE_BZ_KERNEL_AT, 0x600);
	free(mem.base);
}

static void test_linux_params_segments_are_flat(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(entry.cs, 0x10);
	assert_int_equal(entry.ds, 0x18);
	assert_int_equal(entry.gdt_bytes, 0x20);
	/* Present 64-bit code, execute and read; present data, writable. */
	assert_int_equal(word(&mem, entry.gdt_gpa + 0x10, 8),
			 0x00af9b000000ffff);
	assert_int_equal(word(&mem, entry.gdt_gpa + 0x18, 8),
			 0x00cf93000000ffff);
	assert_int_equal(word(&mem, entry.gdt_gpa, 8), 0);
	free(mem.base);
}

/* Walks the four levels as the processor does; 2 MiB pages. */
static uint64_t translate(const struct guest_mem *mem, uint64_t address)
{
	uint64_t table = entry.cr3, e;

	for (unsigned shift = 39; shift > 21; shift -= 9) {
		e = word(mem, table + (address >> shift & 511) * 8, 8);
		assert_int_equal(e & 3, 3);
		assert_int_equal(e & 0x80, 0);
		table = e & ~UINT64_C(0xfff);
	}
	e = word(mem, table + (address >> 21 & 511) * 8, 8);
	assert_int_equal(e & 0x83, 0x83);
	return (e & ~UINT64_C(0x1fffff)) + (address & 0x1fffff);
}

static void test_linux_params_first_4_gib_are_mapped_to_themselves(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	for (uint64_t address = 0x123; address < UINT64_C(4) << 30;
	     address += 2 * MIB)
		assert_int_equal(translate(&mem, address), address);
	/* And nothing behind. */
	assert_int_equal(word(&mem, entry.cr3 + 8, 8), 0);
	free(mem.base);
}

static void test_linux_params_header_is_the_files(void **state)
{
	struct guest_mem mem;

	(void)state;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(param(&mem, LINUX_MAGIC, 4), 0x53726448);
	assert_int_equal(param(&mem, LINUX_VERSION, 2), 0x20f);
	assert_int_equal(param(&mem, LINUX_INIT_SIZE, 4), IMAGE_BZ_INIT_BYTES);
	assert_int_equal(param(&mem, LINUX_LOADER_TYPE, 1), 0xff);
	assert_int_equal(param(&mem, LINUX_VIDEO_MODE, 2), 0xffff);
	free(mem.base);
}

/* What is no header in the file is 0 in the page: sentinel, screen, the rest. */
static void test_linux_params_rest_of_the_page_is_zero(void **state)
{
	struct guest_mem mem;

	(void)state;
	memset(kernel.file.bytes, 0xee, LINUX_HEADER_AT);
	memset(kernel.file.bytes + IMAGE_BZ_HEADER_END, 0xee,
	       IMAGE_BZ_KERNEL_AT - IMAGE_BZ_HEADER_END);
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	for (uint64_t at = 0; at < LINUX_PAGE_BYTES; at++) {
		if (at == LINUX_E820_COUNT)
			at = LINUX_HEADER_AT;
		if (at == LINUX_HEADER_AT)
			at = IMAGE_BZ_HEADER_END;
		if (at == LINUX_E820_TABLE)
			at += LINUX_E820_ENTRY_BYTES * MEMMAP_ENTRIES_MAX;
		assert_int_equal(param(&mem, at, 1), 0);
	}
	free(mem.base);
}

static void test_linux_params_command_line_is_given(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	uint64_t gpa = param(&mem, LINUX_CMDLINE, 4);

	(void)state;
	assert_int_equal(param(&mem, LINUX_EXT_CMDLINE, 4), 0);
	assert_string_equal(guest_mem_ptr(&mem, gpa, 6), "quiet");
	free(mem.base);
}

static void test_linux_params_longest_command_line_is_given(void **state)
{
	char text[IMAGE_BZ_CMDLINE_MAX + 1] = "";
	struct guest_mem mem;

	(void)state;
	memset(text, 'a', IMAGE_BZ_CMDLINE_MAX);
	src.cmdline = text;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_string_equal(
		guest_mem_ptr(&mem, param(&mem, LINUX_CMDLINE, 4), 101), text);
	free(mem.base);
}

/* Longer than this kernel takes, though not than ours. */
static void test_linux_params_too_long_command_line_refused(void **state)
{
	char text[IMAGE_BZ_CMDLINE_MAX + 2] = "";

	(void)state;
	memset(text, 'a', IMAGE_BZ_CMDLINE_MAX + 1);
	src.cmdline = text;
	check_source_refused(&src, IMAGE_GUEST_BYTES, -EINVAL,
			     "command line of 101 bytes; at most 100");
}

static void test_linux_params_initrd_is_given(void **state)
{
	struct guest_mem mem;

	(void)state;
	src.initrd = "initial file system";
	src.initrd_bytes = 20;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(param(&mem, LINUX_RAMDISK_SIZE, 4), 20);
	assert_int_equal(param(&mem, LINUX_EXT_RAMDISK_IMAGE, 4), 0);
	assert_int_equal(param(&mem, LINUX_EXT_RAMDISK_SIZE, 4), 0);
	assert_string_equal(
		guest_mem_ptr(&mem, param(&mem, LINUX_RAMDISK_IMAGE, 4), 20),
		"initial file system");
	free(mem.base);
}

static void test_linux_params_initrd_ends_where_the_kernel_says(void **state)
{
	struct guest_mem mem;

	(void)state;
	kernel.linux_setup.initrd_last_gpa = 0x30fff;
	src.initrd = "x";
	src.initrd_bytes = 1;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(param(&mem, LINUX_RAMDISK_IMAGE, 4), 0x30000);
	free(mem.base);
}

static void test_linux_params_no_room_for_initrd_refused(void **state)
{
	(void)state;
	kernel.linux_setup.initrd_last_gpa = 0xfff;
	src.initrd = "x";
	src.initrd_bytes = 1;
	check_source_refused(&src, IMAGE_GUEST_BYTES, -ENOMEM,
			     "no room for the initrd, 1 bytes");
}

static void test_linux_params_without_initrd_has_none(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(param(&mem, LINUX_RAMDISK_IMAGE, 4), 0);
	assert_int_equal(param(&mem, LINUX_RAMDISK_SIZE, 4), 0);
	free(mem.base);
}

/* R: CARD-6 */
static void test_linux_params_device_tree_is_setup_data(void **state)
{
	struct guest_mem mem;
	uint64_t gpa;

	(void)state;
	src.dtb = "not a tree, but twenty-nine b";
	src.dtb_bytes = 29;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	gpa = param(&mem, LINUX_SETUP_DATA, 8);
	assert_int_equal(gpa % 8, 0);
	assert_int_equal(word(&mem, gpa, 8), 0);
	assert_int_equal(word(&mem, gpa + 8, 4), 2);
	assert_int_equal(word(&mem, gpa + 12, 4), 29);
	assert_memory_equal(guest_mem_ptr(&mem, gpa + 16, 29), src.dtb, 29);
	free(mem.base);
}

static void test_linux_params_without_device_tree_has_no_setup_data(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(param(&mem, LINUX_SETUP_DATA, 8), 0);
	free(mem.base);
}

static void check_region(const struct guest_mem *mem, unsigned index,
			 uint64_t gpa, uint64_t end_gpa, unsigned type)
{
	uint64_t at = LINUX_E820_TABLE + index * 20u;

	assert_int_equal(param(mem, at, 8), gpa);
	assert_int_equal(param(mem, at + 8, 8), end_gpa - gpa);
	assert_int_equal(param(mem, at + 16, 4), type);
}

static void test_linux_params_e820_has_the_memory_map(void **state)
{
	static const struct acpi_source acpi = {.ncpus = 2};
	struct guest_mem mem;

	(void)state;
	src.acpi = &acpi;
	mem = check_loads(&src, 4 * MIB, &entry);
	assert_int_equal(param(&mem, LINUX_E820_COUNT, 1), 4);
	check_region(&mem, 0, 0, 0xa0000, 1);
	check_region(&mem, 1, 0xa0000, MIB, 2);
	check_region(&mem, 2, MIB, 4 * MIB, 1);
	check_region(&mem, 3, 0xfec00000, UINT64_C(4) << 30, 2);
	free(mem.base);
}

static void test_linux_params_rsdp_is_given(void **state)
{
	static const struct acpi_source acpi = {.ncpus = 2};
	struct guest_mem mem;
	uint64_t gpa;

	(void)state;
	src.acpi = &acpi;
	mem = check_loads(&src, 4 * MIB, &entry);
	gpa = param(&mem, LINUX_RSDP_AT, 8);
	assert_memory_equal(guest_mem_ptr(&mem, gpa, 8), "RSD PTR ", 8);
	free(mem.base);
}

static void test_linux_params_without_acpi_has_no_rsdp(void **state)
{
	struct guest_mem mem = check_loads(&src, 4 * MIB, &entry);

	(void)state;
	assert_int_equal(param(&mem, LINUX_RSDP_AT, 8), 0);
	free(mem.base);
}

#define PARAMS(test) \
	cmocka_unit_test_setup_teardown(test, make_kernel, free_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARAMS(test_linux_params_entry_is_64_bit),
		PARAMS(test_linux_params_segments_are_flat),
		PARAMS(test_linux_params_first_4_gib_are_mapped_to_themselves),
		PARAMS(test_linux_params_header_is_the_files),
		PARAMS(test_linux_params_rest_of_the_page_is_zero),
		PARAMS(test_linux_params_command_line_is_given),
		PARAMS(test_linux_params_longest_command_line_is_given),
		PARAMS(test_linux_params_too_long_command_line_refused),
		PARAMS(test_linux_params_initrd_is_given),
		PARAMS(test_linux_params_initrd_ends_where_the_kernel_says),
		PARAMS(test_linux_params_no_room_for_initrd_refused),
		PARAMS(test_linux_params_without_initrd_has_none),
		PARAMS(test_linux_params_device_tree_is_setup_data),
		PARAMS(test_linux_params_without_device_tree_has_no_setup_data),
		PARAMS(test_linux_params_e820_has_the_memory_map),
		PARAMS(test_linux_params_rsdp_is_given),
		PARAMS(test_linux_params_without_acpi_has_no_rsdp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
