/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a PVH guest finds at its entry, read back as the guest would, by the
 * offsets of the ABI; and the placement that both protocols share
 * (R: CARD-1, CARD-9).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

#include <sys/mman.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* hvm_start_info */
#define INFO_MAGIC 0
#define INFO_VERSION 4
#define INFO_FLAGS 8
#define INFO_NR_MODULES 12
#define INFO_MODLIST 16
#define INFO_CMDLINE 24
#define INFO_RSDP 32
#define INFO_MEMMAP 40
#define INFO_MEMMAP_ENTRIES 48
#define INFO_BYTES 56

static struct boot_image image;
static struct kernel_image kernel;
static struct boot_source src;
static struct boot_entry entry;

static int make_kernel(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	src = (struct boot_source){.kernel = &kernel};
	check_parses(&image, &kernel);
	return 0;
}

static int free_kernel(void **state)
{
	(void)state;
	boot_image_release(&kernel);
	return 0;
}

static void test_pvh_entry_registers_are_set(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(entry.protocol, BOOT_PVH);
	assert_int_equal(entry.rip, IMAGE_ENTRY);
	assert_int_equal(entry.rax, 0);
	assert_true(entry.rbx > 0 && entry.rbx < IMAGE_GUEST_BYTES);
	free(mem.base);
}

static void test_pvh_start_info_is_version_1(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_MAGIC), 0x336ec578);
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_VERSION), 1);
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_FLAGS), 0);
	assert_int_equal(guest_u64(&mem, entry.rbx + INFO_RSDP), 0);
	free(mem.base);
}

/* R: CARD-11 */
static void test_pvh_rsdp_is_given(void **state)
{
	static const struct acpi_source acpi = {.ncpus = 1};
	struct guest_mem mem;
	uint64_t rsdp;

	(void)state;
	src.acpi = &acpi;
	mem = check_loads(&src, 2 * MIB, &entry);
	rsdp = guest_u64(&mem, entry.rbx + INFO_RSDP);
	assert_memory_equal(guest_mem_ptr(&mem, rsdp, 8), "RSD PTR ", 8);
	free(mem.base);
}

static void check_cmdline(const char *expected)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	uint64_t gpa = guest_u64(&mem, entry.rbx + INFO_CMDLINE);
	const char *text = guest_mem_ptr(&mem, gpa, strlen(expected) + 1);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(mem.base);
}

static void test_pvh_command_line_is_given(void **state)
{
	(void)state;
	src.cmdline = "work=hog quiet";
	check_cmdline("work=hog quiet");
}

static void test_pvh_no_command_line_is_empty(void **state)
{
	(void)state;
	src.cmdline = NULL;
	check_cmdline("");
}

static void make_cmdline(char *text, size_t length)
{
	memset(text, 'a', length);
	text[length] = '\0';
	src.cmdline = text;
}

static void test_pvh_longest_command_line_is_given(void **state)
{
	static char text[BOOT_CMDLINE_MAX_BYTES + 1];

	(void)state;
	make_cmdline(text, BOOT_CMDLINE_MAX_BYTES - 1);
	check_cmdline(text);
}

static void test_pvh_too_long_command_line_refused(void **state)
{
	static char text[BOOT_CMDLINE_MAX_BYTES + 1];

	(void)state;
	make_cmdline(text, BOOT_CMDLINE_MAX_BYTES);
	check_source_refused(&src, IMAGE_GUEST_BYTES, -EINVAL,
			     "command line of 65536 bytes; at most 65535");
}

static void check_module(const struct guest_mem *mem, unsigned index,
			 const char *name, const void *bytes, uint64_t size)
{
	uint64_t at = guest_u64(mem, entry.rbx + INFO_MODLIST) + index * 32u;
	uint64_t gpa = guest_u64(mem, at);
	uint64_t name_gpa = guest_u64(mem, at + 16);
	const void *contents = guest_mem_ptr(mem, gpa, size);

	assert_int_equal(guest_u64(mem, at + 8), size);
	assert_int_equal(guest_u64(mem, at + 24), 0);
	assert_non_null(contents);
	assert_memory_equal(contents, bytes, size);
	assert_non_null(guest_mem_ptr(mem, name_gpa, strlen(name) + 1));
	assert_string_equal(guest_mem_ptr(mem, name_gpa, 0), name);
}

static void test_pvh_no_modules_lists_none(void **state)
{
	struct guest_mem mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);

	(void)state;
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_NR_MODULES), 0);
	free(mem.base);
}

static void test_pvh_device_tree_is_a_module_named_dtb(void **state)
{
	struct guest_mem mem;
	uint64_t list;

	(void)state;
	src.dtb = "device tree";
	src.dtb_bytes = 12;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_NR_MODULES), 1);
	check_module(&mem, 0, "dtb", "device tree", 12);
	list = guest_u64(&mem, entry.rbx + INFO_MODLIST);
	assert_int_equal(guest_u64(&mem, list) % 8, 0);
	free(mem.base);
}

