/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables as ACPICA's compiler sees them (R: CARD-11): it takes each apart
 * and puts it together again without an error or a warning, and what a guest
 * must find is in its text.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "unit/acpi_tables.h"

static const struct virtio_place places[] = {
	{.gpa = 0xd0000000, .bytes = 0x200, .gsi = 16},
	{.gpa = 0xd0001000, .bytes = 0x200, .gsi = 17},
};

static char dir[] = "/tmp/disvm-acpi-XXXXXX";
static char text[1 << 18];

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return chdir("/") || system(command) ? -1 : 0;
}

/* Output of the tool in out.txt, read into @text; a failure shows it. */
static void iasl(const char *arguments)
{
	char command[128];
	size_t bytes;
	FILE *file;
	int status;

	snprintf(command, sizeof(command), "iasl %s >out.txt 2>&1", arguments);
	status = system(command);
	file = fopen("out.txt", "r");
	assert_non_null(file);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = '\0';
	fclose(file);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s (Debian: acpica-tools):\n%s", command, text);
}

static void read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t bytes;

	assert_non_null(file);
	bytes = fread(text, 1, sizeof(text) - 1, file);
	text[bytes] = '\0';
	fclose(file);
}

static void write_table(const struct acpi_source *src, const char *signature)
{
	struct acpi_tables tables;
	const uint8_t *table;
	uint32_t bytes;
	FILE *file;

	acpi_tables_make(&tables, src);
	table = acpi_tables_find(&tables, signature);
	assert_non_null(table);
	memcpy(&bytes, table + 4, sizeof(bytes));
	file = fopen("table.aml", "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
	acpi_tables_free(&tables);
}

static bool has_line(const char *line)
{
	return strstr(text, line) != NULL;
}

static void check_table(const struct acpi_source *src, const char *signature)
{
	write_table(src, signature);
	iasl("-d table.aml");
	if (has_line("Invalid") || has_line("ncorrect checksum") ||
	    has_line("Warning"))
		fail_msg("%s: %s", signature, text);
	iasl("-p again table.dsl");
	if (!has_line("0 Errors, 0 Warnings"))
		fail_msg("%s: %s", signature, text);
	read_text("table.dsl");
}

static void expect(const char *line)
{
	if (!has_line(line))
		fail_msg("\"%s\" is not in\n%s", line, text);
}

static void test_acpi_iasl_takes_the_dsdt(void **state)
{
	const struct acpi_source src = {
		.ncpus = 1, .rtc = true, .nvirtio = 2, .virtio = places};

	(void)state;
	check_table(&src, "DSDT");
	expect("Name (\\_S5, Package (0x04)");
	expect("EisaId (\"PNP0501\") /* 16550A-compatible COM Serial Port */");
	expect("0x03F8,");
	expect("{4}");
	expect("EisaId (\"PNP0B00\")");
	expect("Device (VR00)");
	expect("Device (VR01)");
	expect("Name (_HID, \"LNRO0005\")");
	expect("0xD0001000,         // Address Base");
	expect("0x00000200,         // Address Length");
	expect("Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive, ,, )");
	expect("0x00000011,");
}

/* None of what the machine does not have. */
static void test_acpi_iasl_finds_the_serial_port_alone(void **state)
{
	const struct acpi_source src = {.ncpus = 1};

	(void)state;
	check_table(&src, "DSDT");
	expect("PNP0501");
	assert_false(has_line("PNP0B00"));
	assert_false(has_line("LNRO0005"));
}

static void test_acpi_iasl_takes_a_dsdt_of_many_devices(void **state)
{
	struct virtio_place many[64];
	const struct acpi_source src = {
		.ncpus = 1, .nvirtio = 64, .virtio = many};

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		many[i] = (struct virtio_place){0xd0000000 + i * 0x1000, 0x200,
						16 + i};
	check_table(&src, "DSDT");
	expect("Device (VR3F)");
}

static void test_acpi_iasl_takes_the_fadt(void **state)
{
	const struct acpi_source src = {.ncpus = 1};

	(void)state;
	check_table(&src, "FACP");
	expect("Hardware Reduced (V5) : 1");
	expect("Reset Register Supported (V2) : 1");
	expect("0000000000000602");
}

/* The RSDP is no table to it: test_acpi.c has that. */
static void test_acpi_iasl_takes_the_xsdt(void **state)
{
	const struct acpi_source src = {.ncpus = 1};

	(void)state;
	check_table(&src, "XSDT");
	expect("ACPI Table Address   1");
}

static void test_acpi_iasl_takes_a_madt_of_1_cpu(void **state)
{
	const struct acpi_source src = {.ncpus = 1};

	(void)state;
	check_table(&src, "APIC");
	expect("Processor Local APIC");
	expect("I/O APIC");
}

static void test_acpi_iasl_takes_a_madt_of_256_cpus(void **state)
{
	const struct acpi_source src = {.ncpus = 256};

	(void)state;
	check_table(&src, "APIC");
	expect("Processor Local x2APIC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_iasl_takes_the_dsdt),
		cmocka_unit_test(test_acpi_iasl_finds_the_serial_port_alone),
		cmocka_unit_test(test_acpi_iasl_takes_a_dsdt_of_many_devices),
		cmocka_unit_test(test_acpi_iasl_takes_the_fadt),
		cmocka_unit_test(test_acpi_iasl_takes_the_xsdt),
		cmocka_unit_test(test_acpi_iasl_takes_a_madt_of_1_cpu),
		cmocka_unit_test(test_acpi_iasl_takes_a_madt_of_256_cpus),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
