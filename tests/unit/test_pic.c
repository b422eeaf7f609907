/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8259 pair: initialisation, requests, vectors, cascade, trigger modes (R: CARD-8).
 * Sections: see test_pic_fixture.h.
 */
#include "test_pic_fixture.h"

static void test_pic_at_power_on_asks_for_nothing(void **state)
{
	struct pic p;

	(void)state;
	pic_init(&p);
	for (unsigned i = 0; i < PIC_INPUTS; i++)
		if (i != PIC_CASCADE)
			pic_set_line(&p, i, true);
	assert_false(pic_intr(&p));
}

/* ICW2 in 8086 mode: bits 7:3 of the vector, the input is the rest. */
static void test_pic_each_input_has_its_vector(void **state)
{
	struct pic *p = *state;

	for (unsigned i = 0; i < PIC_INPUTS; i++) {
		if (i == PIC_CASCADE)
			continue;
		rise(p, i);
		assert_true(pic_intr(p));
		assert_int_equal(pic_accept(p),
				 i < 8 ? BASE1 + (int)i : BASE2 + (int)i - 8);
		assert_false(pic_intr(p));
		cmd(p, SECOND, EOI);
		cmd(p, FIRST, EOI);
	}
}

static void test_pic_base_ignores_lower_bits(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, 0x11);
	mask(p, FIRST, 0x37);
	mask(p, FIRST, 0x04);
	mask(p, FIRST, 0x01);
	rise(p, 1);
	assert_int_equal(pic_accept(p), 0x31);
}

/* ICW1: what it resets, and what not. */
static void test_pic_icw1_clears_masks_edges_and_modes(void **state)
{
	struct pic *p = *state;

	mask(p, FIRST, 0xaa);
	cmd(p, FIRST, SPECIAL_MASK);
	cmd(p, FIRST, SET_PRIORITY | 3);
	cmd(p, FIRST, ROTATE_AUTO);
	cmd(p, FIRST, READ_ISR);
	pic_set_line(p, 0, true);
	pic_set_line(p, 4, true);
	pic_accept(p);
	initialise(p, 0x01);
	assert_int_equal(pic_read(p, FIRST, true), 0);
	/* IRR is what is read; an edge must come anew. */
	assert_int_equal(pic_read(p, FIRST, false), 0);
	assert_int_equal(isr(p, FIRST), 0);
	assert_false(pic_intr(p));
	pic_set_line(p, 0, false);
	pic_set_line(p, 0, true);
	rise(p, 7);
	assert_int_equal(pic_accept(p), BASE1 + 0);
}

/* ICW3 only with a cascade, ICW4 only if asked for: what follows is OCW1. */
static void test_pic_initialisation_words_are_counted(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, 0x12); /* single, no ICW4 */
	mask(p, FIRST, 0x40);
	mask(p, FIRST, 0xf0);
	assert_int_equal(pic_read(p, FIRST, true), 0xf0);
	cmd(p, FIRST, 0x10); /* ICW3, no ICW4 */
	mask(p, FIRST, 0x40);
	mask(p, FIRST, 0x04);
	mask(p, FIRST, 0xf1);
	assert_int_equal(pic_read(p, FIRST, true), 0xf1);
	cmd(p, FIRST, 0x13); /* single, ICW4 */
	mask(p, FIRST, 0x40);
	mask(p, FIRST, 0x03);
	mask(p, FIRST, 0xf2);
	assert_int_equal(pic_read(p, FIRST, true), 0xf2);
	rise(p, 0);
	assert_int_equal(pic_accept(p), 0x40);
	assert_int_equal(isr(p, FIRST), 0);
}

/* ICW1 in the middle begins anew. */
static void test_pic_icw1_restarts_initialisation(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, 0x11);
	mask(p, FIRST, 0x40);
	initialise(p, 0x01);
	mask(p, FIRST, 0x5a);
	assert_int_equal(pic_read(p, FIRST, true), 0x5a);
}

