/* SPDX-License-Identifier: Apache-2.0 */
/* Spawning, limits, ending, reaping (R: CARD-5, MEM-1 to MEM-4, DIS-1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dis/error.h>

#include "lib/world.h"
#include "sched/core.h"

#define MS DIS_MS_NS

static const struct burst finish[] = {{.run_ns = MS,
				       .outcome = DIS_RUN_FINISH,
				       .reason = DIS_REASON_POWER_OFF}};

static struct world *open_limited(unsigned vms, unsigned vcpus, uint64_t mem)
{
	struct dis_domain_config cfg = world_config(1);

	cfg.vms_max = vms;
	cfg.vcpus_max = vcpus;
	cfg.mem_max_bytes = mem;
	return world_open(&cfg, 0);
}

/* Spawns a VM of @vcpus vCPUs with @mem bytes. */
static int spawn(struct world *w, unsigned vcpus, uint64_t mem, dis_id *id,
		 char *err, size_t size)
{
	struct dis_intent intents[DIS_VCPUS_PER_VM_MAX + 1];
	const struct dis_vm_spec spec = {.name = "spawned",
					 .vcpus = vcpus,
					 .mem_bytes = mem,
					 .intents = intents};

	for (unsigned i = 0; i < DIS_VCPUS_PER_VM_MAX + 1; i++)
		intents[i] = dis_intent_default();
	return dis_vm_spawn(w->dom, &spec, w->now_ns, id, err, size);
}

/* All that a refusal must not change. */
struct snapshot {
	struct dis_domain_usage usage;
	uint64_t now[DIS_STATES], total[DIS_STATES];
	unsigned assigned[DIS_CLASSES];
	uint32_t next_seq;
};

static struct snapshot look(struct world *w)
{
	struct snapshot s;

	memset(&s, 0, sizeof(s));
	dis_domain_get_usage(w->dom, &s.usage);
	s.usage.spawns_denied = 0;
	dis_domain_count_states(w->dom, s.now, s.total);
	memcpy(s.assigned, w->dom->assigned[0], sizeof(s.assigned));
	s.next_seq = w->dom->next_seq;
	return s;
}

/* Refused with these words and this event, and nothing else happened. */
static void refused(struct world *w, unsigned vcpus, uint64_t mem,
		    const char *words, enum dis_reason reason)
{
	struct snapshot before = look(w), after;
	struct dis_domain_usage usage;
	struct dis_event event[2];
	dis_id id = 77;
	char err[160];
	uint64_t denied;

	dis_domain_get_usage(w->dom, &usage);
	denied = usage.spawns_denied;
	assert_int_equal(spawn(w, vcpus, mem, &id, err, sizeof(err)),
			 -DIS_ERESOURCE);
	assert_string_equal(err, words);
	assert_int_equal(id, 77);
	after = look(w);
	assert_memory_equal(&before, &after, sizeof(before));
	dis_domain_get_usage(w->dom, &usage);
	assert_int_equal(usage.spawns_denied, denied + 1);
	assert_int_equal(dis_domain_read_events(w->dom, w->cores, event, 2), 1);
	assert_int_equal(event[0].type, DIS_EVENT_SPAWN_DENIED);
	assert_int_equal(event[0].reason, reason);
	assert_int_equal(event[0].time_ns, w->now_ns);
	assert_int_equal(event[0].cpu, DIS_EVENT_NO_CPU);
	dis_domain_check(w->dom);
}

/* R: MEM-2, CARD-5: the exact words. */
static void test_domain_second_vm_of_one_is_refused(void **state)
{
	struct world *w = open_limited(1, 8, 0);
	dis_id id;
	char err[160];

	(void)state;
	assert_int_equal(spawn(w, 1, 4096, &id, err, sizeof(err)), 0);
	refused(w, 1, 4096, "out of memory: slab exhausted (1/1 VMs)",
		DIS_REASON_SLAB_EXHAUSTED);
	/* The first is unharmed. */
	assert_non_null(dis_vm_vcpu(w->dom, id, 0));
	world_close(w);
}

/* R: MEM-2, CARD-5: never half done. */
static void test_domain_vcpus_beyond_slab_are_refused_whole(void **state)
{
	struct world *w = open_limited(4, 8, 0);
	dis_id id;
	char err[160];

	(void)state;
	assert_int_equal(spawn(w, 5, 0, &id, err, sizeof(err)), 0);
	refused(w, 4, 0,
		"out of memory: slab exhausted (5/8 vCPUs, 4 more asked)",
		DIS_REASON_SLAB_EXHAUSTED);
	assert_int_equal(spawn(w, 3, 0, &id, err, sizeof(err)), 0);
	world_close(w);
}

