/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiboot 1: what a guest finds at its entry, read back by the offsets of the
 * specification (R: CARD-9).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

#define GUEST_BYTES (UINT64_C(2) << 20)

static struct boot_image image;
static struct kernel_image loaded;
static struct boot_entry entry;

static int make_flat(void **state)
{
	(void)state;
	boot_image_flat(&image);
	return 0;
}

static struct guest_mem load(struct boot_source *src)
{
	check_parses(&image, &loaded);
	src->kernel = &loaded;
	return check_loads(src, GUEST_BYTES, &entry);
}

static void unload(struct guest_mem *mem)
{
	free(mem->base);
	boot_image_release(&loaded);
}

static const char *guest_text(const struct guest_mem *mem, uint32_t gpa)
{
	const char *text = guest_mem_ptr(mem, gpa, 1);

	assert_non_null(text);
	return text;
}

static void test_multiboot_entry_registers_are_set(void **state)
{
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);

	(void)state;
	assert_int_equal(entry.protocol, BOOT_MULTIBOOT);
	assert_int_equal(entry.rax, 0x2badb002);
	assert_int_equal(entry.rip, IMAGE_TEXT_GPA + 0x80);
	assert_non_null(guest_mem_ptr(&mem, entry.rbx, 120));
	unload(&mem);
}

static void test_multiboot_contents_are_loaded(void **state)
{
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);

	(void)state;
	assert_memory_equal(mem.base + IMAGE_TEXT_GPA, image.bytes, image.size);
	assert_int_equal(mem.base[IMAGE_TEXT_GPA + image.size], 0);
	unload(&mem);
}

static void test_multiboot_info_names_what_is_valid(void **state)
{
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);

	(void)state;
	/* memory, command line, modules, memory map, loader name */
	assert_int_equal(guest_u32(&mem, entry.rbx), 0x24d);
	unload(&mem);
}

static void test_multiboot_info_has_memory_sizes(void **state)
{
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);

	(void)state;
	assert_int_equal(guest_u32(&mem, entry.rbx + 4), 640);
	assert_int_equal(guest_u32(&mem, entry.rbx + 8), 1024);
	unload(&mem);
}

static void test_multiboot_info_has_command_line(void **state)
{
	struct boot_source src = {.cmdline = "work=hog"};
	struct guest_mem mem = load(&src);

	(void)state;
	assert_string_equal(guest_text(&mem, guest_u32(&mem, entry.rbx + 16)),
			    "work=hog");
	unload(&mem);
}

static void test_multiboot_info_names_loader(void **state)
{
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);

	(void)state;
	assert_string_equal(guest_text(&mem, guest_u32(&mem, entry.rbx + 64)),
			    "disvm");
	unload(&mem);
}

static void test_multiboot_info_has_memory_map(void **state)
{
	const struct {
		uint64_t gpa, bytes;
		uint32_t type;
	} rows[] = {
		{0, 0xa0000, 1},
		{0xa0000, 0x60000, 2},
		{0x100000, 0x100000, 1},
		{0xfec00000, 0x1400000, 2},
	};
	struct boot_source src = {0};
	struct guest_mem mem = load(&src);
	uint32_t at = guest_u32(&mem, entry.rbx + 48);

	(void)state;
	assert_int_equal(guest_u32(&mem, entry.rbx + 44), 4 * 24);
	for (unsigned i = 0; i < 4; i++, at += 24) {
		assert_int_equal(guest_u32(&mem, at), 20);
		assert_int_equal(guest_u64(&mem, at + 4), rows[i].gpa);
		assert_int_equal(guest_u64(&mem, at + 12), rows[i].bytes);
		assert_int_equal(guest_u32(&mem, at + 20), rows[i].type);
	}
	unload(&mem);
}

static void test_multiboot_info_has_initrd_then_dtb(void **state)
{
	struct boot_source src = {
		.initrd = "initrd contents",
		.initrd_bytes = 16,
		.dtb = "device tree",
		.dtb_bytes = 12,
	};
	struct guest_mem mem = load(&src);
	uint32_t mods = guest_u32(&mem, entry.rbx + 24);

	(void)state;
	assert_int_equal(guest_u32(&mem, entry.rbx + 20), 2);
	assert_string_equal(guest_text(&mem, guest_u32(&mem, mods)),
			    "initrd contents");
	assert_int_equal(guest_u32(&mem, mods + 4) - guest_u32(&mem, mods), 16);
	assert_string_equal(guest_text(&mem, guest_u32(&mem, mods + 8)),
			    "initrd");
	assert_string_equal(guest_text(&mem, guest_u32(&mem, mods + 16)),
			    "device tree");
	assert_int_equal(
		guest_u32(&mem, mods + 20) - guest_u32(&mem, mods + 16), 12);
	assert_string_equal(guest_text(&mem, guest_u32(&mem, mods + 24)), "dtb");
	assert_int_equal(guest_u32(&mem, mods + 28), 0);
	unload(&mem);
}

static uint32_t load_dtb_gpa(uint32_t flags)
{
	struct boot_source src = {
		.cmdline = "a",
		.dtb = "device tree",
		.dtb_bytes = 12,
	};
	const struct boot_image_addresses addr = boot_image_flat_addresses();
	struct guest_mem mem;
	uint32_t gpa;

	boot_image_multiboot(&image, IMAGE_FLAT_HEADER_AT, flags, &addr);
	mem = load(&src);
	gpa = guest_u32(&mem, guest_u32(&mem, entry.rbx + 24));
	unload(&mem);
	return gpa;
}

static void test_multiboot_modules_lie_on_pages_if_asked(void **state)
{
	(void)state;
	assert_int_equal(load_dtb_gpa(0x10001) % 4096, 0);
}

static void test_multiboot_modules_share_page_if_not_asked(void **state)
{
	uint32_t gpa = load_dtb_gpa(0x10000);

	(void)state;
	assert_int_equal(gpa & ~4095u, entry.rbx);
	assert_int_equal(gpa % 8, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLAT(name) cmocka_unit_test_setup(name, make_flat)
		FLAT(test_multiboot_entry_registers_are_set),
		FLAT(test_multiboot_contents_are_loaded),
		FLAT(test_multiboot_info_names_what_is_valid),
		FLAT(test_multiboot_info_has_memory_sizes),
		FLAT(test_multiboot_info_has_command_line),
		FLAT(test_multiboot_info_names_loader),
		FLAT(test_multiboot_info_has_memory_map),
		FLAT(test_multiboot_info_has_initrd_then_dtb),
		FLAT(test_multiboot_modules_lie_on_pages_if_asked),
		FLAT(test_multiboot_modules_share_page_if_not_asked),
	};

	return cmocka_run_group_tests_name("multiboot info", tests, NULL, NULL);
}
