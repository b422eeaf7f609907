/* SPDX-License-Identifier: Apache-2.0 */
/* The port of the firmware's log; see debug_port.h. */
#include "debug_port.h"

#include <string.h>

#define SOMEBODY_READS 0xe9u

static void flush(struct debug_port *d)
{
	if (d->len)
		d->sink(d->ctx, d->line, d->len);
	d->len = 0;
}

static void put(struct debug_port *d, uint8_t byte)
{
	d->line[d->len++] = byte;
	if (byte == '\n' || d->len == sizeof(d->line))
		flush(d);
}

/* A byte: of a wider access it sees the lowest one. */
static enum io_action debug_port_io(void *dev, struct io_access *a)
{
	struct debug_port *d = dev;

	pthread_mutex_lock(&d->lock);
	for (uint32_t i = 0; i < a->count; i++) {
		uint8_t *element = a->data + (size_t)i * a->width;

		if (a->write) {
			put(d, *element);
			continue;
		}
		memset(element, 0xff, a->width);
		*element = SOMEBODY_READS;
	}
	pthread_mutex_unlock(&d->lock);
	return IO_NONE;
}

const struct io_dev_ops debug_port_ops = {.io = debug_port_io, .strings = true};

int debug_port_init(struct debug_port *d,
		    void (*sink)(void *ctx, const void *data, size_t len),
		    void *ctx)
{
	memset(d, 0, sizeof(*d));
	d->sink = sink;
	d->ctx = ctx;
	return -pthread_mutex_init(&d->lock, NULL);
}

void debug_port_destroy(struct debug_port *d)
{
	flush(d);
	pthread_mutex_destroy(&d->lock);
}
