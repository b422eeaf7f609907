/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One core of the pool and the domain around it, private to sched/.
 *
 * Place in the flow: step.c decides (dis_core_step), apply.c changes one vCPU,
 * mailbox.c carries requests between cores, placement.c, wake.c and balance.c
 * move vCPUs between them, domain.c and vm.c are the control side.
 *
 * Locking: fields are grouped by who may touch them. Nothing here is locked but
 * the domain's control side; other threads reach a core through its mailbox,
 * its request words and its attention word alone.
 */
#ifndef DIS_CORE_H
#define DIS_CORE_H

#include <pthread.h>

#include "ahead.h"
#include "queues.h"
#include "ring.h"
#include "slab.h"
#include "vcpu.h"

/* Longest run on a class's floor, see step.c (R: DIS-14). */
#define FLOOR_SLICE_NS (5 * DIS_MS_NS)

/* The current vCPU has woken one of its own core; see handoff.c. */
struct handoff {
	dis_id from;
	dis_id to;         /* DIS_ID_NONE: no one */
	uint64_t until_ns; /* `from` must have blocked; 0: `to` is not queued yet */
	bool yields;       /* `from` asked to yield to `to` */
	bool ready;        /* it has blocked, or yielded, in this step */
};

/*
 * Some VM ended: does this core have to look at its joins? The VM's slot is not
 * freed while a core is DUE or LOOKING.
 */
enum joins {
	JOINS_NONE,
	JOINS_DUE,
	JOINS_LOOKING,
};

/* PARKED vCPUs by release time. */
ENDS_TREE_HEAD(park_queue, dis_vcpu);

struct dis_core {
	struct dis_domain *dom;
	unsigned index;

	/* Any thread. */
	_Alignas(64) _Atomic(struct dis_vcpu *) mail; /* LIFO, see mailbox.c */
	atomic_ullong attention;                      /* see mailbox.c */
	atomic_bool asked;               /* a core that idles wants a vCPU */
	atomic_uint joins_due;           /* enum joins: look at `joins` */
	atomic_ullong load[DIS_CLASSES]; /* weight of runnable vCPUs as of the
					  * last step */
	atomic_uint hogs; /* most urgent class with a settled vCPU, balance.c */
	atomic_ullong rotated_ns[DIS_CLASSES]; /* see balance.c */
	atomic_ullong nap_ns;                  /* see wake.c */
	atomic_ullong reserved;     /* by its Realtime vCPUs, see realtime.c */
	_Atomic dis_id gang_wanted; /* who is to run next here, gang.c */
	atomic_uint foreign;        /* per mille of its CPU that others use */
	/* Policies to take over, or NULL; and those done with, to be freed. */
	_Atomic(struct policy_slot *) next_policy[DIS_CLASSES];
	_Atomic(struct policy_slot *) old_policies;
	atomic_bool policies_due;

	/* The core's executor. */
	_Alignas(64) struct dis_vcpu *current;
	uint64_t last_ns;      /* time of the last step; others may read it */
	uint64_t guest_ns;     /* of the present run, not charged yet */
	uint64_t slice_end_ns; /* of current */
	bool slice_armed; /* the next step comes at the slice end at last */
	/* Most urgent class that woke or came since the last decision, or
	 * DIS_CLASSES. */
	enum dis_class arrived;
	uint64_t floor_due_ns[DIS_CLASSES];  /* owed time from then on */
	uint64_t floor_from_ns[DIS_CLASSES]; /* against Realtime, realtime.c */
	uint64_t floor_passed_ns; /* since when arrivals go first, or 0 */
	uint64_t balance_ns;      /* next look at the balance */
	struct handoff handoff;
	uint64_t gang_next_ns; /* no turn out of order before, gang.c */
	struct run_queue runq;
	struct sleep_queue sleepq;
	struct park_queue parkq;
	unsigned parked;       /* length of it; others may read it */
	struct run_list joins; /* BLOCKED in a join */
	struct ahead ahead;
	struct dis_core_stats stats;
	uint64_t state_total[DIS_STATES];
	struct event_ring ring;
};

/** @gone: sums of its VMs that were reaped. */
struct tenant {
	char name[DIS_NAME_MAX];
	struct dis_vcpu_stats gone;
};

/*
 * The policies of a class: in force, the one to return to should that one fail,
 * and the last one of this build, which cannot.
 */
struct policy_choice {
	const struct dis_policy_ops *active;
	const struct dis_policy_ops *former;
	const struct dis_policy_ops *trusted;
};

