/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local APICs of both forms: the input is a list of what their guests, their owners
 * and others do to four of them. Whatever it is, what lapic.h promises holds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/lapic_priv.h"

#define CPUS 4u
#define STEP_BYTES 12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lapic lapics[CPUS];
static struct lapic *cpus[CPUS];
static struct lapic_time now;
static uint32_t pv_word[CPUS];
static bool inside[CPUS]; /* the guest runs */

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void on_wake(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	check(cpu < CPUS && sender < CPUS && cpu != sender);
}

static void on_eoi(void *ctx, unsigned cpu, uint8_t vector)
{
	(void)ctx;
	check(cpu < CPUS && vector >= LAPIC_VECTOR_MIN);
	check(lapics[cpu].tmr[vector / 64] >> (vector % 64) & 1u);
}

static const struct lapic_bus bus = {
	.cpus = cpus,
	.ncpus = CPUS,
	.tsc_khz = 2000000,
	.phys_bits = 46,
	.wake = on_wake,
	.eoi = on_eoi,
};

/* What a step is made of, any bytes. */
struct step {
	uint8_t what;
	uint8_t cpu;
	uint8_t index;
	uint8_t width;
	uint64_t value;
};

/* SDM 10.12.5.1: x2APIC form begins and ends where it may. */
static void check_change(uint64_t from, uint64_t to)
{
	const uint64_t mode = LAPIC_BASE_EN | LAPIC_BASE_EXTD;

	check((from & mode) != mode || (to & mode) != LAPIC_BASE_EN);
	check((from & mode) != 0 || (to & mode) != mode);
}

static void msr(struct lapic *l, const struct step *s)
{
	uint64_t before = l->base;
	static const uint32_t others[] = {LAPIC_MSR_BASE,
					  LAPIC_MSR_TSC_DEADLINE};
	uint32_t number = s->width & 0x80 ? others[s->width & 1u]
					  : LAPIC_MSR_X2APIC_FIRST + s->index;
	uint64_t val = 0x5eed;

	if (s->what & 1u)
		lapic_msr_write(l, number, s->value, now);
	else if (lapic_msr_read(l, number, &val, now))
		check(val == 0x5eed);
	check_change(before, l->base);
}

static void mmio(struct lapic *l, const struct step *s)
{
	uint32_t offset = ((uint32_t)s->index << 4 | s->width >> 4) & 0xfffu;
	unsigned width = (s->width & 7u) + 1u;

	/* Mostly as it should be. */
	if (!(s->width & 8u)) {
		offset &= ~15u;
		width = 4;
	}
	if (!lapic_decodes(l, (l->base & ~UINT64_C(0xfff)) | offset))
		return;
	if (s->what & 1u)
		lapic_mmio_write(l, offset, width, s->value, now);
	else
		check(width == 8 ||
		      lapic_mmio_read(l, offset, width, now) >> (8 * width) ==
			      0);
}

static void send(const struct step *s)
{
	const struct lapic_message m = {
		.mode = (enum lapic_delivery)(s->index & 7u),
		.vector = (uint8_t)s->value,
		.level = s->index & 8u,
		.logical = s->index & 16u,
		.wide = s->index & 32u,
		.dest = s->index & 64u ? (uint32_t)(s->value >> 8)
				       : (uint8_t)(s->value >> 8),
		.skip = s->index & 128u ? s->width : LAPIC_NOBODY,
	};
	static unsigned turn;
	struct lapic_set woken = {0};

	if (!lapic_send(&bus, &m, &turn, &woken))
		check(!woken.bits[0]);
	check(!(woken.bits[0] >> CPUS));
	check(!woken.bits[1] && !woken.bits[2] && !woken.bits[3]);
}

