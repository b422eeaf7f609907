/* SPDX-License-Identifier: Apache-2.0 */
/* Keyboard controller and the reset registers beside it (R: CARD-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dev/i8042.h"
#include "dev/reset.h"
#include "pc_map.h"

#define DATA PC_I8042_DATA_PORT
#define COMMAND PC_I8042_COMMAND_PORT

enum {
	OUTPUT_FULL = 0x01,
	SYSTEM = 0x04,
	IS_COMMAND = 0x08,
	UNLOCKED = 0x10,
	MOUSE = 0x20,
	TIMEOUT = 0x40,
};

struct fixture {
	struct io_bus bus;
	struct i8042 kbc;
	struct reset reset;
	bool level[PC_ISA_GSIS];
	enum dis_reason reason;
	uint32_t exit_code;
};

static void on_irq(void *ctx, unsigned gsi, bool level)
{
	struct fixture *f = ctx;

	assert_true(gsi == PC_KEYBOARD_GSI || gsi == PC_MOUSE_GSI);
	assert_int_not_equal(level, f->level[gsi]);
	f->level[gsi] = level;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct irq_line keyboard = {on_irq, f, PC_KEYBOARD_GSI};
	const struct irq_line mouse = {on_irq, f, PC_MOUSE_GSI};

	assert_non_null(f);
	assert_int_equal(i8042_init(&f->kbc, &keyboard, &mouse), 0);
	reset_init(&f->reset);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, DATA, 1, &i8042_data_ops, &f->kbc),
			 0);
	assert_int_equal(io_bus_add(&f->bus, COMMAND, 1, &i8042_command_ops,
				    &f->kbc),
			 0);
	assert_int_equal(io_bus_add(&f->bus, PC_PORT_A, 1, &reset_port_a_ops,
				    &f->reset),
			 0);
	assert_int_equal(io_bus_add(&f->bus, PC_RESET_CONTROL_PORT, 1,
				    &reset_control_ops, &f->reset),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	i8042_destroy(&f->kbc);
	free(f);
	return 0;
}

static enum io_action out(struct fixture *f, uint16_t port, uint8_t val)
{
	struct io_access a = {.addr = port,
			      .width = 1,
			      .write = true,
			      .count = 1,
			      .exit_code = 99,
			      .data = &val};
	enum io_action action = io_bus_access(&f->bus, &a);

	f->reason = a.reason;
	f->exit_code = a.exit_code;
	return action;
}

static void wr(struct fixture *f, uint16_t port, uint8_t val)
{
	assert_int_equal(out(f, port, val), IO_NONE);
}

static uint8_t rd(struct fixture *f, uint16_t port)
{
	uint8_t val = 0xee;
	struct io_access a = {
		.addr = port, .width = 1, .count = 1, .data = &val};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
	return val;
}

/* A command that answers with one byte. */
static uint8_t ask(struct fixture *f, uint8_t command)
{
	wr(f, COMMAND, command);
	assert_int_equal(rd(f, COMMAND) & OUTPUT_FULL, OUTPUT_FULL);
	return rd(f, DATA);
}

static void assert_resets(struct fixture *f, uint16_t port, uint8_t val)
{
	assert_int_equal(out(f, port, val), IO_EXIT);
	assert_int_equal(f->exit_code, 0);
	assert_int_equal(f->reason, DIS_REASON_RESET);
}

static void test_i8042_starts_empty_and_unlocked(void **state)
{
	assert_int_equal(rd(*state, COMMAND), UNLOCKED);
}

static void test_i8042_self_test_passes(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xaa);
	assert_int_equal(rd(f, COMMAND),
			 UNLOCKED | IS_COMMAND | SYSTEM | OUTPUT_FULL);
	assert_int_equal(rd(f, DATA), 0x55);
	assert_int_equal(rd(f, COMMAND), UNLOCKED | IS_COMMAND | SYSTEM);
}

static void test_i8042_interface_tests_find_no_error(void **state)
{
	assert_int_equal(ask(*state, 0xab), 0x00);
	assert_int_equal(ask(*state, 0xa9), 0x00);
}

static void test_i8042_command_byte_is_read_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0x20), 0x30);
	wr(f, COMMAND, 0x60);
	wr(f, DATA, 0x47);
	assert_int_equal(ask(f, 0x20), 0x47);
	assert_int_equal(rd(f, COMMAND) & SYSTEM, SYSTEM);
	wr(f, COMMAND, 0x60);
	wr(f, DATA, 0x43);
	assert_int_equal(rd(f, COMMAND) & SYSTEM, 0);
}

static void test_i8042_ram_is_read_back(void **state)
{
	struct fixture *f = *state;

	for (uint8_t i = 0; i < 32; i++) {
		wr(f, COMMAND, 0x60 + i);
		wr(f, DATA, 0x80 | i);
	}
	for (uint8_t i = 0; i < 32; i++)
		assert_int_equal(ask(f, 0x20 + i), 0x80 | i);
}

static void test_i8042_devices_are_switched_by_command(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xae);
	assert_int_equal(ask(f, 0x20), 0x20);
	wr(f, COMMAND, 0xa8);
	assert_int_equal(ask(f, 0x20), 0x00);
	wr(f, COMMAND, 0xad);
	wr(f, COMMAND, 0xa7);
	assert_int_equal(ask(f, 0x20), 0x30);
}

/* Nothing is plugged in: the controller waits, gives up and says so. */
static void test_i8042_byte_to_keyboard_times_out(void **state)
{
	struct fixture *f = *state;

	wr(f, DATA, 0xff);
	assert_int_equal(rd(f, COMMAND), UNLOCKED | TIMEOUT | OUTPUT_FULL);
	assert_int_equal(rd(f, DATA), 0xfe);
	assert_int_equal(rd(f, COMMAND), UNLOCKED);
}

