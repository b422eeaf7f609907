/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The scheduler's public interface: a domain is a pool of cores, a slab of VMs
 * and vCPUs, and the rules between them.
 *
 * Place in the flow: vmm/ creates a domain, spawns VMs into it and starts the
 * executors; tests step its cores by hand under a virtual clock.
 *
 * Locking: control functions (spawn, start, end, reap, set) may be called by any
 * thread but executors; they take the domain's mutex (rank 1, never held across
 * a wait). dis_vcpu_wake() may be called by any thread and takes no lock.
 * dis_core_step() belongs to the one thread that owns the core.
 *
 * Called by a policy module's operation, whatever changes something or takes the
 * mutex refuses, and the module has failed: -DIS_EPERMISSION; without an error to
 * return it does nothing, and tells zeros, NULL, or what is absent.
 */
#ifndef DIS_DOMAIN_H
#define DIS_DOMAIN_H

#include <dis/event.h>
#include <dis/intent.h>
#include <dis/load.h>
#include <dis/ops.h>
#include <dis/policy.h>
#include <dis/stats.h>
#include <dis/types.h>

struct dis_domain;
struct dis_modules;
struct dis_core;
struct dis_vcpu;

#define DIS_VCPUS_PER_VM_MAX 256u
/** Of what people give: below, a slice is used up by entry and exit. */
#define DIS_QUANTUM_MIN_NS (100 * DIS_US_NS)
#define DIS_QUANTUM_MAX_NS (10 * DIS_S_NS)
#define DIS_NAME_MAX 32u
/** Distinct names of tenants that a domain keeps sums of. */
#define DIS_TENANTS_MAX 64u
#define DIS_TENANT_DEFAULT "default"

/**
 * @cores:          1..DIS_CORES_MAX; unlimited with @per_vcpu.
 * @per_vcpu:       every vCPU has a core of its own (thread executor): core i
 *                  serves vCPU slot i, nothing is stolen or handed over, and
 *                  @cores is vcpus_max.
 * @vms_max, @vcpus_max: slab capacities (R: MEM-1), >= 1.
 * @mem_max_bytes:  limit on the sum of guest memory (R: MEM-3); 0 = none.
 * @quantum_ns:     per class; 0 takes the class default (R: DIS-5). Realtime's
 *                  is each vCPU's wcet.
 * @default_quantum_ns: for undeclared intents; 0 takes 5 ms (R: BUD-1).
 * @floor_permille: share of a core that the class keeps against more urgent
 *                  classes (R: DIS-14); 0..500, 0 = none.
 * @policy:         order within the class (R: DIS-11), of this build: modules
 *                  come with dis_domain_set_policy(). NULL takes the default:
 *                  EDF for Realtime, round robin for the others.
 * @modules:        registry of this domain alone (module.h), or NULL.
 * @fixed_slices: never stretch a slice for a burst about to end (R: PRE-7).
 * @counters:       see dis_domain_set_counters().
 * @ring_events:    events each core's ring holds, a power of two; 0 = no events.
 * @ops, @host_ops: see ops.h; @host is handed to host_ops.
 */
struct dis_domain_config {
	unsigned cores;
	bool per_vcpu;
	unsigned vms_max;
	unsigned vcpus_max;
	uint64_t mem_max_bytes;
	uint64_t quantum_ns[DIS_CLASSES];
	uint64_t default_quantum_ns;
	unsigned floor_permille[DIS_CLASSES];
	const struct dis_policy_ops *policy[DIS_CLASSES];
	struct dis_modules *modules;
	bool fixed_slices;
	bool counters;
	unsigned ring_events;
	const struct dis_run_ops *ops;
	const struct dis_host_ops *host_ops;
	void *host;
};

/** A configuration with every default; the caller sets cores, slabs and ops. */
void dis_domain_config_init(struct dis_domain_config *cfg);

/** Return: 0, -EINVAL for a field out of range, -ENOMEM. */
int dis_domain_create(const struct dis_domain_config *cfg,
		      struct dis_domain **out);