/* A single chip has no second one to ask for the vector. */
static void test_pic_single_first_chip_answers_for_cascade(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, 0x12);
	mask(p, FIRST, BASE1);
	rise(p, 9);
	assert_int_equal(pic_accept(p), BASE1 + 2);
	assert_int_equal(isr(p, SECOND), 0);
}

static void test_pic_mask_holds_edge_back(void **state)
{
	struct pic *p = *state;

	mask(p, FIRST, 0x10);
	rise(p, 4);
	assert_false(pic_intr(p));
	assert_int_equal(irr(p, FIRST), 0x10);
	mask(p, FIRST, 0);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE1 + 4);
}

static void test_pic_edge_needs_a_rise(void **state)
{
	struct pic *p = *state;

	pic_set_line(p, 3, true);
	pic_accept(p);
	cmd(p, FIRST, EOI);
	pic_set_line(p, 3, true);
	assert_false(pic_intr(p));
	pic_set_line(p, 3, false);
	assert_false(pic_intr(p));
	pic_set_line(p, 3, true);
	assert_true(pic_intr(p));
}

static void test_pic_edges_before_answer_are_one(void **state)
{
	struct pic *p = *state;

	rise(p, 3);
	rise(p, 3);
	assert_int_equal(pic_accept(p), BASE1 + 3);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
}

/* ELCR: a level asks for as long as it is there. */
static void test_pic_level_asks_until_it_falls(void **state)
{
	struct pic *p = *state;

	pic_elcr_write(p, FIRST, 0x20);
	pic_set_line(p, 5, true);
	assert_int_equal(pic_accept(p), BASE1 + 5);
	assert_int_equal(irr(p, FIRST), 0x20);
	cmd(p, FIRST, EOI);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE1 + 5);
	pic_set_line(p, 5, false);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
	assert_int_equal(irr(p, FIRST), 0);
}

static void test_pic_elcr_keeps_system_inputs_edge_triggered(void **state)
{
	struct pic *p = *state;

	pic_elcr_write(p, FIRST, 0xff);
	pic_elcr_write(p, SECOND, 0xff);
	assert_int_equal(pic_elcr_read(p, FIRST), 0xf8);
	assert_int_equal(pic_elcr_read(p, SECOND), 0xde);
}

static void test_pic_elcr_switch_takes_level_as_it_is(void **state)
{
	struct pic *p = *state;

	pic_set_line(p, 11, true);
	pic_accept(p);
	cmd(p, SECOND, EOI);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
	pic_elcr_write(p, SECOND, 0x08);
	assert_true(pic_intr(p));
	pic_elcr_write(p, SECOND, 0);
	assert_int_equal(irr(p, SECOND), 0);
}

static void test_pic_elcr_switch_forgets_the_edge(void **state)
{
	struct pic *p = *state;

	mask(p, FIRST, 0x20);
	rise(p, 5);
	assert_int_equal(irr(p, FIRST), 0x20);
	pic_elcr_write(p, FIRST, 0x20);
	pic_elcr_write(p, FIRST, 0);
	assert_int_equal(irr(p, FIRST), 0);
}

/* ICW1 LTIM. */
static void test_pic_ltim_makes_all_inputs_levels(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, 0x1b);
	mask(p, FIRST, BASE1);
	mask(p, FIRST, 0x01);
	pic_set_line(p, 1, true);
	assert_true(pic_intr(p));
	pic_set_line(p, 1, false);
	assert_false(pic_intr(p));
}

/* "Default IR7": nobody asks any more when the processor does. */
static void test_pic_withdrawn_level_is_spurious_7(void **state)
{
	struct pic *p = *state;

	pic_elcr_write(p, FIRST, 0x20);
	pic_set_line(p, 5, true);
	assert_true(pic_intr(p));
	pic_set_line(p, 5, false);
	assert_int_equal(pic_accept(p), BASE1 + 7);
	assert_int_equal(isr(p, FIRST), 0);
}

/* "In both the edge and level triggered modes": the line must stay high. */
static void test_pic_withdrawn_edge_is_no_request(void **state)
{
	struct pic *p = *state;

	rise(p, 5);
	assert_true(pic_intr(p));
	pic_set_line(p, 5, false);
	assert_false(pic_intr(p));
	assert_int_equal(irr(p, FIRST), 0);
	assert_true(pic_hears(p, 5));
	assert_int_equal(pic_accept(p), BASE1 + 7);
	assert_int_equal(isr(p, FIRST), 0);
}

