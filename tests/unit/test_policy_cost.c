/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy costs per dispatch, from 2 to 10,000 queued. Prints figures, judges
 * none: time here depends on the machine. test_ends_tree.c counts the steps.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "lib/policy_bed.h"

#define MANY 10000u
#define ROUNDS 5u

/* As in the product: part of something larger. */
struct vcpu {
	char before[192];
	struct dis_entity e;
	char after[192];
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

/* The work of a dispatch: preemption check, charge, enqueue, pick, dequeue. */
static double dispatch_ns(const struct dis_policy_ops *ops, struct vcpu *vcpus,
			  unsigned n, unsigned dispatches)
{
	void *queue = calloc(1, ops->queue_bytes);
	struct dis_entity *e;
	uint64_t rng = bed_seed();
	uint64_t now_ns = DIS_S_NS, start_ns, taken_ns;

	assert_non_null(queue);
	ops->init(queue);
	for (unsigned i = 0; i < n; i++) {
		e = &vcpus[i].e;
		*e = (struct dis_entity){
			.id = i + 1,
			.weight = (uint32_t)bed_range(&rng, 512, 2048),
			.slice_ns = DIS_MS_NS,
			.priority = (uint8_t)bed_random(&rng),
			.queued_ns = now_ns,
			.deadline_ns =
				now_ns + bed_range(&rng, 0, n) * DIS_MS_NS};
		ops->enqueue(queue, e, DIS_ENQUEUE_WAKE, now_ns);
	}
	e = ops->pick(queue, now_ns);
	ops->dequeue(queue, e, DIS_LEAVE_RUN, now_ns);
	start_ns = clock_ns();
	for (unsigned i = 0; i < dispatches; i++) {
		now_ns += DIS_MS_NS;
		if (ops->charge)
			ops->charge(queue, e, DIS_MS_NS, now_ns);
		if (ops->preempts)
			(void)ops->preempts(queue, e, now_ns);
		e->queued_ns = now_ns;
		e->deadline_ns = now_ns + e->weight % n * DIS_MS_NS;
		ops->enqueue(queue, e, DIS_ENQUEUE_AGAIN, now_ns);
		e = ops->pick(queue, now_ns);
		ops->dequeue(queue, e, DIS_LEAVE_RUN, now_ns);
	}
	taken_ns = clock_ns() - start_ns;
	free(queue);
	return (double)taken_ns / dispatches;
}

/* The least disturbed of a few. */
static double best_ns(const struct dis_policy_ops *ops, struct vcpu *vcpus,
		      unsigned n)
{
	double best = 1e9;

	for (unsigned i = 0; i < ROUNDS; i++) {
		double ns = dispatch_ns(ops, vcpus, n, 10 * MANY);

		if (ns < best)
			best = ns;
	}
	return best;
}

static void test_policy_cost_grows_little_to_10000(void **state)
{
	struct vcpu *vcpus = calloc(MANY, sizeof(*vcpus));

	(void)state;
	assert_non_null(vcpus);
	for (unsigned i = 0; dis_policies[i]; i++) {
		const struct dis_policy_ops *ops = dis_policies[i];
		double few = best_ns(ops, vcpus, 2);
		double some = best_ns(ops, vcpus, 100);
		double many = best_ns(ops, vcpus, MANY);

		print_message("# %-8s ns per dispatch: 2: %.0f, 100: %.0f, "
			      "10000: %.0f\n",
			      ops->name, few, some, many);
	}
	free(vcpus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_cost_grows_little_to_10000),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
