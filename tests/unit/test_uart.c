/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16550A UART: registers, output, input, after the PC16550D data sheet
 * (R: CARD-9).
 */
#include "test_uart_fixture.h"

#include <pthread.h>

static void test_uart_registers_after_reset(void **state)
{
	assert_int_equal(rd(*state, IER), 0);
	assert_int_equal(rd(*state, IIR), 0x01);
	assert_int_equal(rd(*state, LCR), 0);
	assert_int_equal(rd(*state, MCR), 0);
	assert_int_equal(rd(*state, LSR), 0x60);
	assert_int_equal(rd(*state, MSR), 0xb0);
	assert_int_equal(rd(*state, DATA), 0);
}

static void test_uart_scratch_and_lcr_read_back(void **state)
{
	wr(*state, SCR, 0xa5);
	wr(*state, LCR, 0x1b);
	assert_int_equal(rd(*state, SCR), 0xa5);
	assert_int_equal(rd(*state, LCR), 0x1b);
}

/* IER 7:4 and MCR 7:5 are always 0. */
static void test_uart_reserved_bits_read_zero(void **state)
{
	wr(*state, IER, 0xff);
	wr(*state, MCR, 0xff);
	assert_int_equal(rd(*state, IER), 0x0f);
	assert_int_equal(rd(*state, MCR), 0x1f);
}

static void test_uart_divisor_latch_hides_data_and_ier(void **state)
{
	struct fixture *f = *state;

	wr(f, LCR, DLAB);
	wr(f, DATA, 0x34);
	wr(f, IER, 0x12);
	assert_int_equal(rd(f, DATA), 0x34);
	assert_int_equal(rd(f, IER), 0x12);
	wr(f, LCR, 0x03);
	assert_int_equal(rd(f, IER), 0);
	uart_flush(&f->uart);
	assert_int_equal(f->out_len, 0);
}

static void test_uart_lsr_and_msr_ignore_writes(void **state)
{
	wr(*state, LSR, 0xff);
	wr(*state, MSR, 0xff);
	assert_int_equal(rd(*state, LSR), 0x60);
	assert_int_equal(rd(*state, MSR), 0xb0);
}

/* Output is handed on by lines. */
static void test_uart_output_is_held_until_newline(void **state)
{
	struct fixture *f = *state;

	for (const char *c = "hello"; *c; c++)
		wr(f, DATA, (uint8_t)*c);
	assert_int_equal(f->chunks, 0);
	wr(f, DATA, '\n');
	assert_int_equal(f->chunks, 1);
	assert_memory_equal(f->out, "hello\n", 6);
}

static void test_uart_output_string_keeps_unfinished_line(void **state)
{
	struct fixture *f = *state;

	outs(f, "a\nbc\nde");
	assert_int_equal(f->chunks, 1);
	assert_int_equal(f->out_len, 5);
	uart_flush(&f->uart);
	assert_memory_equal(f->out, "a\nbc\nde", 7);
	uart_flush(&f->uart);
	assert_int_equal(f->chunks, 2);
}

static void test_uart_output_flushes_at_full_chunk(void **state)
{
	struct fixture *f = *state;
	char text[UART_CHUNK_SIZE * 2 + 11];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	outs(f, text);
	assert_int_equal(f->chunks, 2);
	assert_int_equal(f->out_len, UART_CHUNK_SIZE * 2);
	uart_flush(&f->uart);
	assert_memory_equal(f->out, text, sizeof(text) - 1);
}

/* A prompt shows before the answer is read. */
static void test_uart_output_flushes_at_read_of_input(void **state)
{
	struct fixture *f = *state;

	outs(f, "login: ");
	rd(f, DATA);
	assert_memory_equal(f->out, "login: ", 7);
}

static void test_uart_output_is_flushed_at_destroy(void **state)
{
	struct fixture f = {0};

	(void)state;
	uart_init(&f.uart, &(struct uart_config){.sink = on_sink, .ctx = &f});
	outs(&f, "last words");
	uart_destroy(&f.uart);
	assert_memory_equal(f.out, "last words", 10);
}

static void test_uart_without_callbacks_works(void **state)
{
	struct fixture f = {0};

	(void)state;
	uart_init(&f.uart, &(struct uart_config){0});
	wr(&f, MCR, OUT2);
	wr(&f, IER, 0x03);
	outs(&f, "nobody listens\n");
	uart_input(&f.uart, "x", 1);
	uart_destroy(&f.uart);
}

