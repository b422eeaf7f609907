/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events into slices of tracks; see trace.h.
 *
 * Every slice is one complete event ("ph":"X"), written when it ends, so that a
 * track's slices stand in the file in order and never overlap. The format is
 * the "Trace Event Format" of Chrome's catapult project.
 */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dis/module.h>

#include "trace_about.h"
#include "trace_core.h"
#include "trace_file.h"
#include "trace_order.h"

/* The state that it is in since @since_ns, if @open. */
struct vcpu_track {
	uint64_t since_ns;
	uint64_t arg;      /* of the event: wake time, or how long it waited */
	uint64_t slice_ns; /* Running: the decision */
	uint32_t tid;      /* 0: not seen yet */
	uint16_t core;
	uint8_t state;
	uint8_t reason;
	uint8_t klass;
	uint16_t candidates;
	uint8_t priority;
	uint8_t choice;
	bool open;
};

struct vm_track {
	struct vcpu_track *vcpus;
	size_t count;
};

struct trace {
	struct trace_file file;
	struct trace_order order;
	char *path;
	struct dis_modules *modules;
	uint64_t now_ns; /* of the last event that went into a track */
	uint64_t late;
	unsigned *cpus;
	size_t n_cpus;
	struct trace_core *cores;
	size_t n_cores;
	struct vm_track *vms;
	size_t n_vms;
	uint32_t tids;
	uint32_t pool_tid;
	int error; /* out of memory; those of the file are in there */
};

/* Make @array at least @index + 1 long, new entries all 0. */
static void *grow(struct trace *t, void *array, size_t *count, size_t index,
		  size_t size)
{
	size_t wanted = index + 1 + index / 2;
	char *grown;

	if (index < *count)
		return array;
	grown = reallocarray(array, wanted, size);
	if (!grown) {
		t->error = -ENOMEM;
		return array;
	}
	memset(grown + *count * size, 0, (wanted - *count) * size);
	*count = wanted;
	return grown;
}

static void name_process(struct trace *t, uint32_t pid, const char *name)
{
	trace_file_record(&t->file,
			  "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%u,"
			  "\"args\":{\"name\":\"%s\"}}",
			  pid, name);
	trace_file_record(&t->file,
			  "{\"ph\":\"M\",\"name\":\"process_sort_index\","
			  "\"pid\":%u,\"args\":{\"sort_index\":%u}}",
			  pid, pid - TRACE_PID_HOST);
}

static uint32_t name_thread(struct trace *t, uint32_t pid, unsigned position,
			    const char *name)
{
	uint32_t tid = ++t->tids;

	trace_file_record(&t->file,
			  "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%u,"
			  "\"tid\":%u,\"args\":{\"name\":\"%s\"}}",
			  pid, tid, name);
	trace_file_record(&t->file,
			  "{\"ph\":\"M\",\"name\":\"thread_sort_index\","
			  "\"pid\":%u,\"tid\":%u,\"args\":{\"sort_index\":%u}}",
			  pid, tid, position);
	return tid;
}

/* Track of core @index, or NULL without memory. */
static struct trace_core *core_track(struct trace *t, unsigned index)
{
	struct trace_core *core;
	char name[64];

	t->cores = grow(t, t->cores, &t->n_cores, index, sizeof(*t->cores));
	if (t->error)
		return NULL;
	core = &t->cores[index];
	if (core->tid)
		return core;
	if (index < t->n_cpus)
		snprintf(name, sizeof(name), "core %u (cpu %u)", index,
			 t->cpus[index]);
	else
		snprintf(name, sizeof(name), "core %u", index);
	core->tid = name_thread(t, TRACE_PID_HOST, index + 1, name);
	return core;
}