struct dis_domain {
	/* Constant after creation. */
	struct dis_domain_config cfg;
	uint64_t floor_period_ns[DIS_CLASSES]; /* DIS_NEVER_NS: no floor */
	struct dis_core *cores;
	unsigned ncores;

	/* Any thread. */
	atomic_ullong idle_cores; /* bit per core that idles, unclaimed */
	atomic_uint joining;      /* vCPUs that wait in a join */
	atomic_ullong default_quantum_ns;
	atomic_uint preempting; /* classes whose policy may know preemption */
	atomic_bool stretching; /* slices may be stretched, see analyze.h */
	atomic_bool counters;   /* the detailed ones are taken */
	atomic_bool paused;     /* nobody is taken off its core */

	/* `lock`, rank 1. */
	pthread_mutex_t lock;
	struct slab vms;
	struct slab vcpus;
	uint64_t mem_bytes;
	uint64_t spawns_denied;
	uint64_t created; /* vCPUs */
	struct tenant tenants[DIS_TENANTS_MAX];
	unsigned n_tenants;
	struct dis_host_load host_load;
	uint32_t next_seq;
	unsigned (*assigned)[DIS_CLASSES]; /* vCPUs placed per core and class */
	uint64_t *reserved_ppm;            /* set aside per core for minima */
	struct policy_choice choice[DIS_CLASSES];
	uint64_t policy_serial; /* of the latest choice */
	struct event_ring ring;
};

static inline struct dis_core *vcpu_core(const struct dis_vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->core, memory_order_relaxed);
}

/** All cores of the pool, as affinities name them. */
static inline dis_cpumask domain_pool(const struct dis_domain *dom)
{
	return dom->cfg.per_vcpu || dom->cfg.cores == DIS_CORES_MAX
		       ? DIS_CPUMASK_ALL
		       : (1ull << dom->cfg.cores) - 1u;
}

/*
 * Others' use of the core's CPU as vCPUs that compete there (R: DIS-8): who has
 * half of it or more counts as one.
 */
static inline unsigned core_competitors(const struct dis_core *core)
{
	return (atomic_load_explicit(&core->foreign, memory_order_relaxed) +
		500u) /
	       1000u;
}

static inline void core_emit(struct dis_core *core,
			     const struct dis_event *event)
{
	event_ring_put(&core->ring, event);
}

/** Quantum of @vcpu as configured right now. */
uint64_t core_quantum_ns(const struct dis_vcpu *vcpu);

/* settings.c: intents and shares, changed while vCPUs run. */

/** What the control side grants @vcpu; domain mutex. */
void settings_write(struct dis_vcpu *vcpu, const struct settings *settings);
/** Any thread. Return: false while they are being written. */
bool settings_read(const struct dis_vcpu *vcpu, struct settings *out);
/** @settings are in force from now on; @vcpu is not in a queue. */
void core_set_settings(struct dis_vcpu *vcpu, const struct settings *settings);
/** DIS_MSG_SET: wherever @vcpu is, its settings come into force. */
void core_take_settings(struct dis_core *core, struct dis_vcpu *vcpu,
			uint64_t now_ns);
/** Puts the hint of the current vCPU's guest into force. */
void core_take_hint(struct dis_core *core, uint64_t now_ns);

/* admission.c: is there enough? Domain mutex. */

/** What refuses @spec, with one line in @err, or DIS_REASON_NONE; then @homes
 * has the core for each vCPU with a minimum. */
enum dis_reason admission_check(const struct dis_domain *dom,
				const struct dis_vm_spec *spec,
				unsigned homes[DIS_VCPUS_PER_VM_MAX], char *err,
				size_t err_size);
/**
 * Are the minima of a VM with these @intents possible within its maxima?
 * Return: 0, or -DIS_EINTENT with one line in @err.
 */
int admission_shares(const struct dis_intent *const *intents, unsigned vcpus,
		     unsigned min_permille, unsigned max_permille, char *err,
		     size_t err_size);
/** Minimum of one of @vcpus: its own, or its part of its VM's. */
unsigned admission_min(unsigned own_permille, unsigned vm_permille,
		       unsigned vcpus);
/**
 * The core with the most room for @permille, of those in @allowed; @prefer goes
 * first if it has enough. Return: -1 for none.
 */
int admission_find(const struct dis_domain *dom, const uint64_t *reserved_ppm,
		   dis_cpumask allowed, unsigned permille, int prefer);
