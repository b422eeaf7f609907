/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unmodified Linux with 4 vCPUs comes up, works and powers off while tiny guests keep
 * all cores busy. Only in a nested machine; see linux_guest.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/pool.h"
#include "nested/linux_guest.h"

#define LINUX_VCPUS 4u

/* Lines that the guest has printed; written by executors until it has ended. */
static struct {
	unsigned cpus, ended, stolen, complaints, ready;
} lines;

static void take_line(const char *line)
{
	unsigned ticks;

	lines.cpus += !strcmp(line, "guest: cpus 4");
	lines.ended += !strncmp(line, "guest: ended ", 13);
	lines.stolen += sscanf(line, "guest: steal %u", &ticks) == 1 && ticks;
	lines.complaints += !strncmp(line, "guest: complaint", 16);
	lines.ready += !strcmp(line, "guest: ready");
}

/* R: CARD-11, CARD-2 */
static void test_linux_boots_beside_busy_tiny_guests(void **state)
{
	struct machine *guest, *hogs[DIS_CORES_MAX];
	struct machine_kind linux_kind, hog_kind;
	uint64_t work[DIS_CORES_MAX];
	struct dis_vm_info info;
	struct pool pool;

	(void)state;
	pool_open(&pool, POOL_DIS, 1 + DIS_CORES_MAX,
		  LINUX_VCPUS + DIS_CORES_MAX);
	pool_kind_open(&hog_kind, "work=hog", 1, pool.cores, false);
	linux_kind_open(&linux_kind, LINUX_VCPUS, "do=poweroff", take_line);
	for (unsigned i = 0; i < pool.cores; i++)
		hogs[i] = pool_boot(&pool, &hog_kind, i);
	for (unsigned i = 0; i < pool.cores; i++) {
		pool_wait_work(hogs[i], 0, 1);
		work[i] = pool_work(hogs[i], 0);
	}

	guest = pool_boot(&pool, &linux_kind, 0);
	pool_wait_ended(&pool, 1);
	info = pool_info(&pool, guest);
	assert_int_equal(info.state, DIS_STATE_FINISHED);
	assert_int_equal(info.reason, DIS_REASON_POWER_OFF);
	assert_int_equal(lines.cpus, 1);
	assert_int_equal(lines.ended, LINUX_VCPUS);
	assert_int_equal(lines.stolen, 1);
	assert_int_equal(lines.complaints, 0);
	assert_int_equal(lines.ready, 1);
	pool_reap(&pool, guest);

	for (unsigned i = 0; i < pool.cores; i++) {
		assert_false(pool_info(&pool, hogs[i]).ended);
		assert_true(pool_work(hogs[i], 0) > work[i]);
		pool_stop(&pool, hogs[i]);
		pool_wait_ended(&pool, 1);
		pool_reap(&pool, hogs[i]);
	}
	pool_close(&pool);
	machine_kind_close(&hog_kind);
	machine_kind_close(&linux_kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux_boots_beside_busy_tiny_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
