/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC: the registers, by the rules of x2APIC form; see lapic.h. */
#include "lapic_priv.h"

#include <errno.h>

/*
 * Integrated APIC, highest LVT entry (CMCI: the register is there, nothing
 * raises it), no suppression of EOI broadcasts (SDM 10.4.8).
 */
#define VERSION (0x14u | (LAPIC_LVTS - 1u) << 16)

/* SDM 10.12.10.2: cluster in the upper half, one bit of 16 in the lower. */
static uint32_t logical_id(const struct lapic *l)
{
	return l->id >> 4 << 16 | 1u << (l->id & 15u);
}

static int svr_write(struct lapic *l, uint32_t val)
{
	bool was_enabled = l->svr & LAPIC_SVR_ENABLE;

	if (val & ~LAPIC_SVR_BITS)
		return -EINVAL;
	l->svr = val;
	if (val & LAPIC_SVR_ENABLE) {
		lapic_enabled_set(l, LAPIC_ENABLED_GLOBAL |
					     LAPIC_ENABLED_SOFTWARE);
		if (!was_enabled && l->bus->enabled)
			l->bus->enabled(l->bus->ctx);
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

int lapic_lvt_index(uint32_t reg)
{
	switch (reg) {
	case LAPIC_REG_LVT_TIMER:
		return LAPIC_LVT_TIMER;
	case LAPIC_REG_LVT_LINT0:
		return LAPIC_LVT_LINT0;
	case LAPIC_REG_LVT_LINT1:
		return LAPIC_LVT_LINT1;
	case LAPIC_REG_LVT_ERROR:
		return LAPIC_LVT_ERROR;
	case LAPIC_REG_LVT_PERF:
		return LAPIC_LVT_PERF;
	case LAPIC_REG_LVT_THERMAL:
		return LAPIC_LVT_THERMAL;
	case LAPIC_REG_LVT_CMCI:
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

int lapic_reg_read(const struct lapic *l, uint32_t reg, uint64_t *val,
		   struct lapic_time now)
{
	int lvt = lapic_lvt_index(reg);

	if (lvt >= 0) {
		*val = l->lvt[lvt];
		return 0;
	}
	switch (reg) {
	case LAPIC_REG_ID:
		*val = l->id;
		return 0;
	case LAPIC_REG_VERSION:
		*val = VERSION;
		return 0;
	case LAPIC_REG_TPR:
		*val = atomic_load_explicit(&l->tpr, memory_order_relaxed);
		return 0;
	case LAPIC_REG_PPR:
		*val = lapic_ppr(l);
		return 0;
	case LAPIC_REG_LDR:
		*val = logical_id(l);
		return 0;
	case LAPIC_REG_SVR:
		*val = l->svr;
		return 0;
	case LAPIC_REG_ISR0 ... LAPIC_REG_ISR7:
		*val = vector_word(l->isr, reg - LAPIC_REG_ISR0);
		return 0;
	case LAPIC_REG_TMR0 ... LAPIC_REG_TMR7:
		*val = vector_word(l->tmr, reg - LAPIC_REG_TMR0);
		return 0;
	case LAPIC_REG_IRR0 ... LAPIC_REG_IRR7:
		*val = vector_word(l->irr, reg - LAPIC_REG_IRR0);
		return 0;
	case LAPIC_REG_ESR:
		*val = l->esr;
		return 0;
	case LAPIC_REG_ICR:
		*val = l->icr;
		return 0;
	case LAPIC_REG_TIMER_INITIAL:
		*val = l->timer_initial;
		return 0;
	case LAPIC_REG_TIMER_CURRENT:
		*val = lapic_timer_current(l, now.now_ns);
		return 0;
	case LAPIC_REG_TIMER_DIVIDE:
		*val = l->timer_divide;
		return 0;
	default:
		/* Reserved, or write-only: EOI, SELF IPI. */
		return -EINVAL;
	}
}

int lapic_reg_write(struct lapic *l, uint32_t reg, uint64_t val,
		    struct lapic_time now)
{
	uint32_t val32 = (uint32_t)val;
	int lvt = lapic_lvt_index(reg);

	if (reg == LAPIC_REG_ICR)
		return lapic_icr_write(l, val);
	/* All others have 32 bits; the upper half is reserved. */
	if (val >> 32)
		return -EINVAL;
	if (lvt >= 0)
		return lapic_lvt_write(l, (enum lapic_lvt)lvt, val32);
	switch (reg) {
	case LAPIC_REG_TPR:
		return tpr_write(l, val32);
	case LAPIC_REG_EOI:
		if (val)
			return -EINVAL;
		lapic_eoi(l);
		return 0;
	case LAPIC_REG_SVR:
		return svr_write(l, val32);
	case LAPIC_REG_ESR:
		if (val)
			return -EINVAL;
		lapic_esr_update(l);
		return 0;
	case LAPIC_REG_TIMER_INITIAL:
		lapic_timer_initial_write(l, val32, now.now_ns);
		return 0;
	case LAPIC_REG_TIMER_DIVIDE:
		return lapic_timer_divide_write(l, val32, now.now_ns);
	case LAPIC_REG_SELF_IPI:
		return lapic_self_ipi(l, val32);
	default:
		/* Reserved, or read-only. */
		return -EINVAL;
	}
}
