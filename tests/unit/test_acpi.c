/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables, read as an operating system does: from the RSDP on, each checked
 * by its checksum, fields by the offsets of the specification (R: CARD-11).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/acpi.h"
#include "pc_map.h"
#include "unit/acpi_tables.h"

static struct acpi_tables tables;

static int free_tables(void **state)
{
	(void)state;
	acpi_tables_free(&tables);
	return 0;
}

static void make(unsigned ncpus)
{
	const struct acpi_source src = {.ncpus = ncpus};

	acpi_tables_make(&tables, &src);
}

static uint64_t word(const uint8_t *table, size_t at, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, table + at, bytes);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t count)
{
	uint8_t total = 0;

	while (count-- > 0)
		total = (uint8_t)(total + *bytes++);
	return total;
}

static const uint8_t *table(const char *signature)
{
	const uint8_t *found = acpi_tables_find(&tables, signature);

	if (!found)
		fail_msg("no table %s", signature);
	return found;
}

static void test_acpi_rsdp_is_version_2_with_both_checksums(void **state)
{
	(void)state;
	make(1);
	assert_memory_equal(tables.bytes, "RSD PTR ", 8);
	assert_int_equal(word(tables.bytes, 15, 1), 2);
	assert_int_equal(word(tables.bytes, 16, 4), 0);
	assert_int_equal(word(tables.bytes, 20, 4), 36);
	assert_int_equal(sum(tables.bytes, 20), 0);
	assert_int_equal(sum(tables.bytes, 36), 0);
}

static void test_acpi_every_table_has_length_and_checksum(void **state)
{
	static const char *const names[] = {"XSDT", "FACP", "APIC", "DSDT"};

	(void)state;
	make(3);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *t = table(names[i]);
		uint64_t bytes = word(t, 4, 4);

		assert_memory_equal(t, names[i], 4);
		assert_true(bytes >= 36);
		assert_true(bytes <= tables.size - (uint64_t)(t - tables.bytes));
		assert_int_equal(sum(t, bytes), 0);
	}
}

/* The size is counted before there is room to write. */
static void test_acpi_size_is_what_is_written(void **state)
{
	const struct acpi_source src = {.ncpus = 256, .rtc = true};
	uint64_t size = acpi_bytes(&src);
	uint8_t *bytes = malloc(size + 64);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0xa5, size + 64);
	acpi_write(&src, 0x1000, bytes);
	/* The last table ends with the last byte. */
	assert_int_equal(word(bytes, 24, 8) - 0x1000 +
				 word(bytes + (word(bytes, 24, 8) - 0x1000), 4,
				      4),
			 size);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(bytes[size + i], 0xa5);
	free(bytes);
}

static void test_acpi_one_cpu_fits_in_a_quarter_page(void **state)
{
	const struct acpi_source src = {.ncpus = 1};

	(void)state;
	assert_true(acpi_bytes(&src) <= 1024);
}

static void test_acpi_fadt_is_hardware_reduced(void **state)
{
	const uint8_t *fadt;

	(void)state;
	make(1);
	fadt = table("FACP");
	assert_int_equal(word(fadt, 4, 4), 276);
	assert_int_equal(word(fadt, 8, 1), 6);
	assert_true(word(fadt, 112, 4) & 1u << 20);
	/* What only full ACPI has: PM timer, events, SMI. */
	for (size_t at = 36; at < 109; at++)
		assert_int_equal(fadt[at], 0);
	assert_int_equal(word(fadt, 132, 8), 0);
	for (size_t at = 148; at < 244; at++)
		assert_int_equal(fadt[at], 0);
}

static void check_register(const uint8_t *fadt, size_t at, uint16_t port)
{
	assert_int_equal(word(fadt, at, 1), 1);     /* I/O space */
	assert_int_equal(word(fadt, at + 1, 1), 8); /* bits */
	assert_int_equal(word(fadt, at + 2, 1), 0);
	assert_int_equal(word(fadt, at + 3, 1), 1); /* byte access */
	assert_int_equal(word(fadt, at + 4, 8), port);
}

