/* SPDX-License-Identifier: Apache-2.0 */
/* Histories and decisions; see analyze.h. */
#include "analyze.h"

void analyze_burst(struct history *history, uint64_t burst_ns)
{
	uint64_t samples = history->samples + 1u;
	int64_t weight = samples < BURST_WINDOW ? (int64_t)samples
						: BURST_WINDOW;
	int64_t mean = (int64_t)history->mean_ns;
	int64_t delta = (int64_t)dis_ns_min(burst_ns, BURST_MAX_NS) - mean;
	uint64_t variance = history->variance;

	/* delta^2 and the variance are at most 2^60 each. */
	variance += (uint64_t)(delta * delta / weight);
	variance -= variance / (uint64_t)weight;
	SHARED_STORE(history->samples, samples);
	SHARED_STORE(history->mean_ns, (uint64_t)(mean + delta / weight));
	SHARED_STORE(history->variance, variance);
}

void analyze_block(struct dis_vcpu *vcpu)
{
	const struct history *history = &vcpu->history;

	analyze_burst(&vcpu->history, vcpu->burst_ns);
	vcpu->burst_ns = 0;
	vcpu->predictable = history->samples >= BURSTS_KNOWN;
	vcpu->brief = vcpu->predictable &&
		      history->mean_ns < core_quantum_ns(vcpu);
}

/* Newton's method from above: falls until it is there. */
uint64_t analyze_root(uint64_t square)
{
	uint64_t root, next;

	if (square < 2)
		return square;
	next = UINT64_C(1) << (65 - __builtin_clzll(square)) / 2;
	do {
		root = next;
		next = (root + square / root) / 2;
	} while (next < root);
	return root;
}

uint64_t analyze_stretch_ns(const struct dis_vcpu *vcpu, uint64_t quantum_ns)
{
	const struct history *history = &vcpu->history;
	/* Of the burst, when the quantum ends. */
	uint64_t at_end_ns = dis_ns_add(
		vcpu->burst_ns, dis_ns_sub(quantum_ns, vcpu->consumed_ns));
	uint64_t limit_ns = quantum_ns / STRETCH_SHARE;
	uint64_t slack_ns = dis_ns_sub(at_end_ns, history->mean_ns);
	uint64_t end_ns, more_ns;

	if (history->samples < BURSTS_KNOWN ||
	    at_end_ns + limit_ns < history->mean_ns)
		return 0;
	/* Does it end in time? Without the root, as that is the usual case. */
	if (at_end_ns >= history->mean_ns &&
	    (slack_ns >= 2u * BURST_MAX_NS ||
	     slack_ns * slack_ns >= 4u * history->variance))
		return 0;
	end_ns = history->mean_ns + 2u * analyze_root(history->variance);
	/* From where its quantum began, as `consumed_ns` is. */
	more_ns = dis_ns_sub(dis_ns_add(end_ns, vcpu->consumed_ns),
			     dis_ns_add(vcpu->burst_ns, quantum_ns));
	return more_ns <= limit_ns ? more_ns : 0;
}

uint8_t analyze_realtime_priority(uint64_t deadline_ns, uint64_t now_ns)
{
	unsigned base = dis_class_priority(DIS_CLASS_REALTIME);
	unsigned levels = dis_class_priority(DIS_CLASS_INTERACTIVE) - base - 1u;
	uint64_t left_ms = dis_ns_sub(deadline_ns, now_ns) / DIS_MS_NS;

	return (uint8_t)(base + dis_ns_min(left_ms, levels));
}

static enum dis_choice choose(struct dis_core *core,
			      const struct dis_vcpu *vcpu,
			      const struct dis_vcpu *displaced, uint64_t now_ns)
{
	struct run_queue *queue = &core->runq;

	if (displaced && displaced != vcpu)
		return DIS_CHOICE_URGENT;
	if (queue->count == 1)
		return DIS_CHOICE_ALONE;
	if (queue->length[vcpu->intent.klass] == 1)
		return DIS_CHOICE_CLASS;
	return run_queue_explain(queue, vcpu, now_ns);
}

void analyze_decide(struct dis_core *core, struct dis_vcpu *vcpu,
		    enum dis_choice choice)
{
	unsigned count = core->runq.count;

	if (atomic_load_explicit(&core->dom->counters, memory_order_relaxed))
		SHARED_ADD(core->stats.candidates, count);
	vcpu->decided.choice = (uint8_t)choice;
	vcpu->decided.candidates = (uint16_t)dis_ns_min(count, UINT16_MAX);
}

struct dis_vcpu *analyze_pick(struct dis_core *core, enum dis_class klass,
			      bool floor, const struct dis_vcpu *displaced,
			      uint64_t now_ns)
{
	struct run_queue *queue = &core->runq;
	struct dis_vcpu *partner = handoff_take(core, klass, now_ns);
	struct dis_vcpu *sibling = partner ? NULL
					   : gang_take(core, klass, now_ns);
	struct dis_vcpu *overdue = run_queue_overdue(queue, klass, now_ns);
	struct dis_vcpu *vcpu = partner ? partner
				: sibling
					? sibling
					: run_queue_pick(queue, klass, now_ns);
	bool boost = overdue && overdue != vcpu &&
		     queue->policy[klass]->ops->by_turns;
	enum dis_choice choice;

	if (boost)
		vcpu = overdue;
	if (floor)
		choice = DIS_CHOICE_FLOOR;
	else if (boost)
		choice = DIS_CHOICE_BOOST;
	else if (partner)
		choice = DIS_CHOICE_HANDOFF;
	else if (sibling)
		choice = DIS_CHOICE_GANG;
	else
		choice = choose(core, vcpu, displaced, now_ns);
	analyze_decide(core, vcpu, choice);
	return vcpu;
}

uint64_t analyze_slice_ns(const struct dis_core *core, struct dis_vcpu *vcpu,
			  uint64_t now_ns)
{
	enum dis_class klass = vcpu->intent.klass;
	uint64_t quantum_ns = core_quantum_ns(vcpu);

	vcpu->stretch_ns = 0;
	if (klass >= DIS_CLASS_BATCH && vcpu->predictable &&
	    now_ns >= core->runq.brief_until_ns[klass] &&
	    core->runq.policy[klass]->ops->by_turns &&
	    atomic_load_explicit(&core->dom->stretching, memory_order_relaxed))
		vcpu->stretch_ns = analyze_stretch_ns(vcpu, quantum_ns);
	quantum_ns = dis_ns_add(quantum_ns, vcpu->stretch_ns);
	SHARED_STORE(vcpu->budget_ns, quantum_ns);
	return dis_ns_sub(quantum_ns, vcpu->consumed_ns);
}
