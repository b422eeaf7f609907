/* SPDX-License-Identifier: Apache-2.0 */
/* What holds in every world after every step; see random_world.h. */
#include <errno.h>
#include <string.h>

#include <dis/assert.h>

#include "sched/core.h"
#include "sched/state.h"
#include "sim/random_world.h"

/* Of Background, stretched. */
#define LONGEST_SLICE_NS (50 * DIS_MS_NS + 50 * DIS_MS_NS / 4)
#define FLOOR_TURN_NS (5 * DIS_MS_NS)
#define FLOOR_PERIOD_NS (95 * DIS_MS_NS)
/* The host takes the cores away; preemption is paused. */
#define LONGEST_GAP_NS (23 * DIS_MS_NS)
#define WHOLE_CORE UINT64_C(1000000)

/* Every vCPU that has a slot, one by one; NULL after the last. */
static struct dis_vcpu *each(const struct random_world *r, unsigned *at)
{
	struct slab *slab = &r->w->dom->vcpus;

	for (; *at < slab->capacity; ++*at)
		if (slab_id_at(slab, *at) != DIS_ID_NONE)
			return slab_at(slab, (*at)++);
	return NULL;
}

/* R: EVO-C1: what was charged to cores was charged to vCPUs, to the last ns. */
static void check_ledger(const struct random_world *r)
{
	uint64_t cores_ns = 0, vcpus_ns = r->reaped_cpu_ns;
	struct dis_vcpu *vcpu;

	for (unsigned i = 0; i < r->w->cores; i++) {
		const struct dis_core *core = r->w->core[i].core;

		DIS_ASSERT(core->stats.charged_ns + core->stats.idle_ns ==
			   core->last_ns);
		cores_ns += core->stats.charged_ns;
	}
	for (unsigned at = 0; (vcpu = each(r, &at));)
		vcpus_ns += vcpu->stats.cpu_ns;
	DIS_ASSERT(cores_ns == vcpus_ns);
}

/* R: ST-2: states follow the edges, and the events tell the whole story. */
static void check_event(struct random_world *r, const struct dis_event *event)
{
	unsigned slot = (uint32_t)event->vcpu - 1u;

	if (event->type != DIS_EVENT_STATE)
		return;
	DIS_ASSERT(slot < RANDOM_VCPUS_MAX);
	if (r->seen[slot] == event->vcpu)
		DIS_ASSERT(dis_state_edge(r->state[slot],
					  (enum dis_state)event->state));
	else /* the first of a new vCPU; one that never started just ends */
		DIS_ASSERT(event->state == DIS_STATE_SCHEDULED ||
			   event->state == DIS_STATE_RUNNING);
	r->seen[slot] = event->vcpu;
	r->state[slot] = (enum dis_state)event->state;
}

/* How often each vCPU was found; nothing but what lives may be found. */
struct census {
	const struct random_world *r;
	uint8_t found[RANDOM_VCPUS_MAX];
};

static void count(struct census *census, const struct dis_vcpu *vcpu,
		  const struct dis_core *core, enum dis_place place)
{
	unsigned slot = (uint32_t)vcpu->id - 1u;

	/* R: EVO-B4: no stale entry. */
	DIS_ASSERT(slot < census->r->w->dom->vcpus.capacity &&
		   slab_get(&census->r->w->dom->vcpus, vcpu->id) == vcpu);
	DIS_ASSERT(!dis_state_final(vcpu->state));
	DIS_ASSERT(vcpu->place == place);
	DIS_ASSERT(vcpu_core(vcpu) == core);
	/* R: ST-4 */
	DIS_ASSERT(!census->found[slot]++);
}

static void count_sleepers(struct census *census, const struct dis_core *core,
			   const struct dis_vcpu *vcpu)
{
	if (!vcpu)
		return;
	count(census, vcpu, core, DIS_PLACE_SLEEPQ);
	count_sleepers(census, core, RB_LEFT(vcpu, sleep_link));
	count_sleepers(census, core, RB_RIGHT(vcpu, sleep_link));
}

static void count_parked(struct census *census, const struct dis_core *core,
			 const struct dis_vcpu *vcpu)
{
	if (!vcpu)
		return;
	count(census, vcpu, core, DIS_PLACE_PARKED);
	count_parked(census, core, RB_LEFT(vcpu, park_link));
	count_parked(census, core, RB_RIGHT(vcpu, park_link));
}

