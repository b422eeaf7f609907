/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene in this program: guests of several kinds in one domain, under DIS or
 * with a thread per vCPU. Nothing is released: the process ends with the scene.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <dis/error.h>
#include <dis/executor.h>
#include <dis/intent.h>

#include "bench/own.h"
#include "bench/window.h"

#define ERR_BYTES 256
/* Sets the agreement, not the lead: that is up to the scheduler. */
#define EARLY_WORD " early=1ms"
#define STRIP_EVENTS 65536u

/* The run operations know of no session. */
static struct own *the_own;

static _Thread_local bool noted;

static void note_thread(const struct kvm_vcpu *vcpu)
{
	const struct machine *machine =
		(const void *)((const char *)vcpu->vm -
			       offsetof(struct machine, vm));
	const struct scene_group *group = machine->owner;

	noted = true;
	if (group->critical)
		the_own->critical[atomic_fetch_add(&the_own->n_critical, 1)] =
			(struct own_thread){gettid(), group};
}

/* Each vCPU has its own thread here; this is the first thing it does for it. */
static void tuned_begin(void *arg)
{
	if (!noted)
		note_thread(arg);
	kvm_vcpu_run_begin(arg);
}

static void on_ended(void *vm, enum dis_state state, enum dis_reason reason)
{
	(void)vm;
	/* Stopped is who was told to. */
	if (state == DIS_STATE_FAILED || reason != DIS_REASON_STOPPED)
		atomic_store(&the_own->ended, (int)reason);
}

static const struct dis_run_ops plain_ops = {
	.run_begin = kvm_vcpu_run_begin,
	.run = kvm_vcpu_run,
	.run_interrupt = kvm_vcpu_run_interrupt,
	.preempted = kvm_vcpu_preempted,
	.ended = on_ended,
};
static const struct dis_run_ops tuned_ops = {
	.run_begin = tuned_begin,
	.run = kvm_vcpu_run,
	.run_interrupt = kvm_vcpu_run_interrupt,
	.ended = on_ended,
};

/* What the guests of a group have in common. */
static int open_kind(struct own *own, unsigned g, char *err, size_t err_size)
{
	const struct scene_group *group = &own->scene->group[g];
	bool dis = own->contender->by == SCENE_DIS;
	struct dis_intent *intents = calloc(group->vcpus + 1, sizeof(*intents));
	struct machine_spec spec = {
		.kernel_path = own->scene->kernel,
		.cmdline = own->cmdline[g],
		.vcpus = group->vcpus,
		.mem_bytes = SCENE_GUEST_BYTES,
		.copies = group->guests,
		.intents = intents,
		.keep = own->keep,
		.kernel_irqchip = !dis,
	};
	struct dis_intent intent = dis_intent_default();
	enum machine_fault fault;
	int ret;

	snprintf(own->cmdline[g], sizeof(own->cmdline[g]), "work=%s%s",
		 group->workload, own->contender->early ? EARLY_WORD : "");
	own->intents[g] = intents;
	if (!intents)
		return -ENOMEM;
	if (dis && *group->intent &&
	    dis_intent_parse(group->intent, &intent, err, err_size))
		return -EINVAL;
	for (unsigned i = 0; i < group->vcpus; i++)
		intents[i] = intent;
	ret = machine_kind_open(&spec, &own->kind[g], &fault, err, err_size);
	return ret ? ret : machine_kind_start(&own->kind[g], err, err_size);
}

static unsigned own_vcpus(const struct own *own)
{
	unsigned n = 0;

	for (unsigned g = 0; g < own->scene->n_groups; g++)
		n += own->scene->group[g].guests * own->scene->group[g].vcpus;
	return n;
}

