/* SPDX-License-Identifier: Apache-2.0 */
/* Loadable segments against file, each other and guest memory (R: CARD-1). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

static struct boot_image image;
static Elf64_Phdr *text, *data;
static struct kernel_image kernel;
static struct boot_entry entry;

static int make_image(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	text = boot_image_phdr(&image, IMAGE_TEXT);
	data = boot_image_phdr(&image, IMAGE_DATA);
	return 0;
}

static struct guest_mem load(void)
{
	const struct boot_source src = {.kernel = &kernel};

	check_parses(&image, &kernel);
	return check_loads(&src, IMAGE_GUEST_BYTES, &entry);
}

static void unload(struct guest_mem *mem)
{
	free(mem->base);
	boot_image_release(&kernel);
}

/* ---- against the file ---- */

static void test_segment_filesz_above_memsz_refused(void **state)
{
	(void)state;
	text->p_memsz = text->p_filesz - 1;
	check_parse_refused(&image, "segment 0: 0x200 bytes in the file, but "
				    "0x1ff in memory");
}

static void test_segment_one_byte_past_file_refused(void **state)
{
	(void)state;
	data->p_filesz = image.size - data->p_offset + 1;
	check_parse_refused(&image, "segment 1: truncated");
}

static void test_segment_offset_past_file_refused(void **state)
{
	(void)state;
	data->p_align = 1;
	data->p_offset = image.size + 1;
	check_parse_refused(&image, "segment 1: truncated");
}

static void test_segment_offset_wraps_refused(void **state)
{
	(void)state;
	data->p_offset = UINT64_MAX - 15;
	check_parse_refused(&image, "segment 1: truncated");
}

static void test_segment_filesz_absurd_refused(void **state)
{
	(void)state;
	data->p_filesz = UINT64_MAX;
	data->p_memsz = UINT64_MAX;
	check_parse_refused(&image, "segment 1: truncated");
}

static void test_segment_address_wraps_refused(void **state)
{
	(void)state;
	data->p_paddr = UINT64_MAX - 0x1fff + 1;
	check_parse_refused(&image, "segment 1: 0x2000 bytes at "
				    "0xffffffffffffe001 wrap around");
}

static void test_segment_memsz_absurd_refused(void **state)
{
	(void)state;
	data->p_memsz = UINT64_MAX;
	check_parse_refused(&image, "wrap around the address space");
}

static void test_segment_alignment_not_power_of_two_refused(void **state)
{
	(void)state;
	data->p_align = 24;
	check_parse_refused(&image, "segment 1: alignment 0x18");
}

static void test_segment_alignment_disagrees_refused(void **state)
{
	(void)state;
	data->p_vaddr += 8;
	check_parse_refused(&image, "disagree modulo the alignment 0x10");
}

static void test_segment_none_refused(void **state)
{
	(void)state;
	text->p_type = PT_NULL;
	data->p_type = PT_NULL;
	check_parse_refused(&image, "no loadable segment");
}

static void test_segment_all_empty_refused(void **state)
{
	(void)state;
	text->p_filesz = text->p_memsz = 0;
	data->p_filesz = data->p_memsz = 0;
	check_parse_refused(&image, "no loadable segment");
}

/* A BSS segment has no bytes in the file; linkers leave any offset there. */
static void test_segment_bss_only_with_odd_offset_loads(void **state)
{
	struct guest_mem mem;

	(void)state;
	data->p_filesz = 0;
	data->p_offset = UINT64_MAX;
	mem = load();
	assert_int_equal(kernel.segments[1].offset, 0);
	assert_int_equal(guest_u32(&mem, IMAGE_DATA_GPA), 0);
	unload(&mem);
}