/* As the clock does when its status is read before the end of its last interrupt. */
static void test_pic_edge_withdrawn_while_in_service_is_no_request(void **state)
{
	struct pic *p = *state;

	rise(p, 8);
	assert_int_equal(pic_accept(p), BASE2 + 0);
	rise(p, 8);
	assert_int_equal(irr(p, SECOND), 0x01);
	pic_set_line(p, 8, false);
	cmd(p, SECOND, EOI);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
}

/* The second chip's output falls, which is a line of the first. */
static void test_pic_withdrawn_line_of_second_is_spurious_7(void **state)
{
	struct pic *p = *state;

	pic_elcr_write(p, SECOND, 0x04);
	for (unsigned irq = 9; irq <= 10; irq++) {
		pic_set_line(p, irq, true);
		assert_true(pic_intr(p));
		pic_set_line(p, irq, false);
		assert_false(pic_intr(p));
		assert_int_equal(pic_accept(p), BASE1 + 7);
		assert_int_equal(isr(p, FIRST), 0);
		assert_int_equal(isr(p, SECOND), 0);
	}
}

static void test_pic_cascade_needs_both_ends(void **state)
{
	struct pic *p = *state;

	rise(p, 9);
	assert_int_equal(pic_accept(p), BASE2 + 1);
	assert_int_equal(isr(p, FIRST), 0x04);
	assert_int_equal(isr(p, SECOND), 0x02);
	rise(p, 10);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
	cmd(p, SECOND, EOI);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE2 + 2);
}

/* The second chip's mask, and the first's mask of the cascade. */
static void test_pic_masks_of_both_chips_hold_back(void **state)
{
	struct pic *p = *state;

	mask(p, SECOND, 0xff);
	rise(p, 12);
	assert_false(pic_intr(p));
	mask(p, FIRST, 0x04);
	mask(p, SECOND, 0);
	assert_false(pic_intr(p));
	mask(p, FIRST, 0);
	assert_int_equal(pic_accept(p), BASE2 + 4);
}

static void test_pic_hears_no_second_edge_before_the_answer(void **state)
{
	struct pic *p = *state;

	mask(p, FIRST, 0x01);
	assert_true(pic_hears(p, 0));
	rise(p, 0);
	assert_false(pic_hears(p, 0));
	mask(p, FIRST, 0);
	assert_false(pic_hears(p, 0));
	pic_accept(p);
	assert_true(pic_hears(p, 0));
	pic_elcr_write(p, SECOND, 0x04);
	pic_set_line(p, 10, true);
	assert_true(pic_hears(p, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pic_at_power_on_asks_for_nothing),
		T(test_pic_each_input_has_its_vector),
		T(test_pic_base_ignores_lower_bits),
		T(test_pic_icw1_clears_masks_edges_and_modes),
		T(test_pic_initialisation_words_are_counted),
		T(test_pic_icw1_restarts_initialisation),
		T(test_pic_single_first_chip_answers_for_cascade),
		T(test_pic_mask_holds_edge_back),
		T(test_pic_edge_needs_a_rise),
		T(test_pic_edges_before_answer_are_one),
		T(test_pic_level_asks_until_it_falls),
		T(test_pic_elcr_keeps_system_inputs_edge_triggered),
		T(test_pic_elcr_switch_takes_level_as_it_is),
		T(test_pic_elcr_switch_forgets_the_edge),
		T(test_pic_ltim_makes_all_inputs_levels),
		T(test_pic_withdrawn_level_is_spurious_7),
		T(test_pic_withdrawn_edge_is_no_request),
		T(test_pic_edge_withdrawn_while_in_service_is_no_request),
		T(test_pic_withdrawn_line_of_second_is_spurious_7),
		T(test_pic_cascade_needs_both_ends),
		T(test_pic_masks_of_both_chips_hold_back),
		T(test_pic_hears_no_second_edge_before_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
