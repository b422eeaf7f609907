/* SPDX-License-Identifier: Apache-2.0 */
/* Playing a trace's demand; see sim_replay.h. */
#include "sim_replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/sim.h>

#include "option_table.h"

#define EVENTS_AT_ONCE 256u

/*
 * A vCPU at work.
 * @at:        present burst; at the end of the list it waits for ever.
 * @left_ns:   of the present burst, beyond what the simulator counts down.
 * @chunk_ns:  what the simulator was given.
 * @cpu_ns:    what it has had before that.
 * @sent:      signals so far.
 * @got_signal: one for each burst.
 * @stopped:   is in the stop of burst @at - 1.
 */
struct player {
	struct dis_sim_vcpu sim; /* the first */
	struct replay *replay;
	struct dis_vcpu *vcpu;
	const struct sim_program *program;
	const struct dis_intent *granted;
	size_t at;
	uint64_t left_ns;
	uint64_t chunk_ns;
	uint64_t cpu_ns;
	size_t sent;
	bool *got_signal;
};

struct replay {
	struct dis_sim sim;
	const struct sim_trace *trace;
	const struct sim_demand *demand;
	struct sim_figures *figures;
	struct player *players;
	dis_id *vms;
	uint64_t now_ns;
	size_t signals; /* from outside, so far */
};

/* The next piece of @p's burst: until its next signal, if that comes before. */
static void next_chunk(struct player *p)
{
	const struct sim_signals *sends = &p->program->sends;
	uint64_t until_ns = DIS_NEVER_NS;

	if (p->sent < sends->count)
		until_ns = dis_ns_sub(sends->list[p->sent].at_ns, p->cpu_ns);
	p->chunk_ns = dis_ns_min(p->left_ns, until_ns);
	p->sim.left_ns = p->chunk_ns;
	if (p->left_ns != DIS_NEVER_NS)
		p->left_ns -= p->chunk_ns;
}

static void next_burst(struct player *p)
{
	const struct sim_program *program = p->program;

	p->left_ns = p->at < program->count ? program->bursts[p->at].run_ns : 0;
	next_chunk(p);
}

static void signal_to(struct replay *r, const struct sim_signal *signal)
{
	struct player *p = &r->players[signal->target];

	p->got_signal[signal->burst] = true;
	/* Of an earlier stop it is too late, of a later one too early. */
	if (p->at == (size_t)signal->burst + 1)
		dis_vcpu_wake(p->vcpu);
}

static void send_due(struct replay *r, struct player *p)
{
	const struct sim_signals *sends = &p->program->sends;

	while (p->sent < sends->count && sends->list[p->sent].at_ns <= p->cpu_ns)
		signal_to(r, &sends->list[p->sent++]);
}

/* A guest's hint: less than granted, so with the class's own figures. */
static void hint(struct player *p, enum dis_class klass)
{
	struct dis_intent wanted = *p->granted;
	char err[128];

	if (klass != wanted.klass &&
	    dis_intent_parse(dis_class_name(klass), &wanted, err, sizeof(err)))
		return;
	dis_vcpu_set_intent(p->vcpu, &wanted);
}

static void stop(struct replay *r, struct player *p,
		 struct dis_run_result *result)
{
	const struct sim_burst *burst;
	size_t at = p->at;

	if (at == p->program->count) {
		result->outcome = DIS_RUN_HALT;
		return;
	}
	burst = &p->program->bursts[at];
	p->at++;
	result->outcome = (enum dis_outcome)burst->outcome;
	result->reason = (enum dis_reason)burst->reason;
	switch (result->outcome) {
	case DIS_RUN_HALT:
		result->timer_ns = burst->timer_ns;
		if (burst->signalled && p->got_signal[at])
			result->outcome = DIS_RUN_CONTINUE;
		break;
	case DIS_RUN_JOIN:
		result->join = r->vms[burst->join];
		break;
	case DIS_RUN_CONTINUE:
		hint(p, (enum dis_class)burst->klass);
		break;
	default:
		break;
	}
}

static void burst_over(struct dis_sim *sim, struct dis_sim_vcpu *vcpu,
		       struct dis_run_result *result)
{
	struct player *p = (struct player *)vcpu;
	struct replay *r = sim->arg;

