/* SPDX-License-Identifier: Apache-2.0 */
/* Names from symbol tables (R: CARD-7), good ones and broken ones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "diag/symbols.h"
#include "unit/symbol_image.h"

static struct symbol_image image;
static struct symbols *symbols;
static char err[256];

static int set_up(void **state)
{
	(void)state;
	symbol_image_make(&image);
	symbols = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	symbols_free(symbols);
	return 0;
}

static void read_symbols(void)
{
	assert_int_equal(symbols_read((const uint8_t *)&image, sizeof(image),
				      &symbols, err, sizeof(err)),
			 0);
}

static void expect_name(uint64_t address, const char *name)
{
	char text[SYMBOL_TEXT_MAX];

	assert_int_equal(symbols_name(symbols, address, text), *name != '\0');
	assert_string_equal(text, name);
}

/* In a copy of its very size, so that a sanitizer sees what lies beside. */
static void expect_refused(size_t size, int want, const char *words)
{
	uint8_t *bytes = malloc(size ? size : 1);

	assert_non_null(bytes);
	memcpy(bytes, &image, size);
	assert_int_equal(symbols_read(bytes, size, &symbols, err, sizeof(err)),
			 want);
	free(bytes);
	if (!strstr(err, words))
		fail_msg("'%s' does not say '%s'", err, words);
}

static void test_symbols_function_names_its_bytes(void **state)
{
	(void)state;
	symbol_image_add(&image, "start", STT_FUNC, IMAGE_TEXT + 0x100, 0x20);
	read_symbols();
	assert_int_equal(symbols_count(symbols), 1);
	expect_name(IMAGE_TEXT + 0xff, "");
	expect_name(IMAGE_TEXT + 0x100, "start");
	expect_name(IMAGE_TEXT + 0x11f, "start+0x1f");
	expect_name(IMAGE_TEXT + 0x120, "");
	assert_int_equal(symbols_offset(symbols, IMAGE_TEXT + 0x110), 0x10);
	assert_int_equal(symbols_offset(symbols, 0), UINT64_MAX);
}

static void test_symbols_label_reaches_to_the_next(void **state)
{
	(void)state;
	symbol_image_add(&image, "b", STT_NOTYPE, IMAGE_TEXT + 0x80, 0);
	symbol_image_add(&image, "a", STT_NOTYPE, IMAGE_TEXT, 0);
	read_symbols();
	expect_name(IMAGE_TEXT + 0x7f, "a+0x7f");
	expect_name(IMAGE_TEXT + 0x80, "b");
	/* But not for ever. */
	expect_name(IMAGE_TEXT + 0xfff, "");
}

static void test_symbols_inner_one_goes_first(void **state)
{
	(void)state;
	symbol_image_add(&image, "outer", STT_FUNC, IMAGE_TEXT, 0x100);
	symbol_image_add(&image, "inner", STT_FUNC, IMAGE_TEXT + 0x10, 0x10);
	read_symbols();
	expect_name(IMAGE_TEXT + 0x18, "inner+0x8");
	expect_name(IMAGE_TEXT + 0x20, "outer+0x20");
}

static void test_symbols_of_one_address_the_best_is_taken(void **state)
{
	(void)state;
	symbol_image_add(&image, "label", STT_NOTYPE, IMAGE_TEXT, 0);
	symbol_image_add(&image, "local", STT_FUNC, IMAGE_TEXT, 8)->st_info =
		ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
	symbol_image_add(&image, "global", STT_FUNC, IMAGE_TEXT, 8);
	read_symbols();
	assert_int_equal(symbols_count(symbols), 1);
	expect_name(IMAGE_TEXT, "global");
}

/* A kernel that runs where it was loaded, before it maps itself. */
static void test_symbols_name_loaded_addresses(void **state)
{
	(void)state;
	symbol_image_add(&image, "startup_64", STT_FUNC, IMAGE_TEXT, 0x40);
	read_symbols();
	expect_name(IMAGE_LOADED + 0x12, "startup_64+0x12");
	assert_int_equal(symbols_offset(symbols, IMAGE_LOADED + 0x12), 0x12);
	expect_name(IMAGE_LOADED + 0x40, "");
	expect_name(IMAGE_LOADED + IMAGE_TEXT_BYTES, "");
}

