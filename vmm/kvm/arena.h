/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory of all guests in one mapping, cut into equal slots.
 *
 * Place in the flow: made before the first VM; slot i is the RAM of guest i.
 * One mapping, because the cost of creating a VM grows with the number of
 * mappings of the process. Pages appear when a guest or a loader touches them.
 * Locking: constant after arena_create().
 */
#ifndef DISVM_ARENA_H
#define DISVM_ARENA_H

#include <stddef.h>
#include <stdint.h>

/** @pages_fd: says which pages there are; -1: nobody does. */
struct arena {
	uint8_t *base;
	size_t slots;
	uint64_t slot_bytes;
	int pages_fd;
};

/** @slot_bytes: a multiple of 4 KiB. Return: 0, -ENOMEM, -EOVERFLOW. */
int arena_create(size_t slots, uint64_t slot_bytes, struct arena *out);
void arena_destroy(struct arena *arena);

/**
 * arena_bind - pages come from NUMA node @node < 1024 alone; before any is touched.
 * Return: 0, or the -errno of mbind(2): -EINVAL without such a node, -ENOSYS.
 */
int arena_bind(const struct arena *arena, unsigned node);

/** Memory of slot @i < slots; all zero until something is written. */
uint8_t *arena_slot(const struct arena *arena, size_t i);

/**
 * arena_release - give slot @i back: its pages to the host, and nothing of its
 * guest to the next one. No VM may have it as its memory.
 */
void arena_release(const struct arena *arena, size_t i);

/**
 * arena_clear - slot @i reads as zero again, for its next guest. As
 * arena_release(), but few pages are kept: giving any back takes a time that
 * grows with the number of VMs of the process, as each is told of it.
 */
void arena_clear(const struct arena *arena, size_t i);

#endif
