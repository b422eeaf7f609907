/* SPDX-License-Identifier: Apache-2.0 */
/* Cores under a virtual clock; see dis/sim.h. */
#include <dis/sim.h>

#include <errno.h>
#include <string.h>

#include <dis/assert.h>

/* More passes than this without time going on is a loop. */
#define PASSES_MAX 100000u

static void never_run(void *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	(void)result;
	DIS_ASSERT(!"vCPUs run by the virtual clock");
}

static void ignore(void *vcpu)
{
	(void)vcpu;
}

static uint64_t delay_ns(struct dis_sim *sim, unsigned core,
			 enum dis_sim_signal signal)
{
	return sim->ops->delay_ns ? sim->ops->delay_ns(sim, core, signal) : 0;
}

static void poke(struct dis_sim *sim, unsigned core, enum dis_sim_signal signal)
{
	struct dis_sim_core *c = &sim->core[core];
	uint64_t at_ns = dis_ns_add(*sim->now_ns, delay_ns(sim, core, signal));

	c->poke_ns = c->poked ? dis_ns_min(c->poke_ns, at_ns) : at_ns;
	c->poked = true;
}

static void on_kick(void *host, unsigned core)
{
	struct dis_sim *sim = host;

	sim->core[core].kicks++;
	poke(sim, core, DIS_SIM_KICK);
}

static void on_ring(void *host, unsigned core)
{
	struct dis_sim *sim = host;

	sim->core[core].rings++;
	poke(sim, core, DIS_SIM_RING);
}

static uint64_t host_now_ns(void *host)
{
	const struct dis_sim *sim = host;

	return *sim->now_ns + sim->op_ns;
}

static const struct dis_host_ops host_ops = {
	.kick = on_kick, .ring = on_ring, .now_ns = host_now_ns};

int dis_sim_open(struct dis_sim *sim, const struct dis_domain_config *cfg,
		 const struct dis_sim_ops *ops, void *arg, uint64_t *now_ns)
{
	struct dis_domain_config own = *cfg;
	int err;

	if (cfg->cores > DIS_CORES_MAX)
		return -EINVAL;
	memset(sim, 0, sizeof(*sim));
	sim->cores = cfg->cores;
	sim->now_ns = now_ns;
	sim->ops = ops;
	sim->arg = arg;
	sim->run_ops = (struct dis_run_ops){
		.run_begin = ignore,
		.run = never_run,
		.run_interrupt = ignore,
		.ended = ops->ended,
	};
	own.ops = &sim->run_ops;
	own.host_ops = &host_ops;
	own.host = sim;
	err = dis_domain_create(&own, &sim->dom);
	if (err)
		return err;
	for (unsigned i = 0; i < sim->cores; i++) {
		sim->core[i].core = dis_domain_core(sim->dom, i);
		dis_core_start(sim->core[i].core, *now_ns);
	}
	for (unsigned i = 0; i < sim->cores; i++)
		dis_sim_step(sim, i);
	return 0;
}

/* The run of @vcpu comes back after @ran_ns. */
static void end_run(struct dis_sim *sim, struct dis_sim_vcpu *vcpu,
		    uint64_t ran_ns, struct dis_run_result *result)
{
	*result = (struct dis_run_result){.outcome = DIS_RUN_CONTINUE,
					  .guest_ns = ran_ns,
					  .timer_ns = vcpu->timer_ns};
	/* It may be late: the owner let the clock jump. */
	if (vcpu->left_ns != DIS_NEVER_NS)
		vcpu->left_ns = dis_ns_sub(vcpu->left_ns, ran_ns);
	if (!vcpu->left_ns)
		sim->ops->burst_over(sim, vcpu, result);
}

void dis_sim_step(struct dis_sim *sim, unsigned core)
{
	struct dis_sim_core *c = &sim->core[core];
	struct dis_run_result result, *ran = NULL;

	/* Before its start the core waits for it, and nothing has run. */
	if (c->entered && c->decision.vcpu && *sim->now_ns >= c->entered_ns) {
		end_run(sim, c->decision.vcpu_arg, *sim->now_ns - c->entered_ns,
			&result);
		ran = &result;
	}
	if (c->entered)
		dis_core_leave(c->core);
	c->poked = false;
	do {
		c->decision =
			dis_core_step(c->core, *sim->now_ns, DIS_NEVER_NS, ran);
		c->steps++;
		ran = NULL;
	} while (!dis_core_enter(c->core));
	c->entered = true;
	c->entered_ns = dis_ns_max(*sim->now_ns, c->decision.start_ns);
	c->arms += c->decision.vcpu && c->decision.until_ns != DIS_NEVER_NS;
	c->late_ns = delay_ns(sim, core, DIS_SIM_TIMER);
	if (sim->ops->stepped)
		sim->ops->stepped(sim, core);
}

/* When core @c needs its next step. */
static uint64_t due_ns(const struct dis_sim *sim, const struct dis_sim_core *c)
{
	uint64_t due = dis_ns_add(c->decision.until_ns, c->late_ns);
	const struct dis_sim_vcpu *vcpu;

	if (c->poked)
		due = dis_ns_min(due, c->poke_ns);
	if (c->decision.vcpu) {
		vcpu = c->decision.vcpu_arg;
		due = dis_ns_min(due, dis_ns_add(c->entered_ns, vcpu->left_ns));
	}
	return dis_ns_max(due, *sim->now_ns);
}

void dis_sim_run_until(struct dis_sim *sim, uint64_t end_ns)
{
	unsigned passes = 0;

	for (;;) {
		uint64_t soonest_ns = due_ns(sim, &sim->core[0]);
		unsigned first = 0;

		for (unsigned i = 1; i < sim->cores; i++) {
			uint64_t due = due_ns(sim, &sim->core[i]);

			if (due < soonest_ns) {
				soonest_ns = due;
				first = i;
			}
		}
		if (soonest_ns > end_ns)
			break;
		passes = soonest_ns > *sim->now_ns ? 0 : passes + 1;
		DIS_ASSERT(passes < PASSES_MAX);
		*sim->now_ns = soonest_ns;
		dis_sim_step(sim, first);
	}
	*sim->now_ns = end_ns;
}

void dis_sim_settle(struct dis_sim *sim)
{
	for (unsigned i = 0; i < sim->cores; i++) {
		struct dis_sim_core *c = &sim->core[i];

		if (!c->poked || c->poke_ns > *sim->now_ns)
			continue;
		dis_sim_step(sim, i);
		i = UINT32_MAX; /* it may have poked others: start over */
	}
}
