/* SPDX-License-Identifier: Apache-2.0 */
/**
 * 16550A UART (R: CARD-9), after the NS16550D / PC16550D data sheet.
 *
 * Place in the flow: a row of the VM's bus (8 ports); what the guest sends goes
 * to a sink in chunks of lines, what the host types comes in by uart_input().
 *
 * The line has no speed: what is sent is gone at once, so the transmitter is
 * always empty; a received byte below the trigger level times out at once, so
 * that it is announced without delay.
 *
 * Invariant: irq_level is what the irq callback was told last: an enabled
 * interrupt is pending and OUT2, which gates it on a PC, is set.
 *
 * Locking: one mutex per device guards all state; any thread may call anything.
 * Its rank is "device": the lowest, nothing else is locked while it is held but
 * what the callbacks lock themselves. Both callbacks are called with it held:
 * they must not call back into the device and should not block for long.
 */
#ifndef DISVM_UART_H
#define DISVM_UART_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "bus.h"

#define UART_PORTS 8u
#define UART_FIFO_SIZE 16u
#define UART_CHUNK_SIZE 256u

/**
 * @sink: the guest sent @len bytes: whole lines, a full chunk, or the rest at a
 *        flush. NULL drops them.
 * @irq:  the interrupt line changed to @level. NULL: not wired.
 */
struct uart_config {
	void (*sink)(void *ctx, const void *data, size_t len);
	void (*irq)(void *ctx, bool level);
	void *ctx;
};

struct uart {
	struct uart_config config;
	pthread_mutex_t lock;

	/* All below is guarded by lock. */
	uint8_t ier;
	uint8_t fcr; /**< FIFO enable and trigger level as last written */
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	uint8_t dll;
	uint8_t dlm;
	bool overrun;      /**< LSR OE, until LSR is read */
	bool thre_pending; /**< THR became empty, until IIR told so */
	uint8_t msr_delta; /**< MSR bits 3:0 */
	bool irq_level;

	uint8_t fifo[UART_FIFO_SIZE];
	unsigned fifo_first;
	unsigned fifo_count;

	uint8_t chunk[UART_CHUNK_SIZE];
	size_t chunk_len;
};

extern const struct io_dev_ops uart_ops;

/** Return: 0 or the negative error of pthread_mutex_init(). */
int uart_init(struct uart *u, const struct uart_config *config);

/** Flushes; no other thread may use the device any more. */
void uart_destroy(struct uart *u);

/**
 * uart_input - bytes arrive on the line.
 *
 * The line holds back what the receiver has no room for (16 bytes with the FIFO
 * on, else 1; none in loopback mode): the caller offers it again later.
 *
 * Return: how many bytes were taken, from the first on.
 */
size_t uart_input(struct uart *u, const void *data, size_t len);

/** Hand the rest of an unfinished line to the sink (a prompt, the last words). */
void uart_flush(struct uart *u);

#endif
