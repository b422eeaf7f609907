/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: the pin LINT0, and interrupts of the 8259 pair behind it (R: CARD-8).
 * Section numbers: see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

/* 10.5.1: ExtINT, for as long as the pair asks for it. */
static void test_lint0_extint_passes_level_on(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[0];

	wr(f, 0, LVT_LINT0, 0x700);
	assert_false(lapic_extint(l));
	lapic_lint0_set(l, true);
	assert_true(lapic_extint(l));
	lapic_lint0_set(l, false);
	assert_false(lapic_extint(l));
}

static void test_lint0_extint_taken_is_over_until_shown_anew(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[0];

	wr(f, 0, LVT_LINT0, 0x700);
	lapic_lint0_set(l, true);
	lapic_extint_taken(l);
	assert_false(lapic_extint(l));
	lapic_lint0_set(l, true);
	assert_true(lapic_extint(l));
}

/* 10.8.1: priorities are not for it. */
static void test_lint0_extint_ignores_task_priority(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_LINT0, 0x700);
	wr(f, 0, TPR, 0xff);
	lapic_lint0_set(f->cpus[0], true);
	assert_true(lapic_extint(f->cpus[0]));
	assert_true(lapic_has_wake(f->cpus[0], true));
	assert_false(lapic_has_wake(f->cpus[0], false));
}

static void test_lint0_masked_passes_nothing_on(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_LINT0, MASKED | 0x700);
	lapic_lint0_set(f->cpus[0], true);
	assert_false(lapic_extint(f->cpus[0]));
	/* It is a level: it counts when the mask goes. */
	wr(f, 0, LVT_LINT0, 0x700);
	assert_true(lapic_extint(f->cpus[0]));
	/* 10.4.7.2: disabling masks it. */
	wr(f, 0, SVR, 0xff);
	assert_false(lapic_extint(f->cpus[0]));
}

/* 10.4.3: without an APIC, the pin is the processor's INTR. */
static void test_lint0_of_disabled_apic_is_intr(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LAPIC_MSR_BASE, 0xfee00100);
	assert_false(lapic_extint(f->cpus[0]));
	lapic_lint0_set(f->cpus[0], true);
	assert_true(lapic_extint(f->cpus[0]));
	assert_true(lapic_has_wake(f->cpus[0], true));
}

static void test_lint0_as_nmi_counts_rises(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[0];

	wr(f, 0, LVT_LINT0, 0x400);
	lapic_lint0_set(l, true);
	assert_false(lapic_extint(l));
	assert_true(lapic_take_nmi(l));
	lapic_lint0_set(l, true);
	assert_false(lapic_take_nmi(l));
	lapic_lint0_set(l, false);
	lapic_lint0_set(l, true);
	assert_true(lapic_take_nmi(l));
}

static void test_lint0_as_fixed_raises_its_vector_on_rise(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[0];

	wr(f, 0, LVT_LINT0, 0x045);
	lapic_lint0_set(l, true);
	assert_int_equal(lapic_accept(l), 0x45);
	lapic_lint0_set(l, true);
	wr(f, 0, EOI, 0);
	assert_int_equal(lapic_accept(l), -1);
	assert_false(lapic_extint(l));
}

/* 10.4.7.3: INIT changes registers, not the level of a pin. */
static void test_lint0_level_outlives_init(void **state)
{
	struct fixture *f = *state;

	lapic_lint0_set(f->cpus[0], true);
	lapic_post_init(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	turn_on(f, 0);
	wr(f, 0, LVT_LINT0, 0x700);
	assert_true(lapic_extint(f->cpus[0]));
}

static void test_extint_message_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[2];

	assert_true(lapic_post_extint(l));
	assert_false(lapic_post_extint(l));
	assert_false(lapic_extint(l));
	lapic_sync(l);
	assert_true(lapic_extint(l));
	assert_true(lapic_has_wake(l, true));
	lapic_extint_taken(l);
	assert_false(lapic_extint(l));
	assert_false(lapic_has_wake(l, true));
}

static void test_extint_message_before_init_is_lost(void **state)
{
	struct fixture *f = *state;

	lapic_post_extint(f->cpus[2]);
	lapic_post_init(f->cpus[2]);
	lapic_sync(f->cpus[2]);
	assert_false(lapic_extint(f->cpus[2]));
	lapic_post_extint(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	lapic_post_init(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	assert_false(lapic_extint(f->cpus[1]));
}

/* 10.4.7.2: disabled by software it answers INIT, NMI, SIPI only. */
static void test_extint_message_to_disabled_apic_is_dropped(void **state)
{
	struct fixture *f = *state;

	wr(f, 2, SVR, 0xff);
	assert_false(lapic_post_extint(f->cpus[2]));
	lapic_sync(f->cpus[2]);
	assert_false(lapic_extint(f->cpus[2]));
}

/* MultiProcessor Specification 1.4, 3.6.2.2. */
static void test_virtual_wire_lets_pair_interrupt_at_once(void **state)
{
	struct fixture *f = *state;

	lapic_virtual_wire(f->cpus[0]);
	assert_int_equal(mrd(f, 0, SVR), 0x1ff);
	assert_int_equal(mrd(f, 0, LVT_LINT0), 0x700);
	assert_int_equal(mrd(f, 0, LVT_LINT1), 0x400);
	lapic_lint0_set(f->cpus[0], true);
	assert_true(lapic_has_wake(f->cpus[0], true));
	assert_true(lapic_post(f->cpus[0], 0x40, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(test_lint0_extint_passes_level_on),
		T1(test_lint0_extint_taken_is_over_until_shown_anew),
		T1(test_lint0_extint_ignores_task_priority),
		T1(test_lint0_masked_passes_nothing_on),
		T1(test_lint0_of_disabled_apic_is_intr),
		T1(test_lint0_as_nmi_counts_rises),
		T1(test_lint0_as_fixed_raises_its_vector_on_rise),
		T1(test_lint0_level_outlives_init),
		T4(test_extint_message_is_taken_once),
		T4(test_extint_message_before_init_is_lost),
		T4(test_extint_message_to_disabled_apic_is_dropped),
		TR(test_virtual_wire_lets_pair_interrupt_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
