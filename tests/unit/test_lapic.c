/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: modes, reset, registers and their reserved bits (R: CARD-9).
 * Section numbers: see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

/* 10.12.5.1: xAPIC mode after reset, BSP flag on one processor. */
static void test_lapic_base_after_reset_is_xapic(void **state)
{
	assert_int_equal(rd(*state, 0, LAPIC_MSR_BASE), BASE_XAPIC | 0x100);
	assert_int_equal(rd(*state, 1, LAPIC_MSR_BASE), BASE_XAPIC);
}

/* 10.12.2: the registers are there in x2APIC mode only. */
static void test_lapic_registers_in_xapic_mode_fault(void **state)
{
	for (uint32_t msr = 0x800; msr <= 0x8ff; msr++) {
		rd_faults(*state, 0, msr);
		wr_faults(*state, 0, msr, 0);
	}
}

/* 10.12.5.1: xAPIC -> x2APIC -> disabled -> xAPIC, and each state kept. */
static void test_lapic_base_legal_transitions_succeed(void **state)
{
	wr(*state, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	assert_int_equal(rd(*state, 1, LAPIC_MSR_BASE), 0xfee00000);
}

static void test_lapic_base_x2apic_to_xapic_faults(void **state)
{
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	wr_faults(*state, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	assert_int_equal(rd(*state, 1, LAPIC_MSR_BASE), BASE_X2APIC);
}

static void test_lapic_base_disabled_to_x2apic_faults(void **state)
{
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	wr_faults(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
}

/* 10.12.5.1: EXTD without EN is invalid from every state. */
static void test_lapic_base_invalid_state_faults(void **state)
{
	wr_faults(*state, 1, LAPIC_MSR_BASE, 0xfee00400);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	wr_faults(*state, 1, LAPIC_MSR_BASE, 0xfee00400);
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	wr_faults(*state, 1, LAPIC_MSR_BASE, 0xfee00400);
}

/* 10.4.4: bits 7:0 and 9 are reserved. */
static void test_lapic_base_reserved_bit_faults(void **state)
{
	for (unsigned bit = 0; bit <= 9; bit++)
		if (bit != 8)
			wr_faults(*state, 1, LAPIC_MSR_BASE,
				  BASE_X2APIC | UINT64_C(1) << bit);
	assert_int_equal(rd(*state, 1, LAPIC_MSR_BASE), BASE_XAPIC);
}

/* 10.4.4: those beyond MAXPHYADDR as well, all below are the page's address. */
static void test_lapic_base_beyond_physical_address_faults(void **state)
{
	static const unsigned widths[] = {36, 40, 52};
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		f->bus.phys_bits = widths[i];
		for (unsigned bit = 32; bit < 64; bit++) {
			uint64_t base = BASE_XAPIC | UINT64_C(1) << bit;

			if (bit >= widths[i]) {
				wr_faults(f, 1, LAPIC_MSR_BASE, base);
				continue;
			}
			wr(f, 1, LAPIC_MSR_BASE, base);
			assert_int_equal(rd(f, 1, LAPIC_MSR_BASE), base);
		}
	}
}

/* 10.12.5.1: x2APIC state is lost on the way through disabled, the ID not. */
static void test_lapic_base_off_and_on_resets_registers(void **state)
{
	turn_on(*state, 1);
	wr(*state, 1, TPR, 0x40);
	wr(*state, 1, SELF_IPI, 0x80);
	wr(*state, 1, LAPIC_MSR_BASE, 0xfee00000);
	rd_faults(*state, 1, ID);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_XAPIC);
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	assert_int_equal(rd(*state, 1, ID), 1);
	assert_int_equal(rd(*state, 1, TPR), 0);
	assert_int_equal(rd(*state, 1, SVR), 0xff);
	assert_int_equal(rd(*state, 1, IRR + 4), 0);
}

/* 10.4.7.1: all registers as after power-up. */
static void assert_reset_state(struct fixture *f, unsigned cpu)
{
	static const uint32_t zero[] = {TPR,     PPR,     ESR,   ICR,
					INITIAL, CURRENT, DIVIDE};

	for (unsigned i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		assert_int_equal(rd(f, cpu, zero[i]), 0);
	for (uint32_t msr = ISR; msr < ESR; msr++)
		assert_int_equal(rd(f, cpu, msr), 0);
	for (uint32_t msr = LVT_TIMER; msr <= LVT_ERROR; msr++)
		assert_int_equal(rd(f, cpu, msr), MASKED);
	assert_int_equal(rd(f, cpu, LVT_CMCI), MASKED);
	assert_int_equal(rd(f, cpu, SVR), 0xff);
	assert_int_equal(rd(f, cpu, LAPIC_MSR_TSC_DEADLINE), 0);
}

static void test_lapic_registers_after_reset_match_sdm(void **state)
{
	wr(*state, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	assert_reset_state(*state, 1);
}

/* 10.4.7.3, 10.12.5.1: INIT resets all but the ID, and stays in x2APIC mode. */
static void test_lapic_init_resets_all_but_id_and_mode(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, TPR, 0x10);
	wr(f, 1, LVT_TIMER, 0x20040);
	wr(f, 1, INITIAL, 1000);
	wr(f, 1, DIVIDE, 0xb);
	wr(f, 1, SELF_IPI, 0x5);
	wr(f, 1, ESR, 0);
	wr(f, 1, SELF_IPI, 0x50);
	wr(f, 1, SELF_IPI, 0x60);
	lapic_accept(f->cpus[1]);
	wr(f, 1, ICR, UINT64_C(1) << 32 | 0x4031);
	lapic_post(f->cpus[1], 0x70, false);
	assert_true(lapic_post_init(f->cpus[1]));
	lapic_sync(f->cpus[1]);
	assert_int_equal(rd(f, 1, LAPIC_MSR_BASE), BASE_X2APIC);
	assert_int_equal(rd(f, 1, ID), 1);
	assert_reset_state(f, 1);
	assert_int_equal(lapic_timer_expiry_ns(f->cpus[1]), DIS_NEVER_NS);
	assert_int_equal(lapic_pending(f->cpus[1]), -1);
}

/* 10.4.7.3: errors not yet shown are gone as well. */
static void test_lapic_init_forgets_logged_errors(void **state)
{
	struct fixture *f = *state;

	wr(f, 1, SELF_IPI, 0x5);
	lapic_post_init(f->cpus[1]);
	lapic_sync(f->cpus[1]);
	wr(f, 1, ESR, 0);
	assert_int_equal(rd(f, 1, ESR), 0);
}

/* 10.12.5.1: from xAPIC to x2APIC mode the state is kept. */
static void test_lapic_base_xapic_to_x2apic_keeps_tpr(void **state)
{
	struct fixture *f = *state;

	lapic_cr8_set(f->cpus[1], 5);
	wr(f, 1, LAPIC_MSR_BASE, BASE_X2APIC);
	assert_int_equal(rd(f, 1, TPR), 0x50);
}

/* 10.4.8: integrated APIC; the maximum is the number of LVT entries - 1. */
static void test_lapic_version_advertises_seven_lvt_entries(void **state)
{
	assert_int_equal(rd(*state, 0, VERSION), 0x00060014);
}

/* 10.12.10.2: cluster = ID[31:4], place = 1 << ID[3:0]. */
static void test_lapic_ldr_is_derived_from_id(void **state)
{
	assert_int_equal(rd(*state, 0, LDR), 0x00000001);
	assert_int_equal(rd(*state, 15, LDR), 0x00008000);
	assert_int_equal(rd(*state, 16, LDR), 0x00010001);
	assert_int_equal(rd(*state, 0x5a, LDR), 0x00050400);
	assert_int_equal(rd(*state, 255, LDR), 0x000f8000);
}

/* Table 10-6: what no register has faults on read and write. */
static void test_lapic_reserved_registers_fault(void **state)
{
	static const uint32_t holes[][2] = {
		{0x800, 0x801}, {0x804, 0x807}, {0x809, 0x809},
		{0x80c, 0x80c}, {0x80e, 0x80e}, {0x829, 0x82e},
		{0x831, 0x831}, {0x83a, 0x83d}, {0x840, 0x8ff},
	};

	for (unsigned i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		for (uint32_t msr = holes[i][0]; msr <= holes[i][1]; msr++) {
			rd_faults(*state, 0, msr);
			wr_faults(*state, 0, msr, 0);
		}
	}
	rd_faults(*state, 0, 0x900);
	rd_faults(*state, 0, 0x10);
	wr_faults(*state, 0, 0x7ff, 0);
}

/* Table 10-6. */
static void test_lapic_read_only_registers_fault_on_write(void **state)
{
	static const uint32_t ro[] = {ID, VERSION, PPR, LDR, CURRENT};

	for (unsigned i = 0; i < sizeof(ro) / sizeof(ro[0]); i++)
		wr_faults(*state, 0, ro[i], 0);
	for (uint32_t msr = ISR; msr < ESR; msr++)
		wr_faults(*state, 0, msr, 0);
}

/* Table 10-6. */
static void test_lapic_write_only_registers_fault_on_read(void **state)
{
	rd_faults(*state, 0, EOI);
	rd_faults(*state, 0, SELF_IPI);
}

/* 10.12.1.3: only the bits given can be written. */
static void check_reserved(struct fixture *f, uint32_t msr, uint64_t allowed)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t val = UINT64_C(1) << bit;

		if (allowed & val)
			wr(f, 0, msr, val);
		else
			wr_faults(f, 0, msr, val);
	}
}

