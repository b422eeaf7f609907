/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a trace back; see sim_trace.h. Three passes over the records: the
 * metadata (pool, vCPUs, names of tracks), the slices and ends of vCPU tracks,
 * and, in order of time, what may follow what.
 */
#include "sim_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

#define SCHEMA "disvm.trace/1"
#define FLOOR_MAX_PERMILLE 500
#define SHARE_MAX_PERMILLE (UINT64_C(1000) * DIS_VCPUS_PER_VM_MAX)

/* Tracks by thread number, which count up from 1. */
struct reader {
	struct sim_trace *out;
	const json_t *records;
	uint32_t *vcpu_of_tid; /* vCPU index + 1; 0: not a vCPU's */
	size_t n_tids;
	size_t max_events;
	char *err;
	size_t err_size;
};

#define REFUSE(r, ...) option_refuse((r)->err, (r)->err_size, __VA_ARGS__)

static const char *text_of(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* Whole number @key of @object in [min, max], or 0 and an error. */
static int get_uint(struct reader *r, const json_t *object, const char *where,
		    const char *key, uint64_t min, uint64_t max, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);
	json_int_t n = json_integer_value(value);

	*out = 0;
	if (!json_is_integer(value) || n < 0 || (uint64_t)n < min ||
	    (uint64_t)n > max)
		return REFUSE(r,
			      "%s: %s is not a whole number from %" PRIu64
			      " to %" PRIu64,
			      where, key, min, max);
	*out = (uint64_t)n;
	return 0;
}

/* Time @key of record @index: microseconds with decimals. */
static int get_time(struct reader *r, size_t index, const json_t *object,
		    const char *key, uint64_t *out_ns)
{
	const json_t *value = json_object_get(object, key);
	double us = json_number_value(value);

	if (!json_is_number(value) || !(us >= 0) ||
	    us * 1000 > (double)SIM_TIME_MAX_NS)
		return REFUSE(r,
			      "record %zu: %s is not a time of 0 to 24 hours in "
			      "microseconds",
			      index, key);
	*out_ns = (uint64_t)llround(us * 1000);
	return 0;
}

static int read_class(struct reader *r, const json_t *args, unsigned k)
{
	const char *name = dis_class_name((enum dis_class)k);
	const json_t *rules = json_object_get(args, name);
	uint64_t floor_permille = 0;
	char where[64];
	int ret;

	snprintf(where, sizeof(where), "disvm_pool: %s", name);
	ret = get_uint(r, rules, where, "quantum_ns", 0, DIS_QUANTUM_MAX_NS,
		       &r->out->quantum_ns[k]);
	if (!ret)
		ret = get_uint(r, rules, where, "floor_permille", 0,
			       FLOOR_MAX_PERMILLE, &floor_permille);
	if (ret)
		return ret;
	r->out->floor_permille[k] = (unsigned)floor_permille;
	snprintf(r->out->policy[k], SIM_NAME_MAX, "%s",
		 text_of(rules, "policy"));
	return 0;
}

static int read_pool(struct reader *r, const json_t *args)
{
	uint64_t cores;
	int ret;

	if (r->out->cores)
		return REFUSE(r, "disvm_pool stands there twice");
	if (json_is_true(json_object_get(args, "threads")))
		return REFUSE(r, "recorded with --executor threads: the host's "
				 "kernel scheduled, nobody knows when");
	ret = get_uint(r, args, "disvm_pool", "cores", 1, DIS_CORES_MAX, &cores);
	if (!ret)
		ret = get_uint(r, args, "disvm_pool", "quantum_ns", 0,
			       DIS_QUANTUM_MAX_NS, &r->out->default_quantum_ns);
	for (unsigned k = 0; k < DIS_CLASSES && !ret; k++)
		ret = read_class(r, args, k);
	if (ret)
		return ret;
	r->out->cores = (unsigned)cores;
	r->out->fixed_slices =
		json_is_true(json_object_get(args, "fixed_slices"));
	return 0;
}

