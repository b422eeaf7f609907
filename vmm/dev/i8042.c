/* SPDX-License-Identifier: Apache-2.0 */
/* Keyboard controller; see i8042.h. */
#include "i8042.h"

#include <string.h>

#include "reset.h"

/* Status. */
#define STATUS_OUTPUT_FULL 0x01u
#define STATUS_SYSTEM 0x04u
#define STATUS_COMMAND 0x08u
#define STATUS_UNLOCKED 0x10u
#define STATUS_MOUSE 0x20u
#define STATUS_TIMEOUT 0x40u

/* The command byte. */
#define CONTROL_KEYBOARD_IRQ 0x01u
#define CONTROL_MOUSE_IRQ 0x02u
#define CONTROL_SYSTEM 0x04u
#define CONTROL_KEYBOARD_OFF 0x10u
#define CONTROL_MOUSE_OFF 0x20u

/* The output port; bit 0 low resets the processor. */
#define OUTPUT_NO_RESET 0x01u
#define OUTPUT_A20 0x02u
#define OUTPUT_MOUSE_IRQ 0x20u
#define OUTPUT_KEYBOARD_IRQ 0x10u
#define OUTPUT_START 0xc3u

enum {
	READ_RAM = 0x20,
	WRITE_RAM = 0x60,
	MOUSE_OFF = 0xa7,
	MOUSE_ON = 0xa8,
	MOUSE_TEST = 0xa9,
	SELF_TEST = 0xaa,
	KEYBOARD_TEST = 0xab,
	KEYBOARD_OFF = 0xad,
	KEYBOARD_ON = 0xae,
	READ_INPUT_PORT = 0xc0,
	READ_OUTPUT_PORT = 0xd0,
	WRITE_OUTPUT_PORT = 0xd1,
	WRITE_KEYBOARD_OUTPUT = 0xd2,
	WRITE_MOUSE_OUTPUT = 0xd3,
	WRITE_MOUSE = 0xd4,
	PULSE = 0xf0,
};

#define RAM_MASK (I8042_RAM_BYTES - 1u)
/* Not locked, no manufacturing jumper, RAM and display as on any AT. */
#define INPUT_PORT 0xb0u
#define PASSED 0x55u
#define NO_ERROR 0x00u
#define RESEND 0xfeu

static void update_lines(struct i8042 *k)
{
	bool full = k->status & STATUS_OUTPUT_FULL;
	bool mouse = full && k->status & STATUS_MOUSE &&
		     k->ram[0] & CONTROL_MOUSE_IRQ;
	bool keyboard = full && !(k->status & STATUS_MOUSE) &&
			k->ram[0] & CONTROL_KEYBOARD_IRQ;

	if (keyboard != k->keyboard_level)
		irq_line_set(&k->keyboard, keyboard);
	if (mouse != k->mouse_level)
		irq_line_set(&k->mouse, mouse);
	k->keyboard_level = keyboard;
	k->mouse_level = mouse;
}

/* @flags: STATUS_MOUSE, STATUS_TIMEOUT. */
static void put_output(struct i8042 *k, uint8_t val, uint8_t flags)
{
	k->output = val;
	k->status &= (uint8_t) ~(STATUS_MOUSE | STATUS_TIMEOUT);
	k->status |= STATUS_OUTPUT_FULL | flags;
}

static uint8_t read_output_port(const struct i8042 *k)
{
	return k->output_port | (k->keyboard_level ? OUTPUT_KEYBOARD_IRQ : 0) |
	       (k->mouse_level ? OUTPUT_MOUSE_IRQ : 0);
}

static enum io_action write_output_port(struct i8042 *k, uint8_t val,
					struct io_access *a)
{
	if (!(val & OUTPUT_NO_RESET))
		return reset_machine(a);
	k->output_port = val &
			 (uint8_t) ~(OUTPUT_KEYBOARD_IRQ | OUTPUT_MOUSE_IRQ);
	return IO_NONE;
}

static void switch_bits(uint8_t *to, uint8_t bits, bool on)
{
	*to = on ? *to | bits : *to & (uint8_t)~bits;
}