/* What an executor does before an entry. */
static void enter(struct lapic *l)
{
	lapic_sync(l);
	lapic_timer_tick(l, now);
	check(lapic_timer_expiry_ns(l) > now.now_ns);
	if (lapic_take_init(l))
		check(!lapic_take_nmi(l) || l->activity == LAPIC_ACTIVE);
	lapic_take_sipi(l);
	if (l->activity != LAPIC_ACTIVE)
		return;
	while (lapic_take_nmi(l))
		continue;
	if (lapic_extint(l)) {
		lapic_extint_taken(l);
		check(!lapic_extint(l));
	} else if (lapic_has_wake(l, true)) {
		check(lapic_accept(l) >= (int)LAPIC_VECTOR_MIN);
	} else {
		check(lapic_accept(l) < 0);
	}
	lapic_pv_eoi_offer(l);
}

/* What it does after an exit, before anything else. */
static void leave(struct lapic *l, const struct step *s)
{
	if (!inside[l->id])
		return;
	inside[l->id] = false;
	if (s->cpu & 0x80)
		pv_word[l->id] = 0;
	lapic_pv_eoi_collect(l);
	check(pv_word[l->id] == 0);
	lapic_cr8_set(l, s->cpu >> 3 & 15u);
	lapic_nmi_mask_set(l, s->what & 0x80);
}

/* What its owner does. */
static void do_owned(struct lapic *l, const struct step *s, unsigned what)
{
	leave(l, s);
	switch (what) {
	case 0:
		msr(l, s);
		break;
	case 1:
		mmio(l, s);
		break;
	case 2:
		enter(l);
		inside[l->id] = true;
		break;
	case 3:
		lapic_lint0_set(l, s->value & 1u);
		break;
	default:
		lapic_pv_eoi_set(l, s->value & 1u ? &pv_word[l->id] : NULL);
		break;
	}
}

static void do_step(const struct step *s)
{
	unsigned what = s->what >> 1 & 7u;

	switch (what) {
	case 6:
		send(s);
		break;
	case 7:
		now.now_ns += s->value & 0xffffff;
		now.guest_tsc += s->value & 0xffffff;
		break;
	default:
		do_owned(&lapics[s->cpu % CPUS], s, what);
		break;
	}
}

static void check_promises(const struct lapic *l)
{
	uint8_t enabled = lapic_enabled(l);
	int pending = lapic_pending(l);
	bool on = l->base & LAPIC_BASE_EN;

	check(bus.cpus[l->id] == l);
	check(on || !lapic_x2apic(l));
	check(!(l->base >> bus.phys_bits));
	check(l->nmis <= LAPIC_NMIS_MAX);
	check(!(enabled & LAPIC_ENABLED_GLOBAL) == !on);
	check(!(enabled & LAPIC_ENABLED_SOFTWARE) ==
	      !(on && l->svr & LAPIC_SVR_ENABLE));
	check(!(l->irr[0] & 0xffffu) && !(l->isr[0] & 0xffffu));
	check(pending < 0 || pending >> 4 > lapic_ppr(l) >> 4);
	check(!(l->esr & ~0xe0u) && !(l->esr_logged & ~0xe0u));
	check(((l->logical & LAPIC_LOGICAL_MODEL) == LAPIC_LOGICAL_X2APIC) ==
	      lapic_x2apic(l));
	check((l->logical & LAPIC_LOGICAL_ID) == l->ldr >> 24);
	for (unsigned i = 0; i < LAPIC_LVTS; i++)
		check(l->svr & LAPIC_SVR_ENABLE || l->lvt[i] & LAPIC_LVT_MASKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	now = (struct lapic_time){.now_ns = 1000, .guest_tsc = 1000};
	memset(cpus, 0, sizeof(cpus));
	memset(pv_word, 0, sizeof(pv_word));
	memset(inside, 0, sizeof(inside));
	for (unsigned i = 0; i < CPUS; i++)
		lapic_init(&lapics[i], i, i == 0, &bus);
	for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
		struct step s = {data[0], data[1], data[2], data[3], 0};

		memcpy(&s.value, data + 4, sizeof(s.value));
		do_step(&s);
		for (unsigned i = 0; i < CPUS; i++)
			check_promises(&lapics[i]);
	}
	return 0;
}
