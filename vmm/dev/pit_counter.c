/* SPDX-License-Identifier: Apache-2.0 */
/* One counter of an 8254; see pit_counter.h. */
#include "pit_counter.h"

#define CONTROL_BCD 0x01u
#define CONTROL_BITS 0x3fu

enum {
	ACCESS_LOW = 1,
	ACCESS_HIGH = 2,
	ACCESS_BOTH = 3,
};

#define STATUS_OUT 0x80u
#define STATUS_NULL 0x40u

enum {
	MODE_INTERRUPT = 0,
	MODE_ONE_SHOT = 1,
	MODE_RATE = 2,
	MODE_SQUARE = 3,
	MODE_STROBE = 4,
	MODE_HARDWARE_STROBE = 5,
};

static unsigned mode_of(const struct pit_counter *c)
{
	unsigned mode = c->control >> 1 & 7u;

	/* The highest bit counts for modes 4 and 5 alone. */
	return mode > MODE_HARDWARE_STROBE ? mode - 4u : mode;
}

static unsigned access_of(const struct pit_counter *c)
{
	return c->control >> 4 & 3u;
}

static bool is_periodic(const struct pit_counter *c)
{
	return mode_of(c) == MODE_RATE || mode_of(c) == MODE_SQUARE;
}

static bool is_triggered(const struct pit_counter *c)
{
	return mode_of(c) == MODE_ONE_SHOT ||
	       mode_of(c) == MODE_HARDWARE_STROBE;
}

static bool is_bcd(const struct pit_counter *c)
{
	return c->control & CONTROL_BCD;
}

/* Where the counter wraps. */
static uint32_t base_of(const struct pit_counter *c)
{
	return is_bcd(c) ? 10000u : 65536u;
}

static uint32_t from_register(const struct pit_counter *c, uint16_t val)
{
	uint32_t count = val;

	if (is_bcd(c))
		count = (val >> 12) * 1000u + (val >> 8 & 0xfu) * 100u +
			(val >> 4 & 0xfu) * 10u + (val & 0xfu);
	return count ? count : base_of(c);
}

static uint16_t to_register(const struct pit_counter *c, uint32_t count)
{
	count %= base_of(c);
	if (!is_bcd(c))
		return (uint16_t)count;
	return (uint16_t)(count / 1000u << 12 | count / 100u % 10u << 8 |
			  count / 10u % 10u << 4 | count % 10u);
}

/* Ticks since the count was loaded; 0 also for the one before it is. */
static uint64_t elapsed(const struct pit_counter *c, uint64_t tick)
{
	if (c->state == PIT_STOPPED)
		return c->at;
	return c->state == PIT_RUNS && tick > c->at ? tick - c->at : 0;
}

/* Ticks of a square wave's high half; the low one has the rest. */
static uint32_t high_half(uint32_t count)
{
	return (count + 1u) / 2u;
}

/* The waiting count comes in at the end of a period, in mode 3 of a half. */
static void load_next(struct pit_counter *c)
{
	uint64_t into = c->next_at - c->at;

	c->at = c->next_at;
	if (mode_of(c) == MODE_SQUARE && into % c->count)
		c->at -= high_half(c->next);
	c->count = c->next;
	c->next = 0;
}

/* As it is at @tick. */
static struct pit_counter synced(const struct pit_counter *c, uint64_t tick)
{
	struct pit_counter now = *c;

	if (now.next && now.state == PIT_RUNS && tick >= now.next_at)
		load_next(&now);
	return now;
}

static void sync(struct pit_counter *c, uint64_t tick)
{
	*c = synced(c, tick);
}

/* When a count that is written at @tick is loaded by a running counter. */
static uint64_t end_of_period(const struct pit_counter *c, uint64_t tick)
{
	uint64_t gone = elapsed(c, tick) + 1u;
	uint64_t full = gone / c->count * c->count;
	uint64_t part = gone % c->count;

	if (!part)
		return c->at + full;
	if (mode_of(c) == MODE_SQUARE && part <= high_half(c->count))
		return c->at + full + high_half(c->count);
	return c->at + full + c->count;
}

/* @count is loaded with the next tick; until then the output is as it was. */
static void start(struct pit_counter *c, uint32_t count, uint64_t tick)
{
	/* Mode 0 goes low at once. */
	c->before = mode_of(c) != MODE_INTERRUPT && pit_counter_out(c, tick);
	c->state = PIT_RUNS;
	c->count = count;
	c->next = 0;
	c->at = tick + 1u;
}

static void set_count(struct pit_counter *c, uint32_t count, uint64_t tick)
{
	if (is_triggered(c)) {
		/* What runs goes on until the trigger. */
		c->next = count;
		c->next_at = PIT_TICK_NEVER;
		if (c->state == PIT_EMPTY)
			c->state = PIT_ARMED;
		return;
	}
	if (is_periodic(c) && c->state == PIT_RUNS) {
		c->next_at = end_of_period(c, tick);
		c->next = count;
		return;
	}
	if (c->gate) {
		start(c, count, tick);
		return;
	}
	c->count = count;
	c->next = 0;
	c->state = is_periodic(c) ? PIT_ARMED : PIT_STOPPED;
	c->at = 0;
}

void pit_counter_init(struct pit_counter *c, bool gate)
{
	*c = (struct pit_counter){.gate = gate, .control = ACCESS_BOTH << 4};
}

void pit_counter_control(struct pit_counter *c, uint8_t control)
{
	*c = (struct pit_counter){.gate = c->gate,
				  .control = control & CONTROL_BITS};
}

