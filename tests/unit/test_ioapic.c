/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O APIC: registers, trigger modes, remote IRR, messages (R: CARD-11), after
 * Intel's data sheet 82093AA (290566).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dev/ioapic.h"

#define INDEX 0x00u
#define WINDOW 0x10u
#define EOI 0x40u
#define LEVEL 0x8000u
#define MASKED 0x10000u
#define REMOTE_IRR 0x4000u

/* @refuse: nobody accepts; @last: the last message. */
struct fixture {
	struct ioapic io;
	bool refuse;
	unsigned sent;
	struct lapic_message last;
};

static bool on_send(void *ctx, const struct lapic_message *m)
{
	struct fixture *f = ctx;

	f->sent++;
	f->last = *m;
	return !f->refuse;
}

static void wr(struct fixture *f, uint8_t index, uint32_t val)
{
	ioapic_write(&f->io, INDEX, index);
	ioapic_write(&f->io, WINDOW, val);
}

static uint32_t rd(struct fixture *f, uint8_t index)
{
	ioapic_write(&f->io, INDEX, index);
	return ioapic_read(&f->io, WINDOW);
}

static void entry(struct fixture *f, unsigned pin, uint8_t dest, uint32_t low)
{
	wr(f, (uint8_t)(0x11 + 2 * pin), (uint32_t)dest << 24);
	wr(f, (uint8_t)(0x10 + 2 * pin), low);
}

static uint32_t low(struct fixture *f, unsigned pin)
{
	return rd(f, (uint8_t)(0x10 + 2 * pin));
}

static void pulse(struct fixture *f, unsigned pin)
{
	ioapic_set_line(&f->io, pin, true);
	ioapic_set_line(&f->io, pin, false);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	ioapic_init(&f->io, on_send, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* 3.2: version 0x20, 24 pins, all masked. */
static void test_ioapic_registers_after_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rd(f, 0), 0);
	assert_int_equal(rd(f, 1), 0x00170020);
	assert_int_equal(rd(f, 2), 0);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		assert_int_equal(low(f, pin), MASKED);
		assert_int_equal(rd(f, (uint8_t)(0x11 + 2 * pin)), 0);
		assert_false(ioapic_hears(&f->io, pin));
	}
}

static void test_ioapic_id_has_four_bits_and_is_arbitration_id(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, 0xffffffff);
	assert_int_equal(rd(f, 0), 0x0f000000);
	assert_int_equal(rd(f, 2), 0x0f000000);
	wr(f, 2, 0);
	wr(f, 1, 0);
	assert_int_equal(rd(f, 0), 0x0f000000);
	assert_int_equal(rd(f, 1), 0x00170020);
}

/* 3.2.4: delivery status and remote IRR are read-only, 55:17 reserved. */
static void test_ioapic_entry_keeps_what_is_defined(void **state)
{
	struct fixture *f = *state;

	entry(f, 5, 0, 0xffffffff);
	wr(f, 0x1b, 0xffffffff);
	assert_int_equal(low(f, 5), 0x1afff);
	assert_int_equal(rd(f, 0x1b), 0xff000000);
	assert_int_equal(low(f, 4), MASKED);
	assert_int_equal(low(f, 6), MASKED);
}

static void test_ioapic_unknown_registers_read_zero(void **state)
{
	struct fixture *f = *state;

	for (unsigned index = 0x40; index <= 0xff; index++) {
		wr(f, (uint8_t)index, 0xffffffff);
		assert_int_equal(rd(f, (uint8_t)index), 0);
	}
	wr(f, 3, 1);
	assert_int_equal(rd(f, 3), 0);
	ioapic_write(&f->io, 0x20, 7);
	assert_int_equal(ioapic_read(&f->io, 0x20), 0);
	assert_int_equal(ioapic_read(&f->io, EOI), 0);
	assert_int_equal(f->sent, 0);
}

/* 3.1.1: bits 7:0. */
static void test_ioapic_index_reads_back(void **state)
{
	struct fixture *f = *state;

	ioapic_write(&f->io, INDEX, 0x12345613);
	assert_int_equal(ioapic_read(&f->io, INDEX), 0x13);
}

