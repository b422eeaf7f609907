/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The 8254 of a PC and system control port B (0x61), after Intel's data sheets
 * (231164, and 290475 for the port) (R: CARD-8).
 *
 *   counter 0 -> interrupt input; its gate is high
 *   counter 1 -> bit 4 of port B, which toggles every 18 ticks, whatever it counts
 *   counter 2 -> bit 5 of port B; its gate is bit 0
 *
 * Place in the flow: two rows of the VM's port bus; one of the machine's timers
 * (timer_host.h). The speaker (bit 1) makes no sound.
 *
 * Rises of counter 0's output that nobody took are made up for by one, at the next
 * tick. A new control word that raises the output interrupts, as on the chip.
 *
 * Invariant: due_ns is the next rise of counter 0 after `seen`. level, which the line
 * was told, is its output at the last access, high since a tick that told a rise.
 *
 * Locking: one mutex per device, rank "device"; any thread may call anything but
 * pit_init() and pit_destroy(). The line and the host are called with it held.
 */
#ifndef DISVM_PIT_H
#define DISVM_PIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "bus.h"
#include "irq.h"
#include "pit_counter.h"
#include "timer_host.h"

#define PIT_PORTS 4u
#define PIT_PORT_B_PORTS 1u
#define PIT_COUNTERS 3u

struct pit_config {
	struct irq_line irq;
	struct timer_host host;
};

struct pit {
	struct pit_config config;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	struct pit_counter counters[PIT_COUNTERS];
	uint8_t port_b; /**< the bits that can be written */
	uint64_t seen;  /**< tick up to which rises of counter 0 were told */
	bool level;

	/* Written under lock, read by any thread. */
	_Atomic uint64_t due_ns;
};

/** Counters and control word; port B. Both with a struct pit. */
extern const struct io_dev_ops pit_ops;
extern const struct io_dev_ops pit_port_b_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int pit_init(struct pit *pit, const struct pit_config *config);
void pit_destroy(struct pit *pit);

/** When pit_tick() has something to do; DIS_NEVER_NS: never. Takes no lock. */
uint64_t pit_expiry_ns(const struct pit *pit);

/** What is due at @now_ns happens; nothing, if nothing is. */
void pit_tick(struct pit *pit, uint64_t now_ns);

#endif
