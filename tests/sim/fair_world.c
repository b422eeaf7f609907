/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds of the fair policy; see fair_world.h. */
#include "fair_world.h"

#include "policies.h"
#include "policy_fair.h"

/* Each figure of virtual time rounds to less than a ns of service. */
#define ROUNDING_NS 2

/* Uniform in the number of digits: small ones are as frequent as large ones. */
uint32_t random_weight(uint64_t *rng)
{
	uint64_t bits = bed_range(rng, 0, 16);

	return (uint32_t)bed_range(rng, UINT64_C(1) << bits,
				   bits == 16 ? DIS_WEIGHT_MAX
					      : (UINT64_C(2) << bits) - 1);
}

static bool competes(const struct bed_actor *a)
{
	return a->where == BED_QUEUED || a->where == BED_RUNNING;
}

static uint64_t earliest_below(const struct dis_entity *e, unsigned *count)
{
	const struct dis_entity *child[] = {RB_LEFT(e, link.tree),
					    RB_RIGHT(e, link.tree)};
	uint64_t earliest = e->key[FAIR_ELIGIBLE];

	++*count;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t below;

		if (!child[i])
			continue;
		below = earliest_below(child[i], count);
		if ((int64_t)(below - earliest) < 0)
			earliest = below;
	}
	BED_CHECK(earliest == e->key[FAIR_EARLIEST]);
	return earliest;
}

/* The invariants of policy_fair.h, from scratch. */
static void check_queue(struct bed *bed)
{
	const struct fair_queue *fair = bed->queue;
	const struct dis_entity *first = RB_ROOT(&fair->tree.tree);
	uint64_t weight = 0;
	fair_sum ahead = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < bed->actors; i++) {
		const struct dis_entity *e = &bed->actor[i]->e;

		if (!competes(bed->actor[i]))
			continue;
		weight += e->weight;
		ahead += (fair_sum)(int64_t)(e->key[FAIR_OWN] - fair->now) *
			 e->weight;
	}
	BED_CHECK(fair->weight == weight);
	BED_CHECK(-ahead <= (fair->due < 0 ? -fair->due : 0));
	if (first)
		(void)earliest_below(first, &count);
	BED_CHECK(count == bed->queued);
	while (first && RB_LEFT(first, link.tree))
		first = RB_LEFT(first, link.tree);
	BED_CHECK(fair->tree.first == first);
}

void check_lag(struct bed *bed)
{
	struct fair_world *w = bed->arg;
	uint64_t most_ns = w->request_ns + ROUNDING_NS;

	if (w->overrun_ns)
		most_ns += w->request_ns + w->overrun_ns;
	check_queue(bed);
	for (unsigned i = 0; i < bed->actors; i++) {
		struct bed_actor *a = bed->actor[i];
		int64_t lag;

		if (!competes(a))
			continue;
		lag = fair_lag_ns(bed->queue, &a->e);
		BED_CHECK(lag <= (int64_t)most_ns);
		BED_CHECK(-lag <= (int64_t)(a->e.slice_ns + w->overrun_ns +
					    ROUNDING_NS));
	}
}

void open_hogs(struct bed *bed, struct fair_world *w, unsigned n,
	       uint64_t slice_ns, const struct bed_hooks *hooks)
{
	w->n = n;
	w->overrun_ns = 0;
	w->request_ns = slice_ns;
	for (unsigned i = 0; i < n; i++) {
		bed_actor_init(&w->actors[i], i + 1, slice_ns);
		w->list[i] = &w->actors[i];
	}
	bed_open(bed, &dis_policy_fair, hooks, w->list, n);
	bed->arg = w;
}

/* A burst of work_ns every period_ns. */
static void periodic_sleep(struct bed *bed, struct bed_actor *a)
{
	a->wake_ns += a->period_ns;
	if (a->wake_ns <= bed->now_ns)
		a->wake_ns = bed->now_ns + 1;
	a->burst_ns = a->work_ns;
}

void make_periodic(struct bed_actor *a, uint64_t period_ns, uint64_t work_ns)
{
	a->period_ns = period_ns;
	a->work_ns = work_ns;
	a->burst_ns = work_ns;
	a->wake_ns = 0;
}

const struct bed_hooks checked_hooks = {
	.sleeps = periodic_sleep,
	.check = check_lag,
};
const struct bed_hooks plain_hooks = {.sleeps = periodic_sleep};

void check_within(uint64_t have, uint64_t want, uint64_t slack)
{
	BED_CHECK(have >= dis_ns_sub(want, slack) && have <= want + slack);
}
