/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs of the host, and text that must stay plain. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "cli/cli.h"
#include "cli/hostcpus.h"

static char err[512];

/* CPUs 0-2 and 5 are online, this process may use 0, 2 and 3. */
static struct hostcpus fake_host(void)
{
	struct hostcpus host = {.online = {0x27}, .allowed = {0x0d}};

	return host;
}

static void test_hostcpus_all_online_and_allowed_taken(void **state)
{
	struct hostcpus host = fake_host();
	unsigned cpus[4], n;

	(void)state;
	assert_int_equal(hostcpus_choose(&host, "all", 4, cpus, &n, err,
					 sizeof(err)),
			 0);
	assert_int_equal(n, 2);
	assert_int_equal(cpus[0], 0);
	assert_int_equal(cpus[1], 2);
}

static void test_hostcpus_all_more_than_pool_first_ones(void **state)
{
	struct hostcpus host = fake_host();
	unsigned cpus[1], n;

	(void)state;
	assert_int_equal(hostcpus_choose(&host, "all", 1, cpus, &n, err,
					 sizeof(err)),
			 0);
	assert_int_equal(n, 1);
}

static void refuse_cpus(const char *list, unsigned max, const char *why)
{
	struct hostcpus host = fake_host();
	unsigned cpus[4], n = 77;

	assert_int_equal(hostcpus_choose(&host, list, max, cpus, &n, err,
					 sizeof(err)),
			 -EINVAL);
	assert_string_equal(err, why);
	assert_int_equal(n, 77);
}

static void test_hostcpus_list_offline_cpu_refused(void **state)
{
	(void)state;
	refuse_cpus("0,3", 4,
		    "CPU 3 is not online on this host (these are: "
		    "0-2,5)");
	refuse_cpus("8191", 4,
		    "CPU 8191 is not online on this host (these "
		    "are: 0-2,5)");
}

static void test_hostcpus_list_outside_affinity_refused(void **state)
{
	(void)state;
	refuse_cpus("0-2", 4,
		    "CPU 1 is not in the affinity of this process "
		    "(these are: 0,2-3)");
}

static void test_hostcpus_list_malformed_refused(void **state)
{
	(void)state;
	refuse_cpus("x", 4, "'x' is not a list of CPUs like 0-3,8");
	refuse_cpus("", 4, "'' is not a list of CPUs like 0-3,8");
	refuse_cpus("8192", 4, "'8192' names a CPU beyond 8191");
}

static void test_hostcpus_list_more_than_pool_refused(void **state)
{
	(void)state;
	refuse_cpus("0,2", 1, "'0,2' are 2 CPUs, a pool has 1");
}

static void test_hostcpus_this_host_has_the_cpu_it_runs_on(void **state)
{
	struct hostcpus host;
	unsigned cpus[64], n;

	(void)state;
	assert_int_equal(hostcpus_read(&host, err, sizeof(err)), 0);
	assert_int_equal(hostcpus_choose(&host, "all", 64, cpus, &n, err,
					 sizeof(err)),
			 0);
	assert_true(n >= 1);
}

static void test_printable_control_and_high_bytes_replaced(void **state)
{
	char out[8];

	(void)state;
	cli_printable(out, sizeof(out), "a\033[\x80\n", 6);
	assert_string_equal(out, "a?[??");
}

static void test_printable_not_terminated_cut_at_both_sizes(void **state)
{
	char out[4];

	(void)state;
	cli_printable(out, sizeof(out), "abcdef", 6);
	assert_string_equal(out, "abc");
	cli_printable(out, sizeof(out), "abcdef", 2);
	assert_string_equal(out, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostcpus_all_online_and_allowed_taken),
		cmocka_unit_test(test_hostcpus_all_more_than_pool_first_ones),
		cmocka_unit_test(test_hostcpus_list_offline_cpu_refused),
		cmocka_unit_test(test_hostcpus_list_outside_affinity_refused),
		cmocka_unit_test(test_hostcpus_list_malformed_refused),
		cmocka_unit_test(test_hostcpus_list_more_than_pool_refused),
		cmocka_unit_test(test_hostcpus_this_host_has_the_cpu_it_runs_on),
		cmocka_unit_test(test_printable_control_and_high_bytes_replaced),
		cmocka_unit_test(
			test_printable_not_terminated_cut_at_both_sizes),
	};

	return cmocka_run_group_tests_name("host CPUs", tests, NULL, NULL);
}
