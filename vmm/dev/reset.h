/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Resets of the machine. There is no second boot: a reset ends the VM as Finished,
 * for the reason "reset", as other monitors end when they are told not to reboot
 * (R: CARD-8).
 *
 * Place in the flow: two rows of the VM's port bus; the keyboard controller and
 * ACPI's register call reset_machine() as well.
 *
 *   0x92   system control port A (IBM PS/2): bit 0 resets, bit 1 is A20
 *   0xcf9  reset control register (Intel's PIIX3, 290550): bit 2 resets
 *
 * The A20 gate is kept and read back, but means nothing, see i8042.h.
 *
 * Locking: none; each of the two is one atomic byte.
 */
#ifndef DISVM_RESET_H
#define DISVM_RESET_H

#include <stdatomic.h>
#include <stdint.h>

#include "bus.h"

struct reset {
	_Atomic uint8_t port_a;
	_Atomic uint8_t control;
};

/** Each a port of its own, with a struct reset. */
extern const struct io_dev_ops reset_port_a_ops;
extern const struct io_dev_ops reset_control_ops;

/** Power-on. */
void reset_init(struct reset *reset);

/** The access resets the machine. Return: IO_EXIT. */
enum io_action reset_machine(struct io_access *a);

#endif
