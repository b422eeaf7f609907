/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof of the longest wait (R: DIS-14): one core, floors as by default, every set
 * of classes with 1 to 3 hogs each, alone and beside seeded random sleepers. The
 * bounds are those of sched/README.md, "Longest wait"; waits that have not ended
 * count as well. SEED=n in the environment chooses other sleepers. timeout: 240
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/policy_bed.h"
#include "lib/world.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define HOGS_MAX 3u
#define SLEEPERS_MAX 3u
#define VCPUS_MAX (HOGS_MAX * DIS_CLASSES + SLEEPERS_MAX)
#define TURN_NS (5 * MS)
#define PERIOD_NS (95 * MS)
/* A sleeper's burst at most, its sleep at least, and what that is of a core. */
#define BURST_NS (200 * US)
#define SLEEP_NS (5 * MS)
#define SLEEPER_PERCENT 4u
/* Of hogs, in base 4 by class. */
#define MIXES (1u << 2 * DIS_CLASSES)
#define RUN_NS (6 * DIS_S_NS)

/* How long a vCPU, or a whole class, has wanted to run and did not. */
struct wait {
	uint64_t since_ns, longest_ns;
	bool open;
};

static struct mix {
	struct dis_domain_config cfg;
	struct world *w;
	uint64_t rng;
	unsigned hogs[DIS_CLASSES], all[DIS_CLASSES], sleepers, n;
	struct role roles[VCPUS_MAX];
	struct burst bursts[VCPUS_MAX];
	enum dis_state state[VCPUS_MAX];
	struct wait vcpu[VCPUS_MAX], klass[DIS_CLASSES];
} mix;

static void wait_is(struct wait *wait, bool open, uint64_t now_ns)
{
	if (wait->open)
		wait->longest_ns =
			dis_ns_max(wait->longest_ns, now_ns - wait->since_ns);
	else if (open)
		wait->since_ns = now_ns;
	wait->open = open;
}

static bool class_waits(enum dis_class klass)
{
	bool queued = false;

	for (unsigned i = 0; i < mix.n; i++) {
		if (mix.roles[i].intent.klass != klass)
			continue;
		if (mix.state[i] == DIS_STATE_RUNNING)
			return false;
		queued = queued || mix.state[i] == DIS_STATE_SCHEDULED;
	}
	return queued;
}

static void take_events(void)
{
	for (size_t i = 0; i < mix.w->n_events; i++) {
		const struct dis_event *e = &mix.w->events[i];
		enum dis_class klass;

		/* Throttled is left at once. */
		if (e->type != DIS_EVENT_STATE ||
		    e->state == DIS_STATE_THROTTLED)
			continue;
		klass = mix.roles[e->vcpu_seq].intent.klass;
		mix.state[e->vcpu_seq] = (enum dis_state)e->state;
		wait_is(&mix.vcpu[e->vcpu_seq], e->state == DIS_STATE_SCHEDULED,
			e->time_ns);
		wait_is(&mix.klass[klass], class_waits(klass), e->time_ns);
	}
	mix.w->n_events = 0;
}

static void next_burst(struct world_vcpu *vcpu)
{
	struct burst *burst = vcpu->arg;

	burst->run_ns = bed_range(&mix.rng, US, BURST_NS);
	burst->sleep_ns = bed_range(&mix.rng, SLEEP_NS, 30 * MS);
}

static void add_vcpu(enum dis_class klass, bool hog)
{
	struct burst *burst = &mix.bursts[mix.n];

	*burst = hog ? world_hog[0]
		     : (struct burst){.outcome = DIS_RUN_HALT,
				      .run_ns = BURST_NS,
				      .sleep_ns = SLEEP_NS,
				      .hook = next_burst};
	mix.roles[mix.n++] = (struct role){world_intent(klass), burst, 1};
	mix.all[klass]++;
	mix.hogs[klass] += hog;
}

/* @seed: of the sleepers; 0: none */
static void open_mix(unsigned kinds, uint64_t seed)
{
	dis_id vm;

	memset(&mix, 0, sizeof(mix));
	dis_domain_config_init(&mix.cfg);
	mix.cfg.cores = 1;
	mix.cfg.vms_max = 1;
	mix.cfg.vcpus_max = VCPUS_MAX;
	mix.cfg.ring_events = 4096;
	mix.w = world_open(&mix.cfg, 0);
	for (unsigned k = 0; k < DIS_CLASSES; k++, kinds /= 4)
		for (unsigned i = 0; i < kinds % 4; i++)
			add_vcpu((enum dis_class)k, true);
	mix.rng = seed;
	if (seed)
		mix.sleepers = (unsigned)bed_range(&mix.rng, 1, SLEEPERS_MAX);
	for (unsigned i = 0; i < mix.sleepers; i++)
		add_vcpu((enum dis_class)(bed_random(&mix.rng) % DIS_CLASSES),
			 false);
	vm = world_vm_stopped(mix.w, mix.roles, mix.n);
	for (unsigned i = 0; i < mix.n; i++)
		world_vcpu(mix.w, vm, i)->arg = &mix.bursts[i];
	assert_int_equal(dis_vm_start(mix.w->dom, vm), 0);
	world_settle(mix.w);
}