/* Linux takes module 0 as its initrd, whatever else there is. */
static void test_pvh_initrd_is_module_0(void **state)
{
	static uint8_t initrd[10000];
	struct guest_mem mem;
	uint64_t list;

	(void)state;
	memset(initrd, 0x5a, sizeof(initrd));
	src.dtb = "device tree";
	src.dtb_bytes = 12;
	src.initrd = initrd;
	src.initrd_bytes = sizeof(initrd);
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_NR_MODULES), 2);
	check_module(&mem, 0, "initrd", initrd, sizeof(initrd));
	check_module(&mem, 1, "dtb", "device tree", 12);
	list = guest_u64(&mem, entry.rbx + INFO_MODLIST);
	assert_int_equal(guest_u64(&mem, list) % 4096, 0);
	free(mem.base);
}

static void test_pvh_initrd_too_large_refused(void **state)
{
	static uint8_t initrd[IMAGE_GUEST_BYTES];

	(void)state;
	src.initrd = initrd;
	src.initrd_bytes = sizeof(initrd);
	check_source_refused(&src, IMAGE_GUEST_BYTES, -ENOMEM,
			     "k.elf: no room for the initrd, 262144 bytes");
}

static void test_pvh_device_tree_size_absurd_refused(void **state)
{
	(void)state;
	src.dtb = "device tree";
	src.dtb_bytes = UINT64_MAX;
	check_source_refused(&src, IMAGE_GUEST_BYTES, -ENOMEM,
			     "device tree of 18446744073709551615 bytes");
}

static void test_pvh_initrd_size_absurd_refused(void **state)
{
	(void)state;
	src.initrd = "initrd";
	src.initrd_bytes = UINT64_MAX;
	check_source_refused(&src, IMAGE_GUEST_BYTES, -ENOMEM,
			     "no room for the initrd");
}

/* Sizes around one page, with nothing but the free memory to put them in. */
static void test_pvh_guest_of_any_small_size_loads_or_is_refused(void **state)
{
	(void)state;
	for (uint64_t size = 1; size < 0x40000; size += 0x3ff) {
		struct guest_mem mem = boot_image_guest(size);
		char err[256] = "";
		int ret = boot_load(&src, &mem, &entry, err, sizeof(err));

		/* Both segments and a page between or above them. */
		if (size >= IMAGE_DATA_GPA + 0x2000)
			assert_int_equal(ret, 0);
		else
			assert_int_equal(ret, -EINVAL);
		free(mem.base);
	}
}

/* ---- memory map ---- */

struct map_row {
	uint64_t gpa, end;
	uint32_t type;
};

/* Large guests are mappings without memory behind them. */
static struct guest_mem map_guest(uint64_t bytes)
{
	struct guest_mem mem = {.size_bytes = bytes};

	mem.base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(mem.base, MAP_FAILED);
	return mem;
}

