/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Linux guest sees of the time that DIS gives to others: an unmodified
 * kernel with a vCPU per core, so that nobody waits for another, first alone, then
 * beside a tiny guest that computes, then alone again. Its init does the same work over
 * and over, and says how many ticks it got and how many were stolen. Only in a nested
 * machine; see linux_guest.h.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kvm/pool.h"
#include "nested/linux_guest.h"

#define HOGS_PER_CORE 2u
#define FIGURES 5u
#define FIGURE "guest: ran %u stolen %u"

/* What the guest says: executors write it, the test waits for figures. */
struct told {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned figures;
	unsigned ran, stolen; /* ticks, in all figures */
};

static struct told told = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
};

static void take_line(const char *line)
{
	unsigned ran, stolen;

	if (sscanf(line, FIGURE, &ran, &stolen) != 2)
		return;
	pthread_mutex_lock(&told.lock);
	told.ran += ran;
	told.stolen += stolen;
	told.figures++;
	pthread_cond_signal(&told.more);
	pthread_mutex_unlock(&told.lock);
}

static void wait_figures(unsigned more)
{
	unsigned enough = told.figures + more;

	while (told.figures < enough)
		pthread_cond_wait(&told.more, &told.lock);
}

/* Stolen ticks for each hundred that ran, from now on. */
static unsigned stolen_percent(void)
{
	unsigned percent;

	pthread_mutex_lock(&told.lock);
	/* The next figure may be of before and after a change. */
	wait_figures(1);
	told.ran = told.stolen = 0;
	wait_figures(FIGURES);
	assert_in_range(told.ran, 1, UINT32_MAX);
	percent = told.stolen * 100u / told.ran;
	pthread_mutex_unlock(&told.lock);
	return percent;
}

/* R: CARD-11, DIS-3 */
static void test_linux_steal_time_is_the_neighbours(void **state)
{
	struct machine *guest, *neighbour;
	struct machine_kind linux_kind, hog_kind;
	struct pool pool;
	unsigned cores;

	(void)state;
	pool_open(&pool, POOL_DIS, 2, DIS_CORES_MAX * (1u + HOGS_PER_CORE));
	cores = pool.cores;
	linux_kind_open(&linux_kind, cores, "do=stolen", take_line);
	pool_kind_open(&hog_kind, "work=hog", cores * HOGS_PER_CORE, 1, false);
	guest = pool_boot(&pool, &linux_kind, 0);
	assert_in_range(stolen_percent(), 0, 10);

	/* Two hogs on each core take two thirds of it. */
	neighbour = pool_boot(&pool, &hog_kind, 0);
	pool_wait_work(neighbour, 0, 1);
	assert_in_range(stolen_percent(), 100, UINT32_MAX);

	pool_stop(&pool, neighbour);
	pool_wait_ended(&pool, 1);
	assert_in_range(stolen_percent(), 0, 10);

	assert_false(pool_info(&pool, guest).ended);
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	pool_reap(&pool, neighbour);
	pool_reap(&pool, guest);
	pool_close(&pool);
	machine_kind_close(&hog_kind);
	machine_kind_close(&linux_kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux_steal_time_is_the_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
