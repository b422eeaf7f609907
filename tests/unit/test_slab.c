/* SPDX-License-Identifier: Apache-2.0 */
/* Slab and generation IDs (R: DIS-1, MEM-1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sched/slab.h"

#define CAPACITY 8u

static int setup(void **state)
{
	struct slab *slab = malloc(sizeof(*slab));

	assert_non_null(slab);
	assert_int_equal(slab_init(slab, CAPACITY, 24), 0);
	*state = slab;
	return 0;
}

static int teardown(void **state)
{
	slab_fini(*state);
	free(*state);
	return 0;
}

/* R: DIS-1 */
static void test_slab_id_none_is_refused(void **state)
{
	assert_null(slab_get(*state, DIS_ID_NONE));
}

/* R: DIS-1 */
static void test_slab_first_ids_are_not_zero_and_differ(void **state)
{
	dis_id ids[CAPACITY];

	for (unsigned i = 0; i < CAPACITY; i++) {
		ids[i] = slab_alloc(*state);
		assert_true(ids[i] != DIS_ID_NONE);
		for (unsigned j = 0; j < i; j++)
			assert_true(ids[i] != ids[j]);
	}
}

/* R: MEM-1 */
static void test_slab_full_allocates_nothing(void **state)
{
	struct slab *slab = *state;

	for (unsigned i = 0; i < CAPACITY; i++)
		slab_alloc(slab);
	assert_int_equal(slab->used, CAPACITY);
	assert_true(slab_alloc(slab) == DIS_ID_NONE);
	assert_int_equal(slab->used, CAPACITY);
}

static void test_slab_freed_slot_is_given_again_zeroed(void **state)
{
	struct slab *slab = *state;
	dis_id id = 0;

	for (unsigned i = 0; i < CAPACITY; i++)
		id = slab_alloc(slab);
	memset(slab_get(slab, id), 0xff, 24);
	slab_free(slab, id);
	id = slab_alloc(slab);
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(((unsigned char *)slab_get(slab, id))[i], 0);
}

/* R: DIS-1 */
static void test_slab_stale_id_is_refused(void **state)
{
	dis_id id = slab_alloc(*state);
	dis_id next;

	slab_free(*state, id);
	assert_null(slab_get(*state, id));
	next = slab_alloc(*state);
	assert_null(slab_get(*state, id));
	assert_non_null(slab_get(*state, next));
}

/* R: DIS-1: forged ones: other generations, indexes beyond the slab. */
static void test_slab_forged_id_is_refused(void **state)
{
	dis_id id = slab_alloc(*state);

	assert_null(slab_get(*state, id + (1ull << 32)));
	assert_null(slab_get(*state, id - (1ull << 32)));
	assert_null(slab_get(*state, id & UINT32_MAX));
	assert_null(slab_get(*state, id >> 32 << 32));
	assert_null(slab_get(*state, id + CAPACITY));
	assert_null(slab_get(*state, UINT64_MAX));
	/* A slot that was never allocated. */
	assert_null(slab_get(*state, id + 1));
}

static void test_slab_id_at_names_live_slots_only(void **state)
{
	dis_id id = slab_alloc(*state);
	unsigned index = (unsigned)(id & UINT32_MAX) - 1u;

	assert_true(slab_id_at(*state, index) == id);
	assert_ptr_equal(slab_at(*state, index), slab_get(*state, id));
	slab_free(*state, id);
	assert_true(slab_id_at(*state, index) == DIS_ID_NONE);
}

/* R: DIS-1: each ID is greater than all that its slot had before. */
static void test_slab_million_cycles_never_reuse_an_id(void **state)
{
	dis_id last[CAPACITY] = {0};

	for (unsigned i = 0; i < 1000000; i++) {
		dis_id id = slab_alloc(*state);
		unsigned index = (unsigned)(id & UINT32_MAX) - 1u;

		assert_true(index < CAPACITY && id > last[index]);
		if (last[index])
			assert_null(slab_get(*state, last[index]));
		last[index] = id;
		slab_free(*state, id);
	}
}

/*
 * R: DIS-1, MEM-1: a slot whose generations are used up never comes back, and
 * counts as used: the slab is full then, it does not promise what it has not.
 */
static void test_slab_generations_used_up_retires_slot(void **state)
{
	struct slab *slab = *state;
	dis_id id;

	for (unsigned i = 0; i < CAPACITY; i++)
		slab->generations[i] = UINT32_MAX - 3u;
	for (unsigned i = 0; i < CAPACITY; i++) {
		id = slab_alloc(slab);
		assert_true(id >> 32 == UINT32_MAX - 2u);
		slab_free(slab, id);
		assert_null(slab_get(slab, id));
	}
	assert_true(slab_alloc(slab) == DIS_ID_NONE);
	assert_int_equal(slab->used, CAPACITY);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_slab_id_none_is_refused),
		T(test_slab_first_ids_are_not_zero_and_differ),
		T(test_slab_full_allocates_nothing),
		T(test_slab_freed_slot_is_given_again_zeroed),
		T(test_slab_stale_id_is_refused),
		T(test_slab_forged_id_is_refused),
		T(test_slab_id_at_names_live_slots_only),
		T(test_slab_million_cycles_never_reuse_an_id),
		T(test_slab_generations_used_up_retires_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
