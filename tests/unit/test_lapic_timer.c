/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC timer: one-shot, periodic, TSC deadline, divide (R: CARD-9, PRE-3,
 * ST-3). Section numbers: see test_lapic_fixture.h.
 */
#include "test_lapic_fixture.h"

#define ONE_SHOT 0x00000u
#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define DIVIDE_BY_1 0xbu
#define VECTOR 0x40u

static uint64_t expiry(struct fixture *f)
{
	return lapic_timer_expiry_ns(f->cpus[0]);
}

static void tick(struct fixture *f)
{
	lapic_timer_tick(f->cpus[0], f->now);
}

static void start(struct fixture *f, uint32_t mode, uint32_t count)
{
	wr(f, 0, DIVIDE, DIVIDE_BY_1);
	wr(f, 0, LVT_TIMER, mode | VECTOR);
	wr(f, 0, INITIAL, count);
}

static int take(struct fixture *f)
{
	int vector = lapic_accept(f->cpus[0]);

	if (vector >= 0)
		wr(f, 0, EOI, 0);
	return vector;
}

/* 10.5.4: one-shot fires once, when the count reaches 0, not before. */
static void test_lapic_timer_one_shot_fires_once(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	assert_int_equal(expiry(f), f->now.now_ns + 1000);
	pass_ns(f, 999);
	tick(f);
	assert_int_equal(take(f), -1);
	pass_ns(f, 1);
	tick(f);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	pass_ns(f, 10000);
	tick(f);
	assert_int_equal(take(f), -1);
}

/* 10.5.4: the count goes down; the initial count stays. */
static void test_lapic_timer_current_count_counts_down(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	assert_int_equal(rd(f, 0, CURRENT), 1000);
	pass_ns(f, 400);
	assert_int_equal(rd(f, 0, CURRENT), 600);
	pass_ns(f, 600);
	assert_int_equal(rd(f, 0, CURRENT), 0);
	assert_int_equal(rd(f, 0, INITIAL), 1000);
}

/* Figure 10-10: all eight codes. */
static void test_lapic_timer_divide_codes_match_sdm(void **state)
{
	static const struct {
		uint32_t code;
		unsigned divisor;
	} codes[] = {{0x0, 2},  {0x1, 4},  {0x2, 8},   {0x3, 16},
		     {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, ONE_SHOT | VECTOR);
	for (unsigned i = 0; i < 8; i++) {
		wr(f, 0, DIVIDE, codes[i].code);
		wr(f, 0, INITIAL, 100);
		assert_int_equal(expiry(f),
				 f->now.now_ns + 100 * codes[i].divisor);
	}
}

/* A tick of the divided clock that has begun still counts. */
static void test_lapic_timer_divided_count_rounds_up(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, DIVIDE, 0x1);
	wr(f, 0, LVT_TIMER, ONE_SHOT | VECTOR);
	wr(f, 0, INITIAL, 10);
	pass_ns(f, 3);
	assert_int_equal(rd(f, 0, CURRENT), 10);
	pass_ns(f, 1);
	assert_int_equal(rd(f, 0, CURRENT), 9);
	pass_ns(f, 35);
	assert_int_equal(rd(f, 0, CURRENT), 1);
}

static void test_lapic_timer_divide_change_keeps_count(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	pass_ns(f, 400);
	wr(f, 0, DIVIDE, 0x1);
	assert_int_equal(rd(f, 0, CURRENT), 600);
	assert_int_equal(expiry(f), f->now.now_ns + 2400);
}

static void test_lapic_timer_greatest_period_does_not_overflow(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, DIVIDE, 0xa);
	wr(f, 0, LVT_TIMER, PERIODIC | VECTOR);
	wr(f, 0, INITIAL, UINT32_MAX);
	assert_int_equal(expiry(f), f->now.now_ns + UINT64_C(128) * UINT32_MAX);
	assert_int_equal(rd(f, 0, CURRENT), UINT32_MAX);
}

/* 10.5.4: 0 stops the timer. */
static void test_lapic_timer_initial_zero_stops(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC, 1000);
	wr(f, 0, INITIAL, 0);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	assert_int_equal(rd(f, 0, CURRENT), 0);
}

/* 10.5.4: periodic reloads, in step with its start. */
static void test_lapic_timer_periodic_repeats_in_step(void **state)
{
	struct fixture *f = *state;
	uint64_t begin_ns = f->now.now_ns;

	start(f, PERIODIC, 1000);
	for (unsigned i = 1; i <= 3; i++) {
		pass_ns(f, i == 1 ? 1010 : 1000);
		tick(f);
		assert_int_equal(take(f), VECTOR);
		assert_int_equal(expiry(f), begin_ns + (i + 1) * 1000);
	}
	assert_int_equal(rd(f, 0, CURRENT), 990);
}

