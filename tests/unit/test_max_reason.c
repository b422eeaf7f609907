/* SPDX-License-Identifier: Apache-2.0 */
/* Whose maximum it was that throttled a vCPU (R: ST-6, DIS-6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS

/* The first 50 ms of a hog: it runs, and is throttled. */
static void expect(unsigned own, unsigned vms, const char *history)
{
	struct world *w = world_open_cores(1);
	struct role role = ROLE(DIS_CLASS_BATCH, world_hog);
	char err[256];
	dis_id vm;

	role.intent.max_permille = (uint16_t)own;
	vm = world_vm_stopped(w, &role, 1);
	assert_int_equal(
		dis_domain_set_shares(w->dom, vm, 0, vms, err, sizeof(err)), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, 50 * MS);
	assert_string_equal(world_history(w, world_vcpu(w, vm, 0)), history);
	world_close(w);
}

static void test_max_of_vm_throttles_with_reason_of_vm(void **state)
{
	(void)state;
	expect(0, 10, "scheduled/spawn running/dispatch throttled/share-max-vm");
}

static void test_max_of_both_smaller_one_is_the_reason(void **state)
{
	(void)state;
	expect(10, 20, "scheduled/spawn running/dispatch throttled/share-max");
	expect(20, 10,
	       "scheduled/spawn running/dispatch throttled/share-max-vm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_max_of_vm_throttles_with_reason_of_vm),
		cmocka_unit_test(test_max_of_both_smaller_one_is_the_reason),
	};

	return cmocka_run_group_tests_name("max_reason", tests, NULL, NULL);
}
