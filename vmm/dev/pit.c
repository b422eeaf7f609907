/* SPDX-License-Identifier: Apache-2.0 */
/* The 8254 of a PC; see pit.h. */
#include "pit.h"

#include <string.h>

#include <dis/types.h>

#define REG_CONTROL 3u

/* The control word. */
#define SELECT_SHIFT 6u
#define SELECT_READ_BACK 3u
#define ACCESS_MASK 0x30u
#define READ_BACK_NO_COUNT 0x20u
#define READ_BACK_NO_STATUS 0x10u

#define PORT_B_GATE 0x01u
#define PORT_B_WRITABLE 0x0fu
#define PORT_B_REFRESH 0x10u
#define PORT_B_OUT 0x20u

#define GATED 2u
#define REFRESH_TICKS 18u

/*
 * The clock is a third of NTSC's colour carrier, 105/88 MHz. Ticks start high, so
 * that one can go back a period from any of them.
 */
#define TICKS_START (UINT64_C(1) << 32)
#define TICKS_NUM 21u
#define TICKS_DEN_NS 17600u

static uint64_t tick_of(uint64_t ns)
{
	return TICKS_START +
	       (uint64_t)((unsigned __int128)ns * TICKS_NUM / TICKS_DEN_NS);
}

/* The first nanosecond that belongs to @tick. */
static uint64_t ns_of(uint64_t tick)
{
	unsigned __int128 ns;

	if (tick == PIT_TICK_NEVER)
		return DIS_NEVER_NS;
	ns = (unsigned __int128)(tick - TICKS_START) * TICKS_DEN_NS;
	ns = (ns + TICKS_NUM - 1u) / TICKS_NUM;
	return ns > DIS_NEVER_NS ? DIS_NEVER_NS : (uint64_t)ns;
}

static void set_level(struct pit *p, bool level)
{
	if (level != p->level)
		irq_line_set(&p->config.irq, level);
	p->level = level;
}

/* Tells what counter 0 did since the last call; then its output may change. */
static void see(struct pit *p, uint64_t tick)
{
	if (pit_counter_next_rise(&p->counters[0], p->seen) <= tick) {
		set_level(p, false);
		set_level(p, true);
	}
	p->seen = tick;
}

/* After each change. @vcpu: whose it is. */
static void arm(struct pit *p, uint64_t tick, unsigned vcpu)
{
	uint64_t before_ns = atomic_load(&p->due_ns);
	uint64_t due_ns = ns_of(pit_counter_next_rise(&p->counters[0], tick));

	atomic_store(&p->due_ns, due_ns);
	if (due_ns < before_ns && p->config.host.earlier)
		p->config.host.earlier(p->config.host.ctx, vcpu);
}

static void read_back(struct pit *p, uint8_t val, uint64_t tick)
{
	for (unsigned i = 0; i < PIT_COUNTERS; i++) {
		if (!(val >> (i + 1u) & 1u))
			continue;
		if (!(val & READ_BACK_NO_COUNT))
			pit_counter_latch(&p->counters[i], tick);
		if (!(val & READ_BACK_NO_STATUS))
			pit_counter_latch_status(&p->counters[i], tick);
	}
}

static void write_control(struct pit *p, uint8_t val, uint64_t tick)
{
	unsigned select = val >> SELECT_SHIFT;

	if (select == SELECT_READ_BACK)
		read_back(p, val, tick);
	else if (!(val & ACCESS_MASK))
		pit_counter_latch(&p->counters[select], tick);
	else
		pit_counter_control(&p->counters[select], val);
}

/* The chip has 8 bits: of a wider access it sees the lowest byte. */
static enum io_action pit_io(void *dev, struct io_access *a)
{
	struct pit *p = dev;
	unsigned reg = (unsigned)a->offset;
	uint64_t tick;

	pthread_mutex_lock(&p->lock);
	tick = tick_of(p->config.host.clock_ns());
	see(p, tick);
	if (!a->write) {
		memset(a->data, 0xff, a->width);
		if (reg != REG_CONTROL)
			a->data[0] = pit_counter_read(&p->counters[reg], tick);
	} else if (reg == REG_CONTROL) {
		write_control(p, a->data[0], tick);
	} else {
		pit_counter_write(&p->counters[reg], a->data[0], tick);
	}
	set_level(p, pit_counter_out(&p->counters[0], tick));
	arm(p, tick, a->vcpu);
	pthread_mutex_unlock(&p->lock);
	return IO_NONE;
}

const struct io_dev_ops pit_ops = {.io = pit_io};

static uint8_t read_port_b(const struct pit *p, uint64_t tick)
{
	uint8_t val = p->port_b;

	if (tick / REFRESH_TICKS & 1u)
		val |= PORT_B_REFRESH;
	if (pit_counter_out(&p->counters[GATED], tick))
		val |= PORT_B_OUT;
	return val;
}

static enum io_action port_b_io(void *dev, struct io_access *a)
{
	struct pit *p = dev;
	uint64_t tick;

	pthread_mutex_lock(&p->lock);
	tick = tick_of(p->config.host.clock_ns());
	if (a->write) {
		p->port_b = a->data[0] & PORT_B_WRITABLE;
		pit_counter_set_gate(&p->counters[GATED],
				     p->port_b & PORT_B_GATE, tick);
	} else {
		memset(a->data, 0xff, a->width);
		a->data[0] = read_port_b(p, tick);
	}
	pthread_mutex_unlock(&p->lock);
	return IO_NONE;
}

const struct io_dev_ops pit_port_b_ops = {.io = port_b_io};

int pit_init(struct pit *p, const struct pit_config *config)
{
	memset(p, 0, sizeof(*p));
	p->config = *config;
	for (unsigned i = 0; i < PIT_COUNTERS; i++)
		pit_counter_init(&p->counters[i], i != GATED);
	atomic_init(&p->due_ns, DIS_NEVER_NS);
	p->seen = tick_of(config->host.clock_ns());
	return -pthread_mutex_init(&p->lock, NULL);
}

void pit_destroy(struct pit *p)
{
	pthread_mutex_destroy(&p->lock);
}

uint64_t pit_expiry_ns(const struct pit *p)
{
	const struct timer_host *host = &p->config.host;

	if (host->hears && !host->hears(host->ctx, p->config.irq.gsi))
		return DIS_NEVER_NS;
	return atomic_load(&p->due_ns);
}

void pit_tick(struct pit *p, uint64_t now_ns)
{
	uint64_t tick = tick_of(now_ns);

	pthread_mutex_lock(&p->lock);
	/* Not back, if the clock of another thread was read later. */
	if (tick > p->seen) {
		/*
		 * The output may be low again already. That is left to be seen
		 * in an access: a vCPU that was kept from running, which no
		 * processor is, shall not lose the interrupt.
		 */
		see(p, tick);
		arm(p, tick, 0);
	}
	pthread_mutex_unlock(&p->lock);
}
