/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator finds what is broken, and says it shortly: an invariant that was
 * planted, which needs a VM that is ended after one of its vCPUs was preempted
 * twice. timeout: 240
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/shrink.h"

#define OPERATIONS 5000u

static struct random_op ops[OPERATIONS];
static struct random_config cfg;

static int plant(void **state)
{
	(void)state;
	cfg = random_config(7);
	cfg.cores = 2;
	cfg.planted = true;
	random_ops(7, ops, OPERATIONS);
	return 0;
}

static void test_shrink_play_names_the_broken_invariant(void **state)
{
	struct shrink_result found = shrink_play(&cfg, ops, OPERATIONS, false);

	(void)state;
	assert_true(found.broke);
	assert_non_null(strstr(found.why, "preemptions < 2"));
}

static void test_shrink_play_same_list_breaks_at_same_step(void **state)
{
	struct shrink_result once = shrink_play(&cfg, ops, OPERATIONS, false);
	struct shrink_result again = shrink_play(&cfg, ops, OPERATIONS, false);

	(void)state;
	assert_memory_equal(&once.tally, &again.tally, sizeof(once.tally));
}

static void test_shrink_play_holding_list_is_not_broken(void **state)
{
	struct random_config holds = cfg;

	(void)state;
	holds.planted = false;
	assert_false(shrink_play(&holds, ops, OPERATIONS, false).broke);
}

static void test_shrink_list_leaves_a_handful_that_breaks_alike(void **state)
{
	struct shrink_result found = shrink_play(&cfg, ops, OPERATIONS, false);
	struct shrink_result small;
	size_t n = shrink_list(&cfg, ops, OPERATIONS, &found);

	(void)state;
	/* A VM, a competitor, time; all VMs are ended after the list. */
	assert_in_range(n, 3, 16);
	small = shrink_play(&cfg, ops, n, true);
	assert_true(small.broke);
	small = shrink_play(&cfg, ops, n, false);
	assert_string_equal(small.why, found.why);
	assert_int_equal(ops[0].kind, RANDOM_SPAWN);
	/* No single one can go. */
	for (size_t i = 0; i < n; i++) {
		struct random_op part[16];

		memcpy(part, ops, i * sizeof(*ops));
		memcpy(part + i, ops + i + 1, (n - i - 1) * sizeof(*ops));
		small = shrink_play(&cfg, part, n - 1, false);
		assert_true(!small.broke || strcmp(small.why, found.why) != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_shrink_play_names_the_broken_invariant, plant),
		cmocka_unit_test_setup(
			test_shrink_play_same_list_breaks_at_same_step, plant),
		cmocka_unit_test_setup(
			test_shrink_play_holding_list_is_not_broken, plant),
		cmocka_unit_test_setup(
			test_shrink_list_leaves_a_handful_that_breaks_alike,
			plant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
