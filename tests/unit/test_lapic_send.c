/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: who receives a message, among APICs of xAPIC form and of both forms
 * (R: CARD-8, CARD-11). x2APIC among themselves: test_lapic_icr.c. Section numbers:
 * see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

#define LOGICAL 0x800u
#define LOWEST 0x100u

/* Sends @low by the page of @from. */
static void xsend(struct fixture *f, unsigned from, uint8_t dest, uint32_t low)
{
	mwr(f, from, ICR_HIGH, (uint32_t)dest << 24);
	mwr(f, from, ICR, 0x4000 | low);
}

/* Bit i: APIC i has @vector; it is taken and ended. */
static unsigned got(struct fixture *f, int vector)
{
	unsigned who = 0;

	for (unsigned i = 0; i < f->bus.ncpus && i < 32; i++) {
		lapic_sync(f->cpus[i]);
		if (lapic_pending(f->cpus[i]) != vector)
			continue;
		lapic_accept(f->cpus[i]);
		if (lapic_decodes(f->cpus[i], 0xfee00000))
			mwr(f, i, EOI, 0);
		else
			wr(f, i, EOI, 0);
		who |= 1u << i;
	}
	return who;
}

/* Out of wait-for-SIPI, enabled, in xAPIC form. */
static struct fixture *xapics(unsigned ncpus)
{
	struct fixture *f = fixture_reset(ncpus);

	for (unsigned i = 0; i < ncpus; i++) {
		lapic_post_sipi(f->cpus[i], 0x10);
		lapic_sync(f->cpus[i]);
		lapic_take_sipi(f->cpus[i]);
		mwr(f, i, SVR, 0x1ff);
	}
	return f;
}

static int setup_x8(void **state)
{
	*state = xapics(8);
	return 0;
}

/* IDs 0 to 3 and 30 of xAPIC form, the others of x2APIC form. */
static int setup_mixed(void **state)
{
	struct fixture *f = xapics(32);

	for (unsigned i = 4; i < 32; i++)
		if (i != 30)
			wr(f, i, LAPIC_MSR_BASE, BASE_X2APIC);
	*state = f;
	return 0;
}

#define T8(name) cmocka_unit_test_setup_teardown(name, setup_x8, teardown)
#define TM(name) cmocka_unit_test_setup_teardown(name, setup_mixed, teardown)

/* 10.6.1: the write of the low half sends. */
static void test_xapic_icr_low_half_sends_to_high_half(void **state)
{
	struct fixture *f = *state;

	mwr(f, 0, ICR_HIGH, 5u << 24);
	assert_int_equal(f->wakes, 0);
	mwr(f, 0, ICR, 0x4041);
	assert_int_equal(f->woken[5], 1);
	assert_int_equal(got(f, 0x41), 1u << 5);
	mwr(f, 0, ICR, 0x4042);
	assert_int_equal(got(f, 0x42), 1u << 5);
	assert_int_equal(mrd(f, 0, ICR_HIGH), 5u << 24);
	assert_int_equal(mrd(f, 0, ICR), 0x4042);
}

/* 10.6.2.1, 10.6.2.2. */
static void test_xapic_destination_ff_is_everybody(void **state)
{
	struct fixture *f = *state;

	xsend(f, 3, 0xff, 0x41);
	assert_int_equal(got(f, 0x41), 0xff);
	xsend(f, 3, 0xff, LOGICAL | 0x42);
	assert_int_equal(got(f, 0x42), 0xff);
	assert_int_equal(f->woken[3], 0);
}

/* 10.6.2.2: one bit each. */
static void test_xapic_flat_model_matches_any_bit(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i++)
		mwr(f, i, LDR, 0x01000000u << i);
	xsend(f, 0, 0xa4, LOGICAL | 0x41);
	assert_int_equal(got(f, 0x41), 0xa4);
	mwr(f, 1, LDR, 0xc0000000);
	xsend(f, 0, 0x40, LOGICAL | 0x42);
	assert_int_equal(got(f, 0x42), 0x42);
}