	p->cpu_ns = dis_ns_add(p->cpu_ns, p->chunk_ns);
	send_due(r, p);
	if (p->left_ns) {
		next_chunk(p);
		return;
	}
	stop(r, p, result);
	if (result->outcome == DIS_RUN_CONTINUE)
		result->timer_ns = DIS_NEVER_NS;
	next_burst(p);
}

static void take_event(struct replay *r, const struct dis_event *event)
{
	const struct sim_vm *vm = &r->trace->vms[event->vm_seq];
	bool sleeps = event->state == DIS_STATE_SLEEPING;

	if (event->type != DIS_EVENT_STATE)
		return;
	sim_figures_take(r->figures,
			 &(struct sim_event){
				 .time_ns = event->time_ns,
				 .wake_ns = sleeps ? event->arg : DIS_NEVER_NS,
				 .vcpu = vm->first + event->vcpu_seq,
				 .state = event->state,
				 .reason = event->reason,
				 .klass = event->klass});
}

static void stepped(struct dis_sim *sim, unsigned core)
{
	struct dis_event events[EVENTS_AT_ONCE];
	unsigned n;

	do {
		n = dis_domain_read_events(sim->dom, core, events,
					   EVENTS_AT_ONCE);
		for (unsigned i = 0; i < n; i++)
			take_event(sim->arg, &events[i]);
	} while (n == EVENTS_AT_ONCE);
}

static void ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	(void)state;
	(void)reason;
}

static const struct dis_sim_ops sim_ops = {
	.burst_over = burst_over,
	.stepped = stepped,
	.ended = ended,
};

static int check_intents(const struct sim_trace *t, unsigned cores, char *err,
			 size_t err_size)
{
	dis_cpumask pool = DIS_CPUMASK_ALL >> (DIS_CORES_MAX - cores);
	char why[256];

	for (size_t i = 0; i < t->n_vcpus; i++)
		if (dis_intent_validate(&t->vcpus[i].intent, pool, why,
					sizeof(why)))
			return option_refuse(err, err_size,
					     "vm%u/vcpu%u: %s (of %u cores)",
					     t->vcpus[i].vm, t->vcpus[i].seq,
					     why, cores);
	return 0;
}

static int spawn(struct replay *r, uint32_t vm, char *err, size_t err_size)
{
	const struct sim_vm *of = &r->trace->vms[vm];
	struct dis_intent intents[DIS_VCPUS_PER_VM_MAX];
	void *args[DIS_VCPUS_PER_VM_MAX];
	struct dis_vm_spec spec = {.name = "replayed",
				   .vcpus = of->count,
				   .min_permille = of->min_permille,
				   .max_permille = of->max_permille,
				   .intents = intents};
	char why[256];

	for (unsigned i = 0; i < of->count; i++) {
		intents[i] = r->trace->vcpus[of->first + i].intent;
		args[i] = &r->players[of->first + i];
	}
	if (dis_vm_spawn(r->sim.dom, &spec, 0, &r->vms[vm], why, sizeof(why)))
		return option_refuse(err, err_size, "vm%u: %s (of %u cores)",
				     vm, why, r->sim.cores);
	for (unsigned i = 0; i < of->count; i++) {
		struct player *p = &r->players[of->first + i];

		p->vcpu = dis_vm_vcpu(r->sim.dom, r->vms[vm], i);
		p->program = &r->demand->programs[of->first + i];
		p->granted = &r->trace->vcpus[of->first + i].intent;
		p->sim.timer_ns = DIS_NEVER_NS;
		p->got_signal =
			calloc(p->program->count + 1, sizeof(*p->got_signal));
		if (!p->got_signal)
			return -ENOMEM;
		next_burst(p);
	}
	return dis_vm_bind(r->sim.dom, r->vms[vm], r, args);
}

static int open_domain(struct replay *r, const struct sim_rules *rules)
{
	struct dis_domain_config cfg;
	unsigned most = 0;

	dis_domain_config_init(&cfg);
	cfg.cores = rules->cores;
	cfg.vms_max = (unsigned)r->trace->n_vms;
	cfg.vcpus_max = (unsigned)r->trace->n_vcpus;
	cfg.default_quantum_ns = rules->default_quantum_ns;
	memcpy(cfg.quantum_ns, rules->quantum_ns, sizeof(cfg.quantum_ns));
	memcpy(cfg.floor_permille, rules->floor_permille,
	       sizeof(cfg.floor_permille));
	cfg.fixed_slices = rules->fixed_slices;
	memcpy(cfg.policy, rules->policy, sizeof(cfg.policy));
	/* One step can wake and end every vCPU: a few events for each. */
	for (most = 1024; most < 8 * cfg.vcpus_max;)
		most *= 2;
	cfg.ring_events = most;
	return dis_sim_open(&r->sim, &cfg, &sim_ops, r, &r->now_ns);
}

