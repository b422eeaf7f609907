/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load between cores, proven over random starts (R: PRE-7, EVO-B1, EVO-D1):
 * static load comes to rest or to fair turns, in a bounded number of moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define CORES_MAX 8u
#define HOGS_MAX 40u
#define WORLDS 300u

static uint64_t rng = 1;

static uint64_t rnd(uint64_t below)
{
	/* xorshift64* */
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (rng * UINT64_C(2685821657736338717) >> 11) % below;
}

struct load {
	struct world *w;
	unsigned cores, n;
	struct world_vcpu *of[HOGS_MAX];
};

/* @roles, each of which begins on a core of its own choice. */
static struct load open_load(const struct dis_domain_config *cfg,
			     const struct role *roles, unsigned n)
{
	struct load load = {.cores = cfg->cores, .n = n};
	dis_id vm;

	load.w = world_open(cfg, 0);
	vm = world_vm_stopped(load.w, roles, n);
	for (unsigned i = 0; i < n; i++) {
		unsigned core = (unsigned)rnd(cfg->cores);

		load.of[i] = world_vcpu(load.w, vm, i);
		if (roles[i].intent.affinity >> core & 1u)
			atomic_store(&load.of[i]->vcpu->core,
				     load.w->core[core].core);
	}
	assert_int_equal(dis_vm_start(load.w->dom, vm), 0);
	world_settle(load.w);
	return load;
}

static struct load open_hogs(unsigned cores, unsigned n,
			     const struct dis_policy_ops *policy)
{
	struct dis_domain_config cfg = world_config(cores);
	struct role roles[HOGS_MAX];

	cfg.policy[DIS_CLASS_BATCH] = policy;
	for (unsigned i = 0; i < n; i++)
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 world_hog, 1};
	return open_load(&cfg, roles, n);
}

static uint64_t migrations(const struct load *load)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < load->n; i++)
		sum += world_stats(load->of[i]).migrations;
	return sum;
}

/* CPU time of a vCPU so far; a running one is charged with each step only. */
static uint64_t cpu_ns(const struct load *load, unsigned i)
{
	const struct dis_vcpu *vcpu = load->of[i]->vcpu;
	uint64_t ns = vcpu->stats.cpu_ns;

	if (vcpu->place == DIS_PLACE_CURRENT)
		ns += load->w->now_ns - vcpu_core(vcpu)->last_ns;
	return ns;
}

/* R: EVO-D1: three on two cores: 2/3 each, whatever the policy. */
static void test_balance_three_hogs_on_two_cores_get_two_thirds(void **state)
{
	static const char *const names[] = {"rr", "fair", "priority", "edf"};

	(void)state;
	for (unsigned p = 0; p < 4; p++) {
		struct load load = open_hogs(2, 3, dis_policy_find(names[p]));
		uint64_t before;

		world_run(load.w, 2000 * MS);
		for (unsigned i = 0; i < 3; i++)
			assert_in_range(cpu_ns(&load, i), 1293 * MS, 1373 * MS);
		/* R: EVO-B1: one per 50 ms in all, not one per slice. */
		before = migrations(&load);
		world_run(load.w, 1000 * MS);
		assert_in_range(migrations(&load) - before, 10, 20);
		dis_domain_check(load.w->dom);
		world_close(load.w);
	}
}

/* Slices in step with the looks hide nobody from them. */
static void test_balance_three_hogs_take_turns_with_any_slice(void **state)
{
	(void)state;
	for (unsigned ms = 1; ms <= 20; ms++) {
		struct dis_domain_config cfg = world_config(2);
		struct role roles[3];
		struct load load;

		cfg.quantum_ns[DIS_CLASS_BATCH] = ms * MS;
		for (unsigned i = 0; i < 3; i++)
			roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
						 world_hog, 1};
		load = open_load(&cfg, roles, 3);
		world_run(load.w, 2000 * MS);
		for (unsigned i = 0; i < 3; i++)
			assert_in_range(cpu_ns(&load, i), 1253 * MS, 1413 * MS);
		world_close(load.w);
	}
}

/* Any number on any number of cores: cores / hogs each. */
static void test_balance_any_number_of_hogs_share_alike(void **state)
{
	(void)state;
	for (unsigned run = 0; run < WORLDS / 10; run++) {
		unsigned cores = 2 + (unsigned)rnd(CORES_MAX - 1);
		unsigned n = cores + (unsigned)rnd(2 * cores);
		struct load load = open_hogs(cores, n, NULL);
		uint64_t from_ns[HOGS_MAX];
		uint64_t fair_ns = 10000 * MS * cores / n;

		world_run(load.w, 1000 * MS);
		for (unsigned i = 0; i < n; i++)
			from_ns[i] = cpu_ns(&load, i);
		world_run(load.w, 10000 * MS);
		for (unsigned i = 0; i < n; i++)
			assert_in_range(cpu_ns(&load, i) - from_ns[i],
					fair_ns * 93 / 100,
					fair_ns * 107 / 100);
		world_close(load.w);
	}
}

