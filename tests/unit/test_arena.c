/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of guests that follow each other in a slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "kvm/arena.h"

#define PAGE 4096u
#define SLOT_PAGES 1024u
#define SLOT_BYTES ((uint64_t)SLOT_PAGES * PAGE)
#define FEW 64u

static unsigned resident(const struct arena *arena, size_t i)
{
	unsigned char there[SLOT_PAGES];
	unsigned n = 0;

	assert_int_equal(mincore(arena_slot(arena, i), SLOT_BYTES, there), 0);
	for (unsigned k = 0; k < SLOT_PAGES; k++)
		n += there[k] & 1;
	return n;
}

/* Every 7th page, so that they are all over the slot; a bit in each. */
static void touch(const struct arena *arena, size_t i, unsigned pages)
{
	for (unsigned k = 0; k < pages; k++)
		arena_slot(arena, i)[(size_t)k * 7 % SLOT_PAGES * PAGE + k] = 1;
}

static bool is_zero(const struct arena *arena, size_t i)
{
	const uint8_t *slot = arena_slot(arena, i);

	for (size_t k = 0; k < SLOT_BYTES; k++)
		if (slot[k])
			return false;
	return true;
}

static void test_arena_clear_of_few_pages_zeroes_and_keeps_them(void **state)
{
	struct arena arena;

	(void)state;
	assert_int_equal(arena_create(2, SLOT_BYTES, &arena), 0);
	touch(&arena, 1, FEW);
	assert_int_equal(resident(&arena, 1), FEW);
	arena_clear(&arena, 1);
	assert_int_equal(resident(&arena, 1), FEW);
	assert_true(is_zero(&arena, 1));
	arena_destroy(&arena);
}

static void test_arena_clear_of_many_pages_gives_them_back(void **state)
{
	struct arena arena;

	(void)state;
	assert_int_equal(arena_create(2, SLOT_BYTES, &arena), 0);
	touch(&arena, 1, FEW + 1);
	arena_clear(&arena, 1);
	assert_int_equal(resident(&arena, 1), 0);
	assert_true(is_zero(&arena, 1));
	arena_destroy(&arena);
}

static void test_arena_clear_leaves_neighbours_alone(void **state)
{
	struct arena arena;

	(void)state;
	assert_int_equal(arena_create(3, SLOT_BYTES, &arena), 0);
	memset(arena_slot(&arena, 0), 1, 3 * SLOT_BYTES);
	arena_clear(&arena, 1);
	assert_true(is_zero(&arena, 1));
	assert_int_equal(arena_slot(&arena, 0)[SLOT_BYTES - 1], 1);
	assert_int_equal(arena_slot(&arena, 2)[0], 1);
	arena_destroy(&arena);
}

/* Without /proc, for example. */
static void test_arena_clear_without_page_map_gives_all_back(void **state)
{
	struct arena arena;
	int fd;

	(void)state;
	assert_int_equal(arena_create(1, SLOT_BYTES, &arena), 0);
	fd = arena.pages_fd;
	arena.pages_fd = -1;
	touch(&arena, 0, 1);
	arena_clear(&arena, 0);
	assert_int_equal(resident(&arena, 0), 0);
	assert_true(is_zero(&arena, 0));
	arena.pages_fd = fd;
	arena_destroy(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_arena_clear_of_few_pages_zeroes_and_keeps_them),
		cmocka_unit_test(test_arena_clear_of_many_pages_gives_them_back),
		cmocka_unit_test(test_arena_clear_leaves_neighbours_alone),
		cmocka_unit_test(
			test_arena_clear_without_page_map_gives_all_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
