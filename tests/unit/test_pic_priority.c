/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8259 pair: priorities, ends of interrupt, modes, polling (R: CARD-8). Sections:
 * see test_pic_fixture.h.
 */
#include "test_pic_fixture.h"

static void in_service(struct pic *p, unsigned irq)
{
	rise(p, irq);
	pic_accept(p);
}

/* Fully nested mode: 0 is the highest, 8 to 15 come in between 1 and 3. */
static void test_pic_order_is_that_of_inputs(void **state)
{
	static const uint8_t order[] = {
		BASE1 + 0, BASE1 + 1, BASE2 + 0,
		BASE2 + 7, BASE1 + 3, BASE1 + 7,
	};
	static const unsigned irqs[] = {7, 3, 15, 8, 1, 0};
	struct pic *p = *state;

	for (unsigned i = 0; i < 6; i++)
		rise(p, irqs[i]);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(pic_accept(p), order[i]);
		cmd(p, SECOND, EOI);
		cmd(p, FIRST, EOI);
	}
	assert_false(pic_intr(p));
}

static void test_pic_in_service_blocks_equal_and_lower(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	rise(p, 3);
	rise(p, 4);
	assert_false(pic_intr(p));
	rise(p, 1);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE1 + 1);
	assert_int_equal(isr(p, FIRST), 0x0a);
}

/* Non-specific EOI: of the highest in service. */
static void test_pic_eoi_ends_the_highest(void **state)
{
	struct pic *p = *state;

	in_service(p, 5);
	in_service(p, 3);
	in_service(p, 1);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0x28);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0x20);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0);
}

static void test_pic_specific_eoi_ends_the_one_named(void **state)
{
	struct pic *p = *state;

	in_service(p, 5);
	in_service(p, 3);
	cmd(p, FIRST, EOI_INPUT | 5);
	assert_int_equal(isr(p, FIRST), 0x08);
}

/* OCW2 without a command in it. */
static void test_pic_no_operation_changes_nothing(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	cmd(p, FIRST, 0x43);
	assert_int_equal(isr(p, FIRST), 0x08);
}

/* Set priority: the one named is the lowest, the next one the highest. */
static void test_pic_set_priority_rotates_the_order(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, SET_PRIORITY | 4);
	rise(p, 0);
	rise(p, 4);
	rise(p, 5);
	assert_int_equal(pic_accept(p), BASE1 + 5);
	cmd(p, FIRST, EOI);
	assert_int_equal(pic_accept(p), BASE1 + 0);
	cmd(p, FIRST, EOI);
	assert_int_equal(pic_accept(p), BASE1 + 4);
}

static void test_pic_rotate_on_eoi_makes_the_ended_lowest(void **state)
{
	struct pic *p = *state;

	in_service(p, 4);
	cmd(p, FIRST, ROTATE_EOI);
	rise(p, 4);
	rise(p, 3);
	rise(p, 6);
	assert_int_equal(pic_accept(p), BASE1 + 6);
	cmd(p, FIRST, EOI);
	assert_int_equal(pic_accept(p), BASE1 + 3);
}

static void test_pic_rotate_on_eoi_with_none_in_service_keeps_order(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, ROTATE_EOI);
	rise(p, 7);
	rise(p, 0);
	assert_int_equal(pic_accept(p), BASE1 + 0);
}

static void test_pic_rotate_on_specific_eoi_makes_the_named_lowest(void **state)
{
	struct pic *p = *state;

	in_service(p, 5);
	in_service(p, 3);
	cmd(p, FIRST, ROTATE_EOI_INPUT | 5);
	assert_int_equal(isr(p, FIRST), 0x08);
	cmd(p, FIRST, EOI);
	rise(p, 5);
	rise(p, 6);
	assert_int_equal(pic_accept(p), BASE1 + 6);
}

/* ICW4 AEOI: nothing stays in service. */
static void test_pic_auto_eoi_keeps_nothing_in_service(void **state)
{
	struct pic *p = *state;

	initialise(p, 0x03);
	rise(p, 3);
	rise(p, 5);
	assert_int_equal(pic_accept(p), BASE1 + 3);
	assert_int_equal(isr(p, FIRST), 0);
	assert_int_equal(pic_accept(p), BASE1 + 5);
	assert_false(pic_intr(p));
}

static void test_pic_rotate_in_auto_eoi_takes_turns(void **state)
{
	struct pic *p = *state;

	initialise(p, 0x03);
	cmd(p, FIRST, ROTATE_AUTO);
	rise(p, 3);
	assert_int_equal(pic_accept(p), BASE1 + 3);
	rise(p, 3);
	rise(p, 7);
	assert_int_equal(pic_accept(p), BASE1 + 7);
	assert_int_equal(pic_accept(p), BASE1 + 3);
	cmd(p, FIRST, ROTATE_AUTO_OFF);
	rise(p, 5);
	rise(p, 6);
	assert_int_equal(pic_accept(p), BASE1 + 5);
	rise(p, 5);
	assert_int_equal(pic_accept(p), BASE1 + 5);
}

