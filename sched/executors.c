/* SPDX-License-Identifier: Apache-2.0 */
/* The control side of all executors: made, started, watched, stopped. */
#include <errno.h>
#include <stdlib.h>

#include "executor_priv.h"
#include "handler.h"

#define STACK_BYTES ((size_t)256 << 10)
/*
 * An expiry is lost that has not ended a run after so long, of which the thread
 * had the host core for so long: one that the host keeps waiting loses nothing.
 */
#define TIMER_LOST_NS (100 * DIS_MS_NS)
#define TIMER_LOST_RAN_NS (40 * DIS_MS_NS)

int dis_executors_create(unsigned cores, const unsigned *host_cpus,
			 const cpu_set_t *allowed, struct dis_executors **out)
{
	struct dis_executors *execs = calloc(1, sizeof(*execs));

	if (!execs)
		return -ENOMEM;
	execs->cores = cores;
	execs->by_cpu_time = !host_cpus;
	execs->exec = calloc(cores, sizeof(*execs->exec));
	if (!execs->exec)
		goto err_free;
	if (host_cpus) {
		execs->host_cpus = calloc(cores, sizeof(*host_cpus));
		if (!execs->host_cpus)
			goto err_free;
		for (unsigned i = 0; i < cores; i++)
			execs->host_cpus[i] = host_cpus[i];
	} else {
		execs->allowed = *allowed;
	}
	*out = execs;
	return 0;

err_free:
	dis_executors_destroy(execs);
	return -ENOMEM;
}

void dis_executors_set_tick(struct dis_executors *execs, uint64_t tick_ns)
{
	execs->tick_ns = tick_ns;
}

static int start_thread(struct executor *exec, const pthread_attr_t *attr)
{
	int err;

	exec->ops = dis_core_run_ops(exec->core);
	exec->armed_ns = DIS_NEVER_NS;
	atomic_store(&exec->due_ns, DIS_NEVER_NS);
	err = pthread_create(&exec->thread, attr, executor_main, exec);
	exec->joinable = !err;
	return -err;
}

int dis_executors_start(struct dis_executors *execs, struct dis_domain *dom)
{
	pthread_attr_t attr;
	unsigned started = 0;
	int err = handler_install(executor_on_signal);

	if (err)
		return err;
	execs->dom = dom;
	execs->started_ns = dis_clock_ns();
	execs->pid = getpid();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (; started < execs->cores && !err; started++) {
		struct executor *exec = &execs->exec[started];

		exec->execs = execs;
		exec->index = started;
		exec->core = dis_domain_core(dom, started);
		err = start_thread(exec, &attr);
	}
	pthread_attr_destroy(&attr);
	if (!err) {
		unsigned ready;

		while ((ready = atomic_load(&execs->ready)) < execs->cores)
			executor_futex_wait(&execs->ready, ready, DIS_NEVER_NS);
		err = atomic_load(&execs->error);
	}
	if (err)
		dis_executors_stop(execs);
	return err;
}

/* Has the run that was to end at @due_ns gone on, on the core, for too long? */
static bool timer_is_lost(struct executor *exec, uint64_t due_ns,
			  uint64_t now_ns)
{
	uint64_t cpu_ns = dis_executors_cpu_ns(exec->execs, exec->index);

	if (due_ns != exec->late_due_ns) {
		exec->late_due_ns = due_ns;
		exec->late_cpu_ns = cpu_ns;
	}
	return now_ns >= dis_ns_add(due_ns, TIMER_LOST_NS) &&
	       cpu_ns - exec->late_cpu_ns >= TIMER_LOST_RAN_NS;
}

void dis_executors_watch(struct dis_executors *execs)
{
	uint64_t now_ns = dis_clock_ns();

	for (unsigned i = 0; i < execs->cores; i++) {
		struct executor *exec = &execs->exec[i];
		uint64_t due_ns = atomic_load_explicit(&exec->due_ns,
						       memory_order_relaxed);

		if (now_ns < due_ns || !timer_is_lost(exec, due_ns, now_ns))
			continue;
		/* Once for each run, and once more if the kick is lost, too. */
		exec->late_due_ns = DIS_NEVER_NS;
		atomic_store(&exec->lost, true);
		dis_executor_host_ops.kick(execs, i);
	}
}

uint64_t dis_executors_started_ns(const struct dis_executors *execs)
{
	return execs->started_ns;
}

uint64_t dis_executors_cpu_ns(const struct dis_executors *execs, unsigned core)
{
	const struct executor *exec = &execs->exec[core];
	clockid_t clock;

	if (!exec->joinable || pthread_getcpuclockid(exec->thread, &clock))
		return 0;
	return executor_clock_ns(clock);
}

void dis_executors_stop(struct dis_executors *execs)
{
	atomic_store(&execs->stop, true);
	for (unsigned i = 0; i < execs->cores; i++)
		dis_executor_host_ops.ring(execs, i);
	for (unsigned i = 0; i < execs->cores; i++) {
		if (execs->exec[i].joinable)
			pthread_join(execs->exec[i].thread, NULL);
		execs->exec[i].joinable = false;
	}
}

void dis_executors_destroy(struct dis_executors *execs)
{
	free(execs->host_cpus);
	free(execs->exec);
	free(execs);
}