/* Track of the event's vCPU, or NULL without memory. */
static struct vcpu_track *vcpu_track(struct trace *t,
				     const struct dis_event *event)
{
	struct vcpu_track *vcpu;
	struct vm_track *vm;
	char name[64];

	t->vms = grow(t, t->vms, &t->n_vms, event->vm_seq, sizeof(*t->vms));
	if (t->error)
		return NULL;
	vm = &t->vms[event->vm_seq];
	if (!vm->vcpus) {
		snprintf(name, sizeof(name), "vm%u", event->vm_seq);
		name_process(t, TRACE_PID_VM + event->vm_seq, name);
	}
	vm->vcpus = grow(t, vm->vcpus, &vm->count, event->vcpu_seq,
			 sizeof(*vm->vcpus));
	if (t->error)
		return NULL;
	vcpu = &vm->vcpus[event->vcpu_seq];
	if (vcpu->tid)
		return vcpu;
	snprintf(name, sizeof(name), "vm%u/vcpu%u %s", event->vm_seq,
		 event->vcpu_seq, dis_class_name((enum dis_class)event->klass));
	vcpu->tid = name_thread(t, TRACE_PID_VM + event->vm_seq,
				event->vcpu_seq, name);
	return vcpu;
}

/* What only slices of this state have; their record's arguments end with it. */
static void format_more(const struct trace *t, const struct vcpu_track *vcpu,
			char *to, size_t size)
{
	to[0] = '\0';
	if (vcpu->state == DIS_STATE_RUNNING)
		snprintf(to, size,
			 ",\"core\":%u,\"choice\":\"%s\",\"waited_us\":" TRACE_US
			 ",\"slice_us\":" TRACE_US
			 ",\"candidates\":%u,\"priority\":%u",
			 vcpu->core,
			 dis_choice_name((enum dis_choice)vcpu->choice),
			 TRACE_US_OF(vcpu->arg), TRACE_US_OF(vcpu->slice_ns),
			 vcpu->candidates, vcpu->priority);
	else if (vcpu->state == DIS_STATE_SLEEPING)
		snprintf(to, size, ",\"wake_us\":" TRACE_US,
			 TRACE_US_OF(trace_file_time(&t->file, vcpu->arg)));
}

static void end_state(struct trace *t, struct vcpu_track *vcpu, uint32_t vm_seq,
		      uint64_t now_ns)
{
	uint64_t begin_ns = trace_file_time(&t->file, vcpu->since_ns);
	uint64_t end_ns = trace_file_time(&t->file, now_ns);
	const char *state = dis_state_name((enum dis_state)vcpu->state);
	char more[192];

	if (!vcpu->open)
		return;
	vcpu->open = false;
	format_more(t, vcpu, more, sizeof(more));
	trace_file_record(&t->file,
			  "{\"ph\":\"X\",\"name\":\"%s\",\"cat\":\"state\","
			  "\"pid\":%u,\"tid\":%u,\"ts\":" TRACE_US
			  ",\"dur\":" TRACE_US
			  ",\"args\":{\"reason\":\"%s\",\"intent\":\"%s\"%s}}",
			  state, TRACE_PID_VM + vm_seq, vcpu->tid,
			  TRACE_US_OF(begin_ns), TRACE_US_OF(end_ns - begin_ns),
			  dis_reason_name((enum dis_reason)vcpu->reason),
			  dis_class_name((enum dis_class)vcpu->klass), more);
}

/* @scope: "g" all tracks, "p" the process, "t" the track. */
static void instant(struct trace *t, const char *scope, uint32_t pid,
		    uint32_t tid, uint64_t ns, const char *name,
		    const char *args)
{
	trace_file_record(&t->file,
			  "{\"ph\":\"i\",\"s\":\"%s\",\"name\":\"%s\",\"pid\":"
			  "%u,\"tid\":%u,\"ts\":" TRACE_US ",\"args\":{%s}}",
			  scope, name, pid, tid,
			  TRACE_US_OF(trace_file_time(&t->file, ns)), args);
}

