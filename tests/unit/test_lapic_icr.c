/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: interprocessor interrupts (R: CARD-9, EVO-B2). Section numbers:
 * see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

#define ASSERT 0x4000u
#define LEVEL 0x8000u
#define LOGICAL 0x800u
#define FIXED 0x000u
#define LOWEST 0x100u
#define SMI 0x200u
#define NMI 0x400u
#define INIT 0x500u
#define SIPI 0x600u
#define TO_SELF 0x40000u
#define TO_ALL 0x80000u
#define TO_OTHERS 0xc0000u

static void send(struct fixture *f, unsigned from, uint32_t dest, uint32_t low)
{
	wr(f, from, ICR, (uint64_t)dest << 32 | low);
}

/* Takes what @cpu got: a vector, or -1. */
static int got(struct fixture *f, unsigned cpu)
{
	int vector;

	lapic_sync(f->cpus[cpu]);
	vector = lapic_accept(f->cpus[cpu]);
	if (vector >= 0)
		wr(f, cpu, EOI, 0);
	return vector;
}

/* Number of CPUs that got @vector. */
static unsigned got_count(struct fixture *f, int vector)
{
	unsigned count = 0;

	for (unsigned i = 0; i < f->bus.ncpus; i++)
		count += got(f, i) == vector;
	return count;
}

/* 10.6.2.1: physical destination, up to 256 processors. */
static void test_lapic_icr_physical_reaches_one(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i < 256; i++) {
		send(f, 0, i, ASSERT | FIXED | 0x41);
		assert_int_equal(f->woken[i], 1);
		assert_int_equal(got(f, i), 0x41);
	}
	assert_int_equal(f->wakes, 255);
}

static void test_lapic_icr_unknown_destination_is_lost(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 4, ASSERT | 0x41);
	send(f, 0, 0xfffffffe, ASSERT | 0x41);
	send(f, 0, 0xffff000f, ASSERT | LOGICAL | 0x41);
	send(f, 0, 0x0001ffff, ASSERT | LOGICAL | 0x41);
	send(f, 0, 0xffffffff, SMI);
	assert_int_equal(got_count(f, 0x41), 0);
	assert_int_equal(f->wakes, 0);
}

/* 10.6.2.1, 10.12.9: 0xffffffff is broadcast in both modes. */
static void test_lapic_icr_broadcast_reaches_all(void **state)
{
	struct fixture *f = *state;

	send(f, 2, 0xffffffff, ASSERT | 0x41);
	assert_int_equal(got_count(f, 0x41), 4);
	send(f, 2, 0xffffffff, ASSERT | LOGICAL | 0x42);
	assert_int_equal(got_count(f, 0x42), 4);
	assert_int_equal(f->woken[2], 0);
}

/* 10.12.10: logical destination, members of one cluster. */
static void test_lapic_icr_logical_reaches_cluster_members(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 0x00058021, ASSERT | LOGICAL | 0x41);
	assert_int_equal(got(f, 0x50), 0x41);
	assert_int_equal(got(f, 0x55), 0x41);
	assert_int_equal(got(f, 0x5f), 0x41);
	assert_int_equal(got_count(f, 0x41), 0);
}

static void test_lapic_icr_logical_partial_cluster_is_bounded(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 0x0000ffff, ASSERT | LOGICAL | 0x41);
	assert_int_equal(got_count(f, 0x41), 4);
}

/* 10.6.1: shorthands ignore the destination. */
static void test_lapic_icr_shorthand_self(void **state)
{
	struct fixture *f = *state;

	send(f, 1, 3, ASSERT | TO_SELF | 0x41);
	assert_int_equal(f->wakes, 0);
	assert_int_equal(got(f, 1), 0x41);
	assert_int_equal(got_count(f, 0x41), 0);
}

static void test_lapic_icr_shorthand_all(void **state)
{
	struct fixture *f = *state;

	send(f, 1, 3, ASSERT | TO_ALL | 0x41);
	assert_int_equal(got_count(f, 0x41), 4);
	assert_int_equal(f->wakes, 3);
}

static void test_lapic_icr_shorthand_others(void **state)
{
	struct fixture *f = *state;

	send(f, 1, 1, ASSERT | TO_OTHERS | 0x41);
	assert_int_equal(got(f, 1), -1);
	assert_int_equal(got_count(f, 0x41), 3);
}