/* R: MEM-3 */
static void test_domain_memory_beyond_limit_is_refused(void **state)
{
	struct world *w = open_limited(4, 8, 1000);
	dis_id id;
	char err[160];

	(void)state;
	assert_int_equal(spawn(w, 1, 600, &id, err, sizeof(err)), 0);
	refused(w, 1, 401,
		"out of memory: domain limit (600/1000 bytes of guest memory, "
		"401 more asked)",
		DIS_REASON_MEM_EXHAUSTED);
	assert_int_equal(spawn(w, 1, 400, &id, err, sizeof(err)), 0);
	world_close(w);
}

/* R: MEM-3: sums do not wrap. */
static void test_domain_absurd_memory_is_refused(void **state)
{
	struct world *w = open_limited(4, 8, 1000);
	dis_id id;
	char err[160];

	(void)state;
	assert_int_equal(spawn(w, 1, 600, &id, err, sizeof(err)), 0);
	refused(w, 1, UINT64_MAX,
		"out of memory: domain limit (600/1000 bytes of guest memory, "
		"18446744073709551615 more asked)",
		DIS_REASON_MEM_EXHAUSTED);
	world_close(w);
}

/* R: CARD-5: a storm: each one refused, none changes anything. */
static void test_domain_spawn_storm_is_refused_each_time(void **state)
{
	struct world *w = open_limited(1, 1, 0);
	dis_id id;
	char err[160];

	(void)state;
	assert_int_equal(spawn(w, 1, 0, &id, err, sizeof(err)), 0);
	for (unsigned i = 0; i < 10000; i++)
		refused(w, 1, 0, "out of memory: slab exhausted (1/1 VMs)",
			DIS_REASON_SLAB_EXHAUSTED);
	world_close(w);
}

/* R: MEM-1, MEM-4 */
static void test_domain_reap_frees_slots_and_memory(void **state)
{
	struct world *w = open_limited(1, 2, 8192);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, finish),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	struct dis_domain_usage usage;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		dis_id vm = world_vm(w, roles, 2);

		world_run(w, 20 * MS);
		dis_domain_get_usage(w->dom, &usage);
		assert_int_equal(usage.vms, 1);
		assert_int_equal(usage.vcpus, 2);
		assert_int_equal(usage.mem_bytes, 4096);
		assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
		world_settle(w);
		assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
		dis_domain_get_usage(w->dom, &usage);
		assert_int_equal(usage.vms + usage.vcpus, 0);
		assert_int_equal(usage.mem_bytes, 0);
	}
	world_close(w);
}

/* R: DIS-2 */
static void test_domain_vcpu_block_holds_what_it_was_spawned_with(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	struct role role = {world_intent_on(DIS_CLASS_REALTIME, 2), world_hog,
			    1};
	struct world *w = world_open(&cfg, 5 * DIS_MS_NS);
	const struct dis_vcpu *vcpu;
	struct dis_vm_info info;
	dis_id vm;

	(void)state;
	vm = world_vm(w, &role, 1);
	vcpu = dis_vm_vcpu(w->dom, vm, 0);
	assert_int_equal(dis_vm_get_info(w->dom, vm, &info), 0);
	assert_string_equal(info.name, "vm");
	assert_int_equal(vcpu->vm->id, vm);
	assert_int_equal(dis_vcpu_state(vcpu), DIS_STATE_RUNNING);
	assert_int_equal(dis_vcpu_intent(vcpu).klass, DIS_CLASS_REALTIME);
	assert_int_equal(dis_vcpu_intent(vcpu).affinity, 2);
	assert_int_equal(vcpu_core(vcpu)->index, 1);
	assert_int_equal(vcpu->created_ns, 5 * DIS_MS_NS);
	assert_int_equal(vcpu->deadline_ns, 15 * DIS_MS_NS);
	/* Its class's priority, and less urgent by a level per ms that is left. */
	assert_int_equal(vcpu->entity.priority,
			 dis_class_priority(DIS_CLASS_REALTIME) + 10u);
	world_close(w);
}

/* R: DIS-1: stale IDs are refused by every function that takes one. */
static void test_domain_stale_id_is_refused_everywhere(void **state)
{
	struct world *w = open_limited(1, 1, 0);
	const struct role role = ROLE(DIS_CLASS_BATCH, finish);
	struct dis_vcpu_stats stats;
	struct dis_vm_info info;
	void *args[1] = {NULL};
	dis_id vm = world_vm_stopped(w, &role, 1);

	(void)state;
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_vm_stopped(w, &role, 1); /* the same slots live again */
	assert_null(dis_vm_vcpu(w->dom, vm, 0));
	assert_int_equal(dis_vm_bind(w->dom, vm, NULL, args), -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_start(w->dom, vm), -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FAILED,
				    DIS_REASON_KILLED),
			 -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_get_info(w->dom, vm, &info), -DIS_ENOTFOUND);
	assert_int_equal(dis_vm_get_stats(w->dom, vm, &stats), -DIS_ENOTFOUND);
	assert_null(dis_vm_vcpu(w->dom, DIS_ID_NONE, 0));
	world_close(w);
}

