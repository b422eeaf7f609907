/* SPDX-License-Identifier: Apache-2.0 */
/* The 8254 of a PC and port 0x61: registers, interrupts, expiries (R: CARD-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dis/types.h>

#include "dev/pit.h"
#include "pc_map.h"

enum {
	CONTROL = PC_PIT_PORT + 3,
	/* Control words: both bytes of a counter. */
	SET = 0x30,
	COUNTER2 = 0x80,
	READ_BACK = 0xc0,
};

/* A tick is 17600/21 ns. */
#define TICKS_NS(n) (((n)*UINT64_C(17600) + 20) / 21)

static uint64_t clock_now_ns;

/* @edges: rises of the line; @deaf: nobody hears it; @earlier: calls, @by whom. */
struct fixture {
	struct io_bus bus;
	struct pit pit;
	bool level;
	unsigned edges;
	bool deaf;
	unsigned earlier;
	unsigned by;
};

static uint64_t test_clock_ns(void)
{
	return clock_now_ns;
}

static void on_irq(void *ctx, unsigned gsi, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_PIT_GSI);
	assert_int_not_equal(level, f->level);
	f->level = level;
	f->edges += level;
}

static bool hears(void *ctx, unsigned gsi)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_PIT_GSI);
	return !f->deaf;
}

static void on_earlier(void *ctx, unsigned vcpu)
{
	struct fixture *f = ctx;

	f->earlier++;
	f->by = vcpu;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct pit_config config = {
		.irq = {.set = on_irq, .ctx = f, .gsi = PC_PIT_GSI},
		.host = {.clock_ns = test_clock_ns,
			 .hears = hears,
			 .earlier = on_earlier,
			 .ctx = f},
	};

	assert_non_null(f);
	clock_now_ns = 5 * DIS_S_NS;
	assert_int_equal(pit_init(&f->pit, &config), 0);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, PC_PIT_PORT, PIT_PORTS, &pit_ops,
				    &f->pit),
			 0);
	assert_int_equal(io_bus_add(&f->bus, PC_PORT_B, PIT_PORT_B_PORTS,
				    &pit_port_b_ops, &f->pit),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pit_destroy(&f->pit);
	free(f);
	return 0;
}

static void wr_by(struct fixture *f, uint16_t port, uint8_t val, unsigned vcpu)
{
	struct io_access a = {.addr = port,
			      .width = 1,
			      .write = true,
			      .count = 1,
			      .data = &val,
			      .vcpu = vcpu};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
}

static void wr(struct fixture *f, uint16_t port, uint8_t val)
{
	wr_by(f, port, val, 0);
}

static uint8_t rd(struct fixture *f, uint16_t port)
{
	uint8_t val = 0xee;
	struct io_access a = {
		.addr = port, .width = 1, .count = 1, .data = &val};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
	return val;
}

/* Counter 0 in @mode with @count; returns when the chip loaded it. */
static uint64_t start(struct fixture *f, unsigned mode, uint16_t count)
{
	wr(f, CONTROL, (uint8_t)(SET | mode << 1));
	wr(f, PC_PIT_PORT, (uint8_t)count);
	wr(f, PC_PIT_PORT, (uint8_t)(count >> 8));
	return clock_now_ns + TICKS_NS(1);
}

static void tick_at(struct fixture *f, uint64_t ns)
{
	clock_now_ns = ns;
	pit_tick(&f->pit, ns);
}

/* As firmware and old systems program it: 65536 ticks, 18.2 Hz. */
static void test_pit_rate_generator_interrupts_each_period(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 0);

	assert_true(f->level);
	f->edges = 0;
	for (unsigned i = 1; i <= 5; i++) {
		uint64_t due_ns = pit_expiry_ns(&f->pit);

		uint64_t ideal_ns = loaded_ns + TICKS_NS(65536 * i);

		/* The tick in which it was written had begun. */
		assert_in_range(due_ns, ideal_ns - TICKS_NS(1), ideal_ns);
		tick_at(f, due_ns - 1);
		assert_int_equal(f->edges, i - 1);
		tick_at(f, due_ns);
		assert_int_equal(f->edges, i);
	}
}

static void test_pit_missed_periods_are_one_interrupt(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 1000);

	f->edges = 0;
	tick_at(f, loaded_ns + TICKS_NS(3500));
	assert_int_equal(f->edges, 1);
	assert_in_range(pit_expiry_ns(&f->pit), loaded_ns + TICKS_NS(3999),
			loaded_ns + TICKS_NS(4001));
}

