/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Linux guest sees of the time that DIS gives to others: an unmodified
 * kernel with a vCPU per core, so that nobody waits for another, first alone, then
 * beside a tiny guest that computes, then alone again. Only in a nested machine:
 * $DISVM_TEST_LINUX is a directory with vmlinuz and initrd, whose init (linux/init)
 * does the same work over and over, and says how many ticks it got and how many
 * were stolen.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kvm/pool.h"

#define LINUX_MEM_BYTES (UINT64_C(256) << 20)
#define HOGS_PER_CORE 2u
#define FIGURES 5u
#define FIGURE "guest: ran %u stolen %u"

/* The guest's serial port: executors write it, the test waits for figures. */
struct serial {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char line[256];
	size_t length;
	unsigned figures;
	unsigned ran, stolen; /* ticks, in all figures */
};

static struct serial serial = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
};

static void take_line(void)
{
	unsigned ran, stolen;

	serial.line[serial.length] = '\0';
	serial.length = 0;
	printf("# %s\n", serial.line);
	fflush(stdout);
	if (sscanf(serial.line, FIGURE, &ran, &stolen) != 2)
		return;
	serial.ran += ran;
	serial.stolen += stolen;
	serial.figures++;
	pthread_cond_signal(&serial.more);
}

static void put_serial(void *ctx, unsigned seq, const void *data, size_t len)
{
	const char *bytes = data;

	(void)ctx;
	(void)seq;
	pthread_mutex_lock(&serial.lock);
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			take_line();
		else if (bytes[i] != '\r' &&
			 serial.length < sizeof(serial.line) - 1u)
			serial.line[serial.length++] = bytes[i];
	}
	pthread_mutex_unlock(&serial.lock);
}

static void wait_figures(unsigned more)
{
	unsigned enough = serial.figures + more;

	while (serial.figures < enough)
		pthread_cond_wait(&serial.more, &serial.lock);
}

/* Stolen ticks for each hundred that ran, from now on. */
static unsigned stolen_percent(void)
{
	unsigned percent;

	pthread_mutex_lock(&serial.lock);
	/* The next figure may be of before and after a change. */
	wait_figures(1);
	serial.ran = serial.stolen = 0;
	wait_figures(FIGURES);
	assert_in_range(serial.ran, 1, UINT32_MAX);
	percent = serial.stolen * 100u / serial.ran;
	pthread_mutex_unlock(&serial.lock);
	return percent;
}

static void linux_kind_open(struct machine_kind *kind, unsigned vcpus)
{
	static struct dis_intent intents[DIS_CORES_MAX];
	static char kernel[256], initrd[256];
	const char *dir = getenv("DISVM_TEST_LINUX");
	const struct machine_spec spec = {
		.kernel_path = kernel,
		.initrd_path = initrd,
		.cmdline = "console=ttyS0 quiet noxsave lpj=8000000 do=stolen",
		.vcpus = vcpus,
		.mem_bytes = LINUX_MEM_BYTES,
		.copies = 1,
		.intents = intents,
		.numa_node = -1,
		.serial = put_serial,
	};
	enum machine_fault fault;
	char err[512] = "";

	assert_non_null(dir);
	snprintf(kernel, sizeof(kernel), "%s/vmlinuz", dir);
	snprintf(initrd, sizeof(initrd), "%s/initrd", dir);
	for (unsigned i = 0; i < vcpus; i++)
		intents[i] = dis_intent_default();
	if (machine_kind_open(&spec, kind, &fault, err, sizeof(err)))
		fail_msg("%s", err);
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
	linux_kind_open(&linux_kind, cores);
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
