/* SPDX-License-Identifier: Apache-2.0 */
/* 8259A pair; see pic.h. */
#include "pic.h"

#include <string.h>

#define CHIP_INPUTS 8u
#define CASCADE_BIT (1u << PIC_CASCADE)
/* What answers when nobody asks. */
#define SPURIOUS_INPUT 7u

#define ICW1 0x10u /* in an even port */
#define ICW1_IC4 0x01u
#define ICW1_SNGL 0x02u
#define ICW1_LTIM 0x08u
#define ICW2_BASE 0xf8u
#define ICW4_AEOI 0x02u
#define ICW4_SFNM 0x10u

#define OCW2_INPUT 0x07u
#define OCW2_COMMAND(val) ((val) >> 5)
#define OCW3 0x08u /* in an even port, not ICW1 */
#define OCW3_RIS 0x01u
#define OCW3_RR 0x02u
#define OCW3_POLL 0x04u
#define OCW3_SMM 0x20u
#define OCW3_ESMM 0x40u

#define POLL_ASKS 0x80u

/* R, SL, EOI of OCW2. */
enum ocw2_command {
	ROTATE_AUTO_OFF = 0,
	EOI_HIGHEST = 1,
	EOI_INPUT = 3,
	ROTATE_AUTO_ON = 4,
	ROTATE_EOI_HIGHEST = 5,
	SET_PRIORITY = 6,
	ROTATE_EOI_INPUT = 7,
};

static const uint8_t elcr_writable[2] = {0xf8, 0xde};

static uint8_t level_inputs(const struct pic_chip *c)
{
	return c->all_level ? 0xff : c->elcr;
}

/* IRR: a level asks while it is there, an edge until it is answered or falls. */
static uint8_t requests(const struct pic_chip *c)
{
	uint8_t level = level_inputs(c);

	return (uint8_t)((c->lines & level) | (c->latched & ~level));
}

/* The input with priority @rank, 0 being the highest. */
static unsigned by_priority(const struct pic_chip *c, unsigned rank)
{
	return (c->lowest + 1u + rank) % CHIP_INPUTS;
}

/*
 * The input whose turn it is, or -1. What is in service keeps those of its own
 * and of lower priority waiting; in special mask mode not while it is masked. In
 * special fully nested mode the second chip may interrupt itself.
 */
static int pending(const struct pic_chip *c)
{
	uint8_t asking = (uint8_t)(requests(c) & ~c->imr);
	uint8_t blocking = c->isr;

	if (c->special_mask)
		blocking &= (uint8_t)~c->imr;
	for (unsigned rank = 0; rank < CHIP_INPUTS; rank++) {
		unsigned input = by_priority(c, rank);
		uint8_t bit = (uint8_t)(1u << input);
		bool nests = c->fully_nested && bit == CASCADE_BIT;

		if (asking & bit && (!(blocking & bit) || nests))
			return (int)input;
		if (blocking & bit)
			return -1;
	}
	return -1;
}

static void set_input(struct pic_chip *c, unsigned input, bool level)
{
	uint8_t bit = (uint8_t)(1u << input);

	if (!level) {
		c->lines &= (uint8_t)~bit;
		c->latched &= (uint8_t)~bit;
		return;
	}
	if (!(c->lines & bit) && !(level_inputs(c) & bit))
		c->latched |= bit;
	c->lines |= bit;
}

/* To be called after each change of the second chip. */
static void update_cascade(struct pic *pic)
{
	set_input(&pic->chips[0], PIC_CASCADE, pending(&pic->chips[1]) >= 0);
}

static void answer(struct pic_chip *c, unsigned input)
{
	uint8_t bit = (uint8_t)(1u << input);

	c->latched &= (uint8_t)~bit;
	if (!c->auto_eoi)
		c->isr |= bit;
	else if (c->rotate_auto)
		c->lowest = (uint8_t)input;
}

/*
 * The second chip answers; its output falls meanwhile, so that what it asks for
 * next is another edge. Return: its input, -1 if it does not ask.
 */
static int answer_second(struct pic *pic)
{
	int input = pending(&pic->chips[1]);

	set_input(&pic->chips[0], PIC_CASCADE, false);
	if (input >= 0)
		answer(&pic->chips[1], (unsigned)input);
	update_cascade(pic);
	return input;
}

void pic_init(struct pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	for (unsigned i = 0; i < 2; i++) {
		pic->chips[i].imr = 0xff;
		pic->chips[i].lowest = CHIP_INPUTS - 1u;
	}
}

void pic_set_line(struct pic *pic, unsigned irq, bool level)
{
	set_input(&pic->chips[irq / CHIP_INPUTS], irq % CHIP_INPUTS, level);
	update_cascade(pic);
}

bool pic_hears(const struct pic *pic, unsigned irq)
{
	const struct pic_chip *c = &pic->chips[irq / CHIP_INPUTS];
	uint8_t bit = (uint8_t)(1u << irq % CHIP_INPUTS);

	return level_inputs(c) & bit || !(c->latched & bit);
}

