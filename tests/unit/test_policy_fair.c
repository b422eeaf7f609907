/* SPDX-License-Identifier: Apache-2.0 */
/* Fair shares by virtual deadlines (R: DIS-11, DIS-12, EVO-D1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/policy_bed.h"
#include "policies.h"
#include "policy_fair.h"

#define US DIS_US_NS
#define MS DIS_MS_NS
#define N 4u

static const struct dis_policy_ops *const fair = &dis_policy_fair;

struct fixture {
	void *queue;
	struct dis_entity e[N];
};

static void setup(struct fixture *f)
{
	f->queue = calloc(1, fair->queue_bytes);
	assert_non_null(f->queue);
	fair->init(f->queue);
	for (unsigned i = 0; i < N; i++)
		f->e[i] = (struct dis_entity){.id = i + 1,
					      .weight = DIS_WEIGHT_DEFAULT,
					      .slice_ns = MS};
}

static void put(struct fixture *f, unsigned i, enum dis_enqueue why)
{
	fair->enqueue(f->queue, &f->e[i], why, 0);
}

static struct dis_entity *take_next(struct fixture *f)
{
	struct dis_entity *e = fair->pick(f->queue, 0);

	if (e)
		fair->dequeue(f->queue, e, DIS_LEAVE_RUN, 0);
	return e;
}

static void ran(struct fixture *f, unsigned i, uint64_t ran_ns)
{
	fair->charge(f->queue, &f->e[i], ran_ns, 0);
}

static int64_t lag(struct fixture *f, unsigned i)
{
	return fair_lag_ns(f->queue, &f->e[i]);
}

/* @a is @b, up to the rounding of one figure. */
static void assert_near(int64_t a, int64_t b)
{
	assert_true(a >= b - 1 && a <= b + 1);
}

static void test_fair_pick_is_earliest_virtual_deadline(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.e[1].slice_ns = MS / 2;
	f.e[2].weight *= 4;
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	put(&f, 2, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[2]);
	fair->leave(f.queue, &f.e[2], DIS_LEAVE_END, 0);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	fair->leave(f.queue, &f.e[1], DIS_LEAVE_END, 0);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	assert_null(fair->pick(f.queue, 0));
	free(f.queue);
}

static void test_fair_ineligible_waits_despite_early_deadline(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.e[0].slice_ns = MS / 10;
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	ran(&f, 0, MS / 10);
	put(&f, 0, DIS_ENQUEUE_AGAIN);
	assert_true(f.e[0].key[FAIR_DEADLINE] < f.e[1].key[FAIR_DEADLINE]);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	free(f.queue);
}

static void test_fair_service_splits_lag(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.e[1].weight *= 3;
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	ran(&f, 1, MS);
	assert_near(lag(&f, 0), MS / 4);
	assert_near(lag(&f, 1), -(int64_t)MS / 4);
	free(f.queue);
}

