/* SPDX-License-Identifier: Apache-2.0 */
/* The trace: which events become which slices of which tracks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_trace_fixture.h"

static void test_trace_nothing_happened_valid_with_core_names(void **state)
{
	json_t *root, *events;

	(void)state;
	close_trace(open_trace(0), 100);
	events = read_events(&root);
	assert_string_equal(arg(find(events, "M", "process_name", 0), "name"),
			    "host cores");
	assert_string_equal(arg(find(events, "M", "thread_name", 1), "name"),
			    "core 0 (cpu 0)");
	assert_string_equal(arg(find(events, "M", "thread_name", 2), "name"),
			    "core 1 (cpu 1)");
	json_decref(root);
}

static void test_trace_one_run_slice_on_core_and_vcpu_track(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;
	const json_t *slice;

	(void)state;
	give(t, SPAWN(10, 0, 3));
	give(t, RUN(15, 0, 3, 1));
	give(t, THROTTLE(40, 0, 3, 1));
	give(t, REQUEUE(41, 0, 3, 1));
	close_trace(t, 50);
	events = read_events(&root);
	check_tracks(events);
	slice = find(events, "X", "vm0/vcpu3", 0);
	expect_slice(events, "vm0/vcpu3", 0, 15, 25);
	assert_string_equal(arg(slice, "stopped"), "slice-end");
	assert_string_equal(arg(slice, "next"), "throttled");
	assert_string_equal(arg(slice, "intent"), "interactive");
	expect_slice(events, "scheduled", 0, 10, 5);
	expect_slice(events, "running", 0, 15, 25);
	expect_slice(events, "throttled", 0, 40, 1);
	expect_slice(events, "scheduled", 1, 41, 9);
	assert_string_equal(arg(find(events, "X", "scheduled", 1), "reason"),
			    "requeue");
	json_decref(root);
}

static void test_trace_vcpu_track_named_with_class(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, SPAWN(10, 2, 3));
	close_trace(t, 50);
	events = read_events(&root);
	assert_string_equal(arg(find(events, "M", "process_name", 1), "name"),
			    "vm2");
	assert_string_equal(arg(find(events, "M", "thread_name", 3), "name"),
			    "vm2/vcpu3 interactive");
	json_decref(root);
}

static void test_trace_cores_interleaved_late_put_in_order(void **state)
{
	struct trace *t = open_trace(100000);
	json_t *root, *events;

	(void)state;
	/* Core 1 took vCPU 0 over at 30; its ring is drained first. */
	give(t, SPAWN(1, 0, 0));
	give(t, RUN(30, 0, 0, 1));
	give(t, THROTTLE(60, 0, 0, 1));
	give(t, RUN(5, 0, 0, 0));
	give(t, THROTTLE(20, 0, 0, 0));
	give(t, REQUEUE(20, 0, 0, 0));
	close_trace(t, 60);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 5, 15);
	expect_slice(events, "vm0/vcpu0", 1, 30, 30);
	expect_slice(events, "scheduled", 1, 20, 10);
	assert_null(find(events, "i", "events handed over too late", 0));
	json_decref(root);
}

static void test_trace_later_than_drain_interval_said_and_valid(void **state)
{
	struct trace *t = open_trace(10000);
	json_t *root, *events;
	const json_t *said;

	(void)state;
	give(t, SPAWN(1, 0, 0));
	give(t, SPAWN(100, 0, 1));
	give(t, SPAWN(200, 0, 2));
	give(t, RUN(50, 0, 0, 0));
	close_trace(t, 300);
	events = read_events(&root);
	check_tracks(events);
	said = find(events, "i", "events handed over too late", 0);
	assert_non_null(said);
	assert_int_equal(number(json_object_get(said, "args"), "events"), 1);
	json_decref(root);
}

static void test_trace_lost_end_of_run_closed_by_next_run(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	give(t, RUN(20, 0, 1, 0));
	give(t, THROTTLE(25, 0, 0, 0)); /* must not end vCPU 1's slice */
	give(t, THROTTLE(30, 0, 1, 0));
	close_trace(t, 30);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 10, 10);
	assert_string_equal(arg(find(events, "X", "vm0/vcpu0", 0), "stopped"),
			    "event lost");
	expect_slice(events, "vm0/vcpu1", 0, 20, 10);
	json_decref(root);
}

/* As when a whole guest is ended while one of its vCPUs runs. */
static void test_trace_run_of_no_length_leaves_core_to_holder(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	give(t, RUN(30, 0, 1, 0));
	give(t, FINISH(30, 0, 1, 0));
	give(t, RUN(30, 0, 2, 0));
	give(t, FINISH(30, 0, 2, 0));
	give(t, FINISH(30, 0, 0, 0));
	close_trace(t, 40);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 10, 20);
	assert_string_equal(arg(find(events, "X", "vm0/vcpu0", 0), "stopped"),
			    "power-off");
	assert_null(find(events, "X", "vm0/vcpu1", 0));
	expect_slice(events, "running", 0, 30, 0);
	json_decref(root);
}

static void test_trace_lost_end_said_when_next_one_ends(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	give(t, RUN(20, 0, 1, 0));
	give(t, THROTTLE(30, 0, 1, 0));
	give(t, RUN(30, 0, 2, 0));
	close_trace(t, 40);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 10, 10);
	expect_slice(events, "vm0/vcpu1", 0, 20, 10);
	expect_slice(events, "vm0/vcpu2", 0, 30, 10);
	json_decref(root);
}