/* Mode 3, half of whose period the output is low. */
static void test_pit_late_tick_leaves_the_line_high(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 3, 1000);

	f->edges = 0;
	tick_at(f, loaded_ns + TICKS_NS(1600));
	assert_int_equal(f->edges, 1);
	assert_true(f->level);
	rd(f, PC_PIT_PORT);
	assert_false(f->level);
	tick_at(f, loaded_ns + TICKS_NS(2001));
	assert_int_equal(f->edges, 2);
	assert_true(f->level);
}

static void test_pit_one_shot_interrupts_once(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 0, 100);

	assert_false(f->level);
	assert_int_equal(f->edges, 0);
	tick_at(f, loaded_ns + TICKS_NS(101));
	assert_int_equal(f->edges, 1);
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
	tick_at(f, loaded_ns + DIS_S_NS);
	assert_int_equal(f->edges, 1);
}

/* Mode 4, which Linux uses for its one-shots. */
static void test_pit_strobe_interrupts_once(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 4, 100);

	f->edges = 0;
	tick_at(f, loaded_ns + TICKS_NS(150));
	assert_int_equal(f->edges, 1);
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
}

static void test_pit_idle_never_expires(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
	wr(f, CONTROL, SET | 2 << 1);
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
	wr(f, PC_PIT_PORT, 0);
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
}

/* What nobody could notice costs nothing; what was missed comes once. */
static void test_pit_unheard_asks_for_no_expiry(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 1000);

	f->edges = 0;
	f->deaf = true;
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
	f->deaf = false;
	clock_now_ns = loaded_ns + TICKS_NS(5500);
	assert_true(pit_expiry_ns(&f->pit) <= clock_now_ns);
	pit_tick(&f->pit, clock_now_ns);
	assert_int_equal(f->edges, 1);
	assert_true(pit_expiry_ns(&f->pit) > clock_now_ns);
}

/* Who sleeps until the expiry has to hear of an earlier one, and of no other. */
static void test_pit_earlier_expiry_is_told(void **state)
{
	struct fixture *f = *state;

	start(f, 2, 1000);
	assert_int_equal(f->earlier, 1);
	rd(f, PC_PIT_PORT);
	wr(f, CONTROL, 0);
	assert_int_equal(f->earlier, 1);
	wr_by(f, CONTROL, SET | 2 << 1, 3);
	wr_by(f, PC_PIT_PORT, 100, 3);
	wr_by(f, PC_PIT_PORT, 0, 3);
	assert_int_equal(f->earlier, 2);
	assert_int_equal(f->by, 3);
}

/* An access sees what is due by then, also before the tick. */
static void test_pit_access_tells_what_is_due(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 1000);

	f->edges = 0;
	clock_now_ns = loaded_ns + TICKS_NS(1001);
	rd(f, PC_PIT_PORT);
	assert_int_equal(f->edges, 1);
	pit_tick(&f->pit, clock_now_ns);
	assert_int_equal(f->edges, 1);
}

static void test_pit_tick_of_the_past_does_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 1000);

	f->edges = 0;
	tick_at(f, loaded_ns + TICKS_NS(1500));
	pit_tick(&f->pit, loaded_ns + TICKS_NS(500));
	pit_tick(&f->pit, loaded_ns + TICKS_NS(1600));
	assert_int_equal(f->edges, 1);
}

/* A control word sets the output of the mode at once. */
static void test_pit_control_word_sets_the_line(void **state)
{
	struct fixture *f = *state;

	wr(f, CONTROL, SET | 2 << 1);
	assert_true(f->level);
	wr(f, CONTROL, SET | 0 << 1);
	assert_false(f->level);
}

static void test_pit_counter_latch_command_reads_the_count(void **state)
{
	struct fixture *f = *state;
	uint64_t loaded_ns = start(f, 2, 0x1234);

	clock_now_ns = loaded_ns + TICKS_NS(0x34);
	wr(f, CONTROL, 0);
	clock_now_ns += TICKS_NS(0x100);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x00);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x12);
}

/* Read-back of counters 0 and 2 at once: status first, then the count. */
static void test_pit_read_back_latches_several(void **state)
{
	struct fixture *f = *state;

	start(f, 2, 0x1234);
	wr(f, CONTROL, COUNTER2 | SET | 0 << 1);
	clock_now_ns += TICKS_NS(1);
	wr(f, CONTROL, READ_BACK | 1 << 1 | 1 << 3);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x80 | SET | 2 << 1);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x34);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x12);
	/* Without a count: null count. */
	assert_int_equal(rd(f, PC_PIT_PORT + 2), 0x40 | SET);
}

