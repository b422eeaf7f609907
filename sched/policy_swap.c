/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the policy of a class while vCPUs run (R: DIS-11, DIS-16).
 *
 * The control side makes an empty queue per core and offers it; each core takes
 * it over at its next step, moves what is queued, and leaves the former queue in
 * a list, which the control side frees: no allocation on an executor.
 *
 * A module's queue comes with those to return to. A core that finds a module at
 * fault has returned at once (queues.c); here, at the end of its step, it marks
 * the module as failed, says so in one event, and makes the other cores return
 * as well: from this module in every class.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/error.h>
#include <dis/module.h>

#include "core.h"

static void retire(struct dis_core *core, struct policy_slot *slot)
{
	struct policy_slot *head = atomic_load(&core->old_policies);

	do {
		slot->next = head;
	} while (!atomic_compare_exchange_weak(&core->old_policies, &head,
					       slot));
}

void core_take_policies(struct dis_core *core, uint64_t now_ns)
{
	if (!atomic_load_explicit(&core->policies_due, memory_order_relaxed) ||
	    !atomic_exchange(&core->policies_due, false))
		return;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct policy_guard *guard = core->runq.policy[k]->guard;
		struct policy_slot *slot =
			atomic_exchange(&core->next_policy[k], NULL);

		if (slot)
			retire(core, run_queue_set_policy(&core->runq,
							  (enum dis_class)k,
							  slot, now_ns));
		else if (guard && module_failed(guard->module))
			run_queue_fall_back(&core->runq, (enum dis_class)k,
					    now_ns);
	}
}

static void make_all_return(struct dis_domain *dom)
{
	for (unsigned i = 0; i < dom->ncores; i++) {
		atomic_store(&dom->cores[i].policies_due, true);
		mailbox_force(&dom->cores[i]);
	}
}

static void report(struct dis_core *core, const struct policy_slot *slot,
		   uint64_t now_ns)
{
	const struct policy_guard *guard = slot->guard;
	enum dis_class klass = slot->klass;

	/* Who changes the class's policy meanwhile may clear it again: too
	 * many kicks at worst. */
	if (run_queue_preempting(&core->runq, klass))
		atomic_fetch_or(&core->dom->preempting, 1u << klass);
	if (guard->fault == DIS_REASON_NONE ||
	    !module_fail(guard->module, guard->fault, klass, core->index))
		return;
	core_emit(core, &(struct dis_event){
				.time_ns = now_ns,
				.arg = guard->module->number,
				.cpu = (uint16_t)core->index,
				.type = DIS_EVENT_POLICY_FAILED,
				.reason = (uint8_t)guard->fault,
				.klass = (uint8_t)klass,
			});
	make_all_return(core->dom);
}

void core_report_fallen(struct dis_core *core, uint64_t now_ns)
{
	struct policy_slot *slot;

	while ((slot = core->runq.fallen)) {
		core->runq.fallen = slot->next;
		report(core, slot, now_ns);
		retire(core, slot);
	}
}

int core_init_policies(struct dis_core *core)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		struct policy_slot *slot =
			policy_slot_new(core->dom->choice[k].active, NULL);

		if (!slot)
			return -ENOMEM;
		slot->serial = core->dom->policy_serial;
		run_queue_set_policy(&core->runq, (enum dis_class)k, slot, 0);
	}
	return 0;
}

void core_fini_policies(struct dis_core *core)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		policy_slot_free(core->runq.policy[k]);
		policy_slot_free(atomic_load(&core->next_policy[k]));
	}
	policy_slot_free(core->runq.fallen);
	policy_slot_free(atomic_load(&core->old_policies));
}

static void note_preempting(struct dis_domain *dom, enum dis_class klass,
			    const struct dis_policy_ops *ops)
{
	if (ops->preempts)
		atomic_fetch_or(&dom->preempting, 1u << klass);
	else
		atomic_fetch_and(&dom->preempting, ~(1u << klass));
}

void domain_init_policies(struct dis_domain *dom)
{
	dom->policy_serial = 1;
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct dis_policy_ops *ops = dom->cfg.policy[k];

		dom->choice[k] = (struct policy_choice){ops, NULL, ops};
		note_preempting(dom, (enum dis_class)k, ops);
	}
}

static bool usable(const struct dis_domain *dom,
		   const struct dis_policy_ops *ops)
{
	const struct policy_module *module = module_of(dom->cfg.modules, ops);

	return !module || !module_failed(module);
}

/* What the cores have returned to is the choice. Domain lock. */
static struct policy_choice *settle(struct dis_domain *dom, enum dis_class klass)
{
	struct policy_choice *choice = &dom->choice[klass];

	if (choice->former && !usable(dom, choice->former))
		choice->former = choice->trusted;
	if (!usable(dom, choice->active)) {
		choice->active = choice->former ? choice->former
						: choice->trusted;
		choice->former = choice->trusted;
	}
	if (choice->former == choice->active)
		choice->former = NULL;
	return choice;
}

static struct policy_slot *
make(struct dis_domain *dom, const struct dis_policy_ops *ops, uint64_t serial)
{
	struct policy_module *module = module_of(dom->cfg.modules, ops);
	struct policy_guard *guard = NULL;
	struct policy_slot *slot;

	if (module) {
		guard = policy_guard_new(module, &dom->vcpus, &dom->cfg);
		if (!guard)
			return NULL;
	}
	slot = policy_slot_new(ops, guard);
	if (slot)
		slot->serial = serial;
	else
		policy_guard_free(guard);
	return slot;
}