static void test_fair_preempted_keeps_its_request(void **state)
{
	struct fixture f;
	uint64_t deadline;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	deadline = f.e[0].key[FAIR_DEADLINE];
	ran(&f, 0, MS / 2);
	put(&f, 0, DIS_ENQUEUE_PREEMPT);
	assert_int_equal(f.e[0].key[FAIR_DEADLINE], deadline);
	/* Although it is in debt, its request is eligible. */
	fair->dequeue(f.queue, &f.e[1], DIS_LEAVE_END, 0);
	put(&f, 2, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	/* Used up, it is a new one. */
	ran(&f, 0, MS / 2);
	put(&f, 0, DIS_ENQUEUE_PREEMPT);
	assert_true(f.e[0].key[FAIR_DEADLINE] > deadline);
	assert_ptr_equal(take_next(&f), &f.e[2]);
	free(f.queue);
}

static void test_fair_preempts_for_eligible_earlier_deadline(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	assert_false(fair->preempts(f.queue, &f.e[0], 0));
	f.e[1].slice_ns = 2 * MS;
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_false(fair->preempts(f.queue, &f.e[0], 0));
	/* In debt: early deadline, not eligible. */
	f.e[2].slice_ns = MS / 100;
	f.e[2].lag = -(int64_t)MS / 10;
	put(&f, 2, DIS_ENQUEUE_ARRIVE);
	assert_false(fair->preempts(f.queue, &f.e[0], 0));
	f.e[3].slice_ns = MS / 2;
	put(&f, 3, DIS_ENQUEUE_WAKE);
	assert_true(fair->preempts(f.queue, &f.e[0], 0));
	free(f.queue);
}

/* R: EVO-D1 */
static void test_fair_credit_is_kept_over_sleep(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	ran(&f, 0, MS);
	put(&f, 0, DIS_ENQUEUE_AGAIN);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	fair->leave(f.queue, &f.e[1], DIS_LEAVE_SLEEP, 0);
	assert_near(f.e[1].lag, MS / 2);
	for (unsigned i = 0; i < 100; i++) {
		assert_ptr_equal(take_next(&f), &f.e[0]);
		ran(&f, 0, MS);
		put(&f, 0, DIS_ENQUEUE_AGAIN);
	}
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_near(lag(&f, 1), MS / 2);
	free(f.queue);
}

/* R: EVO-D1 */
static void test_fair_debt_is_kept_over_a_nap_and_paid_over_sleep(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	ran(&f, 0, MS);
	fair->leave(f.queue, &f.e[0], DIS_LEAVE_SLEEP, 0);
	assert_near(f.e[0].lag, -(int64_t)MS / 2);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	assert_near(lag(&f, 0), -(int64_t)MS / 2);

	fair->dequeue(f.queue, &f.e[0], DIS_LEAVE_RUN, 0);
	fair->leave(f.queue, &f.e[0], DIS_LEAVE_SLEEP, 0);
	/* As if it had stayed: the other one has its millisecond, and no more. */
	assert_ptr_equal(take_next(&f), &f.e[1]);
	ran(&f, 1, MS / 2);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	assert_true(lag(&f, 0) < 0);
	fair->dequeue(f.queue, &f.e[0], DIS_LEAVE_RUN, 0);
	fair->leave(f.queue, &f.e[0], DIS_LEAVE_SLEEP, 0);
	put(&f, 1, DIS_ENQUEUE_AGAIN);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	ran(&f, 1, 5 * MS);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	assert_int_equal(lag(&f, 0), 0);
	free(f.queue);
}

/* R: EVO-D1, DIS-12 */
static void test_fair_weight_changed_while_out_keeps_lag(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	put(&f, 1, DIS_ENQUEUE_WAKE);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	ran(&f, 0, MS);
	/* One runs, one is queued. */
	f.e[0].weight = DIS_WEIGHT_MAX;
	put(&f, 0, DIS_ENQUEUE_AGAIN);
	assert_near(lag(&f, 0), -(int64_t)MS / 2);
	fair->dequeue(f.queue, &f.e[1], DIS_LEAVE_MOVE, 0);
	f.e[1].weight = DIS_WEIGHT_MIN;
	put(&f, 1, DIS_ENQUEUE_ARRIVE);
	assert_near(lag(&f, 1), MS / 2);
	free(f.queue);
}

#define MANY 300u

static uint64_t earliest_below(const struct dis_entity *e)
{
	const struct dis_entity *child[] = {RB_LEFT(e, link.tree),
					    RB_RIGHT(e, link.tree)};
	uint64_t earliest = e->key[FAIR_ELIGIBLE];

	for (unsigned i = 0; i < 2; i++) {
		uint64_t below = child[i] ? earliest_below(child[i]) : earliest;

		if ((int64_t)(below - earliest) < 0)
			earliest = below;
	}
	BED_CHECK(earliest == e->key[FAIR_EARLIEST]);
	return earliest;
}

/* The pick by the words of the design, one by one. */
static uint64_t best_deadline(const struct fair_queue *queue,
			      const struct dis_entity *e, const bool *queued)
{
	uint64_t time = earliest_below(RB_ROOT(&queue->tree.tree));
	uint64_t best = queue->now + INT64_MAX / 2;

	if ((int64_t)(time - queue->now) < 0)
		time = queue->now;
	for (unsigned i = 0; i < MANY; i++)
		if (queued[i] &&
		    (int64_t)(e[i].key[FAIR_ELIGIBLE] - time) <= 0 &&
		    (int64_t)(e[i].key[FAIR_DEADLINE] - best) < 0)
			best = e[i].key[FAIR_DEADLINE];
	return best;
}

/* R: DIS-12, PRE-4: the tree through adding and taking out of anything. */
static void test_fair_random_operations_keep_tree_and_pick(void **state)
{
	static struct dis_entity e[MANY];
	bool queued[MANY] = {false};
	uint64_t rng = bed_seed();
	struct fair_queue queue = {0};
	unsigned n = 0;

	(void)state;
	fair->init(&queue);
	for (unsigned i = 0; i < MANY; i++)
		e[i] = (struct dis_entity){
			.weight = (uint32_t)bed_range(&rng, 1, 5000),
			/* Few lengths, so that there are equal ones. */
			.slice_ns = bed_range(&rng, 1, 4) * MS};
	for (unsigned k = 0; k < 30000; k++) {
		unsigned i = (unsigned)(bed_random(&rng) % MANY);
		uint64_t best;
		struct dis_entity *next;

		if (queued[i]) {
			fair->dequeue(&queue, &e[i], DIS_LEAVE_MOVE, 0);
			n--;
		} else {
			fair->enqueue(&queue, &e[i], DIS_ENQUEUE_ARRIVE, 0);
			n++;
		}
		queued[i] = !queued[i];
		if (!n)
			continue;
		best = best_deadline(&queue, e, queued);
		next = fair->pick(&queue, 0);
		BED_CHECK(queued[next - e]);
		BED_CHECK(next->key[FAIR_DEADLINE] == best);
		fair->dequeue(&queue, next, DIS_LEAVE_RUN, 0);
		fair->charge(&queue, next, bed_range(&rng, 1, 2 * MS), 0);
		fair->enqueue(&queue, next,
			      k % 3 ? DIS_ENQUEUE_AGAIN : DIS_ENQUEUE_PREEMPT,
			      0);
	}
}

/* Its class had another policy when it was taken to run. */
static void test_fair_returning_stranger_is_taken_in(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	put(&f, 0, DIS_ENQUEUE_WAKE);
	ran(&f, 1, MS);
	assert_false(fair->preempts(f.queue, &f.e[1], 0));
	put(&f, 1, DIS_ENQUEUE_PREEMPT);
	assert_ptr_equal(take_next(&f), &f.e[0]);
	put(&f, 0, DIS_ENQUEUE_AGAIN);
	fair->leave(f.queue, &f.e[2], DIS_LEAVE_SLEEP, 0);
	assert_ptr_equal(take_next(&f), &f.e[1]);
	free(f.queue);
}

static void test_fair_extreme_figures_keep_order_and_shares(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	f.e[0].weight = DIS_WEIGHT_MIN;
	f.e[0].slice_ns = DIS_NEVER_NS;
	f.e[1].weight = DIS_WEIGHT_MAX;
	f.e[1].slice_ns = 0;
	f.e[2].weight = 0;
	f.e[2].lag = INT64_MIN;
	f.e[3].weight = UINT32_MAX;
	f.e[3].lag = INT64_MAX;
	for (unsigned i = 0; i < N; i++)
		put(&f, i, i < 2 ? DIS_ENQUEUE_WAKE : DIS_ENQUEUE_ARRIVE);
	for (unsigned i = 0; i < 1000; i++) {
		struct dis_entity *e = take_next(&f);

		assert_non_null(e);
		fair->charge(f.queue, e, i % 10 ? MS : DIS_NEVER_NS, 0);
		fair->enqueue(f.queue, e, DIS_ENQUEUE_AGAIN, 0);
	}
	free(f.queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fair_pick_is_earliest_virtual_deadline),
		cmocka_unit_test(
			test_fair_ineligible_waits_despite_early_deadline),
		cmocka_unit_test(test_fair_service_splits_lag),
		cmocka_unit_test(test_fair_preempted_keeps_its_request),
		cmocka_unit_test(
			test_fair_preempts_for_eligible_earlier_deadline),
		cmocka_unit_test(test_fair_credit_is_kept_over_sleep),
		cmocka_unit_test(
			test_fair_debt_is_kept_over_a_nap_and_paid_over_sleep),
		cmocka_unit_test(test_fair_weight_changed_while_out_keeps_lag),
		cmocka_unit_test(test_fair_random_operations_keep_tree_and_pick),
		cmocka_unit_test(test_fair_returning_stranger_is_taken_in),
		cmocka_unit_test(
			test_fair_extreme_figures_keep_order_and_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
