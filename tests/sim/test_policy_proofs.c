/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of EDF, priority and round robin (R: DIS-11, DIS-14) on one core under a
 * virtual clock. SEED=n in the environment chooses other sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/policy_bed.h"
#include "policies.h"

#define US DIS_US_NS
#define MS DIS_MS_NS
#define S DIS_S_NS
#define SETS 10000u
#define TASKS_MAX 10u
#define ACTORS_MAX 20u

/*
 * Periodic tasks, all released at 0: no other phasing is worse (Liu and Layland,
 * 1973). Their periods divide the hyperperiod, which is short enough to run to
 * its end.
 */
struct set {
	struct bed_actor task[TASKS_MAX];
	struct bed_actor *list[TASKS_MAX];
	unsigned n;
	uint64_t hyperperiod_ns;
	unsigned misses;
};

static void job_released(struct bed *bed, struct bed_actor *a)
{
	(void)bed;
	a->e.deadline_ns = a->wake_ns + a->relative_ns;
	a->burst_ns = a->work_ns;
}

static void job_done(struct bed *bed, struct bed_actor *a)
{
	struct set *set = bed->arg;

	if (bed->now_ns > a->e.deadline_ns)
		set->misses++;
	a->wake_ns += a->period_ns;
}

static const struct bed_hooks jobs = {.wakes = job_released, .sleeps = job_done};

/*
 * With implicit deadlines and a utilisation of exactly 1, in integers: the first
 * tasks take what they like of what is left, the last one, once per hyperperiod,
 * takes the rest.
 */
static void random_full_set(struct set *set, uint64_t *rng)
{
	static const unsigned periods[] = {1,  2,  3,  4,  5,  6,  8,  10,
					   12, 15, 20, 24, 30, 40, 60, 120};
	uint64_t unit_ns = bed_range(rng, 10 * US, 100 * US);
	uint64_t left_ns = 120 * unit_ns;

	*set = (struct set){.hyperperiod_ns = left_ns};
	set->n = (unsigned)bed_range(rng, 2, TASKS_MAX);
	for (unsigned i = 0; i < set->n; i++) {
		struct bed_actor *a = &set->task[i];
		bool last = i == set->n - 1;
		uint64_t period = last ? 120 : periods[bed_random(rng) % 16];
		uint64_t jobs_n = 120 / period;

		bed_actor_init(a, i + 1, DIS_NEVER_NS);
		/* Some are sliced, which must not matter. */
		if (bed_random(rng) % 2)
			a->e.slice_ns = bed_range(rng, unit_ns / 4, unit_ns);
		a->period_ns = period * unit_ns;
		a->relative_ns = a->period_ns;
		a->work_ns = last ? left_ns
				  : bed_range(rng, 1, left_ns / jobs_n / 2);
		left_ns -= a->work_ns * jobs_n;
		set->list[i] = a;
	}
}

static unsigned misses(struct set *set, uint64_t until_ns)
{
	struct bed bed;

	bed_open(&bed, &dis_policy_edf, &jobs, set->list, set->n);
	bed.arg = set;
	(void)bed_run_to_idle(&bed, until_ns);
	for (unsigned i = 0; i < set->n; i++)
		if ((set->task[i].where == BED_QUEUED ||
		     set->task[i].where == BED_RUNNING) &&
		    set->task[i].e.deadline_ns < bed.now_ns)
			set->misses++;
	bed_close(&bed);
	return set->misses;
}

/* R: DIS-11 */
static void test_edf_sets_up_to_full_utilisation_miss_nothing(void **state)
{
	uint64_t rng = bed_seed();
	struct set set;

	(void)state;
	for (unsigned i = 0; i < SETS; i++) {
		random_full_set(&set, &rng);
		/* Half of them exactly full, half with some room. */
		if (i % 2)
			set.task[set.n - 1].work_ns -= bed_range(
				&rng, 0, set.task[set.n - 1].work_ns - 1);
		BED_CHECK(misses(&set, set.hyperperiod_ns) == 0);
	}
}

/* R: DIS-11: 1 ns per hyperperiod more than there is. */
static void test_edf_sets_just_above_full_utilisation_miss(void **state)
{
	uint64_t rng = bed_seed();
	struct set set;

	(void)state;
	for (unsigned i = 0; i < SETS; i++) {
		random_full_set(&set, &rng);
		set.task[set.n - 1].work_ns++;
		BED_CHECK(misses(&set, set.hyperperiod_ns + 1) > 0);
	}
}

/* Processor demand: the work due by @t fits into it (Baruah et al., 1990). */
static bool demand_fits(const struct set *set, uint64_t t_ns)
{
	uint64_t demand_ns = 0;

	for (unsigned i = 0; i < set->n; i++) {
		const struct bed_actor *a = &set->task[i];

		if (t_ns >= a->relative_ns)
			demand_ns +=
				a->work_ns *
				((t_ns - a->relative_ns) / a->period_ns + 1);
	}
	return demand_ns <= t_ns;
}