/* vCPUs stand in order, VM by VM, as they were spawned. */
static int read_vcpu(struct reader *r, const json_t *args)
{
	struct sim_trace *t = r->out;
	struct dis_intent intent = dis_intent_default();
	const char *text = text_of(args, "intent");
	uint64_t vm, seq;
	char why[512];
	int ret;

	ret = get_uint(r, args, "disvm_vcpu", "vm", 0, SIM_VMS_MAX - 1, &vm);
	if (!ret)
		ret = get_uint(r, args, "disvm_vcpu", "vcpu", 0,
			       DIS_VCPUS_PER_VM_MAX - 1, &seq);
	if (ret)
		return ret;
	if (*text && dis_intent_parse(text, &intent, why, sizeof(why)))
		return REFUSE(r, "disvm_vcpu: %s", why);
	if (t->n_vcpus == SIM_VCPUS_MAX)
		return REFUSE(r, "more than %u vCPUs", SIM_VCPUS_MAX);
	if (vm == t->n_vms && seq == 0)
		t->vms[t->n_vms++].first = (uint32_t)t->n_vcpus;
	if (vm + 1 != t->n_vms || seq != t->vms[vm].count)
		return REFUSE(r,
			      "disvm_vcpu: vm%" PRIu64 "/vcpu%" PRIu64
			      " is out of order",
			      vm, seq);
	t->vms[vm].count++;
	t->vcpus[t->n_vcpus++] = (struct sim_vcpu){
		.vm = (uint32_t)vm, .seq = (uint32_t)seq, .intent = intent};
	return 0;
}

/* The shares of a VM whose vCPUs are known; without such a record it has none. */
static int read_vm(struct reader *r, const json_t *args)
{
	uint64_t vm, min_permille, max_permille;
	int ret;

	ret = get_uint(r, args, "disvm_vm", "vm", 0, SIM_VMS_MAX - 1, &vm);
	if (!ret)
		ret = get_uint(r, args, "disvm_vm", "min_permille", 0,
			       SHARE_MAX_PERMILLE, &min_permille);
	if (!ret)
		ret = get_uint(r, args, "disvm_vm", "max_permille", 0,
			       SHARE_MAX_PERMILLE, &max_permille);
	if (ret)
		return ret;
	if (vm >= r->out->n_vms)
		return REFUSE(r, "disvm_vm: no disvm_vcpu of vm%" PRIu64, vm);
	r->out->vms[vm].min_permille = (unsigned)min_permille;
	r->out->vms[vm].max_permille = (unsigned)max_permille;
	return 0;
}

/* "vm0/vcpu3 batch" names the track of a vCPU. */
static int read_track(struct reader *r, size_t index, const json_t *record,
		      const char *name)
{
	unsigned vm, vcpu;
	uint64_t tid;
	char where[64];
	int ret;

	if (sscanf(name, "vm%u/vcpu%u ", &vm, &vcpu) != 2)
		return 0;
	snprintf(where, sizeof(where), "record %zu", index);
	ret = get_uint(r, record, where, "tid", 1, r->n_tids - 1, &tid);
	if (ret)
		return ret;
	if (vm >= r->out->n_vms || vcpu >= r->out->vms[vm].count)
		return REFUSE(r, "%s: no disvm_vcpu for vm%u/vcpu%u", where, vm,
			      vcpu);
	if (r->vcpu_of_tid[tid])
		return REFUSE(r, "%s: track %" PRIu64 " has a name", where, tid);
	r->vcpu_of_tid[tid] = r->out->vms[vm].first + vcpu + 1;
	return 0;
}

static int read_metadata(struct reader *r)
{
	const json_t *record;
	size_t i;
	int ret = 0;

	json_array_foreach(r->records, i, record) {
		const json_t *args = json_object_get(record, "args");
		const char *name = text_of(record, "name");

		if (!json_is_object(record))
			return REFUSE(r, "record %zu is not an object", i);
		if (strcmp(text_of(record, "ph"), "M") != 0)
			continue;
		if (!strcmp(name, "disvm_pool"))
			ret = read_pool(r, args);
		else if (!strcmp(name, "disvm_vcpu"))
			ret = read_vcpu(r, args);
		else if (!strcmp(name, "disvm_vm"))
			ret = read_vm(r, args);
		else if (!strcmp(name, "thread_name"))
			ret = read_track(r, i, record, text_of(args, "name"));
		if (ret)
			return ret;
	}
	if (!r->out->cores)
		return REFUSE(r, "no disvm_pool record: not a trace of disvm "
				 "run, or of one that could not be replayed");
	if (!r->out->n_vcpus)
		return REFUSE(r, "no vCPUs");
	return 0;
}

