/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the tests of the 8259 pair share: a pair as a PC's firmware sets it up, and
 * its ports. Sections are those of Intel's data sheet 8259A (231468).
 */
#ifndef DISVM_TEST_PIC_FIXTURE_H
#define DISVM_TEST_PIC_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dev/pic.h"

#define FIRST 0u
#define SECOND 1u
#define BASE1 0x08
#define BASE2 0x70

#define EOI 0x20u
#define EOI_INPUT 0x60u
#define ROTATE_EOI 0xa0u
#define ROTATE_EOI_INPUT 0xe0u
#define SET_PRIORITY 0xc0u
#define ROTATE_AUTO 0x80u
#define ROTATE_AUTO_OFF 0x00u
#define READ_IRR 0x0au
#define READ_ISR 0x0bu
#define POLL 0x0cu
#define SPECIAL_MASK 0x68u
#define SPECIAL_MASK_OFF 0x48u

static inline void cmd(struct pic *p, unsigned chip, uint8_t val)
{
	pic_write(p, chip, false, val);
}

static inline void mask(struct pic *p, unsigned chip, uint8_t val)
{
	pic_write(p, chip, true, val);
}

static inline uint8_t irr(struct pic *p, unsigned chip)
{
	cmd(p, chip, READ_IRR);
	return pic_read(p, chip, false);
}

static inline uint8_t isr(struct pic *p, unsigned chip)
{
	cmd(p, chip, READ_ISR);
	return pic_read(p, chip, false);
}

/** An edge; the line stays high. */
static inline void rise(struct pic *p, unsigned irq)
{
	pic_set_line(p, irq, false);
	pic_set_line(p, irq, true);
}

/** ICW1 to ICW4; @icw4 is the first chip's, the second has 1. */
static inline void initialise(struct pic *p, uint8_t icw4)
{
	cmd(p, FIRST, 0x11);
	mask(p, FIRST, BASE1);
	mask(p, FIRST, 0x04);
	mask(p, FIRST, icw4);
	cmd(p, SECOND, 0x11);
	mask(p, SECOND, BASE2);
	mask(p, SECOND, 0x02);
	mask(p, SECOND, 0x01);
}

static inline int setup(void **state)
{
	struct pic *p = malloc(sizeof(*p));

	assert_non_null(p);
	pic_init(p);
	initialise(p, 0x01);
	*state = p;
	return 0;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
