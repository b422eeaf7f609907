/* SPDX-License-Identifier: Apache-2.0 */
/* Earliest deadline first (R: DIS-11, DIS-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "policies.h"

#include "lib/policy_bed.h"

#define N 1000u

static const struct dis_policy_ops *const edf = &dis_policy_edf;

struct fixture {
	void *queue;
	struct dis_entity e[N];
};

static void setup(struct fixture *f)
{
	f->queue = calloc(1, edf->queue_bytes);
	assert_non_null(f->queue);
	edf->init(f->queue);
	for (unsigned i = 0; i < N; i++)
		f->e[i] = (struct dis_entity){
			.id = i + 1, .deadline_ns = DIS_NEVER_NS, .weight = 1};
}

static struct dis_entity *take_next(struct fixture *f)
{
	struct dis_entity *e = edf->pick(f->queue, 0);

	if (e)
		edf->dequeue(f->queue, e, DIS_LEAVE_RUN, 0);
	return e;
}

static void put(struct fixture *f, unsigned i, uint64_t deadline_ns,
		enum dis_enqueue why)
{
	f->e[i].deadline_ns = deadline_ns;
	edf->enqueue(f->queue, &f->e[i], why, 0);
}

static void test_edf_pick_is_earliest_deadline(void **state)
{
	uint64_t rng = bed_seed();
	uint64_t last_ns = 0;
	struct fixture f;

	(void)state;
	setup(&f);
	for (unsigned i = 0; i < N; i++)
		put(&f, i, bed_range(&rng, 0, 2 * N), DIS_ENQUEUE_WAKE);
	for (unsigned i = 0; i < N; i++) {
		struct dis_entity *e = take_next(&f);

		BED_CHECK(e->deadline_ns >= last_ns);
		last_ns = e->deadline_ns;
	}
	assert_null(take_next(&f));
	free(f.queue);
}

/* R: DIS-12 */
static void test_edf_dequeue_anywhere_keeps_order(void **state)
{
	uint64_t rng = bed_seed();
	bool queued[N] = {false};
	struct fixture f;

	(void)state;
	setup(&f);
	for (unsigned k = 0; k < 20 * N; k++) {
		unsigned i = (unsigned)(bed_random(&rng) % N);
		uint64_t first_ns = DIS_NEVER_NS;
		struct dis_entity *e;

		if (queued[i])
			edf->dequeue(f.queue, &f.e[i], DIS_LEAVE_MOVE, 0);
		else
			put(&f, i, bed_random(&rng), DIS_ENQUEUE_ARRIVE);
		queued[i] = !queued[i];
		for (unsigned j = 0; j < N; j++)
			if (queued[j])
				first_ns = dis_ns_min(first_ns,
						      f.e[j].deadline_ns);
		e = edf->pick(f.queue, 0);
		BED_CHECK(!e ? first_ns == DIS_NEVER_NS
			     : e->deadline_ns == first_ns);
	}
	free(f.queue);
}

static void test_edf_equal_deadlines_run_as_they_came(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	for (unsigned i = 0; i < 5; i++)
		put(&f, i, 7, DIS_ENQUEUE_WAKE);
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(take_next(&f), &f.e[i]);
	free(f.queue);
}

static void test_edf_preempted_runs_before_its_equals(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	for (unsigned i = 0; i < 3; i++)
		put(&f, i, 7, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	put(&f, 0, 7, DIS_ENQUEUE_PREEMPT);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	put(&f, 0, 7, DIS_ENQUEUE_AGAIN);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	free(f.queue);
}

static void test_edf_without_deadline_runs_last_in_turns(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_NEVER_NS, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_NEVER_NS, DIS_ENQUEUE_WAKE);
	put(&f, 2, DIS_NEVER_NS - 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[2]);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	put(&f, 0, DIS_NEVER_NS, DIS_ENQUEUE_AGAIN);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	free(f.queue);
}

static void test_edf_preempts_only_for_earlier_deadline(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, 10, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	assert_false(edf->preempts(f.queue, &f.e[0], 0));
	put(&f, 1, 10, DIS_ENQUEUE_WAKE);
	assert_false(edf->preempts(f.queue, &f.e[0], 0));
	put(&f, 2, 9, DIS_ENQUEUE_WAKE);
	assert_true(edf->preempts(f.queue, &f.e[0], 0));
	/* Its deadline may move while it runs. */
	f.e[0].deadline_ns = 8;
	assert_false(edf->preempts(f.queue, &f.e[0], 0));
	free(f.queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edf_pick_is_earliest_deadline),
		cmocka_unit_test(test_edf_dequeue_anywhere_keeps_order),
		cmocka_unit_test(test_edf_equal_deadlines_run_as_they_came),
		cmocka_unit_test(test_edf_preempted_runs_before_its_equals),
		cmocka_unit_test(test_edf_without_deadline_runs_last_in_turns),
		cmocka_unit_test(test_edf_preempts_only_for_earlier_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
