/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC timer (SDM 10.5.4): one-shot, periodic, TSC deadline; see lapic.h.
 *
 * Invariant: timer_due_ns is when the count reaches 0, or DIS_NEVER_NS if the
 * timer is stopped. Nothing counts: the current count is computed from it.
 */
#include "lapic_priv.h"

#include <errno.h>

static uint32_t mode(const struct lapic *l)
{
	return l->lvt[LAPIC_LVT_TIMER] & LAPIC_LVT_TIMER_MODE;
}

/* Divisor as a power of two: 000 is 2, 110 is 128, 111 is 1. */
static unsigned divide_shift(const struct lapic *l)
{
	unsigned code = (l->timer_divide & 3u) | (l->timer_divide >> 1 & 4u);

	return (code + 1) & 7u;
}

static uint64_t period_ns(const struct lapic *l)
{
	return (uint64_t)l->timer_initial << divide_shift(l);
}

/*
 * Host time at which the guest's TSC reaches @deadline: never too early, so the
 * division is rounded up.
 */
static uint64_t deadline_ns(const struct lapic *l, uint64_t deadline,
			    struct lapic_time now)
{
	uint32_t khz = l->bus->tsc_khz;
	unsigned __int128 ns;

	if (deadline <= now.guest_tsc)
		return now.now_ns;
	ns = (unsigned __int128)(deadline - now.guest_tsc) * 1000000u;
	ns = (ns + khz - 1) / khz;
	return ns > UINT64_MAX ? DIS_NEVER_NS
			       : dis_ns_add(now.now_ns, (uint64_t)ns);
}

void lapic_timer_stop(struct lapic *l)
{
	l->timer_due_ns = DIS_NEVER_NS;
	l->timer_deadline = 0;
}

void lapic_timer_initial_write(struct lapic *l, uint32_t val, uint64_t now_ns)
{
	/* SDM 10.5.4.1: ignored in TSC-deadline mode. */
	if (mode(l) & LAPIC_LVT_TIMER_DEADLINE)
		return;
	l->timer_initial = val;
	l->timer_due_ns = val ? dis_ns_add(now_ns, period_ns(l)) : DIS_NEVER_NS;
}

uint32_t lapic_timer_current(const struct lapic *l, uint64_t now_ns)
{
	unsigned shift = divide_shift(l);
	uint64_t left_ns, count;

	if (mode(l) & LAPIC_LVT_TIMER_DEADLINE ||
	    l->timer_due_ns == DIS_NEVER_NS)
		return 0;
	left_ns = dis_ns_sub(l->timer_due_ns, now_ns);
	/* A tick that has begun still counts. */
	count = (left_ns >> shift) + !!(left_ns & ((UINT64_C(1) << shift) - 1));
	/* More is left only if the clock went back. */
	return count < l->timer_initial ? (uint32_t)count : l->timer_initial;
}

/* A running count goes on from where it is, at the new rate. */
int lapic_timer_divide_write(struct lapic *l, uint32_t val, uint64_t now_ns)
{
	uint32_t count = lapic_timer_current(l, now_ns);

	if (val & ~LAPIC_DIVIDE_BITS)
		return -EINVAL;
	l->timer_divide = val;
	if (count)
		l->timer_due_ns =
			dis_ns_add(now_ns, (uint64_t)count << divide_shift(l));
	return 0;
}

/* SDM 10.5.4.1: 0 disarms; without effect outside of TSC-deadline mode. */
void lapic_timer_deadline_write(struct lapic *l, uint64_t deadline,
				struct lapic_time now)
{
	if (mode(l) != LAPIC_LVT_TIMER_DEADLINE)
		return;
	l->timer_deadline = deadline;
	l->timer_due_ns = deadline ? deadline_ns(l, deadline, now)
				   : DIS_NEVER_NS;
	lapic_timer_tick(l, now);
}

/* Would another interrupt of the timer change anything? */
static bool is_noticeable(const struct lapic *l)
{
	uint32_t entry = l->lvt[LAPIC_LVT_TIMER];
	uint8_t vector = (uint8_t)entry;

	if (entry & LAPIC_LVT_MASKED)
		return false;
	if (vector < LAPIC_VECTOR_MIN)
		return !(l->esr_logged & LAPIC_ESR_RECEIVE_ILLEGAL);
	return !lapic_irr_test(l, vector);
}

uint64_t lapic_timer_expiry_ns(const struct lapic *l)
{
	return is_noticeable(l) ? l->timer_due_ns : DIS_NEVER_NS;
}

bool lapic_timer_armed(const struct lapic *l)
{
	return l->timer_due_ns != DIS_NEVER_NS;
}

static void tick_deadline(struct lapic *l, struct lapic_time now)
{
	if (now.guest_tsc >= l->timer_deadline) {
		lapic_timer_stop(l);
		lapic_lvt_fire(l, LAPIC_LVT_TIMER);
	} else if (now.now_ns >= l->timer_due_ns) {
		l->timer_due_ns = deadline_ns(l, l->timer_deadline, now);
	}
}

static void tick_count(struct lapic *l, uint64_t now_ns)
{
	uint64_t period = period_ns(l);

	if (mode(l) == LAPIC_LVT_TIMER_PERIODIC) {
		uint64_t passed = (now_ns - l->timer_due_ns) / period + 1;

		l->timer_due_ns = dis_ns_add(l->timer_due_ns, passed * period);
	} else {
		lapic_timer_stop(l);
	}
	lapic_lvt_fire(l, LAPIC_LVT_TIMER);
}

void lapic_timer_tick(struct lapic *l, struct lapic_time now)
{
	if (l->timer_deadline)
		tick_deadline(l, now);
	else if (l->timer_due_ns != DIS_NEVER_NS &&
		 now.now_ns >= l->timer_due_ns)
		tick_count(l, now.now_ns);
}
