/* SPDX-License-Identifier: Apache-2.0 */
/* The decision of a dispatch and its reason, as they stand in the trace. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_trace_fixture.h"

/* R: DIS-8: who reads the trace need not guess. */
static void test_trace_running_slice_has_decision_and_reason(void **state)
{
	struct trace *t = open_trace(0);
	struct dis_event run = RUN(15, 0, 3, 1);
	const json_t *args;
	json_t *root, *events;

	(void)state;
	run.arg = 2500;
	run.slice_ns = 4000001;
	run.candidates = 7;
	run.priority = 50;
	run.choice = DIS_CHOICE_BOOST;
	give(t, SPAWN(10, 0, 3));
	give(t, run);
	give(t, THROTTLE(40, 0, 3, 1));
	close_trace(t, 50);
	events = read_events(&root);
	args = json_object_get(find(events, "X", "running", 0), "args");
	assert_string_equal(json_string_value(json_object_get(args, "choice")),
			    "boost");
	assert_int_equal(
		json_integer_value(json_object_get(args, "candidates")), 7);
	assert_int_equal(json_integer_value(json_object_get(args, "priority")),
			 50);
	assert_true(json_real_value(json_object_get(args, "waited_us")) == 2.5);
	assert_true(json_real_value(json_object_get(args, "slice_us")) ==
		    4000.001);
	assert_null(json_object_get(
		json_object_get(find(events, "X", "scheduled", 0), "args"),
		"choice"));
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_trace_running_slice_has_decision_and_reason),
	};

	return cmocka_run_group_tests_name("trace_decision", tests, make_file,
					   remove_file);
}
