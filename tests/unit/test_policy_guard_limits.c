/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of what a module may do, to the nanosecond and to the call (policy_guard.h;
 * R: DIS-16): a guard by itself, whose module takes as long as the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sched/core.h"
#include "sched/module.h"

static struct bed {
	struct policy_module module;
	struct dis_host_ops host_ops;
	struct dis_domain_config cfg;
	struct slab vcpus;
	struct policy_inside inside;
	struct policy_call call;
	struct dis_vcpu *vcpu;
	uint64_t clock_ns, takes_ns;
	enum dis_choice choice;
	struct dis_entity *picked;
} bed;

static uint64_t clock_ns(void *host)
{
	(void)host;
	return bed.clock_ns;
}

static void slow_charge(void *queue, struct dis_entity *e, uint64_t ran_ns,
			uint64_t now_ns)
{
	(void)queue;
	(void)e;
	(void)ran_ns;
	(void)now_ns;
	bed.clock_ns += bed.takes_ns;
}

static struct dis_entity *pick(void *queue, uint64_t now_ns)
{
	(void)queue;
	(void)now_ns;
	return bed.picked;
}

static enum dis_choice explain(void *queue, const struct dis_entity *e)
{
	(void)queue;
	(void)e;
	return bed.choice;
}

static void nothing(void *queue, struct dis_entity *e, enum dis_enqueue why,
		    uint64_t now_ns)
{
	(void)queue;
	(void)e;
	(void)why;
	(void)now_ns;
}

static int set_up(void **state)
{
	(void)state;
	memset(&bed, 0, sizeof(bed));
	bed.module.ops = (struct dis_policy_ops){
		.choice = DIS_CHOICE_DEADLINE,
		.charge = slow_charge,
		.enqueue = nothing,
		.pick = pick,
		.explain = explain,
	};
	bed.host_ops.now_ns = clock_ns;
	bed.cfg.host_ops = &bed.host_ops;
	assert_int_equal(slab_init(&bed.vcpus, 2, sizeof(struct dis_vcpu)), 0);
	bed.vcpu = slab_get(&bed.vcpus, slab_alloc(&bed.vcpus));
	bed.vcpu->id = slab_id_at(&bed.vcpus, 0);
	bed.call = (struct policy_call){
		.guard = policy_guard_new(&bed.module, &bed.vcpus, &bed.cfg),
		.inside = &bed.inside,
	};
	assert_non_null(bed.call.guard);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	policy_guard_free(bed.call.guard);
	slab_fini(&bed.vcpus);
	return 0;
}

static void operations(unsigned n, uint64_t takes_ns)
{
	bed.takes_ns = takes_ns;
	for (unsigned i = 0; i < n; i++)
		policy_guard_charge(&bed.call, bed.vcpu, 1);
}

static enum dis_reason fault(void)
{
	return bed.call.guard->fault;
}

static void test_guard_operation_of_the_limit_is_not_late(void **state)
{
	(void)state;
	operations(100, DIS_POLICY_OP_MAX_NS);
	assert_int_equal(fault(), DIS_REASON_NONE);
}

static void test_guard_fourth_late_one_of_32_is_too_much(void **state)
{
	(void)state;
	operations(DIS_POLICY_LATE_MAX - 1, DIS_POLICY_OP_MAX_NS + 1);
	operations(28, 0);
	assert_int_equal(fault(), DIS_REASON_NONE);
	/* The first of them is the 32nd before this one. */
	operations(1, DIS_POLICY_OP_MAX_NS + 1);
	assert_int_equal(fault(), DIS_REASON_POLICY_OVERRUN);
}

static void test_guard_late_one_is_forgotten_after_32(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		operations(DIS_POLICY_LATE_MAX - 1, DIS_POLICY_OP_MAX_NS + 1);
		operations(29, 0);
	}
	assert_int_equal(fault(), DIS_REASON_NONE);
}

static void test_guard_hang_again_is_too_much_for_so_long(void **state)
{
	(void)state;
	operations(1, DIS_POLICY_OP_HANG_NS);
	operations(DIS_POLICY_HANG_APART, 0);
	operations(1, DIS_POLICY_OP_HANG_NS);
	assert_int_equal(fault(), DIS_REASON_NONE);
	operations(DIS_POLICY_HANG_APART - 1, 0);
	/* Late, but no hang. */
	operations(1, DIS_POLICY_OP_HANG_NS - 1);
	assert_int_equal(fault(), DIS_REASON_NONE);
	operations(1, DIS_POLICY_OP_HANG_NS);
	operations(DIS_POLICY_HANG_APART - 1, 0);
	operations(1, DIS_POLICY_OP_HANG_NS);
	assert_int_equal(fault(), DIS_REASON_POLICY_OVERRUN);
}

/* What it did first is what is told. */
static void test_guard_first_fault_stays(void **state)
{
	(void)state;
	policy_guard_enqueue(&bed.call, bed.vcpu, DIS_ENQUEUE_WAKE);
	assert_null(policy_guard_pick(&bed.call, bed.vcpu, 1));
	assert_int_equal(fault(), DIS_REASON_POLICY_EMPTY);
	operations(DIS_POLICY_LATE_MAX, DIS_POLICY_OP_MAX_NS + 1);
	assert_int_equal(fault(), DIS_REASON_POLICY_EMPTY);
	/* And nothing that it says counts any more. */
	bed.picked = &bed.vcpu->entity;
	assert_null(policy_guard_pick(&bed.call, bed.vcpu, 1));
}

/* Only what is queued is proven: before, and of a slot that is not used, nothing. */
static void test_guard_pick_must_be_queued(void **state)
{
	struct dis_vcpu *unused = slab_at(&bed.vcpus, 1);

	(void)state;
	policy_guard_enqueue(&bed.call, bed.vcpu, DIS_ENQUEUE_WAKE);
	assert_true(policy_guard_has(bed.call.guard, bed.vcpu));
	bed.picked = &bed.vcpu->entity;
	assert_ptr_equal(policy_guard_pick(&bed.call, bed.vcpu, 1), bed.vcpu);
	bed.picked = &unused->entity;
	assert_null(policy_guard_pick(&bed.call, bed.vcpu, 1));
	assert_int_equal(fault(), DIS_REASON_POLICY_FOREIGN);
}

/* A reason that is no policy's is not taken over: the usual one is. */
static void test_guard_reason_is_one_of_policies(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		bool known = i >= DIS_CHOICE_TURN &&
			     i <= DIS_CHOICE_VIRTUAL_DEADLINE;

		bed.choice = (enum dis_choice)i;
		assert_int_equal(policy_guard_explain(&bed.call, bed.vcpu),
				 known ? i : DIS_CHOICE_DEADLINE);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_guard_operation_of_the_limit_is_not_late),
		TEST(test_guard_fourth_late_one_of_32_is_too_much),
		TEST(test_guard_late_one_is_forgotten_after_32),
		TEST(test_guard_hang_again_is_too_much_for_so_long),
		TEST(test_guard_first_fault_stays),
		TEST(test_guard_pick_must_be_queued),
		TEST(test_guard_reason_is_one_of_policies),
	};

	return cmocka_run_group_tests_name("policy-guard-limits", tests, NULL,
					   NULL);
}
