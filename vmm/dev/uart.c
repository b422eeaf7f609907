/* SPDX-License-Identifier: Apache-2.0 */
/* 16550A UART; see uart.h. */
#include "uart.h"

#include <string.h>

enum {
	REG_DATA = 0, /* RBR, THR; DLL if DLAB */
	REG_IER = 1,  /* DLM if DLAB */
	REG_IIR_FCR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
};

#define IER_RX 0x01u
#define IER_THRE 0x02u
#define IER_LINE 0x04u
#define IER_MODEM 0x08u
#define IER_ALL 0x0fu

#define IIR_MODEM 0x00u
#define IIR_NONE 0x01u
#define IIR_THRE 0x02u
#define IIR_RX 0x04u
#define IIR_LINE 0x06u
#define IIR_RX_TIMEOUT 0x0cu
#define IIR_FIFO 0xc0u

#define FCR_ENABLE 0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_TRIGGER 0xc0u

#define LCR_DLAB 0x80u

#define MCR_DTR 0x01u
#define MCR_RTS 0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_ALL 0x1fu

#define LSR_DATA 0x01u
#define LSR_OVERRUN 0x02u
#define LSR_THRE 0x20u
#define LSR_TEMT 0x40u

#define MSR_CTS 0x10u
#define MSR_DSR 0x20u
#define MSR_RI 0x40u
#define MSR_DCD 0x80u
#define MSR_TERI 0x04u /* of the deltas: only RI's trailing edge counts */

/* 9600 baud; the guest sees it, nothing depends on it. */
#define DIVISOR_RESET 12u

static unsigned fifo_size(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart *u)
{
	static const uint8_t levels[] = {1, 4, 8, 14};

	/* With the FIFO off, fcr is 0. */
	return levels[u->fcr >> 6];
}

/* The most urgent pending and enabled interrupt, without the FIFO bits. */
static uint8_t pending(const struct uart *u)
{
	if (u->ier & IER_LINE && u->overrun)
		return IIR_LINE;
	if (u->ier & IER_RX && u->fifo_count)
		return u->fifo_count >= rx_trigger(u) ? IIR_RX : IIR_RX_TIMEOUT;
	if (u->ier & IER_THRE && u->thre_pending)
		return IIR_THRE;
	if (u->ier & IER_MODEM && u->msr_delta)
		return IIR_MODEM;
	return IIR_NONE;
}

