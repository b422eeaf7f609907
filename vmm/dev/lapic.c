/* SPDX-License-Identifier: Apache-2.0 */
/* Local APIC: modes, reset, MSRs; see lapic.h. */
#include "lapic_priv.h"

#include <errno.h>
#include <string.h>

#include <dis/assert.h>

#define BASE_DEFAULT UINT64_C(0xfee00000)
/* Of the flags; what is beyond the physical address is reserved too (SDM 10.4.4). */
#define BASE_RESERVED UINT64_C(0x2ff)

#define SVR_RESET 0xffu

void lapic_reset(struct lapic *l)
{
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	atomic_store_explicit(&l->tpr, 0, memory_order_relaxed);
	l->icr = 0;
	l->ldr = 0;
	l->dfr = UINT32_MAX;
	l->svr = SVR_RESET;
	for (unsigned i = 0; i < LAPIC_LVTS; i++)
		l->lvt[i] = LAPIC_LVT_MASKED;
	l->esr = 0;
	l->esr_logged = 0;
	l->error_fired = false;
	l->timer_initial = 0;
	l->timer_divide = 0;
	lapic_timer_stop(l);
	l->extint = false;
	lapic_pv_eoi_set(l, NULL);
	lapic_logical_update(l);
	lapic_enabled_set(l, l->base & LAPIC_BASE_EN ? LAPIC_ENABLED_GLOBAL : 0);
	lapic_discard_posted(l);
}

void lapic_init(struct lapic *l, uint32_t apic_id, bool bsp,
		const struct lapic_bus *bus)
{
	DIS_ASSERT(bus->ncpus <= LAPIC_MAX);
	DIS_ASSERT(apic_id < bus->ncpus);
	DIS_ASSERT(!bus->cpus[apic_id] || bus->cpus[apic_id] == l);
	DIS_ASSERT(bus->tsc_khz > 0);
	DIS_ASSERT(bus->phys_bits >= LAPIC_PHYS_BITS_MIN &&
		   bus->phys_bits <= LAPIC_PHYS_BITS_MAX);
	memset(l, 0, sizeof(*l));
	l->bus = bus;
	l->id = apic_id;
	l->base = BASE_DEFAULT | LAPIC_BASE_EN | (bsp ? LAPIC_BASE_BSP : 0);
	l->activity = bsp ? LAPIC_ACTIVE : LAPIC_WAIT_SIPI;
	l->sipi = -1;
	lapic_reset(l);
	bus->cpus[apic_id] = l;
}

void lapic_virtual_wire(struct lapic *l)
{
	l->svr = SVR_RESET | LAPIC_SVR_ENABLE;
	l->lvt[LAPIC_LVT_LINT0] = LAPIC_EXTINT << 8;
	l->lvt[LAPIC_LVT_LINT1] = LAPIC_NMI << 8;
	lapic_enabled_set(l, LAPIC_ENABLED_GLOBAL | LAPIC_ENABLED_SOFTWARE);
}

static int base_write(struct lapic *l, uint64_t val)
{
	const uint64_t mode = LAPIC_BASE_EN | LAPIC_BASE_EXTD;
	uint64_t from = l->base & mode;
	uint64_t to = val & mode;

	if (val & BASE_RESERVED || val >> l->bus->phys_bits)
		return -EINVAL;
	/* SDM 10.12.5.1: four of the changes are illegal. */
	if (to == LAPIC_BASE_EXTD)
		return -EINVAL;
	if (from == 0 && to == mode)
		return -EINVAL;
	if (from == mode && to == LAPIC_BASE_EN)
		return -EINVAL;
	l->base = val;
	/* SDM 10.12.5.1: all is kept but these. */
	if (from == LAPIC_BASE_EN && to == mode) {
		l->ldr = 0;
		l->icr = (uint32_t)l->icr;
		lapic_logical_update(l);
	}
	/* Off and on again loses all state but the ID (SDM 10.4.3, 10.12.5.1). */
	if (from != to && (from == 0 || to == 0))
		lapic_reset(l);
	return 0;
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
	if (!lapic_x2apic(l) || msr < LAPIC_MSR_X2APIC_FIRST ||
	    msr > LAPIC_MSR_X2APIC_LAST)
		return -EINVAL;
	return lapic_reg_read(l, msr - LAPIC_MSR_X2APIC_FIRST, val, now);
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
	if (!lapic_x2apic(l) || msr < LAPIC_MSR_X2APIC_FIRST ||
	    msr > LAPIC_MSR_X2APIC_LAST)
		return -EINVAL;
	return lapic_reg_write(l, msr - LAPIC_MSR_X2APIC_FIRST, val, now);
}
