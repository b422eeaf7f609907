/* SPDX-License-Identifier: Apache-2.0 */
/* Bus of ports or of memory-mapped registers; see bus.h. */
#include "bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void io_bus_init(struct io_bus *bus, uint64_t end)
{
	memset(bus, 0, sizeof(*bus));
	bus->end = end;
}

void io_bus_fini(struct io_bus *bus)
{
	free(bus->more);
	bus->more = NULL;
	bus->count = 0;
}

static const struct io_range *range_at(const struct io_bus *bus, unsigned i)
{
	return i < IO_BUS_INLINE ? &bus->first[i]
				 : &bus->more[i - IO_BUS_INLINE];
}

/* Return: room for one more, or NULL without memory. */
static struct io_range *next_range(struct io_bus *bus)
{
	unsigned beyond = bus->count - IO_BUS_INLINE;
	struct io_range *more;

	if (bus->count < IO_BUS_INLINE)
		return &bus->first[bus->count];
	more = reallocarray(bus->more, beyond + 1, sizeof(*more));
	if (!more)
		return NULL;
	bus->more = more;
	return &more[beyond];
}

int io_bus_add(struct io_bus *bus, uint64_t addr, uint64_t size,
	       const struct io_dev_ops *ops, void *dev)
{
	struct io_range *range;

	if (size == 0 || addr >= bus->end || size > bus->end - addr)
		return -EINVAL;
	for (unsigned i = 0; i < bus->count; i++) {
		const struct io_range *r = range_at(bus, i);

		if (addr < r->addr + r->size && r->addr < addr + size)
			return -EEXIST;
	}
	if (bus->count == IO_BUS_RANGES)
		return -ENOSPC;
	range = next_range(bus);
	if (!range)
		return -ENOMEM;
	*range = (struct io_range){
		.addr = addr,
		.size = size,
		.ops = ops,
		.dev = dev,
	};
	bus->count++;
	return 0;
}

static const struct io_range *find(const struct io_bus *bus, uint64_t addr)
{
	for (unsigned i = 0; i < bus->count; i++) {
		const struct io_range *r = range_at(bus, i);

		if (addr >= r->addr && addr - r->addr < r->size)
			return r;
	}
	return NULL;
}

static enum io_action each_element(const struct io_range *r, struct io_access *a)
{
	enum io_action action = IO_NONE;
	uint8_t *data = a->data;
	uint32_t count = a->count;

	a->count = 1;
	for (uint32_t i = 0; i < count && action < IO_EXIT; i++) {
		enum io_action next;

		a->data = data + (size_t)i * a->width;
		next = r->ops->io(r->dev, a);
		if (next > action)
			action = next;
	}
	a->data = data;
	a->count = count;
	return action;
}

enum io_action io_bus_access(const struct io_bus *bus, struct io_access *a)
{
	const struct io_range *r = find(bus, a->addr);

	if (!r) {
		if (!a->write)
			memset(a->data, 0xff, (size_t)a->count * a->width);
		return IO_NONE;
	}
	a->offset = a->addr - r->addr;
	if (a->count == 1 || r->ops->strings)
		return r->ops->io(r->dev, a);
	return each_element(r, a);
}

uint64_t io_get(const struct io_access *a)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < a->width; i++)
		value |= (uint64_t)a->data[i] << (8 * i);
	return value;
}

void io_put(struct io_access *a, uint64_t value)
{
	for (unsigned i = 0; i < a->width; i++)
		a->data[i] = (uint8_t)(value >> (8 * i));
}

enum io_action io_fail(struct io_access *a, enum dis_reason reason,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->text, sizeof(a->text), format, args);
	va_end(args);
	a->reason = reason;
	return IO_FAIL;
}