static void test_symbols_that_are_no_code_are_left_out(void **state)
{
	(void)state;
	symbol_image_add(&image, "data", STT_OBJECT, IMAGE_TEXT, 8);
	symbol_image_add(&image, "file", STT_FILE, IMAGE_TEXT, 8);
	symbol_image_add(&image, "in_data", STT_NOTYPE, IMAGE_DATA, 8)->st_shndx =
		SECTION_DATA;
	symbol_image_add(&image, "undefined", STT_FUNC, IMAGE_TEXT, 8)->st_shndx =
		SHN_UNDEF;
	symbol_image_add(&image, "absolute", STT_NOTYPE, IMAGE_TEXT, 8)
		->st_shndx = SHN_ABS;
	symbol_image_add(&image, "beyond", STT_FUNC,
			 IMAGE_TEXT + IMAGE_TEXT_BYTES, 8);
	symbol_image_add(&image, "", STT_FUNC, IMAGE_TEXT, 8);
	expect_refused(sizeof(image), -ENOENT, "no symbol table");
}

/* What a symbol says of itself is cut to its section, its name to the table. */
static void test_symbols_size_and_name_are_bounded(void **state)
{
	(void)state;
	symbol_image_add(&image, "huge", STT_FUNC, IMAGE_TEXT + 0x10,
			 UINT64_MAX);
	symbol_image_add(&image, "last", STT_FUNC, IMAGE_TEXT + 0xff0, 0x10);
	/* Its name ends with the table, without a 0. */
	image.shdr[SECTION_STRTAB].sh_size -= 3;
	read_symbols();
	expect_name(IMAGE_TEXT + 0xfef, "huge+0xfdf");
	expect_name(IMAGE_TEXT + 0xff0, "la");
	expect_name(IMAGE_TEXT + 0x1000, "");
}

static void test_symbols_names_come_out_printable(void **state)
{
	char text[SYMBOL_TEXT_MAX];
	char name[200];

	(void)state;
	symbol_image_add(&image, "\033[2J\n\x80 x", STT_FUNC, IMAGE_TEXT, 8);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	symbol_image_add(&image, name, STT_FUNC, IMAGE_TEXT + 8, 8);
	read_symbols();
	expect_name(IMAGE_TEXT, "?[2J???x");
	assert_true(symbols_name(symbols, IMAGE_TEXT + 9, text));
	assert_in_range(strlen(text), 64, SYMBOL_TEXT_MAX - 1);
	assert_non_null(strstr(text, "n+0x1"));
}

static void test_symbols_of_other_files_are_absent(void **state)
{
	(void)state;
	symbol_image_add(&image, "start", STT_FUNC, IMAGE_TEXT, 8);
	expect_refused(0, -ENOENT, "no symbol table");
	expect_refused(sizeof(Elf64_Ehdr) - 1, -ENOENT, "no symbol table");
	image.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	expect_refused(sizeof(image), -ENOENT, "no symbol table");
	image.ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	image.ehdr.e_ident[0] = 'M';
	expect_refused(sizeof(image), -ENOENT, "no symbol table");
	image.ehdr.e_ident[0] = ELFMAG0;
	image.ehdr.e_shnum = 0;
	expect_refused(sizeof(image), -ENOENT, "no symbol table");
	image.ehdr.e_shnum = SECTIONS;
	image.shdr[SECTION_SYMTAB].sh_type = SHT_NULL;
	expect_refused(sizeof(image), -ENOENT, "no symbol table");
}