static enum io_action command(struct i8042 *k, uint8_t val, struct io_access *a)
{
	k->expects = 0;
	k->status |= STATUS_COMMAND;
	switch (val) {
	case READ_RAM ... READ_RAM + RAM_MASK:
		put_output(k, k->ram[val & RAM_MASK], 0);
		break;
	case WRITE_RAM ... WRITE_RAM + RAM_MASK:
	case WRITE_OUTPUT_PORT:
	case WRITE_KEYBOARD_OUTPUT:
	case WRITE_MOUSE_OUTPUT:
	case WRITE_MOUSE:
		k->expects = val;
		break;
	case MOUSE_OFF:
	case MOUSE_ON:
		switch_bits(&k->ram[0], CONTROL_MOUSE_OFF, val == MOUSE_OFF);
		break;
	case KEYBOARD_OFF:
	case KEYBOARD_ON:
		switch_bits(&k->ram[0], CONTROL_KEYBOARD_OFF,
			    val == KEYBOARD_OFF);
		break;
	case SELF_TEST:
		k->status |= STATUS_SYSTEM;
		put_output(k, PASSED, 0);
		break;
	case MOUSE_TEST:
	case KEYBOARD_TEST:
		put_output(k, NO_ERROR, 0);
		break;
	case READ_INPUT_PORT:
		put_output(k, INPUT_PORT, 0);
		break;
	case READ_OUTPUT_PORT:
		put_output(k, read_output_port(k), 0);
		break;
	case PULSE ... 0xff:
		/* Bits that are 0 are pulsed: of these only reset does anything. */
		if (!(val & OUTPUT_NO_RESET))
			return reset_machine(a);
		break;
	default:
		break; /* unknown ones do nothing */
	}
	return IO_NONE;
}

static enum io_action data(struct i8042 *k, uint8_t val, struct io_access *a)
{
	uint8_t of = k->expects;

	k->expects = 0;
	k->status &= (uint8_t)~STATUS_COMMAND;
	switch (of) {
	case WRITE_RAM ... WRITE_RAM + RAM_MASK:
		k->ram[of & RAM_MASK] = val;
		if (of == WRITE_RAM)
			switch_bits(&k->status, STATUS_SYSTEM,
				    val & CONTROL_SYSTEM);
		break;
	case WRITE_OUTPUT_PORT:
		return write_output_port(k, val, a);
	case WRITE_KEYBOARD_OUTPUT:
		put_output(k, val, 0);
		break;
	case WRITE_MOUSE_OUTPUT:
		put_output(k, val, STATUS_MOUSE);
		break;
	case WRITE_MOUSE:
		put_output(k, RESEND, STATUS_MOUSE | STATUS_TIMEOUT);
		break;
	default:
		/* To the keyboard, which that also switches on. */
		switch_bits(&k->ram[0], CONTROL_KEYBOARD_OFF, false);
		put_output(k, RESEND, STATUS_TIMEOUT);
		break;
	}
	return IO_NONE;
}

static uint8_t take_output(struct i8042 *k)
{
	k->status &=
		(uint8_t) ~(STATUS_OUTPUT_FULL | STATUS_MOUSE | STATUS_TIMEOUT);
	return k->output;
}

/* The chip has 8 bits: of a wider access it sees the lowest byte. */
static enum io_action data_io(void *dev, struct io_access *a)
{
	struct i8042 *k = dev;
	enum io_action action = IO_NONE;

	pthread_mutex_lock(&k->lock);
	if (a->write) {
		action = data(k, a->data[0], a);
	} else {
		memset(a->data, 0xff, a->width);
		a->data[0] = take_output(k);
	}
	update_lines(k);
	pthread_mutex_unlock(&k->lock);
	return action;
}

static enum io_action command_io(void *dev, struct io_access *a)
{
	struct i8042 *k = dev;
	enum io_action action = IO_NONE;

	pthread_mutex_lock(&k->lock);
	if (a->write) {
		action = command(k, a->data[0], a);
	} else {
		memset(a->data, 0xff, a->width);
		a->data[0] = k->status | STATUS_UNLOCKED;
	}
	update_lines(k);
	pthread_mutex_unlock(&k->lock);
	return action;
}

const struct io_dev_ops i8042_data_ops = {.io = data_io};
const struct io_dev_ops i8042_command_ops = {.io = command_io};

int i8042_init(struct i8042 *k, const struct irq_line *keyboard,
	       const struct irq_line *mouse)
{
	memset(k, 0, sizeof(*k));
	k->keyboard = *keyboard;
	k->mouse = *mouse;
	k->ram[0] = CONTROL_KEYBOARD_OFF | CONTROL_MOUSE_OFF;
	k->output_port = OUTPUT_START;
	return -pthread_mutex_init(&k->lock, NULL);
}

void i8042_destroy(struct i8042 *k)
{
	pthread_mutex_destroy(&k->lock);
}