static void test_acpi_fadt_names_sleep_and_reset_registers(void **state)
{
	const uint8_t *fadt;

	(void)state;
	make(1);
	fadt = table("FACP");
	check_register(fadt, 116, PC_RESET_PORT);
	assert_int_equal(word(fadt, 128, 1), PC_RESET_VALUE);
	assert_true(word(fadt, 112, 4) & 1u << 10);
	check_register(fadt, 244, PC_SLEEP_CONTROL_PORT);
	check_register(fadt, 256, PC_SLEEP_STATUS_PORT);
}

static void test_acpi_fadt_says_which_legacy_there_is(void **state)
{
	struct acpi_source src = {.ncpus = 1};

	(void)state;
	acpi_tables_make(&tables, &src);
	/* No VGA, no MSI, no CMOS clock; no 8042, no other device. */
	assert_int_equal(word(table("FACP"), 109, 2), 0x2c);
	acpi_tables_free(&tables);
	src.rtc = true;
	acpi_tables_make(&tables, &src);
	assert_int_equal(word(table("FACP"), 109, 2), 0x0c);
}

static void test_acpi_madt_has_each_cpu_and_the_io_apic(void **state)
{
	const uint8_t *madt, *entry;

	(void)state;
	make(3);
	madt = table("APIC");
	assert_int_equal(word(madt, 4, 4), 44 + 3 * 8 + 12 + 10);
	assert_int_equal(word(madt, 36, 4), PC_LAPIC_GPA);
	assert_int_equal(word(madt, 40, 4), 0);
	for (unsigned i = 0; i < 3; i++) {
		entry = madt + 44 + i * 8;
		assert_int_equal(entry[0], 0);
		assert_int_equal(entry[1], 8);
		assert_int_equal(entry[2], i);
		assert_int_equal(entry[3], i);
		assert_int_equal(word(entry, 4, 4), 1);
	}
	entry = madt + 44 + 3 * 8;
	assert_int_equal(entry[0], 1);
	assert_int_equal(entry[1], 12);
	assert_int_equal(word(entry, 4, 4), PC_IOAPIC_GPA);
	assert_int_equal(word(entry, 8, 4), 0);
}

/* IRQ 0 of the ISA, the timer's, is at pin 2 of the I/O APIC. */
static void test_acpi_madt_has_the_timers_override(void **state)
{
	static const uint8_t override[] = {2, 10, 0, 0, 2, 0, 0, 0, 0, 0};

	(void)state;
	make(1);
	assert_memory_equal(table("APIC") + 44 + 8 + 12, override,
			    sizeof(override));
}

/* 255 is everybody's address to an xAPIC. */
static void test_acpi_madt_cpu_255_is_an_x2apic(void **state)
{
	const uint8_t *entry;

	(void)state;
	make(256);
	entry = table("APIC") + 44 + 255 * 8;
	assert_int_equal(entry[0], 9);
	assert_int_equal(entry[1], 16);
	assert_int_equal(word(entry, 4, 4), 255);
	assert_int_equal(word(entry, 8, 4), 1);
	assert_int_equal(word(entry, 12, 4), 255);
}

/* Name(\_S5_, Package() {5, 5, 0, 0}) */
static void test_acpi_dsdt_has_s5(void **state)
{
	static const uint8_t s5[] = {0x08, '\\', '_',  'S',  '5',
				     '_',  0x12, 0x08, 0x04, 0x0a,
				     5,    0x0a, 5,    0,    0};

	(void)state;
	make(1);
	assert_memory_equal(table("DSDT") + 36, s5, sizeof(s5));
}

#define ACPI(test) cmocka_unit_test_teardown(test, free_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ACPI(test_acpi_rsdp_is_version_2_with_both_checksums),
		ACPI(test_acpi_every_table_has_length_and_checksum),
		ACPI(test_acpi_size_is_what_is_written),
		ACPI(test_acpi_one_cpu_fits_in_a_quarter_page),
		ACPI(test_acpi_fadt_is_hardware_reduced),
		ACPI(test_acpi_fadt_names_sleep_and_reset_registers),
		ACPI(test_acpi_fadt_says_which_legacy_there_is),
		ACPI(test_acpi_madt_has_each_cpu_and_the_io_apic),
		ACPI(test_acpi_madt_has_the_timers_override),
		ACPI(test_acpi_madt_cpu_255_is_an_x2apic),
		ACPI(test_acpi_dsdt_has_s5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