/* 10.6.2.2: cluster in 7:4, members in 3:0. */
static void test_xapic_cluster_model_matches_cluster_and_member(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i++) {
		mwr(f, i, DFR, 0x0fffffff);
		mwr(f, i, LDR, (i / 4) << 28 | 0x01000000u << (i % 4));
	}
	xsend(f, 0, 0x1a, LOGICAL | 0x41);
	assert_int_equal(got(f, 0x41), 0xa0);
	xsend(f, 0, 0x05, LOGICAL | 0x42);
	assert_int_equal(got(f, 0x42), 0x05);
	xsend(f, 0, 0x21, LOGICAL | 0x43);
	assert_int_equal(got(f, 0x43), 0);
}

/* Only two models are defined. */
static void test_xapic_other_model_matches_nothing_logical(void **state)
{
	struct fixture *f = *state;

	mwr(f, 1, LDR, 0xff000000);
	mwr(f, 1, DFR, 0x7fffffff);
	xsend(f, 0, 0x11, LOGICAL | 0x41);
	assert_int_equal(got(f, 0x41), 0);
	xsend(f, 0, 0x01, 0x42);
	assert_int_equal(got(f, 0x42), 2);
}

/* 10.6.2.2: the reset value of the LDR is nobody's. */
static void test_xapic_logical_id_after_init_matches_nothing(void **state)
{
	struct fixture *f = *state;

	mwr(f, 1, LDR, 0x02000000);
	lapic_post_init(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	mwr(f, 1, SVR, 0x1ff);
	xsend(f, 0, 0x02, LOGICAL | 0x41);
	assert_int_equal(got(f, 0x41), 0);
}

static void test_xapic_lowest_priority_takes_turns_among_flat_ids(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i++)
		mwr(f, i, LDR, 0x01000000u << i);
	mwr(f, 2, TPR, 0x20);
	for (unsigned round = 0; round < 2; round++) {
		xsend(f, 0, 0x0e, LOGICAL | LOWEST | 0x41);
		assert_int_equal(got(f, 0x41), 0x02);
		xsend(f, 0, 0x0e, LOGICAL | LOWEST | 0x41);
		assert_int_equal(got(f, 0x41), 0x08);
	}
}

static void test_xapic_init_and_sipi_start_another(void **state)
{
	struct fixture *f = *state;

	xsend(f, 0, 4, 0x500);
	lapic_sync(f->cpus[4]);
	assert_true(lapic_take_init(f->cpus[4]));
	assert_int_equal(lapic_activity(f->cpus[4]), LAPIC_WAIT_SIPI);
	xsend(f, 0, 4, 0x69a);
	lapic_sync(f->cpus[4]);
	assert_int_equal(lapic_take_sipi(f->cpus[4]), 0x9a);
}

static void test_mixed_physical_destination_is_the_id(void **state)
{
	struct fixture *f = *state;

	xsend(f, 0, 20, 0x41);
	assert_int_equal(got(f, 0x41), 1u << 20);
	wr(f, 20, ICR, UINT64_C(2) << 32 | 0x4042);
	assert_int_equal(got(f, 0x42), 1u << 2);
}

/* The sender's form says what everybody is. */
static void test_mixed_broadcast_is_the_senders(void **state)
{
	struct fixture *f = *state;

	xsend(f, 0, 0xff, 0x41);
	assert_int_equal(got(f, 0x41), 0xffffffff);
	wr(f, 20, ICR, UINT64_C(0xffffffff) << 32 | 0x4042);
	assert_int_equal(got(f, 0x42), 0xffffffff);
	wr(f, 20, ICR, UINT64_C(0xff) << 32 | 0x4043);
	assert_int_equal(got(f, 0x43), 0);
}

