/* SPDX-License-Identifier: Apache-2.0 */
/* The setup header of a bzImage: what is taken and what is refused
 * (R: CARD-11). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

static struct boot_image image;

static int make_image(void **state)
{
	(void)state;
	boot_image_bz(&image);
	return 0;
}

static void check_refused_with(size_t at, uint64_t value, size_t bytes,
			       const char *text)
{
	boot_image_put(&image, at, value, bytes);
	check_parse_refused(&image, text);
}

/* R: CARD-11 */
static void test_bzimage_good_gives_one_segment(void **state)
{
	struct kernel_image kernel;

	(void)state;
	check_parses(&image, &kernel);
	assert_int_equal(kernel.protocol, BOOT_LINUX);
	assert_int_equal(kernel.entry_gpa, IMAGE_TEXT_GPA + 0x200);
	assert_int_equal(kernel.nr_segments, 1);
	assert_int_equal(kernel.segments[0].offset, IMAGE_BZ_KERNEL_AT);
	assert_int_equal(kernel.segments[0].gpa, IMAGE_TEXT_GPA);
	assert_int_equal(kernel.segments[0].file_bytes, IMAGE_BZ_KERNEL_BYTES);
	assert_int_equal(kernel.segments[0].mem_bytes, IMAGE_BZ_INIT_BYTES);
	assert_int_equal(kernel.linux_setup.header_end, IMAGE_BZ_HEADER_END);
	assert_int_equal(kernel.linux_setup.cmdline_max_bytes,
			 IMAGE_BZ_CMDLINE_MAX);
	assert_int_equal(kernel.linux_setup.initrd_last_gpa, 0x7fffffff);
	boot_image_release(&kernel);
}

/* A signature behind the kernel is none of its bytes. */
static void test_bzimage_longer_file_loads_the_kernel_alone(void **state)
{
	struct kernel_image kernel;

	(void)state;
	image.size += 1000;
	check_parses(&image, &kernel);
	assert_int_equal(kernel.segments[0].file_bytes, IMAGE_BZ_KERNEL_BYTES);
	boot_image_release(&kernel);
}

static void test_bzimage_setup_sects_0_means_4(void **state)
{
	struct kernel_image kernel;

	(void)state;
	boot_image_put(&image, LINUX_SETUP_SECTS, 0, 1);
	image.size = 5 * 512 + IMAGE_BZ_KERNEL_BYTES;
	check_parses(&image, &kernel);
	assert_int_equal(kernel.segments[0].offset, 5 * 512);
	boot_image_release(&kernel);
}

static void test_bzimage_without_boot_flag_is_none(void **state)
{
	(void)state;
	check_refused_with(LINUX_BOOT_FLAG, 0, 2, "nor a Linux bzImage");
}

static void test_bzimage_without_magic_is_none(void **state)
{
	(void)state;
	check_refused_with(LINUX_MAGIC, 0, 4, "nor a Linux bzImage");
}

static void test_bzimage_old_protocol_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_VERSION, 0x20b, 2,
			   "boot protocol 2.11; 2.12 or newer");
}

static void test_bzimage_zimage_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_LOAD_FLAGS, 0, 1, "zImage");
}

static void test_bzimage_32_bit_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_XLOAD_FLAGS, 0xfffe, 2, "no 64-bit entry");
}

static void test_bzimage_short_header_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_JUMP_LENGTH, 0x263 - 0x202, 1,
			   "header ends at 0x263");
}

/* Behind it the page has other fields. */
static void test_bzimage_header_past_its_place_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_JUMP_LENGTH, 0x291 - 0x202, 1,
			   "header ends at 0x291");
}

static void test_bzimage_truncated_anywhere_refused(void **state)
{
	size_t whole = image.size;

	(void)state;
	for (image.size = 1; image.size < whole; image.size++)
		check_parse_refused(&image, "k.elf");
}

static void test_bzimage_kernel_past_the_file_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_SYSSIZE, IMAGE_BZ_KERNEL_BYTES / 16 + 1, 4,
			   "truncated: 1552 bytes of kernel (syssize)");
}

static void test_bzimage_huge_syssize_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_SYSSIZE, UINT32_MAX, 4, "truncated");
}

static void test_bzimage_setup_past_the_file_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_SETUP_SECTS, 255, 1, "truncated");
}

static void test_bzimage_too_small_for_entry_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_SYSSIZE, 0x20, 4,
			   "no room for the 64-bit entry");
}

static void test_bzimage_init_size_below_file_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_INIT_SIZE, IMAGE_BZ_KERNEL_BYTES - 1, 4,
			   "init_size 1535 is less");
}

static void test_bzimage_pref_address_0_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_PREF_ADDRESS, 0, 8, "pref_address 0");
}

static void test_bzimage_pref_address_odd_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_PREF_ADDRESS, 0x20001, 8,
			   "pref_address 0x20001");
}

static void test_bzimage_pref_address_high_refused(void **state)
{
	(void)state;
	check_refused_with(LINUX_PREF_ADDRESS, UINT64_MAX - 4095, 8,
			   "is not a page of the first 4 GiB");
}

static void test_bzimage_outside_the_guest_refused(void **state)
{
	(void)state;
	boot_image_put(&image, LINUX_PREF_ADDRESS, 0x1000000, 8);
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "segment 0: 0x1000000..0x1002000 lies outside");
}

/* The kernel unpacks itself there, though the file has less. */
static void test_bzimage_init_size_outside_the_guest_refused(void **state)
{
	(void)state;
	boot_image_put(&image, LINUX_INIT_SIZE, IMAGE_GUEST_BYTES, 4);
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL, "lies outside");
}

static void test_bzimage_in_the_legacy_area_refused(void **state)
{
	(void)state;
	boot_image_put(&image, LINUX_PREF_ADDRESS, 0xa0000, 8);
	check_load_refused(&image, UINT64_C(2) << 20, -EINVAL,
			   "overlaps the legacy area");
}

#define BZ(test) cmocka_unit_test_setup(test, make_image)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BZ(test_bzimage_good_gives_one_segment),
		BZ(test_bzimage_longer_file_loads_the_kernel_alone),
		BZ(test_bzimage_setup_sects_0_means_4),
		BZ(test_bzimage_without_boot_flag_is_none),
		BZ(test_bzimage_without_magic_is_none),
		BZ(test_bzimage_old_protocol_refused),
		BZ(test_bzimage_zimage_refused),
		BZ(test_bzimage_32_bit_refused),
		BZ(test_bzimage_short_header_refused),
		BZ(test_bzimage_header_past_its_place_refused),
		BZ(test_bzimage_truncated_anywhere_refused),
		BZ(test_bzimage_kernel_past_the_file_refused),
		BZ(test_bzimage_huge_syssize_refused),
		BZ(test_bzimage_setup_past_the_file_refused),
		BZ(test_bzimage_too_small_for_entry_refused),
		BZ(test_bzimage_init_size_below_file_refused),
		BZ(test_bzimage_pref_address_0_refused),
		BZ(test_bzimage_pref_address_odd_refused),
		BZ(test_bzimage_pref_address_high_refused),
		BZ(test_bzimage_outside_the_guest_refused),
		BZ(test_bzimage_init_size_outside_the_guest_refused),
		BZ(test_bzimage_in_the_legacy_area_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
