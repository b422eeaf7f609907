/* SPDX-License-Identifier: Apache-2.0 */
/* See world.h. */
#include "lib/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sched/core.h"

const struct burst world_hog[1] = {
	{.run_ns = DIS_NEVER_NS, .outcome = DIS_RUN_CONTINUE},
};
const struct burst world_halt[1] = {{.outcome = DIS_RUN_HALT}};

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	struct world *w = vm;

	w->ends++;
	w->ended_state = state;
	w->ended_reason = reason;
}

static void drain(struct world *w, unsigned core)
{
	for (;;) {
		if (w->n_events + 64 > w->max_events) {
			w->max_events = 2 * w->max_events + 1024;
			w->events = realloc(w->events,
					    w->max_events * sizeof(*w->events));
			assert_non_null(w->events);
		}
		unsigned n = dis_domain_read_events(
			w->sim.dom, core, w->events + w->n_events, 64);

		w->n_events += n;
		if (n < 64)
			return;
	}
}

static void burst_over(struct dis_sim *sim, struct dis_sim_vcpu *sim_vcpu,
		       struct dis_run_result *result)
{
	struct world_vcpu *vcpu = (struct world_vcpu *)sim_vcpu;
	const struct burst *burst = &vcpu->script[vcpu->at];

	result->outcome = burst->outcome;
	result->reason = burst->reason;
	if (burst->sleep_ns)
		result->timer_ns = *sim->now_ns + burst->sleep_ns;
	if (burst->join)
		result->join = *burst->join;
	vcpu->bursts_done++;
	vcpu->at = (vcpu->at + 1u) % vcpu->bursts;
	if (burst->hook)
		burst->hook(vcpu);
	vcpu->sim.left_ns = vcpu->script[vcpu->at].run_ns;
}

static void stepped(struct dis_sim *sim, unsigned core)
{
	struct world *w = sim->arg;

	if (w->cfg.ring_events)
		drain(w, core);
	if (w->stepped)
		w->stepped(w, core);
}

static uint64_t delay_ns(struct dis_sim *sim, unsigned core,
			 enum dis_sim_signal signal)
{
	struct world *w = sim->arg;

	if (w->delay_ns)
		return w->delay_ns(w, core, signal);
	return signal == DIS_SIM_TIMER ? w->late_ns : 0;
}

static const struct dis_sim_ops sim_ops = {
	.delay_ns = delay_ns,
	.burst_over = burst_over,
	.stepped = stepped,
	.ended = on_ended,
};

struct dis_intent world_intent_on(enum dis_class klass, dis_cpumask affinity)
{
	struct dis_intent intent = {
		.klass = klass, .declared = true, .affinity = affinity};

	if (klass == DIS_CLASS_REALTIME) {
		intent.period_ns = 10 * DIS_MS_NS;
		intent.deadline_ns = 10 * DIS_MS_NS;
		intent.wcet_ns = DIS_MS_NS;
	} else if (klass == DIS_CLASS_INTERACTIVE) {
		intent.latency_ns = DIS_MS_NS;
	}
	return intent;
}

struct dis_intent world_intent(enum dis_class klass)
{
	return world_intent_on(klass, DIS_CPUMASK_ALL);
}

struct dis_domain_config world_config(unsigned cores)
{
	struct dis_domain_config cfg;

	dis_domain_config_init(&cfg);
	cfg.cores = cores;
	cfg.vms_max = 64;
	cfg.vcpus_max = 256;
	cfg.ring_events = 4096;
	memset(cfg.floor_permille, 0, sizeof(cfg.floor_permille));
	return cfg;
}

struct world *world_open(const struct dis_domain_config *cfg, uint64_t start_ns)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->cfg = *cfg;
	w->cores = cfg->cores;
	w->core = w->sim.core;
	w->now_ns = start_ns;
	assert_int_equal(dis_sim_open(&w->sim, cfg, &sim_ops, w, &w->now_ns), 0);
	w->dom = w->sim.dom;
	return w;
}

struct world *world_open_cores(unsigned cores)
{
	struct dis_domain_config cfg = world_config(cores);

	return world_open(&cfg, 0);
}

void world_close(struct world *w)
{
	dis_domain_destroy(w->dom);
	for (size_t i = 0; i < w->n_vms; i++)
		free(w->vms[i]);
	free(w->vms);
	free(w->events);
	free(w);
}

