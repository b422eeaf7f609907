/* SPDX-License-Identifier: Apache-2.0 */
/* Batch hogs under the virtual clock, and modules that misbehave. */
#ifndef TEST_POLICY_GUARD_FIXTURE_H
#define TEST_POLICY_GUARD_FIXTURE_H

#include <string.h>

#include <dis/error.h>

#include "lib/faulty.h"
#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS
#define HOGS 5u

static struct dis_modules *modules;
static const struct dis_policy_ops *faulty[FAULTY_MODULES];
static struct world *world;
static dis_id vm;
static char err[256];

static inline void pause_world(uint64_t ns)
{
	world->sim.op_ns += ns;
}

static inline void wake_first(void)
{
	dis_vcpu_wake(world_vcpu(world, vm, 0)->vcpu);
}

/* @cores with Batch hogs, five each. */
static inline void open_world(unsigned cores)
{
	struct dis_domain_config cfg = world_config(cores);
	struct role roles[4 * HOGS];

	assert_int_equal(dis_modules_create(&modules), 0);
	faulty_add(modules, faulty);
	faulty_on_pause = pause_world;
	faulty_on_reenter = wake_first;
	cfg.modules = modules;
	world = world_open(&cfg, 0);
	for (unsigned i = 0; i < cores * HOGS; i++)
		roles[i] = (struct role){world_intent(DIS_CLASS_BATCH),
					 world_hog, 1};
	vm = world_vm(world, roles, cores * HOGS);
}

static inline void close_world(void)
{
	world_close(world);
	dis_modules_destroy(modules);
}

static inline void set(enum dis_class klass, const struct dis_policy_ops *ops)
{
	assert_int_equal(dis_domain_set_policy(world->dom, klass, ops), 0);
	world_settle(world);
}

static inline const char *active(enum dis_class klass)
{
	return dis_domain_get_policy(world->dom, klass, NULL)->name;
}

static inline struct dis_module_info info_of(unsigned kind)
{
	struct dis_module_info info;

	for (unsigned i = 0; dis_modules_get_info(modules, i, &info); i++)
		if (!strcmp(info.name, faulty[kind]->name))
			return info;
	fail_msg("no module");
	return info;
}

static inline unsigned count_failures(struct dis_event *last)
{
	unsigned n = 0;

	for (size_t i = 0; i < world->n_events; i++) {
		if (world->events[i].type != DIS_EVENT_POLICY_FAILED)
			continue;
		*last = world->events[i];
		n++;
	}
	return n;
}

/* No core has a queue of a module any more. */
static inline void assert_all_returned(void)
{
	for (unsigned i = 0; i < world->cores; i++)
		for (unsigned k = 0; k < DIS_CLASSES; k++)
			assert_null(world->core[i].core->runq.policy[k]->guard);
}

static inline void assert_shares_equal(uint64_t ns)
{
	uint64_t before[4 * HOGS], part = ns / HOGS;

	for (unsigned i = 0; i < world->cores * HOGS; i++)
		before[i] = world_stats(world_vcpu(world, vm, i)).cpu_ns;
	world_run(world, ns);
	for (unsigned i = 0; i < world->cores * HOGS; i++)
		assert_in_range(world_stats(world_vcpu(world, vm, i)).cpu_ns -
					before[i],
				part - 10 * MS, part + 10 * MS);
}

#endif
