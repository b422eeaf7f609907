/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The real executor threads with vCPUs that no KVM runs: a run is a function of
 * the test.
 *
 * Place in the flow: stands where vmm/ stands in the product; everything below
 * is the product's.
 * Locking: a role's run function is called on the executor that runs it.
 */
#ifndef TESTS_FAKEVM_H
#define TESTS_FAKEVM_H

#include <stdatomic.h>

#include <dis/executor.h>

struct fake;

struct fake_vcpu {
	struct dis_vcpu *vcpu;
	void (*run)(struct fake_vcpu *vcpu, struct dis_run_result *result);
	void *arg; /* the test's */
	/* Optional: called in the executor's loop, before each run. */
	_Atomic(void (*)(void)) begin;
	unsigned rnd;          /* its run function's */
	atomic_uint interrupt; /* as immediate_exit in kvm_run */
	atomic_uint runs;
	atomic_bool inside; /* a run */
	atomic_uint looks;  /* of dis_vcpu_inspect(), never inside */
};

/**
 * @quantum_ns: default quantum, 0: the product's default.
 * @ring_events: as in the domain's configuration.
 */
struct fake_config {
	unsigned cores;
	bool per_vcpu;
	uint64_t quantum_ns;
	unsigned ring_events;
};

/** Of Interactive vCPUs. */
#define FAKE_TARGET_NS (4 * DIS_MS_NS)

/** @klass: DIS_CLASSES for an undeclared intent. */
struct fake_role {
	enum dis_class klass;
	void (*run)(struct fake_vcpu *vcpu, struct dis_run_result *result);
	void *arg;
};

/** A run that computes until it is interrupted. */
void fake_spin(struct fake_vcpu *vcpu, struct dis_run_result *result);
/** A run that halts at once, without a timer. */
void fake_halt(struct fake_vcpu *vcpu, struct dis_run_result *result);

/** Domain and executors, started; core i on host CPU i modulo their number. */
struct fake *fake_open(const struct fake_config *cfg);
/** Stops; all VMs must have been ended. */
void fake_close(struct fake *fake);
struct dis_domain *fake_domain(struct fake *fake);
/** What the control thread of the product does now and then. */
void fake_watch(struct fake *fake);

dis_id fake_vm(struct fake *fake, const struct fake_role *roles, unsigned vcpus);
void fake_start(struct fake *fake, dis_id vm);
struct fake_vcpu *fake_vcpu(struct fake *fake, dis_id vm, unsigned index);
/** Ends a VM, waits until it has ended, reaps it. */
void fake_end(struct fake *fake, dis_id vm);

/** Lets other threads go on until *@word >= @value; false after @limit_ns. */
bool fake_wait_until(atomic_uint *word, unsigned value, uint64_t limit_ns);

#endif