/* To be called after each change. In loopback mode the pin OUT2 is inactive. */
static void update_irq(struct uart *u)
{
	bool gate = (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
	bool level = gate && pending(u) != IIR_NONE;

	if (level == u->irq_level)
		return;
	u->irq_level = level;
	if (u->config.irq)
		u->config.irq(u->config.ctx, level);
}

static void flush(struct uart *u)
{
	if (u->chunk_len && u->config.sink)
		u->config.sink(u->config.ctx, u->chunk, u->chunk_len);
	u->chunk_len = 0;
}

/* Whole lines go on at once; the rest waits for its end. */
static void send(struct uart *u, const uint8_t *data, size_t len)
{
	while (len) {
		size_t room = sizeof(u->chunk) - u->chunk_len;
		size_t part = len < room ? len : room;
		const uint8_t *newline = memrchr(data, '\n', part);

		if (newline)
			part = (size_t)(newline - data) + 1;
		memcpy(u->chunk + u->chunk_len, data, part);
		u->chunk_len += part;
		if (newline || u->chunk_len == sizeof(u->chunk))
			flush(u);
		data += part;
		len -= part;
	}
}

/* Overrun: a full FIFO keeps what it has, a lone RBR is overwritten. */
static void receive(struct uart *u, uint8_t byte)
{
	if (u->fifo_count >= fifo_size(u)) {
		u->overrun = true;
		if (u->fcr & FCR_ENABLE)
			return;
		u->fifo_count = 0;
	}
	u->fifo[(u->fifo_first + u->fifo_count++) % UART_FIFO_SIZE] = byte;
}

static uint8_t read_rbr(struct uart *u)
{
	uint8_t byte;

	/* Who waits for input has said what there was to say. */
	flush(u);
	if (!u->fifo_count)
		return 0;
	byte = u->fifo[u->fifo_first];
	u->fifo_first = (u->fifo_first + 1) % UART_FIFO_SIZE;
	u->fifo_count--;
	return byte;
}

/* The modem's outputs: a peer that is always ready, or our own, looped back. */
static uint8_t modem_lines(const struct uart *u)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (u->mcr & MCR_RTS ? MSR_CTS : 0) |
	       (u->mcr & MCR_DTR ? MSR_DSR : 0) |
	       (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
	       (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void write_mcr(struct uart *u, uint8_t val)
{
	uint8_t before = modem_lines(u), after, changed;

	u->mcr = val & MCR_ALL;
	after = modem_lines(u);
	changed = (before ^ after) >> 4;
	if (!(before & MSR_RI))
		changed &= (uint8_t)~MSR_TERI;
	u->msr_delta |= changed;
}

static void write_ier(struct uart *u, uint8_t val)
{
	/* The THR is empty: to enable its interrupt is to raise it. */
	if (val & IER_THRE && !(u->ier & IER_THRE))
		u->thre_pending = true;
	u->ier = val & IER_ALL;
}

static void write_fcr(struct uart *u, uint8_t val)
{
	if ((val ^ u->fcr) & FCR_ENABLE || val & FCR_CLEAR_RX)
		u->fifo_count = 0;
	/* The trigger level can only be set along with the enable bit. */
	u->fcr = val & FCR_ENABLE ? val & (FCR_ENABLE | FCR_TRIGGER) : 0;
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t id = pending(u);

	if (id == IIR_THRE)
		u->thre_pending = false;
	return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t lsr = LSR_THRE | LSR_TEMT;

	if (u->fifo_count)
		lsr |= LSR_DATA;
	if (u->overrun)
		lsr |= LSR_OVERRUN;
	u->overrun = false;
	return lsr;
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t msr = modem_lines(u) | u->msr_delta;

	u->msr_delta = 0;
	return msr;
}

static uint8_t read_register(struct uart *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		return dlab ? u->dll : read_rbr(u);
	case REG_IER:
		return dlab ? u->dlm : u->ier;
	case REG_IIR_FCR:
		return read_iir(u);
	case REG_LCR:
		return u->lcr;
	case REG_MCR:
		return u->mcr;
	case REG_LSR:
		return read_lsr(u);
	case REG_MSR:
		return read_msr(u);
	case REG_SCR:
		return u->scr;
	default:
		return 0xff;
	}
}

/* Sent at once: the THR is empty again before the guest can look. */
static void write_thr(struct uart *u, const uint8_t *data, size_t len)
{
	if (u->mcr & MCR_LOOP) {
		for (size_t i = 0; i < len; i++)
			receive(u, data[i]);
	} else {
		send(u, data, len);
	}
	u->thre_pending = true;
}

static void write_register(struct uart *u, unsigned reg, uint8_t val)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (dlab)
			u->dll = val;
		else
			write_thr(u, &val, 1);
		break;
	case REG_IER:
		if (dlab)
			u->dlm = val;
		else
			write_ier(u, val);
		break;
	case REG_IIR_FCR:
		write_fcr(u, val);
		break;
	case REG_LCR:
		u->lcr = val;
		break;
	case REG_MCR:
		write_mcr(u, val);
		break;
	case REG_SCR:
		u->scr = val;
		break;
	default:
		/* LSR and MSR: factory test, not for writing. */
		break;
	}
}

/* Text goes out by OUTSB: one lock and one copy for the whole string. */
static bool is_text(const struct uart *u, const struct io_access *a)
{
	return a->write && a->width == 1 && a->offset == REG_DATA &&
	       !(u->lcr & LCR_DLAB);
}

/*
 * The chip has 8 bits. Of a wider access it sees the lowest byte; the other
 * bytes of a read are ones.
 */
static void access_each(struct uart *u, const struct io_access *a)
{
	for (uint32_t i = 0; i < a->count; i++) {
		uint8_t *element = a->data + (size_t)i * a->width;

		if (a->write) {
			write_register(u, (unsigned)a->offset, *element);
			continue;
		}
		memset(element, 0xff, a->width);
		*element = read_register(u, (unsigned)a->offset);
	}
}

static enum io_action uart_io(void *dev, struct io_access *a)
{
	struct uart *u = dev;

	pthread_mutex_lock(&u->lock);
	if (is_text(u, a))
		write_thr(u, a->data, a->count);
	else
		access_each(u, a);
	update_irq(u);
	pthread_mutex_unlock(&u->lock);
	return IO_NONE;
}

const struct io_dev_ops uart_ops = {.io = uart_io, .strings = true};

int uart_init(struct uart *u, const struct uart_config *config)
{
	memset(u, 0, sizeof(*u));
	u->config = *config;
	u->dll = DIVISOR_RESET;
	return -pthread_mutex_init(&u->lock, NULL);
}

void uart_destroy(struct uart *u)
{
	flush(u);
	pthread_mutex_destroy(&u->lock);
}

size_t uart_input(struct uart *u, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t taken = 0;

	pthread_mutex_lock(&u->lock);
	/* In loopback mode the receiver's pin is disconnected. */
	while (taken < len && !(u->mcr & MCR_LOOP) &&
	       u->fifo_count < fifo_size(u))
		receive(u, bytes[taken++]);
	update_irq(u);
	pthread_mutex_unlock(&u->lock);
	return taken;
}

void uart_flush(struct uart *u)
{
	pthread_mutex_lock(&u->lock);
	flush(u);
	pthread_mutex_unlock(&u->lock);
}
