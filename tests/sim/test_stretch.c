/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stretched slices change, in the same seeded worlds with and without them
 * (R: PRE-7). Prints the figures that it compares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/world.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define JOBS 6u
#define RUN_NS (20 * DIS_S_NS)
#define SEEDS 10u

/* Bursts of [from, from + spread), then sleeps of as much again, by chance. */
struct job {
	uint64_t from_ns, spread_ns;
	uint64_t random;
	struct burst burst;
	uint64_t due_ns; /* when it wants to run again */
	uint64_t response_ns, responses;
};

struct outcome {
	uint64_t preemptions;
	uint64_t blocks;
	uint64_t response_ns;       /* mean, from when it is due to its block */
	uint64_t other_response_ns; /* of the vCPU with short bursts */
};

/* Marsaglia, "Xorshift RNGs" (2003). */
static uint64_t next_random(struct job *job)
{
	job->random ^= job->random << 13;
	job->random ^= job->random >> 7;
	job->random ^= job->random << 17;
	return job->random;
}

static void begin(struct job *job)
{
	job->burst.run_ns =
		job->from_ns + next_random(job) % (job->spread_ns + 1);
	job->burst.sleep_ns =
		job->from_ns / 2 + next_random(job) % job->from_ns;
}

static void next_burst(struct world_vcpu *vcpu)
{
	struct job *job = vcpu->arg;

	job->response_ns += vcpu->world->now_ns - job->due_ns;
	job->responses++;
	job->due_ns = vcpu->world->now_ns + job->burst.sleep_ns;
	begin(job);
}

static uint64_t response_ns(const struct job *job)
{
	return job->responses ? job->response_ns / job->responses : 0;
}

/* One core, JOBS vCPUs of Batch; the last one's bursts are @other_ns long. */
static struct outcome run(uint64_t seed, bool fixed, uint64_t from_ns,
			  uint64_t spread_ns, uint64_t other_ns)
{
	struct dis_domain_config cfg = world_config(1);
	struct job jobs[JOBS];
	struct role roles[JOBS];
	struct outcome out = {0};
	struct world *w;
	dis_id vm;

	cfg.fixed_slices = fixed;
	cfg.ring_events = 0;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){
			.from_ns = i + 1 < JOBS ? from_ns : other_ns,
			.spread_ns = i + 1 < JOBS ? spread_ns : 0,
			.random = seed * 88172645463325252ull + i + 1,
			.burst = {.outcome = DIS_RUN_HALT, .hook = next_burst},
		};
		begin(&jobs[i]);
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 &jobs[i].burst, 1};
	}
	vm = world_vm_stopped(w, roles, JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		world_vcpu(w, vm, i)->arg = &jobs[i];
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
	world_run(w, RUN_NS);
	for (unsigned i = 0; i + 1 < JOBS; i++) {
		struct dis_vcpu_stats s = world_stats(world_vcpu(w, vm, i));

		out.preemptions += s.preemptions;
		out.blocks += s.blocks;
		out.response_ns += response_ns(&jobs[i]) / (JOBS - 1);
	}
	out.other_response_ns = response_ns(&jobs[JOBS - 1]);
	world_check_ledger(w, 0);
	world_close(w);
	return out;
}

static struct outcome run_all(bool fixed, uint64_t from_ns, uint64_t spread_ns,
			      uint64_t other_ns)
{
	struct outcome sum = {0};

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct outcome out =
			run(seed, fixed, from_ns, spread_ns, other_ns);

		sum.preemptions += out.preemptions;
		sum.blocks += out.blocks;
		sum.response_ns += out.response_ns / SEEDS;
		sum.other_response_ns += out.other_response_ns / SEEDS;
	}
	print_message("%s slices: %llu preemptions, %llu bursts done in %llu us "
		      "each, the other in %llu us\n",
		      fixed ? "fixed" : "stretched",
		      (unsigned long long)sum.preemptions,
		      (unsigned long long)sum.blocks,
		      (unsigned long long)(sum.response_ns / US),
		      (unsigned long long)(sum.other_response_ns / US));
	return sum;
}

/* Quantum 10 ms, bursts of 10.5 to 11.5 ms: without, each needs a second turn. */
static void test_stretch_bursts_just_over_quantum_fewer_preemptions(void **state)
{
	struct outcome fixed = run_all(true, 10500 * US, 1000 * US, 10500 * US);
	struct outcome stretched =
		run_all(false, 10500 * US, 1000 * US, 10500 * US);

	(void)state;
	assert_true(stretched.preemptions < fixed.preemptions / 10);
	assert_true(stretched.response_ns <= fixed.response_ns);
	assert_true(stretched.blocks >= fixed.blocks);
}