/* 10.12.11: SELF IPI; the ICR is untouched and nobody is woken. */
static void test_lapic_self_ipi_raises_own_vector(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, SELF_IPI, 0x77);
	assert_int_equal(lapic_pending(f->cpus[1]), 0x77);
	assert_int_equal(rd(f, 1, ICR), 0);
	assert_int_equal(f->wakes, 0);
}

/* 10.12.9: delivery status does not exist; all else reads back. */
static void test_lapic_icr_reads_back_without_status(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 3, ASSERT | 0x1000 | 0x41);
	assert_int_equal(rd(f, 0, ICR), UINT64_C(3) << 32 | ASSERT | 0x41);
}

/* 10.5.3: an illegal vector is an error of the sender and is not sent. */
static void test_lapic_icr_illegal_vector_is_send_error(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 1, ASSERT | FIXED | 0x0f);
	send(f, 0, 1, ASSERT | LOWEST | 0x00);
	wr(f, 0, ESR, 0);
	assert_int_equal(rd(f, 0, ESR), 0x20);
	assert_int_equal(f->wakes, 0);
	wr(f, 1, ESR, 0);
	assert_int_equal(rd(f, 1, ESR), 0);
}

/* 10.6.1: the vector of an NMI is ignored. */
static void test_lapic_icr_nmi_reaches_target(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 2, ASSERT | NMI);
	assert_int_equal(f->woken[2], 1);
	lapic_sync(f->cpus[2]);
	assert_true(lapic_take_nmi(f->cpus[2]));
	assert_int_equal(lapic_accept(f->cpus[2]), -1);
}

/* SDM 8.4.4: the MP start-up sequence, by broadcast, from power-on. */
static void test_lapic_icr_init_sipi_sipi_starts_others(void **state)
{
	struct fixture *f = *state;

	turn_on(f, 0);
	send(f, 0, 0, ASSERT | INIT | TO_OTHERS);
	send(f, 0, 0, ASSERT | SIPI | TO_OTHERS | 0x9a);
	send(f, 0, 0, ASSERT | SIPI | TO_OTHERS | 0x9a);
	for (unsigned i = 1; i < 4; i++) {
		lapic_sync(f->cpus[i]);
		assert_true(lapic_take_init(f->cpus[i]));
		assert_int_equal(lapic_take_sipi(f->cpus[i]), 0x9a);
	}
	lapic_sync(f->cpus[0]);
	assert_false(lapic_take_init(f->cpus[0]));
}

/* 10.6.1: INIT level de-assert does nothing on these processors. */
static void test_lapic_icr_init_deassert_is_ignored(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 1, INIT | LEVEL);
	lapic_sync(f->cpus[1]);
	assert_false(lapic_take_init(f->cpus[1]));
	send(f, 0, 1, INIT | LEVEL | ASSERT);
	lapic_sync(f->cpus[1]);
	assert_true(lapic_take_init(f->cpus[1]));
}

/* Table 10-3: NMI, INIT, SIPI, lowest priority: not to self, not to all. */
static void test_lapic_icr_invalid_shorthand_is_dropped(void **state)
{
	static const uint32_t modes[] = {NMI, INIT, SIPI, LOWEST | 0x41};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		send(f, 0, 0, ASSERT | TO_SELF | modes[i]);
		send(f, 0, 0, ASSERT | TO_ALL | modes[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(got(f, i), -1);
		assert_false(lapic_take_nmi(f->cpus[i]));
		assert_false(lapic_take_init(f->cpus[i]));
	}
}

/* 10.6.1: SMI (there is no SMM) and the reserved modes deliver nothing. */
static void test_lapic_icr_undeliverable_modes_are_dropped(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 1, ASSERT | SMI);
	send(f, 0, 1, ASSERT | 0x300 | 0x41);
	send(f, 0, 1, ASSERT | 0x700 | 0x41);
	assert_int_equal(f->wakes, 0);
	assert_int_equal(got(f, 1), -1);
}

/* 10.6.1: IPIs are edge-triggered whatever bit 15 says. */
static void test_lapic_icr_level_fixed_is_edge(void **state)
{
	struct fixture *f = *state;

	send(f, 0, 1, ASSERT | LEVEL | 0x41);
	assert_int_equal(rd(f, 1, TMR + 2), 0);
	assert_int_equal(rd(f, 1, IRR + 2), 2);
}