static void test_domain_operations_in_wrong_state_are_refused(void **state)
{
	struct world *w = open_limited(1, 1, 0);
	const struct role role = ROLE(DIS_CLASS_BATCH, finish);
	dis_id vm = world_vm_stopped(w, &role, 1);
	void *args[1] = {NULL};

	(void)state;
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FAILED,
				    DIS_REASON_KILLED),
			 -DIS_ESTATE);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), -DIS_ESTATE);
	assert_int_equal(dis_vm_start(w->dom, vm), 0);
	assert_int_equal(dis_vm_start(w->dom, vm), -DIS_ESTATE);
	assert_int_equal(dis_vm_bind(w->dom, vm, NULL, args), -DIS_ESTATE);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), -DIS_ESTATE);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), -DIS_ESTATE);
	world_run(w, 10 * MS);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), -DIS_ESTATE);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
	assert_int_equal(dis_vm_reap_begin(w->dom, vm), -DIS_ESTATE);
	world_settle(w);
	assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
	world_close(w);
}

static void test_domain_invalid_specs_are_refused(void **state)
{
	struct world *w = open_limited(4, 512, 0);
	struct dis_intent intent = world_intent_on(DIS_CLASS_BATCH, 2);
	struct dis_vm_spec spec = {.name = "x", .vcpus = 1, .intents = &intent};
	char err[160];
	dis_id id;

	(void)state;
	assert_int_equal(spawn(w, 0, 0, &id, err, sizeof(err)), -EINVAL);
	assert_int_equal(spawn(w, 257, 0, &id, err, sizeof(err)), -EINVAL);
	/* No core of the pool, which has one. */
	assert_int_equal(dis_vm_spawn(w->dom, &spec, 0, &id, err, sizeof(err)),
			 -EINVAL);
	intent = world_intent(DIS_CLASSES);
	assert_int_equal(dis_vm_spawn(w->dom, &spec, 0, &id, err, sizeof(err)),
			 -EINVAL);
	assert_int_equal(spawn(w, 256, 0, &id, err, sizeof(err)), 0);
	world_close(w);
}

/* R: CARD-1 */
static void test_domain_vm_of_256_vcpus_runs_all(void **state)
{
	struct dis_domain_config cfg = world_config(2);
	struct world *w;
	struct role roles[256];
	dis_id vm;

	(void)state;
	cfg.ring_events = 1u << 16;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 256; i++)
		roles[i] = (struct role)ROLE(DIS_CLASS_BATCH, world_hog);
	vm = world_vm(w, roles, 256);
	world_run(w, 128 * 10 * MS);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(
			world_stats(world_vcpu(w, vm, i)).dispatches >= 1, 1);
	world_close(w);
}

static void test_domain_invalid_configuration_is_refused(void **state)
{
	struct world *w = open_limited(1, 1, 0);
	struct dis_domain_config good = w->cfg, cfg;
	struct dis_domain *dom;

	(void)state;
#define REFUSED(change) \
	do { \
		cfg = good; \
		change; \
		assert_int_equal(dis_domain_create(&cfg, &dom), -EINVAL); \
	} while (0)
	REFUSED(cfg.cores = 0);
	REFUSED(cfg.cores = DIS_CORES_MAX + 1);
	REFUSED(cfg.vms_max = 0);
	REFUSED(cfg.vcpus_max = 0);
	REFUSED(cfg.ring_events = 3);
	REFUSED(cfg.floor_permille[DIS_CLASS_BATCH] = 501);
	REFUSED(cfg.ops = NULL);
	REFUSED(cfg.host_ops = NULL);
	REFUSED(cfg.per_vcpu = true; cfg.cores = 2);
	world_close(w);
}

/* The first verdict stands. */
static void test_domain_second_end_changes_nothing(void **state)
{
	struct world *w = open_limited(1, 2, 0);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, finish),
				     ROLE(DIS_CLASS_BATCH, world_hog)};
	dis_id vm = world_vm(w, roles, 2);
	struct dis_vm_info info;

	(void)state;
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	assert_int_equal(
		dis_vm_end(w->dom, vm, DIS_STATE_FAILED, DIS_REASON_KILLED), 0);
	world_settle(w);
	assert_int_equal(dis_vm_get_info(w->dom, vm, &info), 0);
	assert_int_equal(info.state, DIS_STATE_FINISHED);
	assert_int_equal(info.reason, DIS_REASON_STOPPED);
	assert_string_equal(info.name, "vm");
	assert_int_equal(w->ends, 1);
	world_close(w);
}

