/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No allocation, no lock, no system call on the dispatch path: tests/lib/interpose.c
 * watches every dispatch of every test, the random world's million operations
 * too. Here: that it sees what it forbids, and all policies under a load.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/interpose.h"
#include "lib/world.h"

#define MS DIS_MS_NS

static const struct burst sleeper[] = {
	{.run_ns = 300 * DIS_US_NS, .outcome = DIS_RUN_HALT, .sleep_ns = 2 * MS},
	{.run_ns = 100 * DIS_US_NS, .outcome = DIS_RUN_YIELD},
};

/* Hogs and sleepers of every class. */
static void busy_world(struct world *w, uint64_t ns)
{
	struct role roles[2 * DIS_CLASSES];

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		roles[2 * k] = (struct role)ROLE((enum dis_class)k, sleeper);
		roles[2 * k + 1] =
			(struct role)ROLE((enum dis_class)k, world_hog);
	}
	for (unsigned i = 0; i < 4; i++)
		world_vm(w, roles, 2 * DIS_CLASSES);
	world_run(w, ns);
}

/* The watch ends the program at the first call. R: PRE-4, BUD-5, EVO-A2 */
static void test_dispatch_under_every_policy_calls_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; dis_policies[i]; i++) {
		struct dis_domain_config cfg = world_config(2);
		uint64_t before = interpose_passes();
		struct world *w;

		for (unsigned k = 0; k < DIS_CLASSES; k++) {
			cfg.policy[k] = dis_policies[i];
			cfg.floor_permille[k] = k ? 50 : 0;
		}
		w = world_open(&cfg, DIS_S_NS);
		busy_world(w, 2 * DIS_S_NS);
		assert_true(interpose_passes() - before > 1000);
		world_close(w);
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *volatile leak;

static void bad_enqueue(void *queue, struct dis_entity *e, enum dis_enqueue why,
			uint64_t now_ns)
{
	leak = malloc(16);
	free(leak);
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	dis_policies[0]->enqueue(queue, e, why, now_ns);
}

/* The watch is not blind: allocation, release and lock are seen. */
static void test_dispatch_policy_that_allocates_is_noticed(void **state)
{
	struct dis_domain_config cfg = world_config(1);
	struct dis_policy_ops bad = *dis_policies[0];
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w;

	(void)state;
	bad.name = "bad";
	bad.enqueue = bad_enqueue;
	cfg.policy[DIS_CLASS_BATCH] = &bad;
	w = world_open(&cfg, DIS_S_NS);
	interpose_expect(true);
	world_vm(w, roles, 1);
	world_run(w, MS);
	assert_int_equal(interpose_forbidden(), 3);
	interpose_expect(false);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch_under_every_policy_calls_nothing),
		cmocka_unit_test(test_dispatch_policy_that_allocates_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