/** Sets aside what @settings ask for, or gives it back. */
void admission_take(struct dis_domain *dom, const struct settings *settings);
void admission_give(struct dis_domain *dom, const struct settings *settings);
/**
 * What is left of the maximum of a window beside reserves of @most_ns.
 * @max_permille 0: no maximum, DIS_NEVER_NS.
 */
uint64_t admission_quota_ns(unsigned max_permille, uint64_t most_ns);

/* park.c: maximum shares at work. */

/** May @vcpu run now? If not, release_ns says when to ask again. */
bool park_grant(struct dis_vcpu *vcpu, uint64_t now_ns);
/** @vcpu, which ran, ceases to run. */
void park_end_grant(struct dis_vcpu *vcpu, uint64_t now_ns);
void park_charge(struct dis_vcpu *vcpu, uint64_t ns, uint64_t now_ns);
/** @vcpu, in no queue and without a grant, waits for its release. */
void park_add(struct dis_core *core, struct dis_vcpu *vcpu);
void park_remove(struct dis_core *core, struct dis_vcpu *vcpu);
/** The current vCPU may not go on: Throttled until its release. */
void park_current(struct dis_core *core, uint64_t now_ns);
/** @vcpu, queued, may not run: it waits apart, still Scheduled. */
void park_queued(struct dis_core *core, struct dis_vcpu *vcpu, uint64_t now_ns);
/** Queues all whose time has come. */
void park_release(struct dis_core *core, uint64_t now_ns);
/** When the next one is released, or DIS_NEVER_NS. */
static inline uint64_t park_next_ns(const struct dis_core *core)
{
	return core->parkq.first ? core->parkq.first->release_ns : DIS_NEVER_NS;
}

/* shares.c: minimum and maximum shares in the pass. */

/** Do minimum shares decide who runs, and not the order of classes? */
static inline bool shares_decide(const struct dis_core *core)
{
	return (core->current && vcpu_owed(core->current)) ||
	       reserve_queue_first(&core->runq.reserve);
}
/** If so: must the current vCPU give way? */
bool shares_preempt(struct dis_core *core, uint64_t now_ns);
/** If so and the core is free: who runs next; its `decided` is filled but for the
 * slice. */
struct dis_vcpu *shares_pick(struct dis_core *core, uint64_t now_ns);
/** When shares want the core, which runs a vCPU, to look. */
uint64_t shares_until_ns(const struct dis_core *core, uint64_t now_ns);
/** End of the slice; while the vCPU is owed its minimum, of that. */
uint64_t shares_slice_end_ns(const struct dis_core *core, uint64_t now_ns);

/* apply.c: one vCPU changes, on its owner's thread. */

/** Takes the current vCPU off the core. */
struct dis_vcpu *core_detach(struct dis_core *core, uint64_t now_ns);
/** A job begins: Realtime has to end it by its deadline. */
void core_release_job(struct dis_vcpu *vcpu, uint64_t release_ns,
		      uint64_t now_ns);
/** Queues @vcpu. Return: false: it may not run here, and went where it may. */
bool core_queue(struct dis_core *core, struct dis_vcpu *vcpu,
		enum dis_enqueue why, uint64_t now_ns);

/** What the run's result means for the core's current vCPU. */
void core_apply_result(struct dis_core *core,
		       const struct dis_run_result *result, uint64_t now_ns);
/** What the messages in @bits mean for @vcpu, which this core owns. */
void core_apply_messages(struct dis_core *core, struct dis_vcpu *vcpu,
			 unsigned bits, uint64_t now_ns);
/** Sleeping or Waiting -> Scheduled and queued. */
void core_wake(struct dis_core *core, struct dis_vcpu *vcpu,
	       enum dis_reason reason, uint64_t release_ns, uint64_t now_ns);
/** current -> Scheduled at the head or tail of its queue, or Throttled first. */
void core_put_back(struct dis_core *core, enum dis_reason reason,
		   uint64_t now_ns);
/** Wakes the joiners of VMs that have ended. */
void core_check_joins(struct dis_core *core, uint64_t now_ns);

/* mailbox.c */

/** Adds @bits to @vcpu's messages and makes its core look, if it must. */
void mailbox_post(struct dis_vcpu *vcpu, unsigned bits);
/** Makes @to the owner of @vcpu, which the caller owns and has unlinked. */
void mailbox_hand_over(struct dis_vcpu *vcpu, struct dis_core *to);
/** Takes all mail and applies it. */
void mailbox_take(struct dis_core *core, uint64_t now_ns);
/** Class of what @core is running, or DIS_CLASSES if it is not in run; one that
 * is owed its minimum counts as the most urgent. */