/** All VMs must have been reaped or the executors stopped (R: MEM-4). */
void dis_domain_destroy(struct dis_domain *dom);

/**
 * @tenant:  whom its sums go to, or NULL for DIS_TENANT_DEFAULT.
 * @intents: one per vCPU, validated.
 * @min_permille: of one core, 0 = none: in every 100 ms each vCPU that wants to
 *                 run all the time gets an equal part of it at least.
 * @max_permille: of one core, 0 = none: in no 100 ms all vCPUs together get more.
 * @vm_arg, @vcpu_args: handed to the run operations; may be set later with
 *                 dis_vm_bind(), before the start.
 */
struct dis_vm_spec {
	const char *name;
	const char *tenant;
	unsigned vcpus;
	uint64_t mem_bytes;
	unsigned min_permille;
	unsigned max_permille;
	const struct dis_intent *intents;
};

/**
 * dis_vm_spawn - reserve a VM and its vCPUs, all or nothing (R: CARD-5, MEM-2).
 * @now_ns: creation time.
 * @out:    the ID; the vCPUs are reached with dis_vm_vcpu().
 * @err:    one line when refused, e.g.
 *          "out of memory: slab exhausted (1/1 VMs)".
 *
 * A refusal emits DIS_EVENT_SPAWN_DENIED and changes nothing else.
 * Return: 0, -EINVAL, -DIS_ERESOURCE when refused, -DIS_ENOTSUPPORTED for shares
 * where each vCPU has a core of its own.
 */
int dis_vm_spawn(struct dis_domain *dom, const struct dis_vm_spec *spec,
		 uint64_t now_ns, dis_id *out, char *err, size_t err_size);

/** Give the run operations their arguments. Before dis_vm_start() only. */
int dis_vm_bind(struct dis_domain *dom, dis_id id, void *vm_arg,
		void *const *vcpu_args);

/** Hand all vCPUs to their cores. Return: 0, -DIS_ENOTFOUND, -DIS_ESTATE. */
int dis_vm_start(struct dis_domain *dom, dis_id id);

/**
 * dis_vm_end - stop all vCPUs of a VM.
 * @state: DIS_STATE_FINISHED or DIS_STATE_FAILED; the first caller decides.
 *
 * Returns at once; the `ended` operation tells when the last one stopped.
 * Return: 0, -DIS_ENOTFOUND, -DIS_ESTATE when not started.
 */
int dis_vm_end(struct dis_domain *dom, dis_id id, enum dis_state state,
	       enum dis_reason reason);

/**
 * Give the slots of an ended VM back, in two steps, so that no core keeps a
 * stale entry (R: EVO-B4): begin asks the cores to let go; finish frees the
 * slots once they have. A VM that was never started needs only finish.
 *
 * Return: begin: 0, -DIS_ENOTFOUND, -DIS_ESTATE when not ended.
 *         finish: 0, -DIS_ENOTFOUND, -DIS_ESTATE without begin, -EAGAIN while
 *         some core has not answered.
 */
int dis_vm_reap_begin(struct dis_domain *dom, dis_id id);
int dis_vm_reap_finish(struct dis_domain *dom, dis_id id);

/** vCPU @index of @vm, or NULL for a stale ID or an index out of range. */
struct dis_vcpu *dis_vm_vcpu(struct dis_domain *dom, dis_id id, unsigned index);

/**
 * dis_vcpu_wake - something is pending for this vCPU.
 * @vcpu: of a VM that is not being reaped: called by devices and siblings of the
 *        same VM. Who may still call it when the VM has ended, a device's thread
 *        for example, must be stopped before dis_vm_reap_begin().
 *
 * Context: any thread, no lock, async to everything. Publishes with sequential
 * consistency: what the caller wrote before is seen by the next run.
 */
void dis_vcpu_wake(struct dis_vcpu *vcpu);

/**
 * dis_vcpu_wake_by - the same, when another vCPU is what wakes it (an IPI): if
 * @waker blocks at once, it may hand its core over (R: EVO-B3).
 *
 * Context: inside the run operation of @waker.
 */
