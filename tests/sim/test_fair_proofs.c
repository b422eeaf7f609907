/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of the fair policy (R: DIS-11, EVO-D1): in random worlds, checked after
 * every event. SEED=n in the environment chooses others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policies.h"
#include "sim/fair_world.h"

#define US DIS_US_NS
#define MS DIS_MS_NS
#define S DIS_S_NS
static void random_sleep(struct bed *bed, struct bed_actor *a)
{
	struct fair_world *w = bed->arg;

	a->wake_ns = bed->now_ns + bed_range(&bed->rng, 0, w->nap_ns);
	a->burst_ns = bed_range(&bed->rng, 1, 3 * a->e.slice_ns);
	/* Just one slice, to sleep when it owes most. */
	if (bed_random(&bed->rng) % 4 == 0)
		a->burst_ns = a->e.slice_ns;
}

static void random_wake(struct bed *bed, struct bed_actor *a)
{
	if (bed_random(&bed->rng) % 8 == 0)
		a->e.weight = random_weight(&bed->rng);
}

static uint64_t random_overrun(struct bed *bed, struct bed_actor *a)
{
	struct fair_world *w = bed->arg;

	(void)a;
	return bed_range(&bed->rng, 0, w->overrun_ns);
}

static const struct bed_hooks random_hooks = {
	.wakes = random_wake,
	.sleeps = random_sleep,
	.overrun_ns = random_overrun,
	.check = check_lag,
};

static void open_random(struct bed *bed, struct fair_world *w, uint64_t *rng)
{
	w->n = (unsigned)bed_range(rng, 2, 20);
	w->overrun_ns = bed_random(rng) % 2 ? bed_range(rng, 0, MS) : 0;
	w->nap_ns = bed_range(rng, 1, 30) * MS;
	w->request_ns = 0;
	for (unsigned i = 0; i < w->n; i++) {
		struct bed_actor *a = &w->actors[i];

		bed_actor_init(a, i + 1, bed_range(rng, 10 * US, 5 * MS));
		a->e.weight = random_weight(rng);
		a->wake_ns = bed_range(rng, 0, 10 * MS);
		if (bed_random(rng) % 2)
			a->burst_ns = bed_range(rng, 1, 10 * MS);
		w->request_ns = dis_ns_max(w->request_ns, a->e.slice_ns);
		w->list[i] = a;
	}
	bed_open(bed, &dis_policy_fair, &random_hooks, w->list, w->n);
	bed->rng = bed_random(rng);
	bed->arg = w;
}

/* R: DIS-11, EVO-D1 */
static void
test_fair_random_worlds_keep_lag_within_request_and_slice(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct fair_world w;
		struct bed bed;

		open_random(&bed, &w, &rng);
		bed_run(&bed, S);
		bed_close(&bed);
	}
}

/* R: DIS-11, EVO-D1 */
static void test_fair_hogs_share_a_second_within_1_percent(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned k = 0; k < 100; k++) {
		unsigned n = (unsigned)bed_range(&rng, 2, 8);
		uint64_t sum = 0;
		struct fair_world w;
		struct bed bed;

		open_hogs(&bed, &w, n, 100 * US, &checked_hooks);
		for (unsigned i = 0; i < n; i++) {
			w.actors[i].e.weight =
				(uint32_t)bed_range(&rng, 1024, 8192);
			sum += w.actors[i].e.weight;
		}
		bed_run(&bed, S);
		for (unsigned i = 0; i < n; i++) {
			uint64_t want_ns = S * w.actors[i].e.weight / sum;

			check_within(w.actors[i].served_ns, want_ns,
				     want_ns / 100);
		}
		bed_close(&bed);
	}
}

/* R: EVO-D1: weights of 1 and 65536 side by side, each within one request. */
static void test_fair_any_weights_share_within_one_request(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned k = 0; k < 100; k++) {
		uint64_t sum = 0;
		struct fair_world w;
		struct bed bed;

		open_hogs(&bed, &w, 10, MS, &checked_hooks);
		for (unsigned i = 0; i < w.n; i++) {
			w.actors[i].e.weight = random_weight(&rng);
			sum += w.actors[i].e.weight;
		}
		bed_run(&bed, S);
		for (unsigned i = 0; i < w.n; i++) {
			const struct bed_actor *a = &w.actors[i];

			check_within(a->served_ns, S * a->e.weight / sum,
				     MS + 100 * US);
			BED_CHECK(a->longest_wait_ns <=
				  2 * MS * sum / a->e.weight);
		}
		bed_close(&bed);
	}
}

