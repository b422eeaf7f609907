/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map with and without ACPI tables (R: CARD-11). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "boot/memmap.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct memmap_entry map[MEMMAP_ENTRIES_MAX];
static unsigned nr;

static void check_entry(unsigned index, uint64_t gpa, uint64_t end_gpa,
			enum memmap_type type)
{
	assert_true(index < nr);
	assert_int_equal(map[index].gpa, gpa);
	assert_int_equal(map[index].gpa + map[index].bytes, end_gpa);
	assert_int_equal(map[index].type, type);
}

static void test_memmap_without_tables_is_ram_and_reserved(void **state)
{
	(void)state;
	nr = memmap_build(6 * GIB, 0, 0, map);
	assert_int_equal(nr, 5);
	check_entry(0, 0, 0xa0000, MEMMAP_RAM);
	check_entry(1, 0xa0000, MIB, MEMMAP_RESERVED);
	check_entry(2, MIB, 3 * GIB, MEMMAP_RAM);
	check_entry(3, 0xfec00000, 4 * GIB, MEMMAP_RESERVED);
	check_entry(4, 4 * GIB, 7 * GIB, MEMMAP_RAM);
}

static void test_memmap_tables_at_the_end_of_ram_cut_it(void **state)
{
	(void)state;
	nr = memmap_build(64 * MIB, 64 * MIB - 4096, 4096, map);
	assert_int_equal(nr, 5);
	check_entry(2, MIB, 64 * MIB - 4096, MEMMAP_RAM);
	check_entry(3, 64 * MIB - 4096, 64 * MIB, MEMMAP_ACPI);
	check_entry(4, 0xfec00000, 4 * GIB, MEMMAP_RESERVED);
}

static void test_memmap_tables_within_ram_split_it(void **state)
{
	(void)state;
	nr = memmap_build(6 * GIB, GIB - 8192, 8192, map);
	assert_int_equal(nr, 7);
	check_entry(2, MIB, GIB - 8192, MEMMAP_RAM);
	check_entry(3, GIB - 8192, GIB, MEMMAP_ACPI);
	check_entry(4, GIB, 3 * GIB, MEMMAP_RAM);
	check_entry(6, 4 * GIB, 7 * GIB, MEMMAP_RAM);
}

static void test_memmap_tables_below_640_kib_split_that(void **state)
{
	(void)state;
	nr = memmap_build(256 << 10, 0x3f000, 0x1000, map);
	assert_int_equal(nr, 4);
	check_entry(0, 0, 0x3f000, MEMMAP_RAM);
	check_entry(1, 0x3f000, 0x40000, MEMMAP_ACPI);
	check_entry(2, 0xa0000, MIB, MEMMAP_RESERVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memmap_without_tables_is_ram_and_reserved),
		cmocka_unit_test(test_memmap_tables_at_the_end_of_ram_cut_it),
		cmocka_unit_test(test_memmap_tables_within_ram_split_it),
		cmocka_unit_test(test_memmap_tables_below_640_kib_split_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
