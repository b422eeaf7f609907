/* SPDX-License-Identifier: Apache-2.0 */
/**
 * I/O APIC (R: CARD-11), after Intel's data sheet 82093AA (290566), as version 0x20,
 * whose messages go to the local APICs without a bus of their own and which has an
 * EOI register.
 *
 * Place in the flow: a part of intc.h, which locks it, puts its registers on the
 * bus and sends its messages; local APICs tell it the end of level-triggered
 * interrupts.
 *
 * Level-triggered: a message goes out when the line is high, the pin is not masked
 * and no earlier message is unanswered (remote IRR); one that nobody accepts is
 * sent again when something of the pin changes, or a local APIC is enabled
 * (ioapic_resend()). Edge-triggered: when the line
 * rises; lost while the pin is masked. The polarity is stored: levels in here are
 * those of the interrupt, not of the wire.
 *
 * Invariant: only level-triggered pins of fixed or lowest priority delivery have
 * their remote IRR set.
 * Locking: the owner's. @send is called back.
 */
#ifndef DISVM_IOAPIC_H
#define DISVM_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lapic.h"

#define IOAPIC_PINS 24u

/**
 * @send:  deliver a message. Return: true if a local APIC accepted it.
 * @index: of the register in the window; @lines: bit i is the level of pin i.
 */
struct ioapic {
	bool (*send)(void *ctx, const struct lapic_message *m);
	void *ctx;
	uint8_t id;
	uint8_t index;
	uint32_t lines;
	uint64_t entries[IOAPIC_PINS];
};

/** Power-on: all masked. */
void ioapic_init(struct ioapic *io,
		 bool (*send)(void *ctx, const struct lapic_message *m),
		 void *ctx);

/** @pin is at @level. */
void ioapic_set_line(struct ioapic *io, unsigned pin, bool level);

/** Would a rise of @pin change anything? Not while it is masked. */
bool ioapic_hears(const struct ioapic *io, unsigned pin);

/** A level-triggered interrupt with @vector has ended. */
void ioapic_eoi(struct ioapic *io, uint8_t vector);

/** Somebody may accept now what nobody did before. */
void ioapic_resend(struct ioapic *io);

/** Registers: all 32 bits; others read as 0 and ignore writes. */
uint32_t ioapic_read(const struct ioapic *io, uint32_t offset);
void ioapic_write(struct ioapic *io, uint32_t offset, uint32_t val);

#endif