static void test_trace_still_running_at_end_closed_there(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	close_trace(t, 75);
	events = read_events(&root);
	expect_slice(events, "vm0/vcpu0", 0, 10, 65);
	expect_slice(events, "running", 0, 10, 65);
	assert_string_equal(arg(find(events, "X", "vm0/vcpu0", 0), "stopped"),
			    "end of trace");
	json_decref(root);
}

static void test_trace_end_before_last_event_no_negative_time(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	close_trace(t, 5);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 10, 0);
	json_decref(root);
}

static void test_trace_before_start_begins_at_zero(void **state)
{
	struct trace *t = open_trace(0);
	struct dis_event early = SPAWN(0, 0, 0);
	json_t *root, *events;

	(void)state;
	early.time_ns = START_NS - 5000;
	give(t, early);
	give(t, RUN(10, 0, 0, 0));
	close_trace(t, 20);
	events = read_events(&root);
	expect_slice(events, "scheduled", 0, 0, 10);
	json_decref(root);
}

static void test_trace_sleeping_says_wake_time(void **state)
{
	struct trace *t = open_trace(0);
	struct dis_event sleep =
		state_event(10, 0, 0, 0, DIS_STATE_SLEEPING, DIS_REASON_HALT);
	json_t *root, *events;

	(void)state;
	sleep.arg = US(1234) + 5;
	give(t, sleep);
	close_trace(t, 20);
	events = read_events(&root);
	assert_true(number(json_object_get(find(events, "X", "sleeping", 0),
					   "args"),
			   "wake_us") == 1234.005);
	json_decref(root);
}

static void test_trace_end_of_vcpu_and_vm_instants(void **state)
{
	struct trace *t = open_trace(0);
	struct dis_event end = FINISH(30, 0, 0, 0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 0));
	give(t, FINISH(30, 0, 0, 0));
	end.type = DIS_EVENT_VM_END;
	give(t, end);
	close_trace(t, 100);
	events = read_events(&root);
	check_tracks(events);
	assert_true(number(find(events, "i", "finished", 0), "ts") == 30);
	assert_string_equal(arg(find(events, "i", "vm0 finished", 0), "reason"),
			    "power-off");
	/* Nothing goes on after the end. */
	assert_null(find(events, "X", "finished", 0));
	json_decref(root);
}

/* R: MEM-2 */
static void test_trace_spawn_denied_instant_with_reason(void **state)
{
	struct dis_event denied = {
		.time_ns = US(7),
		.vm_seq = 5,
		.cpu = DIS_EVENT_NO_CPU,
		.type = DIS_EVENT_SPAWN_DENIED,
		.reason = DIS_REASON_SLAB_EXHAUSTED,
	};
	struct trace *t = open_trace(0);
	json_t *root, *events;
	const json_t *said;

	(void)state;
	give(t, denied);
	close_trace(t, 10);
	events = read_events(&root);
	check_tracks(events);
	said = find(events, "i", "spawn denied", 0);
	assert_string_equal(arg(said, "reason"), "slab-exhausted");
	assert_string_equal(text(said, "s"), "g");
	json_decref(root);
}

static void test_trace_migration_instant_with_cores_and_why(void **state)
{
	struct dis_event move = SPAWN(10, 0, 0);
	struct trace *t = open_trace(0);
	json_t *root, *events, *args;

	(void)state;
	move.type = DIS_EVENT_MIGRATE;
	move.arg = 0;
	move.cpu = 1;
	move.reason = DIS_MOVE_PUSH;
	give(t, move);
	close_trace(t, 20);
	events = read_events(&root);
	args = json_object_get(find(events, "i", "migrate", 0), "args");
	assert_int_equal(number(args, "from"), 0);
	assert_int_equal(number(args, "to"), 1);
	assert_string_equal(text(args, "why"), "push");
	json_decref(root);
}

/* As with one thread, and one core, per vCPU. */
static void test_trace_core_beyond_pool_gets_own_track(void **state)
{
	struct trace *t = open_trace(0);
	json_t *root, *events;

	(void)state;
	give(t, RUN(10, 0, 0, 500));
	close_trace(t, 20);
	events = read_events(&root);
	check_tracks(events);
	expect_slice(events, "vm0/vcpu0", 0, 10, 10);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_trace_nothing_happened_valid_with_core_names),
		cmocka_unit_test(
			test_trace_one_run_slice_on_core_and_vcpu_track),
		cmocka_unit_test(test_trace_vcpu_track_named_with_class),
		cmocka_unit_test(test_trace_cores_interleaved_late_put_in_order),
		cmocka_unit_test(
			test_trace_later_than_drain_interval_said_and_valid),
		cmocka_unit_test(test_trace_lost_end_of_run_closed_by_next_run),
		cmocka_unit_test(
			test_trace_run_of_no_length_leaves_core_to_holder),
		cmocka_unit_test(test_trace_lost_end_said_when_next_one_ends),
		cmocka_unit_test(test_trace_still_running_at_end_closed_there),
		cmocka_unit_test(
			test_trace_end_before_last_event_no_negative_time),
		cmocka_unit_test(test_trace_before_start_begins_at_zero),
		cmocka_unit_test(test_trace_sleeping_says_wake_time),
		cmocka_unit_test(test_trace_end_of_vcpu_and_vm_instants),
		cmocka_unit_test(test_trace_spawn_denied_instant_with_reason),
		cmocka_unit_test(
			test_trace_migration_instant_with_cores_and_why),
		cmocka_unit_test(test_trace_core_beyond_pool_gets_own_track),
	};

	return cmocka_run_group_tests_name("trace", tests, make_file,
					   remove_file);
}