static void test_lapic_reserved_bits_fault(void **state)
{
	check_reserved(*state, TPR, 0xff);
	check_reserved(*state, EOI, 0);
	check_reserved(*state, ESR, 0);
	check_reserved(*state, SVR, 0x1ff);
	check_reserved(*state, LVT_TIMER, 0x710ff);
	check_reserved(*state, LVT_THERMAL, 0x117ff);
	check_reserved(*state, LVT_PERF, 0x117ff);
	check_reserved(*state, LVT_CMCI, 0x117ff);
	check_reserved(*state, LVT_LINT0, 0x1f7ff);
	check_reserved(*state, LVT_LINT1, 0x1f7ff);
	check_reserved(*state, LVT_ERROR, 0x110ff);
	check_reserved(*state, INITIAL, 0xffffffff);
	check_reserved(*state, DIVIDE, 0xb);
	check_reserved(*state, SELF_IPI, 0xff);
	check_reserved(*state, ICR, 0xffffffff000cdfff);
}

static void test_lapic_faulting_write_changes_nothing(void **state)
{
	wr(*state, 0, LVT_LINT0, 0x700);
	wr_faults(*state, 0, LVT_LINT0, UINT64_C(1) << 32 | 0x10000);
	assert_int_equal(rd(*state, 0, LVT_LINT0), 0x700);
	wr_faults(*state, 0, TPR, 0x110);
	assert_int_equal(rd(*state, 0, TPR), 0);
}

