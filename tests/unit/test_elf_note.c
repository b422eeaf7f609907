/* SPDX-License-Identifier: Apache-2.0 */
/* The PVH entry among ELF notes (R: CARD-1, CARD-9). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/boot_check.h"

static struct boot_image image;
static Elf64_Phdr *note;

static int make_image(void **state)
{
	(void)state;
	boot_image_pvh(&image);
	note = boot_image_phdr(&image, IMAGE_NOTE);
	return 0;
}

static void check_entry(uint32_t gpa)
{
	struct kernel_image kernel;

	check_parses(&image, &kernel);
	assert_int_equal(kernel.protocol, BOOT_PVH);
	assert_int_equal(kernel.entry_gpa, gpa);
	boot_image_release(&kernel);
}

/* A note of another owner before the one that is looked for. */
static void put_foreign_note(size_t at, uint32_t name_bytes, uint32_t desc_bytes)
{
	boot_image_put32(&image, at, name_bytes);
	boot_image_put32(&image, at + 4, desc_bytes);
	boot_image_put32(&image, at + 8, 18);
	memcpy(image.bytes + at + 12, "GNU", 4);
}

static void test_note_8_bytes_found(void **state)
{
	(void)state;
	check_entry(IMAGE_ENTRY);
}

static void test_note_4_bytes_found(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 4,
			UINT64_C(0xbadbadbad) << 32 | IMAGE_ENTRY);
	note->p_filesz = 20;
	check_entry(IMAGE_ENTRY);
}

static void test_note_other_descriptor_size_refused(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 2, IMAGE_ENTRY);
	check_parse_refused(&image, "program header 2: PVH note of 2 bytes");
}

static void test_note_without_descriptor_refused(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 0, 0);
	note->p_filesz = 16;
	check_parse_refused(&image, "PVH note of 0 bytes");
}

static void test_note_entry_at_4g_refused(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 8, UINT64_C(1) << 32);
	check_parse_refused(&image, "PVH entry 0x100000000 is not below 4 GiB");
}

static void test_note_entry_outside_segments_refused(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 8,
			IMAGE_TEXT_GPA + IMAGE_TEXT_BYTES);
	check_parse_refused(&image,
			    "PVH entry 0x20200 lies in no loaded segment");
}

/* Zeroes are no code. */
static void test_note_entry_in_bss_refused(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT, 8, IMAGE_DATA_GPA + 0x100);
	check_parse_refused(&image, "lies in no loaded segment");
}

static void test_note_other_type_ignored(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT + 8, 17);
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

static void test_note_other_name_ignored(void **state)
{
	(void)state;
	image.bytes[IMAGE_NOTE_AT + 12] = 'x';
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

static void test_note_name_without_nul_ignored(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT, 3);
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

static void test_note_after_others_found(void **state)
{
	(void)state;
	put_foreign_note(IMAGE_NOTE_AT, 4, 5);
	boot_image_note(&image, IMAGE_NOTE_AT + 16 + 8, 8, IMAGE_ENTRY + 4);
	note->p_filesz = 24 + 24;
	check_entry(IMAGE_ENTRY + 4);
}

static void test_note_unpadded_name_found_behind(void **state)
{
	(void)state;
	put_foreign_note(IMAGE_NOTE_AT, 2, 0);
	boot_image_note(&image, IMAGE_NOTE_AT + 16, 8, IMAGE_ENTRY + 4);
	note->p_filesz = 16 + 24;
	check_entry(IMAGE_ENTRY + 4);
}

/* As in .note.gnu.property: names and descriptors are padded to 8. */
static void test_note_aligned_to_8_found(void **state)
{
	(void)state;
	put_foreign_note(IMAGE_NOTE_AT, 4, 12);
	boot_image_note(&image, IMAGE_NOTE_AT + 16 + 16, 8, IMAGE_ENTRY + 4);
	note->p_align = 8;
	note->p_filesz = 32 + 24;
	check_entry(IMAGE_ENTRY + 4);
}

static void test_note_first_of_two_counts(void **state)
{
	(void)state;
	boot_image_note(&image, IMAGE_NOTE_AT + 24, 8, IMAGE_ENTRY + 4);
	note->p_filesz = 24 + 24;
	check_entry(IMAGE_ENTRY);
}

static void test_note_in_second_segment_found(void **state)
{
	Elf64_Phdr second = *note;

	(void)state;
	put_foreign_note(0x180, 4, 0);
	note->p_offset = 0x180;
	note->p_filesz = 16;
	*boot_image_phdr(&image, IMAGE_PHDRS) = second;
	boot_image_ehdr(&image)->e_phnum = IMAGE_PHDRS + 1;
	check_entry(IMAGE_ENTRY);
}

static void test_note_segment_past_file_refused(void **state)
{
	(void)state;
	note->p_offset = image.size - 23;
	check_parse_refused(&image, "segment 2: truncated");
}

static void test_note_segment_wraps_refused(void **state)
{
	(void)state;
	note->p_offset = UINT64_MAX - 8;
	check_parse_refused(&image, "segment 2: truncated");
}

static void test_note_name_past_segment_refused(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT, 13);
	check_parse_refused(
		&image, "program header 2: note at 0 runs past the segment");
}