/* Contents of the counting element. */
static uint32_t contents(const struct pit_counter *c, uint64_t tick)
{
	uint64_t gone = elapsed(c, tick);
	uint32_t base = base_of(c);
	uint32_t part;

	if (c->state == PIT_EMPTY || !c->count)
		return 0;
	if (!is_periodic(c))
		return (c->count % base + base - (uint32_t)(gone % base)) %
		       base;
	part = (uint32_t)(gone % c->count);
	if (mode_of(c) == MODE_RATE)
		return c->count - part;
	/* Counts down by two in each half; an odd count begins one below. */
	if (part >= high_half(c->count))
		part -= high_half(c->count);
	return (c->count & ~1u) - 2u * part;
}

bool pit_counter_out(const struct pit_counter *c, uint64_t tick)
{
	struct pit_counter now = synced(c, tick);
	uint64_t gone = elapsed(&now, tick);
	bool counts = now.state == PIT_RUNS;

	if (counts && tick < now.at)
		return now.before;
	switch (mode_of(&now)) {
	case MODE_INTERRUPT:
		return now.state != PIT_EMPTY && gone >= now.count;
	case MODE_ONE_SHOT:
		return !counts || gone >= now.count;
	case MODE_RATE:
		return !counts || gone % now.count != now.count - 1u;
	case MODE_SQUARE:
		return !counts || gone % now.count < high_half(now.count);
	default:
		return !counts || gone != now.count;
	}
}

/* Ticks after the load at which the output rises, the first after @gone. */
static uint64_t rise_after(const struct pit_counter *c, uint64_t gone)
{
	uint64_t once = c->count;

	if (is_periodic(c)) {
		if (c->count == 1)
			return PIT_TICK_NEVER;
		return (gone / c->count + 1u) * c->count;
	}
	/* The strobe is low for one tick. */
	if (mode_of(c) >= MODE_STROBE)
		once++;
	return once > gone ? once : PIT_TICK_NEVER;
}

uint64_t pit_counter_next_rise(const struct pit_counter *c, uint64_t tick)
{
	struct pit_counter now = synced(c, tick);
	uint64_t rise;

	if (now.state != PIT_RUNS)
		return PIT_TICK_NEVER;
	rise = rise_after(&now, elapsed(&now, tick));
	if (rise != PIT_TICK_NEVER)
		rise += now.at;
	if (!now.next || rise <= now.next_at)
		return rise;
	/* In between another count takes over, at a fall of the output. */
	tick = now.next_at;
	load_next(&now);
	rise = rise_after(&now, elapsed(&now, tick));
	return rise == PIT_TICK_NEVER ? rise : rise + now.at;
}

void pit_counter_latch(struct pit_counter *c, uint64_t tick)
{
	if (c->latched)
		return;
	sync(c, tick);
	c->latched = true;
	c->latch = to_register(c, contents(c, tick));
}

void pit_counter_latch_status(struct pit_counter *c, uint64_t tick)
{
	if (c->status_latched)
		return;
	sync(c, tick);
	c->status_latched = true;
	c->latch_status = c->control;
	if (pit_counter_out(c, tick))
		c->latch_status |= STATUS_OUT;
	if (c->next || c->state == PIT_EMPTY ||
	    (c->state == PIT_RUNS && tick < c->at))
		c->latch_status |= STATUS_NULL;
}

uint8_t pit_counter_read(struct pit_counter *c, uint64_t tick)
{
	uint16_t val = c->latch;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->latch_status;
	}
	sync(c, tick);
	if (!c->latched)
		val = to_register(c, contents(c, tick));
	high = access_of(c) == ACCESS_HIGH || c->reads_high;
	if (access_of(c) == ACCESS_BOTH)
		c->reads_high = !high;
	/* The latch is free once all of it was read. */
	if (access_of(c) != ACCESS_BOTH || high)
		c->latched = false;
	return high ? (uint8_t)(val >> 8) : (uint8_t)val;
}

void pit_counter_write(struct pit_counter *c, uint8_t val, uint64_t tick)
{
	uint16_t written = val;

	sync(c, tick);
	if (access_of(c) == ACCESS_HIGH)
		written = (uint16_t)(val << 8);
	if (access_of(c) == ACCESS_BOTH && !c->has_low) {
		c->low = val;
		c->has_low = true;
		/* Mode 0 stops until the second byte. */
		if (mode_of(c) == MODE_INTERRUPT)
			c->state = PIT_EMPTY;
		return;
	}
	if (c->has_low)
		written = (uint16_t)(val << 8 | c->low);
	c->has_low = false;
	set_count(c, from_register(c, written), tick);
}

/* A rise of the gate. */
static void trigger(struct pit_counter *c, uint64_t tick)
{
	uint32_t count = c->next ? c->next : c->count;

	if (count)
		start(c, count, tick);
}

void pit_counter_set_gate(struct pit_counter *c, bool gate, uint64_t tick)
{
	bool rises = gate && !c->gate;

	sync(c, tick);
	if (gate == c->gate)
		return;
	c->gate = gate;
	if (c->state == PIT_EMPTY)
		return;
	if (is_periodic(c)) {
		if (rises)
			trigger(c, tick);
		else
			c->state = PIT_ARMED;
	} else if (is_triggered(c)) {
		if (rises)
			trigger(c, tick);
	} else if (!rises) {
		c->at = elapsed(c, tick);
		c->state = PIT_STOPPED;
	} else {
		c->state = PIT_RUNS;
		c->at = tick - c->at;
	}
}
