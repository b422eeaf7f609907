/* SPDX-License-Identifier: Apache-2.0 */
/* Events for a trace, and what must hold for the file that comes out. */
#ifndef TEST_TRACE_FIXTURE_H
#define TEST_TRACE_FIXTURE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/trace.h"

#define START_NS UINT64_C(1000000000)
#define US(us) (START_NS + (uint64_t)(us)*1000)

static char path[] = "/tmp/disvm-test-trace-XXXXXX";
static char err[512];
static const unsigned cpus[2] = {0, 1};

static inline int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static inline int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static inline struct trace *open_trace(uint64_t drain_ns)
{
	struct trace_config config = {
		.cpus = cpus,
		.n_cores = 2,
		.start_ns = START_NS,
		.drain_ns = drain_ns,
	};
	struct trace *t;

	assert_int_equal(trace_open(path, &config, &t, err, sizeof(err)), 0);
	return t;
}

static inline struct dis_event state_event(unsigned us, unsigned vm,
					   unsigned vcpu, unsigned core,
					   enum dis_state to,
					   enum dis_reason reason)
{
	return (struct dis_event){
		.time_ns = US(us),
		.vm_seq = vm,
		.vcpu_seq = (uint16_t)vcpu,
		.cpu = (uint16_t)core,
		.type = DIS_EVENT_STATE,
		.state = (uint8_t)to,
		.reason = (uint8_t)reason,
		.klass = DIS_CLASS_INTERACTIVE,
	};
}

#define SPAWN(us, vm, vcpu) \
	state_event(us, vm, vcpu, 0, DIS_STATE_SCHEDULED, DIS_REASON_SPAWN)
#define RUN(us, vm, vcpu, core) \
	state_event(us, vm, vcpu, core, DIS_STATE_RUNNING, DIS_REASON_DISPATCH)
#define THROTTLE(us, vm, vcpu, core) \
	state_event(us, vm, vcpu, core, DIS_STATE_THROTTLED, \
		    DIS_REASON_SLICE_END)
#define REQUEUE(us, vm, vcpu, core) \
	state_event(us, vm, vcpu, core, DIS_STATE_SCHEDULED, DIS_REASON_REQUEUE)
#define FINISH(us, vm, vcpu, core) \
	state_event(us, vm, vcpu, core, DIS_STATE_FINISHED, \
		    DIS_REASON_POWER_OFF)

static inline void give(struct trace *t, struct dis_event event)
{
	assert_int_equal(trace_events(t, &event, 1), 0);
}

static inline void close_trace(struct trace *t, unsigned us)
{
	assert_int_equal(trace_close(t, US(us), err, sizeof(err)), 0);
}

/* The events of the file, which must be valid JSON. */
static inline json_t *read_events(json_t **root)
{
	json_error_t error;

	*root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!*root)
		fail_msg("%d:%d: %s", error.line, error.column, error.text);
	return json_object_get(*root, "traceEvents");
}

static inline const char *text(const json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));

	return value ? value : "";
}

static inline double number(const json_t *event, const char *key)
{
	return json_number_value(json_object_get(event, key));
}

/* The @index-th event with this phase and name, or NULL. */
static inline const json_t *find(const json_t *events, const char *phase,
				 const char *name, unsigned index)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
		if (!strcmp(text(event, "ph"), phase) &&
		    !strcmp(text(event, "name"), name) && !index--)
			return event;
	return NULL;
}

static inline void expect_slice(const json_t *events, const char *name,
				unsigned index, double ts, double dur)
{
	const json_t *event = find(events, "X", name, index);

	if (!event)
		fail_msg("no slice %s %u", name, index);
	assert_true(number(event, "ts") == ts);
	assert_true(number(event, "dur") == dur);
}

static inline const char *arg(const json_t *event, const char *key)
{
	return text(json_object_get(event, "args"), key);
}

/*
 * What any trace must hold: slices of a track in order, none overlapping, no
 * negative time, every track named.
 */
static inline void check_tracks(const json_t *events)
{
	enum {
		TRACKS = 1024
	};
	static double end[TRACKS];
	static bool named[TRACKS];
	const json_t *event;
	size_t i;

	memset(end, 0, sizeof(end));
	memset(named, 0, sizeof(named));
	json_array_foreach(events, i, event) {
		const char *phase = text(event, "ph");
		unsigned tid = (unsigned)number(event, "tid");
		double ts = number(event, "ts"), dur = number(event, "dur");

		assert_true(tid < TRACKS);
		assert_true(ts >= 0 && dur >= 0);
		if (!strcmp(text(event, "name"), "thread_name"))
			named[tid] = true;
		if (strcmp(phase, "M") != 0)
			assert_true(named[tid]);
		if (strcmp(phase, "X") != 0)
			continue;
		/* Decimals are exact to the nanosecond, doubles nearly. */
		assert_true(ts + 0.0001 >= end[tid]);
		end[tid] = ts + dur;
	}
}

#endif