/* R: EVO-D1: requests set latency, not shares. */
static void test_fair_short_requests_give_no_larger_share(void **state)
{
	struct fair_world w;
	struct bed bed;

	(void)state;
	open_hogs(&bed, &w, 4, 4 * MS, &checked_hooks);
	w.actors[0].e.slice_ns = 50 * US;
	w.actors[1].e.slice_ns = 500 * US;
	bed_run(&bed, S);
	for (unsigned i = 0; i < w.n; i++)
		check_within(w.actors[i].served_ns, S / 4, 4 * MS);
	assert_true(w.actors[0].longest_wait_ns < w.actors[3].longest_wait_ns);
	bed_close(&bed);
}

static double due_ns(const struct bed *bed, const struct bed_actor *a,
		     uint64_t ns)
{
	double sum = 0;

	for (unsigned i = 0; i < bed->actors; i++)
		sum += bed->actor[i]->e.weight;
	return (double)ns * a->e.weight / (sum + a->e.weight);
}

/*
 * R: EVO-D1: a hog that is moved between two busy cores, a thousand times at
 * random moments, is served what it was due where it was, and one request.
 */
static void test_fair_migrating_hog_gains_nothing(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned k = 0; k < 30; k++) {
		struct fair_world w[2];
		struct bed bed[2];
		struct bed_actor hog;
		uint64_t slice_ns = bed_range(&rng, 100 * US, 3 * MS);
		double due = 0;

		for (unsigned i = 0; i < 2; i++) {
			open_hogs(&bed[i], &w[i],
				  (unsigned)bed_range(&rng, 1, 8), MS,
				  &plain_hooks);
			for (unsigned j = 0; j < w[i].n; j++)
				w[i].actors[j].e.weight =
					(uint32_t)bed_range(&rng, 100, 10000);
			bed_run(&bed[i], MS);
		}
		bed_actor_init(&hog, 100, slice_ns);
		hog.e.weight = (uint32_t)bed_range(&rng, 100, 10000);
		for (unsigned i = 0; i < 1000; i++) {
			struct bed *here = &bed[i % 2];
			uint64_t stay_ns = bed_range(&rng, 1, 10 * MS);

			bed_give(here, &hog);
			bed_run(&bed[0], bed[0].now_ns + stay_ns);
			bed_run(&bed[1], bed[0].now_ns);
			due += due_ns(here, &hog, stay_ns);
			bed_take(here, &hog);
		}
		BED_CHECK((double)hog.served_ns <=
			  due + (double)dis_ns_max(slice_ns, MS));
		/* Nor does it lose much, at a move every 5 ms. */
		BED_CHECK((double)hog.served_ns >= 0.9 * due);
		bed_close(&bed[0]);
		bed_close(&bed[1]);
	}
}

/* R: EVO-D1 */
static void test_fair_moves_without_running_keep_lag(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned k = 0; k < 200; k++) {
		struct fair_world w[2];
		struct bed bed[2];
		struct bed_actor *moved = &w[0].actors[0];
		int64_t lag;

		for (unsigned i = 0; i < 2; i++) {
			open_hogs(&bed[i], &w[i],
				  (unsigned)bed_range(&rng, 2, 8), MS,
				  &plain_hooks);
			for (unsigned j = 0; j < w[i].n; j++)
				w[i].actors[j].e.weight = random_weight(&rng);
			bed_run(&bed[i], bed_range(&rng, 1, 20 * MS));
		}
		bed_take(&bed[0], moved);
		lag = moved->e.lag;
		for (unsigned i = 1; i <= 1000; i++) {
			bed_give(&bed[i % 2], moved);
			bed_take(&bed[i % 2], moved);
			BED_CHECK(moved->e.lag <= lag);
			BED_CHECK(moved->e.lag >= lag - 2 * (int64_t)i);
		}
		bed_close(&bed[0]);
		bed_close(&bed[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_fair_random_worlds_keep_lag_within_request_and_slice),
		cmocka_unit_test(test_fair_hogs_share_a_second_within_1_percent),
		cmocka_unit_test(test_fair_any_weights_share_within_one_request),
		cmocka_unit_test(test_fair_short_requests_give_no_larger_share),
		cmocka_unit_test(test_fair_migrating_hog_gains_nothing),
		cmocka_unit_test(test_fair_moves_without_running_keep_lag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