static void take_state(struct trace *t, const struct dis_event *event,
		       uint64_t now_ns)
{
	struct vcpu_track *vcpu = vcpu_track(t, event);
	const char *state = dis_state_name((enum dis_state)event->state);
	const char *reason = dis_reason_name((enum dis_reason)event->reason);
	struct trace_core *core;
	char args[64];

	if (!vcpu)
		return;
	if (vcpu->open && vcpu->state == DIS_STATE_RUNNING) {
		core = core_track(t, vcpu->core);
		if (core)
			trace_core_end(core, &t->file, event, now_ns);
	}
	end_state(t, vcpu, event->vm_seq, now_ns);
	*vcpu = (struct vcpu_track){
		.since_ns = now_ns,
		.arg = event->arg,
		.slice_ns = event->slice_ns,
		.tid = vcpu->tid,
		.core = event->cpu,
		.state = event->state,
		.reason = event->reason,
		.klass = event->klass,
		.candidates = event->candidates,
		.priority = event->priority,
		.choice = event->choice,
		.open = true,
	};
	if (event->state == DIS_STATE_RUNNING) {
		core = core_track(t, event->cpu);
		if (core)
			trace_core_begin(core, &t->file, event, now_ns);
	}
	if (event->state == DIS_STATE_FINISHED ||
	    event->state == DIS_STATE_FAILED) {
		vcpu->open = false;
		snprintf(args, sizeof(args), "\"reason\":\"%s\"", reason);
		instant(t, "t", TRACE_PID_VM + event->vm_seq, vcpu->tid, now_ns,
			state, args);
	}
}

static void take_migrate(struct trace *t, const struct dis_event *event,
			 uint64_t now_ns)
{
	struct vcpu_track *vcpu = vcpu_track(t, event);
	char args[64];

	if (!vcpu)
		return;
	snprintf(args, sizeof(args),
		 "\"from\":%" PRIu64 ",\"to\":%u,\"why\":\"%s\"", event->arg,
		 event->cpu, dis_move_name((enum dis_move)event->reason));
	instant(t, "t", TRACE_PID_VM + event->vm_seq, vcpu->tid, now_ns,
		"migrate", args);
}

static void take_end(struct trace *t, const struct dis_event *event,
		     uint64_t now_ns)
{
	struct vcpu_track *vcpu = vcpu_track(t, event);
	char name[64], args[64];

	if (!vcpu)
		return;
	snprintf(name, sizeof(name), "vm%u %s", event->vm_seq,
		 dis_state_name((enum dis_state)event->state));
	snprintf(args, sizeof(args), "\"reason\":\"%s\"",
		 dis_reason_name((enum dis_reason)event->reason));
	instant(t, "p", TRACE_PID_VM + event->vm_seq, vcpu->tid, now_ns, name,
		args);
}

static void take_denied(struct trace *t, const struct dis_event *event,
			uint64_t now_ns)
{
	char args[96];

	snprintf(args, sizeof(args), "\"vm\":%u,\"reason\":\"%s\"",
		 event->vm_seq,
		 dis_reason_name((enum dis_reason)event->reason));
	instant(t, "g", TRACE_PID_HOST, t->pool_tid, now_ns, "spawn denied",
		args);
}

static void take_policy_failed(struct trace *t, const struct dis_event *event,
			       uint64_t now_ns)
{
	struct dis_module_info info = {.name = "?"};
	char args[160];

	if (t->modules)
		dis_modules_get_info(t->modules, (unsigned)event->arg, &info);
	snprintf(args, sizeof(args),
		 "\"module\":\"%s\",\"reason\":\"%s\",\"intent\":\"%s\","
		 "\"core\":%u",
		 info.name, dis_reason_name((enum dis_reason)event->reason),
		 dis_class_name((enum dis_class)event->klass), event->cpu);
	instant(t, "g", TRACE_PID_HOST, t->pool_tid, now_ns,
		"policy module failed", args);
}

static void take(struct trace *t, const struct dis_event *event)
{
	/* Time never goes back within the file, whatever came too late. */
	if (event->time_ns < t->now_ns)
		t->late++;
	else
		t->now_ns = event->time_ns;
	switch ((enum dis_event_type)event->type) {
	case DIS_EVENT_STATE:
		take_state(t, event, t->now_ns);
		break;
	case DIS_EVENT_SPAWN_DENIED:
		take_denied(t, event, t->now_ns);
		break;
	case DIS_EVENT_MIGRATE:
		take_migrate(t, event, t->now_ns);
		break;
	case DIS_EVENT_VM_END:
		take_end(t, event, t->now_ns);
		break;
	case DIS_EVENT_POLICY_FAILED:
		take_policy_failed(t, event, t->now_ns);
		break;
	}
}