/* 10.6.2.4: the lowest task priority wins. */
static void test_lapic_icr_lowest_priority_picks_lowest_tpr(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, TPR, 0x30);
	wr(f, 1, TPR, 0x20);
	wr(f, 2, TPR, 0x10);
	wr(f, 3, TPR, 0x20);
	for (unsigned i = 0; i < 3; i++) {
		send(f, 0, 0x000f, ASSERT | LOGICAL | LOWEST | 0x41);
		assert_int_equal(got(f, 2), 0x41);
	}
	assert_int_equal(got_count(f, 0x41), 0);
}

/* 10.6.2.4: equals take turns, only members of the destination. */
static void test_lapic_icr_lowest_priority_rotates_equals(void **state)
{
	struct fixture *f = *state;
	unsigned count[4] = {0};

	for (unsigned i = 0; i < 9; i++) {
		send(f, 0, 0x000b, ASSERT | LOGICAL | LOWEST | 0x41);
		for (unsigned cpu = 0; cpu < 4; cpu++)
			count[cpu] += got(f, cpu) == 0x41;
	}
	assert_int_equal(count[0], 3);
	assert_int_equal(count[1], 3);
	assert_int_equal(count[2], 0);
	assert_int_equal(count[3], 3);
}

/* 10.4.7.2: a software-disabled APIC is no candidate. */
static void test_lapic_icr_lowest_priority_skips_disabled(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, SVR, 0xff);
	for (unsigned i = 0; i < 4; i++) {
		send(f, 0, 0x0006, ASSERT | LOGICAL | LOWEST | 0x41);
		assert_int_equal(got(f, 2), 0x41);
	}
	wr(f, 2, SVR, 0xff);
	send(f, 0, 0x0006, ASSERT | LOGICAL | LOWEST | 0x41);
	assert_int_equal(got_count(f, 0x41), 0);
}

static void test_lapic_icr_lowest_priority_others_spares_self(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 8; i++) {
		send(f, 3, 0, ASSERT | TO_OTHERS | LOWEST | 0x41);
		assert_int_equal(got(f, 3), -1);
		assert_int_equal(got_count(f, 0x41), 1);
	}
}

/* 10.4.7.2: a software-disabled APIC can still send. */
static void test_lapic_icr_sends_while_software_disabled(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, SVR, 0xff);
	send(f, 0, 1, ASSERT | 0x41);
	assert_int_equal(got(f, 1), 0x41);
}

/* R: EVO-B2: wakes are coalesced until the target looks. */
static void test_lapic_icr_repeated_ipi_wakes_once(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 5; i++)
		send(f, 0, 1, ASSERT | 0x41);
	assert_int_equal(f->woken[1], 1);
	assert_int_equal(got(f, 1), 0x41);
	send(f, 0, 1, ASSERT | 0x41);
	assert_int_equal(f->woken[1], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T256(test_lapic_icr_physical_reaches_one),
		T4(test_lapic_icr_unknown_destination_is_lost),
		T4(test_lapic_icr_broadcast_reaches_all),
		T256(test_lapic_icr_logical_reaches_cluster_members),
		T4(test_lapic_icr_logical_partial_cluster_is_bounded),
		T4(test_lapic_icr_shorthand_self),
		T4(test_lapic_icr_shorthand_all),
		T4(test_lapic_icr_shorthand_others),
		T4(test_lapic_self_ipi_raises_own_vector),
		T4(test_lapic_icr_reads_back_without_status),
		T4(test_lapic_icr_illegal_vector_is_send_error),
		T4(test_lapic_icr_nmi_reaches_target),
		TR(test_lapic_icr_init_sipi_sipi_starts_others),
		T4(test_lapic_icr_init_deassert_is_ignored),
		T4(test_lapic_icr_invalid_shorthand_is_dropped),
		T4(test_lapic_icr_undeliverable_modes_are_dropped),
		T4(test_lapic_icr_level_fixed_is_edge),
		T4(test_lapic_icr_lowest_priority_picks_lowest_tpr),
		T4(test_lapic_icr_lowest_priority_rotates_equals),
		T4(test_lapic_icr_lowest_priority_skips_disabled),
		T4(test_lapic_icr_lowest_priority_others_spares_self),
		T4(test_lapic_icr_sends_while_software_disabled),
		T4(test_lapic_icr_repeated_ipi_wakes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