/* What happens from outside, at the earliest time after @from_ns. */
static uint64_t next_outside(const struct replay *r, uint64_t from_ns)
{
	const struct sim_signals *outside = &r->demand->outside;
	uint64_t next_ns = r->trace->end_ns;

	if (r->signals < outside->count)
		next_ns = dis_ns_min(next_ns, outside->list[r->signals].at_ns);
	for (size_t i = 0; i < r->trace->n_vms; i++) {
		const struct sim_life *life = &r->demand->lives[i];

		if (life->start_ns > from_ns)
			next_ns = dis_ns_min(next_ns, life->start_ns);
		if (life->end_ns > from_ns)
			next_ns = dis_ns_min(next_ns, life->end_ns);
	}
	return next_ns;
}

static void do_outside(struct replay *r)
{
	const struct sim_signals *outside = &r->demand->outside;

	for (size_t i = 0; i < r->trace->n_vms; i++) {
		const struct sim_life *life = &r->demand->lives[i];

		if (life->start_ns == r->now_ns)
			dis_vm_start(r->sim.dom, r->vms[i]);
		if (life->end_ns == r->now_ns)
			dis_vm_end(r->sim.dom, r->vms[i],
				   (enum dis_state)life->state,
				   (enum dis_reason)life->reason);
	}
	while (r->signals < outside->count &&
	       outside->list[r->signals].at_ns <= r->now_ns)
		signal_to(r, &outside->list[r->signals++]);
	dis_sim_settle(&r->sim);
}

static void play(struct replay *r)
{
	do_outside(r);
	while (r->now_ns < r->trace->end_ns) {
		dis_sim_run_until(&r->sim, next_outside(r, r->now_ns));
		do_outside(r);
	}
}

/* The cores' time until the end, and who had it. */
static uint64_t idle_time(struct replay *r)
{
	uint64_t idle_ns = 0;

	for (unsigned i = 0; i < r->sim.cores; i++) {
		struct dis_core_stats stats;

		dis_sim_step(&r->sim, i);
		dis_core_get_stats(r->sim.core[i].core, &stats);
		idle_ns += stats.idle_ns;
	}
	return idle_ns;
}

static int replay_all(struct replay *r, const struct sim_rules *rules,
		      uint64_t *idle_ns, char *err, size_t err_size)
{
	int ret = open_domain(r, rules);

	for (uint32_t i = 0; i < r->trace->n_vms && !ret; i++)
		ret = spawn(r, i, err, err_size);
	if (!ret) {
		play(r);
		*idle_ns = idle_time(r);
	}
	return ret;
}

int sim_replay(const struct sim_trace *trace, const struct sim_demand *demand,
	       const struct sim_rules *rules, struct sim_got *got,
	       uint64_t *idle_ns, char *err, size_t err_size)
{
	struct replay *r;
	int ret = check_intents(trace, rules->cores, err, err_size), closed;

	if (ret)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	ret = -ENOMEM;
	snprintf(err, err_size, "out of memory");
	if (!r || sim_figures_open(trace, &r->figures))
		goto out_free;
	r->trace = trace;
	r->demand = demand;
	r->players = calloc(trace->n_vcpus, sizeof(*r->players));
	r->vms = calloc(trace->n_vms, sizeof(*r->vms));
	if (r->players && r->vms)
		ret = replay_all(r, rules, idle_ns, err, err_size);
	closed = sim_figures_close(r->figures, trace->end_ns, got);
	if (!ret)
		ret = closed;
	for (size_t i = 0; i < trace->n_vcpus && r->players; i++)
		free(r->players[i].got_signal);
	if (r->sim.dom)
		dis_domain_destroy(r->sim.dom);
	free(r->players);
	free(r->vms);
out_free:
	free(r);
	return ret;
}
