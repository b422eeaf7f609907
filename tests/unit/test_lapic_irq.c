/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: vectors, priorities, EOI, and the events that are no vectors
 * (R: CARD-9, ST-3). Section numbers: see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

static void post(struct fixture *f, uint8_t vector)
{
	lapic_post(f->cpus[0], vector, false);
	lapic_sync(f->cpus[0]);
}

/* 10.8.4: accept moves the highest vector from IRR to ISR. */
static void test_lapic_accept_moves_irr_to_isr(void **state)
{
	struct fixture *f = *state;

	post(f, 0x31);
	post(f, 0xf1);
	assert_int_equal(rd(f, 0, IRR + 1), 1u << 17);
	assert_int_equal(rd(f, 0, IRR + 7), 1u << 17);
	assert_int_equal(lapic_pending(f->cpus[0]), 0xf1);
	assert_int_equal(lapic_accept(f->cpus[0]), 0xf1);
	assert_int_equal(rd(f, 0, IRR + 7), 0);
	assert_int_equal(rd(f, 0, ISR + 7), 1u << 17);
	assert_int_equal(rd(f, 0, IRR + 1), 1u << 17);
}

/* 10.8.4: a vector posted before sync is seen by a read of IRR. */
static void test_lapic_irr_read_shows_posted_vector(void **state)
{
	struct fixture *f = *state;

	lapic_post(f->cpus[0], 0x45, false);
	assert_int_equal(rd(f, 0, IRR + 2), 1u << 5);
}

/* 10.8.4: every legal vector can be delivered. */
static void test_lapic_vectors_16_to_255_are_delivered(void **state)
{
	struct fixture *f = *state;

	for (unsigned vector = 16; vector < 256; vector++) {
		post(f, (uint8_t)vector);
		assert_int_equal(lapic_accept(f->cpus[0]), (int)vector);
		wr(f, 0, EOI, 0);
	}
}

/* 10.8.4: a second interrupt of a vector in service waits in IRR. */
static void test_lapic_vector_in_service_is_queued_once(void **state)
{
	struct fixture *f = *state;

	post(f, 0x40);
	lapic_accept(f->cpus[0]);
	post(f, 0x40);
	post(f, 0x40);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	wr(f, 0, EOI, 0);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x40);
	wr(f, 0, EOI, 0);
	assert_int_equal(lapic_accept(f->cpus[0]), -1);
}

/* 10.8.3.1: an equal class waits, a higher one nests. */
static void test_lapic_in_service_class_blocks_equal_class(void **state)
{
	struct fixture *f = *state;

	post(f, 0x48);
	lapic_accept(f->cpus[0]);
	post(f, 0x4f);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	post(f, 0x50);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x50);
	wr(f, 0, EOI, 0);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	wr(f, 0, EOI, 0);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x4f);
}

/* 10.8.3.1: TPR of class 4 blocks vectors up to 0x4f. */
static void test_lapic_tpr_blocks_its_class_and_below(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, TPR, 0x40);
	post(f, 0x4f);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	assert_int_equal(lapic_accept(f->cpus[0]), -1);
	post(f, 0x50);
	assert_int_equal(lapic_pending(f->cpus[0]), 0x50);
	wr(f, 0, TPR, 0xff);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	wr(f, 0, TPR, 0);
	assert_int_equal(lapic_pending(f->cpus[0]), 0x50);
}

/* 10.8.3.1: PPR is the greater of TPR and the class in service. */
static void test_lapic_ppr_is_maximum_of_tpr_and_isr(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, TPR, 0x23);
	assert_int_equal(rd(f, 0, PPR), 0x23);
	post(f, 0x57);
	lapic_accept(f->cpus[0]);
	assert_int_equal(rd(f, 0, PPR), 0x50);
	wr(f, 0, TPR, 0x61);
	assert_int_equal(rd(f, 0, PPR), 0x61);
	wr(f, 0, TPR, 0x52);
	assert_int_equal(rd(f, 0, PPR), 0x52);
}

