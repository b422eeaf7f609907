/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: who receives a message (SDM 10.6.2, 10.12.10); see lapic.h.
 *
 * Of a receiver only what is constant or atomic is looked at; what it gets goes
 * through its lapic_post functions.
 *
 * In a machine of both forms each side is what it would be among its like: the
 * sender's form says how wide the destination is and what means everybody, the
 * receiver's form what its logical ID is. An 8-bit logical destination is for an
 * x2APIC one of the first cluster, a wider one is none for an xAPIC.
 */
#include "lapic_priv.h"

#define CLUSTER_CPUS 16u
#define NARROW_ALL 0xffu

static bool is_for_all(const struct lapic_message *m)
{
	return m->dest == (m->wide ? UINT32_MAX : NARROW_ALL);
}

static bool is_logical_target(const struct lapic *l, uint32_t dest)
{
	/* Pairs with the release in lapic_logical_update(). */
	uint32_t logical =
		atomic_load_explicit(&l->logical, memory_order_acquire);
	uint32_t id = logical & LAPIC_LOGICAL_ID;

	switch (logical & LAPIC_LOGICAL_MODEL) {
	case LAPIC_LOGICAL_X2APIC:
		return dest >> 16 == l->id / CLUSTER_CPUS &&
		       dest >> (l->id % CLUSTER_CPUS) & 1u;
	case LAPIC_LOGICAL_FLAT:
		return dest <= LAPIC_LOGICAL_ID && id & dest;
	case LAPIC_LOGICAL_CLUSTER:
		return id >> 4 == dest >> 4 && id & dest & 0xfu;
	default:
		return false;
	}
}

static bool is_target(const struct lapic *l, const struct lapic_message *m)
{
	if (l->id == m->skip)
		return false;
	if (is_for_all(m))
		return true;
	return m->logical ? is_logical_target(l, m->dest) : l->id == m->dest;
}

/* IDs from @first up to, not including, @end. */
struct range {
	unsigned first;
	unsigned end;
};

/*
 * Where the targets are. All but the processors of the bus are nobody: a message
 * to them is lost, the range is empty.
 */
static struct range candidates(const struct lapic_bus *bus,
			       const struct lapic_message *m)
{
	struct range r = {0, bus->ncpus};
	uint32_t first = m->dest;
	unsigned count = 1;

	if (is_for_all(m))
		return r;
	if (m->logical) {
		/* What an xAPIC could be meant by is looked for everywhere. */
		if (m->dest <= LAPIC_LOGICAL_ID)
			return r;
		first = (m->dest >> 16) * CLUSTER_CPUS;
		count = CLUSTER_CPUS;
	}
	if (first >= r.end)
		return (struct range){0, 0};
	r.first = first;
	if (r.end - first > count)
		r.end = first + count;
	return r;
}

static bool accepts(const struct lapic *l, enum lapic_delivery mode)
{
	uint8_t needed = mode == LAPIC_FIXED || mode == LAPIC_LOWEST ||
					 mode == LAPIC_EXTINT
				 ? LAPIC_ENABLED_SOFTWARE
				 : LAPIC_ENABLED_GLOBAL;

	return lapic_enabled(l) & needed;
}

/* Return: true if it was accepted. */
static bool post(struct lapic *l, const struct lapic_message *m,
		 struct lapic_set *woken)
{
	bool wake;

	if (!accepts(l, m->mode))
		return false;
	switch (m->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		wake = lapic_post(l, m->vector, m->level);
		break;
	case LAPIC_NMI:
		wake = lapic_post_nmi(l);
		break;
	case LAPIC_INIT:
		wake = lapic_post_init(l);
		break;
	case LAPIC_SIPI:
		wake = lapic_post_sipi(l, m->vector);
		break;
	case LAPIC_EXTINT:
		wake = lapic_post_extint(l);
		break;
	default:
		return false; /* SMI, and what is reserved */
	}
	if (wake)
		woken->bits[l->id / 64] |= UINT64_C(1) << (l->id % 64);
	return true;
}

/*
 * SDM 10.6.2.4: one of the targets with the lowest task priority. Equals take
 * turns, beginning after the one that was chosen last.
 */
static bool post_lowest(const struct lapic_bus *bus, struct range r,
			const struct lapic_message *m, unsigned *turn,
			struct lapic_set *woken)
{
	unsigned count = r.end - r.first;
	struct lapic *best = NULL;
	unsigned best_class = 16;

	for (unsigned i = 0; i < count; i++) {
		struct lapic *l = bus->cpus[r.first + (*turn + i) % count];
		unsigned class;

		if (!is_target(l, m) || !accepts(l, m->mode))
			continue;
		class = atomic_load_explicit(&l->tpr, memory_order_relaxed) >>
			4;
		if (class < best_class) {
			best = l;
			best_class = class;
		}
	}
	if (!best)
		return false;
	*turn = best->id - r.first + 1;
	return post(best, m, woken);
}

bool lapic_send(const struct lapic_bus *bus, const struct lapic_message *m,
		unsigned *turn, struct lapic_set *woken)
{
	struct range r = candidates(bus, m);
	bool accepted = false;

	if (m->mode == LAPIC_LOWEST)
		return post_lowest(bus, r, m, turn, woken);
	for (unsigned cpu = r.first; cpu < r.end; cpu++) {
		struct lapic *l = bus->cpus[cpu];

		if (is_target(l, m) && post(l, m, woken))
			accepted = true;
	}
	return accepted;
}
