/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU is granted, and how a change comes into force (R: CARD-3, DIS-10).
 *
 * The control side (control.c) writes the settings under the domain mutex and
 * posts DIS_MSG_SET; the owner copies them when it takes the message, wherever
 * the vCPU is. The count of writes is odd while one goes on: the owner then
 * leaves them alone, as the message of that write is still to come. A hint of the
 * guest asks for less than was granted, until the next change by the control side.
 */
#include <dis/assert.h>
#include <dis/error.h>

#include "core.h"
#include "state.h"

#define WORDS (sizeof(struct settings) / sizeof(uint64_t))
_Static_assert(sizeof(struct settings) % sizeof(uint64_t) == 0,
	       "settings are copied in words");

void settings_write(struct dis_vcpu *vcpu, const struct settings *settings)
{
	uint64_t *to = (uint64_t *)&vcpu->settings;
	const uint64_t *from = (const uint64_t *)settings;
	unsigned seq = atomic_load(&vcpu->settings_seq);

	atomic_store(&vcpu->settings_seq, seq + 1u);
	for (size_t i = 0; i < WORDS; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
	atomic_store(&vcpu->settings_seq, seq + 2u);
}

bool settings_read(const struct dis_vcpu *vcpu, struct settings *out)
{
	const uint64_t *from = (const uint64_t *)&vcpu->settings;
	uint64_t *to = (uint64_t *)out;
	unsigned seq = atomic_load(&vcpu->settings_seq);

	for (size_t i = 0; i < WORDS; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
	return !(seq & 1u) && atomic_load(&vcpu->settings_seq) == seq;
}

struct dis_intent dis_vcpu_intent(const struct dis_vcpu *vcpu)
{
	struct settings settings;

	while (!settings_read(vcpu, &settings))
		;
	return settings.intent;
}

static void set_affinity(struct dis_vcpu *vcpu, dis_cpumask affinity)
{
	dis_cpumask cores = affinity & domain_pool(vcpu->dom);

	vcpu->intent.affinity = affinity;
	vcpu->movable = !vcpu->dom->cfg.per_vcpu && (cores & (cores - 1u));
	vcpu->roams = vcpu->movable && cores == domain_pool(vcpu->dom);
	SHARED_STORE(vcpu->reach, vcpu->movable ? cores : 0);
}

/* @intent is in force from now on, on the cores in @affinity. */
static void set_intent(struct dis_vcpu *vcpu, const struct dis_intent *intent,
		       dis_cpumask affinity)
{
	struct dis_entity *entity = &vcpu->entity;
	bool same_class = vcpu->intent.klass == intent->klass;
	bool same_job = same_class &&
			vcpu->intent.period_ns == intent->period_ns &&
			vcpu->intent.deadline_ns == intent->deadline_ns;

	realtime_reserve(vcpu, intent);
	vcpu->intent = *intent;
	set_affinity(vcpu, affinity);
	SHARED_STORE(vcpu->klass, (uint8_t)intent->klass);
	/* What the policy of the class knows stays true only within it. */
	if (!same_class || entity->id == DIS_ID_NONE)
		*entity = (struct dis_entity){.id = vcpu->id};
	if (!same_job || !entity->deadline_ns)
		entity->deadline_ns = DIS_NEVER_NS;
	if (!same_job)
		vcpu->deadline_ns = 0;
	entity->weight = dis_intent_weight(intent);
	/* That of a Realtime job is known from its release on. */
	if (!same_job || intent->has_priority ||
	    intent->klass != DIS_CLASS_REALTIME)
		entity->priority = dis_intent_priority(intent);
}

void core_set_settings(struct dis_vcpu *vcpu, const struct settings *settings)
{
	const struct dis_intent *intent = &settings->intent;
	unsigned min = settings->min_permille;

	vcpu->granted = *intent;
	vcpu->hinted = false;
	set_intent(vcpu, intent,
		   min ? 1ull << settings->home : intent->affinity);
	reserve_set(&vcpu->reserve, min);
	SHARED_STORE(vcpu->has_min, min != 0);
	vcpu->quota_ns = admission_quota_ns(intent->max_permille,
					    min ? reserve_most_ns(min) : 0);
	vcpu->capped = vcpu->quota_ns != DIS_NEVER_NS ||
		       atomic_load(&vcpu->vm->quota_ns) != DIS_NEVER_NS;
}

/* Takes @vcpu, if runnable, out of where it is; @why it is queued again. */
static bool take_out(struct dis_core *core, struct dis_vcpu *vcpu,
		     enum dis_enqueue *why, uint64_t now_ns)
{
	*why = DIS_ENQUEUE_AGAIN;
	switch ((enum dis_place)vcpu->place) {
	case DIS_PLACE_CURRENT:
		core_detach(core, now_ns);
		run_queue_leave(&core->runq, vcpu, DIS_LEAVE_MOVE, now_ns);
		state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_INTENT, 0,
			  now_ns);
		return true;
	case DIS_PLACE_RUNQ:
		run_queue_remove(&core->runq, vcpu, DIS_LEAVE_MOVE, now_ns);
		*why = DIS_ENQUEUE_ARRIVE; /* has been waiting */
		return true;
	case DIS_PLACE_PARKED:
		park_remove(core, vcpu);
		if (vcpu->state == DIS_STATE_THROTTLED)
			state_set(vcpu, DIS_STATE_SCHEDULED, DIS_REASON_INTENT,
				  0, now_ns);
		return true;
	case DIS_PLACE_SLEEPQ:
	case DIS_PLACE_BLOCKED:
	case DIS_PLACE_JOINING:
	case DIS_PLACE_NONE:
	case DIS_PLACE_TRANSIT:
		break;
	}
	return false;
}

void core_take_settings(struct dis_core *core, struct dis_vcpu *vcpu,
			uint64_t now_ns)
{
	bool sleeps = vcpu->place == DIS_PLACE_SLEEPQ;
	struct settings settings;
	enum dis_enqueue why;
	bool runnable;

	if (!settings_read(vcpu, &settings))
		return;
	if (sleeps)
		sleep_queue_remove(&core->sleepq, vcpu);
	runnable = take_out(core, vcpu, &why, now_ns);
	core_set_settings(vcpu, &settings);
	if (sleeps)
		sleep_queue_add(&core->sleepq, vcpu);
	if (!runnable)
		return;
	if (!vcpu->deadline_ns)
		core_release_job(vcpu, now_ns, now_ns);
	core_queue(core, vcpu, why, now_ns);
}

/* A hint says class and times; the rest stays as granted. */
int dis_vcpu_set_intent(struct dis_vcpu *vcpu, const struct dis_intent *wanted)
{
	struct dis_intent hint = vcpu->granted;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	DIS_ASSERT(vcpu->place == DIS_PLACE_CURRENT);
	hint.declared = wanted->declared;
	hint.klass = wanted->klass;
	hint.period_ns = wanted->period_ns;
	hint.deadline_ns = wanted->deadline_ns;
	hint.wcet_ns = wanted->wcet_ns;
	hint.latency_ns = wanted->latency_ns;
	if (!dis_intent_permits(&vcpu->granted, &hint))
		return -DIS_EPERMISSION;
	vcpu->wanted = hint;
	vcpu->hinted = true;
	return 0;
}

/* A Realtime vCPU that takes other times begins with them after its old deadline. */
void core_take_hint(struct dis_core *core, uint64_t now_ns)
{
	struct dis_vcpu *vcpu = core->current;
	uint64_t release_ns = now_ns;
	enum dis_enqueue why;

	if (!vcpu || !vcpu->hinted)
		return;
	take_out(core, vcpu, &why, now_ns);
	vcpu->hinted = false;
	if (vcpu->intent.klass != DIS_CLASS_REALTIME)
		SHARED_STORE(vcpu->consumed_ns, 0u);
	else if (vcpu->entity.deadline_ns != DIS_NEVER_NS)
		release_ns = dis_ns_max(now_ns, vcpu->entity.deadline_ns);
	set_intent(vcpu, &vcpu->wanted, vcpu->intent.affinity);
	if (!vcpu->deadline_ns)
		core_release_job(vcpu, release_ns, now_ns);
	core_queue(core, vcpu, why, now_ns);
}