/* For diagnosis: also what was not taken over yet, and what has to wait. */
static void test_lapic_requested_and_in_service_are_seen(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lapic_requested(f->cpus[0]), -1);
	assert_int_equal(lapic_in_service(f->cpus[0]), -1);
	post(f, 0x57);
	assert_int_equal(lapic_requested(f->cpus[0]), 0x57);
	lapic_accept(f->cpus[0]);
	assert_int_equal(lapic_requested(f->cpus[0]), -1);
	assert_int_equal(lapic_in_service(f->cpus[0]), 0x57);
	post(f, 0x31);
	assert_int_equal(lapic_requested(f->cpus[0]), 0x31);
	lapic_post(f->cpus[0], 0x41, false);
	assert_int_equal(lapic_requested(f->cpus[0]), 0x41);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
}

/* 10.8.6: CR8 and TPR[7:4] are one register. */
static void test_lapic_cr8_mirrors_tpr_class(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, TPR, 0x9a);
	assert_int_equal(lapic_cr8_get(f->cpus[0]), 9);
	lapic_cr8_set(f->cpus[0], 5);
	assert_int_equal(rd(f, 0, TPR), 0x50);
}

static void test_lapic_cr8_set_same_keeps_tpr_subclass(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, TPR, 0x9a);
	lapic_cr8_set(f->cpus[0], 9);
	assert_int_equal(rd(f, 0, TPR), 0x9a);
}

/* 10.8.5: EOI ends the highest in service. */
static void test_lapic_eoi_clears_highest_in_service(void **state)
{
	struct fixture *f = *state;

	post(f, 0x40);
	lapic_accept(f->cpus[0]);
	post(f, 0x80);
	lapic_accept(f->cpus[0]);
	wr(f, 0, EOI, 0);
	assert_int_equal(rd(f, 0, ISR + 4), 0);
	assert_int_equal(rd(f, 0, ISR + 2), 1);
}

/* 10.8.5: with nothing in service EOI has no effect. */
static void test_lapic_eoi_with_empty_isr_does_nothing(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, EOI, 0);
	assert_int_equal(f->eois, 0);
}

/* 10.8.4, 10.8.5: a level-triggered one sets TMR, and its EOI is told. */
static void test_lapic_level_interrupt_reports_eoi(void **state)
{
	struct fixture *f = *state;

	lapic_post(f->cpus[1], 0x65, true);
	assert_int_equal(rd(f, 1, TMR + 3), 1u << 5);
	lapic_accept(f->cpus[1]);
	wr(f, 1, EOI, 0);
	assert_int_equal(f->eois, 1);
	assert_int_equal(f->eoi_cpu, 1);
	assert_int_equal(f->eoi_vector, 0x65);
}

/* 10.8.4: an edge-triggered one on the same vector clears TMR again. */
static void test_lapic_edge_interrupt_clears_tmr(void **state)
{
	struct fixture *f = *state;

	lapic_post(f->cpus[0], 0x65, true);
	lapic_sync(f->cpus[0]);
	lapic_accept(f->cpus[0]);
	wr(f, 0, EOI, 0);
	lapic_post(f->cpus[0], 0x65, false);
	assert_int_equal(rd(f, 0, TMR + 3), 0);
	lapic_accept(f->cpus[0]);
	wr(f, 0, EOI, 0);
	assert_int_equal(f->eois, 1);
}

/* R: EVO-B2: the second post of a vector needs no second wake. */
static void test_lapic_post_twice_wakes_once(void **state)
{
	struct fixture *f = *state;

	assert_true(lapic_post(f->cpus[0], 0x40, false));
	assert_false(lapic_post(f->cpus[0], 0x40, false));
	assert_true(lapic_post(f->cpus[0], 0x41, false));
	lapic_sync(f->cpus[0]);
	assert_true(lapic_post(f->cpus[0], 0x40, false));
}

/* R: ST-3: an interrupt wakes a halted vCPU only if it would be delivered. */
static void test_lapic_has_wake_needs_if_and_priority(void **state)
{
	struct fixture *f = *state;

	assert_false(lapic_has_wake(f->cpus[0], true));
	post(f, 0x40);
	assert_true(lapic_has_wake(f->cpus[0], true));
	assert_false(lapic_has_wake(f->cpus[0], false));
	wr(f, 0, TPR, 0x40);
	assert_false(lapic_has_wake(f->cpus[0], true));
}

