/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF header and the table of program headers (R: CARD-1). */
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
	boot_image_pvh(&image);
	return 0;
}

/* Of either class it is the same kernel. */
static void check_good(void)
{
	struct kernel_image kernel;

	check_parses(&image, &kernel);
	assert_int_equal(kernel.protocol, BOOT_PVH);
	assert_int_equal(kernel.entry_gpa, IMAGE_ENTRY);
	assert_int_equal(kernel.nr_segments, 2);
	assert_int_equal(kernel.segments[1].gpa, IMAGE_DATA_GPA);
	assert_int_equal(kernel.segments[1].file_bytes, 0x100);
	assert_int_equal(kernel.segments[1].mem_bytes, 0x2000);
	boot_image_release(&kernel);
}

static void test_elf_good_parses(void **state)
{
	(void)state;
	check_good();
}

/* Not one length short of the last byte in use is taken for a kernel. */
static void test_elf_truncated_anywhere_refused(void **state)
{
	size_t used = IMAGE_DATA_AT + IMAGE_TEXT_BYTES + 0x100;

	(void)state;
	for (size_t size = 1; size < used; size++) {
		image.size = size;
		check_parse_refused(&image,
				    size < 4 ? "neither an ELF" : "truncated");
	}
}

static void test_elf_shorter_than_header_says_truncated(void **state)
{
	(void)state;
	image.size = 63;
	check_parse_refused(&image,
			    "k.elf: truncated: 63 bytes; an ELF header has 64");
}

static void test_elf_not_elf_refused(void **state)
{
	(void)state;
	image.bytes[0] = '#';
	check_parse_refused(
		&image,
		"k.elf: neither an ELF file nor a Linux bzImage nor a multiboot image");
}

static void test_elf_32bit_parses_alike(void **state)
{
	(void)state;
	boot_image_narrow(&image);
	check_good();
}

static void test_elf_32bit_truncated_anywhere_refused(void **state)
{
	size_t used = IMAGE_DATA_AT + IMAGE_TEXT_BYTES + 0x100;

	(void)state;
	boot_image_narrow(&image);
	for (size_t size = 4; size < used; size++) {
		image.size = size;
		check_parse_refused(&image, "truncated");
	}
	image.size = 51;
	check_parse_refused(&image,
			    "k.elf: truncated: 51 bytes; an ELF header has 52");
}

/* Each class has its machine and sizes: one's are none of the other's. */
static void test_elf_32bit_with_fields_of_64bit_refused(void **state)
{
	Elf32_Ehdr *ehdr = (Elf32_Ehdr *)(void *)image.bytes;

	(void)state;
	boot_image_narrow(&image);
	ehdr->e_machine = EM_X86_64;
	check_parse_refused(&image, "ELF machine 62; i386 (3) is needed");
	ehdr->e_machine = EM_386;
	ehdr->e_ehsize = sizeof(Elf64_Ehdr);
	check_parse_refused(&image, "ELF header size 64; 52 is needed");
	ehdr->e_ehsize = sizeof(Elf32_Ehdr);
	ehdr->e_phentsize = sizeof(Elf64_Phdr);
	check_parse_refused(&image, "program header size 56; 32 is needed");
}

static void test_elf_unknown_class_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_ident[EI_CLASS] = 3;
	check_parse_refused(&image, "ELF class 3");
}

static void test_elf_big_endian_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_ident[EI_DATA] = ELFDATA2MSB;
	check_parse_refused(&image, "data encoding 2");
}

static void test_elf_ident_version_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_ident[EI_VERSION] = 0;
	check_parse_refused(&image, "ELF version 0/1");
}

static void test_elf_version_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_version = 7;
	check_parse_refused(&image, "ELF version 1/7");
}

static void test_elf_other_machine_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_machine = EM_AARCH64;
	check_parse_refused(&image, "ELF machine 183");
}

static void test_elf_dynamic_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_type = ET_DYN;
	check_parse_refused(&image, "position-independent");
}

static void test_elf_object_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_type = ET_REL;
	check_parse_refused(&image, "ELF type 1");
}