static void check_map(uint64_t guest_bytes, const struct map_row *rows,
		      unsigned nr)
{
	struct guest_mem mem = map_guest(guest_bytes);
	char err[256] = "";
	uint64_t at;

	if (boot_load(&src, &mem, &entry, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(guest_u32(&mem, entry.rbx + INFO_MEMMAP_ENTRIES), nr);
	at = guest_u64(&mem, entry.rbx + INFO_MEMMAP);
	for (unsigned i = 0; i < nr; i++, at += 24) {
		assert_int_equal(guest_u64(&mem, at), rows[i].gpa);
		assert_int_equal(guest_u64(&mem, at + 8),
				 rows[i].end - rows[i].gpa);
		assert_int_equal(guest_u32(&mem, at + 16), rows[i].type);
		assert_int_equal(guest_u32(&mem, at + 20), 0);
	}
	munmap(mem.base, mem.size_bytes);
}

static void test_pvh_map_of_tiny_guest_has_low_ram(void **state)
{
	const struct map_row rows[] = {
		{0, IMAGE_GUEST_BYTES, 1},
		{0xa0000, MIB, 2},
		{0xfec00000, 4 * GIB, 2},
	};

	(void)state;
	check_map(IMAGE_GUEST_BYTES, rows, 3);
}

static void test_pvh_map_of_64m_guest_has_legacy_area(void **state)
{
	const struct map_row rows[] = {
		{0, 0xa0000, 1},
		{0xa0000, MIB, 2},
		{MIB, 64 * MIB, 1},
		{0xfec00000, 4 * GIB, 2},
	};

	(void)state;
	check_map(64 * MIB, rows, 4);
}

static void test_pvh_map_of_3g_guest_has_no_high_ram(void **state)
{
	const struct map_row rows[] = {
		{0, 0xa0000, 1},
		{0xa0000, MIB, 2},
		{MIB, 3 * GIB, 1},
		{0xfec00000, 4 * GIB, 2},
	};

	(void)state;
	check_map(3 * GIB, rows, 4);
}

static void test_pvh_map_of_5g_guest_has_high_ram(void **state)
{
	const struct map_row rows[] = {
		{0, 0xa0000, 1},       {0xa0000, MIB, 2},
		{MIB, 3 * GIB, 1},     {0xfec00000, 4 * GIB, 2},
		{4 * GIB, 6 * GIB, 1},
	};

	(void)state;
	check_map(5 * GIB, rows, 5);
}

/* ---- placement ---- */

/* Linux maps the first GiB before it reads the start info. */
static void test_pvh_boot_data_of_large_guest_lies_in_first_gib(void **state)
{
	struct guest_mem mem = map_guest(4 * GIB);
	uint64_t list;
	char err[256];

	(void)state;
	src.dtb = "device tree";
	src.dtb_bytes = 12;
	src.initrd = "initrd";
	src.initrd_bytes = 7;
	assert_int_equal(boot_load(&src, &mem, &entry, err, sizeof(err)), 0);
	list = guest_u64(&mem, entry.rbx + INFO_MODLIST);
	assert_true(entry.rbx + INFO_BYTES <= GIB);
	assert_true(guest_u64(&mem, entry.rbx + INFO_CMDLINE) < GIB);
	assert_true(guest_u64(&mem, list + 32) + 12 <= GIB);
	assert_int_equal(guest_u64(&mem, list), 3 * GIB - 4096);
	munmap(mem.base, mem.size_bytes);
}

static void test_pvh_boot_data_lies_on_one_page(void **state)
{
	struct guest_mem mem;
	unsigned pages = 0;

	(void)state;
	src.cmdline = "work=hog";
	src.dtb = image.bytes;
	src.dtb_bytes = 1024;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(entry.rbx, IMAGE_GUEST_BYTES - 4096);
	for (uint64_t gpa = 0; gpa < IMAGE_GUEST_BYTES; gpa += 4096) {
		bool used = false;

		for (unsigned i = 0; i < 4096; i++)
			used |= mem.base[gpa + i] != 0;
		pages += used;
	}
	assert_int_equal(pages, 3); /* text, data, boot data */
	free(mem.base);
}

/* The kernel's last page is where boot data would go. */
static void test_pvh_kernel_at_top_moves_boot_data_below(void **state)
{
	struct guest_mem mem;

	(void)state;
	kernel.segments[1].gpa = IMAGE_GUEST_BYTES - 0x2000;
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_int_equal(entry.rbx, IMAGE_GUEST_BYTES - 0x3000);
	free(mem.base);
}

static void test_pvh_same_source_gives_same_guests(void **state)
{
	struct guest_mem first, second;

	(void)state;
	src.cmdline = "work=hog";
	first = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	second = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	assert_memory_equal(first.base, second.base, IMAGE_GUEST_BYTES);
	free(first.base);
	free(second.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, make_kernel, free_kernel)
		CASE(test_pvh_entry_registers_are_set),
		CASE(test_pvh_start_info_is_version_1),
		CASE(test_pvh_rsdp_is_given),
		CASE(test_pvh_command_line_is_given),
		CASE(test_pvh_no_command_line_is_empty),
		CASE(test_pvh_longest_command_line_is_given),
		CASE(test_pvh_too_long_command_line_refused),
		CASE(test_pvh_no_modules_lists_none),
		CASE(test_pvh_device_tree_is_a_module_named_dtb),
		CASE(test_pvh_initrd_is_module_0),
		CASE(test_pvh_initrd_too_large_refused),
		CASE(test_pvh_device_tree_size_absurd_refused),
		CASE(test_pvh_initrd_size_absurd_refused),
		CASE(test_pvh_guest_of_any_small_size_loads_or_is_refused),
		CASE(test_pvh_map_of_tiny_guest_has_low_ram),
		CASE(test_pvh_map_of_64m_guest_has_legacy_area),
		CASE(test_pvh_map_of_3g_guest_has_no_high_ram),
		CASE(test_pvh_map_of_5g_guest_has_high_ram),
		CASE(test_pvh_boot_data_of_large_guest_lies_in_first_gib),
		CASE(test_pvh_boot_data_lies_on_one_page),
		CASE(test_pvh_kernel_at_top_moves_boot_data_below),
		CASE(test_pvh_same_source_gives_same_guests),
	};

	return cmocka_run_group_tests_name("pvh", tests, NULL, NULL);
}
