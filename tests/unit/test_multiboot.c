/* SPDX-License-Identifier: Apache-2.0 */
/* Multiboot 1: the header and its address fields (R: CARD-9). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

#define GUEST_BYTES (UINT64_C(2) << 20)

static struct boot_image image;
static struct boot_image_addresses addr;

static int make_flat(void **state)
{
	(void)state;
	boot_image_flat(&image);
	addr = boot_image_flat_addresses();
	return 0;
}

/* An ELF without PVH note, with a header where its note was. */
static int make_elf(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	boot_image_phdr(&image, IMAGE_NOTE)->p_type = PT_NULL;
	boot_image_multiboot(&image, IMAGE_NOTE_AT, 0x3, NULL);
	return 0;
}

/* Write the spoilt address fields. */
static void put_header(void)
{
	boot_image_multiboot(&image, IMAGE_FLAT_HEADER_AT, IMAGE_FLAT_FLAGS,
			     &addr);
}

static void check_multiboot(struct kernel_image *kernel)
{
	check_parses(&image, kernel);
	assert_int_equal(kernel->protocol, BOOT_MULTIBOOT);
}

/* ---- the search ---- */

static void check_found_at(size_t at)
{
	struct kernel_image kernel;

	memset(&image, 0, sizeof(image));
	image.size = 10000;
	addr.header_addr = IMAGE_TEXT_GPA + (uint32_t)at;
	addr.bss_end_addr = 0;
	boot_image_multiboot(&image, at, IMAGE_FLAT_FLAGS, &addr);
	check_multiboot(&kernel);
	assert_int_equal(kernel.segments[0].offset, 0);
	boot_image_release(&kernel);
}

static void test_multiboot_header_at_start_found(void **state)
{
	(void)state;
	check_found_at(0);
}

static void test_multiboot_header_at_end_of_8k_found(void **state)
{
	(void)state;
	check_found_at(8192 - 32);
}

static void test_multiboot_address_fields_past_8k_refused(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	image.size = 10000;
	boot_image_multiboot(&image, 8192 - 28, IMAGE_FLAT_FLAGS, &addr);
	check_parse_refused(&image, "multiboot header at 0x1fe4: truncated");
}

static void test_multiboot_header_behind_8k_not_found(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	image.size = 10000;
	boot_image_multiboot(&image, 8192 - 8, IMAGE_FLAT_FLAGS, &addr);
	check_parse_refused(&image,
			    "neither an ELF file nor a Linux bzImage nor");
}

static void test_multiboot_header_unaligned_not_found(void **state)
{
	(void)state;
	memset(&image, 0, sizeof(image));
	image.size = 1000;
	boot_image_multiboot(&image, 42, IMAGE_FLAT_FLAGS, &addr);
	check_parse_refused(&image,
			    "neither an ELF file nor a Linux bzImage nor");
}

static void test_multiboot_wrong_checksum_not_found(void **state)
{
	(void)state;
	image.bytes[IMAGE_FLAT_HEADER_AT + 8]++;
	check_parse_refused(&image,
			    "neither an ELF file nor a Linux bzImage nor");
}

/* The magic number alone may be part of the code. */
static void test_multiboot_wrong_checksum_before_good_is_skipped(void **state)
{
	struct kernel_image kernel;

	(void)state;
	boot_image_put32(&image, 0, 0x1badb002);
	check_multiboot(&kernel);
	boot_image_release(&kernel);
}

/* No length is accepted that cuts the header; none reads behind the file. */
static void test_multiboot_truncated_anywhere_refused(void **state)
{
	(void)state;
	for (size_t size = 1; size < IMAGE_FLAT_HEADER_AT + 32; size++) {
		image.size = size;
		check_parse_refused(&image, size < IMAGE_FLAT_HEADER_AT + 12
						    ? "neither an ELF"
						    : "truncated");
	}
}

/* ---- the flags ---- */

static void check_flags_refused(uint32_t flags, const char *text)
{
	boot_image_multiboot(&image, IMAGE_FLAT_HEADER_AT, flags, &addr);
	check_parse_refused(&image, text);
}

static void test_multiboot_video_mode_refused(void **state)
{
	(void)state;
	check_flags_refused(0x10004, "asks for a video mode (flag 2)");
}

static void test_multiboot_unknown_mandatory_flags_refused(void **state)
{
	(void)state;
	for (unsigned bit = 3; bit < 16; bit++)
		check_flags_refused(0x10000u | 1u << bit,
				    "unknown mandatory flags 0x");
	check_flags_refused(0x18001, "unknown mandatory flags 0x8000");
}

static void test_multiboot_unknown_optional_flags_ignored(void **state)
{
	struct kernel_image kernel;

	(void)state;
	boot_image_multiboot(&image, IMAGE_FLAT_HEADER_AT, 0xffff0003, &addr);
	check_multiboot(&kernel);
	boot_image_release(&kernel);
}