/* Whose bursts fit into a quantum does not pay for those that do not. */
static void test_stretch_short_bursts_beside_wait_no_longer(void **state)
{
	static const uint64_t short_ns[] = {100 * US, 6 * MS};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct outcome fixed =
			run_all(true, 10500 * US, 1000 * US, short_ns[i]);
		struct outcome stretched =
			run_all(false, 10500 * US, 1000 * US, short_ns[i]);

		assert_true(stretched.other_response_ns <
			    fixed.other_response_ns * 105 / 100);
	}
}

/* The case that it hurts: bursts of several quanta wait for longer turns. */
static void test_stretch_long_bursts_beside_wait_longer(void **state)
{
	struct outcome fixed = run_all(true, 10500 * US, 1000 * US, 45 * MS);
	struct outcome stretched =
		run_all(false, 10500 * US, 1000 * US, 45 * MS);

	(void)state;
	assert_true(stretched.preemptions < fixed.preemptions / 2);
	assert_true(stretched.other_response_ns > fixed.other_response_ns);
	assert_true(stretched.response_ns < fixed.response_ns);
}

/* Bursts of any length say nothing: no harm either. */
static void test_stretch_bursts_unpredictable_nothing_changes_much(void **state)
{
	struct outcome fixed = run_all(true, 12 * MS, 60 * MS, 15 * MS);
	struct outcome stretched = run_all(false, 12 * MS, 60 * MS, 15 * MS);

	(void)state;
	assert_in_range(stretched.response_ns, fixed.response_ns * 95 / 100,
			fixed.response_ns * 105 / 100);
	assert_true(stretched.preemptions <= fixed.preemptions);
}

static void on_off(struct world *w, struct world_vcpu *vcpu, bool fixed,
		   uint64_t expected)
{
	uint64_t before = world_stats(vcpu).preemptions;

	dis_domain_set_fixed_slices(w->dom, fixed);
	world_run(w, 1000 * MS);
	assert_int_equal(world_stats(vcpu).preemptions > before, expected);
}

/* R: PRE-2 */
static void test_stretch_turned_off_live_slices_end_with_quantum(void **state)
{
	static const struct burst burst[] = {{.run_ns = 11 * MS,
					      .outcome = DIS_RUN_HALT,
					      .sleep_ns = 9 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, burst),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct world_vcpu *vcpu;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	vcpu = world_vcpu(w, vm, 0);
	world_run(w, 1000 * MS);
	on_off(w, vcpu, false, false);
	on_off(w, vcpu, true, true);
	world_run(w, 50 * MS);
	dis_domain_set_fixed_slices(w->dom, false);
	world_run(w, 50 * MS);
	on_off(w, vcpu, false, false);
	world_close(w);
}

/* R: BUD-2: who does not end its burst in a stretched slice is throttled. */
static void test_stretch_burst_goes_on_throttled_at_its_end(void **state)
{
	static struct burst burst[] = {{.run_ns = 11 * MS,
					.outcome = DIS_RUN_HALT,
					.sleep_ns = 9 * MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, burst),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct world *w = world_open_cores(1);
	struct world_vcpu *vcpu;
	struct dis_vcpu_stats before, after;
	dis_id vm;

	(void)state;
	vm = world_vm(w, roles, 2);
	vcpu = world_vcpu(w, vm, 0);
	world_run(w, 1000 * MS);
	burst[0].run_ns = 1000 * MS;
	before = world_stats(vcpu);
	world_run(w, 100 * MS);
	after = world_stats(vcpu);
	/* One slice of 11 ms, then quanta of 10: shares are even again. */
	assert_in_range(after.throttles - before.throttles, 4, 5);
	assert_in_range(after.cpu_ns - before.cpu_ns, 40 * MS, 61 * MS);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_stretch_bursts_just_over_quantum_fewer_preemptions),
		cmocka_unit_test(
			test_stretch_short_bursts_beside_wait_no_longer),
		cmocka_unit_test(test_stretch_long_bursts_beside_wait_longer),
		cmocka_unit_test(
			test_stretch_bursts_unpredictable_nothing_changes_much),
		cmocka_unit_test(
			test_stretch_turned_off_live_slices_end_with_quantum),
		cmocka_unit_test(
			test_stretch_burst_goes_on_throttled_at_its_end),
	};

	return cmocka_run_group_tests_name("stretch", tests, NULL, NULL);
}