static void test_ioapic_message_is_what_the_entry_says(void **state)
{
	struct fixture *f = *state;

	entry(f, 7, 0xa5, 0x941);
	ioapic_set_line(&f->io, 7, true);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->last.vector, 0x41);
	assert_int_equal(f->last.mode, LAPIC_LOWEST);
	assert_true(f->last.logical);
	assert_false(f->last.level);
	assert_false(f->last.wide);
	assert_int_equal(f->last.dest, 0xa5);
	assert_int_equal(f->last.skip, LAPIC_NOBODY);
}

static void test_ioapic_edge_sends_on_each_rise(void **state)
{
	struct fixture *f = *state;

	entry(f, 3, 1, 0x41);
	ioapic_set_line(&f->io, 3, true);
	ioapic_set_line(&f->io, 3, true);
	assert_int_equal(f->sent, 1);
	ioapic_set_line(&f->io, 3, false);
	assert_int_equal(f->sent, 1);
	ioapic_set_line(&f->io, 3, true);
	assert_int_equal(f->sent, 2);
	assert_int_equal(low(f, 3), 0x41);
}

/* 3.2.4, interrupt mask: an edge on a masked pin is lost. */
static void test_ioapic_edge_on_masked_pin_is_lost(void **state)
{
	struct fixture *f = *state;

	entry(f, 3, 1, MASKED | 0x41);
	ioapic_set_line(&f->io, 3, true);
	entry(f, 3, 1, 0x41);
	assert_int_equal(f->sent, 0);
	assert_true(ioapic_hears(&f->io, 3));
	pulse(f, 3);
	ioapic_set_line(&f->io, 3, true);
	assert_int_equal(f->sent, 1);
}

/* 3.2.4, remote IRR: one message until the end of the interrupt. */
static void test_ioapic_level_sends_once_until_eoi(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	assert_int_equal(f->sent, 1);
	assert_true(f->last.level);
	assert_int_equal(low(f, 17), LEVEL | REMOTE_IRR | 0x51);
	ioapic_set_line(&f->io, 17, false);
	ioapic_set_line(&f->io, 17, true);
	assert_int_equal(f->sent, 1);
	ioapic_set_line(&f->io, 17, false);
	ioapic_eoi(&f->io, 0x51);
	assert_int_equal(low(f, 17), LEVEL | 0x51);
	assert_int_equal(f->sent, 1);
}

static void test_ioapic_level_still_high_at_eoi_is_sent_again(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	ioapic_eoi(&f->io, 0x52);
	assert_int_equal(f->sent, 1);
	ioapic_eoi(&f->io, 0x51);
	assert_int_equal(f->sent, 2);
	assert_int_equal(low(f, 17), LEVEL | REMOTE_IRR | 0x51);
}

/* All pins with the vector. */
static void test_ioapic_eoi_is_for_all_pins_of_its_vector(void **state)
{
	struct fixture *f = *state;

	entry(f, 16, 1, LEVEL | 0x51);
	entry(f, 18, 1, LEVEL | 0x51);
	entry(f, 19, 1, LEVEL | 0x52);
	ioapic_set_line(&f->io, 16, true);
	ioapic_set_line(&f->io, 18, true);
	ioapic_set_line(&f->io, 19, true);
	assert_int_equal(f->sent, 3);
	ioapic_eoi(&f->io, 0x51);
	assert_int_equal(f->sent, 5);
}

static void test_ioapic_level_on_masked_pin_counts_when_unmasked(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, MASKED | LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	assert_int_equal(f->sent, 0);
	wr(f, 0x32, LEVEL | 0x51);
	assert_int_equal(f->sent, 1);
}

static void test_ioapic_level_masked_in_service_ends_silently(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	wr(f, 0x32, MASKED | LEVEL | 0x51);
	assert_int_equal(low(f, 17), MASKED | LEVEL | REMOTE_IRR | 0x51);
	ioapic_eoi(&f->io, 0x51);
	assert_int_equal(low(f, 17), MASKED | LEVEL | 0x51);
	assert_int_equal(f->sent, 1);
	wr(f, 0x32, LEVEL | 0x51);
	assert_int_equal(f->sent, 2);
}