/* R: PRE-3: missed periods are one interrupt; the next is in the future. */
static void test_lapic_timer_periodic_missed_periods_are_skipped(void **state)
{
	struct fixture *f = *state;
	uint64_t begin_ns = f->now.now_ns;

	start(f, PERIODIC, 1000);
	pass_ns(f, 7500);
	tick(f);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(take(f), -1);
	assert_int_equal(expiry(f), begin_ns + 8000);
	pass_ns(f, 500);
	tick(f);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(expiry(f), begin_ns + 9000);
}

/* R: CARD-4: no expiry is asked for that could not be noticed. */
static void test_lapic_timer_masked_has_no_expiry(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC | MASKED, 1000);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	pass_ns(f, 2500);
	assert_int_equal(rd(f, 0, CURRENT), 500);
	wr(f, 0, LVT_TIMER, PERIODIC | VECTOR);
	assert_int_equal(take(f), -1);
	assert_int_equal(expiry(f), f->now.now_ns + 500);
}

/* A period of 1 ns must not keep the host busy while nobody takes it. */
static void test_lapic_timer_pending_vector_has_no_expiry(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC, 1);
	pass_ns(f, 5);
	tick(f);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	assert_int_equal(lapic_accept(f->cpus[0]), VECTOR);
	assert_int_equal(expiry(f), f->now.now_ns + 1);
}

/* 10.5.3: likewise with an illegal vector, an error each time. */
static void test_lapic_timer_illegal_vector_is_one_error(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC, 1);
	wr(f, 0, LVT_TIMER, PERIODIC | 0x0f);
	pass_ns(f, 5);
	tick(f);
	assert_int_equal(lapic_pending(f->cpus[0]), -1);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	wr(f, 0, ESR, 0);
	assert_int_equal(rd(f, 0, ESR), 0x40);
	assert_int_equal(expiry(f), f->now.now_ns + 1);
}

/* 10.5.4: between one-shot and periodic the count runs on. */
static void test_lapic_timer_one_shot_to_periodic_runs_on(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	pass_ns(f, 400);
	wr(f, 0, LVT_TIMER, PERIODIC | VECTOR);
	assert_int_equal(expiry(f), f->now.now_ns + 600);
	pass_ns(f, 600);
	tick(f);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(expiry(f), f->now.now_ns + 1000);
}

/* 10.5.4.1: a change into or out of TSC-deadline mode disarms. */
static void test_lapic_timer_deadline_mode_change_disarms(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC, 1000);
	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	assert_int_equal(rd(f, 0, INITIAL), 0);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 1000);
	wr(f, 0, LVT_TIMER, ONE_SHOT | VECTOR);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), 0);
}

/* Another vector, or the mask, leaves a deadline armed. */
static void test_lapic_timer_deadline_outlives_lvt_write(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | MASKED | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 2000);
	wr(f, 0, LVT_TIMER, DEADLINE | 0x50);
	assert_int_equal(expiry(f), f->now.now_ns + 1000);
	pass_ns(f, 1000);
	tick(f);
	assert_int_equal(take(f), 0x50);
}

/* 10.4.7.3 */
static void test_lapic_timer_init_stops(void **state)
{
	struct fixture *f = *state;

	start(f, PERIODIC, 1000);
	lapic_post_init(f->cpus[0]);
	lapic_sync(f->cpus[0]);
	wr(f, 0, SVR, 0x1ff);
	wr(f, 0, LVT_TIMER, PERIODIC | VECTOR);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
}

/* 10.5.4.1: the reserved mode counts nothing and keeps no deadline. */
static void test_lapic_timer_reserved_mode_is_inert(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 1000);
	wr(f, 0, LVT_TIMER, DEADLINE | PERIODIC | VECTOR);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), 0);
	wr(f, 0, INITIAL, 1000);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 1000);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
}

/* 10.5.4.1: the counts do nothing in TSC-deadline mode. */
static void test_lapic_timer_deadline_mode_ignores_counts(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, INITIAL, 1000);
	assert_int_equal(rd(f, 0, INITIAL), 0);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 1000);
	assert_int_equal(rd(f, 0, CURRENT), 0);
}

/* 10.5.4.1: and the deadline does nothing in the others. */
static void test_lapic_timer_deadline_in_other_mode_is_ignored(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, ONE_SHOT | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, 12345);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), 0);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
}

/* 10.5.4.1: fires when the TSC gets there, then is disarmed and reads 0. */
static void test_lapic_timer_deadline_fires_and_disarms(void **state)
{
	struct fixture *f = *state;
	uint64_t deadline = f->now.guest_tsc + 2000;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, deadline);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), deadline);
	assert_int_equal(expiry(f), f->now.now_ns + 1000);
	pass_ns(f, 999);
	tick(f);
	assert_int_equal(take(f), -1);
	pass_ns(f, 1);
	tick(f);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), 0);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
}

/* 10.5.4.1: 0 disarms. */
static void test_lapic_timer_deadline_zero_disarms(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 2000);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, 0);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	pass_ns(f, 5000);
	tick(f);
	assert_int_equal(take(f), -1);
}

/* 10.5.4.1: a deadline in the past fires at once. */
static void test_lapic_timer_deadline_in_past_fires_at_once(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, 1);
	assert_int_equal(take(f), VECTOR);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), 0);
}

