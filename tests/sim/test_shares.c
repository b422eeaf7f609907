/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of minimum and maximum shares (R: DIS-6, DIS-14): seeded random mixes of
 * cores, classes, hogs and sleepers, caps and minima, under a virtual clock. Every
 * window of 100 ms is looked at: usage in a window is extreme where it begins or
 * ends at a dispatch or at the end of one. SEED=n in the environment chooses other
 * mixes. timeout: 240
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/policy_bed.h"
#include "lib/world.h"
#include "sched/core.h"
#include "sim/record.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define MIXES 300u
#define VMS_MAX 8u
#define VCPUS_MAX 4u
#define RUN_NS (2 * DIS_S_NS)

struct actor {
	struct world_vcpu *vcpu;
	struct record record;
	struct burst burst;
	bool hog, moved;
	bool running; /* as of the last event */
};

struct guest {
	dis_id id;
	unsigned vcpus, min, max;
	struct actor actor[VCPUS_MAX];
	struct record record;
};

static struct mix {
	struct world *w;
	uint64_t rng;
	struct guest guest[VMS_MAX];
	unsigned guests;
	uint64_t start_ns;
} mix;

static uint64_t rnd(uint64_t below)
{
	return bed_random(&mix.rng) % below;
}

static struct actor *actor_of(dis_id id, struct guest **guest)
{
	for (unsigned g = 0; g < mix.guests; g++)
		for (unsigned i = 0; i < mix.guest[g].vcpus; i++)
			if (mix.guest[g].actor[i].vcpu->id == id) {
				*guest = &mix.guest[g];
				return &mix.guest[g].actor[i];
			}
	return NULL;
}

/* By time: with several cores they come in order of steps, which is the same. */
static void take_events(void)
{
	struct world *w = mix.w;

	for (size_t i = 0; i < w->n_events; i++) {
		const struct dis_event *e = &w->events[i];
		struct guest *guest = NULL;
		struct actor *a;
		bool runs = e->state == DIS_STATE_RUNNING;

		if (e->type != DIS_EVENT_STATE)
			continue;
		a = actor_of(e->vcpu, &guest);
		assert_non_null(a);
		if (runs == a->running)
			continue;
		a->running = runs;
		record_change(&a->record, e->time_ns, runs ? 1 : -1);
		record_change(&guest->record, e->time_ns, runs ? 1 : -1);
	}
	w->n_events = 0;
}

static void next_burst(struct world_vcpu *vcpu)
{
	struct actor *a = vcpu->arg;

	a->burst.run_ns = 1 + rnd(8 * MS);
	a->burst.outcome = rnd(4) ? DIS_RUN_HALT : DIS_RUN_YIELD;
	a->burst.sleep_ns = a->burst.outcome == DIS_RUN_HALT
				    ? 1 + rnd(rnd(2) ? 3 * MS : 120 * MS)
				    : 0;
}

static const struct burst hog = {.run_ns = DIS_NEVER_NS,
				 .outcome = DIS_RUN_CONTINUE};
/* Keeps what it declared. */
static const struct burst job = {
	.run_ns = 500 * US, .outcome = DIS_RUN_HALT, .sleep_ns = 9500 * US};

static struct dis_intent some_intent(unsigned cores)
{
	static const enum dis_class classes[] = {DIS_CLASS_SYSTEM,
						 DIS_CLASS_INTERACTIVE,
						 DIS_CLASS_BATCH,
						 DIS_CLASS_BACKGROUND};
	struct dis_intent intent = world_intent(classes[rnd(4)]);

	if (!rnd(3))
		intent.affinity = 1ull << rnd(cores);
	if (!rnd(3))
		intent.weight = (uint32_t)(1 + rnd(4096));
	return intent;
}

static void some_shares(struct dis_intent *intent, bool minima)
{
	static const uint16_t sizes[] = {1,   5,   10,  20,  33,  50, 100,
					 200, 333, 500, 700, 900, 999};

	if (minima && rnd(2))
		intent->min_permille = sizes[rnd(10)];
	if (rnd(2))
		intent->max_permille = sizes[rnd(13)];
}