/* Each vCPU is in the one place that it says, on one core (R: ST-4, EVO-B1). */
static void check_places(const struct random_world *r)
{
	struct census census = {.r = r};
	const struct dis_vcpu *vcpu;

	for (unsigned i = 0; i < r->w->cores; i++) {
		const struct dis_core *core = r->w->core[i].core;

		if (core->current)
			count(&census, core->current, core, DIS_PLACE_CURRENT);
		for (unsigned k = 0; k < DIS_CLASSES; k++) {
			TAILQ_FOREACH(vcpu, &core->runq.list[k], run_link)
				count(&census, vcpu, core, DIS_PLACE_RUNQ);
			count_sleepers(&census, core,
				       RB_ROOT(&core->sleepq.tree[k].tree));
		}
		count_parked(&census, core, RB_ROOT(&core->parkq.tree));
		TAILQ_FOREACH(vcpu, &core->joins, run_link)
			count(&census, vcpu, core, DIS_PLACE_JOINING);
	}
	for (unsigned at = 0; (vcpu = each(r, &at));) {
		unsigned found = census.found[(uint32_t)vcpu->id - 1u];

		switch ((enum dis_place)vcpu->place) {
		case DIS_PLACE_RUNQ:
		case DIS_PLACE_CURRENT:
		case DIS_PLACE_SLEEPQ:
		case DIS_PLACE_JOINING:
		case DIS_PLACE_PARKED:
			DIS_ASSERT(found == 1);
			break;
		case DIS_PLACE_TRANSIT:
			DIS_ASSERT(atomic_load(&vcpu->pending));
			break;
		case DIS_PLACE_NONE:
			DIS_ASSERT(dis_state_final(vcpu->state) ||
				   atomic_load(&vcpu->pending));
			break;
		case DIS_PLACE_BLOCKED:
			break;
		}
	}
}

static void check_planted(const struct random_world *r)
{
	struct dis_vcpu *vcpu;

	for (unsigned at = 0; (vcpu = each(r, &at));)
		DIS_ASSERT(vcpu->stats.preemptions < 2 ||
			   !atomic_load(&vcpu->vm->verdict));
}

/* The most that any core has had at once, as one moves while it waits. */
static void note_most(struct random_world *r, const struct dis_core *core)
{
	r->most_reserved =
		dis_ns_max(r->most_reserved, atomic_load(&core->reserved));
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		bool runs = core->current && core->current->intent.klass == k;

		r->most[k] = (unsigned)dis_ns_max(r->most[k],
						  core->runq.length[k] + runs);
	}
}

void random_check_step(struct random_world *r, unsigned core)
{
	const struct dis_vcpu *vcpu;

	note_most(r, r->w->core[core].core);
	r->tally->steps++;
	for (size_t i = 0; i < r->w->n_events; i++)
		check_event(r, &r->w->events[i]);
	r->w->n_events = 0;
	for (unsigned at = 0; (vcpu = each(r, &at));) {
		unsigned slot = (uint32_t)vcpu->id - 1u;

		if (r->seen[slot] == vcpu->id)
			DIS_ASSERT(r->state[slot] == vcpu->state);
	}
	dis_domain_check(r->w->dom);
	check_places(r);
	check_ledger(r);
	if (r->cfg->planted)
		check_planted(r);
}

/* Realtime stays on its core as long as nothing keeps it from its deadline. */
static bool in_time(const struct dis_vcpu *vcpu)
{
	const struct dis_core *core = vcpu_core(vcpu);

	return vcpu->place == DIS_PLACE_RUNQ && vcpu->reserved &&
	       !realtime_overloaded(core) && core->current &&
	       core->current->intent.klass >= DIS_CLASS_REALTIME;
}

/* R: EVO-B2: mail stays unread until the slice end at most. */
static void check_mail(const struct random_world *r)
{
	for (unsigned i = 0; i < r->w->cores; i++)
		if (atomic_load(&r->w->core[i].core->mail))
			DIS_ASSERT(r->w->core[i].decision.until_ns <=
				   r->w->now_ns + LONGEST_SLICE_NS);
}

/* See "Longest wait" in sched/README.md; each of the four floors may be cut. */
static uint64_t longest_turn_ns(const struct random_world *r)
{
	uint64_t floors_ns = (DIS_CLASSES - 1) * FLOOR_TURN_NS;
	uint64_t turn_ns = FLOOR_PERIOD_NS + LONGEST_SLICE_NS + 2 * floors_ns;
	uint64_t left = dis_ns_sub(WHOLE_CORE, r->most_reserved);
	uint64_t period_ns = left ? floors_ns * WHOLE_CORE / left
				  : DIS_NEVER_NS;

	period_ns = dis_ns_max(period_ns, FLOOR_PERIOD_NS + FLOOR_TURN_NS);
	period_ns = dis_ns_min(period_ns, 5 * DIS_S_NS);
	return dis_ns_max(turn_ns, 2 * period_ns) + LONGEST_GAP_NS;
}