/* R: ST-3: an NMI wakes it whatever IF is. */
static void test_lapic_has_wake_nmi_ignores_if(void **state)
{
	struct fixture *f = *state;

	lapic_post_nmi(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	assert_true(lapic_has_wake(f->cpus[0], false));
	assert_true(lapic_take_nmi(f->cpus[0]));
	assert_false(lapic_take_nmi(f->cpus[0]));
	assert_false(lapic_has_wake(f->cpus[0], false));
}

/* SDM 6.7.1: in an NMI handler a further one waits for IRET. */
static void test_lapic_has_wake_masked_nmi_does_not_wake(void **state)
{
	struct fixture *f = *state;

	lapic_nmi_mask_set(f->cpus[0], true);
	lapic_post_nmi(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	assert_false(lapic_has_wake(f->cpus[0], true));
	post(f, 0x40);
	assert_true(lapic_has_wake(f->cpus[0], true));
	assert_false(lapic_has_wake(f->cpus[0], false));
	lapic_nmi_mask_set(f->cpus[0], false);
	assert_true(lapic_has_wake(f->cpus[0], false));
}

static void test_lapic_init_ends_the_mask_of_nmi(void **state)
{
	struct fixture *f = *state;

	lapic_nmi_mask_set(f->cpus[0], true);
	lapic_post_init(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	lapic_take_init(f->cpus[0]);
	lapic_post_nmi(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	assert_true(lapic_has_wake(f->cpus[0], false));
}

static unsigned take_nmis(struct lapic *l)
{
	unsigned taken = 0;

	while (lapic_take_nmi(l))
		taken++;
	return taken;
}

/* SDM 6.7.1: one in service, one that waits; the others are lost. */
static void test_lapic_nmis_before_sync_count_to_two(void **state)
{
	struct fixture *f = *state;

	for (unsigned posts = 1; posts <= 4; posts++) {
		for (unsigned i = 0; i < posts; i++)
			assert_int_equal(lapic_post_nmi(f->cpus[0]), i == 0);
		lapic_sync(f->cpus[0]);
		assert_int_equal(take_nmis(f->cpus[0]), posts < 2 ? posts : 2);
	}
}

static void test_lapic_nmis_of_several_syncs_count_to_two(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		lapic_post_nmi(f->cpus[0]);
		lapic_sync(f->cpus[0]);
	}
	assert_int_equal(take_nmis(f->cpus[0]), 2);
	lapic_sync(f->cpus[0]);
	assert_int_equal(take_nmis(f->cpus[0]), 0);
}

/* SDM 8.4.3: application processors wait for SIPI after reset, the BSP not. */
static void test_lapic_activity_after_reset_depends_on_bsp(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lapic_activity(f->cpus[0]), LAPIC_ACTIVE);
	assert_int_equal(lapic_activity(f->cpus[1]), LAPIC_WAIT_SIPI);
	assert_false(lapic_has_wake(f->cpus[1], true));
}

/* SDM 8.4.3: SIPI starts a waiting processor. */
static void test_lapic_sipi_while_waiting_starts(void **state)
{
	struct fixture *f = *state;

	assert_true(lapic_post_sipi(f->cpus[1], 0x9a));
	lapic_sync(f->cpus[1]);
	assert_true(lapic_has_wake(f->cpus[1], false));
	assert_int_equal(lapic_activity(f->cpus[1]), LAPIC_ACTIVE);
	assert_int_equal(lapic_take_sipi(f->cpus[1]), 0x9a);
	assert_int_equal(lapic_take_sipi(f->cpus[1]), -1);
}

/* SDM 8.4.3: the second SIPI of INIT-SIPI-SIPI finds it active: no effect. */
static void test_lapic_sipi_while_active_is_ignored(void **state)
{
	struct fixture *f = *state;

	lapic_post_sipi(f->cpus[1], 0x10);
	lapic_sync(f->cpus[1]);
	lapic_take_sipi(f->cpus[1]);
	lapic_post_sipi(f->cpus[1], 0x20);
	lapic_sync(f->cpus[1]);
	assert_int_equal(lapic_take_sipi(f->cpus[1]), -1);
	assert_false(lapic_has_wake(f->cpus[1], true));
}

/* Both before the target looks: the first is the one that starts it. */
static void test_lapic_sipi_twice_before_sync_keeps_first(void **state)
{
	struct fixture *f = *state;

	assert_true(lapic_post_sipi(f->cpus[1], 0x10));
	assert_false(lapic_post_sipi(f->cpus[1], 0x23));
	lapic_sync(f->cpus[1]);
	assert_int_equal(lapic_take_sipi(f->cpus[1]), 0x10);
}

/* INIT then SIPI in one sync: reset first, then start. */
static void test_lapic_init_then_sipi_before_sync_restarts(void **state)
{
	struct fixture *f = *state;

	lapic_post_init(f->cpus[1]);
	lapic_post_sipi(f->cpus[1], 0x33);
	lapic_sync(f->cpus[1]);
	assert_true(lapic_take_init(f->cpus[1]));
	assert_false(lapic_take_init(f->cpus[1]));
	assert_int_equal(lapic_take_sipi(f->cpus[1]), 0x33);
	assert_int_equal(lapic_activity(f->cpus[1]), LAPIC_ACTIVE);
}

/* SIPI to an active processor, then INIT: the SIPI must not start it. */
static void test_lapic_sipi_then_init_before_sync_waits(void **state)
{
	struct fixture *f = *state;

	lapic_post_sipi(f->cpus[1], 0x33);
	lapic_post_init(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	assert_true(lapic_take_init(f->cpus[1]));
	assert_int_equal(lapic_take_sipi(f->cpus[1]), -1);
	assert_int_equal(lapic_activity(f->cpus[1]), LAPIC_WAIT_SIPI);
}

/* SDM 8.4.2: after INIT the bootstrap processor goes on at its reset vector. */
static void test_lapic_init_of_bsp_stays_active(void **state)
{
	struct fixture *f = *state;

	lapic_post_init(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	assert_true(lapic_has_wake(f->cpus[0], false));
	assert_true(lapic_take_init(f->cpus[0]));
	assert_int_equal(lapic_activity(f->cpus[0]), LAPIC_ACTIVE);
}

/* An NMI during wait-for-SIPI is held until the processor runs. */
static void test_lapic_nmi_while_waiting_is_held(void **state)
{
	struct fixture *f = *state;

	lapic_post_nmi(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	assert_false(lapic_has_wake(f->cpus[1], true));
	assert_false(lapic_take_nmi(f->cpus[1]));
	lapic_post_sipi(f->cpus[1], 1);
	lapic_sync(f->cpus[1]);
	assert_true(lapic_take_nmi(f->cpus[1]));
}

/* INIT drops NMIs that came before it. */
static void test_lapic_nmi_before_init_is_lost(void **state)
{
	struct fixture *f = *state;

	lapic_post_nmi(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	lapic_post_nmi(f->cpus[0]);
	lapic_post_nmi(f->cpus[0]);
	lapic_post_init(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	assert_false(lapic_take_nmi(f->cpus[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(test_lapic_accept_moves_irr_to_isr),
		T1(test_lapic_irr_read_shows_posted_vector),
		T1(test_lapic_vectors_16_to_255_are_delivered),
		T1(test_lapic_vector_in_service_is_queued_once),
		T1(test_lapic_in_service_class_blocks_equal_class),
		T1(test_lapic_tpr_blocks_its_class_and_below),
		T1(test_lapic_ppr_is_maximum_of_tpr_and_isr),
		T1(test_lapic_requested_and_in_service_are_seen),
		T1(test_lapic_cr8_mirrors_tpr_class),
		T1(test_lapic_cr8_set_same_keeps_tpr_subclass),
		T1(test_lapic_eoi_clears_highest_in_service),
		T1(test_lapic_eoi_with_empty_isr_does_nothing),
		T4(test_lapic_level_interrupt_reports_eoi),
		T1(test_lapic_edge_interrupt_clears_tmr),
		T1(test_lapic_post_twice_wakes_once),
		T1(test_lapic_has_wake_needs_if_and_priority),
		T1(test_lapic_has_wake_nmi_ignores_if),
		T1(test_lapic_has_wake_masked_nmi_does_not_wake),
		T1(test_lapic_init_ends_the_mask_of_nmi),
		T1(test_lapic_nmis_before_sync_count_to_two),
		T1(test_lapic_nmis_of_several_syncs_count_to_two),
		TR(test_lapic_activity_after_reset_depends_on_bsp),
		TR(test_lapic_sipi_while_waiting_starts),
		TR(test_lapic_sipi_while_active_is_ignored),
		TR(test_lapic_sipi_twice_before_sync_keeps_first),
		TR(test_lapic_init_then_sipi_before_sync_restarts),
		T4(test_lapic_sipi_then_init_before_sync_waits),
		T4(test_lapic_init_of_bsp_stays_active),
		TR(test_lapic_nmi_while_waiting_is_held),
		T4(test_lapic_nmi_before_init_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
