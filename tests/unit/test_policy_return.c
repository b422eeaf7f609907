/* SPDX-License-Identifier: Apache-2.0 */
/* To which policy a class returns, and what goes over (R: DIS-16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_policy_guard_fixture.h"

TAILQ_HEAD(strict_list, dis_entity);

/* The former one is a module: it comes back, and leaves in its turn. */
static void test_policy_return_to_former_module(void **state)
{
	const struct dis_policy_ops *former;

	(void)state;
	open_world(2);
	set(DIS_CLASS_BATCH, dis_policy_find("fair"));
	set(DIS_CLASS_BATCH, faulty[FAULTY_OTHER]);
	set(DIS_CLASS_BATCH, faulty[FAULTY_EMPTY]);
	assert_ptr_equal(dis_domain_get_policy(world->dom, DIS_CLASS_BATCH,
					       &former),
			 faulty[FAULTY_EMPTY]);
	assert_ptr_equal(former, faulty[FAULTY_OTHER]);
	world_run(world, 200 * MS);
	assert_ptr_equal(dis_domain_get_policy(world->dom, DIS_CLASS_BATCH,
					       &former),
			 faulty[FAULTY_OTHER]);
	assert_string_equal(former->name, "fair");
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(world->core[i]
					    .core->runq.policy[DIS_CLASS_BATCH]
					    ->ops->name,
				    "other");
	assert_shares_equal(1000 * MS);
	close_world();
}

/* Both modules fail, the second while it takes over: this build's is left. */
static void
test_policy_return_former_module_failed_too_goes_past_it(void **state)
{
	(void)state;
	open_world(2);
	set(DIS_CLASS_BATCH, dis_policy_find("priority"));
	set(DIS_CLASS_BATCH, faulty[FAULTY_FOREIGN]);
	set(DIS_CLASS_BATCH, faulty[FAULTY_WILD]);
	world_run(world, 400 * MS);
	assert_true(info_of(FAULTY_FOREIGN).failed);
	assert_true(info_of(FAULTY_WILD).failed);
	assert_string_equal(active(DIS_CLASS_BATCH), "priority");
	assert_all_returned();
	dis_domain_check(world->dom);
	close_world();
}

/* It served another class as well: it is not trusted there any more either. */
static void test_policy_return_failed_module_leaves_every_class(void **state)
{
	struct dis_event event;

	(void)state;
	open_world(2);
	set(DIS_CLASS_REALTIME, faulty[FAULTY_WILD]);
	set(DIS_CLASS_BACKGROUND, faulty[FAULTY_WILD]);
	set(DIS_CLASS_BATCH, faulty[FAULTY_WILD]);
	world_run(world, 200 * MS);
	assert_int_equal(count_failures(&event), 1);
	assert_string_equal(active(DIS_CLASS_REALTIME), "edf");
	assert_string_equal(active(DIS_CLASS_BACKGROUND), "rr");
	assert_all_returned();
	close_world();
}

/* A core that has not taken the module over yet never does. */
static void
test_policy_return_module_failed_before_it_was_taken_is_skipped(void **state)
{
	(void)state;
	open_world(2);
	set(DIS_CLASS_BATCH, faulty[FAULTY_EMPTY]);
	assert_int_equal(dis_domain_set_policy(world->dom, DIS_CLASS_SYSTEM,
					       faulty[FAULTY_EMPTY]),
			 0);
	module_fail(module_of(modules, faulty[FAULTY_EMPTY]),
		    DIS_REASON_POLICY_EMPTY, DIS_CLASS_BATCH, 0);
	world_settle(world);
	assert_string_equal(active(DIS_CLASS_SYSTEM), "rr");
	assert_all_returned();
	close_world();
}

/* What sleeps while the policies change wakes into the one that is there. */
static void test_policy_return_sleepers_come_back_to_former(void **state)
{
	static const struct burst nap[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 700 * MS}};
	struct role role = ROLE(DIS_CLASS_BATCH, nap);
	struct world_vcpu *sleeper;

	(void)state;
	open_world(1);
	set(DIS_CLASS_BATCH, dis_policy_find("fair"));
	sleeper = world_vcpu(world, world_vm(world, &role, 1), 0);
	world_run(world, 100 * MS);
	assert_int_equal(dis_vcpu_state(sleeper->vcpu), DIS_STATE_SLEEPING);
	set(DIS_CLASS_BATCH, faulty[FAULTY_WILD]);
	world_run(world, 3000 * MS);
	assert_string_equal(active(DIS_CLASS_BATCH), "fair");
	assert_true(sleeper->bursts_done >= 3);
	dis_domain_check(world->dom);
	close_world();
}

