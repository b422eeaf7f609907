/* SPDX-License-Identifier: Apache-2.0 */
/* Many guests in one process, and nothing left of them (R: MEM-4). */
#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kvm/pool.h"

#define GUESTS 500u
#define CYCLES 200u
#define KILLS 2000u

/*
 * In a nested machine a guest costs a hundred times as much: $DISVM_TEST_FEWER
 * says by how many to divide. What is left of one guest is seen with any number.
 */
static unsigned fewer(unsigned n)
{
	const char *by = getenv("DISVM_TEST_FEWER");

	return by ? n / (unsigned)strtoul(by, NULL, 10) : n;
}

/* What the process holds of the host. */
struct holdings {
	unsigned fds;
	unsigned threads;
	unsigned mappings;
};

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static unsigned count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned n = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

static struct holdings holdings_count(void)
{
	return (struct holdings){
		.fds = count_entries("/proc/self/fd"),
		.threads = count_entries("/proc/self/task"),
		.mappings = count_lines("/proc/self/maps"),
	};
}

static void holdings_unchanged(const struct holdings *before)
{
	uint64_t give_up_ns = dis_clock_ns() + 30u * DIS_S_NS;
	struct holdings now = holdings_count();

	/* A thread is still counted for a moment after it was joined. */
	while (now.threads > before->threads && dis_clock_ns() < give_up_ns) {
		sched_yield();
		now = holdings_count();
	}
	assert_in_range(now.threads, 1, before->threads);
	assert_int_equal(now.fds, before->fds);
	/* A sanitizer maps more as it goes. */
	if (!POOL_SANITIZED)
		assert_int_equal(now.mappings, before->mappings);
}

/* A pool with @n guests at once, from nothing to nothing. */
static void live_and_end(enum pool_executor executor, bool kernel_irqchip,
			 unsigned n)
{
	struct machine **guests = calloc(n, sizeof(struct machine *));
	struct machine_kind kind;
	struct pool pool;

	assert_non_null(guests);
	pool_open(&pool, executor, n, n);
	pool_kind_open(&kind, "work=idle time=1ms", 1, n, kernel_irqchip);
	for (unsigned i = 0; i < n; i++)
		guests[i] = pool_boot(&pool, &kind, i);
	pool_wait_ended(&pool, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(pool_info(&pool, guests[i]).state,
				 DIS_STATE_FINISHED);
		assert_int_equal(pool_count_done(guests[i]), 1);
	}
	for (unsigned i = 0; i < n; i++)
		pool_reap(&pool, guests[i]);
	pool_close(&pool);
	machine_kind_close(&kind);
	free(guests);
}

static void expect_nothing_left(enum pool_executor executor,
				bool kernel_irqchip, unsigned n)
{
	struct holdings before;

	/* The C library keeps some stacks and small blocks for the next time. */
	live_and_end(executor, kernel_irqchip, n);
	before = holdings_count();
	live_and_end(executor, kernel_irqchip, n);
	holdings_unchanged(&before);
}

/* R: MEM-4, CARD-5 */
static void test_pool_many_guests_report_and_leave_nothing(void **state)
{
	(void)state;
	expect_nothing_left(POOL_DIS, false, fewer(GUESTS));
}

/* R: MEM-4 */
static void test_pool_thread_executor_leaves_nothing(void **state)
{
	(void)state;
	expect_nothing_left(POOL_THREADS, false, 16);
	expect_nothing_left(POOL_THREADS, true, 16);
}

static void wait_ns(uint64_t ns)
{
	uint64_t end_ns = dis_clock_ns() + ns;

	while (dis_clock_ns() < end_ns)
		continue;
}

/* Guests one after the other in the same slot of a pool that stays. */
static void cycle(const char *cmdline, bool kill, unsigned cycles)
{
	struct holdings before = {0};
	size_t heap_bytes = 0;
	struct machine_kind kind;
	struct pool pool;

	pool_open(&pool, POOL_DIS, 1, 1);
	pool_kind_open(&kind, cmdline, 1, 1, false);
	for (unsigned i = 0; i < cycles; i++) {
		struct machine *guest;

		/* The first ones fill what the C library keeps. */
		if (i == 3) {
			before = holdings_count();
			heap_bytes = mallinfo2().uordblks;
		}
		guest = pool_boot(&pool, &kind, 0);
		if (kill) {
			/* At each stage of its boot. */
			wait_ns(i % 16 * 100 * DIS_US_NS);
			assert_int_equal(dis_vm_end(pool.dom, guest->id,
						    DIS_STATE_FAILED,
						    DIS_REASON_KILLED),
					 0);
		}
		pool_wait_ended(&pool, 1);
		assert_int_equal(pool_info(&pool, guest).state,
				 kill ? DIS_STATE_FAILED : DIS_STATE_FINISHED);
		pool_reap(&pool, guest);
	}
	holdings_unchanged(&before);
	/* Less than the smallest block for each; ASan looks closer. */
	if (!POOL_SANITIZED)
		assert_in_range(mallinfo2().uordblks, 0,
				heap_bytes + cycles * 16);
	pool_close(&pool);
	machine_kind_close(&kind);
}

/* R: MEM-4, DIS-1 */
static void test_pool_spawns_and_exits_leave_nothing(void **state)
{
	(void)state;
	cycle("work=idle time=1ms", false, fewer(CYCLES));
}

/* R: MEM-4, EVO-B4 */
static void test_pool_spawns_and_kills_leave_nothing(void **state)
{
	(void)state;
	cycle("work=hog", true, fewer(KILLS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_many_guests_report_and_leave_nothing),
		cmocka_unit_test(test_pool_thread_executor_leaves_nothing),
		cmocka_unit_test(test_pool_spawns_and_exits_leave_nothing),
		cmocka_unit_test(test_pool_spawns_and_kills_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
