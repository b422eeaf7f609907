/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that fails ends itself only: others in the process go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/pool.h"

/* A computing guest, a sleeping one, and a third, on the same cores. */
enum {
	HOG,
	SLEEPER,
	FAILING,
	GUESTS
};

struct neighbours {
	struct pool pool;
	struct machine_kind kinds[GUESTS];
	struct machine *guests[GUESTS];
};

static void neighbours_boot(struct neighbours *n, const char *failing)
{
	pool_open(&n->pool, POOL_DIS, GUESTS, GUESTS + 1);
	pool_kind_open(&n->kinds[HOG], "work=hog", 1, 1, false);
	pool_kind_open(&n->kinds[SLEEPER], "work=sleep:1ms", 1, 1, false);
	pool_kind_open(&n->kinds[FAILING], failing, 2, 1, false);
	for (unsigned i = 0; i < FAILING; i++) {
		n->guests[i] = pool_boot(&n->pool, &n->kinds[i], 0);
		pool_wait_work(n->guests[i], 0, 1);
	}
	n->guests[FAILING] = pool_boot(&n->pool, &n->kinds[FAILING], 0);
	pool_wait_ended(&n->pool, 1);
}

/* Both have done something more, and neither has ended. */
static void neighbours_go_on(struct neighbours *n)
{
	for (unsigned i = 0; i < FAILING; i++) {
		pool_wait_work(n->guests[i], 0, 20);
		assert_false(pool_info(&n->pool, n->guests[i]).ended);
	}
}

static void neighbours_end(struct neighbours *n)
{
	for (unsigned i = 0; i < FAILING; i++)
		pool_stop(&n->pool, n->guests[i]);
	pool_wait_ended(&n->pool, FAILING);
	for (unsigned i = 0; i < FAILING; i++) {
		struct dis_vm_info info = pool_info(&n->pool, n->guests[i]);

		assert_int_equal(info.state, DIS_STATE_FINISHED);
		assert_int_equal(info.reason, DIS_REASON_STOPPED);
		pool_reap(&n->pool, n->guests[i]);
	}
	pool_close(&n->pool);
	for (unsigned i = 0; i < GUESTS; i++)
		machine_kind_close(&n->kinds[i]);
}

static void expect_failure(const char *failing, enum dis_reason reason,
			   const char *detail)
{
	struct dis_domain_usage usage;
	struct neighbours n;
	struct dis_vm_info info;

	neighbours_boot(&n, failing);
	info = pool_info(&n.pool, n.guests[FAILING]);
	assert_true(info.ended);
	assert_string_equal(dis_state_name(info.state), "failed");
	assert_string_equal(dis_reason_name(info.reason),
			    dis_reason_name(reason));
	if (!strstr(n.guests[FAILING]->vm.failure.detail, detail))
		fail_msg("'%s' does not say '%s'",
			 n.guests[FAILING]->vm.failure.detail, detail);
	neighbours_go_on(&n);

	pool_reap(&n.pool, n.guests[FAILING]);
	dis_domain_get_usage(n.pool.dom, &usage);
	assert_int_equal(usage.vms, FAILING);
	assert_int_equal(usage.vcpus, FAILING);
	neighbours_go_on(&n);
	neighbours_end(&n);
}

/* AMD's SVM loses the registers of a shutdown; then that is what is said. */
static void expect_triple_fault(const char *failing, const char *detail)
{
	if (!access("/sys/module/kvm_amd", F_OK))
		detail =
			"triple fault (registers lost, AMD SVM has reset them)";
	expect_failure(failing, DIS_REASON_TRIPLE_FAULT, detail);
}

/* R: ST-3 */
static void test_guest_triple_fault_fails_alone(void **state)
{
	(void)state;
	expect_triple_fault("work=hog work@0=fault:triple",
			    "vCPU 0: triple fault at rip 0x");
}

static void test_guest_triple_fault_of_second_vcpu_ends_first(void **state)
{
	(void)state;
	expect_triple_fault("work=hog work@1=fault:triple",
			    "vCPU 1: triple fault at rip 0x");
}

static void test_guest_jump_to_nowhere_fails_alone(void **state)
{
	(void)state;
	expect_triple_fault("work=hog work@0=fault:jump",
			    "at rip 0xffff800000000000");
}

static void test_guest_undefined_instruction_fails_alone(void **state)
{
	(void)state;
	expect_failure("work=hog work@0=fault:ud", DIS_REASON_GUEST_EXIT,
		       "guest exit code");
}

static void test_guest_undefined_hypercall_fails_alone(void **state)
{
	(void)state;
	expect_failure("work=hog work@0=fault:hypercall", DIS_REASON_HYPERCALL,
		       "vCPU 0: undefined hypercall: call number 30583 at rip");
}

static void test_guest_undefined_report_argument_fails_alone(void **state)
{
	(void)state;
	expect_failure(
		"work=hog work@0=fault:hypercall-arg", DIS_REASON_HYPERCALL,
		"vCPU 0: undefined hypercall: report, argument 0 is 0xfffff000");
}

static void test_guest_undefined_hint_argument_fails_alone(void **state)
{
	(void)state;
	expect_failure(
		"work=hog work@1=fault:hint", DIS_REASON_HYPERCALL,
		"vCPU 1: undefined hypercall: intent, argument 0 is 0xfffff000");
}

static void test_guest_power_off_amid_work_fails_alone(void **state)
{
	(void)state;
	expect_failure("work=hog work@0=fault:poweroff", DIS_REASON_GUEST_EXIT,
		       "power-off while vCPU");
}

static void test_guest_exit_code_fails_alone(void **state)
{
	(void)state;
	expect_failure("work=hog work@0=exit:7", DIS_REASON_GUEST_EXIT,
		       "guest exit code 7");
}

/* R: EVO-B4: nothing of the failed guest is in the way of the next one. */
static void test_slot_of_failed_guest_is_used_again(void **state)
{
	struct machine_kind bad, good;
	struct machine *guest;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1, 1);
	pool_kind_open(&bad, "work=fault:triple", 1, 1, false);
	pool_kind_open(&good, "work=idle time=1ms", 1, 1, false);
	for (unsigned i = 0; i < 10; i++) {
		guest = pool_boot(&pool, &bad, 0);
		pool_wait_ended(&pool, 1);
		assert_int_equal(pool_info(&pool, guest).state,
				 DIS_STATE_FAILED);
		pool_reap(&pool, guest);

		guest = pool_boot(&pool, &good, 0);
		pool_wait_ended(&pool, 1);
		assert_int_equal(pool_info(&pool, guest).state,
				 DIS_STATE_FINISHED);
		assert_int_equal(pool_count_done(guest), 1);
		pool_reap(&pool, guest);
	}
	pool_close(&pool);
	machine_kind_close(&good);
	machine_kind_close(&bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_triple_fault_fails_alone),
		cmocka_unit_test(
			test_guest_triple_fault_of_second_vcpu_ends_first),
		cmocka_unit_test(test_guest_jump_to_nowhere_fails_alone),
		cmocka_unit_test(test_guest_undefined_instruction_fails_alone),
		cmocka_unit_test(test_guest_undefined_hypercall_fails_alone),
		cmocka_unit_test(
			test_guest_undefined_report_argument_fails_alone),
		cmocka_unit_test(test_guest_undefined_hint_argument_fails_alone),
		cmocka_unit_test(test_guest_power_off_amid_work_fails_alone),
		cmocka_unit_test(test_guest_exit_code_fails_alone),
		cmocka_unit_test(test_slot_of_failed_guest_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
