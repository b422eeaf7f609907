/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: xAPIC form, the page of registers (R: CARD-8, CARD-11). Section
 * numbers: see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

static bool is_register(uint32_t msr)
{
	static const uint32_t gaps[][2] = {
		{0x800, 0x801}, {0x804, 0x807}, {0x829, 0x82e},
		{0x83a, 0x83d}, {0x83f, 0x8ff},
	};

	for (unsigned i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		if (msr >= gaps[i][0] && msr <= gaps[i][1])
			return false;
	return true;
}

static uint32_t errors(struct fixture *f, unsigned cpu)
{
	mwr(f, cpu, ESR, 0);
	return mrd(f, cpu, ESR);
}

/* 10.4.4, table 10-5: in xAPIC form, at its base. */
static void test_xapic_page_is_decoded_at_its_base(void **state)
{
	struct fixture *f = *state;
	const struct lapic *l = f->cpus[1];

	assert_true(lapic_decodes(l, 0xfee00000));
	assert_true(lapic_decodes(l, 0xfee00fff));
	assert_false(lapic_decodes(l, 0xfedfffff));
	assert_false(lapic_decodes(l, 0xfee01000));
	assert_false(lapic_decodes(l, 0x1fee00000));
}

static void test_xapic_page_follows_relocation_of_one_apic(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, LAPIC_MSR_BASE, 0x1234567800);
	assert_false(lapic_decodes(f->cpus[1], 0xfee00020));
	assert_true(lapic_decodes(f->cpus[1], 0x1234567020));
	assert_true(lapic_decodes(f->cpus[2], 0xfee00020));
	assert_int_equal(mrd(f, 1, ID), 0x01000000);
}

static void test_xapic_page_is_gone_in_x2apic_form_and_disabled(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	assert_false(lapic_decodes(f->cpus[1], 0xfee00020));
	wr(f, 1, LAPIC_MSR_BASE, 0xfee00000);
	assert_false(lapic_decodes(f->cpus[1], 0xfee00020));
	wr(f, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	assert_true(lapic_decodes(f->cpus[1], 0xfee00020));
}

/* 10.4.7.1. */
static void test_xapic_registers_after_reset_match_sdm(void **state)
{
	struct fixture *f = *state;

	for (uint32_t msr = ID; msr <= DIVIDE; msr++) {
		uint32_t is = mrd(f, 2, msr);

		if (msr == ID)
			assert_int_equal(is, 0x02000000);
		else if (msr == VERSION)
			assert_int_equal(is, 0x00060014);
		else if (msr == DFR)
			assert_int_equal(is, 0xffffffff);
		else if (msr == SVR)
			assert_int_equal(is, 0xff);
		else if (msr == LVT_CMCI ||
			 (msr >= LVT_TIMER && msr <= LVT_ERROR))
			assert_int_equal(is, MASKED);
		else
			assert_int_equal(is, 0);
	}
}

/* 10.4.6: software may not rely on writing it. */
static void test_xapic_id_cannot_be_written(void **state)
{
	mwr(*state, 1, ID, 0x07000000);
	assert_int_equal(mrd(*state, 1, ID), 0x01000000);
	assert_int_equal(errors(*state, 1), 0);
}

/* 10.5.3: illegal register address. */
static void test_xapic_reserved_register_is_told_by_esr(void **state)
{
	struct fixture *f = *state;

	for (uint32_t msr = 0x800; msr <= 0x8ff; msr++) {
		uint32_t expected = is_register(msr) ? 0 : 0x80;

		mrd(f, 1, msr);
		assert_int_equal(errors(f, 1), expected);
		if (msr == ICR || msr == ESR)
			continue;
		mwr(f, 1, msr, 0);
		assert_int_equal(errors(f, 1), expected);
	}
}

static void test_xapic_reserved_register_raises_error_interrupt(void **state)
{
	struct fixture *f = *state;

	mwr(f, 0, SVR, 0x1ff);
	mwr(f, 0, LVT_ERROR, 0xfe);
	mrd(f, 0, 0x805);
	assert_int_equal(lapic_accept(f->cpus[0]), 0xfe);
}

static void test_xapic_read_only_registers_ignore_writes(void **state)
{
	static const uint32_t ro[] = {VERSION, APR, PPR, RRD, CURRENT};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(ro) / sizeof(ro[0]); i++) {
		uint32_t before = mrd(f, 1, ro[i]);

		mwr(f, 1, ro[i], 0xffffffff);
		assert_int_equal(mrd(f, 1, ro[i]), before);
	}
	for (uint32_t msr = ISR; msr < ESR; msr++) {
		mwr(f, 1, msr, 0xffffffff);
		assert_int_equal(mrd(f, 1, msr), 0);
	}
	assert_int_equal(errors(f, 1), 0);
}