static int open_domain(struct own *own, char *err, size_t err_size)
{
	const struct scene *scene = own->scene;
	bool dis = own->contender->by == SCENE_DIS;
	unsigned vms = scene_guests(scene), vcpus = own_vcpus(own);
	struct dis_domain_config cfg;
	cpu_set_t allowed;
	int ret;

	CPU_ZERO(&allowed);
	for (unsigned i = 0; i < scene->n_cpus; i++)
		CPU_SET(scene->cpus[i], &allowed);
	dis_domain_config_init(&cfg);
	cfg.per_vcpu = !dis;
	cfg.vms_max = vms;
	cfg.vcpus_max = vcpus;
	cfg.cores = dis ? scene->n_cpus : vcpus;
	cfg.mem_max_bytes = vms * SCENE_GUEST_BYTES;
	cfg.ring_events = scene->strip ? STRIP_EVENTS : 0;
	cfg.ops = own->contender->tuning == TUNE_NONE ? &plain_ops : &tuned_ops;
	cfg.host_ops = &dis_executor_host_ops;
	ret = dis_executors_create(cfg.cores, dis ? scene->cpus : NULL,
				   &allowed, &own->execs);
	cfg.host = own->execs;
	if (!ret)
		ret = dis_domain_create(&cfg, &own->dom);
	if (ret)
		snprintf(err, err_size, "scheduler: %s", strerror(-ret));
	return ret;
}

int own_open(struct own *own, char *err, size_t err_size)
{
	struct rlimit files;
	int ret = 0;

	the_own = own;
	own->critical = calloc(own_vcpus(own) + 1, sizeof(*own->critical));
	if (!own->critical)
		return -ENOMEM;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (unsigned g = 0; g < own->scene->n_groups && !ret; g++)
		ret = open_kind(own, g, err, err_size);
	if (!ret)
		ret = open_domain(own, err, err_size);
	if (!ret) {
		ret = dis_executors_start(own->execs, own->dom);
		if (ret)
			snprintf(err, err_size, "executor threads: %s",
				 strerror(-ret));
	}
	return ret;
}

int own_spawn(struct own *own, unsigned g, unsigned seq, struct machine **out,
	      char *err, size_t err_size)
{
	const struct machine_kind *kind = &own->kind[g];
	const struct dis_vm_spec spec = {
		.name = "bench",
		.vcpus = kind->spec.vcpus,
		.mem_bytes = kind->spec.mem_bytes,
		.intents = kind->spec.intents,
	};
	enum machine_fault fault;
	dis_id id;
	int ret = dis_vm_spawn(own->dom, &spec, dis_clock_ns(), &id, err,
			       err_size);

	if (ret)
		return ret;
	/* The owner is only compared and read: the group. */
	ret = machine_create(kind, seq, own->dom, id,
			     (void *)&own->scene->group[g], out, &fault, err,
			     err_size);
	if (ret)
		dis_vm_reap_finish(own->dom, id);
	else
		dis_vm_start(own->dom, id);
	return ret;
}

int own_retire(struct own *own, struct machine *machine)
{
	dis_id id = machine->id;
	int ret = dis_vm_end(own->dom, id, DIS_STATE_FINISHED,
			     DIS_REASON_STOPPED);

	if (ret)
		return ret;
	/* Not ended yet: its cores have still to hear of it. */
	while ((ret = dis_vm_reap_begin(own->dom, id)) == -DIS_ESTATE)
		sched_yield();
	if (ret)
		return ret;
	while ((ret = dis_vm_reap_finish(own->dom, id)) == -EAGAIN)
		sched_yield();
	if (!ret)
		machine_destroy(machine);
	return ret;
}

const char *own_alive(void *ctx)
{
	struct own *own = ctx;

	if (!atomic_load(&own->ended))
		return NULL;
	snprintf(own->ended_why, sizeof(own->ended_why), "a guest ended: %s",
		 dis_reason_name((enum dis_reason)atomic_load(&own->ended)));
	return own->ended_why;
}

