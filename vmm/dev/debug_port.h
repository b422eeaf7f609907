/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The port that firmware writes its log to (0x402) (R: CARD-8). That it reads as
 * 0xe9 tells firmware that somebody reads the log; without the device it saves
 * itself the exits.
 *
 * Place in the flow: a row of the VM's port bus, if the log was asked for.
 *
 * Locking: one mutex per device, rank "device"; the sink is called with it held and
 * should not block for long.
 */
#ifndef DISVM_DEBUG_PORT_H
#define DISVM_DEBUG_PORT_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"

#define DEBUG_PORT_PORTS 1u
#define DEBUG_PORT_LINE_BYTES 256u

struct debug_port {
	/** A line, a part of a long one, or the rest at the end. */
	void (*sink)(void *ctx, const void *data, size_t len);
	void *ctx;
	pthread_mutex_t lock;

	/* Guarded by lock. */
	size_t len;
	uint8_t line[DEBUG_PORT_LINE_BYTES];
};

extern const struct io_dev_ops debug_port_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int debug_port_init(struct debug_port *d,
		    void (*sink)(void *ctx, const void *data, size_t len),
		    void *ctx);

/** The rest goes to the sink; no other thread may use it any more. */
void debug_port_destroy(struct debug_port *d);

#endif