enum dis_class mailbox_running_class(const struct dis_core *core);
/** Makes @core step soon, whatever it does. */
void mailbox_force(struct dis_core *core);

/* policy_swap.c */

/** Takes over the policies that the control side has set meanwhile, and returns
 * from modules that have failed on other cores. */
void core_take_policies(struct dis_core *core, uint64_t now_ns);
/** Tells everyone about modules that this core has returned from. */
void core_report_fallen(struct dis_core *core, uint64_t now_ns);
/** Queues of the configured policies. Return: 0 or -ENOMEM. */
int core_init_policies(struct dis_core *core);
void core_fini_policies(struct dis_core *core);
/** The configured policies are the choice of each class. */
void domain_init_policies(struct dis_domain *dom);

/* placement.c: primitives, and cores that idle */

/** The core a new vCPU starts on. Domain lock. */
struct dis_core *placement_initial(struct dis_domain *dom,
				   const struct dis_intent *intent);
/** May @vcpu go to core @index? By its affinity alone. */
bool placement_allowed(const struct dis_vcpu *vcpu, unsigned index);
/**
 * Hands @vcpu, Scheduled and in no queue, to @to, where realtime_claim() has
 * succeeded. It belongs to @to then.
 */
void placement_send(struct dis_core *core, struct dis_vcpu *vcpu,
		    struct dis_core *to, enum dis_move why, uint64_t now_ns);
/** The same for one that is queued, with realtime_claim(). Return: false if
 * that fails. */
bool placement_move(struct dis_core *core, struct dis_vcpu *vcpu,
		    struct dis_core *to, enum dis_move why, uint64_t now_ns);
/** A core that idles, claimed for @vcpu, realtime_claim() included, or NULL. */
struct dis_core *placement_claim_idle(struct dis_core *core,
				      struct dis_vcpu *vcpu, uint64_t now_ns);
/** Gives queued vCPUs to cores that idle, asked or not. */
void placement_offer(struct dis_core *core, uint64_t now_ns);
/** Did a core that idles ask, since this was last called? */
bool placement_asked(struct dis_core *core);
/** Sends @vcpu, Scheduled and in no queue, to a core where it may run. */
void placement_expel(struct dis_core *core, struct dis_vcpu *vcpu,
		     uint64_t now_ns);
/** Makes @core look for cores that idle. */
void placement_demand(struct dis_core *core);
/** After the offers: lets the next core look, if some core idles still. */
void placement_pass_on(struct dis_core *core);
/** Marks the core idle and asks others for a vCPU. */
void placement_idle(struct dis_core *core);

/* wake.c: where one that wakes goes */

/** Of @vcpu, just woken and in no queue: true if another core has it now. */
bool wake_elsewhere(struct dis_core *core, struct dis_vcpu *vcpu,
		    uint64_t now_ns);
/** Sends one who waits, if of a class promised latency, to a core that runs
 * something less urgent. */
void wake_push(struct dis_core *core, uint64_t now_ns);
/** Would another core run @vcpu, or one like it, at once? Any thread. */
bool wake_wanted_elsewhere(const struct dis_vcpu *vcpu);
/** Lets idle cores know of sleepers that the current vCPU is not interrupted
 * for. Return: when to interrupt it after all. */
uint64_t wake_publish_nap(struct dis_core *core, unsigned preempting);
/** This core idles: when it has to see to sleepers of others. */
uint64_t wake_next_nap_ns(struct dis_core *core, uint64_t now_ns);

/* handoff.c */

/** @vcpu, woken by a message, was queued on @core. */
void handoff_queued(struct dis_core *core, const struct dis_vcpu *vcpu,
		    uint64_t now_ns);
/** After the mail: who was not woken by it was awake already. */
void handoff_forget(struct dis_core *core);
/** @vcpu, until now the current one, blocks. */
void handoff_blocked(struct dis_core *core, const struct dis_vcpu *vcpu,
		     uint64_t now_ns);
/** @vcpu, until now the current one, has yielded. */
void handoff_yielded(struct dis_core *core, const struct dis_vcpu *vcpu);
/** Who takes over the core and the rest of the slice, or NULL. @klass: which has
 * its turn. */
struct dis_vcpu *handoff_take(struct dis_core *core, enum dis_class klass,
			      uint64_t now_ns);

/** @vcpu is dispatched by hand-off: what was used of the slice is used. */
void handoff_begin(struct dis_core *core, struct dis_vcpu *vcpu,
		   uint64_t now_ns);