/* The vCPU's thread goes on counting. */
static uint64_t exits_of(const struct window_guest *guest, unsigned vcpu)
{
	const uint64_t *exits = guest->machine->vcpus[vcpu].exits;
	uint64_t sum = 0;

	for (unsigned i = 0; i < EXIT_KINDS; i++)
		sum += __atomic_load_n(&exits[i], __ATOMIC_RELAXED);
	return sum;
}

/* The dispatches of each core, out of the events of its ring. */
static void read_strip(struct own *own, const struct window_source *source,
		       struct scene_result *result)
{
	static struct dis_event events[1024];

	for (unsigned core = 0; core < own->scene->n_cpus; core++) {
		struct scene_run_of run = {.core = core};
		bool running = false;
		unsigned n;

		while ((n = dis_domain_read_events(own->dom, core, events,
						   1024)))
			for (unsigned i = 0; i < n; i++) {
				const struct dis_event *e = &events[i];

				if (e->type != DIS_EVENT_STATE)
					continue;
				if (running &&
				    result->n_strip < SCENE_STRIP_MAX) {
					run.to_ns = e->time_ns;
					result->strip[result->n_strip++] = run;
				}
				running = e->state == DIS_STATE_RUNNING;
				run.group =
					e->vm_seq < source->n
						? source->guest[e->vm_seq].group
						: 0;
				run.guest = e->vm_seq;
				run.from_ns = e->time_ns;
			}
	}
}

static bool spawn_all(struct own *own, struct window_source *source,
		      struct scene_result *result)
{
	char err[ERR_BYTES] = "out of memory";
	unsigned n = 0;

	/* Group 0 last: what it measures itself begins with its start. */
	for (unsigned g = own->scene->n_groups; g-- > 0;)
		for (unsigned i = 0; i < own->scene->group[g].guests; i++, n++) {
			struct machine *machine;
			int ret = own_spawn(own, g, i, &machine, err,
					    sizeof(err));

			if (ret) {
				scene_fail(result, SCENE_IMPOSSIBLE,
					   "guest %u of %u: %s", n + 1,
					   scene_guests(own->scene), err);
				return false;
			}
			source->guest[n] = (struct window_guest){
				.mem = machine->vm.mem.base,
				.bytes = machine->vm.mem.size_bytes,
				.group = g,
				.vcpus = own->scene->group[g].vcpus,
				.machine = machine,
			};
		}
	return true;
}

/*
 * As somebody does it by hand: the guests run already. (They start slowly, or not
 * at all, with a budget that is cut for what they do later.)
 */
static bool tune_all(struct own *own, struct scene_result *result)
{
	char err[ERR_BYTES];

	for (unsigned i = 0; i < atomic_load(&own->n_critical); i++) {
		const struct own_thread *thread = &own->critical[i];

		if (!bench_tune(thread->tid, own->contender->tuning,
				thread->group->runtime_ns,
				thread->group->period_ns, err, sizeof(err)))
			continue;
		scene_fail(result, SCENE_IMPOSSIBLE, "%s", err);
		return false;
	}
	return true;
}

void scene_play_own(const struct scene *scene,
		    const struct scene_contender *contender,
		    struct scene_result *result)
{
	static struct own own;
	struct window_source source = {.n = scene_guests(scene),
				       .alive = own_alive,
				       .exits = exits_of,
				       .ctx = &own};
	char err[ERR_BYTES] = "out of memory";

	own.scene = scene;
	own.contender = contender;
	source.guest = calloc(source.n + 1, sizeof(*source.guest));
	if (!source.guest || own_open(&own, err, sizeof(err))) {
		scene_fail(result, SCENE_BROKEN, "%s", err);
	} else if (spawn_all(&own, &source, result) &&
		   bench_window_wait(&source, 0, source.n, result) &&
		   tune_all(&own, result)) {
		bench_window_play(scene, &source, result);
		if (scene->strip)
			read_strip(&own, &source, result);
	}
	free(source.guest);
}
