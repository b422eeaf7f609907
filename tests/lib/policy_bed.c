/* SPDX-License-Identifier: Apache-2.0 */
/* One core with one policy; see policy_bed.h. */
#include "policy_bed.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

uint64_t bed_seed(void)
{
	const char *text = getenv("SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

/* SplitMix64 (Steele, Lea, Flood, 2014). */
uint64_t bed_random(uint64_t *rng)
{
	uint64_t z = *rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t bed_range(uint64_t *rng, uint64_t least, uint64_t most)
{
	return least + bed_random(rng) % (most - least + 1);
}

void bed_check(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	print_error("SEED=%" PRIu64 ": %s\n", bed_seed(), what);
	_fail(file, line);
}

void bed_open(struct bed *bed, const struct dis_policy_ops *ops,
	      const struct bed_hooks *hooks, struct bed_actor **actors,
	      unsigned n)
{
	*bed = (struct bed){
		.ops = ops,
		.hooks = hooks,
		.actor = actors,
		.actors = n,
		.rng = bed_seed(),
		.queue = calloc(1, ops->queue_bytes),
	};
	assert_non_null(bed->queue);
	ops->init(bed->queue);
}

void bed_close(struct bed *bed)
{
	free(bed->queue);
}

void bed_actor_init(struct bed_actor *a, dis_id id, uint64_t slice_ns)
{
	*a = (struct bed_actor){
		.e = {.id = id,
		      .deadline_ns = DIS_NEVER_NS,
		      .slice_ns = slice_ns,
		      .weight = DIS_WEIGHT_DEFAULT},
		.where = BED_ASLEEP,
		.burst_ns = DIS_NEVER_NS,
	};
}

static void check(struct bed *bed)
{
	if (bed->hooks->check)
		bed->hooks->check(bed);
}

static void enqueue(struct bed *bed, struct bed_actor *a, enum dis_enqueue why)
{
	if (why != DIS_ENQUEUE_PREEMPT) {
		a->slice_ns = a->e.slice_ns;
		a->waiting = true;
		a->since_ns = bed->now_ns;
	}
	a->e.queued_ns = bed->now_ns;
	a->where = BED_QUEUED;
	bed->queued++;
	bed->ops->enqueue(bed->queue, &a->e, why, bed->now_ns);
	check(bed);
}

static void leave(struct bed *bed, struct bed_actor *a, enum dis_leave why)
{
	bed->running = NULL;
	if (bed->ops->leave)
		bed->ops->leave(bed->queue, &a->e, why, bed->now_ns);
}

static void dispatch(struct bed *bed)
{
	struct dis_entity *e = bed->ops->pick(bed->queue, bed->now_ns);
	struct bed_actor *a = (struct bed_actor *)e;

	BED_CHECK(!e == !bed->queued);
	if (!e)
		return;
	BED_CHECK(a->where == BED_QUEUED);
	bed->ops->dequeue(bed->queue, e, DIS_LEAVE_RUN, bed->now_ns);
	bed->queued--;
	bed->running = a;
	a->where = BED_RUNNING;
	if (a->waiting) {
		a->longest_wait_ns = dis_ns_max(a->longest_wait_ns,
						bed->now_ns - a->since_ns);
		a->turns++;
	}
	a->waiting = false;
	check(bed);
}

static void wake_due(struct bed *bed)
{
	struct bed_actor *running = bed->running;

	for (unsigned i = 0; i < bed->actors; i++) {
		struct bed_actor *a = bed->actor[i];

		if (a->where != BED_ASLEEP || a->wake_ns > bed->now_ns)
			continue;
		if (bed->hooks->wakes)
			bed->hooks->wakes(bed, a);
		enqueue(bed, a, DIS_ENQUEUE_WAKE);
	}
	if (running && bed->ops->preempts &&
	    bed->ops->preempts(bed->queue, &running->e, bed->now_ns)) {
		bed->running = NULL;
		enqueue(bed, running, DIS_ENQUEUE_PREEMPT);
	}
}

static uint64_t next_wake_ns(const struct bed *bed)
{
	uint64_t next_ns = DIS_NEVER_NS;

	for (unsigned i = 0; i < bed->actors; i++)
		if (bed->actor[i]->where == BED_ASLEEP)
			next_ns = dis_ns_min(next_ns, bed->actor[i]->wake_ns);
	return next_ns;
}

static void run_one(struct bed *bed, uint64_t until_ns)
{
	struct bed_actor *a = bed->running;
	uint64_t run_ns = dis_ns_min(a->slice_ns, a->burst_ns);
	uint64_t next_ns = dis_ns_min(next_wake_ns(bed), until_ns);

	run_ns = dis_ns_min(run_ns, next_ns - bed->now_ns);
	if (run_ns == a->slice_ns && bed->hooks->overrun_ns)
		run_ns = dis_ns_min(run_ns + bed->hooks->overrun_ns(bed, a),
				    a->burst_ns);
	bed->now_ns += run_ns;
	a->served_ns += run_ns;
	a->slice_ns = dis_ns_sub(a->slice_ns, run_ns);
	if (a->burst_ns != DIS_NEVER_NS)
		a->burst_ns -= run_ns;
	if (bed->ops->charge)
		bed->ops->charge(bed->queue, &a->e, run_ns, bed->now_ns);
	check(bed);

	if (a->burst_ns == 0) {
		leave(bed, a, DIS_LEAVE_SLEEP);
		a->where = BED_ASLEEP;
		bed->hooks->sleeps(bed, a);
		check(bed);
	} else if (a->slice_ns == 0) {
		bed->running = NULL;
		enqueue(bed, a, DIS_ENQUEUE_AGAIN);
	}
}

/* One event, not past @until_ns. False if there is nothing to run. */
static bool step(struct bed *bed, uint64_t until_ns)
{
	wake_due(bed);
	if (!bed->running)
		dispatch(bed);
	if (!bed->running)
		return false;
	run_one(bed, until_ns);
	return true;
}

void bed_run(struct bed *bed, uint64_t until_ns)
{
	while (bed->now_ns < until_ns) {
		uint64_t next_ns;

		if (step(bed, until_ns))
			continue;
		next_ns = dis_ns_min(next_wake_ns(bed), until_ns);
		bed->idle_ns += next_ns - bed->now_ns;
		bed->now_ns = next_ns;
	}
}

bool bed_run_to_idle(struct bed *bed, uint64_t until_ns)
{
	while (bed->now_ns < until_ns)
		if (!step(bed, until_ns))
			return true;
	return false;
}

void bed_take(struct bed *bed, struct bed_actor *a)
{
	if (a->where == BED_QUEUED) {
		bed->queued--;
		bed->ops->dequeue(bed->queue, &a->e, DIS_LEAVE_MOVE,
				  bed->now_ns);
	} else if (a->where == BED_RUNNING) {
		leave(bed, a, DIS_LEAVE_MOVE);
	}
	a->where = BED_OUT;
	check(bed);
}

void bed_give(struct bed *bed, struct bed_actor *a)
{
	enqueue(bed, a, DIS_ENQUEUE_ARRIVE);
}
