/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Port I/O bus of one VM: which device answers which port.
 *
 * Place in the flow: the VM build adds devices; the exit decode fills a struct
 * io_access from KVM_EXIT_IO, calls io_bus_access() and acts on what it returns.
 *
 * Invariant: ranges do not overlap. A port belongs to one device or to nobody;
 * nobody's reads give all ones and writes are dropped, as on a PC.
 *
 * Locking: none. The table is built before vCPUs run and constant afterwards,
 * so any number of vCPUs may call io_bus_access() at once; each device says how
 * it guards its own state.
 */
#ifndef DISVM_BUS_H
#define DISVM_BUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <dis/types.h>

/** What the vCPU's executor has to do next; in order of weight. */
enum io_action {
	IO_NONE,  /**< enter the guest again */
	IO_YIELD, /**< the vCPU gives up its core and stays runnable */
	IO_BLOCK, /**< the vCPU waits for a wake, because of @reason */
	IO_EXIT,  /**< the VM ended itself with @exit_code */
	IO_FAIL,  /**< the VM failed for @reason, told in @text */
};

#define IO_TEXT_SIZE 96

/**
 * One access, or a string of @count accesses to the same port (INS, OUTS).
 *
 * @data: @count elements of @width bytes, little endian, no alignment. Memory
 *        that the guest cannot change meanwhile. A read fills all of it.
 */
struct io_access {
	uint16_t port;
	uint8_t width; /**< 1, 2 or 4 */
	bool write;
	uint32_t count;
	uint8_t *data;
	unsigned vcpu; /**< index of the vCPU that runs it */

	/** Set by the bus: @port's place in the device's range. */
	uint16_t offset;

	/* Set by the device along with IO_BLOCK, IO_EXIT, IO_FAIL. */
	uint32_t exit_code;
	enum dis_reason reason;
	char text[IO_TEXT_SIZE]; /**< one line, without the vCPU */
};

/**
 * io: serve @a. Called on the thread of the vCPU, by several threads at once;
 *     must not block. It sees @width as the guest chose it and may see the
 *     guest reach beyond the range's end (a 32-bit access to its last port).
 * strings: the device serves all of @count itself; otherwise the bus calls it
 *     once for each element, with @count 1.
 */
struct io_dev_ops {
	enum io_action (*io)(void *dev, struct io_access *a);
	bool strings;
};

#define IO_BUS_RANGES 16

struct io_range {
	uint16_t port;
	uint16_t ports;
	const struct io_dev_ops *ops;
	void *dev;
};

struct io_bus {
	struct io_range ranges[IO_BUS_RANGES];
	unsigned count;
};

void io_bus_init(struct io_bus *bus);

/**
 * io_bus_add - give @ports ports from @port on to a device.
 * @dev: passed to ops->io; must live as long as the bus is used.
 *
 * Context: before any vCPU runs.
 * Return: 0; -EINVAL (no port, or beyond 0xffff), -EEXIST (a port is taken) or
 * -ENOSPC (more than IO_BUS_RANGES).
 */
int io_bus_add(struct io_bus *bus, uint16_t port, uint32_t ports,
	       const struct io_dev_ops *ops, void *dev);

/**
 * io_bus_access - find the device of the access's first port and let it serve.
 *
 * A string ends early at the first element that ends the VM.
 *
 * Context: any vCPU's thread.
 * Return: the weightiest action of all elements.
 */
enum io_action io_bus_access(const struct io_bus *bus, struct io_access *a);

/** The first element of @a, zero-extended; and the value that a read gives. */
uint32_t io_get(const struct io_access *a);
void io_put(struct io_access *a, uint32_t value);

/** Fill in @reason and a line of text; returns IO_FAIL. */
enum io_action io_fail(struct io_access *a, enum dis_reason reason,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