/* Many one-byte segments, as many as asked for. */
static void make_segments(unsigned nr)
{
	Elf64_Ehdr *ehdr = boot_image_ehdr(&image);

	ehdr->e_phoff = 0x1000;
	ehdr->e_phnum = (Elf64_Half)(nr + 1);
	image.size = 0x1000 + (nr + 1) * sizeof(Elf64_Phdr);
	for (unsigned i = 0; i < nr; i++) {
		Elf64_Phdr phdr = *text;

		phdr.p_align = 1;
		phdr.p_paddr = IMAGE_TEXT_GPA + i * 0x200u;
		memcpy(image.bytes + 0x1000 + i * sizeof(phdr), &phdr,
		       sizeof(phdr));
	}
	memcpy(image.bytes + 0x1000 + nr * sizeof(Elf64_Phdr),
	       boot_image_phdr(&image, IMAGE_NOTE), sizeof(Elf64_Phdr));
}

static void test_segment_as_many_as_possible_loads(void **state)
{
	const struct boot_source src = {
		.kernel = &kernel, .initrd = "i", .initrd_bytes = 1};
	struct guest_mem mem;

	(void)state;
	make_segments(KERNEL_SEGMENTS_MAX);
	check_parses(&image, &kernel);
	mem = check_loads(&src, IMAGE_GUEST_BYTES, &entry);
	unload(&mem);
}

static void test_segment_one_too_many_refused(void **state)
{
	(void)state;
	make_segments(KERNEL_SEGMENTS_MAX + 1);
	check_parse_refused(&image,
			    "segment 64: more than 64 loadable segments");
}

/* ---- against guest memory ---- */

static void test_segment_contents_land_at_physical_address(void **state)
{
	struct guest_mem mem;

	(void)state;
	text->p_vaddr += UINT64_C(0xffffffff80000000);
	mem = load();
	assert_memory_equal(mem.base + IMAGE_TEXT_GPA,
			    image.bytes + IMAGE_DATA_AT, IMAGE_TEXT_BYTES);
	assert_memory_equal(mem.base + IMAGE_DATA_GPA,
			    image.bytes + IMAGE_DATA_AT + IMAGE_TEXT_BYTES,
			    0x100);
	assert_int_equal(mem.base[IMAGE_TEXT_GPA - 1], 0);
	assert_int_equal(mem.base[IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES], 0);
	assert_int_equal(mem.base[IMAGE_DATA_GPA + 0x100], 0);
	unload(&mem);
}

/* The contract of boot_load(): memory reads as zero, BSS is left alone. */
static void test_segment_bss_is_not_touched(void **state)
{
	struct guest_mem mem = boot_image_guest(IMAGE_GUEST_BYTES);
	const struct boot_source src = {.kernel = &kernel};
	char err[256] = "";

	(void)state;
	mem.base[IMAGE_DATA_GPA + 0x100] = 0xa5;
	mem.base[IMAGE_DATA_GPA + 0x1fff] = 0xa5;
	check_parses(&image, &kernel);
	assert_int_equal(boot_load(&src, &mem, &entry, err, sizeof(err)), 0);
	assert_int_equal(mem.base[IMAGE_DATA_GPA + 0x100], 0xa5);
	assert_int_equal(mem.base[IMAGE_DATA_GPA + 0x1fff], 0xa5);
	unload(&mem);
}

static void test_segment_outside_memory_refused(void **state)
{
	(void)state;
	data->p_paddr = 0x40000000;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "k.elf: segment 1: 0x40000000..0x40002000 lies "
			   "outside the guest's 256 KiB");
}

static void test_segment_one_byte_outside_memory_refused(void **state)
{
	(void)state;
	data->p_memsz = IMAGE_GUEST_BYTES - IMAGE_DATA_GPA + 1;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "segment 1: 0x30000..0x40001 lies outside");
}

static void test_segment_fills_memory_leaves_room_elsewhere(void **state)
{
	struct guest_mem mem;

	(void)state;
	data->p_memsz = IMAGE_GUEST_BYTES - IMAGE_DATA_GPA;
	mem = load();
	assert_true(entry.rbx < IMAGE_DATA_GPA);
	assert_true(entry.rbx >= IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES);
	unload(&mem);
}