static void test_symbols_section_headers_outside_file_are_refused(void **state)
{
	const uint64_t good = image.ehdr.e_shoff;

	(void)state;
	expect_refused(good + sizeof(image.shdr) - 1, -EINVAL,
		       "5 section headers at 0x78 do not fit the file's");
	image.ehdr.e_shoff = UINT64_MAX - 64;
	expect_refused(sizeof(image), -EINVAL, "section headers");
	image.ehdr.e_shoff = good;
	image.ehdr.e_shentsize = 1;
	expect_refused(sizeof(image), -EINVAL, "section headers");
}

static void test_symbols_table_outside_file_is_refused(void **state)
{
	Elf64_Shdr *symtab = &image.shdr[SECTION_SYMTAB];
	const Elf64_Shdr good = *symtab;

	(void)state;
	symtab->sh_size = sizeof(image);
	expect_refused(sizeof(image), -EINVAL, "symbol table of");
	*symtab = good;
	symtab->sh_offset = UINT64_MAX;
	symtab->sh_size = 24;
	expect_refused(sizeof(image), -EINVAL, "symbol table of");
	*symtab = good;
	symtab->sh_entsize = 0;
	expect_refused(sizeof(image), -EINVAL, "symbol table of");
	*symtab = good;
	symtab->sh_link = SECTIONS;
	expect_refused(sizeof(image), -EINVAL, "string table is section 5 of 5");
	symtab->sh_link = SECTION_TEXT;
	expect_refused(sizeof(image), -EINVAL, "string table of");
}

static void test_symbols_string_table_outside_file_is_refused(void **state)
{
	(void)state;
	image.shdr[SECTION_STRTAB].sh_size = UINT64_MAX;
	expect_refused(sizeof(image), -EINVAL, "string table of");
	image.shdr[SECTION_STRTAB].sh_size = 1;
	image.shdr[SECTION_STRTAB].sh_offset = sizeof(image);
	expect_refused(sizeof(image), -EINVAL, "string table of");
}

static void test_symbols_with_name_outside_table_are_left_out(void **state)
{
	(void)state;
	symbol_image_add(&image, "good", STT_FUNC, IMAGE_TEXT, 8);
	symbol_image_add(&image, "bad", STT_FUNC, IMAGE_TEXT + 8, 8)->st_name =
		UINT32_MAX;
	read_symbols();
	assert_int_equal(symbols_count(symbols), 1);
	expect_name(IMAGE_TEXT + 8, "");
}

/* Segments that say anything: an address that wraps is only not found. */
static void test_symbols_wild_segments_do_no_harm(void **state)
{
	(void)state;
	symbol_image_add(&image, "start", STT_FUNC, IMAGE_TEXT, 8);
	image.phdr.p_memsz = UINT64_MAX;
	image.phdr.p_vaddr = UINT64_MAX - 4;
	read_symbols();
	expect_name(IMAGE_LOADED + 0x100, "");
	expect_name(UINT64_MAX, "");
	symbols_free(symbols);
	symbols = NULL;
	image.ehdr.e_phoff = UINT64_MAX;
	read_symbols();
	expect_name(IMAGE_TEXT, "start");
	expect_name(IMAGE_LOADED, "");
}

static void test_symbols_without_table_name_nothing(void **state)
{
	(void)state;
	expect_name(IMAGE_TEXT, "");
	assert_int_equal(symbols_count(NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_symbols_function_names_its_bytes),
		TEST(test_symbols_label_reaches_to_the_next),
		TEST(test_symbols_inner_one_goes_first),
		TEST(test_symbols_of_one_address_the_best_is_taken),
		TEST(test_symbols_name_loaded_addresses),
		TEST(test_symbols_that_are_no_code_are_left_out),
		TEST(test_symbols_size_and_name_are_bounded),
		TEST(test_symbols_names_come_out_printable),
		TEST(test_symbols_of_other_files_are_absent),
		TEST(test_symbols_section_headers_outside_file_are_refused),
		TEST(test_symbols_table_outside_file_is_refused),
		TEST(test_symbols_string_table_outside_file_is_refused),
		TEST(test_symbols_with_name_outside_table_are_left_out),
		TEST(test_symbols_wild_segments_do_no_harm),
		TEST(test_symbols_without_table_name_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