void dis_vcpu_wake_by(struct dis_vcpu *vcpu, struct dis_vcpu *waker);

/**
 * dis_vcpu_inspect - have the inspect operation called for this vCPU, once, by
 * the thread that owns it, soon, whatever state the vCPU is in (R: DIS-2). That
 * state stays what it is: it is not woken, nor does it lose its turn.
 * @vcpu: as for dis_vcpu_wake().
 *
 * Calls before it came to that count as one. Context: as dis_vcpu_wake().
 */
void dis_vcpu_inspect(struct dis_vcpu *vcpu);

/**
 * dis_vcpu_yield_to - say whom the yield is for that @vcpu's run is about to end
 * with: if @to waits on the same core it is next, for the rest of the slice (R:
 * EVO-B3). If it waits on another it is next there, once per round of turns.
 *
 * Context: inside @vcpu's run, which then returns DIS_RUN_YIELD.
 */
void dis_vcpu_yield_to(struct dis_vcpu *vcpu, struct dis_vcpu *to);

/**
 * dis_vcpu_charge - a thread of a device has used @ns of CPU time on behalf of
 * @vcpu (R: EVO-E3).
 * @vcpu: as for dis_vcpu_wake().
 *
 * It counts in `device_ns`, and from the next time on that the vCPU runs against
 * its quantum, its fair share and its and its VM's maximum; not in `cpu_ns`, which
 * is time of the cores, and not against its minimum.
 *
 * Context: any thread, no lock.
 */
void dis_vcpu_charge(struct dis_vcpu *vcpu, uint64_t ns);

/**
 * Time for which it was runnable and did not run, in ns: what guests call steal
 * time. Context: the thread that runs it, from run.
 */
uint64_t dis_vcpu_wait_ns(const struct dis_vcpu *vcpu);

/**
 * dis_vcpu_joined - how the VM of this vCPU's last join ended (R: ST-5).
 * Context: inside the run operation of this very vCPU.
 * Return: DIS_STATE_FINISHED or _FAILED; DIS_STATE_SCHEDULED if the ID was stale
 * or its own.
 */
enum dis_state dis_vcpu_joined(const struct dis_vcpu *vcpu);

/**
 * dis_vcpu_set_intent - change the running vCPU's intent (R: CARD-3).
 * @wanted: class and times; cores, weight, priority and shares stay as granted.
 * Context: inside the run operation of this very vCPU (a guest's hint).
 * Return: 0, -DIS_EPERMISSION when the launcher's grant does not permit it.
 */
int dis_vcpu_set_intent(struct dis_vcpu *vcpu, const struct dis_intent *wanted);

dis_id dis_vcpu_id(const struct dis_vcpu *vcpu);
enum dis_state dis_vcpu_state(const struct dis_vcpu *vcpu);
struct dis_intent dis_vcpu_intent(const struct dis_vcpu *vcpu);
enum dis_reason dis_vcpu_reason(const struct dis_vcpu *vcpu);
void dis_vcpu_get_stats(const struct dis_vcpu *vcpu, struct dis_vcpu_stats *out);

/** One snapshot of a VM. */
struct dis_vm_info {
	char name[DIS_NAME_MAX];
	char tenant[DIS_NAME_MAX];
	uint32_t seq;
	unsigned vcpus;
	uint64_t mem_bytes;
	unsigned min_permille;
	unsigned max_permille;
	bool ended;
	enum dis_state state; /**< once ended: FINISHED or FAILED */
	enum dis_reason reason;
};
int dis_vm_get_info(struct dis_domain *dom, dis_id id, struct dis_vm_info *out);

/**
 * dis_vm_get_stats - sum over the VM's vCPUs (R: EVO-C1): the last dispatch is
 * that of the latest, of a slice left there is none.
 * Return: 0, -DIS_ENOTFOUND.
 */
int dis_vm_get_stats(struct dis_domain *dom, dis_id id,
		     struct dis_vcpu_stats *out);

/** 1 to DIS_NAME_MAX - 1 printable characters, fit for reports and labels. */
bool dis_tenant_valid(const char *name);

