/* SPDX-License-Identifier: Apache-2.0 */
/* Debug-exit port, by way of the bus (R: CARD-9). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <disvm/guest_abi.h>

#include "dev/debug_exit.h"

static struct io_access access_port(uint8_t width, bool write, uint8_t *data,
				    enum io_action *action)
{
	struct io_access a = {.addr = DISVM_DEBUG_EXIT_PORT,
			      .width = width,
			      .write = write,
			      .count = 1,
			      .data = data};
	struct io_bus bus;

	io_bus_init(&bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&bus, DISVM_DEBUG_EXIT_PORT,
				    DEBUG_EXIT_PORTS, &debug_exit_ops, NULL),
			 0);
	*action = io_bus_access(&bus, &a);
	return a;
}

static void test_debug_exit_write_zero_exits_done(void **state)
{
	uint8_t data[4] = {0};
	enum io_action action;

	(void)state;
	assert_int_equal(access_port(1, true, data, &action).exit_code, 0);
	assert_int_equal(action, IO_EXIT);
}

static void test_debug_exit_each_width_gives_its_code(void **state)
{
	uint8_t data[4] = {0x11, 0x22, 0x33, 0x84};
	enum io_action action;

	(void)state;
	assert_int_equal(access_port(1, true, data, &action).exit_code, 0x11);
	assert_int_equal(access_port(2, true, data, &action).exit_code, 0x2211);
	assert_int_equal(access_port(4, true, data, &action).exit_code,
			 0x84332211);
	assert_int_equal(action, IO_EXIT);
}

static void test_debug_exit_read_gives_all_ones(void **state)
{
	uint8_t data[4] = {0};
	enum io_action action;

	(void)state;
	access_port(4, false, data, &action);
	assert_int_equal(action, IO_NONE);
	assert_memory_equal(data, "\xff\xff\xff\xff", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debug_exit_write_zero_exits_done),
		cmocka_unit_test(test_debug_exit_each_width_gives_its_code),
		cmocka_unit_test(test_debug_exit_read_gives_all_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
