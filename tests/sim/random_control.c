/* SPDX-License-Identifier: Apache-2.0 */
/* What the control side of a random world changes while vCPUs run. */
#include <inttypes.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "lib/faulty.h"
#include "sched/core.h"
#include "sim/random_world.h"

#define MS DIS_MS_NS
#define US DIS_US_NS

dis_cpumask some_affinity(void)
{
	dis_cpumask pool = DIS_CPUMASK_ALL >> (64u - world.cfg->cores);

	if (rnd(3) == 0)
		return UINT64_C(1) << rnd(world.cfg->cores);
	if (world.cfg->masks && rnd(2) == 0)
		return 1 + rnd(pool);
	return DIS_CPUMASK_ALL;
}

void op_policy(void)
{
	enum dis_class klass = (enum dis_class)rnd(DIS_CLASSES);
	unsigned policies = 0;
	const struct dis_policy_ops *ops;

	if (world.cfg->turns || rnd(8))
		return;
	while (dis_policies[policies])
		policies++;
	ops = dis_policies[rnd(policies)];
	tell("policy %s=%s", dis_class_name(klass), ops->name);
	DIS_ASSERT(!dis_domain_set_policy(world.w->dom, klass, ops));
}

/* Not the one that loses a vCPU: how long that may wait depends on the others. */
static const enum faulty kinds[] = {
	FAULTY_NOT,      FAULTY_FOREIGN, FAULTY_WILD, FAULTY_INSIDE,
	FAULTY_TWICE,    FAULTY_EMPTY,   FAULTY_SLOW, FAULTY_HANGS,
	FAULTY_REENTERS, FAULTY_OTHER,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void random_add_modules(void)
{
	for (unsigned i = 0; i < KINDS; i++)
		faulty_add_one(world.modules, kinds[i]);
}

/* R: DIS-16: one that has failed goes, once no core has it, and comes anew. */
void op_module(void)
{
	enum dis_class klass = (enum dis_class)rnd(DIS_CLASSES);
	enum faulty kind = kinds[rnd(KINDS)];
	const struct dis_policy_ops *ops = faulty_find(world.modules, kind);
	char err[256];
	int ret;

	if (world.cfg->turns || rnd(4))
		return;
	ret = dis_domain_set_policy(world.w->dom, klass, ops);
	tell("module %s=%s: %s", dis_class_name(klass), ops->name,
	     ret ? "has failed" : "active");
	if (!ret)
		return;
	DIS_ASSERT(ret == -DIS_ESTATE);
	if (dis_domain_unload_module(world.w->dom, ops->name, err, sizeof(err)))
		return;
	world.tally->module_failures++;
	faulty_add_one(world.modules, kind);
}

void op_quantum(void)
{
	uint64_t quantum_ns = 1 + rnd(10000) * US;

	if (rnd(50))
		return;
	tell("default quantum %" PRIu64 " ns", quantum_ns);
	DIS_ASSERT(!dis_domain_set_default_quantum(world.w->dom, quantum_ns));
}

/* Up to so many per mille of a core, or none. */
static unsigned some_share(unsigned most)
{
	return world.cfg->shares && !rnd(3) ? 1u + (unsigned)rnd(most) : 0;
}

/* R: CARD-3, DIS-10: refused for want of room, or because its VM has ended. */
void op_intent(void)
{
	struct world_vcpu *vcpu = some_vcpu();
	struct dis_intent intent;
	char text[320], err[256];
	int ret;

	if (!vcpu || rnd(2))
		return;
	intent = world_intent_on((enum dis_class)rnd(DIS_CLASSES),
				 some_affinity());
	intent.weight = (uint32_t)(1u + rnd(DIS_WEIGHT_MAX));
	intent.has_priority = rnd(2);
	intent.priority = intent.has_priority ? (uint8_t)rnd(256) : 0;
	intent.min_permille = some_share(400);
	intent.max_permille = some_share(1000);
	ret = dis_domain_set_intent(world.w->dom, vcpu->id, &intent, err,
				    sizeof(err));
	dis_intent_format(&intent, text, sizeof(text));
	tell("intent of vm-id %" PRIx64 " vcpu %u: %s: %s", vcpu->vcpu->vm->id,
	     vcpu->vcpu->seq, text, ret ? err : "granted");
	/* A minimum beside a maximum, its own or its VM's, may be invalid. */
	DIS_ASSERT(!ret || ret == -DIS_ESTATE || ret == -DIS_ERESOURCE ||
		   (ret == -DIS_EINTENT &&
		    (intent.min_permille || intent.max_permille)));
}

/* R: DIS-6 */
void op_shares(void)
{
	unsigned slot = (unsigned)rnd(RANDOM_VMS);
	unsigned min = some_share(600), max = some_share(2000);
	char err[256];
	int ret;

	if (world.vm[slot] == DIS_ID_NONE || world.reaping[slot])
		return;
	ret = dis_domain_set_shares(world.w->dom, world.vm[slot], min, max, err,
				    sizeof(err));
	tell("shares of vm %u: %u to %u: %s", slot, min, max,
	     ret ? err : "granted");
	/* More than its vCPUs could have is invalid, too. */
	DIS_ASSERT(!ret || ret == -DIS_ESTATE || ret == -DIS_ERESOURCE ||
		   ret == -DIS_EINTENT);
}

/* R: PRE-2 */
void op_pause(void)
{
	uint64_t ns = rnd(3000) * US;

	tell("no preemption for %" PRIu64 " us", ns / US);
	dis_domain_pause_preemption(world.w->dom);
	world_run(world.w, ns);
	dis_domain_resume_preemption(world.w->dom);
}