/* Figure 10-8: delivery status and remote IRR are read-only. */
static void test_lapic_lvt_status_bits_ignore_writes(void **state)
{
	wr(*state, 0, LVT_LINT1, 0x15430);
	assert_int_equal(rd(*state, 0, LVT_LINT1), 0x10430);
}

/* 10.4.7.2: software disable sets all masks. */
static void test_lapic_svr_disable_masks_lvt(void **state)
{
	for (uint32_t msr = LVT_TIMER; msr <= LVT_ERROR; msr++)
		wr(*state, 0, msr, 0x40);
	wr(*state, 0, LVT_CMCI, 0x40);
	wr(*state, 0, SVR, 0xff);
	for (uint32_t msr = LVT_TIMER; msr <= LVT_ERROR; msr++)
		assert_int_equal(rd(*state, 0, msr), MASKED | 0x40);
	assert_int_equal(rd(*state, 0, LVT_CMCI), MASKED | 0x40);
}

/* 10.4.7.2: ... and they cannot be cleared until it is enabled again. */
static void test_lapic_svr_disabled_lvt_stays_masked(void **state)
{
	wr(*state, 0, SVR, 0xff);
	wr(*state, 0, LVT_TIMER, 0x41);
	assert_int_equal(rd(*state, 0, LVT_TIMER), MASKED | 0x41);
	wr(*state, 0, SVR, 0x1ff);
	assert_int_equal(rd(*state, 0, LVT_TIMER), MASKED | 0x41);
	wr(*state, 0, LVT_TIMER, 0x41);
	assert_int_equal(rd(*state, 0, LVT_TIMER), 0x41);
}

/* 10.4.7.2: what is in IRR and ISR is held; new interrupts are not accepted. */
static void test_lapic_svr_disabled_holds_old_drops_new(void **state)
{
	struct fixture *f = *state;

	lapic_post(f->cpus[0], 0x40, false);
	wr(f, 0, SVR, 0xff);
	assert_false(lapic_post(f->cpus[0], 0x50, false));
	wr(f, 0, SELF_IPI, 0x60);
	lapic_sync(f->cpus[0]);
	assert_int_equal(lapic_accept(f->cpus[0]), 0x40);
	assert_int_equal(lapic_accept(f->cpus[0]), -1);
}

/* 10.4.7.2: a disabled APIC still answers INIT, NMI and SIPI. */
static void test_lapic_svr_disabled_takes_nmi_and_init(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, SVR, 0xff);
	assert_true(lapic_post_nmi(f->cpus[0]));
	lapic_sync(f->cpus[0]);
	assert_true(lapic_take_nmi(f->cpus[0]));
	assert_true(lapic_post_init(f->cpus[0]));
	lapic_sync(f->cpus[0]);
	assert_true(lapic_take_init(f->cpus[0]));
}

