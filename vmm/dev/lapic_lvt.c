/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC: local vector table, LINT0, error status; see lapic.h. */
#include "lapic_priv.h"

#include <errno.h>

#define LVT_VECTOR 0xffu
#define LVT_DELIVERY_MODE (7u << 8)
#define LVT_DELIVERY_STATUS (1u << 12)
#define LVT_POLARITY (1u << 13)
#define LVT_REMOTE_IRR (1u << 14)
#define LVT_LEVEL (1u << 15)

/*
 * Bits the guest may change (SDM figure 10-8). Reserved encodings of the
 * delivery and the timer mode are not reserved bits: they can be written and
 * deliver nothing.
 */
#define COMMON (LVT_VECTOR | LAPIC_LVT_MASKED)
#define WITH_MODE (COMMON | LVT_DELIVERY_MODE)
#define PIN (WITH_MODE | LVT_POLARITY | LVT_LEVEL)

static const struct {
	uint32_t writable;
	uint32_t read_only; /* no #GP, no effect */
} lvt_bits[LAPIC_LVTS] = {
	[LAPIC_LVT_TIMER] = {COMMON | LAPIC_LVT_TIMER_MODE, LVT_DELIVERY_STATUS},
	[LAPIC_LVT_LINT0] = {PIN, LVT_DELIVERY_STATUS | LVT_REMOTE_IRR},
	[LAPIC_LVT_LINT1] = {PIN, LVT_DELIVERY_STATUS | LVT_REMOTE_IRR},
	[LAPIC_LVT_ERROR] = {COMMON, LVT_DELIVERY_STATUS},
	[LAPIC_LVT_PERF] = {WITH_MODE, LVT_DELIVERY_STATUS},
	[LAPIC_LVT_THERMAL] = {WITH_MODE, LVT_DELIVERY_STATUS},
	[LAPIC_LVT_CMCI] = {WITH_MODE, LVT_DELIVERY_STATUS},
};

/* While software-disabled, all masks are set and stay set (SDM 10.4.7.2). */
void lapic_lvt_mask_all(struct lapic *l)
{
	for (unsigned i = 0; i < LAPIC_LVTS; i++)
		l->lvt[i] |= LAPIC_LVT_MASKED;
}

uint32_t lapic_lvt_bits(enum lapic_lvt index)
{
	return lvt_bits[index].writable | lvt_bits[index].read_only;
}

int lapic_lvt_write(struct lapic *l, enum lapic_lvt index, uint32_t val)
{
	uint32_t writable = lvt_bits[index].writable;
	uint32_t before = l->lvt[index];

	if (val & ~lapic_lvt_bits(index))
		return -EINVAL;
	val &= writable;
	if (!(l->svr & LAPIC_SVR_ENABLE))
		val |= LAPIC_LVT_MASKED;
	l->lvt[index] = val;
	/*
	 * Into or out of TSC-deadline mode the timer stops; between one-shot
	 * and periodic it runs on (SDM 10.5.4, 10.5.4.1).
	 */
	if (index == LAPIC_LVT_TIMER && (before ^ val) & LAPIC_LVT_TIMER_MODE &&
	    (before | val) & LAPIC_LVT_TIMER_DEADLINE) {
		l->timer_initial = 0;
		lapic_timer_stop(l);
	}
	return 0;
}

/* Fixed delivery: timer and error have no delivery mode. */
void lapic_lvt_fire(struct lapic *l, enum lapic_lvt index)
{
	uint32_t entry = l->lvt[index];

	if (!(entry & LAPIC_LVT_MASKED))
		lapic_raise(l, (uint8_t)(entry & LVT_VECTOR), false);
}

void lapic_lint0_set(struct lapic *l, bool level)
{
	uint32_t entry = l->lvt[LAPIC_LVT_LINT0];
	bool rose = level && !l->lint0;

	l->lint0 = level;
	if (!rose || entry & LAPIC_LVT_MASKED)
		return;
	if (LAPIC_LVT_MODE(entry) == LAPIC_NMI)
		lapic_raise_nmi(l);
	else if (LAPIC_LVT_MODE(entry) == LAPIC_FIXED)
		lapic_lvt_fire(l, LAPIC_LVT_LINT0);
}

/* SDM 10.4.3: globally disabled, LINT0 is the INTR pin of old. */
bool lapic_extint(const struct lapic *l)
{
	uint32_t entry = l->lvt[LAPIC_LVT_LINT0];

	if (l->extint)
		return true;
	if (!l->lint0)
		return false;
	if (!(lapic_enabled(l) & LAPIC_ENABLED_GLOBAL))
		return true;
	return !(entry & LAPIC_LVT_MASKED) &&
	       LAPIC_LVT_MODE(entry) == LAPIC_EXTINT;
}

void lapic_extint_taken(struct lapic *l)
{
	l->extint = false;
	l->lint0 = false;
}

/*
 * SDM 10.5.3: errors gather whether or not they interrupt; a write to the ESR
 * shows them and rearms the interrupt.
 */
void lapic_error(struct lapic *l, uint32_t bit)
{
	l->esr_logged |= bit;
	if (l->error_fired || l->lvt[LAPIC_LVT_ERROR] & LAPIC_LVT_MASKED)
		return;
	/* Set first: an illegal vector in the entry is an error itself. */
	l->error_fired = true;
	lapic_lvt_fire(l, LAPIC_LVT_ERROR);
}

void lapic_esr_update(struct lapic *l)
{
	l->esr = l->esr_logged;
	l->esr_logged = 0;
	l->error_fired = false;
}
