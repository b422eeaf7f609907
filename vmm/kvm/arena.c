/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of all guests; see arena.h. */
#include "kvm/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dis/assert.h>

/* Guests smaller than this are many: a huge page each would be mostly waste. */
#define HUGE_PAGES_FROM_BYTES (UINT64_C(256) << 20)

#define PAGE 4096u
/* A slot keeps at most so many when it is cleared: 256 KiB. */
#define KEPT_PAGES 64u
/* To look at more takes longer than to give all back. */
#define LOOKED_AT_PAGES 16384u
/* Linux Documentation/admin-guide/mm/pagemap.rst: present, or swapped out. */
#define PAGEMAP_THERE (UINT64_C(3) << 62)

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
		.base = base,
		.slots = slots,
		.slot_bytes = slot_bytes,
		.pages_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
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
	if (arena->base) {
		munmap(arena->base, arena->slots * arena->slot_bytes);
		if (arena->pages_fd >= 0)
			close(arena->pages_fd);
	}
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

/*
 * The pages of @slot that there are. Return: how many, which are in @pages, or -1
 * if they are too many or not known.
 */
static int list_pages(const struct arena *arena, const uint8_t *slot,
		      uint32_t pages[KEPT_PAGES])
{
	uint64_t map[PAGE / sizeof(uint64_t)];
	uint64_t first = (uint64_t)(uintptr_t)slot / PAGE;
	uint64_t count = arena->slot_bytes / PAGE;
	unsigned n = 0;

	if (arena->pages_fd < 0 || count > LOOKED_AT_PAGES)
		return -1;
	for (uint64_t at = 0; at < count;) {
		uint64_t want = count - at < PAGE / sizeof(map[0])
					? count - at
					: PAGE / sizeof(map[0]);
		ssize_t got = pread(arena->pages_fd, map, want * sizeof(map[0]),
				    (off_t)((first + at) * sizeof(map[0])));

		if (got != (ssize_t)(want * sizeof(map[0])))
			return -1;
		for (uint64_t i = 0; i < want; i++) {
			if (!(map[i] & PAGEMAP_THERE))
				continue;
			if (n == KEPT_PAGES)
				return -1;
			pages[n++] = (uint32_t)(at + i);
		}
		at += want;
	}
	return (int)n;
}

void arena_clear(const struct arena *arena, size_t i)
{
	uint8_t *slot = arena_slot(arena, i);
	uint32_t pages[KEPT_PAGES];
	int n = list_pages(arena, slot, pages);

	if (n < 0) {
		arena_release(arena, i);
		return;
	}
	for (int k = 0; k < n; k++)
		memset(slot + (size_t)pages[k] * PAGE, 0, PAGE);
}
