/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16550A UART: interrupts and loopback mode, after the PC16550D data sheet
 * (R: CARD-9).
 */
#include "test_uart_fixture.h"

/* IIR 7:6 tell a 16550A with its FIFO on. */
static void test_uart_iir_shows_fifo_enabled(void **state)
{
	wr(*state, FCR, 0x01);
	assert_int_equal(rd(*state, IIR), 0xc1);
	wr(*state, FCR, 0xc0);
	assert_int_equal(rd(*state, IIR), 0x01);
}

static void test_uart_rx_interrupt_is_level_until_read(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, OUT2);
	wr(f, IER, 0x01);
	assert_false(f->level);
	uart_input(&f->uart, "a", 1);
	assert_true(f->level);
	assert_int_equal(rd(f, IIR), 0x04);
	assert_true(f->level);
	rd(f, DATA);
	assert_false(f->level);
	assert_int_equal(f->edges, 2);
}

/* Below the trigger level a byte is announced as a time-out. */
static void test_uart_rx_trigger_level_tells_data_from_timeout(void **state)
{
	static const struct {
		uint8_t fcr;
		unsigned level;
	} triggers[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
	struct fixture *f = *state;

	wr(f, IER, 0x01);
	for (unsigned i = 0; i < 4; i++) {
		wr(f, FCR, triggers[i].fcr | 0x02);
		for (unsigned n = 1; n <= 16; n++) {
			uart_input(&f->uart, "x", 1);
			assert_int_equal(rd(f, IIR),
					 n < triggers[i].level ? 0xcc : 0xc4);
		}
	}
}

/* To enable THRE while the THR is empty raises it; reading IIR clears it. */
static void test_uart_thre_interrupt_is_raised_by_enable(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, OUT2);
	wr(f, IER, 0x02);
	assert_true(f->level);
	assert_int_equal(rd(f, IIR), 0x02);
	assert_false(f->level);
	assert_int_equal(rd(f, IIR), 0x01);
}

static void test_uart_thre_interrupt_follows_each_write(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, OUT2);
	wr(f, IER, 0x02);
	rd(f, IIR);
	wr(f, DATA, 'x');
	assert_true(f->level);
	assert_int_equal(rd(f, IIR), 0x02);
	assert_false(f->level);
}

/* Data sheet, table of interrupt priorities. */
static void test_uart_iir_shows_most_urgent_first(void **state)
{
	struct fixture *f = *state;

	/* Loopback makes a modem change, an overrun and received data. */
	wr(f, MCR, LOOP);
	wr(f, DATA, 'a');
	wr(f, DATA, 'b');
	wr(f, IER, 0x0f);
	assert_int_equal(rd(f, IIR), 0x06);
	assert_int_equal(rd(f, LSR), 0x63);
	assert_int_equal(rd(f, IIR), 0x04);
	assert_int_equal(rd(f, DATA), 'b');
	assert_int_equal(rd(f, IIR), 0x02);
	assert_int_equal(rd(f, IIR), 0x00);
	rd(f, MSR);
	assert_int_equal(rd(f, IIR), 0x01);
}

/* On a PC, OUT2 gates the line. */
static void test_uart_interrupt_is_gated_by_out2(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	assert_false(f->level);
	wr(f, MCR, OUT2);
	assert_true(f->level);
	wr(f, MCR, OUT2 | LOOP);
	assert_false(f->level);
	assert_int_equal(rd(f, IIR), 0x02);
}

static void test_uart_loopback_returns_output_to_receiver(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	wr(f, MCR, LOOP);
	outs(f, "ping\n");
	assert_int_equal(f->chunks, 0);
	for (const char *c = "ping\n"; *c; c++)
		assert_int_equal(rd(f, DATA), *c);
}

static void test_uart_loopback_disconnects_input(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, LOOP);
	assert_int_equal(uart_input(&f->uart, "a", 1), 0);
}

/* A full FIFO keeps what it has; OE shows until LSR is read. */
static void test_uart_loopback_overrun_sets_oe_once(void **state)
{
	struct fixture *f = *state;

	wr(f, FCR, 0x01);
	wr(f, MCR, LOOP);
	outs(f, "0123456789abcdefX");
	assert_int_equal(rd(f, LSR), 0x63);
	assert_int_equal(rd(f, LSR), 0x61);
	assert_int_equal(rd(f, DATA), '0');
}

/* MCR's outputs appear as the modem inputs; deltas clear on read. */
static void test_uart_loopback_modem_lines_and_deltas(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, LOOP);
	rd(f, MSR);
	wr(f, MCR, LOOP | 0x01);
	assert_int_equal(rd(f, MSR), 0x22);
	assert_int_equal(rd(f, MSR), 0x20);
	wr(f, MCR, LOOP | 0x02);
	assert_int_equal(rd(f, MSR), 0x13);
	wr(f, MCR, LOOP | OUT2);
	assert_int_equal(rd(f, MSR), 0x89);
}

/* TERI is set by the trailing edge of RI alone. */
static void test_uart_loopback_ri_sets_teri_on_trailing_edge(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, LOOP);
	rd(f, MSR);
	wr(f, MCR, LOOP | 0x04);
	assert_int_equal(rd(f, MSR), 0x40);
	wr(f, MCR, LOOP);
	assert_int_equal(rd(f, MSR), 0x04);
}

/* What is pending but not enabled is not shown. */
static void test_uart_iir_hides_disabled_interrupts(void **state)
{
	struct fixture *f = *state;

	wr(f, MCR, LOOP);
	wr(f, DATA, 'a');
	wr(f, DATA, 'b');
	assert_int_equal(rd(f, IIR), 0x01);
	wr(f, MCR, OUT2);
	assert_false(f->level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_uart_iir_shows_fifo_enabled),
		T(test_uart_rx_interrupt_is_level_until_read),
		T(test_uart_rx_trigger_level_tells_data_from_timeout),
		T(test_uart_thre_interrupt_is_raised_by_enable),
		T(test_uart_thre_interrupt_follows_each_write),
		T(test_uart_iir_shows_most_urgent_first),
		T(test_uart_interrupt_is_gated_by_out2),
		T(test_uart_loopback_returns_output_to_receiver),
		T(test_uart_loopback_disconnects_input),
		T(test_uart_loopback_overrun_sets_oe_once),
		T(test_uart_loopback_modem_lines_and_deltas),
		T(test_uart_loopback_ri_sets_teri_on_trailing_edge),
		T(test_uart_iir_hides_disabled_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
