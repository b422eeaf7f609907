/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler alone; see switch_sched.h. */
#include "bench/switch_sched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/assert.h>
#include <dis/domain.h>
#include <dis/executor.h>

/* What a sleeper runs; virtual time, so any will do. */
#define BURST_NS (100 * DIS_US_NS)
/*
 * What the shortest slices of all take together, however many vCPUs there are: as long
 * as the longest period, and about as 255 levels of priority age. In less, the most
 * urgent would run again and again before the turn of others came; in more, deadlines
 * and priorities would move nobody far.
 */
#define ROUND_NS DIS_S_NS
#define EVENTS 1024u

struct sched_world {
	const struct bench_sched *how;
	struct dis_domain *dom;
	struct dis_core *core;
	uint64_t now_ns;
	struct dis_decision decision;
	uint64_t random;
};

static void no_run(void *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	(void)result;
}

static void no_signal(void *vcpu)
{
	(void)vcpu;
}

static void no_end(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
}

static void no_kick(void *host, unsigned core)
{
	(void)host;
	(void)core;
}

static const struct dis_run_ops run_ops = {
	.run_begin = no_signal,
	.run = no_run,
	.run_interrupt = no_signal,
	.ended = no_end,
};

static const struct dis_host_ops host_ops = {.kick = no_kick, .ring = no_kick};

/* Marsaglia, "Xorshift RNGs" (2003); the same sequence each time. */
static uint64_t next_random(struct sched_world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* One pass: the vCPU that was picked ran, and this is how it ended. */
static bool pass(struct sched_world *w)
{
	struct dis_run_result result = {.outcome = DIS_RUN_CONTINUE,
					.timer_ns = DIS_NEVER_NS};
	bool ran = w->decision.vcpu != NULL;

	if (!ran || !w->how->sleepers) {
		w->now_ns = w->decision.until_ns;
	} else {
		w->now_ns += BURST_NS;
		result.outcome = DIS_RUN_HALT;
		result.timer_ns =
			w->now_ns + next_random(w) % (w->how->vcpus * BURST_NS);
	}
	w->decision = dis_core_step(w->core, w->now_ns, DIS_NEVER_NS,
				    ran ? &result : NULL);
	if (dis_core_enter(w->core))
		dis_core_leave(w->core);
	return w->decision.vcpu != NULL;
}

/* Each in turn with one that comes later: Durstenfeld, CACM 7:7 (1964). */
static void shuffle(struct sched_world *w, dis_id *ids)
{
	for (unsigned i = 0; i < w->how->vcpus; i++) {
		unsigned with =
			i + (unsigned)(next_random(w) % (w->how->vcpus - i));
		dis_id id = ids[i];

		ids[i] = ids[with];
		ids[with] = id;
	}
}

static uint64_t shortest_ns(const struct sched_world *w)
{
	return ROUND_NS / w->how->vcpus;
}

static void set_period(struct sched_world *w, struct dis_intent *intent)
{
	intent->declared = true;
	intent->klass = DIS_CLASS_REALTIME;
	intent->wcet_ns = shortest_ns(w);
	intent->period_ns = intent->wcet_ns + next_random(w) % ROUND_NS;
	intent->deadline_ns = intent->period_ns;
}

static void mix(struct sched_world *w, struct dis_intent *intent)
{
	uint64_t slice_ns = shortest_ns(w);

	intent->declared = true;
	intent->klass = DIS_CLASS_BATCH;
	intent->has_priority = true;
	intent->priority = (uint8_t)(next_random(w) % 256);
	intent->weight = 1 + (uint32_t)(next_random(w) % DIS_WEIGHT_MAX);
	intent->slice_ns = slice_ns + next_random(w) % slice_ns;
}

static struct dis_intent intent_of(struct sched_world *w)
{
	struct dis_intent intent = dis_intent_default();

	if (w->how->periods)
		set_period(w, &intent);
	if (w->how->mixed)
		mix(w, &intent);
	return intent;
}

/*
 * The order of the queue is not that of the slab: neighbours would be fetched
 * ahead by the processor, as they are not in a machine that has run for a while.
 */
static int spawn_all(struct sched_world *w, dis_id *ids, char *err,
		     size_t err_size)
{
	for (unsigned i = 0; i < w->how->vcpus; i++) {
		const struct dis_intent intent = intent_of(w);
		const struct dis_vm_spec spec = {
			.name = "bench", .vcpus = 1, .intents = &intent};
		int ret =
			dis_vm_spawn(w->dom, &spec, 0, &ids[i], err, err_size);

		if (ret)
			return ret;
	}
	shuffle(w, ids);
	for (unsigned i = 0; i < w->how->vcpus; i++)
		dis_vm_start(w->dom, ids[i]);
	return 0;
}

static int open_world(struct sched_world *w, char *err, size_t err_size)
{
	struct dis_domain_config cfg;
	dis_id *ids;
	int ret;

	dis_domain_config_init(&cfg);
	cfg.cores = 1;
	cfg.vms_max = cfg.vcpus_max = w->how->vcpus;
	cfg.ring_events = w->how->ring_events;
	cfg.counters = w->how->counters;
	if (w->how->policy)
		for (unsigned k = 0; k < DIS_CLASSES; k++)
			cfg.policy[k] = dis_policy_find(w->how->policy);
	cfg.ops = &run_ops;
	cfg.host_ops = &host_ops;
	ret = dis_domain_create(&cfg, &w->dom);
	if (ret) {
		snprintf(err, err_size, "scheduler with %u vCPUs: %s",
			 w->how->vcpus, strerror(-ret));
		return ret;
	}
	ids = calloc(w->how->vcpus, sizeof(*ids));
	if (ids) {
		ret = spawn_all(w, ids, err, err_size);
	} else {
		snprintf(err, err_size, "out of memory");
		ret = -ENOMEM;
	}
	free(ids);
	if (ret)
		dis_domain_destroy(w->dom);
	return ret;
}

static void drain_events(struct sched_world *w)
{
	struct dis_event events[EVENTS];

	while (dis_domain_read_events(w->dom, 0, events, EVENTS))
		;
}

int bench_sched_run(const struct bench_sched *how, struct bench_series *series,
		    char *err, size_t err_size)
{
	struct sched_world w = {.how = how, .random = 88172645463325252ull};
	int ret = open_world(&w, err, err_size);

	if (ret)
		return ret;
	w.core = dis_domain_core(w.dom, 0);
	dis_core_start(w.core, 0);
	w.decision = dis_core_step(w.core, 0, DIS_NEVER_NS, NULL);
	DIS_ASSERT(w.decision.vcpu);
	/* Until each has had its turn, and those that sleep are mixed. */
	for (unsigned i = 0; i < BENCH_SCHED_STEPS + 2 * how->vcpus; i++) {
		pass(&w);
		if (i % BENCH_SCHED_STEPS == 0)
			drain_events(&w);
	}
	series->count = 0;
	while (series->count < series->capacity) {
		uint64_t dispatches = 0, start_ns, end_ns;

		drain_events(&w);
		start_ns = dis_clock_ns();
		for (unsigned i = 0; i < BENCH_SCHED_STEPS; i++)
			dispatches += pass(&w);
		end_ns = dis_clock_ns();
		bench_series_add(series, end_ns - start_ns, dispatches);
	}
	dis_domain_destroy(w.dom);
	return 0;
}