/* An xAPIC reaches the first members of the first cluster by their x2APIC IDs. */
static void test_mixed_logical_destination_is_the_receivers(void **state)
{
	struct fixture *f = *state;

	mwr(f, 1, LDR, 0x40000000);
	mwr(f, 2, LDR, 0x02000000);
	mwr(f, 30, LDR, 0x20000000);
	xsend(f, 0, 0x60, LOGICAL | 0x41);
	assert_int_equal(got(f, 0x41), 1u << 1 | 1u << 5 | 1u << 6 | 1u << 30);
	wr(f, 20, ICR, UINT64_C(0x62) << 32 | 0x4000 | LOGICAL | 0x42);
	assert_int_equal(got(f, 0x42),
			 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 30);
	/* No xAPIC has so wide an ID. */
	wr(f, 20, ICR, UINT64_C(0x10042) << 32 | 0x4000 | LOGICAL | 0x43);
	assert_int_equal(got(f, 0x43), 1u << 17 | 1u << 22);
	wr(f, 20, ICR, UINT64_C(0x142) << 32 | 0x4000 | LOGICAL | 0x44);
	assert_int_equal(got(f, 0x44), 1u << 6 | 1u << 8);
}

/* 0xff is no ID in a message of 8 bits. */
static void test_send_narrow_message_to_256_apics(void **state)
{
	struct fixture *f = *state;
	struct lapic_message m = {.mode = LAPIC_FIXED,
				  .vector = 0x41,
				  .dest = 0xfe,
				  .skip = LAPIC_NOBODY};
	struct lapic_set woken = {0};
	unsigned turn = 0;

	assert_true(lapic_send(&f->bus, &m, &turn, &woken));
	assert_int_equal(woken.bits[3], UINT64_C(1) << 62);
	lapic_sync(f->cpus[0xfe]);
	assert_int_equal(lapic_accept(f->cpus[0xfe]), 0x41);
	m.dest = 0xff;
	m.vector = 0x42;
	assert_true(lapic_send(&f->bus, &m, &turn, &woken));
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(woken.bits[i], UINT64_MAX);
	/* The caller's to do. */
	assert_int_equal(f->wakes, 0);
}

static void test_send_says_whether_it_was_accepted(void **state)
{
	struct fixture *f = *state;
	struct lapic_message m = {.mode = LAPIC_FIXED,
				  .vector = 0x41,
				  .dest = 9,
				  .skip = LAPIC_NOBODY};
	struct lapic_set woken = {0};
	unsigned turn = 0;

	assert_false(lapic_send(&f->bus, &m, &turn, &woken));
	m.dest = 1;
	assert_true(lapic_send(&f->bus, &m, &turn, &woken));
	assert_int_equal(woken.bits[0], 2);
	/* Still to be taken: accepted, and its vCPU is awake. */
	woken.bits[0] = 0;
	assert_true(lapic_send(&f->bus, &m, &turn, &woken));
	assert_int_equal(woken.bits[0], 0);
	mwr(f, 1, SVR, 0xff);
	assert_false(lapic_send(&f->bus, &m, &turn, &woken));
	m.mode = LAPIC_EXTINT;
	assert_false(lapic_send(&f->bus, &m, &turn, &woken));
	m.mode = LAPIC_NMI;
	assert_true(lapic_send(&f->bus, &m, &turn, &woken));
	m.mode = LAPIC_SMI;
	assert_false(lapic_send(&f->bus, &m, &turn, &woken));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T8(test_xapic_icr_low_half_sends_to_high_half),
		T8(test_xapic_destination_ff_is_everybody),
		T8(test_xapic_flat_model_matches_any_bit),
		T8(test_xapic_cluster_model_matches_cluster_and_member),
		T8(test_xapic_other_model_matches_nothing_logical),
		T8(test_xapic_logical_id_after_init_matches_nothing),
		T8(test_xapic_lowest_priority_takes_turns_among_flat_ids),
		T8(test_xapic_init_and_sipi_start_another),
		TM(test_mixed_physical_destination_is_the_id),
		TM(test_mixed_broadcast_is_the_senders),
		TM(test_mixed_logical_destination_is_the_receivers),
		T256(test_send_narrow_message_to_256_apics),
		T8(test_send_says_whether_it_was_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
