/* SPDX-License-Identifier: Apache-2.0 */
/* Turning off and reset by ACPI's registers, by way of the bus (R: CARD-11). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/acpi_power.h"
#include "pc_map.h"

#define SLP_EN 0x20u
#define S5 (PC_SLEEP_TYPE_S5 << 2)

/* Of the last access. */
static enum dis_reason reason;

static enum io_action access_port(uint16_t port, uint8_t width, bool write,
				  uint8_t *data)
{
	struct io_access a = {.addr = port,
			      .width = width,
			      .write = write,
			      .count = 1,
			      .data = data};
	enum io_action action;
	struct io_bus bus;

	io_bus_init(&bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&bus, PC_SLEEP_CONTROL_PORT,
				    ACPI_POWER_PORTS, &acpi_power_ops, NULL),
			 0);
	action = io_bus_access(&bus, &a);
	reason = a.reason;
	if (action == IO_EXIT)
		assert_int_equal(a.exit_code, 0);
	return action;
}

static enum io_action write_port(uint16_t port, uint8_t value)
{
	return access_port(port, 1, true, &value);
}

static void test_acpi_power_s5_ends_the_guest(void **state)
{
	(void)state;
	assert_int_equal(write_port(PC_SLEEP_CONTROL_PORT, SLP_EN | S5),
			 IO_EXIT);
	assert_int_equal(reason, DIS_REASON_NONE);
}

static void test_acpi_power_without_enable_does_nothing(void **state)
{
	(void)state;
	assert_int_equal(write_port(PC_SLEEP_CONTROL_PORT, S5), IO_NONE);
}

/* S3 and whatever else the DSDT does not offer. */
static void test_acpi_power_other_sleep_does_nothing(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 8; type++)
		if (type != PC_SLEEP_TYPE_S5)
			assert_int_equal(
				write_port(PC_SLEEP_CONTROL_PORT,
					   (uint8_t)(SLP_EN | type << 2)),
				IO_NONE);
}

static void test_acpi_power_reset_ends_the_guest(void **state)
{
	(void)state;
	assert_int_equal(write_port(PC_RESET_PORT, PC_RESET_VALUE), IO_EXIT);
	assert_int_equal(reason, DIS_REASON_RESET);
}

static void test_acpi_power_other_reset_value_does_nothing(void **state)
{
	(void)state;
	assert_int_equal(write_port(PC_RESET_PORT, 0), IO_NONE);
	assert_int_equal(write_port(PC_RESET_PORT, SLP_EN | S5), IO_NONE);
}

static void test_acpi_power_status_ignores_writes(void **state)
{
	(void)state;
	assert_int_equal(write_port(PC_SLEEP_STATUS_PORT, SLP_EN | S5), IO_NONE);
	assert_int_equal(write_port(PC_SLEEP_STATUS_PORT, 1), IO_NONE);
}

static void test_acpi_power_reads_zero_in_full_width(void **state)
{
	uint8_t data[4] = {1, 2, 3, 4};
	static const uint8_t zero[4];

	(void)state;
	assert_int_equal(access_port(PC_SLEEP_STATUS_PORT, 4, false, data),
			 IO_NONE);
	assert_memory_equal(data, zero, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acpi_power_s5_ends_the_guest),
		cmocka_unit_test(test_acpi_power_without_enable_does_nothing),
		cmocka_unit_test(test_acpi_power_other_sleep_does_nothing),
		cmocka_unit_test(test_acpi_power_reset_ends_the_guest),
		cmocka_unit_test(test_acpi_power_other_reset_value_does_nothing),
		cmocka_unit_test(test_acpi_power_status_ignores_writes),
		cmocka_unit_test(test_acpi_power_reads_zero_in_full_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
