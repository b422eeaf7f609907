/* SPDX-License-Identifier: Apache-2.0 */
/* Run queue and sleep queue of a core (R: DIS-12, ST-4). */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sched/queues.h"

#define N 64u

static struct run_queue runq;
static struct sleep_queue sleepq;
static struct dis_vcpu vcpus[N];

static int setup(void **state)
{
	(void)state;
	memset(&runq, 0, sizeof(runq));
	memset(&sleepq, 0, sizeof(sleepq));
	memset(vcpus, 0, sizeof(vcpus));
	run_queue_init(&runq);
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		run_queue_set_policy(&runq, (enum dis_class)k,
				     policy_slot_new(dis_policies[0], NULL), 0);
	sleep_queue_init(&sleepq);
	for (unsigned i = 0; i < N; i++) {
		vcpus[i].id = i + 1;
		vcpus[i].intent.klass = (enum dis_class)(i % DIS_CLASSES);
		vcpus[i].intent.affinity = DIS_CPUMASK_ALL;
		vcpus[i].movable = i % 2;
		vcpus[i].roams = i % 2;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		free(runq.policy[k]);
	return 0;
}

static void test_queues_empty_has_no_top(void **state)
{
	(void)state;
	assert_int_equal(run_queue_top(&runq), DIS_CLASSES);
}

static void test_queues_top_is_most_urgent_class(void **state)
{
	(void)state;
	for (unsigned k = DIS_CLASSES; k-- > 0;) {
		run_queue_add(&runq, &vcpus[k], DIS_ENQUEUE_AGAIN, 0);
		assert_int_equal(run_queue_top(&runq), k);
	}
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		assert_int_equal(run_queue_top(&runq), k);
		run_queue_remove(&runq, &vcpus[k], DIS_LEAVE_RUN, 0);
	}
	assert_int_equal(run_queue_top(&runq), DIS_CLASSES);
}

static void test_queues_class_is_fifo_but_for_at_head(void **state)
{
	struct dis_vcpu *a = &vcpus[3], *b = &vcpus[8], *c = &vcpus[13];

	(void)state;
	run_queue_add(&runq, a, DIS_ENQUEUE_AGAIN, 0);
	run_queue_add(&runq, b, DIS_ENQUEUE_AGAIN, 0);
	run_queue_add(&runq, c, DIS_ENQUEUE_PREEMPT, 0);
	assert_ptr_equal(run_queue_pick(&runq, DIS_CLASS_BATCH, 0), c);
	run_queue_remove(&runq, c, DIS_LEAVE_RUN, 0);
	assert_ptr_equal(run_queue_pick(&runq, DIS_CLASS_BATCH, 0), a);
	run_queue_remove(&runq, a, DIS_LEAVE_RUN, 0);
	assert_ptr_equal(run_queue_pick(&runq, DIS_CLASS_BATCH, 0), b);
}

/* R: DIS-12: from the middle, too; the totals count all. */
static void test_queues_remove_from_the_middle_keeps_totals(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N; i++)
		run_queue_add(&runq, &vcpus[i], DIS_ENQUEUE_AGAIN, 0);
	assert_int_equal(runq.count, N);
	assert_int_equal(runq.roaming, N / 2);
	assert_true(atomic_load(&runq.reach) == DIS_CPUMASK_ALL);
	run_queue_remove(&runq, &vcpus[8], DIS_LEAVE_RUN, 0);
	assert_int_equal(vcpus[8].place, DIS_PLACE_NONE);
	assert_int_equal(runq.length[DIS_CLASS_BATCH], 12);
	assert_int_equal(runq.count, N - 1);
	run_queue_remove(&runq, &vcpus[9], DIS_LEAVE_RUN, 0);
	assert_int_equal(runq.roaming, N / 2 - 1);
}

static bool aborts(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void queue_twice(void)
{
	run_queue_add(&runq, &vcpus[0], DIS_ENQUEUE_AGAIN, 0);
	run_queue_add(&runq, &vcpus[0], DIS_ENQUEUE_AGAIN, 0);
}

static void queue_and_sleep(void)
{
	run_queue_add(&runq, &vcpus[0], DIS_ENQUEUE_AGAIN, 0);
	sleep_queue_add(&sleepq, &vcpus[0]);
}

static void sleep_and_queue(void)
{
	sleep_queue_add(&sleepq, &vcpus[0]);
	run_queue_add(&runq, &vcpus[0], DIS_ENQUEUE_AGAIN, 0);
}

static void remove_unqueued(void)
{
	run_queue_remove(&runq, &vcpus[0], DIS_LEAVE_RUN, 0);
}

static void remove_awake(void)
{
	sleep_queue_remove(&sleepq, &vcpus[0]);
}

/* R: ST-4 */
static void test_queues_second_place_aborts(void **state)
{
	(void)state;
	assert_true(aborts(queue_twice));
	assert_true(aborts(queue_and_sleep));
	assert_true(aborts(sleep_and_queue));
	assert_true(aborts(remove_unqueued));
	assert_true(aborts(remove_awake));
}

static void test_queues_sleepers_come_by_time_then_id(void **state)
{
	static const uint64_t when[] = {30, 10, 20, 10, 40};
	static const unsigned order[] = {1, 3, 2, 0, 4};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		vcpus[i].intent.klass = DIS_CLASS_BATCH;
		vcpus[i].wake_ns = when[i];
		sleep_queue_add(&sleepq, &vcpus[i]);
	}
	for (unsigned i = 0; i < 5; i++) {
		struct dis_vcpu *first = sleepq.tree[DIS_CLASS_BATCH].first;

		assert_ptr_equal(first, &vcpus[order[i]]);
		sleep_queue_remove(&sleepq, first);
	}
	assert_null(sleepq.tree[DIS_CLASS_BATCH].first);
}

/* R: DIS-12: removal anywhere, the earliest stays right. */
static void test_queues_sleepers_random_removal_keeps_earliest(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct dis_vcpu *vcpu = &vcpus[(unsigned)rand_r(&seed) % N];
		uint64_t first = DIS_NEVER_NS;

		if (vcpu->place == DIS_PLACE_SLEEPQ) {
			sleep_queue_remove(&sleepq, vcpu);
		} else {
			vcpu->wake_ns = (uint64_t)rand_r(&seed) % 50u;
			sleep_queue_add(&sleepq, vcpu);
		}
		for (unsigned i = 0; i < N; i++)
			if (vcpus[i].place == DIS_PLACE_SLEEPQ)
				first = dis_ns_min(first, vcpus[i].wake_ns);
		assert_int_equal(sleep_queue_next_ns(&sleepq, 0, DIS_CLASSES),
				 first);
	}
}

static void test_queues_next_looks_at_named_classes_only(void **state)
{
	(void)state;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		vcpus[k].wake_ns = 100 - k;
		sleep_queue_add(&sleepq, &vcpus[k]);
	}
	assert_int_equal(sleep_queue_next_ns(&sleepq, 0, 2), 99);
	assert_int_equal(sleep_queue_next_ns(&sleepq, 2, 4), 97);
	assert_true(sleep_queue_next_ns(&sleepq, 3, 3) == DIS_NEVER_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_queues_empty_has_no_top,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_top_is_most_urgent_class, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_class_is_fifo_but_for_at_head, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_remove_from_the_middle_keeps_totals, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_queues_second_place_aborts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_sleepers_come_by_time_then_id, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_sleepers_random_removal_keeps_earliest,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_queues_next_looks_at_named_classes_only, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
