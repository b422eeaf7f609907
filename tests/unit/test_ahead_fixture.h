/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of anticipation share: a sleeper and who has its core. */
#ifndef TEST_AHEAD_FIXTURE_H
#define TEST_AHEAD_FIXTURE_H

#include "lib/world.h"
#include "sched/core.h"

#define SLEEP_NS (1 * DIS_MS_NS)
#define COST_NS (60 * DIS_US_NS)
/* What a single sample moves the figure by at most. */
#define STEP_NS (8 * DIS_US_NS)

static const struct burst sleeper[] = {
	{.run_ns = 10 * DIS_US_NS,
	 .outcome = DIS_RUN_HALT,
	 .sleep_ns = SLEEP_NS},
};

struct bed {
	struct world *w;
	struct world_vcpu *sleeper;
	struct world_vcpu *hog;
};

/* One that does as @script says, beside a Background hog on one core. */
static inline struct bed open_bed_with(const struct dis_intent *intent,
				       const struct burst *script,
				       uint64_t late_ns)
{
	struct dis_domain_config cfg = world_config(1);
	struct role roles[] = {
		{*intent, script, 1},
		ROLE(DIS_CLASS_BACKGROUND, world_hog),
	};
	struct bed bed;
	dis_id vm;

	bed.w = world_open(&cfg, DIS_S_NS);
	bed.w->late_ns = late_ns;
	vm = world_vm(bed.w, roles, 2);
	bed.sleeper = world_vcpu(bed.w, vm, 0);
	bed.hog = world_vcpu(bed.w, vm, 1);
	return bed;
}

static inline struct bed open_bed(const struct dis_intent *intent,
				  uint64_t late_ns)
{
	return open_bed_with(intent, sleeper, late_ns);
}

/* Runs until the sleeper has slept and been entered again; how late that was. */
static inline uint64_t next_lateness(struct bed *bed)
{
	const struct dis_sim_core *c = &bed->w->core[0];
	uint64_t due_ns;

	while (bed->sleeper->vcpu->state != DIS_STATE_SLEEPING)
		world_run(bed->w, DIS_US_NS);
	due_ns = bed->sleeper->vcpu->timer_ns;
	while (c->decision.vcpu != bed->sleeper->vcpu)
		world_run(bed->w, DIS_US_NS);
	/* Never before its time. */
	assert_true(c->entered_ns >= due_ns);
	return c->entered_ns - due_ns;
}

/* So many sleeps, to learn from. */
static inline void pass_sleeps(struct bed *bed, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		next_lateness(bed);
}

/* Late by what it costs at first; on time when that is learned. */
static inline void expect_taught(struct bed *bed)
{
	assert_int_equal(next_lateness(bed), COST_NS);
	pass_sleeps(bed, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_true(next_lateness(bed) <= STEP_NS);
}

static inline uint64_t learned_ns(const struct bed *bed)
{
	return bed->w->core[0].core->ahead.lead_ns[DIS_CLASS_BACKGROUND];
}

/* A vCPU of its own, whose guest agrees or not, as halts report it. */
static inline void halt(struct world *w, struct dis_core *core,
			uint64_t timer_ns, uint64_t early_ns, int64_t slack_ns)
{
	struct dis_run_result result = {
		.outcome = DIS_RUN_HALT,
		.timer_ns = timer_ns,
		.early_ns = early_ns,
		.slack_ns = slack_ns,
	};

	dis_core_leave(core);
	w->core[0].entered = false;
	w->core[0].decision =
		dis_core_step(core, w->now_ns, DIS_NEVER_NS, &result);
}

#endif