static void test_segment_into_hole_below_4g_refused(void **state)
{
	(void)state;
	data->p_paddr = 0xfee00000;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "segment 1: 0xfee00000..0xfee02000 lies outside");
}

static void test_segment_in_page_zero_refused(void **state)
{
	(void)state;
	data->p_paddr = 0xff0;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "segment 1: 0xff0..0x2ff0 overlaps page 0: "
			   "0..0x1000");
}

static void test_segment_above_page_zero_loads(void **state)
{
	struct guest_mem mem;

	(void)state;
	data->p_paddr = 0x1000;
	mem = load();
	unload(&mem);
}

static void test_segment_in_legacy_area_refused(void **state)
{
	(void)state;
	data->p_paddr = 0x9f000;
	check_load_refused(&image, 1 << 20, -EINVAL,
			   "overlaps the legacy area: 0xa0000..0x100000");
}

static void test_segment_overlap_refused(void **state)
{
	(void)state;
	data->p_paddr = IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES - 1;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "segment 1: 0x201ff..0x221ff overlaps segment 0: "
			   "0x20000..0x20200");
}

static void test_segment_overlap_from_below_refused(void **state)
{
	(void)state;
	data->p_paddr = IMAGE_TEXT_GPA - 0x1fff;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "overlaps segment 0");
}

static void test_segment_inside_another_refused(void **state)
{
	(void)state;
	data->p_paddr = IMAGE_TEXT_GPA + 1;
	data->p_filesz = data->p_memsz = 1;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -EINVAL,
			   "overlaps segment 0");
}

static void test_segment_adjacent_loads(void **state)
{
	struct guest_mem mem;

	(void)state;
	data->p_paddr = IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES;
	mem = load();
	unload(&mem);
}

static void test_segment_kernel_fills_guest_no_room_refused(void **state)
{
	(void)state;
	text->p_paddr = 0x1000;
	boot_image_note(&image, IMAGE_NOTE_AT, 8, 0x1010);
	text->p_memsz = IMAGE_GUEST_BYTES - 0x1000;
	data->p_type = PT_NULL;
	check_load_refused(&image, IMAGE_GUEST_BYTES, -ENOMEM,
			   "k.elf: no room for boot data");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, make_image)
		CASE(test_segment_filesz_above_memsz_refused),
		CASE(test_segment_one_byte_past_file_refused),
		CASE(test_segment_offset_past_file_refused),
		CASE(test_segment_offset_wraps_refused),
		CASE(test_segment_filesz_absurd_refused),
		CASE(test_segment_address_wraps_refused),
		CASE(test_segment_memsz_absurd_refused),
		CASE(test_segment_alignment_not_power_of_two_refused),
		CASE(test_segment_alignment_disagrees_refused),
		CASE(test_segment_none_refused),
		CASE(test_segment_all_empty_refused),
		CASE(test_segment_bss_only_with_odd_offset_loads),
		CASE(test_segment_as_many_as_possible_loads),
		CASE(test_segment_one_too_many_refused),
		CASE(test_segment_contents_land_at_physical_address),
		CASE(test_segment_bss_is_not_touched),
		CASE(test_segment_outside_memory_refused),
		CASE(test_segment_one_byte_outside_memory_refused),
		CASE(test_segment_fills_memory_leaves_room_elsewhere),
		CASE(test_segment_into_hole_below_4g_refused),
		CASE(test_segment_in_page_zero_refused),
		CASE(test_segment_above_page_zero_loads),
		CASE(test_segment_in_legacy_area_refused),
		CASE(test_segment_overlap_refused),
		CASE(test_segment_overlap_from_below_refused),
		CASE(test_segment_inside_another_refused),
		CASE(test_segment_adjacent_loads),
		CASE(test_segment_kernel_fills_guest_no_room_refused),
	};

	return cmocka_run_group_tests_name("elf segments", tests, NULL, NULL);
}