static void test_multiboot_flat_without_addresses_refused(void **state)
{
	(void)state;
	check_flags_refused(0x3, "has no address fields (flag 16)");
}

/* ---- the address fields ---- */

static void test_multiboot_addresses_give_one_segment(void **state)
{
	struct kernel_image kernel;

	(void)state;
	check_multiboot(&kernel);
	assert_int_equal(kernel.entry_gpa, IMAGE_TEXT_GPA + 0x80);
	assert_int_equal(kernel.nr_segments, 1);
	assert_int_equal(kernel.segments[0].offset, 0);
	assert_int_equal(kernel.segments[0].gpa, IMAGE_TEXT_GPA);
	assert_int_equal(kernel.segments[0].file_bytes, image.size);
	assert_int_equal(kernel.segments[0].mem_bytes, 0x2000);
	boot_image_release(&kernel);
}

static void test_multiboot_load_starts_within_file(void **state)
{
	struct kernel_image kernel;

	(void)state;
	addr.load_addr = addr.header_addr - 0x10;
	addr.load_end_addr = addr.load_addr + 0x100;
	addr.bss_end_addr = 0;
	addr.entry_addr = addr.load_addr + 0xff;
	put_header();
	check_multiboot(&kernel);
	assert_int_equal(kernel.segments[0].offset, IMAGE_FLAT_HEADER_AT - 0x10);
	assert_int_equal(kernel.segments[0].file_bytes, 0x100);
	assert_int_equal(kernel.segments[0].mem_bytes, 0x100);
	boot_image_release(&kernel);
}

static void test_multiboot_load_addr_above_header_refused(void **state)
{
	(void)state;
	addr.load_addr = addr.header_addr + 4;
	put_header();
	check_parse_refused(&image, "load_addr 0x20044 does not fit "
				    "header_addr 0x20040 at offset 0x40");
}

static void test_multiboot_load_addr_before_file_refused(void **state)
{
	(void)state;
	addr.load_addr = IMAGE_TEXT_GPA - 1;
	put_header();
	check_parse_refused(&image, "load_addr 0x1ffff does not fit");
}

static void test_multiboot_load_end_past_file_refused(void **state)
{
	(void)state;
	addr.load_end_addr = IMAGE_TEXT_GPA + (uint32_t)image.size + 1;
	put_header();
	check_parse_refused(&image, "load_end_addr 0x20801 does not fit");
}

static void test_multiboot_load_end_at_end_of_file_parses(void **state)
{
	struct kernel_image kernel;

	(void)state;
	addr.load_end_addr = IMAGE_TEXT_GPA + (uint32_t)image.size;
	put_header();
	check_multiboot(&kernel);
	boot_image_release(&kernel);
}

static void test_multiboot_load_end_not_above_load_refused(void **state)
{
	(void)state;
	addr.load_end_addr = addr.load_addr;
	put_header();
	check_parse_refused(&image, "load_end_addr 0x20000 does not fit");
}

static void test_multiboot_bss_end_before_data_end_refused(void **state)
{
	(void)state;
	addr.bss_end_addr = IMAGE_TEXT_GPA + (uint32_t)image.size - 1;
	put_header();
	check_parse_refused(&image, "bss_end_addr 0x207ff lies before");
}

static void test_multiboot_entry_below_load_refused(void **state)
{
	(void)state;
	addr.entry_addr = addr.load_addr - 1;
	put_header();
	check_parse_refused(&image, "entry_addr 0x1ffff lies outside");
}

static void test_multiboot_entry_at_load_end_refused(void **state)
{
	(void)state;
	addr.entry_addr = IMAGE_TEXT_GPA + (uint32_t)image.size;
	put_header();
	check_parse_refused(&image, "entry_addr 0x20800 lies outside "
				    "0x20000..0x20800");
}

/* The whole file from the last bytes below 4 GiB: the sum exceeds 32 bits. */
static void test_multiboot_load_across_4g_refused(void **state)
{
	(void)state;
	addr.load_addr = 0xffffff00;
	addr.header_addr = addr.load_addr + IMAGE_FLAT_HEADER_AT;
	addr.bss_end_addr = 0;
	addr.entry_addr = addr.load_addr;
	put_header();
	check_load_refused(&image, GUEST_BYTES, -EINVAL,
			   "segment 0: 0xffffff00..0x100000700 lies outside "
			   "the guest's 2 MiB");
}

static void test_multiboot_bss_outside_memory_refused(void **state)
{
	(void)state;
	addr.load_addr = 0x100000;
	addr.header_addr = addr.load_addr + IMAGE_FLAT_HEADER_AT;
	addr.entry_addr = addr.load_addr;
	addr.bss_end_addr = (uint32_t)GUEST_BYTES + 1;
	put_header();
	check_load_refused(&image, GUEST_BYTES, -EINVAL,
			   "segment 0: 0x100000..0x200001 lies outside");
}

