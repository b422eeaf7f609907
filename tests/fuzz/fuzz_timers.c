/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 8254 with port 0x61, and CMOS clock: the input is a list of accesses to their
 * registers and of steps in time. Whatever it is, what they promise of their expiry
 * holds: it lies ahead, nothing happens before, and the line rises at it.
 */
#include <dis/types.h>

#include "dev/cmos.h"
#include "dev/pit.h"
#include "fuzz/fuzz_ports.h"
#include "pc_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now_ns;
static struct io_bus bus;
static struct pit pit;
static struct cmos cmos;

/* Of each line: its level and how often it rose. */
static struct line {
	bool level;
	unsigned rises;
} lines[PC_ISA_GSIS];

static uint64_t clock_ns(void)
{
	return now_ns;
}

static void on_irq(void *ctx, unsigned gsi, bool level)
{
	(void)ctx;
	fuzz_check(lines[gsi].level != level);
	lines[gsi].level = level;
	lines[gsi].rises += level;
}

static void start(void)
{
	const struct pit_config pit_config = {
		.irq = {on_irq, NULL, PC_PIT_GSI},
		.host = {.clock_ns = clock_ns},
	};
	const struct cmos_config cmos_config = {
		.irq = {on_irq, NULL, PC_RTC_GSI},
		.host = {.clock_ns = clock_ns},
		.epoch_ns = UINT64_C(1700000000123456789),
	};

	now_ns = DIS_S_NS;
	memset(lines, 0, sizeof(lines));
	fuzz_check(!pit_init(&pit, &pit_config));
	fuzz_check(!cmos_init(&cmos, &cmos_config));
	io_bus_init(&bus, IO_BUS_PORTS);
	fuzz_check(!io_bus_add(&bus, PC_PIT_PORT, PIT_PORTS, &pit_ops, &pit));
	fuzz_check(!io_bus_add(&bus, PC_PORT_B, PIT_PORT_B_PORTS,
			       &pit_port_b_ops, &pit));
	fuzz_check(
		!io_bus_add(&bus, PC_CMOS_PORT, CMOS_PORTS, &cmos_ops, &cmos));
}

/* The timer's tick at its expiry, and not before, makes @line rise. */
static void expire(uint64_t due_ns, const struct line *line,
		   void (*tick)(uint64_t ns))
{
	unsigned rises = line->rises;

	fuzz_check(due_ns > now_ns);
	if (due_ns == DIS_NEVER_NS)
		return;
	tick(due_ns - 1);
	fuzz_check(line->rises == rises);
	now_ns = due_ns;
	tick(due_ns);
	fuzz_check(line->rises == rises + 1);
}

static void tick_pit(uint64_t ns)
{
	pit_tick(&pit, ns);
}

static void tick_cmos(uint64_t ns)
{
	cmos_tick(&cmos, ns);
}

/* Time passes, by nanoseconds or by days, without a tick. */
static void pass(const struct fuzz_step *s)
{
	now_ns += (uint64_t)fuzz_value(s) << s->how % 24u;
}

static void step(const struct fuzz_step *s)
{
	static const uint16_t ports[] = {PC_PIT_PORT,     PC_PIT_PORT + 1,
					 PC_PIT_PORT + 2, PC_PIT_PORT + 3,
					 PC_PORT_B,       PC_CMOS_PORT,
					 PC_CMOS_PORT + 1};
	uint8_t data[FUZZ_STRING_MAX];

	switch (s->what & 7u) {
	case 0:
		pass(s);
		break;
	case 1:
		expire(pit_expiry_ns(&pit), &lines[PC_PIT_GSI], tick_pit);
		break;
	case 2:
		expire(cmos_expiry_ns(&cmos), &lines[PC_RTC_GSI], tick_cmos);
		break;
	default:
		fuzz_check(fuzz_access(&bus,
				       ports[s->where % (sizeof(ports) /
							 sizeof(ports[0]))],
				       s, data) == IO_NONE);
		break;
	}
	/* What is due by now has happened. */
	pit_tick(&pit, now_ns);
	cmos_tick(&cmos, now_ns);
	fuzz_check(pit_expiry_ns(&pit) > now_ns);
	fuzz_check(cmos_expiry_ns(&cmos) > now_ns);
	fuzz_check(lines[PC_PIT_GSI].level == pit.level);
	fuzz_check(lines[PC_RTC_GSI].level ==
		   !!(cmos.regs[RTC_C] & cmos.regs[RTC_B] & 0x70));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	fuzz_steps(data, size, step);
	pit_destroy(&pit);
	cmos_destroy(&cmos);
	return 0;
}