static int find_state(const char *name, uint8_t *out)
{
	for (unsigned s = 0; s < DIS_STATES; s++) {
		*out = (uint8_t)s;
		if (!strcmp(name, dis_state_name((enum dis_state)s)))
			return 0;
	}
	return -EINVAL;
}

static int find_reason(const char *name, uint8_t *out)
{
	for (unsigned s = 0; s < DIS_REASONS; s++) {
		*out = (uint8_t)s;
		if (!strcmp(name, dis_reason_name((enum dis_reason)s)))
			return 0;
	}
	return -EINVAL;
}

static int find_class(const char *name, uint8_t *out)
{
	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		*out = (uint8_t)k;
		if (!strcmp(name, dis_class_name((enum dis_class)k)))
			return 0;
	}
	return -EINVAL;
}

/* A slice of a vCPU's track, or the instant at which it ended. */
static int read_event(struct reader *r, size_t index, const json_t *record,
		      bool slice, uint32_t vcpu)
{
	const json_t *args = json_object_get(record, "args");
	const char *state = text_of(record, "name");
	const char *reason = text_of(args, "reason");
	const char *klass = text_of(args, "intent");
	struct sim_event event = {.vcpu = vcpu, .wake_ns = DIS_NEVER_NS};
	uint64_t dur_ns = 0;
	int ret;

	if (find_state(state, &event.state))
		/* Instants of other kinds: a migration, the end of a VM. */
		return slice ? REFUSE(r, "record %zu: unknown state '%s'",
				      index, state)
			     : 0;
	if (find_reason(reason, &event.reason))
		return REFUSE(r, "record %zu: unknown reason '%s'", index,
			      reason);
	if (slice && find_class(klass, &event.klass))
		return REFUSE(r, "record %zu: unknown class '%s'", index, klass);
	ret = get_time(r, index, record, "ts", &event.time_ns);
	if (!ret && slice)
		ret = get_time(r, index, record, "dur", &dur_ns);
	if (!ret && slice && event.state == DIS_STATE_SLEEPING)
		ret = get_time(r, index, args, "wake_us", &event.wake_ns);
	if (ret)
		return ret;
	r->out->end_ns = dis_ns_max(r->out->end_ns, event.time_ns + dur_ns);
	r->out->events[r->out->n_events++] = event;
	return 0;
}

static int read_events(struct reader *r)
{
	const json_t *record;
	size_t i;

	json_array_foreach(r->records, i, record) {
		const char *phase = text_of(record, "ph");
		json_int_t tid =
			json_integer_value(json_object_get(record, "tid"));
		bool slice = !strcmp(phase, "X") &&
			     !strcmp(text_of(record, "cat"), "state");
		bool instant = !strcmp(phase, "i") &&
			       !strcmp(text_of(record, "s"), "t");
		uint32_t vcpu;
		int ret;

		if (!slice && !instant)
			continue;
		vcpu = tid > 0 && (size_t)tid < r->n_tids ? r->vcpu_of_tid[tid]
							  : 0;
		if (!vcpu && slice)
			return REFUSE(r, "record %zu: no vCPU has track %lld",
				      i, (long long)tid);
		ret = vcpu ? read_event(r, i, record, slice, vcpu - 1) : 0;
		if (ret)
			return ret;
	}
	return r->out->n_events ? 0 : REFUSE(r, "nothing happens in it");
}

/* By time; what is alike stays in its order, which reading noted in `place`. */
struct placed {
	struct sim_event event;
	size_t place;
};

static int compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->event.time_ns != y->event.time_ns)
		return x->event.time_ns < y->event.time_ns ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static int sort_events(struct sim_trace *t)
{
	struct placed *placed = calloc(t->n_events, sizeof(*placed));

	if (!placed)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_events; i++)
		placed[i] = (struct placed){t->events[i], i};
	qsort(placed, t->n_events, sizeof(*placed), compare);
	for (size_t i = 0; i < t->n_events; i++)
		t->events[i] = placed[i].event;
	free(placed);
	return 0;
}

