/* SPDX-License-Identifier: Apache-2.0 */
/* The guests under DIS; see switch_dis.h. */
#include "bench/switch_dis.h"

#include <errno.h>
#include <semaphore.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <dis/executor.h>
#include <dis/handler_code.h>

struct session {
	struct dis_executors *execs;
	struct dis_domain *dom;
	dis_id id[BENCH_GUESTS_MAX];
};

/* Guests that have ended; the run operations know of no session. */
static sem_t ended_guests;

static void run_begin(void *arg)
{
	kvm_vcpu_run_begin(&((struct bench_guest *)arg)->vcpu);
}

static void HANDLER_CODE run_interrupt(void *arg)
{
	kvm_vcpu_run_interrupt(&((struct bench_guest *)arg)->vcpu);
}

static void run(void *arg, struct dis_run_result *result)
{
	struct bench_guest *guest = arg;

	kvm_vcpu_run(&guest->vcpu, result);
	if (result->outcome == DIS_RUN_FAIL || bench_guest_returned(guest))
		return;
	result->outcome = DIS_RUN_FINISH;
	result->reason = DIS_REASON_STOPPED;
}

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
	sem_post(&ended_guests);
}

static const struct dis_run_ops run_ops = {
	.run_begin = run_begin,
	.run = run,
	.run_interrupt = run_interrupt,
	.ended = on_ended,
};

static int fail(const char *what, int ret, char *err, size_t err_size)
{
	snprintf(err, err_size, "%s: %s", what, strerror(-ret));
	return ret;
}

static int spawn(struct session *s, struct bench_guest *guest, bool batch,
		 dis_id *id, char *err, size_t err_size)
{
	struct dis_intent intent = dis_intent_default();
	const struct dis_vm_spec spec = {
		.name = "bench", .vcpus = 1, .intents = &intent};
	void *arg = guest;
	int ret;

	/* Of class Batch either way. */
	intent.declared = batch;
	ret = dis_vm_spawn(s->dom, &spec, dis_clock_ns(), id, err, err_size);
	if (ret)
		return ret;
	guest->vcpu.dis = dis_vm_vcpu(s->dom, *id, 0);
	dis_vm_bind(s->dom, *id, guest, &arg);
	return 0;
}

static int open_session(struct session *s, struct bench_guests *all,
			const struct bench_dis *how, char *err, size_t err_size)
{
	struct dis_domain_config cfg;
	unsigned cores = how->threads ? all->n : 1;
	cpu_set_t allowed;
	int ret;

	/* The bench's thread is bound to that CPU. */
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return fail("affinity", -errno, err, err_size);
	ret = dis_executors_create(cores, how->threads ? NULL : &how->cpu,
				   &allowed, &s->execs);
	if (ret)
		return fail("executor", ret, err, err_size);
	dis_domain_config_init(&cfg);
	cfg.cores = cores;
	cfg.per_vcpu = how->threads;
	cfg.vms_max = cfg.vcpus_max = all->n;
	cfg.default_quantum_ns = how->quantum_ns;
	cfg.ring_events = how->ring_events;
	cfg.counters = how->counters;
	cfg.ops = &run_ops;
	cfg.host_ops = &dis_executor_host_ops;
	cfg.host = s->execs;
	ret = dis_domain_create(&cfg, &s->dom);
	if (ret)
		return fail("scheduler", ret, err, err_size);
	for (unsigned i = 0; i < all->n && !ret; i++)
		ret = spawn(s, &all->guest[i], how->batch, &s->id[i], err,
			    err_size);
	return ret;
}

static void close_session(struct session *s)
{
	if (s->dom)
		dis_domain_destroy(s->dom);
	if (s->execs)
		dis_executors_destroy(s->execs);
}

static void wait_for_one(void)
{
	while (sem_wait(&ended_guests) && errno == EINTR)
		;
}

static uint64_t process_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * DIS_S_NS + (uint64_t)ts.tv_nsec;
}

static void wait_for_window(uint64_t window_ns)
{
	struct timespec left = {.tv_sec = (time_t)(window_ns / DIS_S_NS),
				.tv_nsec = (long)(window_ns % DIS_S_NS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

static int run_to_end(struct session *s, struct bench_guests *all,
		      uint64_t window_ns, char *err, size_t err_size)
{
	uint64_t cpu_ns = process_cpu_ns();
	unsigned left = all->n;
	int ret;

	sem_init(&ended_guests, 0, 0);
	/* Before the executor: its first pass finds all. */
	for (unsigned i = 0; i < all->n; i++)
		dis_vm_start(s->dom, s->id[i]);
	ret = dis_executors_start(s->execs, s->dom);
	if (ret) {
		sem_destroy(&ended_guests);
		return fail("executor thread", ret, err, err_size);
	}
	if (window_ns) {
		wait_for_window(window_ns);
		bench_guests_count(all, process_cpu_ns() - cpu_ns);
	} else {
		wait_for_one();
		left--;
	}
	/* Others may compute for ever. */
	for (unsigned i = 0; i < all->n; i++)
		dis_vm_end(s->dom, s->id[i], DIS_STATE_FINISHED,
			   DIS_REASON_STOPPED);
	while (left--)
		wait_for_one();
	dis_executors_stop(s->execs);
	sem_destroy(&ended_guests);
	for (unsigned i = 0; i < all->n; i++) {
		struct dis_vm_info info;

		dis_vm_get_info(s->dom, s->id[i], &info);
		if (info.state != DIS_STATE_FAILED)
			continue;
		snprintf(err, err_size, "guest %u under DIS: %s", i,
			 all->guest[i].vm.failure.detail);
		return -EIO;
	}
	return 0;
}

int bench_dis_run(struct bench_guests *all, const struct bench_dis *how,
		  char *err, size_t err_size)
{
	struct session session = {0};
	int ret = open_session(&session, all, how, err, err_size);

	if (!ret)
		ret = run_to_end(&session, all, how->window_ns, err, err_size);
	close_session(&session);
	return ret;
}