static int first_error(const struct trace *t)
{
	return t->error ? t->error : t->file.error;
}

void trace_describe_pool(struct trace *t, const struct dis_domain_config *cfg)
{
	trace_about_pool(&t->file, cfg);
}

void trace_describe_vcpu(struct trace *t, unsigned vm_seq, unsigned vcpu_seq,
			 const struct dis_intent *intent)
{
	trace_about_vcpu(&t->file, vm_seq, vcpu_seq, intent);
}

void trace_describe_shares(struct trace *t, unsigned vm_seq,
			   unsigned min_permille, unsigned max_permille)
{
	trace_about_shares(&t->file, vm_seq, min_permille, max_permille);
}

int trace_events(struct trace *t, const struct dis_event *events, size_t n)
{
	struct dis_event event;
	size_t i;

	for (i = 0; i < n && !t->error; i++) {
		if (trace_order_full(&t->order) &&
		    trace_order_take(&t->order, true, &event))
			take(t, &event);
		trace_order_put(&t->order, &events[i]);
		while (!t->error && trace_order_take(&t->order, false, &event))
			take(t, &event);
	}
	t->file.missing += n - i;
	return first_error(t);
}

static void release(struct trace *t)
{
	for (size_t i = 0; i < t->n_vms; i++)
		free(t->vms[i].vcpus);
	free(t->vms);
	free(t->cores);
	free(t->cpus);
	free(t->path);
	trace_order_fini(&t->order);
	free(t);
}

int trace_open(const char *path, const struct trace_config *config,
	       struct trace **out, char *err, size_t err_size)
{
	struct trace *t = calloc(1, sizeof(*t));
	int ret = -ENOMEM;

	if (!t)
		goto err_say;
	t->n_cpus = config->n_cores;
	t->modules = config->modules;
	t->path = strdup(path);
	t->cpus = calloc((size_t)config->n_cores + 1, sizeof(*t->cpus));
	if (!t->path || !t->cpus ||
	    trace_order_init(&t->order, config->drain_ns))
		goto err_release;
	for (unsigned i = 0; i < config->n_cores; i++)
		t->cpus[i] = config->cpus[i];
	ret = trace_file_open(&t->file, path, config->start_ns);
	if (ret)
		goto err_release;
	name_process(t, TRACE_PID_HOST, "host cores");
	t->pool_tid = name_thread(t, TRACE_PID_HOST, 0, "pool");
	for (unsigned i = 0; i < config->n_cores; i++)
		core_track(t, i);
	*out = t;
	return 0;

err_release:
	release(t);
err_say:
	snprintf(err, err_size, "trace %s: %s", path,
		 ret == -EINVAL ? "not a regular file" : strerror(-ret));
	return ret;
}

static void end_all(struct trace *t, uint64_t end_ns)
{
	for (size_t i = 0; i < t->n_cores; i++)
		trace_core_finish(&t->cores[i], &t->file, end_ns);
	for (size_t i = 0; i < t->n_vms; i++)
		for (size_t j = 0; j < t->vms[i].count; j++)
			end_state(t, &t->vms[i].vcpus[j], (uint32_t)i, end_ns);
}

int trace_close(struct trace *t, uint64_t end_ns, char *err, size_t err_size)
{
	struct dis_event event;
	char args[64];
	int ret;

	while (!t->error && trace_order_take(&t->order, true, &event))
		take(t, &event);
	end_ns = dis_ns_max(end_ns, t->now_ns);
	end_all(t, end_ns);
	if (t->late) {
		snprintf(args, sizeof(args), "\"events\":%" PRIu64, t->late);
		instant(t, "g", TRACE_PID_HOST, t->pool_tid, end_ns,
			"events handed over too late", args);
	}
	ret = trace_file_close(&t->file);
	if (t->error) {
		ret = t->error;
		t->file.missing += t->order.count;
	}
	if (ret)
		snprintf(err, err_size,
			 "trace %s: %s; the last %" PRIu64
			 " entries are missing",
			 t->path, strerror(-ret), t->file.missing);
	release(t);
	return ret;
}