/* ---- ELF files ---- */

static void test_multiboot_elf_loads_by_program_headers(void **state)
{
	struct kernel_image kernel;

	(void)state;
	check_multiboot(&kernel);
	assert_int_equal(kernel.nr_segments, 2);
	assert_int_equal(kernel.entry_gpa, IMAGE_ENTRY);
	boot_image_release(&kernel);
}

static void test_multiboot_elf_with_pvh_note_enters_by_pvh(void **state)
{
	struct kernel_image kernel;

	(void)state;
	boot_image_pvh(&image);
	boot_image_multiboot(&image, IMAGE_NOTE_AT + 0x40, 0x3, NULL);
	check_parses(&image, &kernel);
	assert_int_equal(kernel.protocol, BOOT_PVH);
	boot_image_release(&kernel);
}

static void test_multiboot_elf_with_addresses_loads_by_these(void **state)
{
	struct kernel_image kernel;

	(void)state;
	addr = (struct boot_image_addresses){
		.header_addr = 0x30000 + IMAGE_NOTE_AT,
		.load_addr = 0x30000,
		.entry_addr = 0x30400,
	};
	boot_image_multiboot(&image, IMAGE_NOTE_AT, IMAGE_FLAT_FLAGS, &addr);
	check_multiboot(&kernel);
	assert_int_equal(kernel.nr_segments, 1);
	assert_int_equal(kernel.segments[0].gpa, 0x30000);
	assert_int_equal(kernel.entry_gpa, 0x30400);
	boot_image_release(&kernel);
}

static void test_multiboot_elf_entry_at_4g_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_entry = UINT64_C(1) << 32 | IMAGE_ENTRY;
	check_parse_refused(&image, "ELF entry 0x100020010 is not below 4 GiB");
}

static void test_multiboot_elf_entry_outside_segments_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_entry = 0x100000;
	check_parse_refused(&image,
			    "ELF entry 0x100000 lies in no loaded segment");
}

static void test_multiboot_elf_32bit_parses(void **state)
{
	struct kernel_image kernel;

	(void)state;
	boot_image_narrow(&image);
	check_multiboot(&kernel);
	assert_int_equal(kernel.entry_gpa, IMAGE_ENTRY);
	assert_int_equal(kernel.nr_segments, 2);
	boot_image_release(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define FLAT(name) cmocka_unit_test_setup(name, make_flat)
#define ELF(name) cmocka_unit_test_setup(name, make_elf)
		FLAT(test_multiboot_header_at_start_found),
		FLAT(test_multiboot_header_at_end_of_8k_found),
		FLAT(test_multiboot_address_fields_past_8k_refused),
		FLAT(test_multiboot_header_behind_8k_not_found),
		FLAT(test_multiboot_header_unaligned_not_found),
		FLAT(test_multiboot_wrong_checksum_not_found),
		FLAT(test_multiboot_wrong_checksum_before_good_is_skipped),
		FLAT(test_multiboot_truncated_anywhere_refused),
		FLAT(test_multiboot_video_mode_refused),
		FLAT(test_multiboot_unknown_mandatory_flags_refused),
		FLAT(test_multiboot_unknown_optional_flags_ignored),
		FLAT(test_multiboot_flat_without_addresses_refused),
		FLAT(test_multiboot_addresses_give_one_segment),
		FLAT(test_multiboot_load_starts_within_file),
		FLAT(test_multiboot_load_addr_above_header_refused),
		FLAT(test_multiboot_load_addr_before_file_refused),
		FLAT(test_multiboot_load_end_past_file_refused),
		FLAT(test_multiboot_load_end_at_end_of_file_parses),
		FLAT(test_multiboot_load_end_not_above_load_refused),
		FLAT(test_multiboot_bss_end_before_data_end_refused),
		FLAT(test_multiboot_entry_below_load_refused),
		FLAT(test_multiboot_entry_at_load_end_refused),
		FLAT(test_multiboot_load_across_4g_refused),
		FLAT(test_multiboot_bss_outside_memory_refused),
		ELF(test_multiboot_elf_loads_by_program_headers),
		ELF(test_multiboot_elf_with_pvh_note_enters_by_pvh),
		ELF(test_multiboot_elf_with_addresses_loads_by_these),
		ELF(test_multiboot_elf_entry_at_4g_refused),
		ELF(test_multiboot_elf_entry_outside_segments_refused),
		ELF(test_multiboot_elf_32bit_parses),
	};

	return cmocka_run_group_tests_name("multiboot", tests, NULL, NULL);
}
