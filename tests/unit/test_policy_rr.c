/* SPDX-License-Identifier: Apache-2.0 */
/* Round robin, and the table of policies (R: DIS-11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/policy_bed.h"
#include "policies.h"

#define MS DIS_MS_NS
#define N 4u

static const struct bed_hooks no_hooks = {0};

struct fixture {
	struct bed bed;
	struct bed_actor actor[N];
	struct bed_actor *list[N];
};

static void open_rr(struct fixture *f)
{
	for (unsigned i = 0; i < N; i++) {
		bed_actor_init(&f->actor[i], i + 1, MS);
		f->list[i] = &f->actor[i];
	}
	bed_open(&f->bed, &dis_policy_rr, &no_hooks, f->list, N);
}

static struct dis_entity *take_next(struct fixture *f)
{
	struct dis_entity *e = f->bed.ops->pick(f->bed.queue, 0);

	f->bed.ops->dequeue(f->bed.queue, e, DIS_LEAVE_RUN, 0);
	return e;
}

static void put(struct fixture *f, struct dis_entity *e, enum dis_enqueue why)
{
	f->bed.ops->enqueue(f->bed.queue, e, why, 0);
}

static void test_rr_pick_takes_turns(void **state)
{
	struct fixture f;

	(void)state;
	open_rr(&f);
	bed_run(&f.bed, 4 * N * MS);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(f.actor[i].served_ns, 4 * MS);
		assert_true(f.actor[i].longest_wait_ns <= (N - 1) * MS);
	}
	bed_close(&f.bed);
}

static void test_rr_preempted_goes_on_first(void **state)
{
	struct dis_entity *e;
	struct fixture f;

	(void)state;
	open_rr(&f);
	for (unsigned i = 0; i < N; i++)
		put(&f, &f.actor[i].e, DIS_ENQUEUE_WAKE);
	e = take_next(&f);
	put(&f, e, DIS_ENQUEUE_PREEMPT);
	assert_ptr_equal(take_next(&f), e);
	put(&f, e, DIS_ENQUEUE_AGAIN);
	assert_ptr_equal(take_next(&f), &f.actor[1].e);
	bed_close(&f.bed);
}

/* R: DIS-12 */
static void test_rr_dequeue_takes_any(void **state)
{
	struct fixture f;

	(void)state;
	open_rr(&f);
	for (unsigned i = 0; i < N; i++)
		put(&f, &f.actor[i].e, DIS_ENQUEUE_ARRIVE);
	f.bed.ops->dequeue(f.bed.queue, &f.actor[1].e, DIS_LEAVE_MOVE, 0);
	f.bed.ops->dequeue(f.bed.queue, &f.actor[3].e, DIS_LEAVE_END, 0);
	assert_ptr_equal(take_next(&f), &f.actor[0].e);
	assert_ptr_equal(take_next(&f), &f.actor[2].e);
	assert_null(f.bed.ops->pick(f.bed.queue, 0));
	bed_close(&f.bed);
}

static void test_policies_find_knows_each_by_name(void **state)
{
	static const char *const names[] = {"rr", "priority", "edf", "fair"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct dis_policy_ops *ops = dis_policy_find(names[i]);

		assert_non_null(ops);
		assert_string_equal(ops->name, names[i]);
		assert_int_equal(ops->abi, DIS_POLICY_ABI);
	}
	assert_null(dis_policy_find("fifo"));
	assert_null(dis_policy_find(""));
}

static void test_policies_first_serves_all_classes(void **state)
{
	(void)state;
	assert_int_equal(dis_policies[0]->classes, (1u << DIS_CLASSES) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rr_pick_takes_turns),
		cmocka_unit_test(test_rr_preempted_goes_on_first),
		cmocka_unit_test(test_rr_dequeue_takes_any),
		cmocka_unit_test(test_policies_find_knows_each_by_name),
		cmocka_unit_test(test_policies_first_serves_all_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