/* R: MEM-4: whatever lives goes with the domain (leak check by ASan). */
static void test_domain_destroy_releases_what_lives(void **state)
{
	struct world *w = open_limited(4, 8, 0);
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_halt),
				     ROLE(DIS_CLASS_BATCH, world_hog)};

	(void)state;
	world_vm(w, roles, 2);
	world_vm(w, roles, 2);
	world_vm_stopped(w, roles, 2);
	world_run(w, MS);
	world_close(w);
}

/* R: MEM-4, DIS-1, EVO-B4: thousands of cycles, wakes under way at each end. */
static void test_domain_thousands_of_cycles_leave_nothing(void **state)
{
	static const struct burst sleeps[] = {
		{.run_ns = MS / 3, .outcome = DIS_RUN_HALT, .sleep_ns = MS}};
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, finish),
				     ROLE(DIS_CLASS_INTERACTIVE, sleeps),
				     ROLE(DIS_CLASS_BACKGROUND, world_halt)};
	struct dis_domain_config cfg = world_config(2);
	struct dis_domain_usage usage;
	struct world *w;
	dis_id last = 0;

	(void)state;
	cfg.vms_max = 3;
	cfg.vcpus_max = 9;
	w = world_open(&cfg, 0);
	for (unsigned i = 0; i < 5000; i++) {
		dis_id vm = world_vm(w, roles, 3);

		assert_true(vm != last);
		world_run(w, MS / 2);
		if (i % 2)
			world_run(w, 5 * MS);
		else
			assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FAILED,
						    DIS_REASON_KILLED),
					 0);
		dis_vcpu_wake(world_vcpu(w, vm, 2)->vcpu);
		world_settle(w);
		assert_int_equal(dis_vm_reap_begin(w->dom, vm), 0);
		world_settle(w);
		assert_int_equal(dis_vm_reap_finish(w->dom, vm), 0);
		assert_null(dis_vm_vcpu(w->dom, vm, 0));
		dis_domain_check(w->dom);
		w->n_events = 0;
		last = vm;
	}
	assert_int_equal(w->ends, 5000);
	dis_domain_get_usage(w->dom, &usage);
	assert_int_equal(usage.vms + usage.vcpus + usage.mem_bytes, 0);
	assert_null(w->core[0].decision.vcpu);
	assert_null(w->core[1].decision.vcpu);
	assert_true(w->core[0].decision.until_ns == DIS_NEVER_NS);
	world_close(w);
}

/* R: ST-3: one that fails after its VM was stopped has been stopped too. */
static void test_domain_failure_after_the_end_changes_nothing(void **state)
{
	const struct role roles[] = {ROLE(DIS_CLASS_BATCH, world_hog)};
	const struct dis_run_result failed = {.outcome = DIS_RUN_FAIL,
					      .reason = DIS_REASON_KVM_ERROR,
					      .timer_ns = DIS_NEVER_NS};
	struct dis_domain_config cfg = world_config(1);
	struct world *w = world_open(&cfg, DIS_S_NS);
	dis_id vm = world_vm(w, roles, 1);
	struct dis_vcpu *vcpu = world_vcpu(w, vm, 0)->vcpu;

	(void)state;
	world_run(w, DIS_MS_NS);
	assert_int_equal(dis_vm_end(w->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	dis_core_leave(w->core[0].core);
	dis_core_step(w->core[0].core, w->now_ns, DIS_NEVER_NS, &failed);
	assert_int_equal(dis_vcpu_state(vcpu), DIS_STATE_FINISHED);
	assert_int_equal(dis_vcpu_reason(vcpu), DIS_REASON_STOPPED);
	assert_int_equal(w->ended_state, DIS_STATE_FINISHED);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domain_second_vm_of_one_is_refused),
		cmocka_unit_test(
			test_domain_vcpus_beyond_slab_are_refused_whole),
		cmocka_unit_test(test_domain_memory_beyond_limit_is_refused),
		cmocka_unit_test(test_domain_absurd_memory_is_refused),
		cmocka_unit_test(test_domain_spawn_storm_is_refused_each_time),
		cmocka_unit_test(test_domain_reap_frees_slots_and_memory),
		cmocka_unit_test(
			test_domain_vcpu_block_holds_what_it_was_spawned_with),
		cmocka_unit_test(test_domain_stale_id_is_refused_everywhere),
		cmocka_unit_test(
			test_domain_operations_in_wrong_state_are_refused),
		cmocka_unit_test(test_domain_invalid_specs_are_refused),
		cmocka_unit_test(test_domain_vm_of_256_vcpus_runs_all),
		cmocka_unit_test(test_domain_invalid_configuration_is_refused),
		cmocka_unit_test(test_domain_second_end_changes_nothing),
		cmocka_unit_test(
			test_domain_failure_after_the_end_changes_nothing),
		cmocka_unit_test(test_domain_destroy_releases_what_lives),
		cmocka_unit_test(test_domain_thousands_of_cycles_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
