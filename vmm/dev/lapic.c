/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC: modes, reset and the register table; see lapic.h. */
#include "lapic_priv.h"

#include <errno.h>
#include <string.h>

#include <dis/assert.h>

/* MSR numbers of the x2APIC registers (SDM table 10-6). */
enum {
	MSR_ID = 0x802,
	MSR_VERSION = 0x803,
	MSR_TPR = 0x808,
	MSR_PPR = 0x80a,
	MSR_EOI = 0x80b,
	MSR_LDR = 0x80d,
	MSR_SVR = 0x80f,
	MSR_ISR0 = 0x810,
	MSR_ISR7 = 0x817,
	MSR_TMR0 = 0x818,
	MSR_TMR7 = 0x81f,
	MSR_IRR0 = 0x820,
	MSR_IRR7 = 0x827,
	MSR_ESR = 0x828,
	MSR_LVT_CMCI = 0x82f,
	MSR_ICR = 0x830,
	MSR_LVT_TIMER = 0x832,
	MSR_LVT_THERMAL = 0x833,
	MSR_LVT_PERF = 0x834,
	MSR_LVT_LINT0 = 0x835,
	MSR_LVT_LINT1 = 0x836,
	MSR_LVT_ERROR = 0x837,
	MSR_TIMER_INITIAL = 0x838,
	MSR_TIMER_CURRENT = 0x839,
	MSR_TIMER_DIVIDE = 0x83e,
	MSR_SELF_IPI = 0x83f,
};

/*
 * Integrated APIC, highest LVT entry (CMCI: the register is there, nothing
 * raises it), no suppression of EOI broadcasts (SDM 10.4.8).
 */
#define VERSION (0x14u | (LAPIC_LVTS - 1u) << 16)

#define BASE_DEFAULT UINT64_C(0xfee00000)
/* 7:0, 9 and what is beyond the widest physical address (SDM 10.4.4). */
#define BASE_RESERVED (UINT64_C(0x2ff) | ~((UINT64_C(1) << 52) - 1))

#define SVR_RESET 0xffu

void lapic_reset(struct lapic *l)
{
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	atomic_store_explicit(&l->tpr, 0, memory_order_relaxed);
	l->icr = 0;
	l->svr = SVR_RESET;
	for (unsigned i = 0; i < LAPIC_LVTS; i++)
		l->lvt[i] = LAPIC_LVT_MASKED;
	l->esr = 0;
	l->esr_logged = 0;
	l->error_fired = false;
	l->timer_initial = 0;
	l->timer_divide = 0;
	lapic_timer_stop(l);
	lapic_pv_eoi_set(l, NULL);
	lapic_enabled_set(l, l->base & LAPIC_BASE_EN ? LAPIC_ENABLED_GLOBAL : 0);
	lapic_discard_posted(l);
}

void lapic_init(struct lapic *l, uint32_t apic_id, bool bsp,
		const struct lapic_bus *bus)
{
	DIS_ASSERT(apic_id < bus->ncpus);
	DIS_ASSERT(!bus->cpus[apic_id] || bus->cpus[apic_id] == l);
	DIS_ASSERT(bus->tsc_khz > 0);
	memset(l, 0, sizeof(*l));
	l->bus = bus;
	l->id = apic_id;
	l->base = BASE_DEFAULT | LAPIC_BASE_EN | (bsp ? LAPIC_BASE_BSP : 0);
	l->activity = bsp ? LAPIC_ACTIVE : LAPIC_WAIT_SIPI;
	l->sipi = -1;
	lapic_reset(l);
	bus->cpus[apic_id] = l;
}

static int base_write(struct lapic *l, uint64_t val)
{
	const uint64_t mode = LAPIC_BASE_EN | LAPIC_BASE_EXTD;
	uint64_t from = l->base & mode;
	uint64_t to = val & mode;

	if (val & BASE_RESERVED)
		return -EINVAL;
	/* SDM 10.12.5.1: four of the changes are illegal. */
	if (to == LAPIC_BASE_EXTD)
		return -EINVAL;
	if (from == 0 && to == mode)
		return -EINVAL;
	if (from == mode && to == LAPIC_BASE_EN)
		return -EINVAL;
	l->base = val;
	/* Off and on again loses all state but the ID (SDM 10.4.3, 10.12.5.1). */
	if (from != to && (from == 0 || to == 0))
		lapic_reset(l);
	return 0;
}

/* SDM 10.12.10.2: cluster in the upper half, one bit of 16 in the lower. */
static uint32_t logical_id(const struct lapic *l)
{
	return l->id >> 4 << 16 | 1u << (l->id & 15u);
}

static int svr_write(struct lapic *l, uint32_t val)
{
	if (val & ~(LAPIC_SVR_VECTOR | LAPIC_SVR_ENABLE))
		return -EINVAL;
	l->svr = val;
	if (val & LAPIC_SVR_ENABLE) {
		lapic_enabled_set(l, LAPIC_ENABLED_GLOBAL |
					     LAPIC_ENABLED_SOFTWARE);
	} else {
		lapic_enabled_set(l, LAPIC_ENABLED_GLOBAL);
		lapic_lvt_mask_all(l);
	}
	return 0;
}

