/* SPDX-License-Identifier: Apache-2.0 */
/* Preemption stopped, resumed and triggered while vCPUs run (R: PRE-2). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst naps[] = {
	{.run_ns = 2 * MS, .outcome = DIS_RUN_HALT, .sleep_ns = MS}};

/* Two vCPUs on one core; the first runs @script. */
static struct world *open_two(enum dis_class klass, const struct burst *script,
			      dis_id *vm)
{
	struct role roles[] = {{world_intent(klass), script, 1},
			       ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);

	*vm = world_vm(w, roles, 2);
	return w;
}

/* R: PRE-2 */
static void test_preemption_paused_slices_do_not_end(void **state)
{
	dis_id vm;
	struct world *w = open_two(DIS_CLASS_BATCH, world_hog, &vm);
	const struct dis_vcpu *first = w->core[0].decision.vcpu;

	(void)state;
	dis_domain_pause_preemption(w->dom);
	world_run(w, 1000 * MS);
	assert_ptr_equal(w->core[0].decision.vcpu, first);
	assert_true(w->core[0].decision.until_ns == DIS_NEVER_NS);
	assert_int_equal(world_core_stats(w, 0).preemptions, 0);
	world_close(w);
}

/* R: PRE-2 */
static void test_preemption_resumed_ends_the_slice_at_once(void **state)
{
	dis_id vm;
	struct world *w = open_two(DIS_CLASS_BATCH, world_hog, &vm);
	const struct dis_vcpu *first = w->core[0].decision.vcpu;

	(void)state;
	dis_domain_pause_preemption(w->dom);
	world_run(w, 100 * MS);
	dis_domain_resume_preemption(w->dom);
	world_settle(w);
	assert_ptr_not_equal(w->core[0].decision.vcpu, first);
	world_run(w, 100 * MS);
	assert_in_range(world_core_stats(w, 0).preemptions, 10, 12);
	world_check_ledger(w, 0);
	world_close(w);
}

/* R: PRE-2: what wakes waits until the core is given up. */
static void test_preemption_paused_wake_takes_no_core(void **state)
{
	dis_id vm;
	struct world *w = open_two(DIS_CLASS_INTERACTIVE, naps, &vm);
	const struct world_vcpu *napper = world_vcpu(w, vm, 0);

	(void)state;
	world_run(w, 2 * MS);
	assert_int_equal(napper->vcpu->state, DIS_STATE_SLEEPING);
	dis_domain_pause_preemption(w->dom);
	world_run(w, 100 * MS);
	assert_int_equal(napper->bursts_done, 1);
	dis_domain_resume_preemption(w->dom);
	world_settle(w);
	assert_ptr_equal(w->core[0].decision.vcpu, napper->vcpu);
	world_close(w);
}

/* R: PRE-2 */
static void test_preemption_paused_core_that_is_left_goes_on(void **state)
{
	dis_id vm;
	struct world *w = open_two(DIS_CLASS_INTERACTIVE, naps, &vm);

	(void)state;
	dis_domain_pause_preemption(w->dom);
	world_run(w, 3 * MS);
	assert_ptr_equal(w->core[0].decision.vcpu, world_vcpu(w, vm, 1)->vcpu);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	world_settle(w);
	assert_int_equal(w->ends, 1);
	world_close(w);
}

/* R: PRE-2 */
static void test_preemption_trigger_makes_each_core_decide(void **state)
{
	struct world *w = world_open_cores(3);
	unsigned steps[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		steps[i] = w->core[i].steps;
	dis_domain_trigger(w->dom);
	world_settle(w);
	for (unsigned i = 0; i < 3; i++)
		assert_true(w->core[i].steps > steps[i]);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preemption_paused_slices_do_not_end),
		cmocka_unit_test(test_preemption_resumed_ends_the_slice_at_once),
		cmocka_unit_test(test_preemption_paused_wake_takes_no_core),
		cmocka_unit_test(
			test_preemption_paused_core_that_is_left_goes_on),
		cmocka_unit_test(test_preemption_trigger_makes_each_core_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