/* What faults in x2APIC form is ignored: see test_lapic_reserved_bits_fault. */
static void test_xapic_reserved_bits_are_ignored(void **state)
{
	static const uint32_t bits[][2] = {
		{SVR, 0x1ff},          {TPR, 0xff},
		{LVT_TIMER, 0x700ff},  {LVT_THERMAL, 0x107ff},
		{LVT_PERF, 0x107ff},   {LVT_CMCI, 0x107ff},
		{LVT_LINT0, 0x1a7ff},  {LVT_LINT1, 0x1a7ff},
		{LVT_ERROR, 0x100ff},  {LDR, 0xff000000},
		{DFR, 0xffffffff},     {ICR_HIGH, 0xff000000},
		{INITIAL, 0xffffffff}, {DIVIDE, 0xb},
		{ICR, 0xccfff},
	};
	struct fixture *f = *state;

	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		mwr(f, 0, bits[i][0], 0xffffffff);
		if (bits[i][0] == LVT_TIMER)
			/* So that a count can be set below. */
			mwr(f, 0, LVT_TIMER, 0x300ff);
		else
			assert_int_equal(mrd(f, 0, bits[i][0]), bits[i][1]);
	}
	mwr(f, 0, DFR, 0);
	assert_int_equal(mrd(f, 0, DFR), 0x0fffffff);
	assert_int_equal(errors(f, 0), 0);
}

/* 10.4.1: 32 bits at a multiple of 16; a read of a part is that part. */
static void test_xapic_narrow_read_gives_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[3];

	assert_int_equal(lapic_mmio_read(l, 0x23, 1, f->now), 3);
	assert_int_equal(lapic_mmio_read(l, 0x22, 2, f->now), 0x300);
	assert_int_equal(lapic_mmio_read(l, 0x30, 2, f->now), 0x14);
}

static void test_xapic_odd_accesses_read_zero_and_are_ignored(void **state)
{
	struct fixture *f = *state;
	struct lapic *l = f->cpus[3];

	assert_int_equal(lapic_mmio_read(l, 0x20, 8, f->now), 0);
	assert_int_equal(lapic_mmio_read(l, 0x24, 4, f->now), 0);
	assert_int_equal(lapic_mmio_read(l, 0x2f, 4, f->now), 0);
	lapic_mmio_write(l, 0x80, 1, 0x20, f->now);
	lapic_mmio_write(l, 0x80, 2, 0x20, f->now);
	lapic_mmio_write(l, 0x80, 8, 0x20, f->now);
	lapic_mmio_write(l, 0x82, 4, 0x20, f->now);
	lapic_mmio_write(l, 0x84, 4, 0x20, f->now);
	assert_int_equal(mrd(f, 3, TPR), 0);
	assert_int_equal(errors(f, 3), 0);
}

/* 10.8.5: any write ends it. */
static void test_xapic_eoi_of_any_value_ends_interrupt(void **state)
{
	struct fixture *f = *state;

	mwr(f, 0, SVR, 0x1ff);
	lapic_post(f->cpus[0], 0x40, true);
	lapic_sync(f->cpus[0]);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x40);
	assert_int_equal(mrd(f, 0, ISR + 2), 1);
	mwr(f, 0, EOI, 0x12345678);
	assert_int_equal(mrd(f, 0, ISR + 2), 0);
	assert_int_equal(f->eois, 1);
	assert_int_equal(f->eoi_vector, 0x40);
}