/*
 * A module that fails the test unless each charge is for the one that it saw
 * leave its queue to run.
 */
enum {
	STRICT_OUT,
	STRICT_QUEUED,
	STRICT_RUNS
};

static unsigned strict_charges;

static void strict_init(void *queue)
{
	TAILQ_INIT((struct strict_list *)queue);
}

static void strict_enqueue(void *queue, struct dis_entity *e,
			   enum dis_enqueue why, uint64_t now_ns)
{
	struct strict_list *list = queue;

	(void)now_ns;
	assert_int_equal(e->key[0],
			 why == DIS_ENQUEUE_AGAIN || why == DIS_ENQUEUE_PREEMPT
				 ? STRICT_RUNS
				 : STRICT_OUT);
	e->key[0] = STRICT_QUEUED;
	TAILQ_INSERT_TAIL(list, e, link.list);
}

static void strict_dequeue(void *queue, struct dis_entity *e,
			   enum dis_leave why, uint64_t now_ns)
{
	struct strict_list *list = queue;

	(void)now_ns;
	assert_int_equal(e->key[0], STRICT_QUEUED);
	e->key[0] = why == DIS_LEAVE_RUN ? STRICT_RUNS : STRICT_OUT;
	TAILQ_REMOVE(list, e, link.list);
}

static struct dis_entity *strict_pick(void *queue, uint64_t now_ns)
{
	struct strict_list *list = queue;

	(void)now_ns;
	return TAILQ_FIRST(list);
}

static void strict_charge(void *queue, struct dis_entity *e, uint64_t ran_ns,
			  uint64_t now_ns)
{
	(void)queue;
	(void)ran_ns;
	(void)now_ns;
	assert_int_equal(e->key[0], STRICT_RUNS);
	strict_charges++;
}

static void strict_leave(void *queue, struct dis_entity *e, enum dis_leave why,
			 uint64_t now_ns)
{
	(void)queue;
	(void)why;
	(void)now_ns;
	assert_int_equal(e->key[0], STRICT_RUNS);
	e->key[0] = STRICT_OUT;
}

static const struct dis_policy_ops strict_ops = {
	.abi = DIS_POLICY_ABI,
	.name = "strict",
	.queue_bytes = sizeof(struct strict_list),
	.classes = 1u << DIS_CLASS_BATCH,
	.choice = DIS_CHOICE_TURN,
	.init = strict_init,
	.enqueue = strict_enqueue,
	.dequeue = strict_dequeue,
	.pick = strict_pick,
	.charge = strict_charge,
	.leave = strict_leave,
};

/* R: DIS-16: queued and running ones alike, from rr and from a failed module. */
static void test_policy_return_each_is_told_of_before_it_is_charged(void **state)
{
	static const struct dis_policy_module module = {DIS_POLICY_ABI, "1",
							&strict_ops};
	static const struct burst naps[] = {
		{.run_ns = 7 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct role roles[2] = {ROLE(DIS_CLASS_BATCH, naps),
				ROLE(DIS_CLASS_BATCH, naps)};
	const struct dis_policy_ops *strict;

	(void)state;
	open_world(2);
	assert_int_equal(dis_module_add(modules, &module, "test", &strict, err,
					sizeof(err)),
			 0);
	world_vm(world, roles, 2);
	strict_charges = 0;
	for (unsigned i = 0; i < 50; i++) {
		set(DIS_CLASS_BATCH, strict);
		world_run(world, 23 * MS);
		set(DIS_CLASS_BATCH, dis_policies[i % 4]);
		world_run(world, 3 * MS);
	}
	set(DIS_CLASS_BATCH, strict);
	set(DIS_CLASS_BATCH, faulty[FAULTY_EMPTY]);
	world_run(world, 1000 * MS);
	assert_true(info_of(FAULTY_EMPTY).failed);
	assert_string_equal(active(DIS_CLASS_BATCH), "strict");
	assert_true(strict_charges > 300);
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_return_to_former_module),
		cmocka_unit_test(
			test_policy_return_former_module_failed_too_goes_past_it),
		cmocka_unit_test(
			test_policy_return_failed_module_leaves_every_class),
		cmocka_unit_test(
			test_policy_return_module_failed_before_it_was_taken_is_skipped),
		cmocka_unit_test(
			test_policy_return_sleepers_come_back_to_former),
		cmocka_unit_test(
			test_policy_return_each_is_told_of_before_it_is_charged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
