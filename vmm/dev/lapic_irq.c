/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: vectors on their way from a post to the processor, priorities,
 * and the events that are no vectors (INIT, SIPI, NMI); see lapic.h.
 */
#include "lapic_priv.h"

static bool bit_test(const uint64_t *bitmap, uint8_t vector)
{
	return bitmap[vector / 64] >> (vector % 64) & 1u;
}

static void bit_set(uint64_t *bitmap, uint8_t vector)
{
	bitmap[vector / 64] |= UINT64_C(1) << (vector % 64);
}

static void bit_clear(uint64_t *bitmap, uint8_t vector)
{
	bitmap[vector / 64] &= ~(UINT64_C(1) << (vector % 64));
}

/* Highest set bit, or -1. */
static int bit_highest(const uint64_t *bitmap)
{
	for (int i = LAPIC_VECTOR_WORDS - 1; i >= 0; i--) {
		if (bitmap[i])
			return i * 64 + 63 - __builtin_clzll(bitmap[i]);
	}
	return -1;
}

bool lapic_irr_test(const struct lapic *l, uint8_t vector)
{
	return bit_test(l->irr, vector);
}

/* An interrupt for this APIC itself is accepted, or lost (SDM 10.8.4). */
void lapic_raise(struct lapic *l, uint8_t vector, bool level)
{
	if (!(lapic_enabled(l) & LAPIC_ENABLED_SOFTWARE))
		return;
	if (vector < LAPIC_VECTOR_MIN) {
		lapic_error(l, LAPIC_ESR_RECEIVE_ILLEGAL);
		return;
	}
	if (level)
		bit_set(l->tmr, vector);
	else
		bit_clear(l->tmr, vector);
	bit_set(l->irr, vector);
}

bool lapic_post(struct lapic *l, uint8_t vector, bool level)
{
	uint64_t bit = UINT64_C(1) << (vector % 64);
	_Atomic uint64_t *level_word = &l->posted_level[vector / 64];
	uint64_t before;

	if (!(lapic_enabled(l) & LAPIC_ENABLED_SOFTWARE))
		return false;
	/* First the trigger mode: the release below publishes both. */
	if (level)
		atomic_fetch_or_explicit(level_word, bit, memory_order_relaxed);
	else if (atomic_load_explicit(level_word, memory_order_relaxed) & bit)
		atomic_fetch_and_explicit(level_word, ~bit,
					  memory_order_relaxed);
	before = atomic_fetch_or_explicit(&l->posted[vector / 64], bit,
					  memory_order_release);
	return !(before & bit);
}

void lapic_merge_posted(struct lapic *l)
{
	for (unsigned i = 0; i < LAPIC_VECTOR_WORDS; i++) {
		uint64_t word, level;

		if (!atomic_load_explicit(&l->posted[i], memory_order_relaxed))
			continue;
		word = atomic_exchange_explicit(&l->posted[i], 0,
						memory_order_acquire);
		level = atomic_load_explicit(&l->posted_level[i],
					     memory_order_relaxed);
		while (word) {
			unsigned bit = (unsigned)__builtin_ctzll(word);

			word &= word - 1;
			lapic_raise(l, (uint8_t)(i * 64 + bit),
				    level >> bit & 1u);
		}
	}
}

void lapic_discard_posted(struct lapic *l)
{
	for (unsigned i = 0; i < LAPIC_VECTOR_WORDS; i++)
		atomic_store_explicit(&l->posted[i], 0, memory_order_relaxed);
}

/*
 * Posts @event, with @vector if it is a SIPI. It cancels the events of @cancel:
 * what came before an INIT must not be taken for something after it. A SIPI
 * keeps the vector of an earlier one, which starts the processor; a second NMI
 * is noted beside the first.
 */
static bool post_event(struct lapic *l, uint32_t event, uint32_t cancel,
		       uint8_t vector)
{
	uint32_t old =
		atomic_load_explicit(&l->posted_events, memory_order_relaxed);
	uint32_t new;

	if (!(lapic_enabled(l) & LAPIC_ENABLED_GLOBAL))
		return false;
	do {
		new = (old & ~cancel) | event;
		if (!(old & LAPIC_EVENT_SIPI))
			new |= vector;
		if (old & event & LAPIC_EVENT_NMI)
			new |= LAPIC_EVENT_SECOND_NMI;
	} while (!atomic_compare_exchange_weak_explicit(
		&l->posted_events, &old, new, memory_order_release,
		memory_order_relaxed));
	return !(old & event);
}

bool lapic_post_nmi(struct lapic *l)
{
	return post_event(l, LAPIC_EVENT_NMI, 0, 0);
}

bool lapic_post_init(struct lapic *l)
{
	return post_event(l, LAPIC_EVENT_INIT,
			  LAPIC_EVENT_NMIS | LAPIC_EVENT_EXTINT |
				  LAPIC_EVENT_SIPI | LAPIC_EVENT_SIPI_VECTOR,
			  0);
}

