/* SPDX-License-Identifier: Apache-2.0 */
/* Names, priorities and messages: what reports and traces rely on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include <dis/error.h>
#include <dis/types.h>

/* R: DIS-5 */
static void test_class_name_each_class_lower_case_word(void **state)
{
	(void)state;
	assert_string_equal(dis_class_name(DIS_CLASS_SYSTEM), "system");
	assert_string_equal(dis_class_name(DIS_CLASS_REALTIME), "realtime");
	assert_string_equal(dis_class_name(DIS_CLASS_INTERACTIVE),
			    "interactive");
	assert_string_equal(dis_class_name(DIS_CLASS_BATCH), "batch");
	assert_string_equal(dis_class_name(DIS_CLASS_BACKGROUND), "background");
}

/* R: ST-1, ST-6 */
static void test_state_name_seven_states_have_their_names(void **state)
{
	static const char *const names[] = {
		"scheduled", "running",  "sleeping", "waiting",
		"throttled", "finished", "failed",
	};

	(void)state;
	assert_int_equal(DIS_STATES, 7);
	for (unsigned i = 0; i < DIS_STATES; i++)
		assert_string_equal(dis_state_name((enum dis_state)i), names[i]);
}

/* R: ST-6 */
static void test_reason_name_two_words_joined_by_hyphen(void **state)
{
	(void)state;
	assert_string_equal(dis_reason_name(DIS_REASON_SLICE_END), "slice-end");
	assert_string_equal(dis_reason_name(DIS_REASON_TRIPLE_FAULT),
			    "triple-fault");
	assert_string_equal(dis_reason_name(DIS_REASON_SLAB_EXHAUSTED),
			    "slab-exhausted");
}

static void test_reason_name_all_reasons_named_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DIS_REASONS; i++) {
		const char *name = dis_reason_name((enum dis_reason)i);

		assert_string_not_equal(name, "?");
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				name, dis_reason_name((enum dis_reason)j));
	}
}

static void test_move_name_all_moves_named_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DIS_MOVES; i++) {
		const char *name = dis_move_name((enum dis_move)i);

		assert_string_not_equal(name, "?");
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(
				name, dis_move_name((enum dis_move)j));
	}
}

static void test_names_out_of_range_question_mark(void **state)
{
	(void)state;
	assert_string_equal(dis_class_name(DIS_CLASSES), "?");
	assert_string_equal(dis_state_name(DIS_STATES), "?");
	assert_string_equal(dis_reason_name(DIS_REASONS), "?");
	assert_string_equal(dis_move_name(DIS_MOVES), "?");
	assert_string_equal(dis_reason_name((enum dis_reason)255), "?");
}

/* R: DIS-5 */
static void test_class_priority_each_class_as_specified(void **state)
{
	static const unsigned priorities[] = {0, 10, 50, 100, 200};

	(void)state;
	for (unsigned i = 0; i < DIS_CLASSES; i++)
		assert_int_equal(dis_class_priority((enum dis_class)i),
				 priorities[i]);
}

static void test_class_priority_out_of_range_least_urgent(void **state)
{
	(void)state;
	assert_true(dis_class_priority(DIS_CLASSES) > 200);
}

/* R: DIS-4 */
static void test_strerror_errors_of_dis_have_own_messages(void **state)
{
	static const int errors[] = {
		DIS_ENOTFOUND,     DIS_EEXISTS,   DIS_ESTATE,
		DIS_EINTENT,       DIS_EDEADLINE, DIS_ENOCPU,
		DIS_EQUEUEFULL,    DIS_ERESOURCE, DIS_EPERMISSION,
		DIS_ENOTSUPPORTED,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(dis_strerror(errors[i]),
						dis_strerror(errors[j]));
	assert_string_equal(dis_strerror(DIS_EDEADLINE), "deadline missed");
}

static void test_strerror_either_sign_same_message(void **state)
{
	(void)state;
	assert_string_equal(dis_strerror(-DIS_ENOCPU), dis_strerror(DIS_ENOCPU));
}

static void test_strerror_other_code_message_of_libc(void **state)
{
	(void)state;
	assert_string_equal(dis_strerror(-EPIPE), strerror(EPIPE));
}

static void test_strerror_no_such_code_unknown_error(void **state)
{
	(void)state;
	assert_string_equal(dis_strerror(123456), "unknown error");
	assert_string_equal(dis_strerror(INT_MIN), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_name_each_class_lower_case_word),
		cmocka_unit_test(test_state_name_seven_states_have_their_names),
		cmocka_unit_test(test_reason_name_two_words_joined_by_hyphen),
		cmocka_unit_test(test_reason_name_all_reasons_named_once),
		cmocka_unit_test(test_move_name_all_moves_named_once),
		cmocka_unit_test(test_names_out_of_range_question_mark),
		cmocka_unit_test(test_class_priority_each_class_as_specified),
		cmocka_unit_test(test_class_priority_out_of_range_least_urgent),
		cmocka_unit_test(test_strerror_errors_of_dis_have_own_messages),
		cmocka_unit_test(test_strerror_either_sign_same_message),
		cmocka_unit_test(test_strerror_other_code_message_of_libc),
		cmocka_unit_test(test_strerror_no_such_code_unknown_error),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
