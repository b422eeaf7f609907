/* SPDX-License-Identifier: Apache-2.0 */
/* Undefined hypercalls, after <disvm/guest_abi.h>: each ends the guest. */
#include <errno.h>
#include <stdio.h>

#include "test_hypercall_fixture.h"

static void assert_undefined(struct fixture *f, enum io_action action,
			     const char *text)
{
	assert_int_equal(action, IO_FAIL);
	assert_int_equal(f->last.reason, DIS_REASON_HYPERCALL);
	assert_string_equal(f->last.text, text);
}

static void test_hypercall_unknown_number_fails_naming_it(void **state)
{
	assert_undefined(*state, call(*state, 2, 77, 0),
			 "undefined hypercall: call number 77");
}

static void test_hypercall_other_width_fails_naming_it(void **state)
{
	assert_undefined(*state, out(*state, 0, DISVM_HC_ARG0, 1, 0),
			 "undefined hypercall: 8-bit write to offset 4");
	assert_undefined(*state, out(*state, 0, DISVM_HC_CALL, 2, 0),
			 "undefined hypercall: 16-bit write to offset 0");
}

static void test_hypercall_other_offset_fails_naming_it(void **state)
{
	struct fixture *f = *state;
	uint8_t data[4];

	for (uint16_t offset = 1; offset < 16; offset++) {
		if (offset != DISVM_HC_ARG0 && offset != DISVM_HC_ARG1)
			assert_int_equal(out(f, 0, offset, 4, 0), IO_FAIL);
	}
	assert_undefined(f, out(f, 0, DISVM_HC_ID, 4, 0),
			 "undefined hypercall: 32-bit write to offset 12");
	f->last = (struct io_access){.addr = DISVM_HC_PORT + 2,
				     .width = 4,
				     .count = 1,
				     .data = data,
				     .vcpu = 1};
	assert_undefined(f, io_bus_access(&f->bus, &f->last),
			 "undefined hypercall: 32-bit read of offset 2");
}

/* Call @number with each bad address; the text ends as the reason says. */
struct bad_address {
	uint32_t gpa;
	const char *why;
};

static void assert_bad_addresses(struct fixture *f, uint32_t number,
				 const char *name,
				 const struct bad_address *bad, size_t n)
{
	char text[IO_TEXT_SIZE];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text),
			 "undefined hypercall: %s, argument 0 is 0x%x (%s)",
			 name, bad[i].gpa, bad[i].why);
		assert_undefined(f, call(f, 0, number, bad[i].gpa), text);
	}
}

/* R: ST-3 */
static void test_hypercall_report_bad_address_fails_naming_it(void **state)
{
	static const struct bad_address bad[] = {
		{8, "misaligned"},
		{0x800, "misaligned"},
		{0x1001, "misaligned"},
		{MEM_BYTES, "outside guest memory"},
		{0xfffff000, "outside guest memory"},
	};
	struct fixture *f = *state;
	struct disvm_guest_report out_report;

	assert_bad_addresses(f, DISVM_CALL_REPORT, "report", bad,
			     sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(hypercall_read_report(&f->dev, 0, &out_report),
			 -ENOENT);
}

/* R: ST-3 */
static void test_hypercall_intent_bad_address_fails_naming_it(void **state)
{
	static const struct bad_address bad[] = {
		{0x2004, "misaligned"},
		{UINT32_MAX, "misaligned"},
		{MEM_BYTES - 8, "outside guest memory"},
		{MEM_BYTES, "outside guest memory"},
		{0xfffffff8, "outside guest memory"},
	};
	struct fixture *f = *state;

	assert_bad_addresses(f, DISVM_CALL_INTENT, "intent", bad,
			     sizeof(bad) / sizeof(bad[0]));
	assert_int_equal(f->asked, 0);
}

/* The same of a call whose address is argument 1. */
static void assert_bad_words(struct fixture *f, uint32_t number,
			     const char *name, uint32_t arg0)
{
	static const struct bad_address bad[] = {
		{0x2004, "misaligned"},
		{MEM_BYTES, "outside guest memory"},
		{0xfffffff8, "outside guest memory"},
	};
	char text[IO_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
			 "undefined hypercall: %s, argument 1 is 0x%x (%s)",
			 name, bad[i].gpa, bad[i].why);
		out(f, 0, DISVM_HC_ARG1, 4, bad[i].gpa);
		assert_undefined(f, call(f, 0, number, arg0), text);
	}
}

static void test_hypercall_early_bad_address_fails_naming_it(void **state)
{
	struct fixture *f = *state;

	assert_bad_words(f, DISVM_CALL_EARLY, "early", 1000);
	assert_int_equal(f->agreed, 0);
}

static void test_hypercall_timed_halt_bad_address_fails_naming_it(void **state)
{
	struct fixture *f = *state;

	assert_bad_words(f, DISVM_CALL_TIMED_HALT, "timed halt", 1);
	assert_int_equal(f->halts_agreed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_hypercall_unknown_number_fails_naming_it),
		T(test_hypercall_other_width_fails_naming_it),
		T(test_hypercall_other_offset_fails_naming_it),
		T(test_hypercall_report_bad_address_fails_naming_it),
		T(test_hypercall_intent_bad_address_fails_naming_it),
		T(test_hypercall_early_bad_address_fails_naming_it),
		T(test_hypercall_timed_halt_bad_address_fails_naming_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
