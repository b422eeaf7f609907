/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the local APIC share; nobody else includes this.
 *
 * Place in the flow: lapic.c (mode, MSR table) -> lapic_irq.c (vectors, posts),
 * lapic_lvt.c (LVT, errors), lapic_timer.c, lapic_icr.c (sending).
 *
 * Locking: all functions here are the owner's; see lapic.h.
 */
#ifndef DISVM_LAPIC_PRIV_H
#define DISVM_LAPIC_PRIV_H

#include "lapic.h"

/* IA32_APIC_BASE (SDM 10.4.4, 10.12.1). */
#define LAPIC_BASE_BSP (UINT64_C(1) << 8)
#define LAPIC_BASE_EXTD (UINT64_C(1) << 10)
#define LAPIC_BASE_EN (UINT64_C(1) << 11)

/* lapic.enabled: not globally disabled (EN), and enabled in the SVR. */
#define LAPIC_ENABLED_GLOBAL 1u
#define LAPIC_ENABLED_SOFTWARE 2u

/* lapic.posted_events; the vector of the SIPI is in the lowest byte. */
#define LAPIC_EVENT_NMI (1u << 8)
#define LAPIC_EVENT_INIT (1u << 9)
#define LAPIC_EVENT_SIPI (1u << 10)
#define LAPIC_EVENT_SIPI_VECTOR 0xffu

/* SVR (SDM 10.9). */
#define LAPIC_SVR_VECTOR 0xffu
#define LAPIC_SVR_ENABLE (1u << 8)

/* LVT entries, in the order of their bits in the version's maximum. */
enum lapic_lvt {
	LAPIC_LVT_TIMER,
	LAPIC_LVT_LINT0,
	LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR,
	LAPIC_LVT_PERF,
	LAPIC_LVT_THERMAL,
	LAPIC_LVT_CMCI,
};
_Static_assert(LAPIC_LVT_CMCI + 1 == LAPIC_LVTS, "one entry for each");

#define LAPIC_LVT_MASKED (1u << 16)
#define LAPIC_LVT_TIMER_MODE (3u << 17)
#define LAPIC_LVT_TIMER_PERIODIC (1u << 17)
#define LAPIC_LVT_TIMER_DEADLINE (2u << 17)

/* ESR (SDM 10.5.3); the other bits are of the APIC bus or of xAPIC mode. */
#define LAPIC_ESR_SEND_ILLEGAL (1u << 5)
#define LAPIC_ESR_RECEIVE_ILLEGAL (1u << 6)

/** Vectors below are illegal (SDM 10.5.2). */
#define LAPIC_VECTOR_MIN 16u

static inline bool lapic_x2apic(const struct lapic *l)
{
	return l->base & LAPIC_BASE_EXTD;
}

static inline uint8_t lapic_enabled(const struct lapic *l)
{
	/* Pairs with the release in lapic_enabled_set(). */
	return atomic_load_explicit(&l->enabled, memory_order_acquire);
}

static inline void lapic_enabled_set(struct lapic *l, uint8_t enabled)
{
	/*
	 * Whoever learns through guest memory that this APIC is on and then
	 * sends to it must find it on.
	 */
	atomic_store_explicit(&l->enabled, enabled, memory_order_release);
}

/* lapic.c: the state of SDM 10.4.7.1; ID and IA32_APIC_BASE are kept. */
void lapic_reset(struct lapic *l);

/* lapic_irq.c */
void lapic_raise(struct lapic *l, uint8_t vector, bool level);
void lapic_merge_posted(struct lapic *l);
void lapic_discard_posted(struct lapic *l);
bool lapic_irr_test(const struct lapic *l, uint8_t vector);
uint8_t lapic_ppr(const struct lapic *l);
void lapic_eoi(struct lapic *l);

/* lapic_lvt.c */
void lapic_lvt_mask_all(struct lapic *l);
int lapic_lvt_write(struct lapic *l, enum lapic_lvt index, uint32_t val);
void lapic_lvt_fire(struct lapic *l, enum lapic_lvt index);
void lapic_error(struct lapic *l, uint32_t bit);
void lapic_esr_update(struct lapic *l);

/* lapic_timer.c */
void lapic_timer_stop(struct lapic *l);
void lapic_timer_initial_write(struct lapic *l, uint32_t val, uint64_t now_ns);
int lapic_timer_divide_write(struct lapic *l, uint32_t val, uint64_t now_ns);
uint32_t lapic_timer_current(const struct lapic *l, uint64_t now_ns);
void lapic_timer_deadline_write(struct lapic *l, uint64_t deadline,
				struct lapic_time now);

/* lapic_icr.c */
int lapic_icr_write(struct lapic *l, uint64_t val);
int lapic_self_ipi(struct lapic *l, uint32_t val);

#endif