/* gang.c */

/** Any thread: @vcpu, that waits on @core, is to run there next. */
void gang_want(struct dis_core *core, const struct dis_vcpu *vcpu);
/** Who is to run next by such a wish, or NULL. @klass: which has its turn. */
struct dis_vcpu *gang_take(struct dis_core *core, enum dis_class klass,
			   uint64_t now_ns);
/** @vcpu is dispatched by it. */
void gang_begin(struct dis_core *core, const struct dis_vcpu *vcpu,
		uint64_t now_ns);

/* balance.c */

/** Evens out what has been waiting for long, one vCPU at most. */
void balance(struct dis_core *core, uint64_t now_ns);
/** When to look again although nothing else makes this core step. */
uint64_t balance_due_ns(const struct dis_core *core);
/** Weight of what @core can run and is of @klass or more urgent, by its own
 * figures. */
uint64_t balance_own_load(const struct dis_core *core, enum dis_class klass);
/** The same of any core as of its last step. Any thread. */
uint64_t balance_seen_load(const struct dis_core *core, enum dis_class klass);
/** Lets others see this core's load. */
void balance_publish(struct dis_core *core);

/* realtime.c */

/** Share of a core that @intent needs, in millionths; 0 unless Realtime. */
uint64_t realtime_share(const struct dis_intent *intent);
/** @vcpu has @intent from now on: its core's reservation follows. */
void realtime_reserve(struct dis_vcpu *vcpu, const struct dis_intent *intent);
/**
 * May a job released at @release_ns have the deadline of the one before, with what
 * that left of the worst case? Else it gets its own, and all of it.
 */
bool realtime_keeps_deadline(const struct dis_vcpu *vcpu, uint64_t release_ns);
/** Moves the reservation of @vcpu to @to, if it may go there. Return: may it? */
bool realtime_claim(struct dis_vcpu *vcpu, struct dis_core *to, uint64_t now_ns);
/** After a claim that came to nothing: it stays on its core. */
void realtime_unclaim(struct dis_vcpu *vcpu, struct dis_core *to);
/** @vcpu moves to @to whether it fits there or not. */
void realtime_force(struct dis_vcpu *vcpu, struct dis_core *to);
/** @vcpu, in no queue, goes where it was claimed for. */
void realtime_moved(struct dis_vcpu *vcpu, const struct dis_core *to,
		    uint64_t now_ns);
/** Do floors keep to reservations here? If so, what follows decides. */
bool realtime_orders_floors(const struct dis_core *core);
/** Some Realtime vCPU is queued: the class whose floor goes before, or DIS_CLASSES. */
enum dis_class realtime_floor(struct dis_core *core, uint64_t now_ns);
/** @klass had a floor slice of @ran_ns. */
void realtime_charge_floor(struct dis_core *core, enum dis_class klass,
			   uint64_t ran_ns);
/** Have more been placed on @core than it can serve? */
bool realtime_overloaded(const struct dis_core *core);

/* ledger.c */

/**
 * Number of the tenant @name, NULL for the default. Domain lock.
 * Return: 0; -EINVAL, -DIS_ERESOURCE with one line in @err.
 */
int ledger_tenant(struct dis_domain *dom, const char *name, unsigned *out,
		  char *err, size_t err_size);
/** @vm is about to be freed: its sums stay. Domain lock. */
void ledger_keep(struct dis_domain *dom, const struct dis_vm *vm);

/* domain.c */

/**
 * The VM @id, with the domain's lock held; the caller unlocks it.
 * Return: 0; without the lock -DIS_EPERMISSION (a policy calls), -DIS_ENOTFOUND.
 */
int domain_lock_vm(struct dis_domain *dom, dis_id id, struct dis_vm **out);

/* vm.c */

/** First caller decides how the VM ends; tells all its vCPUs. */
void vm_end(struct dis_vm *vm, enum dis_state state, enum dis_reason reason);
/** Its slots are free again. Domain lock. */
void vm_free(struct dis_domain *dom, struct dis_vm *vm);
/** State and reason that the verdict gives to @vcpu. */
void vm_verdict(const struct dis_vm *vm, enum dis_state *state,
		enum dis_reason *reason);
/** FINISHED or FAILED once all its vCPUs have stopped, SCHEDULED before. */
enum dis_state vm_end_state(const struct dis_vm *vm);
/** One of the VM's vCPUs has reached its final state on @core. */
void vm_vcpu_stopped(struct dis_core *core, struct dis_vcpu *vcpu,
		     uint64_t now_ns);

#endif
