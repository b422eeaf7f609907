/* SPDX-License-Identifier: Apache-2.0 */
/* The life cycle of a vCPU; see state.h. The diagram is in README.md. */
#include "state.h"

#include <dis/assert.h>

#include "core.h"

#define TO(state) (1u << DIS_STATE_##state)

/* R: ST-2. test_state checks this table against the diagram in README.md. */
static const uint8_t edges[DIS_STATES] = {
	[DIS_STATE_SCHEDULED] = TO(RUNNING),
	[DIS_STATE_RUNNING] = TO(SCHEDULED) | TO(SLEEPING) | TO(WAITING) |
			      TO(THROTTLED) | TO(FINISHED) | TO(FAILED),
	[DIS_STATE_SLEEPING] = TO(SCHEDULED),
	[DIS_STATE_WAITING] = TO(SCHEDULED),
	[DIS_STATE_THROTTLED] = TO(SCHEDULED),
	[DIS_STATE_FINISHED] = 0,
	[DIS_STATE_FAILED] = 0,
};

bool dis_state_edge(enum dis_state from, enum dis_state to)
{
	return from < DIS_STATES && to < DIS_STATES &&
	       (edges[from] & 1u << to) != 0;
}

static void emit(struct dis_vcpu *vcpu, uint64_t arg, uint64_t now_ns)
{
	struct dis_core *core =
		atomic_load_explicit(&vcpu->core, memory_order_relaxed);

	struct dis_event event;

	if (!event_ring_on(&core->ring))
		return;
	event = (struct dis_event){
		.time_ns = now_ns,
		.vm = vcpu->vm->id,
		.vcpu = vcpu->id,
		.arg = arg,
		.vm_seq = vcpu->vm->seq,
		.vcpu_seq = vcpu->seq,
		.cpu = (uint16_t)core->index,
		.type = DIS_EVENT_STATE,
		.state = vcpu->state,
		.reason = vcpu->reason,
		.klass = vcpu->klass,
	};
	if (vcpu->state == DIS_STATE_RUNNING) {
		event.slice_ns = vcpu->decided.slice_ns;
		event.candidates = vcpu->decided.candidates;
		event.priority = vcpu->entity.priority;
		event.choice = vcpu->decided.choice;
	}
	core_emit(core, &event);
}

void state_init(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	vcpu->state = DIS_STATE_SCHEDULED;
	vcpu->reason = DIS_REASON_SPAWN;
	vcpu->since_ns = now_ns;
}

void state_set(struct dis_vcpu *vcpu, enum dis_state state,
	       enum dis_reason reason, uint64_t arg, uint64_t now_ns)
{
	enum dis_state old = vcpu->state;
	uint64_t spent_ns = dis_ns_sub(now_ns, vcpu->since_ns);
	struct dis_core *core =
		atomic_load_explicit(&vcpu->core, memory_order_relaxed);

	DIS_ASSERT(dis_state_edge(old, state));
	switch (old) {
	case DIS_STATE_SCHEDULED:
		SHARED_ADD(vcpu->stats.wait_ns, spent_ns);
		break;
	case DIS_STATE_SLEEPING:
	case DIS_STATE_WAITING:
		SHARED_ADD(vcpu->stats.sleep_ns, spent_ns);
		break;
	case DIS_STATE_THROTTLED:
		SHARED_ADD(vcpu->stats.throttled_ns, spent_ns);
		break;
	default: /* Running is charged by the ledger (step.c) */
		break;
	}
	vcpu->since_ns = now_ns;
	SHARED_STORE(vcpu->state, (uint8_t)state);
	SHARED_STORE(vcpu->reason, (uint8_t)reason);
	SHARED_ADD(core->state_total[state], 1u);
	emit(vcpu, arg, now_ns);
}

void state_announce(struct dis_vcpu *vcpu, uint64_t now_ns)
{
	struct dis_core *core =
		atomic_load_explicit(&vcpu->core, memory_order_relaxed);

	SHARED_ADD(core->state_total[vcpu->state], 1u);
	emit(vcpu, 0, now_ns);
}
