/* SPDX-License-Identifier: Apache-2.0 */
/* CMOS RAM and real-time clock; see cmos.h. */
#include "cmos.h"

#include <string.h>

#include <dis/types.h>

#define INDEX_MASK 0x7fu /* bit 7 masks NMI, which nothing here raises */

#define A_UIP 0x80u
#define A_RATE 0x0fu
#define A_DIVIDER_RESET 0x60u
#define A_START 0x26u /* 32768 Hz, 1024 Hz */

#define B_SET 0x80u
#define B_PIE 0x40u
#define B_AIE 0x20u
#define B_UIE 0x10u

/* The flags of register C stand where B has their enables. */
#define C_IRQF 0x80u
#define C_FLAGS (B_PIE | B_AIE | B_UIE)

#define D_VALID 0x80u

/* From the rise of UIP to the end of the update: 244 us and 1984 us. */
#define UPDATE_NS 2228000u
#define HALF_S_NS 500000000u
#define OSCILLATOR_HZ 32768u

/* What firmware reads; IBM's and later common use. */
enum {
	BASE_KIB = 0x15,
	EXTENDED_KIB = 0x17,
	EXTENDED_KIB_TOO = 0x30,
	ABOVE_16_MIB = 0x34, /* in units of 64 KiB */
	BOOT_FLAG_1 = 0x38,
	BOOT_FLAG_2 = 0x3d,
	ABOVE_4_GIB = 0x5b, /* in units of 64 KiB */
	MORE_VCPUS = 0x5f,
};
#define BOOT_DISK 0x02u
#define BOOT_NO_FLOPPY_CHECK 0x01u

static bool is_time(unsigned reg)
{
	return reg <= RTC_YEAR
		       ? reg != RTC_SECONDS_ALARM && reg != RTC_MINUTES_ALARM &&
				 reg != RTC_HOURS_ALARM
		       : reg == RTC_CENTURY;
}

static uint64_t count_ns(const struct cmos *c, uint64_t now_ns)
{
	return now_ns + c->phase_ns;
}

static int64_t seconds_at(const struct cmos *c, uint64_t now_ns)
{
	return (int64_t)(count_ns(c, now_ns) / DIS_S_NS) + c->offset_s;
}

