/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor's own thread; see dis/executor.h. executors.c starts and stops it.
 *
 * The lost-kick race: a signal (timer or kick) that comes between the decision
 * to run and the entry must not be lost, or the core never comes back. The order
 * is: clear `signalled`, step, arm the timer, run_begin (clears the guest's
 * immediate exit), announce the run and look at the mail once more, look at
 * `signalled`, run. A signal after run_begin makes run return at once, because
 * the handler asks for that; one before it has set `signalled`.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <dis/assert.h>
#include <dis/executor.h>

#include "executor_priv.h"
#include "handler.h"

/* Steps that must fit before an expiry that would come too early. */
#define KEEP_ARMED_STEPS 64u

static _Thread_local struct executor *self;

uint64_t executor_clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

uint64_t dis_clock_ns(void)
{
	return executor_clock_ns(CLOCK_MONOTONIC);
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / DIS_S_NS),
				 .tv_nsec = (long)(ns % DIS_S_NS)};
}

static void futex_wake(atomic_uint *word, int waiters)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, waiters, NULL, NULL, 0);
}

void executor_futex_wait(atomic_uint *word, unsigned value, uint64_t until_ns)
{
	struct timespec ts = to_timespec(until_ns);

	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		until_ns == DIS_NEVER_NS ? NULL : &ts, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

/* On the executor's own thread. */
static void HANDLER_CODE interrupt_run(struct executor *exec)
{
	void *vcpu = exec->running;

	exec->signalled = 1;
	if (vcpu)
		exec->ops->run_interrupt(vcpu);
}

void HANDLER_CODE executor_on_signal(int signo, siginfo_t *info, void *context)
{
	struct executor *exec = self;

	(void)signo;
	(void)context;
	if (!exec)
		return;
	if (info->si_code == SI_TIMER) {
		exec->expired = 1;
	} else if (info->si_code != SI_TKILL ||
		   info->si_pid != exec->execs->pid) {
		/* Not ours: a pass for each would let a storm starve guests. */
		exec->strays++;
		return;
	}
	interrupt_run(exec);
}

static void kick(void *host, unsigned core)
{
	struct dis_executors *execs = host;
	struct executor *exec = &execs->exec[core];

	/*
	 * A run that wakes a neighbour on its own core needs no signal. Not
	 * pthread_kill(): it takes a lock and masks signals, two more calls.
	 */
	if (exec == self)
		interrupt_run(exec);
	else
		syscall(SYS_tgkill, execs->pid, exec->tid, HANDLER_KICK_SIGNAL);
}

static void ring(void *host, unsigned core)
{
	struct dis_executors *execs = host;

	atomic_fetch_add(&execs->exec[core].doorbell, 1u);
	futex_wake(&execs->exec[core].doorbell, 1);
}

static uint64_t host_now_ns(void *host)
{
	(void)host;
	return dis_clock_ns();
}

const struct dis_host_ops dis_executor_host_ops = {
	.kick = kick,
	.ring = ring,
	.now_ns = host_now_ns,
};

/* Only this thread writes the figure; others may read it. */
static void count(uint64_t *figure)
{
	__atomic_store_n(figure, *figure + 1u, __ATOMIC_RELAXED);
}

/*
 * May the timer stay as it is, though it is armed for an earlier time? Setting
 * it costs a tenth of a dispatch, an expiry for nothing as much as some
 * dispatches. While dispatches follow each other so closely that very many will
 * come before it expires, it is only set anew when that is near.
 */
static bool armed_well_enough(const struct executor *exec, uint64_t until_ns)
{
	return until_ns != DIS_NEVER_NS && exec->armed_ns < until_ns &&
	       dis_ns_sub(exec->armed_ns, exec->now_ns) / KEEP_ARMED_STEPS >
		       exec->pace_ns;
}

static void arm(struct executor *exec, uint64_t until_ns)
{
	struct itimerspec when = {0};

	exec->until_ns = until_ns;
	if (until_ns == exec->armed_ns || armed_well_enough(exec, until_ns))
		return;
	exec->armed_ns = until_ns;
	if (until_ns != DIS_NEVER_NS) {
		when.it_value = to_timespec(dis_ns_max(until_ns, 1));
		count(&dis_core_stats_mut(exec->core)->timer_arms);
	}
	timer_settime(exec->timer, TIMER_ABSTIME, &when, NULL);
}

/* CPU time since the last call, or "take the wall time". */
static uint64_t charge_ns(struct executor *exec, bool left_guest)
{
	uint64_t now_ns, delta_ns;

	if (!exec->execs->by_cpu_time)
		return DIS_NEVER_NS;
	if (!left_guest)
		return 0;
	now_ns = executor_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	delta_ns = dis_ns_sub(now_ns, exec->cpu_ns);
	exec->cpu_ns = now_ns;
	return delta_ns;
}

static void idle(struct executor *exec, uint64_t until_ns)
{
	unsigned seen = atomic_load(&exec->doorbell);

	arm(exec, DIS_NEVER_NS);
	/* A futex that does not time out is the kernel's to mend. */
	atomic_store_explicit(&exec->due_ns, DIS_NEVER_NS, memory_order_relaxed);
	if (dis_core_enter(exec->core)) {
		if (!atomic_load(&exec->execs->stop))
			executor_futex_wait(&exec->doorbell, seen, until_ns);
		dis_core_leave(exec->core);
	}
}

/* When this run has to come back for the tick; those missed are skipped. */
static uint64_t next_tick_ns(struct executor *exec)
{
	uint64_t period_ns = exec->execs->tick_ns;

	if (!period_ns)
		return DIS_NEVER_NS;
	if (exec->now_ns >= exec->tick_ns)
		exec->tick_ns = dis_ns_add(exec->now_ns, period_ns);
	return exec->tick_ns;
}

/* Waits until @start_ns, or a signal. Too short a time to give the core away. */
static void await(const struct executor *exec, uint64_t start_ns)
{
	while (!exec->signalled && dis_clock_ns() < start_ns)
		__builtin_ia32_pause();
}

/* Runs @decision's vCPU once. Return: false if a request came in before. */
static bool run(struct executor *exec, const struct dis_decision *decision,
		struct dis_run_result *result)
{
	uint64_t until_ns = dis_ns_min(decision->until_ns, next_tick_ns(exec));
	bool ran = false;

	arm(exec, until_ns);
	atomic_store_explicit(&exec->due_ns, until_ns, memory_order_relaxed);
	exec->running = decision->vcpu_arg;
	exec->ops->run_begin(decision->vcpu_arg);
	if (dis_core_enter(exec->core)) {
		if (decision->start_ns)
			await(exec, decision->start_ns);
		if (!exec->signalled) {
			exec->ops->run(decision->vcpu_arg, result);
			ran = true;
		}
		dis_core_leave(exec->core);
	}
	exec->running = NULL;
	return ran;
}

/*
 * Notes an expiry; counts whether it came for nothing, or ended no run, be it that
 * it did not come or by the lost-kick race. When it has come or should have, the
 * timer is to be set again, also by a clock that went back since.
 */
static void take_expiry(struct executor *exec, uint64_t now_ns)
{
	struct dis_core_stats *stats = dis_core_stats_mut(exec->core);
	bool due = now_ns >= exec->armed_ns;

	if (!due && !exec->expired && !atomic_load(&exec->lost))
		return;
	if (atomic_exchange(&exec->lost, false))
		count(&stats->timer_lost);
	else if (exec->expired)
		count(due && now_ns >= exec->until_ns ? &stats->timer_expiries
						      : &stats->timer_spurious);
	exec->expired = 0;
	exec->armed_ns = DIS_NEVER_NS;
}

static void keep_pace(struct executor *exec, uint64_t now_ns)
{
	uint64_t step_ns = dis_ns_sub(now_ns, exec->now_ns);

	exec->now_ns = now_ns;
	exec->pace_ns = exec->pace_ns - exec->pace_ns / 8 + step_ns / 8;
}

static void loop(struct executor *exec)
{
	struct dis_run_result result = {0};
	struct dis_decision decision;
	bool ran = false;

	exec->now_ns = exec->execs->started_ns;
	dis_core_start(exec->core, exec->now_ns);
	for (;;) {
		bool asked = exec->signalled;
		uint64_t now_ns;

		exec->signalled = 0;
		now_ns = dis_clock_ns();
		take_expiry(exec, now_ns);
		__atomic_store_n(&dis_core_stats_mut(exec->core)->stray_signals,
				 exec->strays, __ATOMIC_RELAXED);
		keep_pace(exec, now_ns);
		decision = dis_core_step(
			exec->core, now_ns,
			charge_ns(exec,
				  asked || !ran ||
					  result.outcome != DIS_RUN_CONTINUE),
			ran ? &result : NULL);
		ran = false;
		if (decision.vcpu) {
			ran = run(exec, &decision, &result);
			continue;
		}
		if (atomic_load(&exec->execs->stop))
			return;
		idle(exec, decision.until_ns);
	}
}

static int set_up_thread(struct executor *exec)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = HANDLER_TIMER_SIGNAL};
	struct dis_executors *execs = exec->execs;
	cpu_set_t cpus = execs->allowed;
	int err;

	if (execs->host_cpus) {
		CPU_ZERO(&cpus);
		CPU_SET(execs->host_cpus[exec->index], &cpus);
	}
	err = pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	if (err)
		return -err;
	/* The default slack of 50 us would delay every wake from idle. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	exec->tid = gettid();
	event._sigev_un._tid = exec->tid;
	if (timer_create(CLOCK_MONOTONIC, &event, &exec->timer))
		return -errno;
	return 0;
}

static void announce_ready(struct dis_executors *execs)
{
	atomic_fetch_add(&execs->ready, 1u);
	futex_wake(&execs->ready, INT_MAX);
}

void *executor_main(void *arg)
{
	struct executor *exec = arg;
	struct dis_executors *execs = exec->execs;
	int none = 0;
	int err = set_up_thread(exec);

	if (err)
		atomic_compare_exchange_strong(&execs->error, &none, err);
	self = exec;
	announce_ready(execs);
	if (!err) {
		loop(exec);
		timer_delete(exec->timer);
	}
	self = NULL;
	return NULL;
}