bool lapic_post_sipi(struct lapic *l, uint8_t vector)
{
	return post_event(l, LAPIC_EVENT_SIPI, 0, vector);
}

bool lapic_post_extint(struct lapic *l)
{
	if (!(lapic_enabled(l) & LAPIC_ENABLED_SOFTWARE))
		return false;
	return post_event(l, LAPIC_EVENT_EXTINT, 0, 0);
}

/* SDM 10.4.7.3; the bootstrap processor does not wait (SDM 8.4.2). */
static void take_init(struct lapic *l)
{
	lapic_reset(l);
	l->activity = l->base & LAPIC_BASE_BSP ? LAPIC_ACTIVE : LAPIC_WAIT_SIPI;
	l->init_taken = true;
	l->nmis = 0;
	l->nmi_masked = false;
	l->sipi = -1;
}

void lapic_raise_nmi(struct lapic *l)
{
	if (l->nmis < LAPIC_NMIS_MAX)
		l->nmis++;
}

void lapic_sync(struct lapic *l)
{
	uint32_t events = 0;

	if (atomic_load_explicit(&l->posted_events, memory_order_relaxed))
		events = atomic_exchange_explicit(&l->posted_events, 0,
						  memory_order_acquire);
	if (events & LAPIC_EVENT_INIT)
		take_init(l);
	lapic_merge_posted(l);
	if (events & LAPIC_EVENT_SIPI && l->activity == LAPIC_WAIT_SIPI) {
		l->activity = LAPIC_ACTIVE;
		l->sipi = (int)(events & LAPIC_EVENT_SIPI_VECTOR);
	}
	if (events & LAPIC_EVENT_NMI)
		lapic_raise_nmi(l);
	if (events & LAPIC_EVENT_SECOND_NMI)
		lapic_raise_nmi(l);
	if (events & LAPIC_EVENT_EXTINT)
		l->extint = true;
}

/* SDM 10.8.3.1. */
uint8_t lapic_ppr(const struct lapic *l)
{
	uint8_t tpr = atomic_load_explicit(&l->tpr, memory_order_relaxed);
	int in_service = lapic_in_service(l);
	uint8_t class = in_service < 0 ? 0 : (uint8_t)(in_service & 0xf0);

	return (tpr & 0xf0) >= class ? tpr : class;
}

int lapic_pending(const struct lapic *l)
{
	int vector = bit_highest(l->irr);

	if (vector < 0 || vector >> 4 <= lapic_ppr(l) >> 4)
		return -1;
	return vector;
}

int lapic_requested(const struct lapic *l)
{
	uint64_t words[LAPIC_VECTOR_WORDS];

	for (unsigned i = 0; i < LAPIC_VECTOR_WORDS; i++)
		words[i] = l->irr[i] |
			   atomic_load_explicit(&l->posted[i],
						memory_order_relaxed);
	return bit_highest(words);
}

int lapic_in_service(const struct lapic *l)
{
	return bit_highest(l->isr);
}

int lapic_accept(struct lapic *l)
{
	int vector = lapic_pending(l);

	if (vector < 0)
		return -1;
	bit_clear(l->irr, (uint8_t)vector);
	bit_set(l->isr, (uint8_t)vector);
	return vector;
}

/* SDM 10.8.5. */
void lapic_eoi(struct lapic *l)
{
	int vector = bit_highest(l->isr);

	if (vector < 0)
		return;
	bit_clear(l->isr, (uint8_t)vector);
	if (bit_test(l->tmr, (uint8_t)vector) && l->bus->eoi)
		l->bus->eoi(l->bus->ctx, l->id, (uint8_t)vector);
}

bool lapic_has_wake(const struct lapic *l, bool if_flag)
{
	if (l->init_taken || l->sipi >= 0)
		return true;
	if (l->activity != LAPIC_ACTIVE)
		return false;
	return (l->nmis && !l->nmi_masked) ||
	       (if_flag && (lapic_extint(l) || lapic_pending(l) >= 0));
}

bool lapic_take_init(struct lapic *l)
{
	bool taken = l->init_taken;

	l->init_taken = false;
	return taken;
}

int lapic_take_sipi(struct lapic *l)
{
	int vector = l->sipi;

	l->sipi = -1;
	return vector;
}

bool lapic_take_nmi(struct lapic *l)
{
	bool taken = l->nmis && l->activity == LAPIC_ACTIVE;

	if (taken)
		l->nmis--;
	return taken;
}

uint64_t lapic_cr8_get(const struct lapic *l)
{
	return atomic_load_explicit(&l->tpr, memory_order_relaxed) >> 4;
}

void lapic_cr8_set(struct lapic *l, uint64_t cr8)
{
	if ((cr8 & 15u) == lapic_cr8_get(l))
		return;
	atomic_store_explicit(&l->tpr, (uint8_t)((cr8 & 15u) << 4),
			      memory_order_relaxed);
}