/* Rounded up: 1 TSC tick at 2 GHz is half a nanosecond. */
static void test_lapic_timer_deadline_rounds_up(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 1);
	assert_int_equal(expiry(f), f->now.now_ns + 1);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 3);
	assert_int_equal(expiry(f), f->now.now_ns + 2);
}

/* For odd frequencies: the TSC at the expiry has reached the deadline. */
static void test_lapic_timer_deadline_is_never_early(void **state)
{
	static const uint32_t khz[] = {1, 999999, 1000001, 2893203, 4294967295};
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	for (unsigned i = 0; i < sizeof(khz) / sizeof(khz[0]); i++) {
		f->bus.tsc_khz = khz[i];
		for (uint64_t ticks = 1; ticks < UINT64_C(1) << 40;
		     ticks = ticks * 3 + 1) {
			unsigned __int128 tsc;

			wr(f, 0, LAPIC_MSR_TSC_DEADLINE,
			   f->now.guest_tsc + ticks);
			tsc = (unsigned __int128)(expiry(f) - f->now.now_ns) *
			      khz[i] / 1000000u;
			assert_true(tsc >= ticks);
		}
	}
}

/* Where tsc_khz was too low the expiry comes early: it moves on. */
static void test_lapic_timer_deadline_early_tick_moves_on(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 2000);
	f->now.now_ns += 1000;
	f->now.guest_tsc += 1990;
	tick(f);
	assert_int_equal(take(f), -1);
	assert_int_equal(expiry(f), f->now.now_ns + 5);
	pass_ns(f, 5);
	tick(f);
	assert_int_equal(take(f), VECTOR);
}

/* The TSC decides: the guest has set it forward beyond the deadline. */
static void test_lapic_timer_deadline_passed_by_tsc_write_fires(void **state)
{
	struct fixture *f = *state;

	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, f->now.guest_tsc + 2000000);
	f->now.guest_tsc += 2000000;
	tick(f);
	assert_int_equal(take(f), VECTOR);
}

static void test_lapic_timer_deadline_far_away_saturates(void **state)
{
	struct fixture *f = *state;

	f->bus.tsc_khz = 1;
	wr(f, 0, LVT_TIMER, DEADLINE | VECTOR);
	wr(f, 0, LAPIC_MSR_TSC_DEADLINE, UINT64_MAX);
	assert_int_equal(expiry(f), DIS_NEVER_NS);
	assert_int_equal(rd(f, 0, LAPIC_MSR_TSC_DEADLINE), UINT64_MAX);
}

/* Any MSR access takes over what is due. */
static void test_lapic_timer_due_at_msr_access_is_raised(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	pass_ns(f, 1000);
	assert_int_equal(rd(f, 0, IRR + 2), 1);
}

static void test_lapic_timer_clock_back_bounds_count(void **state)
{
	struct fixture *f = *state;

	start(f, ONE_SHOT, 1000);
	f->now.now_ns -= 500;
	assert_int_equal(rd(f, 0, CURRENT), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T1(test_lapic_timer_one_shot_fires_once),
		T1(test_lapic_timer_current_count_counts_down),
		T1(test_lapic_timer_divide_codes_match_sdm),
		T1(test_lapic_timer_divided_count_rounds_up),
		T1(test_lapic_timer_divide_change_keeps_count),
		T1(test_lapic_timer_greatest_period_does_not_overflow),
		T1(test_lapic_timer_initial_zero_stops),
		T1(test_lapic_timer_periodic_repeats_in_step),
		T1(test_lapic_timer_periodic_missed_periods_are_skipped),
		T1(test_lapic_timer_masked_has_no_expiry),
		T1(test_lapic_timer_pending_vector_has_no_expiry),
		T1(test_lapic_timer_illegal_vector_is_one_error),
		T1(test_lapic_timer_one_shot_to_periodic_runs_on),
		T1(test_lapic_timer_deadline_mode_change_disarms),
		T1(test_lapic_timer_deadline_outlives_lvt_write),
		T1(test_lapic_timer_init_stops),
		T1(test_lapic_timer_reserved_mode_is_inert),
		T1(test_lapic_timer_deadline_mode_ignores_counts),
		T1(test_lapic_timer_deadline_in_other_mode_is_ignored),
		T1(test_lapic_timer_deadline_fires_and_disarms),
		T1(test_lapic_timer_deadline_zero_disarms),
		T1(test_lapic_timer_deadline_in_past_fires_at_once),
		T1(test_lapic_timer_deadline_rounds_up),
		T1(test_lapic_timer_deadline_is_never_early),
		T1(test_lapic_timer_deadline_early_tick_moves_on),
		T1(test_lapic_timer_deadline_passed_by_tsc_write_fires),
		T1(test_lapic_timer_deadline_far_away_saturates),
		T1(test_lapic_timer_due_at_msr_access_is_raised),
		T1(test_lapic_timer_clock_back_bounds_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
