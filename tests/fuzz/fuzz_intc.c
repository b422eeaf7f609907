/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8259 pair and I/O APIC: the input is a list of accesses to their registers, of
 * changes of their lines, and of answers. Whatever it is, what intc.h, pic.h and
 * ioapic.h promise holds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dev/intc.h"
#include "dev/lapic_priv.h"
#include "pc_map.h"

#define CPUS 2u
#define STEP_BYTES 6u

#define REMOTE_IRR 0x4000u
#define LEVEL 0x8000u
#define MASKED 0x10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lapic lapics[CPUS];
static struct lapic *cpus[CPUS];
static struct intc intc;
static struct io_bus ports, mmio;
static const struct lapic_time now = {1000, 1000};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void on_ipi(void *ctx, unsigned cpu, unsigned sender)
{
	(void)ctx;
	(void)cpu;
	(void)sender;
}

static void on_wake(void *ctx, unsigned cpu)
{
	check(ctx == &intc && cpu < CPUS);
	/* Nothing is locked: a device may do anything now. */
	check(!pthread_mutex_trylock(&intc.lock));
	pthread_mutex_unlock(&intc.lock);
}

static void on_eoi(void *ctx, unsigned cpu, uint8_t vector)
{
	(void)ctx;
	(void)cpu;
	intc_eoi(&intc, vector);
}

static void on_enabled(void *ctx)
{
	(void)ctx;
	intc_resend(&intc);
}

static const struct lapic_bus bus = {
	.cpus = cpus,
	.ncpus = CPUS,
	.tsc_khz = 2000000,
	.phys_bits = 46,
	.wake = on_ipi,
	.eoi = on_eoi,
	.enabled = on_enabled,
};

/* @where: the register; @how: width, read or write. */
static void access_register(uint8_t where, uint8_t how, uint32_t value)
{
	static const uint64_t bases[] = {PC_PIC1_PORT, PC_PIC2_PORT,
					 PC_ELCR_PORT, PC_IOAPIC_GPA};
	unsigned which = where & 3u;
	uint8_t bytes[8];
	struct io_access a = {
		.addr = bases[which],
		.width = 1,
		.write = how & 1u,
		.count = 1,
		.data = bytes,
	};

	memcpy(bytes, &value, 4);
	memcpy(bytes + 4, &value, 4);
	if (which < 3) {
		a.addr += where >> 2 & 1u;
		a.width = how & 2u ? (uint8_t)(1u << (how >> 2 & 1u) * 2) : 1;
		check(io_bus_access(&ports, &a) == IO_NONE);
		return;
	}
	a.addr += (where & 0xfcu) << 2;
	a.width = how & 2u ? (how >> 2 & 7u) + 1u : 4;
	check(io_bus_access(&mmio, &a) == IO_NONE);
}

/* A processor answers, and ends what it took. */
static void serve(unsigned cpu, uint32_t value)
{
	struct lapic *l = &lapics[cpu];

	if (cpu == INTC_BOOT_VCPU)
		lapic_lint0_set(l, intc_intr(&intc));
	lapic_sync(l);
	lapic_take_init(l);
	lapic_take_nmi(l);
	if (lapic_extint(l)) {
		lapic_extint_taken(l);
		intc_accept(&intc);
	} else {
		lapic_accept(l);
	}
	if (value & 1u)
		lapic_mmio_write(l, 0xb0, 4, 0, now);
}

static void check_pair(void)
{
	const struct pic *pic = &intc.pic;

	check(pic_intr(pic) == intc_intr(&intc));
	for (unsigned i = 0; i < 2; i++) {
		const struct pic_chip *c = &pic->chips[i];

		check(c->lowest < 8 && c->icw <= 4 && c->icw != 1);
		check(!(c->base & 7u));
		check(!(c->latched & c->elcr));
	}
	check(!(pic->chips[0].elcr & 0x07u));
	check(!(pic->chips[1].elcr & 0x21u));
}

static void check_io_apic(void)
{
	const struct ioapic *io = &intc.ioapic;

	check(io->id < 16);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t entry = io->entries[pin];

		check(!(entry & UINT64_C(0xfffffffe1000)));
		if (entry & REMOTE_IRR)
			check(entry & LEVEL && (entry >> 8 & 7u) <= 1u);
	}
	check(!(io->lines & 1u) == !intc_intr(&intc));
	for (unsigned gsi = 16; gsi < PC_GSIS; gsi++)
		check(intc_hears(&intc, gsi) == !(io->entries[gsi] & MASKED));
}

static void do_step(const uint8_t *step)
{
	unsigned gsi = step[1] % PC_GSIS;
	uint32_t value;

	memcpy(&value, step + 2, sizeof(value));
	switch (step[0] & 3u) {
	case 0:
	case 1:
		access_register(step[1], step[0] >> 2, value);
		break;
	case 2:
		if (gsi != PC_CASCADE_GSI)
			intc_set_line(&intc, gsi, step[0] & 4u);
		break;
	default:
		serve(step[1] % CPUS, value);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct intc_config config = {
		.lapics = &bus, .wake = on_wake, .ctx = &intc};

	memset(cpus, 0, sizeof(cpus));
	for (unsigned i = 0; i < CPUS; i++) {
		lapic_init(&lapics[i], i, true, &bus);
		lapic_virtual_wire(&lapics[i]);
		/* Logical ID: a bit each. */
		lapic_mmio_write(&lapics[i], 0xd0, 4, 0x1000000u << i, now);
	}
	check(!intc_init(&intc, &config));
	io_bus_init(&ports, IO_BUS_PORTS);
	io_bus_init(&mmio, IO_BUS_MEMORY);
	check(!intc_attach(&intc, &ports, &mmio));
	for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
		do_step(data);
		check_pair();
		check_io_apic();
	}
	intc_destroy(&intc);
	return 0;
}