/** @vms, @vcpus: present ones; @stats: of those that were reaped, too. */
struct dis_tenant_info {
	char name[DIS_NAME_MAX];
	unsigned vms, vcpus;
	struct dis_vcpu_stats stats;
};
/** Tenant @index, in order of appearance. Return: 0, -DIS_ENOTFOUND. */
int dis_domain_get_tenant(struct dis_domain *dom, unsigned index,
			  struct dis_tenant_info *out);

/** @now_ns: up to when running vCPUs and idle cores are counted. */
void dis_domain_get_totals(struct dis_domain *dom, uint64_t now_ns,
			   struct dis_totals *out);

/** Slab use: VMs, vCPUs, bytes of guest memory. */
struct dis_domain_usage {
	unsigned vms, vcpus;
	uint64_t mem_bytes;
	uint64_t spawns_denied;
};
void dis_domain_get_usage(struct dis_domain *dom, struct dis_domain_usage *out);

/**
 * dis_domain_set_intent - grant a vCPU another intent, live (R: CARD-3, DIS-10).
 * @vcpu: dis_vcpu_id(); all of its intent is replaced, a hint is forgotten.
 * @err:  one line when refused; nothing changes then.
 *
 * Returns at once; it comes into force at the next step of the vCPU's core,
 * which is made to come soon. A vCPU on a core that it may not use any more moves
 * as soon as it is runnable. Maxima count from then on.
 *
 * Return: 0; -DIS_ENOTFOUND; -DIS_ESTATE when its VM has ended; -DIS_EINTENT or
 * -DIS_ENOCPU when invalid; -DIS_ERESOURCE when no core has room for its minimum;
 * -DIS_ENOTSUPPORTED where each vCPU has a core of its own.
 */
int dis_domain_set_intent(struct dis_domain *dom, dis_id vcpu,
			  const struct dis_intent *intent, char *err,
			  size_t err_size);
/** The same for one field of the intent. */
int dis_domain_set_priority(struct dis_domain *dom, dis_id vcpu,
			    uint8_t priority, char *err, size_t err_size);
int dis_domain_set_affinity(struct dis_domain *dom, dis_id vcpu,
			    dis_cpumask affinity, char *err, size_t err_size);
/** The same for the shares of a VM; see struct dis_vm_spec. */
int dis_domain_set_shares(struct dis_domain *dom, dis_id vm,
			  unsigned min_permille, unsigned max_permille,
			  char *err, size_t err_size);

/** Quantum of undeclared vCPUs, live: used from the next arm on (R: PRE-1). */
int dis_domain_set_default_quantum(struct dis_domain *dom, uint64_t quantum_ns);

/**
 * dis_domain_pause_preemption - nobody is taken off its core from now on, for a
 * slice, a wake or a limit, until dis_domain_resume_preemption() (R: PRE-2). What
 * leaves its core by itself does, and what ends; cores that are free take whom
 * they find. Who never exits keeps the others waiting: that is the caller's care.
 */
void dis_domain_pause_preemption(struct dis_domain *dom);
void dis_domain_resume_preemption(struct dis_domain *dom);

/** Each core decides anew, soon (R: PRE-2). Any thread. */
void dis_domain_trigger(struct dis_domain *dom);

/**
 * dis_domain_set_fixed_slices - slices end with their quantum from the next
 * dispatch on, or may be stretched again (R: PRE-7).
 */
void dis_domain_set_fixed_slices(struct dis_domain *dom, bool fixed);

/**
 * dis_domain_set_counters - take the detailed counters of struct dis_core_stats,
 * or not (R: EVO-A1). They cost a clock read per message.
 */
void dis_domain_set_counters(struct dis_domain *dom, bool on);
bool dis_domain_counts(const struct dis_domain *dom);

/** What the host does besides, from now on; see load.h. Not known at first. */
void dis_domain_set_host_load(struct dis_domain *dom,
			      const struct dis_host_load *load);
void dis_domain_get_host_load(struct dis_domain *dom, struct dis_host_load *out);

