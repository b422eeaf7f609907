/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds, operations and how they are played; see random_world.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "lib/faulty.h"
#include "sched/core.h"
#include "sched/state.h"
#include "sim/random_world.h"

#define MS DIS_MS_NS
#define US DIS_US_NS
#define STALE (sizeof(world.stale) / sizeof(world.stale[0]))

struct random_world world;

/* xorshift64*; the state must not be 0 */
static uint64_t draw(uint64_t *state, uint64_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * UINT64_C(2685821657736338717) >> 11) % below;
}

static uint64_t scatter(uint64_t seed)
{
	return (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

uint64_t rnd(uint64_t below)
{
	return draw(world.rng, below);
}

/* One line of the history, if it is wanted. */
void tell(const char *fmt, ...)
{
	va_list args;

	if (!world.tell)
		return;
	fprintf(stderr, "  at %" PRIu64 " us: ", world.w->now_ns / US);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

struct random_config random_config(uint64_t seed)
{
	uint64_t rng = scatter(seed);
	/* Mostly few cores, where vCPUs meet; each count up to 64 at times. */
	unsigned cores = 1u + (unsigned)draw(&rng, draw(&rng, 8) ? 6 : 64);

	struct random_config cfg = {
		.seed = seed,
		.cores = cores,
		.vcpus = 8u + (unsigned)draw(&rng, RANDOM_VCPUS_MAX - 7),
		.masks = draw(&rng, 2),
		.floors = draw(&rng, 4) != 0,
		.faults = draw(&rng, 2),
		.shares = draw(&rng, 2),
	};
	cfg.turns = !cfg.faults && !cfg.shares && draw(&rng, 4);
	return cfg;
}

/* Of 64 operations. */
static const uint8_t frequency[RANDOM_KINDS] = {
	[RANDOM_SPAWN] = 3,  [RANDOM_END] = 1,     [RANDOM_REAP] = 4,
	[RANDOM_STEP] = 2,   [RANDOM_JUMP] = 1,    [RANDOM_BACK] = 1,
	[RANDOM_WAKE] = 12,  [RANDOM_QUANTUM] = 1, [RANDOM_POLICY] = 1,
	[RANDOM_MODULE] = 1, [RANDOM_INTENT] = 2,  [RANDOM_SHARES] = 1,
	[RANDOM_PAUSE] = 1,  [RANDOM_RUN] = 17,    [RANDOM_SETTLE] = 16,
};

void random_ops(uint64_t seed, struct random_op *ops, size_t n)
{
	uint64_t rng = scatter(~seed);

	for (size_t i = 0; i < n; i++) {
		unsigned at = (unsigned)draw(&rng, 64);
		unsigned kind = 0;

		for (; at >= frequency[kind]; kind++)
			at -= frequency[kind];
		ops[i].kind = (enum random_kind)kind;
		ops[i].seed = scatter(draw(&rng, UINT64_C(1) << 40));
	}
}

struct world_vcpu *some_vcpu(void)
{
	unsigned slot = (unsigned)rnd(RANDOM_VMS);
	unsigned index = (unsigned)rnd(RANDOM_VCPUS_PER_VM);
	struct dis_vcpu *vcpu;

	/* Nobody may wake what is being reaped. */
	if (world.vm[slot] == DIS_ID_NONE || world.reaping[slot])
		return NULL;
	vcpu = dis_vm_vcpu(world.w->dom, world.vm[slot], index);
	return vcpu ? vcpu->arg : NULL;
}

static void next_burst(struct world_vcpu *vcpu);

static void write_burst(struct random_plan *plan)
{
	struct burst *b = &plan->burst;

	*b = (struct burst){.run_ns = rnd(2000) * US, .hook = next_burst};
	switch (rnd(16)) {
	case 0:
	case 1:
		b->outcome = DIS_RUN_YIELD;
		break;
	case 2:
		b->outcome = DIS_RUN_HALT;
		break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		b->outcome = DIS_RUN_HALT;
		b->sleep_ns = 1 + rnd(5000) * US;
		break;
	case 9:
		if (rnd(4))
			break;
		b->outcome = DIS_RUN_JOIN;
		plan->target = rnd(8) ? world.vm[rnd(RANDOM_VMS)]
				      : rnd(UINT32_MAX);
		b->join = &plan->target;
		break;
	case 10:
		if (rnd(50))
			break;
		b->outcome = rnd(2) ? DIS_RUN_FINISH : DIS_RUN_FAIL;
		b->reason = DIS_REASON_POWER_OFF;
		break;
	case 11:
		b->run_ns = rnd(60) * MS;
		break;
	default:
		b->outcome = DIS_RUN_CONTINUE;
		break;
	}
}

/* At the end of a burst, inside run: wakes others, hints, sets its timer. */
static void next_burst(struct world_vcpu *vcpu)
{
	struct random_plan *plan = vcpu->arg;
	uint64_t *outer = world.rng;
	struct world_vcpu *other;
	struct dis_intent want;

	world.rng = &plan->rng;
	other = some_vcpu();
	if (other && !rnd(3))
		dis_vcpu_wake_by(other->vcpu, vcpu->vcpu);
	if (!rnd(20)) {
		want = world_intent((enum dis_class)rnd(DIS_CLASSES));
		dis_vcpu_set_intent(vcpu->vcpu, &want);
	}
	vcpu->sim.timer_ns = DIS_NEVER_NS;
	if (!rnd(4))
		vcpu->sim.timer_ns = vcpu->world->now_ns + rnd(3000) * US;
	write_burst(plan);
	world.rng = outer;
}

static void refuse(const struct dis_intent *intents, unsigned n)
{
	struct dis_vm_spec spec = {.name = "no", .vcpus = n, .intents = intents};
	char err[128];
	dis_id id;

	DIS_ASSERT(dis_vm_spawn(world.w->dom, &spec, world.w->now_ns, &id, err,
				sizeof(err)) == -ENOMEM);
	world.tally->refusals++;
	tell("spawn of %u vCPUs refused", n);
}

static void op_spawn(void)
{
	unsigned slot = (unsigned)rnd(RANDOM_VMS);
	unsigned n = 1u + (unsigned)rnd(RANDOM_VCPUS_PER_VM), mine = 0;
	struct random_plan *plan[RANDOM_VCPUS_PER_VM];
	struct dis_intent intents[RANDOM_VCPUS_PER_VM];
	struct role roles[RANDOM_VCPUS_PER_VM];
	struct dis_domain_usage usage;
	char text[192];

	if (world.vm[slot] != DIS_ID_NONE)
		return;
	for (unsigned i = 0; i < n; i++)
		intents[i] = world_intent_on((enum dis_class)rnd(DIS_CLASSES),
					     some_affinity());
	dis_domain_get_usage(world.w->dom, &usage);
	if (usage.vcpus + n > world.cfg->vcpus) {
		refuse(intents, n);
		return;
	}
	for (unsigned i = 0; mine < n; i++) {
		if (world.plans[i].used)
			continue;
		plan[mine] = &world.plans[i];
		plan[mine]->used = true;
		plan[mine]->rng = scatter(rnd(UINT32_MAX));
		write_burst(plan[mine]);
		roles[mine] =
			(struct role){intents[mine], &plan[mine]->burst, 1};
		mine++;
	}
	world.vm[slot] = world_vm_stopped(world.w, roles, n);
	world.tally->vms++;
	for (unsigned i = 0; i < n; i++) {
		world_vcpu(world.w, world.vm[slot], i)->arg = plan[i];
		dis_intent_format(&intents[i], text, sizeof(text));
		tell("spawn vm %u, vcpu %u: %s", slot, i, text);
	}
	DIS_ASSERT(dis_vm_start(world.w->dom, world.vm[slot]) == 0);
}

static void end_vm(unsigned slot, enum dis_state state)
{
	tell("end vm %u: %s", slot, dis_state_name(state));
	DIS_ASSERT(dis_vm_end(world.w->dom, world.vm[slot], state,
			      DIS_REASON_KILLED) == 0);
}

static void op_end(void)
{
	unsigned slot = (unsigned)rnd(RANDOM_VMS);

	if (world.vm[slot] != DIS_ID_NONE && !world.reaping[slot])
		end_vm(slot, rnd(2) ? DIS_STATE_FINISHED : DIS_STATE_FAILED);
}

static void reaped(unsigned slot, struct random_plan *const *plan, unsigned n,
		   dis_id vcpu)
{
	size_t stale = world.tally->reaps++ % STALE;

	for (unsigned i = 0; i < n; i++)
		plan[i]->used = false;
	world.stale[stale] = world.vm[slot];
	world.stale_vcpu[stale] = vcpu;
	world.vm[slot] = DIS_ID_NONE;
	world.reaping[slot] = false;
	tell("reap vm %u: done", slot);
}

static void op_reap(void)
{
	unsigned slot = (unsigned)rnd(RANDOM_VMS);
	struct random_plan *plan[RANDOM_VCPUS_PER_VM];
	dis_id vcpu = DIS_ID_NONE;
	struct dis_vm_info info;
	uint64_t cpu_ns = 0;
	int err;

	if (world.vm[slot] == DIS_ID_NONE)
		return;
	if (!world.reaping[slot]) {
		err = dis_vm_reap_begin(world.w->dom, world.vm[slot]);
		world.reaping[slot] = err == 0;
		if (!err)
			tell("reap vm %u: begin", slot);
		return;
	}
	DIS_ASSERT(!dis_vm_get_info(world.w->dom, world.vm[slot], &info));
	DIS_ASSERT(info.ended);
	for (unsigned i = 0; i < info.vcpus; i++) {
		struct world_vcpu *v = world_vcpu(world.w, world.vm[slot], i);

		DIS_ASSERT(dis_state_final(v->vcpu->state));
		cpu_ns += world_stats(v).cpu_ns;
		plan[i] = v->arg;
		vcpu = v->id;
	}
	err = dis_vm_reap_finish(world.w->dom, world.vm[slot]);
	DIS_ASSERT(!err || err == -EAGAIN);
	if (err)
		return;
	world.reaped_cpu_ns += cpu_ns;
	reaped(slot, plan, info.vcpus, vcpu);
}

static void pass_op_time(uint64_t ns)
{
	world.w->sim.op_ns += ns;
}

static void wake_some(void)
{
	struct world_vcpu *vcpu = some_vcpu();

	if (vcpu)
		dis_vcpu_wake(vcpu->vcpu);
}

static void op_wake(void)
{
	struct world_vcpu *vcpu = some_vcpu();

	if (!vcpu)
		return;
	tell("wake vm-id %" PRIx64 " vcpu %u", vcpu->vcpu->vm->id,
	     vcpu->vcpu->seq);
	dis_vcpu_wake(vcpu->vcpu);
}

static void op_back(void)
{
	uint64_t back_ns = rnd(3000) * US;

	if (!world.cfg->faults || rnd(3))
		return;
	tell("the clock goes back %" PRIu64 " us", back_ns / US);
	world.w->now_ns = dis_ns_sub(world.w->now_ns, back_ns);
}

static void op_jump(void)
{
	uint64_t jump_ns = rnd(20000) * US;

	if (rnd(5))
		return;
	tell("%" PRIu64 " us without a core", jump_ns / US);
	world.w->now_ns += jump_ns;
}

static void op_step(void)
{
	unsigned core = (unsigned)rnd(world.cfg->cores);

	tell("step core %u", core);
	world_step(world.w, core);
}

static void op_run(void)
{
	uint64_t ns = rnd(3000) * US;

	tell("run %" PRIu64 " us", ns / US);
	world_run(world.w, ns);
}

/* Time passes, then what was sent meanwhile arrives. */
static void op_settle(void)
{
	op_run();
	world_settle(world.w);
	random_check_quiet(&world);
}

static void (*const do_op[RANDOM_KINDS])(void) = {
	[RANDOM_SPAWN] = op_spawn,   [RANDOM_END] = op_end,
	[RANDOM_REAP] = op_reap,     [RANDOM_STEP] = op_step,
	[RANDOM_JUMP] = op_jump,     [RANDOM_BACK] = op_back,
	[RANDOM_WAKE] = op_wake,     [RANDOM_QUANTUM] = op_quantum,
	[RANDOM_POLICY] = op_policy, [RANDOM_MODULE] = op_module,
	[RANDOM_INTENT] = op_intent, [RANDOM_SHARES] = op_shares,
	[RANDOM_PAUSE] = op_pause,   [RANDOM_RUN] = op_run,
	[RANDOM_SETTLE] = op_settle,
};

static void stepped(struct world *w, unsigned core)
{
	(void)w;
	random_check_step(&world, core);
}

/* One in eight signals is late; of these, one kick in four is lost. */
static uint64_t delay_ns(struct world *w, unsigned core,
			 enum dis_sim_signal signal)
{
	uint64_t *rng = &world.fault_rng;

	(void)w;
	(void)core;
	if (!world.cfg->faults || draw(rng, 8))
		return 0;
	/* An idle core has no next step at which it would see the loss. */
	if (signal == DIS_SIM_KICK && !draw(rng, 4))
		return DIS_NEVER_NS;
	return draw(rng, 3000) * US;
}

static void open_world(const struct random_config *cfg,
		       struct random_tally *tally, bool tell_all)
{
	struct dis_domain_config dom = world_config(cfg->cores);

	memset(&world, 0, sizeof(world));
	world.cfg = cfg;
	world.fault_rng = scatter(cfg->seed ^ 0xfau);
	world.tally = tally;
	world.tell = tell_all;
	dom.vms_max = RANDOM_VMS;
	dom.vcpus_max = cfg->vcpus;
	dom.ring_events = 4096;
	for (unsigned k = DIS_CLASS_REALTIME; k < DIS_CLASSES && cfg->floors;
	     k++)
		dom.floor_permille[k] = 50;
	DIS_ASSERT(!dis_modules_create(&world.modules));
	random_add_modules();
	faulty_on_pause = pass_op_time;
	faulty_on_reenter = wake_some;
	dom.modules = world.modules;
	world.rng = &world.fault_rng;
	world.w = world_open(&dom, 0);
	world.w->stepped = stepped;
	world.w->delay_ns = delay_ns;
}

void random_play(const struct random_config *cfg, const struct random_op *ops,
		 size_t n, struct random_tally *tally, bool tell_all)
{
	open_world(cfg, tally, tell_all);
	for (size_t i = 0; i < n; i++) {
		uint64_t rng = ops[i].seed;

		tally->at = i;
		world.rng = &rng;
		do_op[ops[i].kind]();
		world.rng = &world.fault_rng;
		if (tally->reaps) {
			size_t stale = i % dis_ns_min(tally->reaps, STALE);

			random_check_stale(&world, world.stale[stale],
					   world.stale_vcpu[stale]);
		}
	}
	for (unsigned i = 0; i < RANDOM_VMS; i++)
		if (world.vm[i] != DIS_ID_NONE && !world.reaping[i])
			end_vm(i, DIS_STATE_FINISHED);
	/* A kick may be lost, and what a core says makes others say more. */
	for (unsigned i = 0; i < 4 * cfg->cores; i++)
		world_step(world.w, i % cfg->cores);
	for (unsigned i = 0; i < cfg->cores; i++) {
		struct dis_core_stats stats = world_core_stats(world.w, i);

		tally->dispatches += stats.dispatches;
		tally->time_backward += stats.time_backward;
	}
	if (!cfg->planted)
		random_check_over(&world);
	world_close(world.w);
	dis_modules_destroy(world.modules);
}