static void test_note_descriptor_past_segment_refused(void **state)
{
	(void)state;
	note->p_filesz = 23;
	check_parse_refused(&image, "note at 0 runs past the segment");
}

static void test_note_name_size_absurd_refused(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT, UINT32_MAX);
	check_parse_refused(&image, "runs past the segment");
}

static void test_note_descriptor_size_absurd_refused(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT + 4, UINT32_MAX);
	check_parse_refused(&image, "runs past the segment");
}

/* Both sizes near 2^32: no 32-bit sum of them may wrap. */
static void test_note_sizes_together_absurd_refused(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT, UINT32_MAX - 7);
	boot_image_put32(&image, IMAGE_NOTE_AT + 4, UINT32_MAX - 7);
	check_parse_refused(&image, "runs past the segment");
}

static void test_note_missing_last_padding_accepted(void **state)
{
	(void)state;
	put_foreign_note(IMAGE_NOTE_AT + 24, 4, 3);
	boot_image_put32(&image, IMAGE_NOTE_AT + 8, 17);
	note->p_filesz = 24 + 19;
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

static void test_note_short_rest_is_padding(void **state)
{
	(void)state;
	boot_image_put32(&image, IMAGE_NOTE_AT + 8, 17);
	note->p_filesz = 24 + 11;
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

static void test_note_empty_segment_ignored(void **state)
{
	(void)state;
	note->p_filesz = 0;
	note->p_offset = UINT64_MAX;
	check_parse_refused(&image, "no PVH note and no multiboot header");
}

/* The last note's end is the file's last byte: sanitizers watch the rest. */
static void test_note_at_end_of_file_found(void **state)
{
	(void)state;
	note->p_offset = image.size;
	boot_image_note(&image, image.size, 8, IMAGE_ENTRY);
	image.size += 24;
	check_entry(IMAGE_ENTRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, make_image)
		CASE(test_note_8_bytes_found),
		CASE(test_note_4_bytes_found),
		CASE(test_note_other_descriptor_size_refused),
		CASE(test_note_without_descriptor_refused),
		CASE(test_note_entry_at_4g_refused),
		CASE(test_note_entry_outside_segments_refused),
		CASE(test_note_entry_in_bss_refused),
		CASE(test_note_other_type_ignored),
		CASE(test_note_other_name_ignored),
		CASE(test_note_name_without_nul_ignored),
		CASE(test_note_after_others_found),
		CASE(test_note_unpadded_name_found_behind),
		CASE(test_note_aligned_to_8_found),
		CASE(test_note_first_of_two_counts),
		CASE(test_note_in_second_segment_found),
		CASE(test_note_segment_past_file_refused),
		CASE(test_note_segment_wraps_refused),
		CASE(test_note_name_past_segment_refused),
		CASE(test_note_descriptor_past_segment_refused),
		CASE(test_note_name_size_absurd_refused),
		CASE(test_note_descriptor_size_absurd_refused),
		CASE(test_note_sizes_together_absurd_refused),
		CASE(test_note_missing_last_padding_accepted),
		CASE(test_note_short_rest_is_padding),
		CASE(test_note_empty_segment_ignored),
		CASE(test_note_at_end_of_file_found),
	};

	return cmocka_run_group_tests_name("elf notes", tests, NULL, NULL);
}
