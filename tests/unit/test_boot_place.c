/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where boot data goes, whatever the protocol: into the area below 1 MiB, where
 * the RSDP is looked for, on as few pages as possible; and the code at the reset
 * address (R: CARD-9, CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot/memmap.h"
#include "unit/boot_check.h"

#define MIB (UINT64_C(1) << 20)
#define GUEST_BYTES (2 * MIB)
#define SCAN_GPA UINT64_C(0xe0000)

static struct boot_image image;
static struct kernel_image kernel;
static struct boot_source src;
static struct boot_entry entry;
static struct guest_mem mem;
static const struct acpi_source acpi = {.ncpus = 1};

static int make(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	src = (struct boot_source){
		.kernel = &kernel, .cmdline = "work=hog", .acpi = &acpi};
	mem.base = NULL;
	check_parses(&image, &kernel);
	return 0;
}

static int release(void **state)
{
	(void)state;
	boot_image_release(&kernel);
	free(mem.base);
	return 0;
}

static unsigned used_pages(void)
{
	unsigned pages = 0;

	for (uint64_t gpa = 0; gpa < mem.size_bytes; gpa += 4096) {
		bool used = false;

		for (unsigned i = 0; i < 4096; i++)
			used |= mem.base[gpa + i] != 0;
		pages += used;
	}
	return pages;
}

/* As a kernel under a BIOS does it; 0 if there is none. */
static uint64_t scan_for_rsdp(void)
{
	for (uint64_t gpa = SCAN_GPA; gpa < MIB; gpa += 16)
		if (!memcmp(mem.base + gpa, "RSD PTR ", 8))
			return gpa;
	return 0;
}

/* With tables and device tree: what a small guest costs. */
static void test_boot_place_small_guest_has_one_page_of_it(void **state)
{
	(void)state;
	src.dtb = image.bytes;
	src.dtb_bytes = 1024;
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_int_equal(entry.rbx, 0xff000);
	assert_int_equal(used_pages(), 3); /* text, data, boot data */
}

static void test_boot_place_rsdp_is_found_by_scan(void **state)
{
	uint64_t rsdp;

	(void)state;
	mem = check_loads(&src, GUEST_BYTES, &entry);
	rsdp = scan_for_rsdp();
	assert_true(rsdp > 0);
	assert_int_equal(guest_u64(&mem, entry.rbx + 32), rsdp);
}

static void test_boot_place_without_tables_scan_finds_none(void **state)
{
	(void)state;
	src.acpi = NULL;
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_int_equal(scan_for_rsdp(), 0);
}

/* mov dx, 0x602; mov al, 1; out dx, al; hlt; jmp back to the hlt */
static void test_boot_place_reset_address_resets(void **state)
{
	static const uint8_t code[] = {0xba, 0x02, 0x06, 0xb0, 0x01,
				       0xee, 0xf4, 0xeb, 0xfd};

	(void)state;
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_memory_equal(mem.base + 0xffff0, code, sizeof(code));
}

static void test_boot_place_large_data_goes_to_the_top(void **state)
{
	static uint8_t tree[200000];
	uint64_t map;

	(void)state;
	src.dtb = tree;
	src.dtb_bytes = sizeof(tree);
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_true(entry.rbx > MIB);
	/* Its pages are no plain RAM, and the scan finds the tables still. */
	map = guest_u64(&mem, entry.rbx + 40) + 3 * 24;
	assert_int_equal(guest_u64(&mem, map), entry.rbx);
	assert_int_equal(guest_u64(&mem, map + 8), GUEST_BYTES - entry.rbx);
	assert_int_equal(guest_u32(&mem, map + 16), MEMMAP_ACPI);
	assert_int_equal(scan_for_rsdp(), SCAN_GPA);
	assert_memory_equal(
		mem.base + SCAN_GPA,
		guest_mem_ptr(&mem, guest_u64(&mem, entry.rbx + 32), 36), 36);
	assert_int_equal(mem.base[0xffff0], 0xba);
}

static void test_boot_place_largest_that_fits_ends_below_reset(void **state)
{
	static uint8_t tree[0x1f000];

	(void)state;
	memset(tree, 0xee, sizeof(tree));
	src.acpi = NULL;
	src.dtb = tree;
	src.dtb_bytes = sizeof(tree);
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_int_equal(entry.rbx, SCAN_GPA);
	assert_int_equal(mem.base[0xffff0], 0xba);
	assert_int_equal(mem.base[0xfffef], 0);
}

/* A guest that ends below has neither scan nor reset address. */
static void test_boot_place_guest_below_1_mib_uses_its_top(void **state)
{
	(void)state;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(entry.rbx, IMAGE_GUEST_BYTES - 4096);
}

static void test_boot_place_multiboot_finds_the_rsdp_too(void **state)
{
	(void)state;
	boot_image_release(&kernel);
	boot_image_flat(&image);
	check_parses(&image, &kernel);
	mem = check_loads(&src, GUEST_BYTES, &entry);
	assert_int_equal(entry.protocol, BOOT_MULTIBOOT);
	assert_true(scan_for_rsdp() > 0);
}

#define PLACE(test) cmocka_unit_test_setup_teardown(test, make, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE(test_boot_place_small_guest_has_one_page_of_it),
		PLACE(test_boot_place_rsdp_is_found_by_scan),
		PLACE(test_boot_place_without_tables_scan_finds_none),
		PLACE(test_boot_place_reset_address_resets),
		PLACE(test_boot_place_large_data_goes_to_the_top),
		PLACE(test_boot_place_largest_that_fits_ends_below_reset),
		PLACE(test_boot_place_guest_below_1_mib_uses_its_top),
		PLACE(test_boot_place_multiboot_finds_the_rsdp_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
