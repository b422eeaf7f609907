/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that misbehave are found out, others are not (R: DIS-16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_policy_guard_fixture.h"

/* Under @kind for a while; one event says @reason, then all is as before. */
static void returns(enum faulty kind, enum dis_reason reason, uint64_t after_ns)
{
	struct dis_event event;
	struct dis_module_info info;

	open_world(2);
	set(DIS_CLASS_BATCH, faulty[kind]);
	assert_string_equal(active(DIS_CLASS_BATCH), faulty[kind]->name);
	world_run(world, 20 * MS);
	assert_int_equal(count_failures(&event), 0);
	world_run(world, after_ns);
	assert_int_equal(count_failures(&event), 1);
	info = info_of(kind);
	assert_true(info.failed);
	assert_int_equal(info.reason, reason);
	assert_int_equal(event.reason, reason);
	assert_int_equal(event.klass, DIS_CLASS_BATCH);
	assert_int_equal(event.arg, info.number);
	assert_int_equal(event.cpu, info.core);
	assert_string_equal(active(DIS_CLASS_BATCH), "rr");
	assert_all_returned();
	dis_domain_check(world->dom);
	assert_shares_equal(1000 * MS);
	world_check_ledger(world, 0);
	assert_int_equal(dis_domain_set_policy(world->dom, DIS_CLASS_BATCH,
					       faulty[kind]),
			 -DIS_ESTATE);
	close_world();
}

/* R: DIS-16 */
static void test_policy_guard_foreign_entity_returns(void **state)
{
	(void)state;
	returns(FAULTY_FOREIGN, DIS_REASON_POLICY_FOREIGN, 200 * MS);
}

static void test_policy_guard_wild_pointer_returns(void **state)
{
	(void)state;
	returns(FAULTY_WILD, DIS_REASON_POLICY_FOREIGN, 200 * MS);
}

static void test_policy_guard_pointer_into_entity_returns(void **state)
{
	(void)state;
	returns(FAULTY_INSIDE, DIS_REASON_POLICY_FOREIGN, 200 * MS);
}

/* Of two, the one picked last runs while the other is picked: not queued. */
static void test_policy_guard_same_entity_twice_returns(void **state)
{
	static const struct burst once[] = {{.outcome = DIS_RUN_HALT}};
	struct role roles[2] = {ROLE(DIS_CLASS_SYSTEM, once),
				ROLE(DIS_CLASS_SYSTEM, once)};
	dis_id both;

	(void)state;
	open_world(1);
	set(DIS_CLASS_SYSTEM, faulty[FAULTY_TWICE]);
	both = world_vm(world, roles, 2);
	for (unsigned i = 0; i < 10; i++) {
		world_wake(world, world_vcpu(world, both, i % 2));
		world_run(world, MS);
	}
	assert_int_equal(info_of(FAULTY_TWICE).reason,
			 DIS_REASON_POLICY_FOREIGN);
	assert_all_returned();
	dis_domain_check(world->dom);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			dis_vcpu_state(world_vcpu(world, both, i)->vcpu),
			DIS_STATE_WAITING);
	close_world();
}

static void test_policy_guard_nothing_though_queued_returns(void **state)
{
	(void)state;
	returns(FAULTY_EMPTY, DIS_REASON_POLICY_EMPTY, 200 * MS);
}

/* Not much later than it has waited too long. */
static void test_policy_guard_lost_entity_returns(void **state)
{
	(void)state;
	returns(FAULTY_LOSES, DIS_REASON_POLICY_LOST,
		DIS_POLICY_WAIT_MAX_NS + 1000 * MS);
}

/* A second before the same module still has its chance. */
static void test_policy_guard_long_wait_is_no_loss(void **state)
{
	(void)state;
	open_world(1);
	set(DIS_CLASS_BATCH, faulty[FAULTY_LOSES]);
	world_run(world, DIS_POLICY_WAIT_MAX_NS - 1000 * MS);
	assert_false(info_of(FAULTY_LOSES).failed);
	world_run(world, 2000 * MS);
	assert_true(info_of(FAULTY_LOSES).failed);
	close_world();
}

static void test_policy_guard_slow_operations_return(void **state)
{
	(void)state;
	returns(FAULTY_SLOW, DIS_REASON_POLICY_OVERRUN, 500 * MS);
}

static void test_policy_guard_very_slow_operation_again_returns(void **state)
{
	(void)state;
	returns(FAULTY_HANGS, DIS_REASON_POLICY_OVERRUN, 1500 * MS);
}

