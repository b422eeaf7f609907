/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: interprocessor interrupts (SDM 10.6, 10.12.9 to 10.12.11); see
 * lapic.h. Who receives them: lapic_send.c.
 */
#include "lapic_priv.h"

#include <errno.h>

#define ICR_VECTOR 0xffu
#define ICR_MODE(icr) ((enum lapic_delivery)((icr) >> 8 & 7u))
#define ICR_LOGICAL (1u << 11)
/* Of xAPIC mode; processors let it be written, and it reads as 0. */
#define ICR_STATUS (1u << 12)
#define ICR_ASSERT (1u << 14)
#define ICR_LEVEL (1u << 15)
#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3u)

enum icr_shorthand {
	TO_DESTINATION,
	TO_SELF,
	TO_ALL,
	TO_OTHERS,
};

/* Edge: the trigger mode is ignored (SDM 10.6.1). */
static struct lapic_message message(const struct lapic *l, uint64_t icr)
{
	uint32_t dest = (uint32_t)(icr >> 32);
	struct lapic_message m = {
		.mode = ICR_MODE(icr),
		.vector = (uint8_t)(icr & ICR_VECTOR),
		.wide = true,
		.dest = UINT32_MAX,
		.skip = LAPIC_NOBODY,
	};

	switch (ICR_SHORTHAND(icr)) {
	case TO_OTHERS:
		m.skip = l->id;
		break;
	case TO_ALL:
		break;
	case TO_SELF:
		m.dest = l->id;
		break;
	case TO_DESTINATION:
		m.logical = icr & ICR_LOGICAL;
		m.wide = lapic_x2apic(l);
		m.dest = m.wide ? dest : dest >> 24;
		break;
	}
	return m;
}

/* All but the sender, which syncs before it enters the guest again. */
static void wake(const struct lapic *sender, const struct lapic_set *woken)
{
	const struct lapic_bus *bus = sender->bus;

	for (unsigned i = 0; i < LAPIC_MAX / 64; i++) {
		uint64_t word = woken->bits[i];

		while (word) {
			unsigned cpu = i * 64 + (unsigned)__builtin_ctzll(word);

			word &= word - 1;
			if (cpu != sender->id)
				bus->wake(bus->ctx, cpu, sender->id);
		}
	}
}

/* SDM table 10-3: to self, or to all with self, only Fixed is valid. */
static bool is_deliverable(uint64_t icr)
{
	unsigned to = ICR_SHORTHAND(icr);

	switch (ICR_MODE(icr)) {
	case LAPIC_FIXED:
		return true;
	case LAPIC_INIT:
		/* A level de-assert does nothing (SDM 10.6.1). */
		if (icr & ICR_LEVEL && !(icr & ICR_ASSERT))
			return false;
		break;
	case LAPIC_LOWEST:
	case LAPIC_NMI:
	case LAPIC_SIPI:
		break;
	default:
		/* SMI, and the reserved modes. */
		return false;
	}
	return to == TO_DESTINATION || to == TO_OTHERS;
}

int lapic_icr_write(struct lapic *l, uint64_t val)
{
	struct lapic_set woken = {0};
	struct lapic_message m;

	if (val & LAPIC_ICR_RESERVED)
		return -EINVAL;
	l->icr = val & ~(uint64_t)ICR_STATUS;
	if (!is_deliverable(val))
		return 0;
	if (ICR_MODE(val) <= LAPIC_LOWEST &&
	    (val & ICR_VECTOR) < LAPIC_VECTOR_MIN) {
		lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
		return 0;
	}
	m = message(l, val);
	lapic_send(l->bus, &m, &l->lowest_next, &woken);
	wake(l, &woken);
	return 0;
}

/* SDM 10.12.11: fixed, edge; an illegal vector is sent and received (10.5.3). */
int lapic_self_ipi(struct lapic *l, uint32_t val)
{
	if (val & ~ICR_VECTOR)
		return -EINVAL;
	if (val < LAPIC_VECTOR_MIN)
		lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
	lapic_raise(l, (uint8_t)val, false);
	return 0;
}