static int tpr_write(struct lapic *l, uint32_t val)
{
	if (val & ~0xffu)
		return -EINVAL;
	atomic_store_explicit(&l->tpr, (uint8_t)val, memory_order_relaxed);
	return 0;
}

/* Index of the LVT entry behind @msr, or -1. */
static int lvt_index(uint32_t msr)
{
	switch (msr) {
	case MSR_LVT_TIMER:
		return LAPIC_LVT_TIMER;
	case MSR_LVT_LINT0:
		return LAPIC_LVT_LINT0;
	case MSR_LVT_LINT1:
		return LAPIC_LVT_LINT1;
	case MSR_LVT_ERROR:
		return LAPIC_LVT_ERROR;
	case MSR_LVT_PERF:
		return LAPIC_LVT_PERF;
	case MSR_LVT_THERMAL:
		return LAPIC_LVT_THERMAL;
	case MSR_LVT_CMCI:
		return LAPIC_LVT_CMCI;
	default:
		return -1;
	}
}

/* One of the eight 32-bit registers that show a vector bitmap. */
static uint32_t vector_word(const uint64_t *bitmap, uint32_t index)
{
	return (uint32_t)(bitmap[index / 2] >> (index % 2 * 32));
}

static int x2apic_read(const struct lapic *l, uint32_t msr, uint64_t *val,
		       struct lapic_time now)
{
	int lvt = lvt_index(msr);

	if (lvt >= 0) {
		*val = l->lvt[lvt];
		return 0;
	}
	switch (msr) {
	case MSR_ID:
		*val = l->id;
		return 0;
	case MSR_VERSION:
		*val = VERSION;
		return 0;
	case MSR_TPR:
		*val = atomic_load_explicit(&l->tpr, memory_order_relaxed);
		return 0;
	case MSR_PPR:
		*val = lapic_ppr(l);
		return 0;
	case MSR_LDR:
		*val = logical_id(l);
		return 0;
	case MSR_SVR:
		*val = l->svr;
		return 0;
	case MSR_ISR0 ... MSR_ISR7:
		*val = vector_word(l->isr, msr - MSR_ISR0);
		return 0;
	case MSR_TMR0 ... MSR_TMR7:
		*val = vector_word(l->tmr, msr - MSR_TMR0);
		return 0;
	case MSR_IRR0 ... MSR_IRR7:
		*val = vector_word(l->irr, msr - MSR_IRR0);
		return 0;
	case MSR_ESR:
		*val = l->esr;
		return 0;
	case MSR_ICR:
		*val = l->icr;
		return 0;
	case MSR_TIMER_INITIAL:
		*val = l->timer_initial;
		return 0;
	case MSR_TIMER_CURRENT:
		*val = lapic_timer_current(l, now.now_ns);
		return 0;
	case MSR_TIMER_DIVIDE:
		*val = l->timer_divide;
		return 0;
	default:
		/* Reserved, or write-only: EOI, SELF IPI. */
		return -EINVAL;
	}
}

static int x2apic_write(struct lapic *l, uint32_t msr, uint64_t val,
			struct lapic_time now)
{
	uint32_t val32 = (uint32_t)val;
	int lvt = lvt_index(msr);

	if (msr == MSR_ICR)
		return lapic_icr_write(l, val);
	/* All others have 32 bits; the upper half is reserved. */
	if (val >> 32)
		return -EINVAL;
	if (lvt >= 0)
		return lapic_lvt_write(l, (enum lapic_lvt)lvt, val32);
	switch (msr) {
	case MSR_TPR:
		return tpr_write(l, val32);
	case MSR_EOI:
		if (val)
			return -EINVAL;
		lapic_eoi(l);
		return 0;
	case MSR_SVR:
		return svr_write(l, val32);
	case MSR_ESR:
		if (val)
			return -EINVAL;
		lapic_esr_update(l);
		return 0;
	case MSR_TIMER_INITIAL:
		lapic_timer_initial_write(l, val32, now.now_ns);
		return 0;
	case MSR_TIMER_DIVIDE:
		return lapic_timer_divide_write(l, val32, now.now_ns);
	case MSR_SELF_IPI:
		return lapic_self_ipi(l, val32);
	default:
		/* Reserved, or read-only. */
		return -EINVAL;
	}
}

int lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *val,
		   struct lapic_time now)
{
	lapic_merge_posted(l);
	lapic_timer_tick(l, now);
	if (msr == LAPIC_MSR_BASE) {
		*val = l->base;
		return 0;
	}
	if (msr == LAPIC_MSR_TSC_DEADLINE) {
		*val = l->timer_deadline;
		return 0;
	}
	if (!lapic_x2apic(l))
		return -EINVAL;
	return x2apic_read(l, msr, val, now);
}

int lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t val,
		    struct lapic_time now)
{
	lapic_merge_posted(l);
	lapic_timer_tick(l, now);
	if (msr == LAPIC_MSR_BASE)
		return base_write(l, val);
	if (msr == LAPIC_MSR_TSC_DEADLINE) {
		lapic_timer_deadline_write(l, val, now);
		return 0;
	}
	if (!lapic_x2apic(l))
		return -EINVAL;
	return x2apic_write(l, msr, val, now);
}
