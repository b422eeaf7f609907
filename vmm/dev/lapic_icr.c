/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: sending interprocessor interrupts (SDM 10.6, 10.12.9 to 10.12.11);
 * see lapic.h.
 *
 * Everything for another processor goes through its lapic_post functions; of its
 * state only what is constant or atomic is looked at.
 */
#include "lapic_priv.h"

#include <errno.h>

#define ICR_VECTOR 0xffu
#define ICR_MODE(icr) ((icr) >> 8 & 7u)
#define ICR_LOGICAL (1u << 11)
/* Of xAPIC mode; processors let it be written, and it reads as 0. */
#define ICR_STATUS (1u << 12)
#define ICR_ASSERT (1u << 14)
#define ICR_LEVEL (1u << 15)
#define ICR_SHORTHAND(icr) ((icr) >> 18 & 3u)
/* 31:20, 17:16 and 13 (SDM figure 10-28). */
#define ICR_RESERVED UINT64_C(0xfff32000)

enum icr_mode {
	MODE_FIXED = 0,
	MODE_LOWEST = 1,
	MODE_NMI = 4,
	MODE_INIT = 5,
	MODE_SIPI = 6,
};

enum icr_shorthand {
	TO_DESTINATION,
	TO_SELF,
	TO_ALL,
	TO_OTHERS,
};

#define BROADCAST UINT32_MAX
#define CLUSTER_CPUS 16u

/*
 * Processors @first up to, not including, @end whose place in their cluster of
 * 16 is in @members; not @skip.
 */
struct targets {
	unsigned first;
	unsigned end;
	uint16_t members;
	unsigned skip;
};

#define SKIP_NONE UINT32_MAX

static bool is_target(const struct targets *t, unsigned cpu)
{
	return t->members >> (cpu % CLUSTER_CPUS) & 1u && cpu != t->skip;
}

/*
 * All but the processors of the bus are nobody: an IPI to them is lost, the
 * range begins beyond its end.
 */
static struct targets resolve(const struct lapic *l, uint64_t icr)
{
	uint32_t dest = (uint32_t)(icr >> 32);
	struct targets t = {0, l->bus->ncpus, UINT16_MAX, SKIP_NONE};
	unsigned count = 1;

	switch (ICR_SHORTHAND(icr)) {
	case TO_OTHERS:
		t.skip = l->id;
		return t;
	case TO_ALL:
		return t;
	case TO_SELF:
		dest = l->id;
		break;
	case TO_DESTINATION:
		if (dest == BROADCAST)
			return t;
		if (icr & ICR_LOGICAL) {
			t.members = (uint16_t)dest;
			dest = (dest >> 16) * CLUSTER_CPUS;
			count = CLUSTER_CPUS;
		}
		break;
	}
	if (dest < t.end && t.end - dest > count)
		t.end = dest + count;
	t.first = dest;
	return t;
}

static void post(struct lapic *sender, struct lapic *target, uint64_t icr)
{
	uint8_t vector = (uint8_t)(icr & ICR_VECTOR);
	bool wake = false;

	switch (ICR_MODE(icr)) {
	case MODE_FIXED:
	case MODE_LOWEST:
		/* Edge: the trigger mode is ignored (SDM 10.6.1). */
		wake = lapic_post(target, vector, false);
		break;
	case MODE_NMI:
		wake = lapic_post_nmi(target);
		break;
	case MODE_INIT:
		wake = lapic_post_init(target);
		break;
	case MODE_SIPI:
		wake = lapic_post_sipi(target, vector);
		break;
	}
	if (wake && target != sender)
		sender->bus->wake(sender->bus->ctx, target->id, sender->id);
}

/*
 * SDM 10.6.2.4: one of the targets with the lowest task priority. Equals take
 * turns, beginning after the one that was chosen last.
 */
static void post_lowest(struct lapic *l, const struct targets *t, uint64_t icr)
{
	unsigned count = t->end > t->first ? t->end - t->first : 0;
	struct lapic *best = NULL;
	unsigned best_class = 16;

	for (unsigned i = 0; i < count; i++) {
		unsigned cpu = t->first + (l->lowest_next + i) % count;
		struct lapic *candidate = l->bus->cpus[cpu];
		unsigned class;

		if (!is_target(t, cpu) ||
		    !(lapic_enabled(candidate) & LAPIC_ENABLED_SOFTWARE))
			continue;
		class = atomic_load_explicit(&candidate->tpr,
					     memory_order_relaxed) >>
			4;
		if (class < best_class) {
			best = candidate;
			best_class = class;
		}
	}
	if (!best)
		return;
	l->lowest_next = best->id - t->first + 1;
	post(l, best, icr);
}

/* SDM table 10-3: to self, or to all with self, only Fixed is valid. */
static bool is_deliverable(uint64_t icr)
{
	unsigned to = ICR_SHORTHAND(icr);

	switch (ICR_MODE(icr)) {
	case MODE_FIXED:
		return true;
	case MODE_INIT:
		/* A level de-assert does nothing (SDM 10.6.1). */
		if (icr & ICR_LEVEL && !(icr & ICR_ASSERT))
			return false;
		break;
	case MODE_LOWEST:
	case MODE_NMI:
	case MODE_SIPI:
		break;
	default:
		/* SMI, and the reserved modes. */
		return false;
	}
	return to == TO_DESTINATION || to == TO_OTHERS;
}

int lapic_icr_write(struct lapic *l, uint64_t val)
{
	struct targets t;

	if (val & ICR_RESERVED)
		return -EINVAL;
	l->icr = val & ~(uint64_t)ICR_STATUS;
	if (!is_deliverable(val))
		return 0;
	if (ICR_MODE(val) <= MODE_LOWEST &&
	    (val & ICR_VECTOR) < LAPIC_VECTOR_MIN) {
		lapic_error(l, LAPIC_ESR_SEND_ILLEGAL);
		return 0;
	}
	t = resolve(l, val);
	if (ICR_MODE(val) == MODE_LOWEST) {
		post_lowest(l, &t, val);
		return 0;
	}
	for (unsigned cpu = t.first; cpu < t.end; cpu++) {
		if (is_target(&t, cpu))
			post(l, l->bus->cpus[cpu], val);
	}
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
