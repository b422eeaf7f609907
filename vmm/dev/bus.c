/* SPDX-License-Identifier: Apache-2.0 */
/* Bus of ports or of memory-mapped registers; see bus.h. */
#include "bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void io_bus_init(struct io_bus *bus, uint64_t end)
{
	memset(bus, 0, sizeof(*bus));
	bus->end = end;
}

int io_bus_add(struct io_bus *bus, uint64_t addr, uint64_t size,
	       const struct io_dev_ops *ops, void *dev)
{
	if (size == 0 || addr >= bus->end || size > bus->end - addr)
		return -EINVAL;
	for (unsigned i = 0; i < bus->count; i++) {
		const struct io_range *r = &bus->ranges[i];

		if (addr < r->addr + r->size && r->addr < addr + size)
			return -EEXIST;
	}
	if (bus->count == IO_BUS_RANGES)
		return -ENOSPC;
	bus->ranges[bus->count++] = (struct io_range){
		.addr = addr,
		.size = size,
		.ops = ops,
		.dev = dev,
	};
	return 0;
}

static const struct io_range *find(const struct io_bus *bus, uint64_t addr)
{
	for (unsigned i = 0; i < bus->count; i++) {
		const struct io_range *r = &bus->ranges[i];

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
