/* SPDX-License-Identifier: Apache-2.0 */
/* Policy modules under guests on real vCPUs (R: DIS-16). */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include <dis/module.h>

#include "kvm/pool.h"
#include "lib/build_dir.h"

#define VCPUS 6u

static struct dis_modules *modules;
static struct pool pool;
static struct machine_kind kind;
static struct machine *guest;
static char err[512];

static const struct dis_policy_ops *load(const char *name)
{
	const struct dis_policy_ops *ops;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/tests/modules/%s.so", build_dir(),
		 name);
	if (dis_module_load(modules, path, &ops, err, sizeof(err)))
		fail_msg("%s", err);
	return ops;
}

static void open_all(void)
{
	assert_int_equal(dis_modules_create(&modules), 0);
	pool_open_with(&pool, POOL_DIS, 1, VCPUS, modules);
	pool_kind_open(&kind, "work=hog", VCPUS, 1, false);
	guest = pool_boot(&pool, &kind, 0);
	for (unsigned i = 0; i < VCPUS; i++)
		pool_wait_work(guest, i, 1);
}

static void close_all(void)
{
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	assert_int_equal(pool_info(&pool, guest).state, DIS_STATE_FINISHED);
	pool_reap(&pool, guest);
	pool_close(&pool);
	machine_kind_close(&kind);
	dis_modules_destroy(modules);
}

static void set(const struct dis_policy_ops *ops)
{
	assert_int_equal(dis_domain_set_policy(pool.dom, DIS_CLASS_BATCH, ops),
			 0);
}

static struct dis_module_info wait_failed(unsigned number)
{
	const struct timespec pause = {.tv_nsec = (long)DIS_MS_NS};
	struct dis_module_info info;

	do {
		nanosleep(&pause, NULL);
		assert_true(dis_modules_get_info(modules, number, &info));
	} while (!info.failed);
	return info;
}

/* Everyone goes on: each vCPU gets some more done. */
static void assert_guest_goes_on(void)
{
	for (unsigned i = 0; i < VCPUS; i++)
		pool_wait_work(guest, i, 10);
}

static void fails(const char *name, enum dis_reason reason)
{
	open_all();
	set(load(name));
	assert_int_equal(wait_failed(0).reason, reason);
	assert_string_equal(
		dis_domain_get_policy(pool.dom, DIS_CLASS_BATCH, NULL)->name,
		"rr");
	assert_guest_goes_on();
	close_all();
}

static void test_policy_module_foreign_entity_guest_goes_on(void **state)
{
	(void)state;
	fails("foreign", DIS_REASON_POLICY_FOREIGN);
}

static void test_policy_module_that_sleeps_guest_goes_on(void **state)
{
	(void)state;
	fails("slow", DIS_REASON_POLICY_OVERRUN);
}

/* R: DIS-16: whatever runs or waits goes over, two hundred times. */
static void test_policy_module_swapped_under_load_loses_nobody(void **state)
{
	const struct timespec pause = {.tv_nsec = (long)(3 * DIS_MS_NS)};
	const struct dis_policy_ops *keeps;
	struct dis_module_info info;
	int ret;

	(void)state;
	open_all();
	keeps = load("keeps");
	for (unsigned i = 0; i < 200; i++) {
		set(i % 2 ? keeps : dis_policies[i / 2 % 4]);
		nanosleep(&pause, NULL);
	}
	set(dis_policy_find("fair"));
	set(dis_policy_find("rr"));
	while ((ret = dis_domain_unload_module(pool.dom, "keeps", err,
					       sizeof(err))) == -EAGAIN)
		nanosleep(&pause, NULL);
	assert_int_equal(ret, 0);
	assert_true(dis_modules_get_info(modules, 0, &info));
	assert_false(info.failed);
	assert_int_equal(info.queues, 0);
	assert_guest_goes_on();
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_policy_module_foreign_entity_guest_goes_on),
		cmocka_unit_test(test_policy_module_that_sleeps_guest_goes_on),
		cmocka_unit_test(
			test_policy_module_swapped_under_load_loses_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