static uint64_t quantum_ns(unsigned klass)
{
	return klass == DIS_CLASS_REALTIME
		       ? world_intent(DIS_CLASS_REALTIME).wcet_ns
		       : mix.cfg.quantum_ns[klass];
}

/* The most urgent class with a hog. */
static unsigned top_class(void)
{
	unsigned k = 0;

	while (k < DIS_CLASSES && !mix.hogs[k])
		k++;
	return k;
}

/* One slice each; one that a sleeper cuts short is followed by a whole one. */
static uint64_t other_floors_ns(unsigned own)
{
	unsigned n = 0;

	for (unsigned k = 0; k < DIS_CLASSES; k++)
		n += k != own && mix.cfg.floor_permille[k] && mix.all[k];
	return TURN_NS * n * (mix.sleepers ? 2 : 1);
}

/* Below a hog: some vCPU of @klass begins to run at least so often. */
static uint64_t turn_bound_ns(unsigned klass)
{
	uint64_t slice_ns = 0;

	if (top_class() == DIS_CLASS_REALTIME)
		return 2 * (PERIOD_NS + TURN_NS) - TURN_NS +
		       quantum_ns(DIS_CLASS_REALTIME);
	for (unsigned k = 0; k < klass; k++)
		if (mix.all[k])
			slice_ns = dis_ns_max(slice_ns, quantum_ns(k));
	return PERIOD_NS + slice_ns + other_floors_ns(klass) + TURN_NS;
}

/* With sleepers' bursts, and those that come meanwhile. */
static uint64_t with_sleepers_ns(uint64_t bound_ns)
{
	return (bound_ns + mix.sleepers * BURST_NS) * 100 /
	       (100 - mix.sleepers * SLEEPER_PERCENT);
}

struct bounds {
	uint64_t vcpu_ns, class_ns;
};

static struct bounds bounds_of(unsigned klass)
{
	uint64_t others = mix.all[klass] - 1u, quantum = quantum_ns(klass);
	uint64_t turns = others * ((quantum + TURN_NS - 1) / TURN_NS) + 1;
	uint64_t floors_ns = other_floors_ns(klass);
	/* What it runs itself; arrivals may go first for as long. */
	uint64_t own_ns = mix.sleepers ? 0 : TURN_NS;

	if (top_class() >= klass) {
		uint64_t periods = 1 + others * quantum / PERIOD_NS;

		return (struct bounds){
			.vcpu_ns = with_sleepers_ns(others * quantum +
						    periods * floors_ns),
			.class_ns = with_sleepers_ns(floors_ns)};
	}
	/* "Waits for ever: that is what 0 means." */
	if (!mix.cfg.floor_permille[klass])
		return (struct bounds){DIS_NEVER_NS, DIS_NEVER_NS};
	return (struct bounds){
		.vcpu_ns =
			with_sleepers_ns(turns * turn_bound_ns(klass) - own_ns),
		.class_ns = with_sleepers_ns(turn_bound_ns(klass) - own_ns)};
}

/* Return: the wait in percent of its bound. */
static unsigned check_wait(const char *what, unsigned klass, struct wait *wait,
			   uint64_t bound_ns, unsigned kinds, uint64_t seed)
{
	wait_is(wait, false, RUN_NS);
	if (wait->longest_ns > bound_ns)
		fail_msg("hogs %05o, sleepers %llu: a %s of %s waited %llu us, "
			 "at most %llu",
			 kinds, (unsigned long long)seed, what,
			 dis_class_name((enum dis_class)klass),
			 (unsigned long long)(wait->longest_ns / US),
			 (unsigned long long)(bound_ns / US));
	return bound_ns && bound_ns != DIS_NEVER_NS
		       ? (unsigned)(wait->longest_ns * 100 / bound_ns)
		       : 0;
}

/* Return: the longest wait in percent of its bound. */
static unsigned check_mix(unsigned kinds, uint64_t seed)
{
	unsigned most = 0;

	open_mix(kinds, seed);
	world_run_until(mix.w, RUN_NS);
	take_events();
	for (unsigned i = 0; i < mix.n; i++) {
		unsigned klass = mix.roles[i].intent.klass;
		struct bounds bounds = bounds_of(klass);
		unsigned vcpu = check_wait("vCPU", klass, &mix.vcpu[i],
					   bounds.vcpu_ns, kinds, seed);
		unsigned whole = check_wait("class", klass, &mix.klass[klass],
					    bounds.class_ns, kinds, seed);

		most = (unsigned)dis_ns_max(most, dis_ns_max(vcpu, whole));
	}
	world_close(mix.w);
	return most;
}

/* The bounds say no more than they must: waits come to @percent of them. */
static void check_mixes(uint64_t *rng, unsigned percent)
{
	unsigned close = 0;

	for (unsigned kinds = 1; kinds < MIXES; kinds++)
		close += check_mix(kinds, rng ? bed_random(rng) | 1u : 0) >=
			 percent;
	assert_true(close > MIXES / 2);
}

static void test_longest_wait_of_hogs_is_bounded(void **state)
{
	(void)state;
	check_mixes(NULL, 90);
}

static void test_longest_wait_beside_sleepers_is_bounded(void **state)
{
	uint64_t rng = bed_seed();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		check_mixes(&rng, 65);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_wait_of_hogs_is_bounded),
		cmocka_unit_test(test_longest_wait_beside_sleepers_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