static bool divider_runs(const struct cmos *c)
{
	return (c->regs[RTC_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET;
}

/* Rate of the periodic interrupt; 0: none. */
static uint32_t periodic_hz(const struct cmos *c)
{
	unsigned rate = c->regs[RTC_A] & A_RATE;

	if (!rate || !divider_runs(c))
		return 0;
	/* The two fastest are those of other crystals. */
	return OSCILLATOR_HZ >> ((rate < 3 ? rate + 7 : rate) - 1);
}

static uint64_t periods_at(const struct cmos *c, uint32_t hz, uint64_t now_ns)
{
	return (uint64_t)((unsigned __int128)count_ns(c, now_ns) * hz /
			  DIS_S_NS);
}

/* Clock at which the count reaches @ns. */
static uint64_t clock_of(const struct cmos *c, unsigned __int128 ns)
{
	ns -= c->phase_ns;
	return ns > DIS_NEVER_NS ? DIS_NEVER_NS : (uint64_t)ns;
}

static uint64_t next_period_ns(const struct cmos *c, uint64_t now_ns)
{
	uint32_t hz = periodic_hz(c);
	unsigned __int128 ns;

	if (!hz)
		return DIS_NEVER_NS;
	ns = (unsigned __int128)(periods_at(c, hz, now_ns) + 1) * DIS_S_NS;
	return clock_of(c, (ns + hz - 1) / hz);
}

static uint64_t after_seconds_ns(const struct cmos *c, uint32_t seconds,
				 uint64_t now_ns)
{
	unsigned __int128 count = count_ns(c, now_ns) / DIS_S_NS;

	if (!c->runs || !seconds)
		return DIS_NEVER_NS;
	return clock_of(c, (count + seconds) * DIS_S_NS);
}

static uint64_t next_alarm_ns(const struct cmos *c, uint64_t now_ns)
{
	int64_t seconds = seconds_at(c, now_ns);

	return after_seconds_ns(c, rtc_calendar_until_alarm(seconds, c->regs),
				now_ns);
}

static void set_level(struct cmos *c)
{
	bool level = c->regs[RTC_C] & c->regs[RTC_B] & C_FLAGS;

	c->regs[RTC_C] &= C_FLAGS;
	if (level)
		c->regs[RTC_C] |= C_IRQF;
	if (level != c->level)
		irq_line_set(&c->config.irq, level);
	c->level = level;
}

/* Flags of all that happened since the last call. */
static void see(struct cmos *c, uint64_t now_ns)
{
	if (next_period_ns(c, c->seen_ns) <= now_ns)
		c->regs[RTC_C] |= B_PIE;
	if (after_seconds_ns(c, 1, c->seen_ns) <= now_ns)
		c->regs[RTC_C] |= B_UIE;
	if (next_alarm_ns(c, c->seen_ns) <= now_ns)
		c->regs[RTC_C] |= B_AIE;
	c->seen_ns = now_ns;
	set_level(c);
}

/* When the line rises, if it is low. */
static uint64_t next_rise_ns(const struct cmos *c)
{
	uint8_t enabled = c->regs[RTC_B];
	uint64_t due_ns = DIS_NEVER_NS;

	if (c->level)
		return DIS_NEVER_NS;
	if (enabled & B_PIE)
		due_ns = next_period_ns(c, c->seen_ns);
	if (enabled & B_UIE)
		due_ns = dis_ns_min(due_ns, after_seconds_ns(c, 1, c->seen_ns));
	if (enabled & B_AIE)
		due_ns = dis_ns_min(due_ns, next_alarm_ns(c, c->seen_ns));
	return due_ns;
}

/* After each change. @vcpu: whose it is. */
static void settle(struct cmos *c, unsigned vcpu)
{
	uint64_t before_ns = atomic_load(&c->due_ns);
	uint64_t due_ns;

	set_level(c);
	due_ns = next_rise_ns(c);
	atomic_store(&c->due_ns, due_ns);
	if (due_ns < before_ns && c->config.host.earlier)
		c->config.host.earlier(c->config.host.ctx, vcpu);
}

static void set_seconds(struct cmos *c, int64_t seconds, uint64_t now_ns)
{
	c->offset_s += seconds - seconds_at(c, now_ns);
}

/* Stops: from now on the registers are the time. */
static void hold(struct cmos *c, uint64_t now_ns)
{
	if (c->runs)
		rtc_calendar_encode(seconds_at(c, now_ns), c->dow_shift,
				    c->regs);
	c->runs = false;
}

/* Runs on from what the registers say, if nothing holds it. */
static void try_run(struct cmos *c, uint64_t now_ns)
{
	uint8_t dow = c->regs[RTC_DAY_OF_WEEK];
	int64_t seconds;

	if (c->runs || c->regs[RTC_B] & B_SET || !divider_runs(c) ||
	    !rtc_calendar_decode(c->regs, &seconds))
		return;
	set_seconds(c, seconds, now_ns);
	if (dow >= 1 && dow <= 7)
		c->dow_shift = rtc_calendar_dow_shift(seconds, dow);
	c->runs = true;
}

static void write_a(struct cmos *c, uint8_t val, uint64_t now_ns)
{
	bool ran = divider_runs(c);

	if ((val & A_DIVIDER_RESET) == A_DIVIDER_RESET)
		hold(c, now_ns);
	c->regs[RTC_A] = val & (uint8_t)~A_UIP;
	/* The first update comes half a second after the divider starts. */
	if (!ran && divider_runs(c))
		c->phase_ns =
			(DIS_S_NS + HALF_S_NS - now_ns % DIS_S_NS) % DIS_S_NS;
	try_run(c, now_ns);
}

static void write_b(struct cmos *c, uint8_t val, uint64_t now_ns)
{
	if (val & B_SET) {
		hold(c, now_ns);
		val &= (uint8_t)~B_UIE;
	}
	c->regs[RTC_B] = val;
	try_run(c, now_ns);
}

static void write_register(struct cmos *c, unsigned reg, uint8_t val,
			   uint64_t now_ns)
{
	switch (reg) {
	case RTC_A:
		write_a(c, val, now_ns);
		break;
	case RTC_B:
		write_b(c, val, now_ns);
		break;
	case RTC_C:
	case RTC_D:
		break; /* read only */
	default:
		if (is_time(reg))
			hold(c, now_ns);
		c->regs[reg] = val;
		if (is_time(reg))
			try_run(c, now_ns);
		break;
	}
}

static bool is_updating(const struct cmos *c, uint64_t now_ns)
{
	return c->runs &&
	       count_ns(c, now_ns) % DIS_S_NS >= DIS_S_NS - UPDATE_NS;
}

static uint8_t read_register(struct cmos *c, unsigned reg, uint64_t now_ns)
{
	uint8_t val;

	switch (reg) {
	case RTC_A:
		return c->regs[RTC_A] | (is_updating(c, now_ns) ? A_UIP : 0);
	case RTC_C:
		val = c->regs[RTC_C];
		c->regs[RTC_C] = 0;
		return val;
	case RTC_D:
		return D_VALID;
	default:
		if (is_time(reg) && c->runs)
			rtc_calendar_encode(seconds_at(c, now_ns), c->dow_shift,
					    c->regs);
		return c->regs[reg];
	}
}

/* Of one byte, which is all that a port has. The index cannot be read. */
static void access_port(struct cmos *c, struct io_access *a, unsigned i,
			uint64_t now_ns)
{
	unsigned port = (unsigned)a->offset + i;

	if (port == 0 && a->write)
		c->index = a->data[i] & INDEX_MASK;
	else if (port == 1 && a->write)
		write_register(c, c->index, a->data[i], now_ns);
	else if (port == 1)
		a->data[i] = read_register(c, c->index, now_ns);
	else if (!a->write)
		a->data[i] = 0xff;
}

/* A wider access goes to one port after the other. */
static enum io_action cmos_io(void *dev, struct io_access *a)
{
	struct cmos *c = dev;
	uint64_t now_ns;

	pthread_mutex_lock(&c->lock);
	now_ns = c->config.host.clock_ns();
	see(c, now_ns);
	for (unsigned i = 0; i < a->width; i++)
		access_port(c, a, i, now_ns);
	settle(c, a->vcpu);
	pthread_mutex_unlock(&c->lock);
	return IO_NONE;
}

const struct io_dev_ops cmos_ops = {.io = cmos_io};

int cmos_init(struct cmos *c, const struct cmos_config *config)
{
	memset(c, 0, sizeof(*c));
	c->config = *config;
	c->phase_ns = config->epoch_ns % DIS_S_NS;
	c->offset_s = (int64_t)(config->epoch_ns / DIS_S_NS);
	c->runs = true;
	c->regs[RTC_A] = A_START;
	c->regs[RTC_B] = RTC_B_24_HOURS;
	c->seen_ns = config->host.clock_ns();
	atomic_init(&c->due_ns, DIS_NEVER_NS);
	return -pthread_mutex_init(&c->lock, NULL);
}

void cmos_destroy(struct cmos *c)
{
	pthread_mutex_destroy(&c->lock);
}

static void put(struct cmos *c, unsigned reg, unsigned bytes, uint64_t val)
{
	for (unsigned i = 0; i < bytes; i++)
		c->regs[reg + i] = (uint8_t)(val >> 8 * i);
}

/* @bytes beyond @from in units of @unit, as far as 16 bits go. */
static uint64_t above(uint64_t bytes, uint64_t from, uint64_t unit)
{
	uint64_t units = bytes > from ? (bytes - from) / unit : 0;

	return units > UINT16_MAX ? UINT16_MAX : units;
}

void cmos_set_machine(struct cmos *c, uint64_t low_bytes, uint64_t high_bytes,
		      unsigned vcpus)
{
	uint64_t extended_kib = above(low_bytes, 1u << 20, 1u << 10);

	put(c, BASE_KIB, 2, 640);
	put(c, EXTENDED_KIB, 2, extended_kib);
	put(c, EXTENDED_KIB_TOO, 2, extended_kib);
	put(c, ABOVE_16_MIB, 2, above(low_bytes, 16u << 20, 64u << 10));
	put(c, ABOVE_4_GIB, 3, high_bytes >> 16);
	c->regs[BOOT_FLAG_1] = BOOT_NO_FLOPPY_CHECK;
	c->regs[BOOT_FLAG_2] = BOOT_DISK;
	c->regs[MORE_VCPUS] = (uint8_t)(vcpus - 1);
}

uint64_t cmos_expiry_ns(const struct cmos *c)
{
	const struct timer_host *host = &c->config.host;

	if (host->hears && !host->hears(host->ctx, c->config.irq.gsi))
		return DIS_NEVER_NS;
	return atomic_load(&c->due_ns);
}

void cmos_tick(struct cmos *c, uint64_t now_ns)
{
	pthread_mutex_lock(&c->lock);
	/* Not back, if the clock of another thread was read later. */
	if (now_ns > c->seen_ns) {
		see(c, now_ns);
		settle(c, 0);
	}
	pthread_mutex_unlock(&c->lock);
}
