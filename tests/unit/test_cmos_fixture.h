/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the CMOS share: a clock that tests set, accesses, the line. */
#ifndef DISVM_TEST_CMOS_FIXTURE_H
#define DISVM_TEST_CMOS_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dis/types.h>

#include "dev/cmos.h"
#include "pc_map.h"

/* 2000-01-02 03:04:05.25 at 0 of the clock. */
#define EPOCH_NS (UINT64_C(946782245) * DIS_S_NS + 250 * DIS_MS_NS)
#define SECOND(n) ((n)*DIS_S_NS + 750 * DIS_MS_NS) /* its end */

enum {
	IRQF = 0x80,
	SET = 0x80,
	PIE = 0x40,
	AIE = 0x20,
	UIE = 0x10,
	UIP = 0x80,
};

static uint64_t clock_now_ns;

struct fixture {
	struct io_bus bus;
	struct cmos cmos;
	bool level;
	unsigned edges;
	bool deaf;
	unsigned earlier;
	unsigned by;
};

static inline uint64_t test_clock_ns(void)
{
	return clock_now_ns;
}

static inline void on_irq(void *ctx, unsigned gsi, bool level)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_RTC_GSI);
	assert_int_not_equal(level, f->level);
	f->level = level;
	f->edges += level;
}

static inline bool hears(void *ctx, unsigned gsi)
{
	struct fixture *f = ctx;

	assert_int_equal(gsi, PC_RTC_GSI);
	return !f->deaf;
}

static inline void on_earlier(void *ctx, unsigned vcpu)
{
	struct fixture *f = ctx;

	f->earlier++;
	f->by = vcpu;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct cmos_config config = {
		.irq = {.set = on_irq, .ctx = f, .gsi = PC_RTC_GSI},
		.host = {.clock_ns = test_clock_ns,
			 .hears = hears,
			 .earlier = on_earlier,
			 .ctx = f},
		.epoch_ns = EPOCH_NS,
	};

	assert_non_null(f);
	clock_now_ns = 0;
	assert_int_equal(cmos_init(&f->cmos, &config), 0);
	io_bus_init(&f->bus, IO_BUS_PORTS);
	assert_int_equal(io_bus_add(&f->bus, PC_CMOS_PORT, CMOS_PORTS,
				    &cmos_ops, &f->cmos),
			 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	cmos_destroy(&f->cmos);
	free(f);
	return 0;
}

static inline void access_port(struct fixture *f, unsigned port, bool write,
			       uint8_t *val, unsigned vcpu)
{
	struct io_access a = {.addr = PC_CMOS_PORT + port,
			      .width = 1,
			      .write = write,
			      .count = 1,
			      .data = val,
			      .vcpu = vcpu};

	assert_int_equal(io_bus_access(&f->bus, &a), IO_NONE);
}

static inline uint8_t rd(struct fixture *f, uint8_t reg)
{
	uint8_t val = 0xee;

	access_port(f, 0, true, &reg, 0);
	access_port(f, 1, false, &val, 0);
	return val;
}

static inline void wr_by(struct fixture *f, uint8_t reg, uint8_t val,
			 unsigned vcpu)
{
	access_port(f, 0, true, &reg, vcpu);
	access_port(f, 1, true, &val, vcpu);
}

static inline void wr(struct fixture *f, uint8_t reg, uint8_t val)
{
	wr_by(f, reg, val, 0);
}

/* As hhmmss in BCD. */
static inline unsigned time_of_day(struct fixture *f)
{
	return (unsigned)rd(f, RTC_HOURS) << 16 | rd(f, RTC_MINUTES) << 8 |
	       rd(f, RTC_SECONDS);
}

static inline void set_alarm(struct fixture *f, uint8_t hours, uint8_t minutes,
			     uint8_t seconds)
{
	wr(f, RTC_HOURS_ALARM, hours);
	wr(f, RTC_MINUTES_ALARM, minutes);
	wr(f, RTC_SECONDS_ALARM, seconds);
}

static inline void tick_at(struct fixture *f, uint64_t ns)
{
	clock_now_ns = ns;
	cmos_tick(&f->cmos, ns);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
