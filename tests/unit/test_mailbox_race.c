/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes under real threads: the executors, with vCPUs that no KVM runs, and
 * threads that post as fast as they can. A vCPU counts what it sees; every wake
 * must lead to a look at its work, or it hangs. timeout: 240
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "lib/fakevm.h"

#define WAKES 200000u
#define VCPUS 12u
/*
 * A host with eight runnable threads per CPU was seen to keep an executor that has
 * been kicked waiting for its CPU for more than 10 s.
 */
#define LIMIT_NS (60 * DIS_S_NS)

/* Work for a vCPU: what was given to it, and what it has done. */
struct work {
	_Alignas(64) atomic_uint given;
	atomic_uint done;
	struct fake_vcpu *vcpu;
};

/* A run: does all that was given, then halts until there is more. */
static void do_work(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	struct work *work = vcpu->arg;

	atomic_store(&work->done, atomic_load(&work->given));
	result->outcome = DIS_RUN_HALT;
	if (vcpu->rnd % 4 == 0)
		result->timer_ns = dis_clock_ns() + 20 * DIS_US_NS;
	vcpu->rnd = vcpu->rnd * 1103515245u + 12345u;
}

struct poster {
	struct work *work;
	unsigned vcpus;
	unsigned seed;
	pthread_t thread;
	bool failed;
};

/* Gives work and wakes; now and then waits until it was done. */
static void *post(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < WAKES / 2; i++) {
		struct work *work =
			&poster->work[(unsigned)rand_r(&poster->seed) %
				      poster->vcpus];
		unsigned ticket = atomic_fetch_add(&work->given, 1u) + 1u;

		dis_vcpu_wake(work->vcpu->vcpu);
		if (i % 8)
			continue;
		/* The lost wake: it was given, and nobody comes. */
		if (!fake_wait_until(&work->done, ticket, LIMIT_NS)) {
			poster->failed = true;
			return NULL;
		}
	}
	return NULL;
}

static void race(unsigned cores, bool per_vcpu, const enum dis_class *classes,
		 bool hogs)
{
	struct fake_config cfg = {.cores = cores, .per_vcpu = per_vcpu};
	struct work work[VCPUS];
	struct poster posters[2];
	struct fake *fake = fake_open(&cfg);
	struct fake_role roles[VCPUS];
	uint64_t dispatches = 0;
	dis_id vm, hog = DIS_ID_NONE;

	for (unsigned i = 0; i < VCPUS; i++) {
		atomic_init(&work[i].given, 0);
		atomic_init(&work[i].done, 0);
		roles[i] =
			(struct fake_role){classes[i % 4], do_work, &work[i]};
	}
	vm = fake_vm(fake, roles, VCPUS);
	for (unsigned i = 0; i < VCPUS; i++)
		work[i].vcpu = fake_vcpu(fake, vm, i);
	if (hogs) {
		const struct fake_role spin = {DIS_CLASS_BATCH, fake_spin, NULL};

		hog = fake_vm(fake, &spin, 1);
		fake_start(fake, hog);
	}
	fake_start(fake, vm);
	for (unsigned i = 0; i < 2; i++) {
		posters[i] = (struct poster){
			.work = work, .vcpus = VCPUS, .seed = i + 1};
		assert_int_equal(pthread_create(&posters[i].thread, NULL, post,
						&posters[i]),
				 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(posters[i].thread, NULL);
		assert_false(posters[i].failed);
	}
	/* What came last was seen, too. */
	for (unsigned i = 0; i < VCPUS; i++) {
		struct dis_vcpu_stats stats;

		assert_true(fake_wait_until(
			&work[i].done, atomic_load(&work[i].given), LIMIT_NS));
		dis_vcpu_get_stats(work[i].vcpu->vcpu, &stats);
		dispatches += stats.dispatches;
	}
	assert_true(dispatches > VCPUS);
	fake_end(fake, vm);
	if (hogs)
		fake_end(fake, hog);
	fake_close(fake);
}

static const enum dis_class mixed[] = {DIS_CLASS_INTERACTIVE, DIS_CLASS_BATCH,
				       DIS_CLASS_BACKGROUND, DIS_CLASS_SYSTEM};

/* R: EVO-B2, EVO-B1 */
static void test_mailbox_race_two_cores_lose_no_wake(void **state)
{
	(void)state;
	race(2, false, mixed, false);
}

/* R: EVO-B2: one more core than the host may have: threads are taken away. */
static void test_mailbox_race_more_cores_lose_no_wake(void **state)
{
	(void)state;
	race(4, false, mixed, false);
}

/* R: EVO-B2, CARD-4: beside a hog that only a kick or the timer stops. */
static void test_mailbox_race_beside_hog_loses_no_wake(void **state)
{
	static const enum dis_class urgent[] = {DIS_CLASS_INTERACTIVE,
						DIS_CLASS_SYSTEM,
						DIS_CLASS_INTERACTIVE,
						DIS_CLASS_SYSTEM};

	(void)state;
	race(2, false, urgent, true);
}

/* R: EVO-B2: the thread executor. */
static void test_mailbox_race_thread_per_vcpu_loses_no_wake(void **state)
{
	(void)state;
	race(VCPUS + 1u, true, mixed, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox_race_two_cores_lose_no_wake),
		cmocka_unit_test(test_mailbox_race_more_cores_lose_no_wake),
		cmocka_unit_test(test_mailbox_race_beside_hog_loses_no_wake),
		cmocka_unit_test(
			test_mailbox_race_thread_per_vcpu_loses_no_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
