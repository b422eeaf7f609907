/* SPDX-License-Identifier: Apache-2.0 */
/* The check of all invariants of a domain, for tests. */
#include <dis/assert.h>

#include "core.h"
#include "state.h"

/* Is @vcpu where its place says, once? */
static void check_vcpu(const struct dis_vcpu *vcpu)
{
	const struct dis_core *core = vcpu_core(vcpu);
	enum dis_class klass = vcpu->intent.klass;
	const struct dis_vcpu *other;
	unsigned found = 0;

	TAILQ_FOREACH(other, &core->runq.list[klass], run_link)
		found += other == vcpu;
	switch ((enum dis_place)vcpu->place) {
	case DIS_PLACE_RUNQ:
		DIS_ASSERT(found == 1 && vcpu->state == DIS_STATE_SCHEDULED);
		return;
	case DIS_PLACE_CURRENT:
		DIS_ASSERT(core->current == vcpu &&
			   vcpu->state == DIS_STATE_RUNNING);
		break;
	case DIS_PLACE_SLEEPQ:
		DIS_ASSERT(vcpu->state == DIS_STATE_SLEEPING);
		break;
	case DIS_PLACE_PARKED:
		DIS_ASSERT(vcpu->state == DIS_STATE_THROTTLED ||
			   vcpu->state == DIS_STATE_SCHEDULED);
		break;
	case DIS_PLACE_BLOCKED:
	case DIS_PLACE_JOINING:
		DIS_ASSERT(vcpu->state == DIS_STATE_WAITING);
		break;
	case DIS_PLACE_TRANSIT:
	case DIS_PLACE_NONE:
		DIS_ASSERT(vcpu->state == DIS_STATE_SCHEDULED ||
			   dis_state_final(vcpu->state));
		break;
	}
	DIS_ASSERT(found == 0 &&
		   !vcpu->in_crowd == (vcpu->place != DIS_PLACE_CURRENT));
}

/* As many sleep and are parked on @core as it counts. */
static void check_lengths(const struct dis_core *core)
{
	const struct slab *vcpus = &core->dom->vcpus;
	unsigned sleeping = 0, parked = 0;

	for (unsigned i = 0; i < vcpus->capacity; i++) {
		const struct dis_vcpu *vcpu = slab_at(vcpus, i);

		if (slab_id_at(vcpus, i) == DIS_ID_NONE ||
		    vcpu_core(vcpu) != core)
			continue;
		sleeping += vcpu->place == DIS_PLACE_SLEEPQ;
		parked += vcpu->place == DIS_PLACE_PARKED;
	}
	DIS_ASSERT(sleeping == core->sleepq.length && parked == core->parked);
}

static void check_queues(const struct dis_core *core)
{
	dis_cpumask reach = 0;
	unsigned count = 0;

	DIS_ASSERT(core->runq.running == core->current);
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct policy_guard *guard = core->runq.policy[k]->guard;
		const struct dis_vcpu *vcpu;
		unsigned length = 0;

		TAILQ_FOREACH(vcpu, &core->runq.list[k], run_link) {
			DIS_ASSERT(vcpu_core(vcpu) == core &&
				   vcpu->place == DIS_PLACE_RUNQ);
			DIS_ASSERT(!guard || policy_guard_has(guard, vcpu));
			DIS_ASSERT(vcpu->crowd ==
				   &core->runq.crowd[k][vcpu->movable]);
			reach |= vcpu->roams     ? DIS_CPUMASK_ALL
				 : vcpu->movable ? vcpu->intent.affinity
						 : 0;
			length++;
		}
		DIS_ASSERT(length == core->runq.length[k]);
		DIS_ASSERT(crowd_is_sound(&core->runq.crowd[k][false]) &&
			   crowd_is_sound(&core->runq.crowd[k][true]));
		DIS_ASSERT((length != 0) == (core->runq.nonempty >> k & 1u));
		count += length;
	}
	DIS_ASSERT(count == core->runq.count);
	DIS_ASSERT(reach == atomic_load(&core->runq.reach));
}

void dis_domain_check(struct dis_domain *dom)
{
	for (unsigned i = 0; i < dom->ncores; i++) {
		check_queues(&dom->cores[i]);
		check_lengths(&dom->cores[i]);
	}
	for (unsigned i = 0; i < dom->vcpus.capacity; i++)
		if (slab_id_at(&dom->vcpus, i) != DIS_ID_NONE)
			check_vcpu(slab_at(&dom->vcpus, i));
}