static bool set_fits(const struct set *set)
{
	for (unsigned i = 0; i < set->n; i++)
		for (uint64_t t_ns = set->task[i].relative_ns;
		     t_ns <= set->hyperperiod_ns;
		     t_ns += set->task[i].period_ns)
			if (!demand_fits(set, t_ns))
				return false;
	return true;
}

/* R: DIS-11: with deadlines before periods, exactly the sets that fit miss none. */
static void test_edf_constrained_sets_miss_only_if_demand_exceeds(void **state)
{
	uint64_t rng = bed_seed();
	unsigned fit = 0;
	struct set set;

	(void)state;
	for (unsigned i = 0; i < SETS; i++) {
		bool fits;

		random_full_set(&set, &rng);
		for (unsigned k = 0; k < set.n; k++) {
			struct bed_actor *a = &set.task[k];

			a->work_ns = a->work_ns / 2 + 1;
			a->relative_ns =
				bed_range(&rng, a->work_ns, a->period_ns);
		}
		fits = set_fits(&set);
		fit += fits;
		BED_CHECK((misses(&set, set.hyperperiod_ns + 1) == 0) == fits);
	}
	/* Both kinds were met. */
	BED_CHECK(fit > SETS / 10 && fit < SETS - SETS / 10);
}

/* Worlds of hogs and sleepers of all priorities, for the bounds of waiting. */
struct mix {
	struct bed_actor actor[ACTORS_MAX];
	struct bed_actor *list[ACTORS_MAX];
	unsigned n;
	uint64_t slices_ns; /* of all */
};

static void mix_sleeps(struct bed *bed, struct bed_actor *a)
{
	a->wake_ns = bed->now_ns + bed_range(&bed->rng, 0, a->period_ns);
	a->burst_ns = bed_range(&bed->rng, 1, 2 * a->e.slice_ns);
}

static const struct bed_hooks mixed = {.sleeps = mix_sleeps};

static void random_mix(struct mix *mix, uint64_t *rng)
{
	*mix = (struct mix){.n = (unsigned)bed_range(rng, 2, ACTORS_MAX)};
	for (unsigned i = 0; i < mix->n; i++) {
		struct bed_actor *a = &mix->actor[i];

		bed_actor_init(a, i + 1, bed_range(rng, 50 * US, 5 * MS));
		a->e.priority = (uint8_t)bed_random(rng);
		a->period_ns = bed_range(rng, 1, 50 * MS);
		a->wake_ns = bed_range(rng, 0, 20 * MS);
		if (bed_random(rng) % 2)
			a->burst_ns = bed_range(rng, 1, 5 * MS);
		mix->slices_ns += a->e.slice_ns;
		mix->list[i] = a;
	}
}

static void run_mix(struct mix *mix, const struct dis_policy_ops *ops,
		    uint64_t *rng)
{
	struct bed bed;

	random_mix(mix, rng);
	bed_open(&bed, ops, &mixed, mix->list, mix->n);
	bed.rng = bed_random(rng);
	bed_run(&bed, 5 * S);
	bed_close(&bed);
	for (unsigned i = 0; i < mix->n; i++)
		BED_CHECK(mix->actor[i].turns > 0);
}

/* R: DIS-11, DIS-14 */
static void test_priority_every_wait_is_within_its_bound(void **state)
{
	uint64_t rng = bed_seed();
	struct mix mix;

	(void)state;
	for (unsigned k = 0; k < 200; k++) {
		run_mix(&mix, &dis_policy_priority, &rng);
		for (unsigned i = 0; i < mix.n; i++) {
			struct bed_actor *a = &mix.actor[i];

			BED_CHECK(a->longest_wait_ns <=
				  a->e.priority * DIS_PRIORITY_AGING_STEP_NS +
					  mix.slices_ns - a->e.slice_ns);
		}
	}
}

/* R: DIS-11 */
static void test_rr_every_wait_is_within_slices_of_others(void **state)
{
	uint64_t rng = bed_seed();
	struct mix mix;

	(void)state;
	for (unsigned k = 0; k < 200; k++) {
		run_mix(&mix, &dis_policy_rr, &rng);
		for (unsigned i = 0; i < mix.n; i++)
			BED_CHECK(mix.actor[i].longest_wait_ns <=
				  mix.slices_ns - mix.actor[i].e.slice_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_edf_sets_up_to_full_utilisation_miss_nothing),
		cmocka_unit_test(test_edf_sets_just_above_full_utilisation_miss),
		cmocka_unit_test(
			test_edf_constrained_sets_miss_only_if_demand_exceeds),
		cmocka_unit_test(test_priority_every_wait_is_within_its_bound),
		cmocka_unit_test(test_rr_every_wait_is_within_slices_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
