/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Fixed slab of equal objects with generation IDs (R: DIS-1, MEM-1).
 *
 * Place in the flow: under the domain, which has one for VMs and one for vCPUs.
 * Invariant: an ID is generation << 32 | (index + 1); a slot's generation rises
 * with each allocation, so an ID never comes back and a stale one never matches.
 * Everything is allocated at creation.
 * Locking: alloc and free under the domain's mutex; slab_get() from anywhere.
 */
#ifndef DIS_SLAB_H
#define DIS_SLAB_H

#include <dis/types.h>

/** Alignment of the first object; of all if their size is a multiple. */
#define SLAB_ALIGN ((size_t)64)

struct slab {
	unsigned capacity;
	unsigned used; /* live, or retired */
	size_t object_size;
	unsigned char *objects;
	uint32_t *generations; /* odd while allocated; atomic */
	uint32_t *free_next;   /* free list by index, LIFO */
	uint32_t free_head;    /* capacity = empty */
};

/** Return: 0 or -ENOMEM. */
int slab_init(struct slab *slab, unsigned capacity, size_t object_size);
void slab_fini(struct slab *slab);

/**
 * Takes a slot, zeroed. Return: its ID, or DIS_ID_NONE when full. A slot whose
 * generations are used up is retired for good and counts as used: `used` below
 * `capacity` is a promise.
 */
dis_id slab_alloc(struct slab *slab);

/** @id must be live. */
void slab_free(struct slab *slab, dis_id id);

/** The object, or NULL for an ID that is invalid or stale. */
void *slab_get(const struct slab *slab, dis_id id);

/** Slot by index whether live or not; @index < capacity. */
void *slab_at(const struct slab *slab, unsigned index);

/** ID of the live object in slot @index, or DIS_ID_NONE. */
dis_id slab_id_at(const struct slab *slab, unsigned index);

#endif
