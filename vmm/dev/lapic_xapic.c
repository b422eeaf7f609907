/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APIC: xAPIC form, registers in a page of memory space (SDM 10.4 to 10.6);
 * see lapic.h. What differs from x2APIC form: the ID's place, a logical ID that
 * software chooses, the halves of the ICR, and that nothing faults.
 */
#include "lapic_priv.h"

#define REG_STRIDE_SHIFT 4
#define ID_SHIFT 24
#define LDR_BITS 0xff000000u
#define DFR_MODEL_SHIFT 28
#define DFR_FLAT 0xfu
#define DFR_CLUSTER 0x0u
/* 27:0 read as ones (SDM figure 10-14). */
#define DFR_ONES 0x0fffffffu

static uint32_t model(const struct lapic *l)
{
	if (lapic_x2apic(l))
		return LAPIC_LOGICAL_X2APIC;
	switch (l->dfr >> DFR_MODEL_SHIFT) {
	case DFR_FLAT:
		return LAPIC_LOGICAL_FLAT;
	case DFR_CLUSTER:
		return LAPIC_LOGICAL_CLUSTER;
	default:
		return LAPIC_LOGICAL_NONE;
	}
}

void lapic_logical_update(struct lapic *l)
{
	/* As lapic_enabled_set(): whoever was told of it finds it. */
	atomic_store_explicit(&l->logical, model(l) | l->ldr >> ID_SHIFT,
			      memory_order_release);
}

static uint32_t read_register(struct lapic *l, uint32_t reg,
			      struct lapic_time now)
{
	uint64_t val;

	switch (reg) {
	case LAPIC_REG_ID:
		return l->id << ID_SHIFT;
	case LAPIC_REG_LDR:
		return l->ldr;
	case LAPIC_REG_DFR:
		return l->dfr;
	case LAPIC_REG_ICR_HIGH:
		return (uint32_t)(l->icr >> 32);
	case LAPIC_REG_EOI:
	case LAPIC_REG_APR:
	case LAPIC_REG_RRD:
		/* Write-only, and of the old APIC bus. */
		return 0;
	default:
		if (!lapic_reg_read(l, reg, &val, now))
			return (uint32_t)val;
		lapic_error(l, LAPIC_ESR_ILLEGAL_REGISTER);
		return 0;
	}
}

/* What of @val x2APIC form would take. */
static uint32_t known_bits(uint32_t reg, uint32_t val)
{
	int lvt = lapic_lvt_index(reg);

	if (lvt >= 0)
		return val & lapic_lvt_bits((enum lapic_lvt)lvt);
	switch (reg) {
	case LAPIC_REG_TPR:
		return val & 0xffu;
	case LAPIC_REG_SVR:
		return val & LAPIC_SVR_BITS;
	case LAPIC_REG_EOI:
	case LAPIC_REG_ESR:
		return 0;
	case LAPIC_REG_TIMER_DIVIDE:
		return val & LAPIC_DIVIDE_BITS;
	default:
		return val;
	}
}

static void write_register(struct lapic *l, uint32_t reg, uint32_t val,
			   struct lapic_time now)
{
	uint64_t ignored;

	switch (reg) {
	case LAPIC_REG_LDR:
		l->ldr = val & LDR_BITS;
		lapic_logical_update(l);
		return;
	case LAPIC_REG_DFR:
		l->dfr = val | DFR_ONES;
		lapic_logical_update(l);
		return;
	case LAPIC_REG_ICR_HIGH:
		l->icr = (uint64_t)(val & 0xff000000u) << 32 | (uint32_t)l->icr;
		return;
	case LAPIC_REG_ICR:
		val &= (uint32_t)~LAPIC_ICR_RESERVED;
		lapic_icr_write(l, l->icr >> 32 << 32 | val);
		return;
	case LAPIC_REG_ID:
	case LAPIC_REG_APR:
	case LAPIC_REG_RRD:
		return; /* read-only here */
	case LAPIC_REG_SELF_IPI:
		break;
	default:
		if (!lapic_reg_write(l, reg, known_bits(reg, val), now))
			return;
		/* Read-only, or not there? */
		if (!lapic_reg_read(l, reg, &ignored, now))
			return;
		break;
	}
	lapic_error(l, LAPIC_ESR_ILLEGAL_REGISTER);
}

static void take_over(struct lapic *l, struct lapic_time now)
{
	lapic_merge_posted(l);
	lapic_timer_tick(l, now);
}

uint64_t lapic_mmio_read(struct lapic *l, uint32_t offset, unsigned width,
			 struct lapic_time now)
{
	unsigned byte = offset & ((1u << REG_STRIDE_SHIFT) - 1u);
	uint64_t val;

	take_over(l, now);
	if (byte + width > sizeof(uint32_t))
		return 0;
	val = read_register(l, offset >> REG_STRIDE_SHIFT, now);
	return val >> 8 * byte & ((UINT64_C(1) << 8 * width) - 1);
}

void lapic_mmio_write(struct lapic *l, uint32_t offset, unsigned width,
		      uint64_t val, struct lapic_time now)
{
	unsigned byte = offset & ((1u << REG_STRIDE_SHIFT) - 1u);

	take_over(l, now);
	if (byte || width != sizeof(uint32_t))
		return;
	write_register(l, offset >> REG_STRIDE_SHIFT, (uint32_t)val, now);
}
