/* SPDX-License-Identifier: Apache-2.0 */
/* I/O APIC; see ioapic.h. */
#include "ioapic.h"

#include <string.h>

/* Offsets; index and window are the way to all others. */
enum {
	AT_INDEX = 0x00,
	AT_WINDOW = 0x10,
	AT_EOI = 0x40,
};

/* Indices. */
enum {
	REG_ID = 0x00,
	REG_VERSION = 0x01,
	REG_ARBITRATION = 0x02,
	REG_ENTRIES = 0x10, /* two each: lower half, upper half */
};

#define VERSION (0x20u | (IOAPIC_PINS - 1u) << 16)
#define ID_SHIFT 24
#define ID_BITS 0x0fu

/* Lower half of an entry. */
#define ENTRY_VECTOR 0xffu
#define ENTRY_MODE(entry) ((enum lapic_delivery)((entry) >> 8 & 7u))
#define ENTRY_LOGICAL (1u << 11)
#define ENTRY_REMOTE_IRR (1u << 14)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)
/* All but the delivery status, which is idle always, and the remote IRR. */
#define ENTRY_WRITABLE 0x1afffu
#define ENTRY_DEST_SHIFT 56

void ioapic_init(struct ioapic *io,
		 bool (*send)(void *ctx, const struct lapic_message *m),
		 void *ctx)
{
	memset(io, 0, sizeof(*io));
	io->send = send;
	io->ctx = ctx;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		io->entries[i] = ENTRY_MASKED;
}

/* NMI, INIT and ExtINT are edges, whatever the trigger mode says. */
static bool is_level(uint64_t entry)
{
	return entry & ENTRY_LEVEL && ENTRY_MODE(entry) <= LAPIC_LOWEST;
}

static bool send(const struct ioapic *io, uint64_t entry)
{
	const struct lapic_message m = {
		.mode = ENTRY_MODE(entry),
		.vector = (uint8_t)(entry & ENTRY_VECTOR),
		.level = is_level(entry),
		.logical = entry & ENTRY_LOGICAL,
		.dest = (uint32_t)(entry >> ENTRY_DEST_SHIFT),
		.skip = LAPIC_NOBODY,
	};

	/* That mode is one of IPIs. */
	return m.mode != LAPIC_SIPI && io->send(io->ctx, &m);
}

/* Sends what a level that is there has to. */
static void serve_level(struct ioapic *io, unsigned pin)
{
	uint64_t *entry = &io->entries[pin];

	if (!(io->lines >> pin & 1u) || !is_level(*entry) ||
	    *entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
		return;
	if (send(io, *entry))
		*entry |= ENTRY_REMOTE_IRR;
}

void ioapic_set_line(struct ioapic *io, unsigned pin, bool level)
{
	uint32_t bit = 1u << pin;
	bool rose = level && !(io->lines & bit);
	uint64_t entry = io->entries[pin];

	if (level)
		io->lines |= bit;
	else
		io->lines &= ~bit;
	if (is_level(entry))
		serve_level(io, pin);
	else if (rose && !(entry & ENTRY_MASKED))
		send(io, entry);
}

bool ioapic_hears(const struct ioapic *io, unsigned pin)
{
	return !(io->entries[pin] & ENTRY_MASKED);
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *entry = &io->entries[pin];

		if (!(*entry & ENTRY_REMOTE_IRR) ||
		    (*entry & ENTRY_VECTOR) != vector)
			continue;
		*entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
		serve_level(io, pin);
	}
}

void ioapic_resend(struct ioapic *io)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		serve_level(io, pin);
}

/*
 * To make a pin edge-triggered is how guests that know no EOI register end what
 * its remote IRR stands for.
 */
static void write_entry(struct ioapic *io, unsigned half, uint32_t val)
{
	unsigned pin = half / 2;
	uint64_t *entry = &io->entries[pin];

	if (half % 2) {
		*entry = (uint32_t)*entry | (uint64_t)(val >> 24)
						    << ENTRY_DEST_SHIFT;
	} else {
		*entry = (*entry & ~(uint64_t)ENTRY_WRITABLE) |
			 (val & ENTRY_WRITABLE);
		if (!is_level(*entry))
			*entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
	}
	serve_level(io, pin);
}

static bool is_entry(uint8_t index)
{
	return index >= REG_ENTRIES && index < REG_ENTRIES + 2 * IOAPIC_PINS;
}

static uint32_t read_window(const struct ioapic *io)
{
	unsigned half = io->index - REG_ENTRIES;

	if (is_entry(io->index))
		return (uint32_t)(io->entries[half / 2] >> (half % 2 * 32));
	switch (io->index) {
	case REG_ID:
	case REG_ARBITRATION:
		return (uint32_t)io->id << ID_SHIFT;
	case REG_VERSION:
		return VERSION;
	default:
		return 0;
	}
}

uint32_t ioapic_read(const struct ioapic *io, uint32_t offset)
{
	switch (offset) {
	case AT_INDEX:
		return io->index;
	case AT_WINDOW:
		return read_window(io);
	default:
		return 0;
	}
}

void ioapic_write(struct ioapic *io, uint32_t offset, uint32_t val)
{
	switch (offset) {
	case AT_INDEX:
		io->index = (uint8_t)val;
		break;
	case AT_WINDOW:
		if (is_entry(io->index))
			write_entry(io, io->index - REG_ENTRIES, val);
		else if (io->index == REG_ID)
			io->id = val >> ID_SHIFT & ID_BITS;
		break;
	case AT_EOI:
		ioapic_eoi(io, (uint8_t)val);
		break;
	default:
		break;
	}
}