static void keep_vm(struct world *w, struct world_vcpu *vcpus)
{
	if (w->n_vms == w->max_vms) {
		w->max_vms = w->max_vms ? 2 * w->max_vms : 64;
		w->vms = realloc(w->vms, w->max_vms * sizeof(*w->vms));
		assert_non_null(w->vms);
	}
	w->vms[w->n_vms++] = vcpus;
}

dis_id world_vm_stopped(struct world *w, const struct role *roles,
			unsigned vcpus)
{
	struct dis_intent intents[DIS_VCPUS_PER_VM_MAX];
	void *args[DIS_VCPUS_PER_VM_MAX];
	struct dis_vm_spec spec = {.name = "vm",
				   .vcpus = vcpus,
				   .mem_bytes = 4096,
				   .intents = intents};
	struct world_vcpu *mine = calloc(vcpus, sizeof(*mine));
	char err[128];
	dis_id id;

	assert_non_null(mine);
	keep_vm(w, mine);
	for (unsigned i = 0; i < vcpus; i++)
		intents[i] = roles[i].intent;
	assert_int_equal(dis_vm_spawn(w->dom, &spec, w->now_ns, &id, err,
				      sizeof(err)),
			 0);
	for (unsigned i = 0; i < vcpus; i++) {
		struct dis_vcpu *vcpu = dis_vm_vcpu(w->dom, id, i);

		mine[i] = (struct world_vcpu){
			.world = w,
			.vcpu = vcpu,
			.id = dis_vcpu_id(vcpu),
			.script = roles[i].script,
			.bursts = roles[i].bursts,
			.sim = {.left_ns = roles[i].script[0].run_ns,
				.timer_ns = DIS_NEVER_NS},
		};
		args[i] = &mine[i];
	}
	assert_int_equal(dis_vm_bind(w->dom, id, w, args), 0);
	return id;
}

dis_id world_vm(struct world *w, const struct role *roles, unsigned vcpus)
{
	dis_id id = world_vm_stopped(w, roles, vcpus);

	assert_int_equal(dis_vm_start(w->dom, id), 0);
	world_settle(w);
	return id;
}

void world_start_on(struct world *w, dis_id vm, unsigned core)
{
	struct dis_vcpu *vcpu;

	for (unsigned i = 0; (vcpu = dis_vm_vcpu(w->dom, vm, i)); i++)
		atomic_store(&vcpu->core, w->core[core].core);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	world_settle(w);
}

struct world_vcpu *world_vcpu(struct world *w, dis_id vm, unsigned index)
{
	struct dis_vcpu *vcpu = dis_vm_vcpu(w->dom, vm, index);

	assert_non_null(vcpu);
	return vcpu->arg;
}

unsigned world_core_of(const struct world_vcpu *vcpu)
{
	return vcpu_core(vcpu->vcpu)->index;
}

struct world_vcpu *world_running(const struct world *w, unsigned core)
{
	return w->core[core].decision.vcpu_arg;
}

struct dis_vcpu_stats world_stats(const struct world_vcpu *vcpu)
{
	struct dis_vcpu_stats stats;

	dis_vcpu_get_stats(vcpu->vcpu, &stats);
	return stats;
}

struct dis_core_stats world_core_stats(const struct world *w, unsigned core)
{
	struct dis_core_stats stats;

	dis_core_get_stats(w->core[core].core, &stats);
	return stats;
}

void world_step(struct world *w, unsigned core)
{
	dis_sim_step(&w->sim, core);
}

void world_run_until(struct world *w, uint64_t end_ns)
{
	dis_sim_run_until(&w->sim, end_ns);
}

void world_run(struct world *w, uint64_t ns)
{
	world_run_until(w, w->now_ns + ns);
}

void world_settle(struct world *w)
{
	dis_sim_settle(&w->sim);
}

void world_wake(struct world *w, struct world_vcpu *vcpu)
{
	dis_vcpu_wake(vcpu->vcpu);
	world_settle(w);
}

const char *world_history(const struct world *w, const struct world_vcpu *vcpu)
{
	static char text[16384];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < w->n_events; i++) {
		const struct dis_event *e = &w->events[i];

		if (e->type != DIS_EVENT_STATE || e->vcpu != vcpu->id)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%s/%s", used ? " " : "",
					 dis_state_name(e->state),
					 dis_reason_name(e->reason));
		assert_true(used < sizeof(text));
	}
	return text;
}

void world_check_ledger(const struct world *w, uint64_t start_ns)
{
	for (unsigned i = 0; i < w->cores; i++) {
		struct dis_core_stats stats = world_core_stats(w, i);

		assert_int_equal(stats.charged_ns + stats.idle_ns,
				 w->core[i].core->last_ns - start_ns);
	}
}