static void test_policy_guard_call_back_is_refused_and_returns(void **state)
{
	(void)state;
	returns(FAULTY_REENTERS, DIS_REASON_POLICY_REENTRY, 200 * MS);
}

static int refused[15];

static void try_all(void)
{
	struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	struct dis_vcpu *vcpu = world_vcpu(world, vm, 0)->vcpu;
	const struct dis_vm_spec spec = {
		.name = "x", .vcpus = 1, .intents = &intent};
	const struct dis_policy_module module = {DIS_POLICY_ABI, "test",
						 dis_policies[0]};
	const struct dis_policy_ops *ops;
	struct dis_tenant_info tenant;
	struct dis_vcpu_stats stats;
	struct dis_vm_info info;
	dis_id id;

	refused[0] = dis_vm_spawn(world->dom, &spec, 0, &id, err, sizeof(err));
	refused[1] = dis_vm_start(world->dom, vm);
	refused[2] = dis_vm_end(world->dom, vm, DIS_STATE_FINISHED,
				DIS_REASON_STOPPED);
	refused[3] = dis_vm_reap_begin(world->dom, vm);
	refused[4] = dis_vm_reap_finish(world->dom, vm);
	refused[5] = dis_domain_set_policy(world->dom, DIS_CLASS_BATCH,
					   dis_policies[1]);
	refused[6] =
		dis_domain_unload_module(world->dom, "good", err, sizeof(err));
	refused[7] = dis_vcpu_set_intent(vcpu, &intent);
	refused[8] = dis_domain_set_default_quantum(world->dom, MS);
	refused[9] =
		dis_domain_set_shares(world->dom, vm, 0, 500, err, sizeof(err));
	refused[10] = dis_vm_get_info(world->dom, vm, &info);
	refused[11] = dis_vm_get_stats(world->dom, vm, &stats);
	refused[12] = dis_domain_get_tenant(world->dom, 0, &tenant);
	refused[13] =
		dis_module_load(modules, "/dev/null", &ops, err, sizeof(err));
	refused[14] = dis_module_add(modules, &module, "test", &ops, err,
				     sizeof(err));
	dis_core_step(world->core[0].core, world->now_ns, DIS_NEVER_NS, NULL);
}

/* Whatever it calls: nothing happens, not even a step within a step. */
static void test_policy_guard_each_call_back_changes_nothing(void **state)
{
	(void)state;
	open_world(1);
	faulty_on_reenter = try_all;
	set(DIS_CLASS_BATCH, faulty[FAULTY_REENTERS]);
	world_run(world, 500 * MS);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(refused[i], -DIS_EPERMISSION);
	assert_int_equal(info_of(FAULTY_REENTERS).reason,
			 DIS_REASON_POLICY_REENTRY);
	assert_shares_equal(1000 * MS);
	close_world();
}

static unsigned kicks(void)
{
	return world->core[0].kicks + world->core[1].kicks;
}

/* One that waits, on @core. */
static struct dis_vcpu *waiter(unsigned core)
{
	for (unsigned i = 0; i < 2 * HOGS; i++) {
		struct dis_vcpu *vcpu = world_vcpu(world, vm, i)->vcpu;

		if (vcpu_core(vcpu)->index == core &&
		    vcpu->place == DIS_PLACE_RUNQ)
			return vcpu;
	}
	fail_msg("nobody waits");
	return NULL;
}

/* Those that have no error to return: what they would have changed is as it was. */
static void try_silent(void)
{
	struct dis_vcpu *here = waiter(0), *there = waiter(1);
	struct dis_host_load load = {.active_cpus = 3};
	unsigned kicked = kicks();

	dis_vcpu_wake(here);
	dis_vcpu_inspect(there);
	dis_vcpu_wake_by(here, there);
	dis_vcpu_wake_by(there, here);
	assert_int_equal(atomic_load(&here->pending), 0);
	assert_int_equal(atomic_load(&there->pending), 0);
	assert_int_equal(atomic_load(&here->called_from), 0);
	dis_vcpu_yield_to(here, there);
	dis_vcpu_yield_to(there, here);
	dis_vcpu_charge(here, MS);
	assert_int_equal(atomic_load(&here->device_due_ns), 0);
	dis_domain_pause_preemption(world->dom);
	assert_false(atomic_load(&world->dom->paused));
	atomic_store(&world->dom->paused, true);
	dis_domain_resume_preemption(world->dom);
	assert_true(atomic_load(&world->dom->paused));
	atomic_store(&world->dom->paused, false);
	dis_domain_trigger(world->dom);
	dis_domain_set_fixed_slices(world->dom, true);
	dis_domain_set_counters(world->dom, true);
	dis_domain_set_host_load(world->dom, &load);
	assert_true(atomic_load(&world->dom->stretching));
	assert_false(atomic_load(&world->dom->counters));
	assert_int_equal(world->dom->host_load.active_cpus, DIS_LOAD_ABSENT);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(atomic_load(&world->core[i].core->gang_wanted),
				 DIS_ID_NONE);
	assert_int_equal(kicks(), kicked);
}

