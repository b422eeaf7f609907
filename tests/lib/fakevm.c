/* SPDX-License-Identifier: Apache-2.0 */
/* See fakevm.h. */
#include "lib/fakevm.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dis/handler_code.h>

#define VMS 16u
#define VM_VCPUS 64u
/* Longer than any host takes a thread away. */
#define LIMIT_NS (30 * DIS_S_NS)

struct fake {
	struct dis_domain *dom;
	struct dis_executors *execs;
	struct {
		dis_id id;
		struct fake_vcpu *vcpus;
		atomic_uint ended;
	} vm[VMS];
};

static void run_begin(void *arg)
{
	struct fake_vcpu *vcpu = arg;
	void (*begin)(void) = atomic_load(&vcpu->begin);

	atomic_store(&vcpu->interrupt, 0);
	if (begin)
		begin();
}

static void run(void *arg, struct dis_run_result *result)
{
	struct fake_vcpu *vcpu = arg;

	atomic_fetch_add(&vcpu->runs, 1u);
	*result = (struct dis_run_result){.outcome = DIS_RUN_CONTINUE,
					  .timer_ns = DIS_NEVER_NS};
	atomic_store(&vcpu->inside, true);
	vcpu->run(vcpu, result);
	atomic_store(&vcpu->inside, false);
}

static void inspect(void *arg)
{
	struct fake_vcpu *vcpu = arg;

	assert_false(atomic_load(&vcpu->inside));
	atomic_fetch_add(&vcpu->looks, 1u);
}

static void HANDLER_CODE run_interrupt(void *arg)
{
	struct fake_vcpu *vcpu = arg;

	__atomic_store_n((unsigned *)&vcpu->interrupt, 1u, __ATOMIC_RELAXED);
}

static void on_ended(void *arg, enum dis_state state, enum dis_reason reason)
{
	(void)state;
	(void)reason;
	atomic_store((atomic_uint *)arg, 1u);
}

static const struct dis_run_ops run_ops = {
	.run_begin = run_begin,
	.run = run,
	.run_interrupt = run_interrupt,
	.inspect = inspect,
	.ended = on_ended,
};

void fake_spin(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	(void)result;
	while (!atomic_load_explicit(&vcpu->interrupt, memory_order_relaxed))
		;
}

void fake_halt(struct fake_vcpu *vcpu, struct dis_run_result *result)
{
	(void)vcpu;
	result->outcome = DIS_RUN_HALT;
}

struct fake *fake_open(const struct fake_config *config)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	unsigned cpus[DIS_CORES_MAX], host[CPU_SETSIZE], n = 0;
	struct dis_domain_config cfg;
	cpu_set_t set;

	assert_non_null(fake);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			host[n++] = i;
	for (unsigned i = 0; i < DIS_CORES_MAX; i++)
		cpus[i] = host[i % n];
	assert_int_equal(dis_executors_create(config->cores,
					      config->per_vcpu ? NULL : cpus,
					      &set, &fake->execs),
			 0);
	dis_domain_config_init(&cfg);
	cfg.cores = config->cores;
	cfg.per_vcpu = config->per_vcpu;
	cfg.vms_max = VMS;
	cfg.vcpus_max = config->per_vcpu ? config->cores : VMS * VM_VCPUS;
	cfg.ring_events = config->ring_events;
	cfg.default_quantum_ns = config->quantum_ns;
	cfg.ops = &run_ops;
	cfg.host_ops = &dis_executor_host_ops;
	cfg.host = fake->execs;
	assert_int_equal(dis_domain_create(&cfg, &fake->dom), 0);
	assert_int_equal(dis_executors_start(fake->execs, fake->dom), 0);
	return fake;
}

void fake_close(struct fake *fake)
{
	dis_executors_stop(fake->execs);
	dis_domain_check(fake->dom);
	dis_domain_destroy(fake->dom);
	dis_executors_destroy(fake->execs);
	free(fake);
}