/* A queue of the active one, with those to return to if it is a module. */
static struct policy_slot *make_chain(struct dis_domain *dom,
				      const struct policy_choice *choice)
{
	const struct dis_policy_ops *chain[] = {choice->active, choice->former,
						choice->trusted};
	struct policy_slot *first = NULL, **last = &first;

	for (unsigned i = 0; i < sizeof(chain) / sizeof(chain[0]); i++) {
		if (!chain[i])
			continue;
		*last = make(dom, chain[i], dom->policy_serial - i);
		if (!*last) {
			policy_slot_free(first);
			return NULL;
		}
		if (!(*last)->guard)
			break;
		last = &(*last)->fallback;
	}
	return first;
}

static int offer(struct dis_domain *dom, enum dis_class klass,
		 const struct policy_choice *choice)
{
	struct policy_slot *ready = NULL, *slot;

	dom->policy_serial += 3u; /* one for each of a chain */
	for (unsigned i = 0; i < dom->ncores; i++) {
		slot = make_chain(dom, choice);
		if (!slot) {
			policy_slot_free(ready);
			return -ENOMEM;
		}
		slot->next = ready;
		ready = slot;
	}
	/* From here on nothing can fail. */
	note_preempting(dom, klass, choice->active);
	for (struct dis_core *core = dom->cores; ready; core++) {
		slot = ready;
		ready = slot->next;
		slot->next = NULL;
		policy_slot_free(
			atomic_exchange(&core->next_policy[klass], slot));
		policy_slot_free(atomic_exchange(&core->old_policies, NULL));
		atomic_store(&core->policies_due, true);
		mailbox_force(core);
	}
	return 0;
}

static int set_policy(struct dis_domain *dom, enum dis_class klass,
		      const struct dis_policy_ops *ops)
{
	const struct policy_module *module = module_of(dom->cfg.modules, ops);
	const struct policy_choice *now = settle(dom, klass);
	struct policy_choice next = {ops, now->active, now->trusted};
	int err;

	if (module && (!module->loaded || module_failed(module)))
		return -DIS_ESTATE;
	if (!module)
		next.trusted = ops;
	if (ops == now->active)
		next.former = now->former;
	err = offer(dom, klass, &next);
	if (!err)
		dom->choice[klass] = next;
	return err;
}

int dis_domain_set_policy(struct dis_domain *dom, enum dis_class klass,
			  const struct dis_policy_ops *ops)
{
	int err;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	if (ops->abi != DIS_POLICY_ABI || !(ops->classes >> klass & 1u))
		return -DIS_ENOTSUPPORTED;
	pthread_mutex_lock(&dom->lock);
	err = set_policy(dom, klass, ops);
	pthread_mutex_unlock(&dom->lock);
	return err;
}

const struct dis_policy_ops *
dis_domain_get_policy(struct dis_domain *dom, enum dis_class klass,
		      const struct dis_policy_ops **former)
{
	const struct policy_choice *choice;
	const struct dis_policy_ops *active;

	if (policy_guard_reentered())
		return NULL;
	pthread_mutex_lock(&dom->lock);
	choice = settle(dom, klass);
	active = choice->active;
	if (former)
		*former = choice->former;
	pthread_mutex_unlock(&dom->lock);
	return active;
}

/* Is @name the policy of a class, or kept to return to? Domain lock. */
static bool in_use(struct dis_domain *dom, const char *name)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const struct policy_choice *choice =
			settle(dom, (enum dis_class)k);

		if (!strcmp(choice->active->name, name) ||
		    (choice->former && !strcmp(choice->former->name, name)))
			return true;
	}
	return false;
}

int dis_domain_unload_module(struct dis_domain *dom, const char *name,
			     char *err, size_t err_size)
{
	int ret = -DIS_ESTATE;

	if (policy_guard_reentered())
		return -DIS_EPERMISSION;
	pthread_mutex_lock(&dom->lock);
	if (in_use(dom, name)) {
		snprintf(err, err_size,
			 "%s: serves a class, or is kept to return to", name);
	} else {
		for (unsigned i = 0; i < dom->ncores; i++)
			policy_slot_free(atomic_exchange(
				&dom->cores[i].old_policies, NULL));
		ret = module_unload(dom->cfg.modules, name, err, err_size);
	}
	pthread_mutex_unlock(&dom->lock);
	return ret;
}

const char *dis_domain_find_stuck(const struct dis_domain *dom, uint64_t now_ns,
				  uint64_t bound_ns, unsigned *core)
{
	for (unsigned i = 0; i < dom->ncores; i++) {
		const struct policy_inside *inside = &dom->cores[i].runq.inside;
		const struct policy_module *module = atomic_load_explicit(
			&inside->module, memory_order_acquire);
		uint64_t since_ns = atomic_load_explicit(&inside->since_ns,
							 memory_order_relaxed);

		if (module && dis_ns_sub(now_ns, since_ns) > bound_ns) {
			*core = i;
			return module->name;
		}
	}
	return NULL;
}