static uint64_t longest_wait_ns(const struct random_world *r,
				enum dis_class klass)
{
	uint64_t slice_ns = r->w->cfg.quantum_ns[klass] * 5 / 4;
	uint64_t turns = (slice_ns + FLOOR_TURN_NS - 1) / FLOOR_TURN_NS;

	return (dis_ns_sub(r->most[klass], 1) * dis_ns_max(turns, 1) + 1) *
	       longest_turn_ns(r);
}

static void check_waiting(const struct random_world *r,
			  const struct dis_vcpu *vcpu)
{
	const struct dis_core *core = vcpu_core(vcpu);
	const struct dis_sim_core *c = &r->w->core[core->index];

	DIS_ASSERT(vcpu->place != DIS_PLACE_TRANSIT);
	/* No due timer is slept through, unless nothing may preempt. */
	if (vcpu->place == DIS_PLACE_SLEEPQ)
		DIS_ASSERT(vcpu->timer_ns > r->w->now_ns ||
			   (c->decision.vcpu &&
			    core->current->intent.klass <= vcpu->intent.klass));
	if (vcpu->place == DIS_PLACE_RUNQ) {
		DIS_ASSERT(c->decision.vcpu);
		/* R: DIS-14 */
		if (r->cfg->floors && r->cfg->turns)
			DIS_ASSERT(dis_ns_sub(r->w->now_ns, vcpu->since_ns) <
				   longest_wait_ns(r, vcpu->intent.klass));
	}
	/* R: DIS-13: no core idles beside one that may run there. */
	for (unsigned i = 0; i < r->w->cores; i++)
		if (!r->w->core[i].decision.vcpu && !in_time(vcpu) &&
		    vcpu->intent.affinity >> i & 1u)
			DIS_ASSERT(vcpu->place != DIS_PLACE_RUNQ &&
				   !atomic_load(&vcpu->pending));
}

void random_check_quiet(struct random_world *r)
{
	struct dis_vcpu *vcpu;

	/* Who was not told, or was told another time, may have work left. */
	if (r->cfg->faults)
		return;
	check_mail(r);
	for (unsigned at = 0; (vcpu = each(r, &at));)
		check_waiting(r, vcpu);
}

void random_check_stale(struct random_world *r, dis_id stale, dis_id vcpu)
{
	const struct dis_intent intent = world_intent(DIS_CLASS_BATCH);
	struct dis_domain *dom = r->w->dom;
	struct dis_vcpu_stats stats;
	struct dis_vm_info info;
	char err[128];

	DIS_ASSERT(!dis_vm_vcpu(dom, stale, 0));
	DIS_ASSERT(dis_vm_get_info(dom, stale, &info) == -ENOENT);
	DIS_ASSERT(dis_vm_start(dom, stale) == -ENOENT);
	DIS_ASSERT(dis_vm_end(dom, stale, DIS_STATE_FAILED,
			      DIS_REASON_KILLED) == -ENOENT);
	DIS_ASSERT(dis_vm_reap_begin(dom, stale) == -ENOENT);
	DIS_ASSERT(dis_vm_reap_finish(dom, stale) == -ENOENT);
	DIS_ASSERT(dis_vm_get_stats(dom, stale, &stats) == -ENOENT);
	DIS_ASSERT(dis_domain_set_shares(dom, stale, 0, 0, err, sizeof(err)) ==
		   -ENOENT);
	DIS_ASSERT(dis_domain_set_intent(dom, vcpu, &intent, err,
					 sizeof(err)) == -ENOENT);
	DIS_ASSERT(dis_domain_set_priority(dom, vcpu, 0, err, sizeof(err)) ==
		   -ENOENT);
	DIS_ASSERT(dis_domain_set_affinity(dom, vcpu, 1, err, sizeof(err)) ==
		   -ENOENT);
}

void random_check_over(struct random_world *r)
{
	struct dis_vcpu *vcpu;

	/* R: EVO-B2: every message was taken. */
	for (unsigned i = 0; i < r->w->cores; i++)
		DIS_ASSERT(!atomic_load(&r->w->core[i].core->mail));
	for (unsigned at = 0; (vcpu = each(r, &at));)
		DIS_ASSERT(dis_state_final(vcpu->state) &&
			   !atomic_load(&vcpu->pending));
	/* `ended` was called for each VM once. */
	DIS_ASSERT(r->w->ends == r->tally->vms);
}
