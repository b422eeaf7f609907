/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the local APIC share; nobody else includes this.
 *
 * Place in the flow: lapic.c (modes, MSRs), lapic_xapic.c (page) -> lapic_regs.c
 * (registers) -> lapic_irq.c (vectors, posts), lapic_lvt.c (LVT, LINT0, errors),
 * lapic_timer.c, lapic_icr.c (sending) -> lapic_send.c (who receives).
 *
 * Locking: all functions here are the owner's; see lapic.h.
 */
#ifndef DISVM_LAPIC_PRIV_H
#define DISVM_LAPIC_PRIV_H

#include "lapic.h"

/*
 * Registers: MSR 0x800 + number in x2APIC form (SDM table 10-6), offset 16 * number
 * in xAPIC form (SDM table 10-1).
 */
enum lapic_reg {
	LAPIC_REG_ID = 0x02,
	LAPIC_REG_VERSION = 0x03,
	LAPIC_REG_TPR = 0x08,
	LAPIC_REG_APR = 0x09, /* xAPIC */
	LAPIC_REG_PPR = 0x0a,
	LAPIC_REG_EOI = 0x0b,
	LAPIC_REG_RRD = 0x0c, /* xAPIC */
	LAPIC_REG_LDR = 0x0d,
	LAPIC_REG_DFR = 0x0e, /* xAPIC */
	LAPIC_REG_SVR = 0x0f,
	LAPIC_REG_ISR0 = 0x10,
	LAPIC_REG_ISR7 = 0x17,
	LAPIC_REG_TMR0 = 0x18,
	LAPIC_REG_TMR7 = 0x1f,
	LAPIC_REG_IRR0 = 0x20,
	LAPIC_REG_IRR7 = 0x27,
	LAPIC_REG_ESR = 0x28,
	LAPIC_REG_LVT_CMCI = 0x2f,
	LAPIC_REG_ICR = 0x30,
	LAPIC_REG_ICR_HIGH = 0x31, /* xAPIC */
	LAPIC_REG_LVT_TIMER = 0x32,
	LAPIC_REG_LVT_THERMAL = 0x33,
	LAPIC_REG_LVT_PERF = 0x34,
	LAPIC_REG_LVT_LINT0 = 0x35,
	LAPIC_REG_LVT_LINT1 = 0x36,
	LAPIC_REG_LVT_ERROR = 0x37,
	LAPIC_REG_TIMER_INITIAL = 0x38,
	LAPIC_REG_TIMER_CURRENT = 0x39,
	LAPIC_REG_TIMER_DIVIDE = 0x3e,
	LAPIC_REG_SELF_IPI = 0x3f, /* x2APIC */
};

/* IA32_APIC_BASE (SDM 10.4.4, 10.12.1); EN is in lapic.h. */
#define LAPIC_BASE_BSP (UINT64_C(1) << 8)
#define LAPIC_BASE_EXTD (UINT64_C(1) << 10)

/* lapic.enabled: not globally disabled (EN), and enabled in the SVR. */
#define LAPIC_ENABLED_GLOBAL 1u
#define LAPIC_ENABLED_SOFTWARE 2u

/* lapic.logical: the ID of xAPIC form, and which form or model it is of. */
#define LAPIC_LOGICAL_ID 0xffu
#define LAPIC_LOGICAL_MODEL 0x300u
#define LAPIC_LOGICAL_NONE 0x000u
#define LAPIC_LOGICAL_FLAT 0x100u
#define LAPIC_LOGICAL_CLUSTER 0x200u
#define LAPIC_LOGICAL_X2APIC 0x300u

/* lapic.posted_events; the vector of the SIPI is in the lowest byte. */
#define LAPIC_EVENT_NMI (1u << 8)
#define LAPIC_EVENT_INIT (1u << 9)
#define LAPIC_EVENT_SIPI (1u << 10)
#define LAPIC_EVENT_EXTINT (1u << 11)
#define LAPIC_EVENT_SECOND_NMI (1u << 12)
#define LAPIC_EVENT_NMIS (LAPIC_EVENT_NMI | LAPIC_EVENT_SECOND_NMI)
#define LAPIC_EVENT_SIPI_VECTOR 0xffu

/* SVR (SDM 10.9). */
#define LAPIC_SVR_VECTOR 0xffu
#define LAPIC_SVR_ENABLE (1u << 8)
#define LAPIC_SVR_BITS (LAPIC_SVR_VECTOR | LAPIC_SVR_ENABLE)

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

#define LAPIC_LVT_MODE(entry) ((entry) >> 8 & 7u)

/* ESR (SDM 10.5.3); the other bits are of the APIC bus. */
#define LAPIC_ESR_SEND_ILLEGAL (1u << 5)
#define LAPIC_ESR_RECEIVE_ILLEGAL (1u << 6)
#define LAPIC_ESR_ILLEGAL_REGISTER (1u << 7) /* xAPIC */

/* Divide configuration register: bits 0, 1 and 3 (SDM figure 10-10). */
#define LAPIC_DIVIDE_BITS 0xbu

/* 31:20, 17:16 and 13 (SDM figure 10-28). */
#define LAPIC_ICR_RESERVED UINT64_C(0xfff32000)

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

/*
 * lapic_regs.c: the registers of both forms, with the rules of x2APIC form.
 * Return: 0, or -EINVAL: reserved, read-only, write-only, a reserved bit.
 */
int lapic_reg_read(const struct lapic *l, uint32_t reg, uint64_t *val,
		   struct lapic_time now);
int lapic_reg_write(struct lapic *l, uint32_t reg, uint64_t val,
		    struct lapic_time now);
/* Index of the LVT entry behind @reg, or -1. */
int lapic_lvt_index(uint32_t reg);

/* lapic_xapic.c: what senders see of LDR, DFR and mode, after a change of one. */
void lapic_logical_update(struct lapic *l);

/* lapic_irq.c */
void lapic_raise(struct lapic *l, uint8_t vector, bool level);
void lapic_raise_nmi(struct lapic *l);
void lapic_merge_posted(struct lapic *l);
void lapic_discard_posted(struct lapic *l);
bool lapic_irr_test(const struct lapic *l, uint8_t vector);
uint8_t lapic_ppr(const struct lapic *l);
void lapic_eoi(struct lapic *l);

/* lapic_lvt.c */
void lapic_lvt_mask_all(struct lapic *l);
/* Bits that can be written without #GP. */
uint32_t lapic_lvt_bits(enum lapic_lvt index);
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