/* R: PRE-7: what can be even becomes even, and then nothing moves any more. */
static void test_balance_even_load_comes_to_rest(void **state)
{
	(void)state;
	for (unsigned run = 0; run < WORLDS; run++) {
		unsigned cores = 2 + (unsigned)rnd(CORES_MAX - 1);
		unsigned each = 1 + (unsigned)rnd(4), n = cores * each;
		struct load load = open_hogs(cores, n, NULL);
		unsigned on[CORES_MAX] = {0};
		uint64_t moves;

		world_run(load.w, 2000 * MS);
		for (unsigned i = 0; i < n; i++)
			on[world_core_of(load.of[i])]++;
		for (unsigned c = 0; c < cores; c++)
			assert_int_equal(on[c], each);
		moves = migrations(&load);
		assert_true(moves <= (uint64_t)n * cores);
		world_run(load.w, 2000 * MS);
		assert_int_equal(migrations(&load), moves);
		world_close(load.w);
	}
}

/*
 * R: PRE-7, EVO-B1: static load of all classes, with affinities: moves end, or
 * are turns, at most one per 50 ms for each core and class; no core idles beside
 * one that could run there.
 */
static void test_balance_static_load_moves_within_bound(void **state)
{
	(void)state;
	for (unsigned run = 0; run < WORLDS; run++) {
		unsigned cores = 2 + (unsigned)rnd(CORES_MAX - 1);
		unsigned n = 1 + (unsigned)rnd(3 * cores);
		struct dis_domain_config cfg = world_config(cores);
		dis_cpumask pool = (1ull << cores) - 1, busy = 0;
		struct role roles[HOGS_MAX];
		struct load load;
		uint64_t moves;

		for (unsigned i = 0; i < n; i++) {
			enum dis_class klass = (enum dis_class)(
				DIS_CLASS_INTERACTIVE + rnd(3));
			dis_cpumask mask = rnd(3) ? pool
						  : 1 + rnd((1u << cores) - 1);

			roles[i] = (struct role){world_intent_on(klass, mask),
						 world_hog, 1};
		}
		load = open_load(&cfg, roles, n);
		world_run(load.w, 3000 * MS);
		moves = migrations(&load);
		world_run(load.w, 1000 * MS);
		assert_true(migrations(&load) - moves <= cores * 3 * 20);
		for (unsigned c = 0; c < cores; c++)
			busy |= (dis_cpumask)(load.w->core[c].decision.vcpu !=
					      NULL)
				<< c;
		for (unsigned i = 0; i < n; i++)
			if (load.of[i]->vcpu->place == DIS_PLACE_RUNQ)
				assert_int_equal(roles[i].intent.affinity &
							 pool & ~busy,
						 0);
		dis_domain_check(load.w->dom);
		world_close(load.w);
	}
}

/* R: DIS-13: short sleepers beside them do not make settled hogs move. */
static void test_balance_short_sleepers_move_no_hog(void **state)
{
	static const struct burst naps[] = {
		{.run_ns = MS, .outcome = DIS_RUN_HALT, .sleep_ns = 9 * MS}};
	struct dis_domain_config cfg = world_config(2);
	struct load load;
	struct role roles[6];
	uint64_t moves;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 i < 2 ? world_hog : naps, 1};
	load = open_load(&cfg, roles, 6);
	world_run(load.w, 1000 * MS);
	moves = world_stats(load.of[0]).migrations +
		world_stats(load.of[1]).migrations;
	world_run(load.w, 5000 * MS);
	assert_int_equal(world_stats(load.of[0]).migrations +
				 world_stats(load.of[1]).migrations,
			 moves);
	world_close(load.w);
}

/* R: DIS-14: behind a hog above it nobody waits while its class runs elsewhere. */
static void test_balance_blocked_one_leaves_the_hog_above_it(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	struct role roles[3] = {
		{world_intent_on(DIS_CLASS_INTERACTIVE, 1), world_hog, 1},
		{world_intent_on(DIS_CLASS_BATCH, 2), world_hog, 1},
		{world_intent(DIS_CLASS_BATCH), world_hog, 1}};
	struct load load;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		load = open_load(&cfg, roles, 3);
		world_run(load.w, 1000 * MS);
		assert_int_equal(world_core_of(load.of[2]), 1);
		assert_true(cpu_ns(&load, 2) > 400 * MS);
		assert_true(migrations(&load) <= 2);
		world_close(load.w);
	}
}

/* The same if that hog comes later; not before it has been there for a while. */
static void test_balance_hog_above_that_comes_later_is_left(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	const struct role hog = {world_intent_on(DIS_CLASS_INTERACTIVE, 1),
				 world_hog, 1};
	const struct role roles[] = {
		{world_intent_on(DIS_CLASS_BATCH, 2), world_hog, 1},
		{world_intent(DIS_CLASS_BATCH), world_hog, 1}};
	struct load load = open_load(&cfg, roles, 2);

	(void)state;
	world_run(load.w, 100 * MS);
	assert_int_equal(world_core_of(load.of[1]), 0);
	world_vm(load.w, &hog, 1);
	world_run(load.w, 45 * MS);
	assert_int_equal(world_core_of(load.of[1]), 0);
	world_run(load.w, 955 * MS);
	assert_int_equal(world_core_of(load.of[1]), 1);
	assert_true(cpu_ns(&load, 1) > 500 * MS);
	assert_true(migrations(&load) <= 2);
	world_close(load.w);
}