static void test_xapic_read_shows_what_was_posted(void **state)
{
	struct fixture *f = *state;

	mwr(f, 0, SVR, 0x1ff);
	lapic_post(f->cpus[0], 0x41, false);
	assert_int_equal(mrd(f, 0, IRR + 2), 2);
}

static void test_xapic_timer_counts_in_its_page(void **state)
{
	struct fixture *f = *state;

	mwr(f, 0, SVR, 0x1ff);
	mwr(f, 0, LVT_TIMER, 0x50);
	mwr(f, 0, DIVIDE, 0xb);
	mwr(f, 0, INITIAL, 1000);
	pass_ns(f, 400);
	assert_int_equal(mrd(f, 0, CURRENT), 600);
	pass_ns(f, 600);
	assert_int_equal(mrd(f, 0, CURRENT), 0);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x50);
}

/* 10.12.5.1: nothing else is lost on the way to x2APIC form. */
static void test_xapic_to_x2apic_loses_ldr_and_icr_high(void **state)
{
	struct fixture *f = *state;

	mwr(f, 1, SVR, 0x1fe);
	mwr(f, 1, TPR, 0x33);
	mwr(f, 1, LDR, 0x08000000);
	mwr(f, 1, ICR_HIGH, 0x02000000);
	mwr(f, 1, ICR, 0x4041);
	mwr(f, 1, LVT_LINT0, 0x700);
	lapic_post(f->cpus[1], 0x60, false);
	wr(f, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	assert_int_equal(rd(f, 1, ID), 1);
	assert_int_equal(rd(f, 1, LDR), 2);
	assert_int_equal(rd(f, 1, ICR), 0x4041);
	assert_int_equal(rd(f, 1, SVR), 0x1fe);
	assert_int_equal(rd(f, 1, TPR), 0x33);
	assert_int_equal(rd(f, 1, LVT_LINT0), 0x700);
	assert_int_equal(rd(f, 1, IRR + 3), 1);
}

/* 10.12.5.1: the way back leads through disabled, and to the reset state. */
static void test_xapic_from_x2apic_through_off_is_as_after_reset(void **state)
{
	struct fixture *f = *state;

	mwr(f, 1, DFR, 0);
	turn_on(f, 1);
	wr(f, 1, TPR, 0x40);
	wr(f, 1, LVT_TIMER, 0x40);
	wr(f, 1, LAPIC_MSR_BASE, 0xfee00000);
	wr(f, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	test_xapic_registers_after_reset_match_sdm(state);
	assert_int_equal(mrd(f, 1, DFR), 0xffffffff);
	assert_int_equal(mrd(f, 1, TPR), 0);
	assert_int_equal(mrd(f, 1, LVT_TIMER), MASKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TR(test_xapic_page_is_decoded_at_its_base),
		TR(test_xapic_page_follows_relocation_of_one_apic),
		TR(test_xapic_page_is_gone_in_x2apic_form_and_disabled),
		TR(test_xapic_registers_after_reset_match_sdm),
		TR(test_xapic_id_cannot_be_written),
		TR(test_xapic_reserved_register_is_told_by_esr),
		TR(test_xapic_reserved_register_raises_error_interrupt),
		TR(test_xapic_read_only_registers_ignore_writes),
		TR(test_xapic_reserved_bits_are_ignored),
		TR(test_xapic_narrow_read_gives_its_bytes),
		TR(test_xapic_odd_accesses_read_zero_and_are_ignored),
		TR(test_xapic_eoi_of_any_value_ends_interrupt),
		TR(test_xapic_read_shows_what_was_posted),
		TR(test_xapic_timer_counts_in_its_page),
		TR(test_xapic_to_x2apic_loses_ldr_and_icr_high),
		TR(test_xapic_from_x2apic_through_off_is_as_after_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