static void test_elf_header_size_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_ehsize = 52;
	check_parse_refused(&image, "ELF header size 52");
}

static void test_elf_phentsize_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phentsize = 32;
	check_parse_refused(&image, "program header size 32");
}

static void test_elf_phnum_zero_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phnum = 0;
	check_parse_refused(&image, "no program headers");
}

static void test_elf_phnum_extended_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phnum = PN_XNUM;
	check_parse_refused(&image, "65535 or more program headers");
}

static void test_elf_phnum_past_file_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phnum = PN_XNUM - 1;
	check_parse_refused(&image, "truncated: 65534 program headers");
}

static void test_elf_phoff_in_header_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phoff = 63;
	check_parse_refused(&image, "overlap the ELF header");
}

static void test_elf_phoff_past_file_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phoff = image.size + 1;
	check_parse_refused(&image, "truncated: 3 program headers");
}

static void test_elf_phoff_one_byte_short_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phoff =
		image.size - IMAGE_PHDRS * sizeof(Elf64_Phdr) + 1;
	check_parse_refused(&image, "truncated: 3 program headers");
}

static void test_elf_phoff_wraps_refused(void **state)
{
	(void)state;
	boot_image_ehdr(&image)->e_phoff = UINT64_MAX - 32;
	check_parse_refused(&image, "truncated: 3 program headers");
}

static void test_elf_phoff_at_end_of_file_parses(void **state)
{
	const size_t table = IMAGE_PHDRS * sizeof(Elf64_Phdr);
	struct kernel_image kernel;

	(void)state;
	memcpy(image.bytes + image.size, boot_image_phdr(&image, 0), table);
	boot_image_ehdr(&image)->e_phoff = image.size;
	image.size += table;
	check_parses(&image, &kernel);
	boot_image_release(&kernel);
}

/* Section headers are none of the loader's business. */
static void test_elf_section_fields_ignored(void **state)
{
	Elf64_Ehdr *ehdr = boot_image_ehdr(&image);
	struct kernel_image kernel;

	(void)state;
	ehdr->e_shoff = UINT64_MAX;
	ehdr->e_shnum = 0xffff;
	ehdr->e_shentsize = 1;
	ehdr->e_shstrndx = 0xffff;
	check_parses(&image, &kernel);
	boot_image_release(&kernel);
}

static void test_elf_without_any_entry_refused(void **state)
{
	(void)state;
	boot_image_phdr(&image, IMAGE_NOTE)->p_type = PT_NULL;
	check_parse_refused(&image,
			    "no PVH note and no multiboot header: k.elf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, make_image)
		CASE(test_elf_good_parses),
		CASE(test_elf_truncated_anywhere_refused),
		CASE(test_elf_shorter_than_header_says_truncated),
		CASE(test_elf_not_elf_refused),
		CASE(test_elf_32bit_parses_alike),
		CASE(test_elf_32bit_truncated_anywhere_refused),
		CASE(test_elf_32bit_with_fields_of_64bit_refused),
		CASE(test_elf_unknown_class_refused),
		CASE(test_elf_big_endian_refused),
		CASE(test_elf_ident_version_refused),
		CASE(test_elf_version_refused),
		CASE(test_elf_other_machine_refused),
		CASE(test_elf_dynamic_refused),
		CASE(test_elf_object_refused),
		CASE(test_elf_header_size_refused),
		CASE(test_elf_phentsize_refused),
		CASE(test_elf_phnum_zero_refused),
		CASE(test_elf_phnum_extended_refused),
		CASE(test_elf_phnum_past_file_refused),
		CASE(test_elf_phoff_in_header_refused),
		CASE(test_elf_phoff_past_file_refused),
		CASE(test_elf_phoff_one_byte_short_refused),
		CASE(test_elf_phoff_wraps_refused),
		CASE(test_elf_phoff_at_end_of_file_parses),
		CASE(test_elf_section_fields_ignored),
		CASE(test_elf_without_any_entry_refused),
	};

	return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
