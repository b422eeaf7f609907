/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the UART share: a UART whose callbacks record, and accesses
 * to its registers.
 */
#ifndef DISVM_TEST_UART_FIXTURE_H
#define DISVM_TEST_UART_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dev/uart.h"

enum {
	DATA,
	IER,
	IIR,
	LCR,
	MCR,
	LSR,
	MSR,
	SCR,
};

#define FCR IIR
#define DLAB 0x80u
#define OUT2 0x08u
#define LOOP 0x10u

/* @out: what the sink got, @chunks: in how many calls; @edges: of the IRQ. */
struct fixture {
	struct uart uart;
	char out[4096];
	size_t out_len;
	unsigned chunks;
	bool level;
	unsigned edges;
};

static inline void on_sink(void *ctx, const void *data, size_t len)
{
	struct fixture *f = ctx;

	assert_true(f->out_len + len < sizeof(f->out));
	memcpy(f->out + f->out_len, data, len);
	f->out_len += len;
	f->chunks++;
}

static inline void on_irq(void *ctx, bool level)
{
	struct fixture *f = ctx;

	assert_int_not_equal(level, f->level);
	f->level = level;
	f->edges++;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(uart_init(&f->uart,
				   &(struct uart_config){.sink = on_sink,
							 .irq = on_irq,
							 .ctx = f}),
			 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	uart_destroy(&f->uart);
	free(f);
	return 0;
}

static inline uint8_t rd(struct fixture *f, uint16_t reg)
{
	uint8_t val = 0xee;
	struct io_access a = {
		.offset = reg, .width = 1, .count = 1, .data = &val};

	assert_int_equal(uart_ops.io(&f->uart, &a), IO_NONE);
	return val;
}

static inline void wr(struct fixture *f, uint16_t reg, uint8_t val)
{
	struct io_access a = {.offset = reg,
			      .width = 1,
			      .write = true,
			      .count = 1,
			      .data = &val};

	assert_int_equal(uart_ops.io(&f->uart, &a), IO_NONE);
}

static inline void outs(struct fixture *f, const char *text)
{
	uint8_t data[2048];
	struct io_access a = {.offset = DATA,
			      .width = 1,
			      .write = true,
			      .count = (uint32_t)strlen(text),
			      .data = data};

	memcpy(data, text, a.count);
	assert_int_equal(uart_ops.io(&f->uart, &a), IO_NONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
