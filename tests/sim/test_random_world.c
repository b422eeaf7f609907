/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A million random operations in random worlds of 1 to 64 cores; after each step
 * every invariant is checked (random_check.c). When one breaks, the shortest
 * history that breaks it is told. SEED=N in the environment plays world N alone.
 * timeout: 240
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sim/shrink.h"

#define WORLDS 50u
#define OPERATIONS 20000u

static struct random_tally play_seed(uint64_t seed)
{
	const struct random_config cfg = random_config(seed);
	struct random_op *ops = calloc(OPERATIONS, sizeof(*ops));
	struct shrink_result found;
	size_t n = OPERATIONS;

	assert_non_null(ops);
	random_ops(seed, ops, n);
	found = shrink_play(&cfg, ops, n, false);
	if (found.broke) {
		fprintf(stderr,
			"SEED=%llu: %s\nworld of %u cores, %u vCPUs%s%s%s; "
			"operation %zu. The shortest history:\n",
			(unsigned long long)seed, found.why, cfg.cores,
			cfg.vcpus, cfg.masks ? ", masks" : "",
			cfg.floors ? ", floors" : "",
			cfg.faults ? ", faults" : "", found.tally.at);
		n = shrink_list(&cfg, ops, n, &found);
		shrink_play(&cfg, ops, n, true);
		fail_msg("SEED=%llu, %zu operations", (unsigned long long)seed,
			 n);
	}
	free(ops);
	return found.tally;
}

/* R: ST-4, EVO-B1, EVO-B2, EVO-B4, EVO-C1, DIS-1, DIS-6, DIS-13, DIS-14, DIS-16 */
static void test_random_world_keeps_invariants(void **state)
{
	const char *seed = getenv("SEED");
	uint64_t steps = 0, dispatches = 0, reaps = 0, refusals = 0, back = 0;
	uint64_t failures = 0;

	(void)state;
	if (seed) {
		play_seed(strtoull(seed, NULL, 0));
		return;
	}
	for (uint64_t i = 0; i < WORLDS; i++) {
		struct random_tally t = play_seed(i);

		steps += t.steps;
		dispatches += t.dispatches;
		reaps += t.reaps;
		refusals += t.refusals;
		back += t.time_backward;
		failures += t.module_failures;
	}
	/* The worlds were alive. */
	assert_true(steps > 1000000 && dispatches > 500000);
	assert_true(reaps > 1000 && refusals > 100 && back > 100);
	assert_true(failures > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_world_keeps_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