/* And those that look: they are told nothing, for which they would take a mutex. */
static void try_looks(void)
{
	uint64_t now[DIS_STATES], total[DIS_STATES];
	struct dis_domain_usage usage;
	struct dis_host_load load;
	struct dis_module_info info;
	struct dis_event event;
	struct dis_totals totals;

	dis_domain_get_totals(world->dom, world->now_ns, &totals);
	assert_int_equal(totals.created, 0);
	dis_domain_get_usage(world->dom, &usage);
	assert_int_equal(usage.vcpus, 0);
	world->dom->host_load.active_cpus = 3;
	dis_domain_get_host_load(world->dom, &load);
	world->dom->host_load.active_cpus = DIS_LOAD_ABSENT;
	assert_int_equal(load.active_cpus, DIS_LOAD_ABSENT);
	dis_domain_count_states(world->dom, now, total);
	assert_int_equal(now[DIS_STATE_SCHEDULED], 0);
	assert_int_equal(total[DIS_STATE_SCHEDULED], 0);
	assert_null(dis_domain_get_policy(world->dom, DIS_CLASS_BATCH, NULL));
	assert_null(dis_modules_find(modules, "good"));
	assert_false(dis_modules_get_info(modules, 0, &info));
	for (unsigned i = 0; i <= 2; i++)
		assert_int_equal(
			dis_domain_read_events(world->dom, i, &event, 1), 0);
}

static void test_policy_guard_silent_call_back_does_nothing(void **state)
{
	void (*const tries[])(void) = {try_silent, try_looks};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		open_world(2);
		faulty_on_reenter = tries[i];
		set(DIS_CLASS_BATCH, faulty[FAULTY_REENTERS]);
		world_run(world, 500 * MS);
		assert_int_equal(info_of(FAULTY_REENTERS).reason,
				 DIS_REASON_POLICY_REENTRY);
		assert_shares_equal(1000 * MS);
		close_world();
	}
}

/* Sleepers, wakes, hogs: a module that keeps the rules stays for a minute. */
static void test_policy_guard_good_module_stays(void **state)
{
	static const struct burst naps[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 3 * MS}};
	struct role roles[3] = {ROLE(DIS_CLASS_BATCH, naps),
				ROLE(DIS_CLASS_BATCH, naps),
				ROLE(DIS_CLASS_BATCH, naps)};
	struct dis_event event;

	(void)state;
	open_world(2);
	set(DIS_CLASS_BATCH, faulty[FAULTY_NOT]);
	world_vm(world, roles, 3);
	for (unsigned i = 0; i < 60; i++) {
		world_run(world, 1000 * MS);
		world->n_events = 0;
	}
	assert_int_equal(count_failures(&event), 0);
	assert_string_equal(active(DIS_CLASS_BATCH), "good");
	dis_domain_check(world->dom);
	close_world();
}

/* It is picked again and again, and nobody else: that is no waiting. */
static void test_policy_guard_alone_in_its_class_is_never_lost(void **state)
{
	static const struct burst naps[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 3 * MS}};
	struct role role = ROLE(DIS_CLASS_INTERACTIVE, naps);

	(void)state;
	open_world(1);
	set(DIS_CLASS_INTERACTIVE, faulty[FAULTY_NOT]);
	world_vm(world, &role, 1);
	world_run(world, 30000 * MS);
	assert_false(info_of(FAULTY_NOT).failed);
	close_world();
}

static unsigned pauses, pauses_apart;

static void pause_rarely(uint64_t ns)
{
	if (pauses++ % 16 == 0)
		world->sim.op_ns += ns;
}

/* A core that the host takes away now and then is no fault of the module. */
static void test_policy_guard_rare_stall_is_forgiven(void **state)
{
	(void)state;
	open_world(1);
	faulty_on_pause = pause_rarely;
	set(DIS_CLASS_BATCH, faulty[FAULTY_SLOW]);
	world_run(world, 10000 * MS);
	assert_true(pauses > 500);
	assert_false(info_of(FAULTY_SLOW).failed);
	close_world();
}