/* A VM, with what is admitted of the shares that it asks for. */
static void add_guest(unsigned cores, bool minima, bool realtime)
{
	struct guest *g = &mix.guest[mix.guests++];
	struct role roles[VCPUS_MAX];
	char err[256];

	*g = (struct guest){.vcpus = realtime ? 1 : 1 + (unsigned)rnd(4)};
	for (unsigned i = 0; i < g->vcpus; i++) {
		struct actor *a = &g->actor[i];

		a->hog = !realtime && rnd(3);
		a->burst = a->hog ? hog : job;
		if (!a->hog && !realtime)
			a->burst.hook = next_burst;
		roles[i] = (struct role){.intent = some_intent(cores),
					 .script = &a->burst,
					 .bursts = 1};
		if (realtime)
			roles[i].intent = world_intent(DIS_CLASS_REALTIME);
	}
	g->id = world_vm_stopped(mix.w, roles, g->vcpus);
	for (unsigned i = 0; i < g->vcpus; i++) {
		struct actor *a = &g->actor[i];

		a->vcpu = world_vcpu(mix.w, g->id, i);
		a->vcpu->arg = a;
		some_shares(&roles[i].intent, minima);
		if (!realtime)
			(void)dis_domain_set_intent(mix.w->dom, a->vcpu->id,
						    &roles[i].intent, err,
						    sizeof(err));
	}
	if (!rnd(2) && !realtime) {
		unsigned min = minima && rnd(2) ? (unsigned)rnd(300) : 0;
		unsigned max = (unsigned)rnd(1000ull * g->vcpus) + 1;

		if (!dis_domain_set_shares(mix.w->dom, g->id, min, max, err,
					   sizeof(err))) {
			g->min = min;
			g->max = max;
		}
	}
	assert_int_equal(dis_vm_start(mix.w->dom, g->id), 0);
}

static void open_mix(uint64_t seed, bool minima)
{
	struct dis_domain_config cfg;
	unsigned cores, guests;

	memset(&mix, 0, sizeof(mix));
	mix.rng = seed;
	cores = 1 + (unsigned)rnd(4);
	guests = 1 + (unsigned)rnd(VMS_MAX - 1);
	cfg = world_config(cores);
	if (rnd(2))
		for (unsigned k = DIS_CLASS_REALTIME; k < DIS_CLASSES; k++)
			cfg.floor_permille[k] = 50;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		if (k != DIS_CLASS_REALTIME)
			cfg.policy[k] = dis_policies[rnd(4)];
	mix.start_ns = rnd(300 * MS);
	mix.w = world_open(&cfg, mix.start_ns);
	for (unsigned i = 0; i < guests; i++)
		add_guest(cores, minima, false);
	if (rnd(2))
		add_guest(cores, minima, true);
	world_settle(mix.w);
}

static void close_mix(void)
{
	for (unsigned g = 0; g < mix.guests; g++) {
		record_free(&mix.guest[g].record);
		for (unsigned i = 0; i < mix.guest[g].vcpus; i++)
			record_free(&mix.guest[g].actor[i].record);
	}
	world_close(mix.w);
}

/* Something about a vCPU changes, but not its shares. */
static void change_something(void)
{
	struct guest *g = &mix.guest[rnd(mix.guests)];
	struct actor *a = &g->actor[rnd(g->vcpus)];
	struct dis_intent intent = dis_vcpu_intent(a->vcpu->vcpu);
	char err[256];

	if (intent.klass == DIS_CLASS_REALTIME)
		return;
	/* A minimum that moves begins anew. */
	switch (a->vcpu->vcpu->settings.min_permille ? 0 : rnd(4)) {
	case 0:
		assert_int_equal(dis_domain_set_priority(
					 mix.w->dom, a->vcpu->id,
					 (uint8_t)rnd(256), err, sizeof(err)),
				 0);
		break;
	case 1:
		assert_int_equal(dis_domain_set_affinity(
					 mix.w->dom, a->vcpu->id,
					 1 + rnd((1ull << mix.w->cores) - 1),
					 err, sizeof(err)),
				 0);
		break;
	case 2:
		intent.klass = rnd(2) ? DIS_CLASS_BATCH : DIS_CLASS_SYSTEM;
		intent.latency_ns = 0;
		assert_int_equal(dis_domain_set_intent(mix.w->dom, a->vcpu->id,
						       &intent, err,
						       sizeof(err)),
				 0);
		break;
	default:
		dis_vcpu_wake(a->vcpu->vcpu);
		break;
	}
	world_settle(mix.w);
}

static void run_mix(bool changes)
{
	uint64_t end_ns = mix.start_ns + RUN_NS;

	while (mix.w->now_ns < end_ns) {
		world_run_until(mix.w, dis_ns_min(end_ns,
						  mix.w->now_ns + rnd(20 * MS)));
		if (changes && !rnd(3))
			change_something();
		dis_domain_check(mix.w->dom);
		take_events();
	}
	world_check_ledger(mix.w, mix.start_ns);
}

/* @late_ns: what its runs may be over, all at one time. */
static void check_max(const char *what, const struct record *r, unsigned max,
		      uint64_t late_ns, uint64_t seed)
{
	uint64_t least_ns, most_ns;

	if (!max || !r->n)
		return;
	record_extremes(r, mix.start_ns, mix.w->now_ns, &least_ns, &most_ns);
	if (most_ns > share_of_window_ns(max) + late_ns)
		fail_msg("SEED=%llu: a %s with max %u ran %llu ns in a window",
			 (unsigned long long)seed, what, max,
			 (unsigned long long)most_ns);
}