static void test_i8042_byte_to_mouse_times_out(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xd4);
	wr(f, DATA, 0xf4);
	assert_int_equal(rd(f, COMMAND),
			 UNLOCKED | MOUSE | TIMEOUT | OUTPUT_FULL);
	assert_int_equal(rd(f, DATA), 0xfe);
}

static void test_i8042_loops_back_as_keyboard_and_mouse(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xd2);
	wr(f, DATA, 0x5a);
	assert_int_equal(rd(f, COMMAND), UNLOCKED | OUTPUT_FULL);
	assert_int_equal(rd(f, DATA), 0x5a);
	wr(f, COMMAND, 0xd3);
	wr(f, DATA, 0xa5);
	assert_int_equal(rd(f, COMMAND), UNLOCKED | MOUSE | OUTPUT_FULL);
	assert_int_equal(rd(f, DATA), 0xa5);
}

static void test_i8042_interrupts_are_gated_by_command_byte(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xd2);
	wr(f, DATA, 1);
	assert_false(f->level[PC_KEYBOARD_GSI]);
	rd(f, DATA);
	wr(f, COMMAND, 0x60);
	wr(f, DATA, 0x03);
	wr(f, COMMAND, 0xd2);
	wr(f, DATA, 1);
	assert_true(f->level[PC_KEYBOARD_GSI]);
	assert_false(f->level[PC_MOUSE_GSI]);
	rd(f, DATA);
	assert_false(f->level[PC_KEYBOARD_GSI]);
	wr(f, COMMAND, 0xd3);
	wr(f, DATA, 1);
	assert_true(f->level[PC_MOUSE_GSI]);
	assert_false(f->level[PC_KEYBOARD_GSI]);
	rd(f, DATA);
	assert_false(f->level[PC_MOUSE_GSI]);
}

/* As every loader of the last forty years opens A20. */
static void test_i8042_a20_is_set_through_output_port(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, 0xd0), 0xc3);
	wr(f, COMMAND, 0xd1);
	wr(f, DATA, 0xdd);
	assert_int_equal(ask(f, 0xd0) & 0x03, 0x01);
	wr(f, COMMAND, 0xd1);
	wr(f, DATA, 0xdf);
	assert_int_equal(ask(f, 0xd0) & 0x03, 0x03);
}

static void test_i8042_input_port_tells_no_lock(void **state)
{
	assert_int_equal(ask(*state, 0xc0), 0xb0);
}

/* A command in between: the byte that was waited for does not come. */
static void test_i8042_command_replaces_the_one_that_waits(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0x60);
	wr(f, COMMAND, 0xd2);
	wr(f, DATA, 0x11);
	assert_int_equal(rd(f, DATA), 0x11);
	assert_int_equal(ask(f, 0x20), 0x30);
}

static void test_i8042_unknown_command_does_nothing(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0x99);
	assert_int_equal(rd(f, COMMAND), UNLOCKED | IS_COMMAND);
}

static void test_i8042_wide_access_has_one_byte(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0};
	struct io_access a = {
		.addr = COMMAND, .width = 4, .count = 1, .data = data};

	io_bus_access(&f->bus, &a);
	assert_int_equal(io_get(&a), 0xffffff00 | UNLOCKED);
}

/* 0xfe is the usual one; bit 0 alone counts. */
static void test_i8042_pulse_of_bit_0_resets(void **state)
{
	struct fixture *f = *state;

	for (unsigned val = 0xf0; val <= 0xff; val++) {
		if (val & 1)
			wr(f, COMMAND, (uint8_t)val);
		else
			assert_resets(f, COMMAND, (uint8_t)val);
	}
}

static void test_i8042_output_port_without_bit_0_resets(void **state)
{
	struct fixture *f = *state;

	wr(f, COMMAND, 0xd1);
	assert_resets(f, DATA, 0xfe);
}

static void test_reset_port_a_bit_0_resets(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, PC_PORT_A), 0x02);
	wr(f, PC_PORT_A, 0x00);
	assert_int_equal(rd(f, PC_PORT_A), 0x00);
	wr(f, PC_PORT_A, 0x02);
	assert_int_equal(rd(f, PC_PORT_A), 0x02);
	assert_resets(f, PC_PORT_A, 0x03);
}

/* First how, then that. */
static void test_reset_control_bit_2_resets(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, PC_RESET_CONTROL_PORT), 0x00);
	wr(f, PC_RESET_CONTROL_PORT, 0xfb);
	assert_int_equal(rd(f, PC_RESET_CONTROL_PORT), 0x02);
	assert_resets(f, PC_RESET_CONTROL_PORT, 0x06);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_i8042_starts_empty_and_unlocked),
		T(test_i8042_self_test_passes),
		T(test_i8042_interface_tests_find_no_error),
		T(test_i8042_command_byte_is_read_back),
		T(test_i8042_ram_is_read_back),
		T(test_i8042_devices_are_switched_by_command),
		T(test_i8042_byte_to_keyboard_times_out),
		T(test_i8042_byte_to_mouse_times_out),
		T(test_i8042_loops_back_as_keyboard_and_mouse),
		T(test_i8042_interrupts_are_gated_by_command_byte),
		T(test_i8042_a20_is_set_through_output_port),
		T(test_i8042_input_port_tells_no_lock),
		T(test_i8042_command_replaces_the_one_that_waits),
		T(test_i8042_unknown_command_does_nothing),
		T(test_i8042_wide_access_has_one_byte),
		T(test_i8042_pulse_of_bit_0_resets),
		T(test_i8042_output_port_without_bit_0_resets),
		T(test_reset_port_a_bit_0_resets),
		T(test_reset_control_bit_2_resets),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