static void test_pit_read_back_latches_what_is_asked_for(void **state)
{
	struct fixture *f = *state;

	start(f, 2, 0x1234);
	clock_now_ns += TICKS_NS(1);
	wr(f, CONTROL, READ_BACK | 0x20 | 1 << 1);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x80 | SET | 2 << 1);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x34);
	rd(f, PC_PIT_PORT);
	wr(f, CONTROL, READ_BACK | 0x10 | 1 << 1);
	assert_int_equal(rd(f, PC_PIT_PORT), 0x34);
}

static void test_pit_control_port_reads_ones(void **state)
{
	assert_int_equal(rd(*state, CONTROL), 0xff);
}

static void test_pit_wide_access_has_one_byte(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4] = {0};
	struct io_access a = {
		.addr = PC_PIT_PORT, .width = 4, .count = 1, .data = data};

	start(f, 2, 0x1234);
	clock_now_ns += TICKS_NS(1);
	io_bus_access(&f->bus, &a);
	assert_int_equal(io_get(&a), 0xffffff34);
	a.addr = PC_PORT_B;
	io_bus_access(&f->bus, &a);
	assert_int_equal(io_get(&a) >> 8, 0xffffff);
}

/* How firmware and Linux measure the TSC: counter 2 in mode 0, OUT in bit 5. */
static void test_pit_port_b_gates_counter_2(void **state)
{
	struct fixture *f = *state;

	wr(f, PC_PORT_B, 0x01);
	wr(f, CONTROL, COUNTER2 | SET | 0 << 1);
	wr(f, PC_PIT_PORT + 2, 100);
	wr(f, PC_PIT_PORT + 2, 0);
	clock_now_ns += TICKS_NS(51);
	assert_int_equal(rd(f, PC_PORT_B) & 0x2f, 0x01);
	wr(f, PC_PORT_B, 0x00);
	clock_now_ns += DIS_S_NS;
	assert_int_equal(rd(f, PC_PORT_B) & 0x2f, 0x00);
	wr(f, PC_PORT_B, 0x01);
	clock_now_ns += TICKS_NS(49);
	assert_int_equal(rd(f, PC_PORT_B) & 0x20, 0x00);
	clock_now_ns += TICKS_NS(2);
	assert_int_equal(rd(f, PC_PORT_B) & 0x20, 0x20);
	/* No interrupt: that is counter 0's. */
	assert_int_equal(f->edges, 0);
}

static void test_pit_port_b_keeps_its_lower_bits(void **state)
{
	struct fixture *f = *state;

	wr(f, PC_PORT_B, 0xfe);
	assert_int_equal(rd(f, PC_PORT_B) & 0xcf, 0x0e);
	wr(f, PC_PORT_B, 0x00);
	assert_int_equal(rd(f, PC_PORT_B) & 0xcf, 0x00);
}

static void test_pit_port_b_toggles_refresh(void **state)
{
	struct fixture *f = *state;
	uint8_t before = rd(f, PC_PORT_B) & 0x10;

	clock_now_ns += TICKS_NS(18);
	assert_int_equal(rd(f, PC_PORT_B) & 0x10, before ^ 0x10);
	clock_now_ns += TICKS_NS(18);
	assert_int_equal(rd(f, PC_PORT_B) & 0x10, before);
}

/* No time at which a count could end is beyond the clock's range. */
static void test_pit_at_the_end_of_time_saturates(void **state)
{
	struct fixture *f = *state;

	clock_now_ns = DIS_NEVER_NS - 10;
	start(f, 2, 0);
	assert_int_equal(pit_expiry_ns(&f->pit), DIS_NEVER_NS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pit_rate_generator_interrupts_each_period),
		T(test_pit_missed_periods_are_one_interrupt),
		T(test_pit_late_tick_leaves_the_line_high),
		T(test_pit_one_shot_interrupts_once),
		T(test_pit_strobe_interrupts_once),
		T(test_pit_idle_never_expires),
		T(test_pit_unheard_asks_for_no_expiry),
		T(test_pit_earlier_expiry_is_told),
		T(test_pit_access_tells_what_is_due),
		T(test_pit_tick_of_the_past_does_nothing),
		T(test_pit_control_word_sets_the_line),
		T(test_pit_counter_latch_command_reads_the_count),
		T(test_pit_read_back_latches_several),
		T(test_pit_read_back_latches_what_is_asked_for),
		T(test_pit_control_port_reads_ones),
		T(test_pit_wide_access_has_one_byte),
		T(test_pit_port_b_gates_counter_2),
		T(test_pit_port_b_keeps_its_lower_bits),
		T(test_pit_port_b_toggles_refresh),
		T(test_pit_at_the_end_of_time_saturates),
	};

	return cmocka_run_group_tests_name("pit", tests, NULL, NULL);
}