static bool follows(uint8_t from, uint8_t to)
{
	switch ((enum dis_state)from) {
	case DIS_STATE_SCHEDULED:
		return to == DIS_STATE_RUNNING;
	case DIS_STATE_RUNNING:
		return to != DIS_STATE_RUNNING;
	case DIS_STATE_SLEEPING:
	case DIS_STATE_WAITING:
	case DIS_STATE_THROTTLED:
		return to == DIS_STATE_SCHEDULED;
	default:
		return false;
	}
}

/*
 * Slices are written in the order of their vCPU, so one that begins before the
 * one in front of it was put there by another hand; and where one is missing,
 * the states around it do not fit.
 */
static int check_order(struct reader *r)
{
	struct sim_trace *t = r->out;
	/* Of each vCPU: index + 1, 0: none so far. */
	size_t *last = calloc(t->n_vcpus, sizeof(*last));
	int ret = last ? 0 : -ENOMEM;

	for (size_t i = 0; i < t->n_events && !ret; i++) {
		const struct sim_event *e = &t->events[i];
		const struct sim_event *l =
			last[e->vcpu] ? &t->events[last[e->vcpu] - 1] : NULL;
		const struct sim_vcpu *v = &t->vcpus[e->vcpu];

		if (!l && e->state != DIS_STATE_SCHEDULED)
			ret = REFUSE(r, "vm%u/vcpu%u does not begin scheduled",
				     v->vm, v->seq);
		if (l &&
		    (l->time_ns > e->time_ns || !follows(l->state, e->state)))
			ret = REFUSE(r,
				     "vm%u/vcpu%u: %s at %" PRIu64
				     " us after %s at %" PRIu64
				     " us: events are missing or unordered",
				     v->vm, v->seq,
				     dis_state_name((enum dis_state)e->state),
				     e->time_ns / 1000,
				     dis_state_name((enum dis_state)l->state),
				     l->time_ns / 1000);
		last[e->vcpu] = i + 1;
	}
	free(last);
	return ret;
}

static int read_all(struct reader *r, const json_t *root)
{
	struct sim_trace *t = r->out;
	size_t n;
	int ret;

	if (strcmp(text_of(json_object_get(root, "otherData"), "schema"),
		   SCHEMA) != 0)
		return REFUSE(r, "otherData.schema is not " SCHEMA);
	r->records = json_object_get(root, "traceEvents");
	if (!json_is_array(r->records))
		return REFUSE(r, "traceEvents is not an array");
	n = json_array_size(r->records);
	r->n_tids = n + 1;
	r->vcpu_of_tid = calloc(r->n_tids, sizeof(*r->vcpu_of_tid));
	t->vms = calloc(SIM_VMS_MAX, sizeof(*t->vms));
	t->vcpus = calloc(SIM_VCPUS_MAX, sizeof(*t->vcpus));
	t->events = calloc(n + 1, sizeof(*t->events));
	if (!r->vcpu_of_tid || !t->vms || !t->vcpus || !t->events)
		return -ENOMEM;
	ret = read_metadata(r);
	if (!ret)
		ret = read_events(r);
	/* In the file, first: sorting would hide it. */
	if (!ret)
		ret = check_order(r);
	if (!ret)
		ret = sort_events(t);
	return ret;
}

int sim_trace_parse(const char *text, size_t size, struct sim_trace *out,
		    char *err, size_t err_size)
{
	struct reader r = {.out = out, .err = err, .err_size = err_size};
	json_error_t error;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	int ret;

	memset(out, 0, sizeof(*out));
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		ret = -ENOMEM;
	else if (!root)
		ret = REFUSE(&r, "line %d, column %d: %s", error.line,
			     error.column, error.text);
	else
		ret = read_all(&r, root);
	if (ret == -ENOMEM)
		snprintf(err, err_size, "out of memory");
	if (ret)
		sim_trace_free(out);
	free(r.vcpu_of_tid);
	json_decref(root);
	return ret;
}

void sim_trace_free(struct sim_trace *trace)
{
	free(trace->vms);
	free(trace->vcpus);
	free(trace->events);
	memset(trace, 0, sizeof(*trace));
}