/** Bursts of CPU time between two blocks, and jobs with a deadline (R: DIS-8). */
struct dis_history {
	uint64_t samples;
	uint64_t mean_ns;
	uint64_t deviation_ns; /**< standard deviation */
	uint64_t jobs;
	uint64_t misses;
};
void dis_vcpu_get_history(const struct dis_vcpu *vcpu, struct dis_history *out);

/**
 * dis_domain_set_policy - change the order within a class, live (R: DIS-11).
 *
 * Each core takes it over at its next step; what is queued goes over. The one
 * before it is kept, to return to if @ops are a module's that misbehaves.
 * Return: 0, -DIS_ENOTSUPPORTED when @ops cannot serve @klass, -DIS_ESTATE when
 * they are a module's that has failed or was unloaded, -ENOMEM.
 */
int dis_domain_set_policy(struct dis_domain *dom, enum dis_class klass,
			  const struct dis_policy_ops *ops);

/**
 * vCPUs in each state right now, and transitions into each state so far
 * (`tasks_state_total`, R: ST-6).
 */
void dis_domain_count_states(struct dis_domain *dom, uint64_t now[DIS_STATES],
			     uint64_t total[DIS_STATES]);

/*
 * Cores. An executor (thread or simulator) does, for ever:
 *   step -> idle, or arm the timer for until_ns and run -> step with the result
 */

/**
 * @vcpu_arg: what to run, or NULL to be idle.
 * @until_ns: latest time for the next step; DIS_NEVER_NS: only when told.
 * @start_ns: not to be entered before; 0: at once. Until then the core is the
 *            vCPU's all the same.
 */
struct dis_decision {
	struct dis_vcpu *vcpu;
	void *vcpu_arg;
	uint64_t until_ns;
	uint64_t start_ns;
};

/** @index: below the configured number of cores. */
struct dis_core *dis_domain_core(struct dis_domain *dom, unsigned index);

/** The run operations of the core's domain. */
const struct dis_run_ops *dis_core_run_ops(const struct dis_core *core);

/** The core's clock starts: everything before is neither charged nor idle. */
void dis_core_start(struct dis_core *core, uint64_t now_ns);

/**
 * dis_core_step - one scheduling pass (R: DIS-13).
 * @now_ns:  CLOCK_MONOTONIC. A value before the last one counts as the last.
 * @charge_ns: CPU time to charge since the last step, or DIS_NEVER_NS for the
 *           wall time since then.
 * @result:  how the run that the last decision asked for ended; NULL if none
 *           ran (idle, or the run was skipped because of a request).
 *
 * Charges, applies the result, takes the mail, wakes sleepers, decides. No
 * allocation, no lock, no system call but the kicks it sends.
 */
struct dis_decision dis_core_step(struct dis_core *core, uint64_t now_ns,
				  uint64_t charge_ns,
				  const struct dis_run_result *result);

/**
 * Announce that the core enters run (or idles, if the last decision had no
 * vCPU). Return: false if a request came in; then step instead (the lost-kick
 * race). After the return from run or idle call dis_core_leave().
 */
bool dis_core_enter(struct dis_core *core);
void dis_core_leave(struct dis_core *core);

void dis_core_get_stats(const struct dis_core *core, struct dis_core_stats *out);
/** Return: 0, -EINVAL for a class out of range. */
int dis_core_get_queue(const struct dis_core *core, enum dis_class klass,
		       struct dis_queue_stats *out);
/** For the executor to count what only it sees. Core's owner only. */
struct dis_core_stats *dis_core_stats_mut(struct dis_core *core);

/**
 * dis_domain_read_events - take up to @max events of one ring.
 * @ring: 0..cores-1 are the cores', @cores is that of the control functions.
 * Context: one reader at a time per ring. Return: events taken.
 */
unsigned dis_domain_read_events(struct dis_domain *dom, unsigned ring,
				struct dis_event *out, unsigned max);

/** Check all invariants; aborts if one is broken. All cores must be quiet. */
void dis_domain_check(struct dis_domain *dom);

#endif
