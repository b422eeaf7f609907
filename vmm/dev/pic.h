/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The 8259A pair of a PC (R: CARD-8), after Intel's data sheet 8259A (231468), with
 * the trigger mode registers (ELCR) of later chip sets.
 *
 * Place in the flow: a part of intc.h, which locks it, puts its registers on the
 * bus, and carries its INTR to the boot vCPU; when that takes the interrupt it asks
 * for the vector, as the two INTA cycles do.
 *
 * The second chip is on input 2 of the first, whatever ICW3 says. It is always an
 * 8086 that asks: without ICW4, too. A line must stay high until it is answered, in
 * either trigger mode ("default IR7"): a device that takes its request back, because
 * its status was read meanwhile, interrupts nobody.
 *
 * Invariant: input 2 of the first chip is the output of the second.
 * Locking: the owner's. No function blocks or calls back.
 */
#ifndef DISVM_PIC_H
#define DISVM_PIC_H

#include <stdbool.h>
#include <stdint.h>

#define PIC_INPUTS 16u
/** Of the first chip; no device can have it. */
#define PIC_CASCADE 2u

/**
 * Bit i of a set belongs to input i.
 *
 * @latched: edges not answered yet; @lines: levels.
 * @elcr:    inputs that are level-triggered.
 * @base:    vector of input 0.
 * @lowest:  input with the lowest priority; the next one has the highest.
 * @icw:     number of the initialisation word expected next; 0: none.
 */
struct pic_chip {
	uint8_t latched;
	uint8_t lines;
	uint8_t isr;
	uint8_t imr;
	uint8_t elcr;
	uint8_t base;
	uint8_t lowest;
	uint8_t icw;
	bool all_level; /**< ICW1 LTIM */
	bool single;    /**< ICW1 SNGL */
	bool wants_icw4;
	bool auto_eoi;
	bool rotate_auto;
	bool fully_nested; /**< ICW4 SFNM */
	bool special_mask;
	bool reads_isr;
	bool polled; /**< the next read answers an interrupt */
};

struct pic {
	struct pic_chip chips[2];
};

/** Power-on: all masked until a guest initialises it. */
void pic_init(struct pic *pic);

/** Input @irq, not PIC_CASCADE, is at @level. */
void pic_set_line(struct pic *pic, unsigned irq, bool level);

/** Would a rise of @irq change anything? Not while the last one is latched. */
bool pic_hears(const struct pic *pic, unsigned irq);

/** INTR: does the pair ask for an interrupt? */
bool pic_intr(const struct pic *pic);

/**
 * pic_accept - INTA: the most urgent interrupt is in service.
 * Return: its vector; if nobody asks any more, that of input 7 of the first chip,
 * which is not in service then.
 */
uint8_t pic_accept(struct pic *pic);

/** Registers of @chip (0, 1): @odd is A0, the port's lowest bit. */
uint8_t pic_read(struct pic *pic, unsigned chip, bool odd);
void pic_write(struct pic *pic, unsigned chip, bool odd, uint8_t val);

/** Trigger modes of @chip; inputs 0, 1, 2, 8 and 13 are edge-triggered for good. */
uint8_t pic_elcr_read(const struct pic *pic, unsigned chip);
void pic_elcr_write(struct pic *pic, unsigned chip, uint8_t val);

#endif