/* Below a hog on each core a turn is worth nothing: three stay where they are. */
static void test_balance_blocked_ones_take_no_turns(void **state)
{
	const struct role hogs[] = {
		{world_intent_on(DIS_CLASS_INTERACTIVE, 1), world_hog, 1},
		{world_intent_on(DIS_CLASS_INTERACTIVE, 2), world_hog, 1}};
	struct load load = open_hogs(2, 3, NULL);
	uint64_t before;

	(void)state;
	world_vm(load.w, hogs, 2);
	world_run(load.w, 200 * MS);
	before = migrations(&load);
	world_run(load.w, 2000 * MS);
	assert_int_equal(migrations(&load), before);
	world_close(load.w);
}

/* However often the core steps: one move in 10 ms. */
static void test_balance_moves_one_at_a_time(void **state)
{
	static const struct burst naps[] = {{.run_ns = 10 * DIS_US_NS,
					     .outcome = DIS_RUN_HALT,
					     .sleep_ns = 100 * DIS_US_NS}};
	struct dis_domain_config cfg = world_config(2);
	struct role roles[12] = {
		{world_intent_on(DIS_CLASS_SYSTEM, 1), naps, 1},
		{world_intent_on(DIS_CLASS_BATCH, 2), world_hog, 1}};
	uint64_t last_ns = 0;
	unsigned moves = 0;
	struct world *w;
	dis_id vm;

	(void)state;
	cfg.ring_events = 1u << 16;
	w = world_open(&cfg, 0);
	for (unsigned i = 2; i < 12; i++)
		roles[i] = (struct role){world_intent_on(DIS_CLASS_BATCH, 1),
					 world_hog, 1};
	vm = world_vm(w, roles, 12);
	/* From then on they may move. */
	for (unsigned i = 2; i < 12; i++) {
		char err[128];

		assert_int_equal(dis_domain_set_affinity(
					 w->dom, world_vcpu(w, vm, i)->id, 3,
					 err, sizeof(err)),
				 0);
	}
	world_run(w, 300 * MS);
	for (size_t i = 0; i < w->n_events; i++) {
		const struct dis_event *e = &w->events[i];

		if (e->type != DIS_EVENT_MIGRATE ||
		    e->reason != DIS_MOVE_BALANCE)
			continue;
		assert_true(!moves || e->time_ns - last_ns >= 10 * MS);
		last_ns = e->time_ns;
		moves++;
	}
	assert_in_range(moves, 4, 30);
	world_close(w);
}

/* R: EVO-D1: weights are load: one of double weight has a core alone. */
static void test_balance_counts_weights(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	struct world_vcpu *of[3];
	struct world *w;
	uint64_t moves = 0;

	(void)state;
	cfg.policy[DIS_CLASS_BATCH] = dis_policy_find("fair");
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 3; i++) {
		const struct role role = {world_intent(DIS_CLASS_BATCH),
					  world_hog, 1};
		dis_id vm = world_vm_stopped(w, &role, 1);

		of[i] = world_vcpu(w, vm, 0);
		of[i]->vcpu->entity.weight = (i ? 1 : 2) * DIS_WEIGHT_DEFAULT;
		world_start_on(w, vm, 0);
	}
	world_run(w, 1000 * MS);
	assert_true(world_core_of(of[0]) != world_core_of(of[1]));
	assert_int_equal(world_core_of(of[1]), world_core_of(of[2]));
	for (unsigned i = 0; i < 3; i++)
		moves += world_stats(of[i]).migrations;
	world_run(w, 1000 * MS);
	for (unsigned i = 0; i < 3; i++)
		moves -= world_stats(of[i]).migrations;
	assert_int_equal(moves, 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_balance_three_hogs_on_two_cores_get_two_thirds),
		cmocka_unit_test(
			test_balance_three_hogs_take_turns_with_any_slice),
		cmocka_unit_test(test_balance_any_number_of_hogs_share_alike),
		cmocka_unit_test(test_balance_even_load_comes_to_rest),
		cmocka_unit_test(test_balance_static_load_moves_within_bound),
		cmocka_unit_test(test_balance_short_sleepers_move_no_hog),
		cmocka_unit_test(
			test_balance_blocked_one_leaves_the_hog_above_it),
		cmocka_unit_test(
			test_balance_hog_above_that_comes_later_is_left),
		cmocka_unit_test(test_balance_blocked_ones_take_no_turns),
		cmocka_unit_test(test_balance_moves_one_at_a_time),
		cmocka_unit_test(test_balance_counts_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
