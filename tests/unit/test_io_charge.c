/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU time of the I/O threads: all of it is charged, to whom it was for. */
#include "test_io_pool_fixture.h"

#include <time.h>

/* What was charged. */
struct charges {
	atomic_ullong charged_ns;
	atomic_ullong used_ns; /* of the threads that charged */
	atomic_uint charges;
};

static void on_charge(void *ctx, unsigned vcpu, uint64_t ns)
{
	struct charges *c = ctx;

	if (vcpu != 3)
		return;
	atomic_fetch_add(&c->charged_ns, ns);
	atomic_fetch_add(&c->charges, 1);
}

/* Uses CPU time, on behalf of vCPU 3 every second time. */
static void busy_serve(struct io_source *source, struct io_work *work)
{
	struct thing *t = (struct thing *)source;
	unsigned n = atomic_fetch_add(&t->serves, 1);

	for (volatile unsigned i = 0; i < 100000; i++)
		;
	if (n % 2 == 0)
		work->vcpu = 3;
	sem_post(&t->left);
}

static const struct io_source_ops busy_ops = {.serve = busy_serve};

/* R: EVO-E3 */
static void test_pool_charges_who_it_was_for(void **state)
{
	struct fixture *f = *state;
	struct charges c = {0};
	struct thing *t;

	f->account = (struct io_account){.charge = on_charge, .ctx = &c};
	t = add(f, 0, false, 1);
	t->source.ops = &busy_ops;
	for (unsigned i = 0; i < 10; i++) {
		io_source_ready(&t->source);
		wait_for(&t->left);
	}
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&c.charges), 5);
	/* 100,000 turns of a loop are more than that on any machine. */
	assert_true(atomic_load(&c.charged_ns) > 5 * (uint64_t)10000);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

/* Of one I/O thread: what it has charged, and has used since its first charge. */
static _Thread_local uint64_t own_charged_ns, own_begin_ns;

/* As on_charge(); and it must be no more than the thread has used. */
static void on_charge_of_all(void *ctx, unsigned vcpu, uint64_t ns)
{
	struct charges *c = ctx;
	uint64_t now_ns = thread_cpu_ns();

	(void)vcpu;
	own_charged_ns += ns;
	if (own_charged_ns > now_ns)
		abort();
	if (own_begin_ns) {
		atomic_fetch_add(&c->charged_ns, ns);
		atomic_fetch_add(&c->used_ns, now_ns - own_begin_ns);
	}
	own_begin_ns = now_ns;
}

static void idle_serve(struct io_source *source, struct io_work *work)
{
	(void)work;
	sem_post(&((struct thing *)source)->left);
}

static const struct io_source_ops idle_ops = {.serve = idle_serve};

/*
 * R: EVO-E3. Serves that do nothing: nearly all is for being woken, and is charged
 * nevertheless; the sleep before each is not.
 */
static void test_pool_charges_the_way_to_a_serve(void **state)
{
	struct fixture *f = *state;
	struct charges c = {0};
	struct thing *t;

	f->account = (struct io_account){.charge = on_charge_of_all, .ctx = &c};
	t = add(f, 0, false, 1);
	t->source.ops = &idle_ops;
	for (unsigned i = 0; i < 2000; i++) {
		io_source_ready(&t->source);
		wait_for(&t->left);
	}
	io_source_remove(&t->source);
	assert_true(atomic_load(&c.used_ns) > 0);
	assert_true(atomic_load(&c.charged_ns) >=
		    atomic_load(&c.used_ns) / 4 * 3);
}

/* R: EVO-E3. Resets without end are not for free. */
static void test_pool_charges_the_end_of_a_stop(void **state)
{
	struct fixture *f = *state;
	struct charges c = {0};
	struct thing *t;

	f->account = (struct io_account){.charge = on_charge, .ctx = &c};
	t = add(f, 0, false, 1);
	for (unsigned i = 0; i < 10; i++) {
		io_source_stop(&t->source);
		wait_for(&t->stopped);
	}
	io_source_remove(&t->source);
	assert_int_equal(atomic_load(&c.charges), 10);
	assert_true(atomic_load(&c.charged_ns) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pool_charges_who_it_was_for),
		T(test_pool_charges_the_way_to_a_serve),
		T(test_pool_charges_the_end_of_a_stop),
	};

	return cmocka_run_group_tests_name("io-charge", tests, NULL, NULL);
}
