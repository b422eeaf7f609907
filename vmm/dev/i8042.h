/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The keyboard controller of a PC/AT, an 8042, without a keyboard or a mouse (R:
 * CARD-8).
 *
 * Place in the flow: two rows of the VM's port bus: data (0x60), and command and
 * status (0x64). What it is there for: firmware and systems probe it, open A20 and
 * reset the machine by it.
 *
 * Commands are done at once, so the input buffer is never full. A byte for the
 * keyboard or the mouse is answered as on a real one with nothing plugged in: 0xfe
 * with the time-out bit. The A20 gate is kept and read back, but all addresses
 * reach memory: no hardware of today that could mask them is left.
 *
 * Invariant: a line is high while the output buffer is full, with a byte of its
 * device, and its interrupt is enabled.
 *
 * Locking: one mutex per device, rank "device"; any thread may call anything but
 * i8042_init() and i8042_destroy(). Lines are set with it held.
 *
 * Source: IBM PC/AT Technical Reference (1985), "Keyboard Controller"; the mouse's
 * commands are those of the PS/2.
 */
#ifndef DISVM_I8042_H
#define DISVM_I8042_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "irq.h"

#define I8042_RAM_BYTES 32u

/**
 * @expects: command whose data byte the next write to the data port is; 0: none.
 * @ram:     byte 0 is the command byte.
 */
struct i8042 {
	struct irq_line keyboard;
	struct irq_line mouse;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	uint8_t expects;
	uint8_t ram[I8042_RAM_BYTES];
	uint8_t output_port;
	uint8_t output;
	uint8_t status; /**< without the constant bits */
	bool keyboard_level;
	bool mouse_level;
};

/** Each a port of its own, with a struct i8042. */
extern const struct io_dev_ops i8042_data_ops;
extern const struct io_dev_ops i8042_command_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int i8042_init(struct i8042 *kbc, const struct irq_line *keyboard,
	       const struct irq_line *mouse);
void i8042_destroy(struct i8042 *kbc);

#endif