struct dis_domain *fake_domain(struct fake *fake)
{
	return fake->dom;
}

void fake_watch(struct fake *fake)
{
	dis_executors_watch(fake->execs);
}

dis_id fake_vm(struct fake *fake, const struct fake_role *roles, unsigned vcpus)
{
	struct dis_intent intents[VM_VCPUS];
	void *args[VM_VCPUS];
	struct dis_vm_spec spec = {
		.name = "fake", .vcpus = vcpus, .intents = intents};
	unsigned slot = 0;
	char err[128];

	while (fake->vm[slot].id != DIS_ID_NONE)
		slot++;
	assert_true(slot < VMS && vcpus <= VM_VCPUS);
	fake->vm[slot].vcpus = calloc(vcpus, sizeof(struct fake_vcpu));
	assert_non_null(fake->vm[slot].vcpus);
	for (unsigned i = 0; i < vcpus; i++) {
		bool declared = roles[i].klass != DIS_CLASSES;

		intents[i] = dis_intent_default();
		intents[i].declared = declared;
		if (declared)
			intents[i].klass = roles[i].klass;
		intents[i].wcet_ns = DIS_MS_NS;
		if (roles[i].klass == DIS_CLASS_INTERACTIVE)
			intents[i].latency_ns = FAKE_TARGET_NS;
	}
	assert_int_equal(dis_vm_spawn(fake->dom, &spec, dis_clock_ns(),
				      &fake->vm[slot].id, err, sizeof(err)),
			 0);
	for (unsigned i = 0; i < vcpus; i++) {
		struct fake_vcpu *vcpu = &fake->vm[slot].vcpus[i];

		vcpu->vcpu = dis_vm_vcpu(fake->dom, fake->vm[slot].id, i);
		vcpu->run = roles[i].run;
		vcpu->arg = roles[i].arg;
		vcpu->rnd = i;
		args[i] = vcpu;
	}
	atomic_store(&fake->vm[slot].ended, 0);
	assert_int_equal(dis_vm_bind(fake->dom, fake->vm[slot].id,
				     &fake->vm[slot].ended, args),
			 0);
	return fake->vm[slot].id;
}

void fake_start(struct fake *fake, dis_id vm)
{
	assert_int_equal(dis_vm_start(fake->dom, vm), 0);
}

static unsigned slot_of(const struct fake *fake, dis_id vm)
{
	unsigned slot = 0;

	while (slot < VMS && fake->vm[slot].id != vm)
		slot++;
	assert_true(slot < VMS);
	return slot;
}

struct fake_vcpu *fake_vcpu(struct fake *fake, dis_id vm, unsigned index)
{
	return &fake->vm[slot_of(fake, vm)].vcpus[index];
}

bool fake_wait_until(atomic_uint *word, unsigned value, uint64_t limit_ns)
{
	uint64_t end_ns = dis_clock_ns() + limit_ns;

	while (atomic_load(word) < value) {
		if (dis_clock_ns() > end_ns)
			return false;
		sched_yield();
	}
	return true;
}

void fake_end(struct fake *fake, dis_id vm)
{
	unsigned slot = slot_of(fake, vm);
	uint64_t end_ns = dis_clock_ns() + LIMIT_NS;
	int err;

	assert_int_equal(dis_vm_end(fake->dom, vm, DIS_STATE_FINISHED,
				    DIS_REASON_STOPPED),
			 0);
	assert_true(fake_wait_until(&fake->vm[slot].ended, 1u, LIMIT_NS));
	assert_int_equal(dis_vm_reap_begin(fake->dom, vm), 0);
	while ((err = dis_vm_reap_finish(fake->dom, vm)) == -EAGAIN) {
		assert_true(dis_clock_ns() < end_ns);
		sched_yield();
	}
	assert_int_equal(err, 0);
	free(fake->vm[slot].vcpus);
	fake->vm[slot].id = DIS_ID_NONE;
}
