/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls executors make while guests run: KVM_RUN, timer, kicks
 * and doorbells, and no other (R: BUD-5, EVO-A2, PRE-4).
 *
 * The kernel tells: a seccomp filter, inherited by all threads that are started
 * under it, lets those through and has a supervisor asked about all others,
 * which lets them go on and counts what executors make while it is to be quiet.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kvm/pool.h"

#define VCPUS 6u
#define STEADY_MS 1000
#define DISPATCHES 100u
#define LIMIT_MS 60000
#define NOTED 8u

static struct supervisor {
	atomic_int fd; /* -1 until there is a filter */
	pid_t main;
	atomic_bool steady;
	atomic_uint seen;  /* all, in any state */
	atomic_uint calls; /* by executors, in the steady state */
	struct seccomp_notif noted[NOTED]; /* the first of them */
} supervisor = {.fd = -1};

static void supervise_one(void)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp answer = {0};

	memset(&call, 0, sizeof(call));
	if (ioctl(atomic_load(&supervisor.fd), SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	atomic_fetch_add(&supervisor.seen, 1u);
	if (atomic_load(&supervisor.steady) &&
	    (pid_t)call.pid != supervisor.main) {
		unsigned n = atomic_load(&supervisor.calls);

		if (n < NOTED)
			supervisor.noted[n] = call;
		atomic_store(&supervisor.calls, n + 1u);
	}
	answer.id = call.id;
	answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* Whoever asked may be gone. */
	(void)ioctl(atomic_load(&supervisor.fd), SECCOMP_IOCTL_NOTIF_SEND,
		    &answer);
}

/* Until the process ends. */
static void *supervise(void *arg)
{
	(void)arg;
	/* Whoever sets the filter can make no other system call before this. */
	while (atomic_load(&supervisor.fd) < 0)
		sched_yield();
	for (;;)
		supervise_one();
	return NULL;
}

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW_IF(value) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Watches this thread and all that it starts from now on, for ever. */
static void watch_from_here(void)
{
	static struct sock_filter code[] = {
		LOAD(nr),
		ALLOW_IF(SYS_timer_settime),
		ALLOW_IF(SYS_tgkill),
		ALLOW_IF(SYS_rt_sigreturn),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 7, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		/* Doorbells. To wait for a mutex is FUTEX_WAIT. */
		LOAD(args[1]),
		ALLOW_IF(FUTEX_WAKE_PRIVATE),
		ALLOW_IF(FUTEX_WAIT_BITSET_PRIVATE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		LOAD(args[1]),
		ALLOW_IF(KVM_RUN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
	pthread_t thread;
	int fd;

	supervisor.main = getpid();
	assert_int_equal(pthread_create(&thread, NULL, supervise, NULL), 0);
	pthread_detach(thread);
	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	assert_true(fd >= 0);
	atomic_store(&supervisor.fd, fd);
}

static struct dis_core_stats sum_cores(const struct pool *pool)
{
	struct dis_core_stats sum = {0};

	for (unsigned i = 0; i < pool->cores; i++) {
		struct dis_core_stats s;

		dis_core_get_stats(dis_domain_core(pool->dom, i), &s);
		sum.dispatches += s.dispatches;
		sum.timer_arms += s.timer_arms;
	}
	return sum;
}

/* A number is of <asm/unistd_64.h>; an ioctl's or futex's second argument says which. */
static void fail_if_called(void)
{
	unsigned calls = atomic_load(&supervisor.calls);

	for (unsigned i = 0; i < calls && i < NOTED; i++) {
		const struct seccomp_notif *call = &supervisor.noted[i];

		print_error("thread +%d: system call %d(%#llx, %#llx, %#llx)\n",
			    (int)call->pid - supervisor.main, call->data.nr,
			    (unsigned long long)call->data.args[0],
			    (unsigned long long)call->data.args[1],
			    (unsigned long long)call->data.args[2]);
	}
	if (calls)
		fail_msg("%u system calls by executors", calls);
}

/* For some time, and until a loaded host has let enough happen. */
static void watch_steady_state(const struct pool *pool)
{
	const struct timespec step = {.tv_nsec = 10000000};
	struct dis_core_stats before = sum_cores(pool), after = before;

	atomic_store(&supervisor.steady, true);
	for (unsigned ms = 0;
	     ms < STEADY_MS ||
	     (ms < LIMIT_MS &&
	      (after.dispatches - before.dispatches <= DISPATCHES ||
	       after.timer_arms == before.timer_arms));
	     ms += 10) {
		nanosleep(&step, NULL);
		after = sum_cores(pool);
	}
	atomic_store(&supervisor.steady, false);
	assert_true(after.dispatches - before.dispatches > DISPATCHES);
	assert_true(after.timer_arms > before.timer_arms);
}

/* Hogs and sleepers that wake by timer, on fewer cores. */
static void test_executor_steady_state_makes_no_other_call(void **state)
{
	struct machine_kind kind;
	struct machine *guest;
	struct pool pool;

	(void)state;
	watch_from_here();
	pool_open(&pool, POOL_DIS, 1, VCPUS);
	pool_kind_open(&kind, "work=hog work@0=sleep:1ms work@1=sleep:2ms",
		       VCPUS, 1, false);
	guest = pool_boot(&pool, &kind, 0);
	for (unsigned i = 0; i < VCPUS; i++)
		pool_wait_work(guest, i, 2);
	/* What pool_open() did was seen. */
	assert_true(atomic_load(&supervisor.seen) > 0);

	watch_steady_state(&pool);
	fail_if_called();
	pool_stop(&pool, guest);
	pool_wait_ended(&pool, 1);
	pool_reap(&pool, guest);
	pool_close(&pool);
	machine_kind_close(&kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_executor_steady_state_makes_no_other_call),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/*
	 * Not return: a leak check stops all threads first, the supervisor too,
	 * and then its own calls wait for that one's answer.
	 */
	fflush(NULL);
	_exit(failed);
}