/* What nobody accepts is not in service anywhere, and stays to be done. */
static void test_ioapic_level_that_nobody_accepts_is_kept(void **state)
{
	struct fixture *f = *state;

	f->refuse = true;
	entry(f, 17, 9, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	assert_int_equal(low(f, 17), LEVEL | 0x51);
	f->refuse = false;
	wr(f, 0x33, 0x01000000);
	assert_int_equal(f->last.dest, 1);
	assert_int_equal(low(f, 17), LEVEL | REMOTE_IRR | 0x51);
}

/* The EOI register of version 0x20. */
static void test_ioapic_eoi_register_ends_by_vector(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	ioapic_set_line(&f->io, 17, false);
	ioapic_write(&f->io, EOI, 0x51);
	assert_int_equal(low(f, 17), LEVEL | 0x51);
}

/* How guests end it that know no such register. */
static void test_ioapic_edge_mode_clears_remote_irr(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, LEVEL | 0x51);
	ioapic_set_line(&f->io, 17, true);
	wr(f, 0x32, MASKED | 0x51);
	assert_int_equal(low(f, 17), MASKED | 0x51);
	assert_int_equal(f->sent, 1);
	wr(f, 0x32, LEVEL | 0x51);
	assert_int_equal(f->sent, 2);
}

/* 3.2.4, delivery mode: these are edges, even where the entry says level. */
static void test_ioapic_nmi_init_extint_are_edges(void **state)
{
	static const uint32_t modes[] = {LAPIC_NMI, LAPIC_INIT, LAPIC_EXTINT};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		f->sent = 0;
		entry(f, 2, 0, LEVEL | modes[i] << 8);
		ioapic_set_line(&f->io, 2, true);
		ioapic_set_line(&f->io, 2, true);
		assert_int_equal(f->sent, 1);
		assert_int_equal(f->last.mode, modes[i]);
		assert_false(f->last.level);
		assert_int_equal(low(f, 2), LEVEL | modes[i] << 8);
		ioapic_set_line(&f->io, 2, false);
	}
}

static void test_ioapic_reserved_delivery_mode_sends_nothing(void **state)
{
	struct fixture *f = *state;

	entry(f, 2, 0, 0x641);
	pulse(f, 2);
	assert_int_equal(f->sent, 0);
}

/* A message to an illegal vector is the receiver's error to tell. */
static void test_ioapic_illegal_vector_is_sent(void **state)
{
	struct fixture *f = *state;

	entry(f, 2, 0, 0x005);
	pulse(f, 2);
	assert_int_equal(f->sent, 1);
	assert_int_equal(f->last.vector, 5);
}

/* Polarity says what the wire is like, not whether there is an interrupt. */
static void test_ioapic_polarity_is_stored_only(void **state)
{
	struct fixture *f = *state;

	entry(f, 17, 1, 0x2000 | LEVEL | 0x51);
	assert_int_equal(f->sent, 0);
	ioapic_set_line(&f->io, 17, true);
	assert_int_equal(f->sent, 1);
	assert_int_equal(low(f, 17), 0x2000 | LEVEL | REMOTE_IRR | 0x51);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ioapic_registers_after_reset),
		T(test_ioapic_id_has_four_bits_and_is_arbitration_id),
		T(test_ioapic_entry_keeps_what_is_defined),
		T(test_ioapic_unknown_registers_read_zero),
		T(test_ioapic_index_reads_back),
		T(test_ioapic_message_is_what_the_entry_says),
		T(test_ioapic_edge_sends_on_each_rise),
		T(test_ioapic_edge_on_masked_pin_is_lost),
		T(test_ioapic_level_sends_once_until_eoi),
		T(test_ioapic_level_still_high_at_eoi_is_sent_again),
		T(test_ioapic_eoi_is_for_all_pins_of_its_vector),
		T(test_ioapic_level_on_masked_pin_counts_when_unmasked),
		T(test_ioapic_level_masked_in_service_ends_silently),
		T(test_ioapic_level_that_nobody_accepts_is_kept),
		T(test_ioapic_eoi_register_ends_by_vector),
		T(test_ioapic_edge_mode_clears_remote_irr),
		T(test_ioapic_nmi_init_extint_are_edges),
		T(test_ioapic_reserved_delivery_mode_sends_nothing),
		T(test_ioapic_illegal_vector_is_sent),
		T(test_ioapic_polarity_is_stored_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