/* With automatic ends in the second chip, each of its interrupts is an edge. */
static void test_pic_auto_eoi_of_second_chip_loses_none(void **state)
{
	struct pic *p = *state;

	cmd(p, SECOND, 0x11);
	mask(p, SECOND, BASE2);
	mask(p, SECOND, 0x02);
	mask(p, SECOND, 0x03);
	rise(p, 8);
	rise(p, 9);
	assert_int_equal(pic_accept(p), BASE2 + 0);
	cmd(p, FIRST, EOI);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE2 + 1);
	cmd(p, FIRST, EOI);
	assert_false(pic_intr(p));
}

/* Special mask mode: a masked one in service blocks nobody. */
static void test_pic_special_mask_lets_lower_ones_in(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	rise(p, 6);
	mask(p, FIRST, 0x08);
	assert_false(pic_intr(p));
	cmd(p, FIRST, SPECIAL_MASK);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE1 + 6);
	cmd(p, FIRST, SPECIAL_MASK_OFF);
	rise(p, 7);
	assert_false(pic_intr(p));
}

/* ESMM 0: SMM is not looked at. */
static void test_pic_special_mask_needs_its_enable(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	rise(p, 6);
	mask(p, FIRST, 0x08);
	cmd(p, FIRST, 0x28);
	assert_false(pic_intr(p));
}

/* ... and a non-specific EOI does not end it. */
static void test_pic_special_mask_eoi_spares_the_masked(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	mask(p, FIRST, 0x08);
	cmd(p, FIRST, SPECIAL_MASK);
	in_service(p, 6);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0x08);
	cmd(p, FIRST, EOI);
	assert_int_equal(isr(p, FIRST), 0x08);
	cmd(p, FIRST, EOI_INPUT | 3);
	assert_int_equal(isr(p, FIRST), 0);
}

/* ICW4 SFNM: the second chip is not locked out by what it has in service. */
static void test_pic_special_fully_nested_second_interrupts_itself(void **state)
{
	struct pic *p = *state;

	in_service(p, 12);
	rise(p, 9);
	assert_false(pic_intr(p));
	initialise(p, 0x11);
	in_service(p, 12);
	rise(p, 13);
	assert_false(pic_intr(p));
	rise(p, 9);
	assert_true(pic_intr(p));
	assert_int_equal(pic_accept(p), BASE2 + 1);
	assert_int_equal(isr(p, SECOND), 0x12);
	rise(p, 3);
	assert_false(pic_intr(p));
}

/* OCW3: the choice of what is read stays. */
static void test_pic_status_read_shows_what_was_chosen(void **state)
{
	struct pic *p = *state;

	in_service(p, 3);
	rise(p, 6);
	cmd(p, FIRST, READ_ISR);
	assert_int_equal(pic_read(p, FIRST, false), 0x08);
	assert_int_equal(pic_read(p, FIRST, false), 0x08);
	cmd(p, FIRST, 0x08);
	assert_int_equal(pic_read(p, FIRST, false), 0x08);
	cmd(p, FIRST, READ_IRR);
	assert_int_equal(pic_read(p, FIRST, false), 0x40);
}

/* Poll: the next read is an INTA. */
static void test_pic_poll_answers_the_highest_once(void **state)
{
	struct pic *p = *state;

	rise(p, 6);
	rise(p, 4);
	cmd(p, FIRST, POLL);
	assert_int_equal(pic_read(p, FIRST, false), 0x84);
	assert_false(pic_intr(p));
	assert_int_equal(pic_read(p, FIRST, false), 0x40);
	assert_int_equal(isr(p, FIRST), 0x10);
}

static void test_pic_poll_with_nothing_pending_says_so(void **state)
{
	struct pic *p = *state;

	cmd(p, FIRST, POLL);
	assert_int_equal(pic_read(p, FIRST, true) & 0x80, 0);
	assert_int_equal(isr(p, FIRST), 0);
}

static void test_pic_poll_of_both_chips_finds_the_input(void **state)
{
	struct pic *p = *state;

	rise(p, 11);
	cmd(p, FIRST, POLL);
	assert_int_equal(pic_read(p, FIRST, false), 0x82);
	cmd(p, SECOND, POLL);
	assert_int_equal(pic_read(p, SECOND, false), 0x83);
	assert_int_equal(isr(p, SECOND), 0x08);
	assert_false(pic_intr(p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pic_order_is_that_of_inputs),
		T(test_pic_in_service_blocks_equal_and_lower),
		T(test_pic_eoi_ends_the_highest),
		T(test_pic_specific_eoi_ends_the_one_named),
		T(test_pic_no_operation_changes_nothing),
		T(test_pic_set_priority_rotates_the_order),
		T(test_pic_rotate_on_eoi_makes_the_ended_lowest),
		T(test_pic_rotate_on_eoi_with_none_in_service_keeps_order),
		T(test_pic_rotate_on_specific_eoi_makes_the_named_lowest),
		T(test_pic_auto_eoi_keeps_nothing_in_service),
		T(test_pic_rotate_in_auto_eoi_takes_turns),
		T(test_pic_auto_eoi_of_second_chip_loses_none),
		T(test_pic_special_mask_lets_lower_ones_in),
		T(test_pic_special_mask_needs_its_enable),
		T(test_pic_special_mask_eoi_spares_the_masked),
		T(test_pic_special_fully_nested_second_interrupts_itself),
		T(test_pic_status_read_shows_what_was_chosen),
		T(test_pic_poll_answers_the_highest_once),
		T(test_pic_poll_with_nothing_pending_says_so),
		T(test_pic_poll_of_both_chips_finds_the_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