static void stall(uint64_t ns)
{
	(void)ns;
	if (pauses++ % pauses_apart == 0)
		world->sim.op_ns += DIS_POLICY_OP_HANG_NS;
}

/* Not even for long; but a module that takes so long itself does so again. */
static void test_policy_guard_long_stall_is_forgiven_but_not_soon(void **state)
{
	(void)state;
	for (unsigned soon = 0; soon < 2; soon++) {
		open_world(1);
		faulty_on_pause = stall;
		pauses = 0;
		/* A pick is one operation among four and more. */
		pauses_apart = soon ? DIS_POLICY_HANG_APART / 16
				    : DIS_POLICY_HANG_APART;
		set(DIS_CLASS_BATCH, faulty[FAULTY_SLOW]);
		world_run(world, 60000 * MS);
		if (!soon)
			assert_true(pauses > 3 * pauses_apart);
		assert_int_equal(info_of(FAULTY_SLOW).failed, soon);
		close_world();
	}
}

/* The one that did not run for a second. */
static struct world_vcpu *find_lost(void)
{
	uint64_t before[HOGS];
	struct world_vcpu *lost = NULL;

	for (unsigned i = 0; i < HOGS; i++)
		before[i] = world_stats(world_vcpu(world, vm, i)).cpu_ns;
	world_run(world, 1000 * MS);
	for (unsigned i = 0; i < HOGS; i++)
		if (world_stats(world_vcpu(world, vm, i)).cpu_ns == before[i])
			lost = world_vcpu(world, vm, i);
	assert_non_null(lost);
	return lost;
}

/* Its share is one in 257: 64 * 257 turns of 10 ms, 164 s, are its right. */
static void test_policy_guard_light_weight_waits_longer(void **state)
{
	(void)state;
	open_world(1);
	set(DIS_CLASS_BATCH, faulty[FAULTY_LOSES]);
	world_run(world, 500 * MS);
	find_lost()->vcpu->entity.weight = DIS_WEIGHT_DEFAULT / 64;
	world_run(world, 150000 * MS);
	assert_false(info_of(FAULTY_LOSES).failed);
	world_run(world, 20000 * MS);
	assert_int_equal(info_of(FAULTY_LOSES).reason, DIS_REASON_POLICY_LOST);
	close_world();
}

static const char *stuck_name;
static unsigned stuck_core;

static void look_from_outside(uint64_t ns)
{
	stuck_name = dis_domain_find_stuck(world->dom, world->now_ns + 2 * ns,
					   ns, &stuck_core);
	assert_null(dis_domain_find_stuck(world->dom, world->now_ns, ns,
					  &stuck_core));
}

static void
test_policy_guard_operation_that_does_not_return_is_named(void **state)
{
	unsigned core;

	(void)state;
	open_world(1);
	faulty_on_pause = look_from_outside;
	set(DIS_CLASS_BATCH, faulty[FAULTY_HANGS]);
	world_run(world, 500 * MS);
	assert_string_equal(stuck_name, "hangs");
	assert_null(dis_domain_find_stuck(world->dom, DIS_NEVER_NS, 0, &core));
	close_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_guard_foreign_entity_returns),
		cmocka_unit_test(test_policy_guard_wild_pointer_returns),
		cmocka_unit_test(test_policy_guard_pointer_into_entity_returns),
		cmocka_unit_test(test_policy_guard_same_entity_twice_returns),
		cmocka_unit_test(
			test_policy_guard_nothing_though_queued_returns),
		cmocka_unit_test(test_policy_guard_lost_entity_returns),
		cmocka_unit_test(test_policy_guard_long_wait_is_no_loss),
		cmocka_unit_test(test_policy_guard_slow_operations_return),
		cmocka_unit_test(
			test_policy_guard_very_slow_operation_again_returns),
		cmocka_unit_test(
			test_policy_guard_call_back_is_refused_and_returns),
		cmocka_unit_test(
			test_policy_guard_each_call_back_changes_nothing),
		cmocka_unit_test(
			test_policy_guard_silent_call_back_does_nothing),
		cmocka_unit_test(test_policy_guard_good_module_stays),
		cmocka_unit_test(
			test_policy_guard_alone_in_its_class_is_never_lost),
		cmocka_unit_test(test_policy_guard_rare_stall_is_forgiven),
		cmocka_unit_test(
			test_policy_guard_long_stall_is_forgiven_but_not_soon),
		cmocka_unit_test(test_policy_guard_light_weight_waits_longer),
		cmocka_unit_test(
			test_policy_guard_operation_that_does_not_return_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
