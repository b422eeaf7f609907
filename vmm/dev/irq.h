/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An interrupt input of the machine as the device behind it sees it.
 *
 * Place in the flow: devices set the level of their line; machine_devices.c wires
 * it to our interrupt controllers, or to KVM's.
 * Locking: any thread; the lock of the interrupt controllers ranks below those of
 * devices, so a device may hold its own.
 */
#ifndef DISVM_IRQ_H
#define DISVM_IRQ_H

#include <stdbool.h>

/**
 * @set: the line's level is now @level. Must not block, not call back.
 * @gsi: of the machine; see pc_map.h.
 */
struct irq_line {
	void (*set)(void *ctx, unsigned gsi, bool level);
	void *ctx;
	unsigned gsi;
};

/**
 * An edge is a level of false and then of true, which stays until it is answered:
 * the 8259 pair forgets it with the level. Not wired: nothing happens.
 */
static inline void irq_line_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->ctx, line->gsi, level);
}

#endif