static unsigned check_maxima(uint64_t seed)
{
	uint64_t late_ns = mix.w->late_ns;
	unsigned capped = 0;

	for (unsigned g = 0; g < mix.guests; g++) {
		struct guest *guest = &mix.guest[g];
		unsigned at_once = guest->vcpus < mix.w->cores ? guest->vcpus
							       : mix.w->cores;

		check_max("VM", &guest->record, guest->max, at_once * late_ns,
			  seed);
		capped += guest->max != 0;
		for (unsigned i = 0; i < guest->vcpus; i++) {
			struct actor *a = &guest->actor[i];
			unsigned max =
				dis_vcpu_intent(a->vcpu->vcpu).max_permille;

			check_max("vCPU", &a->record, max, late_ns, seed);
			capped += max != 0;
		}
	}
	return capped;
}

/* All of them want to run all the time. */
static bool all_hogs(const struct guest *guest)
{
	for (unsigned i = 0; i < guest->vcpus; i++)
		if (!guest->actor[i].hog)
			return false;
	return true;
}

/* Return: how many VMs were looked at. */
static unsigned check_minima_of_vms(uint64_t seed)
{
	unsigned reserved = 0;

	for (unsigned g = 0; g < mix.guests; g++) {
		const struct guest *guest = &mix.guest[g];
		uint64_t least_ns, most_ns;

		if (!guest->min || !all_hogs(guest))
			continue;
		record_extremes(&guest->record, mix.start_ns, mix.w->now_ns,
				&least_ns, &most_ns);
		if (least_ns < share_of_window_ns(guest->min))
			fail_msg("SEED=%llu: a VM of %u with min %u ran %llu "
				 "ns in a window",
				 (unsigned long long)seed, guest->vcpus,
				 guest->min, (unsigned long long)least_ns);
		reserved++;
	}
	return reserved;
}

static unsigned check_minima(uint64_t seed)
{
	unsigned reserved = 0;

	for (unsigned g = 0; g < mix.guests; g++)
		for (unsigned i = 0; i < mix.guest[g].vcpus; i++) {
			struct actor *a = &mix.guest[g].actor[i];
			unsigned min = a->vcpu->vcpu->settings.min_permille;
			uint64_t least_ns, most_ns;

			if (!min || !a->hog)
				continue;
			record_extremes(&a->record, mix.start_ns, mix.w->now_ns,
					&least_ns, &most_ns);
			if (least_ns < share_of_window_ns(min))
				fail_msg("SEED=%llu: a vCPU with min %u ran "
					 "%llu ns in a window",
					 (unsigned long long)seed, min,
					 (unsigned long long)least_ns);
			reserved++;
		}
	return reserved;
}

/* R: DIS-6, DIS-10 */
static void test_maxima_hold_in_every_window_while_all_else_changes(void **state)
{
	uint64_t rng = bed_seed();
	unsigned capped = 0;

	(void)state;
	for (unsigned i = 0; i < MIXES; i++) {
		uint64_t seed = bed_random(&rng) | 1u;

		open_mix(seed, false);
		run_mix(true);
		capped += check_maxima(seed);
		close_mix();
	}
	assert_true(capped > MIXES);
}

/* R: DIS-6, DIS-14: with maxima beside them, which hold as well. */
static void test_minima_hold_in_every_window_beside_all_classes(void **state)
{
	uint64_t rng = bed_seed();
	unsigned reserved = 0, of_vms = 0;

	(void)state;
	for (unsigned i = 0; i < MIXES; i++) {
		uint64_t seed = bed_random(&rng) | 1u;

		open_mix(seed, true);
		run_mix(true);
		check_maxima(seed);
		reserved += check_minima(seed);
		of_vms += check_minima_of_vms(seed);
		close_mix();
	}
	assert_true(reserved > MIXES / 2);
	assert_true(of_vms > MIXES / 20);
}

/*
 * R: DIS-6: what ran past its grant is counted, so that a window holds what the last
 * grant in it was late by, and of a VM the last one of each core.
 */
static void test_maxima_are_exceeded_by_one_lateness_at_most(void **state)
{
	uint64_t rng = bed_seed();
	unsigned capped = 0;

	(void)state;
	for (unsigned i = 0; i < MIXES / 3; i++) {
		uint64_t seed = bed_random(&rng) | 1u;

		open_mix(seed, false);
		mix.w->late_ns = 1 + rnd(2 * MS);
		run_mix(true);
		capped += check_maxima(seed);
		close_mix();
	}
	assert_true(capped > MIXES / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_maxima_hold_in_every_window_while_all_else_changes),
		cmocka_unit_test(
			test_minima_hold_in_every_window_beside_all_classes),
		cmocka_unit_test(
			test_maxima_are_exceeded_by_one_lateness_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
