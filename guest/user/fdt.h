/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A reader of flattened device trees (Devicetree Specification, chapter 5).
 *
 * Place in the flow: fdt_machine.c walks the one tree of the guest with it.
 *
 * Invariant: nothing outside the blob is read, whatever it contains.
 * Freestanding, without state of its own.
 */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include <stdbool.h>
#include <stdint.h>

#define FDT_MAGIC 0xd00dfeedu

enum fdt_event {
	FDT_NODE,     /**< @name; @depth counts it, the root is 1 */
	FDT_PROPERTY, /**< @name, @value, @bytes */
	FDT_NODE_END, /**< @depth no longer counts it */
	FDT_DONE,     /**< the root was closed */
	FDT_BROKEN,
};

struct fdt {
	const uint8_t *structure;
	uint32_t structure_bytes;
	const char *strings;
	uint32_t strings_bytes;
	uint32_t at;
	uint32_t depth;
	bool closed;
	const char *name;
	const uint8_t *value;
	uint32_t bytes;
};

/**
 * fdt_open - check the header.
 * @blob: 4-byte aligned or not.
 * @bytes: readable at @blob.
 *
 * Return: false if this is no device tree of version 17 or compatible.
 */
bool fdt_open(struct fdt *fdt, const uint8_t *blob, uint32_t bytes);

/** Next event; @name and @value are valid while the blob is. */
enum fdt_event fdt_next(struct fdt *fdt);

/** The present property as one big-endian number of 4 or 8 bytes, else false. */
bool fdt_number(const struct fdt *fdt, uint64_t *out);

/** The present property's string, or NULL if it has no terminator. */
const char *fdt_string(const struct fdt *fdt);

uint32_t fdt_be32(const uint8_t *p);

#endif
