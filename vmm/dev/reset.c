/* SPDX-License-Identifier: Apache-2.0 */
/* Resets of the machine; see reset.h. */
#include "reset.h"

#include <string.h>

#define PORT_A_RESET 0x01u
#define PORT_A_A20 0x02u

#define CONTROL_HARD 0x02u
#define CONTROL_RESET 0x04u
#define CONTROL_WRITABLE (CONTROL_HARD | CONTROL_RESET)

enum io_action reset_machine(struct io_access *a)
{
	a->exit_code = 0;
	a->reason = DIS_REASON_RESET;
	return IO_EXIT;
}

/* A byte: of a wider access it sees the lowest one. */
static enum io_action access_byte(_Atomic uint8_t *reg, uint8_t writable,
				  uint8_t resets, struct io_access *a)
{
	uint8_t val;

	if (!a->write) {
		memset(a->data, 0xff, a->width);
		a->data[0] = atomic_load(reg);
		return IO_NONE;
	}
	val = a->data[0] & writable;
	/* A rise of the bit counts; it never stays set. */
	if (val & resets)
		return reset_machine(a);
	atomic_store(reg, val);
	return IO_NONE;
}

static enum io_action port_a_io(void *dev, struct io_access *a)
{
	struct reset *reset = dev;

	return access_byte(&reset->port_a, (uint8_t)~0u, PORT_A_RESET, a);
}

static enum io_action control_io(void *dev, struct io_access *a)
{
	struct reset *reset = dev;

	return access_byte(&reset->control, CONTROL_WRITABLE, CONTROL_RESET, a);
}

const struct io_dev_ops reset_port_a_ops = {.io = port_a_io};
const struct io_dev_ops reset_control_ops = {.io = control_io};

void reset_init(struct reset *reset)
{
	atomic_init(&reset->port_a, PORT_A_A20);
	atomic_init(&reset->control, 0);
}