/* 10.4.3: a globally disabled APIC takes no messages. */
static void test_lapic_globally_disabled_takes_nothing(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LAPIC_MSR_BASE, 0xfee00100);
	assert_false(lapic_post(f->cpus[0], 0x40, false));
	assert_false(lapic_post_nmi(f->cpus[0]));
	assert_false(lapic_post_init(f->cpus[0]));
	assert_false(lapic_post_sipi(f->cpus[0], 1));
}

/* 10.5.3: errors show after a write; a second write clears them. */
static void test_lapic_esr_write_then_read_shows_errors(void **state)
{
	wr(*state, 0, SELF_IPI, 0x0f);
	assert_int_equal(rd(*state, 0, ESR), 0);
	wr(*state, 0, ESR, 0);
	assert_int_equal(rd(*state, 0, ESR), 0x60);
	assert_int_equal(rd(*state, 0, ESR), 0x60);
	wr(*state, 0, ESR, 0);
	assert_int_equal(rd(*state, 0, ESR), 0);
}

/* 10.5.3: an illegal vector in a message received sets no IRR bit. */
static void test_lapic_received_illegal_vector_is_error(void **state)
{
	struct fixture *f = *state;

	for (unsigned vector = 0; vector < 16; vector++) {
		lapic_post(f->cpus[0], (uint8_t)vector, false);
		wr(f, 0, ESR, 0);
		assert_int_equal(rd(f, 0, ESR), 0x40);
		assert_int_equal(rd(f, 0, IRR), 0);
	}
}

/* 10.5.3: the error interrupt fires once, and again after a write to the ESR. */
static void test_lapic_error_interrupt_is_rearmed_by_esr_write(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_ERROR, 0xfe);
	wr(f, 0, SELF_IPI, 1);
	assert_int_equal(lapic_accept(f->cpus[0]), 0xfe);
	wr(f, 0, EOI, 0);
	wr(f, 0, SELF_IPI, 1);
	assert_int_equal(lapic_accept(f->cpus[0]), -1);
	wr(f, 0, ESR, 0);
	wr(f, 0, SELF_IPI, 1);
	assert_int_equal(lapic_accept(f->cpus[0]), 0xfe);
}

/* 10.5.3: errors are collected even while LVT error is masked. */
static void test_lapic_error_masked_is_logged_only(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, SELF_IPI, 1);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	wr(f, 0, ESR, 0);
	assert_int_equal(rd(f, 0, ESR), 0x60);
}

/* 10.5.3: an illegal vector in LVT error itself must not recurse. */
static void test_lapic_error_lvt_illegal_vector_ends(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_ERROR, 0x3);
	wr(f, 0, SELF_IPI, 1);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	wr(f, 0, ESR, 0);
	assert_int_equal(rd(f, 0, ESR), 0x60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TR(test_lapic_base_after_reset_is_xapic),
		TR(test_lapic_registers_in_xapic_mode_fault),
		TR(test_lapic_base_legal_transitions_succeed),
		TR(test_lapic_base_x2apic_to_xapic_faults),
		TR(test_lapic_base_disabled_to_x2apic_faults),
		TR(test_lapic_base_invalid_state_faults),
		TR(test_lapic_base_reserved_bit_faults),
		TR(test_lapic_base_beyond_physical_address_faults),
		TR(test_lapic_base_off_and_on_resets_registers),
		TR(test_lapic_registers_after_reset_match_sdm),
		T4(test_lapic_init_resets_all_but_id_and_mode),
		T4(test_lapic_init_forgets_logged_errors),
		TR(test_lapic_base_xapic_to_x2apic_keeps_tpr),
		T1(test_lapic_version_advertises_seven_lvt_entries),
		T256(test_lapic_ldr_is_derived_from_id),
		T1(test_lapic_reserved_registers_fault),
		T1(test_lapic_read_only_registers_fault_on_write),
		T1(test_lapic_write_only_registers_fault_on_read),
		T1(test_lapic_reserved_bits_fault),
		T1(test_lapic_faulting_write_changes_nothing),
		T1(test_lapic_lvt_status_bits_ignore_writes),
		T1(test_lapic_svr_disable_masks_lvt),
		T1(test_lapic_svr_disabled_lvt_stays_masked),
		T1(test_lapic_svr_disabled_holds_old_drops_new),
		T1(test_lapic_svr_disabled_takes_nmi_and_init),
		T1(test_lapic_globally_disabled_takes_nothing),
		T1(test_lapic_esr_write_then_read_shows_errors),
		T1(test_lapic_received_illegal_vector_is_error),
		T1(test_lapic_error_interrupt_is_rearmed_by_esr_write),
		T1(test_lapic_error_masked_is_logged_only),
		T1(test_lapic_error_lvt_illegal_vector_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
