/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bus of one VM: which device answers which address. A machine has two, one
 * of I/O ports and one of memory-mapped registers.
 *
 * Place in the flow: the VM build adds devices; the exit decode fills a struct
 * io_access from KVM_EXIT_IO or KVM_EXIT_MMIO, calls io_bus_access() and acts on
 * what it returns.
 *
 * Invariant: ranges do not overlap. An address belongs to one device or to
 * nobody; nobody's reads give all ones and writes are dropped, as on a PC.
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
 * @addr: I/O port, or guest-physical address.
 * @data: @count elements of @width bytes, little endian, no alignment. Memory
 *        that the guest cannot change meanwhile. A read fills all of it.
 */
struct io_access {
	uint64_t addr;
	uint8_t width; /**< 1, 2, 4; 1 to 8 in memory space */
	bool write;
	uint32_t count;
	uint8_t *data;
	unsigned vcpu; /**< index of the vCPU that runs it */

	/** Set by the bus: @addr's place in the device's range. */
	uint64_t offset;

	/*
	 * Set by the device along with IO_BLOCK, IO_EXIT, IO_FAIL. An exit with
	 * code 0 and without a reason is a power-off.
	 */
	uint32_t exit_code;
	enum dis_reason reason;
	char text[IO_TEXT_SIZE]; /**< one line, without the vCPU */
};

/**
 * io: serve @a. Called on the thread of the vCPU, by several threads at once;
 *     must not block. It sees @width as the guest chose it and may see the
 *     guest reach beyond the range's end (a 32-bit access to its last port).
 *     In memory space @width may be 1 to 8, not only powers of two.
 * strings: the device serves all of @count itself; otherwise the bus calls it
 *     once for each element, with @count 1.
 */
struct io_dev_ops {
	enum io_action (*io)(void *dev, struct io_access *a);
	bool strings;
};

#define IO_BUS_RANGES 32
/* Most guests have no more; there can be thousands of them. */
#define IO_BUS_INLINE 8

struct io_range {
	uint64_t addr;
	uint64_t size;
	const struct io_dev_ops *ops;
	void *dev;
};

/** @end: of the addresses that there are. @more: those beyond the first. */
struct io_bus {
	uint64_t end;
	unsigned count;
	struct io_range first[IO_BUS_INLINE];
	struct io_range *more;
};

/** Ends of the two spaces; no processor has more physical addresses. */
#define IO_BUS_PORTS UINT64_C(0x10000)
#define IO_BUS_MEMORY (UINT64_C(1) << 52)

/** @end: IO_BUS_PORTS or IO_BUS_MEMORY. */
void io_bus_init(struct io_bus *bus, uint64_t end);
void io_bus_fini(struct io_bus *bus);

/**
 * io_bus_add - give @size addresses from @addr on to a device.
 * @dev: passed to ops->io; must live as long as the bus is used.
 *
 * Context: before any vCPU runs.
 * Return: 0; -EINVAL (no address, or beyond the end of the bus), -EEXIST (one is
 * taken), -ENOSPC (more than IO_BUS_RANGES) or -ENOMEM.
 */
int io_bus_add(struct io_bus *bus, uint64_t addr, uint64_t size,
	       const struct io_dev_ops *ops, void *dev);

/**
 * io_bus_access - find the device of the access's first address and let it serve.
 *
 * A string ends early at the first element that ends the VM.
 *
 * Context: any vCPU's thread.
 * Return: the weightiest action of all elements.
 */
enum io_action io_bus_access(const struct io_bus *bus, struct io_access *a);

/** The first element of @a, zero-extended; and the value that a read gives. */
uint64_t io_get(const struct io_access *a);
void io_put(struct io_access *a, uint64_t value);

/** Fill in @reason and a line of text; returns IO_FAIL. */
enum io_action io_fail(struct io_access *a, enum dis_reason reason,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
