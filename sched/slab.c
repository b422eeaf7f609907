/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed slab with generation IDs; see slab.h. */
#include "slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <dis/assert.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

static uint32_t id_index(dis_id id)
{
	return (uint32_t)id - 1u;
}

static uint32_t id_generation(dis_id id)
{
	return (uint32_t)(id >> 32);
}

/*
 * Each dispatch of one of thousands would miss the TLB as well as the cache, and
 * in a virtual machine a walk is dear: in huge pages, if there are any.
 */
static unsigned char *objects_alloc(size_t bytes)
{
	size_t align = bytes < HUGE_PAGE_BYTES ? SLAB_ALIGN : HUGE_PAGE_BYTES;
	unsigned char *objects;

	bytes = (bytes + align - 1) & ~(align - 1);
	objects = aligned_alloc(align, bytes);
	if (objects && align == HUGE_PAGE_BYTES)
		madvise(objects, bytes, MADV_HUGEPAGE);
	return objects;
}

int slab_init(struct slab *slab, unsigned capacity, size_t object_size)
{
	*slab = (struct slab){.capacity = capacity, .object_size = object_size};
	/* Each is zeroed when it is allocated. */
	slab->objects = objects_alloc(capacity * object_size);
	slab->generations = calloc(capacity, sizeof(*slab->generations));
	slab->free_next = calloc(capacity, sizeof(*slab->free_next));
	if (!slab->objects || !slab->generations || !slab->free_next) {
		slab_fini(slab);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < capacity; i++)
		slab->free_next[i] = i + 1u;
	return 0;
}

void slab_fini(struct slab *slab)
{
	free(slab->objects);
	free(slab->generations);
	free(slab->free_next);
	*slab = (struct slab){0};
}

dis_id slab_alloc(struct slab *slab)
{
	uint32_t index = slab->free_head;
	uint32_t generation;

	if (index == slab->capacity)
		return DIS_ID_NONE;
	slab->free_head = slab->free_next[index];
	slab->used++;
	memset(slab_at(slab, index), 0, slab->object_size);
	generation = slab->generations[index] + 1u;
	__atomic_store_n(&slab->generations[index], generation,
			 __ATOMIC_RELEASE);
	DIS_ASSERT(generation % 2u == 1u);
	return (dis_id)generation << 32 | (index + 1u);
}

void slab_free(struct slab *slab, dis_id id)
{
	uint32_t index = id_index(id);
	uint32_t generation;

	DIS_ASSERT(slab_get(slab, id));
	generation = id_generation(id) + 1u;
	__atomic_store_n(&slab->generations[index], generation,
			 __ATOMIC_RELEASE);
	if (generation == UINT32_MAX - 1u)
		return; /* the next generations would repeat: stays used */
	slab->used--;
	slab->free_next[index] = slab->free_head;
	slab->free_head = index;
}

void *slab_get(const struct slab *slab, dis_id id)
{
	uint32_t index = id_index(id);
	uint32_t generation = id_generation(id);

	if (id == DIS_ID_NONE || index >= slab->capacity ||
	    generation % 2u == 0u)
		return NULL;
	if (__atomic_load_n(&slab->generations[index], __ATOMIC_ACQUIRE) !=
	    generation)
		return NULL;
	return slab_at(slab, index);
}

void *slab_at(const struct slab *slab, unsigned index)
{
	DIS_ASSERT(index < slab->capacity);
	return slab->objects + (size_t)index * slab->object_size;
}

dis_id slab_id_at(const struct slab *slab, unsigned index)
{
	uint32_t generation =
		__atomic_load_n(&slab->generations[index], __ATOMIC_ACQUIRE);

	if (generation % 2u == 0u)
		return DIS_ID_NONE;
	return (dis_id)generation << 32 | (index + 1u);
}