bool pic_intr(const struct pic *pic)
{
	return pending(&pic->chips[0]) >= 0;
}

uint8_t pic_accept(struct pic *pic)
{
	struct pic_chip *first = &pic->chips[0];
	int input = pending(first);

	if (input < 0)
		return first->base | SPURIOUS_INPUT;
	answer(first, (unsigned)input);
	if (input != PIC_CASCADE || first->single)
		return first->base | (uint8_t)input;
	/* It asks, or its output would not be high. */
	return pic->chips[1].base | (uint8_t)answer_second(pic);
}

/* What an initialisation forgets; lines and trigger modes are not the chip's. */
static void write_icw1(struct pic_chip *c, uint8_t val)
{
	*c = (struct pic_chip){
		.lines = c->lines,
		.elcr = c->elcr,
		.base = c->base,
		.lowest = CHIP_INPUTS - 1u,
		.icw = 2,
		.all_level = val & ICW1_LTIM,
		.single = val & ICW1_SNGL,
		.wants_icw4 = val & ICW1_IC4,
	};
}

static void write_icw(struct pic_chip *c, uint8_t val)
{
	switch (c->icw) {
	case 2:
		c->base = val & ICW2_BASE;
		c->icw = 3;
		if (!c->single)
			return;
		break;
	case 3:
		break; /* the wiring is what it is */
	default:
		c->auto_eoi = val & ICW4_AEOI;
		c->fully_nested = val & ICW4_SFNM;
		c->icw = 0;
		return;
	}
	c->icw = c->wants_icw4 ? 4 : 0;
}

/* End of what has the highest priority in service. Return: its input, or -1. */
static int end_highest(struct pic_chip *c)
{
	uint8_t served = c->isr;

	if (c->special_mask)
		served &= (uint8_t)~c->imr;
	for (unsigned rank = 0; rank < CHIP_INPUTS; rank++) {
		unsigned input = by_priority(c, rank);

		if (served >> input & 1u) {
			c->isr &= (uint8_t) ~(1u << input);
			return (int)input;
		}
	}
	return -1;
}

static void write_ocw2(struct pic_chip *c, uint8_t val)
{
	uint8_t input = val & OCW2_INPUT;
	int ended;

	switch (OCW2_COMMAND(val)) {
	case ROTATE_AUTO_OFF:
	case ROTATE_AUTO_ON:
		c->rotate_auto = OCW2_COMMAND(val) == ROTATE_AUTO_ON;
		break;
	case EOI_HIGHEST:
		end_highest(c);
		break;
	case ROTATE_EOI_HIGHEST:
		ended = end_highest(c);
		if (ended >= 0)
			c->lowest = (uint8_t)ended;
		break;
	case EOI_INPUT:
		c->isr &= (uint8_t) ~(1u << input);
		break;
	case ROTATE_EOI_INPUT:
		c->isr &= (uint8_t) ~(1u << input);
		c->lowest = input;
		break;
	case SET_PRIORITY:
		c->lowest = input;
		break;
	default:
		break; /* no operation */
	}
}

static void write_ocw3(struct pic_chip *c, uint8_t val)
{
	if (val & OCW3_ESMM)
		c->special_mask = val & OCW3_SMM;
	if (val & OCW3_POLL)
		c->polled = true;
	else if (val & OCW3_RR)
		c->reads_isr = val & OCW3_RIS;
}

/* A read after the poll command is an INTA, for this chip alone. */
static uint8_t poll(struct pic *pic, unsigned chip)
{
	struct pic_chip *c = &pic->chips[chip];
	int input;

	c->polled = false;
	if (chip == 1) {
		input = answer_second(pic);
	} else {
		input = pending(c);
		if (input >= 0)
			answer(c, (unsigned)input);
	}
	return input < 0 ? 0 : (uint8_t)(POLL_ASKS | (unsigned)input);
}

uint8_t pic_read(struct pic *pic, unsigned chip, bool odd)
{
	const struct pic_chip *c = &pic->chips[chip];

	if (c->polled)
		return poll(pic, chip);
	if (odd)
		return c->imr;
	return c->reads_isr ? c->isr : requests(c);
}

void pic_write(struct pic *pic, unsigned chip, bool odd, uint8_t val)
{
	struct pic_chip *c = &pic->chips[chip];

	if (odd && c->icw)
		write_icw(c, val);
	else if (odd)
		c->imr = val;
	else if (val & ICW1)
		write_icw1(c, val);
	else if (val & OCW3)
		write_ocw3(c, val);
	else
		write_ocw2(c, val);
	update_cascade(pic);
}

uint8_t pic_elcr_read(const struct pic *pic, unsigned chip)
{
	return pic->chips[chip].elcr;
}

void pic_elcr_write(struct pic *pic, unsigned chip, uint8_t val)
{
	struct pic_chip *c = &pic->chips[chip];

	c->elcr = val & elcr_writable[chip];
	c->latched &= (uint8_t)~c->elcr;
	update_cascade(pic);
}
