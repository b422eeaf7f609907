/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of the tiny guest's periodic jobs: which are missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest/user/job.h"

static void ends(uint64_t end, uint64_t late, uint64_t skipped, uint64_t next)
{
	const struct job_end job = job_end(1000, 10, end);

	assert_int_equal(job.late, late);
	assert_int_equal(job.skipped, skipped);
	assert_int_equal(job.next, next);
}

static void test_job_in_time_misses_nothing(void **state)
{
	(void)state;
	ends(1001, 0, 0, 1010);
	ends(1009, 0, 0, 1010);
}

/* The next one can still begin in time. */
static void test_job_that_ends_at_its_deadline_is_in_time(void **state)
{
	(void)state;
	ends(1010, 0, 0, 1010);
}

static void test_job_that_ends_late_costs_the_next_one_too(void **state)
{
	(void)state;
	ends(1011, 1, 1, 1020);
	ends(1019, 9, 1, 1020);
}

static void test_job_skips_each_release_before_its_end(void **state)
{
	(void)state;
	ends(1020, 10, 1, 1020);
	ends(1021, 11, 2, 1030);
	ends(1095, 85, 9, 1100);
}

/* Each is late by a little: no deadline of all that there were is kept. */
static void test_job_series_that_is_always_late_misses_all(void **state)
{
	uint64_t release = 1000, jobs = 0, misses = 0, skipped = 0;

	(void)state;
	for (; jobs < 50; jobs++) {
		const struct job_end job = job_end(release, 10, release + 11);

		misses += job.skipped + (job.late > 0);
		skipped += job.skipped;
		release = job.next;
	}
	assert_int_equal(release, 1000 + 100 * 10);
	assert_int_equal(skipped, 50);
	assert_int_equal(misses, jobs + skipped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_in_time_misses_nothing),
		cmocka_unit_test(test_job_that_ends_at_its_deadline_is_in_time),
		cmocka_unit_test(test_job_that_ends_late_costs_the_next_one_too),
		cmocka_unit_test(test_job_skips_each_release_before_its_end),
		cmocka_unit_test(test_job_series_that_is_always_late_misses_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
