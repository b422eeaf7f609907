/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of all guests; see arena.h. */
#include "kvm/arena.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dis/assert.h>

/* Guests smaller than this are many: a huge page each would be mostly waste. */
#define HUGE_PAGES_FROM_BYTES (UINT64_C(256) << 20)

int arena_create(size_t slots, uint64_t slot_bytes, struct arena *out)
{
	size_t bytes;
	void *base;

	if (__builtin_mul_overflow(slots, slot_bytes, &bytes))
		return -EOVERFLOW;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	if (slot_bytes < HUGE_PAGES_FROM_BYTES)
		madvise(base, bytes, MADV_NOHUGEPAGE);
	*out = (struct arena){
		.base = base, .slots = slots, .slot_bytes = slot_bytes};
	return 0;
}

int arena_bind(const struct arena *arena, unsigned node)
{
	unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
	unsigned bits = 8 * sizeof(mask[0]);

	DIS_ASSERT(node < 1024);
	mask[node / bits] = 1ul << (node % bits);
	/* The kernel reads one bit less than it is told. */
	if (syscall(SYS_mbind, arena->base, arena->slots * arena->slot_bytes,
		    MPOL_BIND, mask, 1024 + 1, 0))
		return -errno;
	return 0;
}

void arena_destroy(struct arena *arena)
{
	if (arena->base)
		munmap(arena->base, arena->slots * arena->slot_bytes);
	*arena = (struct arena){0};
}

uint8_t *arena_slot(const struct arena *arena, size_t i)
{
	DIS_ASSERT(i < arena->slots);
	return arena->base + i * arena->slot_bytes;
}

void arena_release(const struct arena *arena, size_t i)
{
	uint8_t *slot = arena_slot(arena, i);

	/* Refused for memory that someone has locked. */
	if (madvise(slot, arena->slot_bytes, MADV_DONTNEED))
		memset(slot, 0, arena->slot_bytes);
}