/* The chip has 8 bits: a wider access means the low byte. */
static void test_uart_wide_access_uses_low_byte(void **state)
{
	struct fixture *f = *state;
	uint8_t data[8] = {'a', 1, 2, 3, 'b', 4, 5, 6};
	struct io_access a = {.offset = DATA,
			      .width = 4,
			      .write = true,
			      .count = 2,
			      .data = data};

	uart_ops.io(&f->uart, &a);
	uart_flush(&f->uart);
	assert_int_equal(f->out_len, 2);
	assert_memory_equal(f->out, "ab", 2);
	wr(f, SCR, 0x5a);
	a = (struct io_access){
		.offset = SCR, .width = 2, .count = 2, .data = data};
	uart_ops.io(&f->uart, &a);
	assert_memory_equal(data, "\x5a\xff\x5a\xff", 4);
}

static void test_uart_input_is_read_in_order(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	assert_int_equal(uart_input(&f->uart, "abc", 3), 3);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, DATA), 'a');
	assert_int_equal(rd(f, DATA), 'b');
	assert_int_equal(rd(f, DATA), 'c');
	assert_int_equal(rd(f, LSR), 0x60);
}

/* The line holds back what has no room; nothing is overrun. */
static void test_uart_input_takes_what_fits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(uart_input(&f->uart, "abc", 3), 1);
	assert_int_equal(rd(f, DATA), 'a');
	wr(f, FCR, 0x01);
	assert_int_equal(uart_input(&f->uart, "0123456789abcdefXYZ", 19), 16);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, DATA), '0');
	assert_int_equal(uart_input(&f->uart, "XYZ", 3), 1);
}

static void test_uart_input_string_read_drains_fifo(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4];
	struct io_access a = {
		.offset = DATA, .width = 1, .count = 4, .data = data};

	wr(f, FCR, 0x01);
	uart_input(&f->uart, "wxyz", 4);
	uart_ops.io(&f->uart, &a);
	assert_memory_equal(data, "wxyz", 4);
}

static void test_uart_fcr_clears_receive_fifo(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	uart_input(&f->uart, "abc", 3);
	wr(f, FCR, 0x03);
	assert_int_equal(rd(f, LSR), 0x60);
	uart_input(&f->uart, "abc", 3);
	wr(f, FCR, 0x00);
	assert_int_equal(rd(f, LSR), 0x60);
}

static void test_uart_fcr_without_clear_keeps_input(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	uart_input(&f->uart, "abc", 3);
	wr(f, FCR, 0x81);
	assert_int_equal(rd(f, DATA), 'a');
	assert_int_equal(rd(f, DATA), 'b');
}

/* Beyond the eight registers (the bus gives no more than eight). */
static void test_uart_no_register_reads_ones(void **state)
{
	assert_int_equal(rd(*state, 8), 0xff);
	wr(*state, 8, 0);
}

/* vCPUs and the input thread at once; for ThreadSanitizer as well. */
#define ROUNDS 5000u

static void *poke_registers(void *arg)
{
	struct fixture *f = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		wr(f, SCR, (uint8_t)i);
		rd(f, IIR);
	}
	return NULL;
}

static void *type(void *arg)
{
	struct fixture *f = arg;

	for (unsigned taken = 0; taken < ROUNDS;) {
		uint8_t byte = (uint8_t)taken;

		if (uart_input(&f->uart, &byte, 1))
			taken++;
		else
			sched_yield();
	}
	return NULL;
}

static void test_uart_from_threads_keeps_input_in_order(void **state)
{
	struct fixture *f = *state;
	pthread_t writer, typist;

	wr(f, FCR, 0x01);
	wr(f, MCR, OUT2);
	wr(f, IER, 0x03);
	assert_int_equal(pthread_create(&writer, NULL, poke_registers, f), 0);
	assert_int_equal(pthread_create(&typist, NULL, type, f), 0);
	for (unsigned i = 0; i < ROUNDS;) {
		if (!(rd(f, LSR) & 1)) {
			sched_yield();
			continue;
		}
		assert_int_equal(rd(f, DATA), (uint8_t)i);
		i++;
	}
	pthread_join(writer, NULL);
	pthread_join(typist, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_uart_registers_after_reset),
		T(test_uart_scratch_and_lcr_read_back),
		T(test_uart_reserved_bits_read_zero),
		T(test_uart_divisor_latch_hides_data_and_ier),
		T(test_uart_lsr_and_msr_ignore_writes),
		T(test_uart_output_is_held_until_newline),
		T(test_uart_output_string_keeps_unfinished_line),
		T(test_uart_output_flushes_at_full_chunk),
		T(test_uart_output_flushes_at_read_of_input),
		cmocka_unit_test(test_uart_output_is_flushed_at_destroy),
		cmocka_unit_test(test_uart_without_callbacks_works),
		T(test_uart_wide_access_uses_low_byte),
		T(test_uart_input_is_read_in_order),
		T(test_uart_input_takes_what_fits),
		T(test_uart_input_string_read_drains_fifo),
		T(test_uart_fcr_clears_receive_fifo),
		T(test_uart_fcr_without_clear_keeps_input),
		T(test_uart_no_register_reads_ones),
		T(test_uart_from_threads_keeps_input_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
