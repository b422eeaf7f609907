/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes, numbers and lists: what is read, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include <dis/units.h>

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void expect_duration(const char *text, uint64_t ns)
{
	uint64_t out = UNTOUCHED;

	assert_int_equal(dis_parse_duration(text, &out), 0);
	assert_int_equal(out, ns);
}

static void refuse_duration(const char *text, int err)
{
	uint64_t out = UNTOUCHED;

	assert_int_equal(dis_parse_duration(text, &out), err);
	assert_int_equal(out, UNTOUCHED);
}

static void test_duration_each_unit_read(void **state)
{
	(void)state;
	expect_duration("100ns", 100);
	expect_duration("250us", 250 * DIS_US_NS);
	expect_duration("5ms", 5 * DIS_MS_NS);
	expect_duration("1s", DIS_S_NS);
	expect_duration("2m", 120 * DIS_S_NS);
}

static void test_duration_fraction_read_exactly(void **state)
{
	(void)state;
	expect_duration("1.5s", 1500 * DIS_MS_NS);
	expect_duration("0.1s", 100 * DIS_MS_NS);
	expect_duration("1.000000001s", DIS_S_NS + 1);
	expect_duration("1.50us", 1500);
	expect_duration("0.25m", 15 * DIS_S_NS);
}

static void test_duration_finer_than_a_nanosecond_refused(void **state)
{
	(void)state;
	refuse_duration("1.5ns", -EINVAL);
	refuse_duration("0.0001us", -EINVAL);
}

static void test_duration_zero_without_unit_read(void **state)
{
	(void)state;
	expect_duration("0", 0);
	expect_duration("0ms", 0);
}

static void test_duration_without_unit_refused(void **state)
{
	(void)state;
	refuse_duration("5", -EINVAL);
	refuse_duration("1.5", -EINVAL);
}

static void test_duration_malformed_refused(void **state)
{
	static const char *const texts[] = {
		"",    "ms",   "-1ms", "+1ms",   " 1ms", "1ms ", "1 ms",
		"1.s", ".5s",  "1,5s", "1e3ms",  "0x1s", "1MS",  "1h",
		"1.",  "1..s", "1sx",  "1.5.5s", "00",   "inf",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refuse_duration(texts[i], -EINVAL);
}

static void test_duration_too_long_out_of_range(void **state)
{
	(void)state;
	expect_duration("18446744073709551614ns", UINT64_MAX - 1);
	refuse_duration("18446744073709551615ns", -ERANGE); /* "never" */
	refuse_duration("18446744073709551616ns", -ERANGE);
	refuse_duration("18446744074s", -ERANGE);
	refuse_duration("18446744073.709551616s", -ERANGE);
	refuse_duration("99999999999999999999999s", -ERANGE);
}

static void expect_size(const char *text, uint64_t bytes)
{
	uint64_t out = UNTOUCHED;

	assert_int_equal(dis_parse_size(text, &out), 0);
	assert_int_equal(out, bytes);
}

static void test_size_each_unit_read(void **state)
{
	(void)state;
	expect_size("4096", 4096);
	expect_size("64K", 64 << 10);
	expect_size("64KiB", 64 << 10);
	expect_size("64M", 64 << 20);
	expect_size("2G", UINT64_C(2) << 30);
	expect_size("2GiB", UINT64_C(2) << 30);
	expect_size("1T", UINT64_C(1) << 40);
}

static void test_size_malformed_or_too_large_refused(void **state)
{
	static const char *const texts[] = {"",     "M",   "64MB", "64m",
					    "1.5G", "-1",  "64 M", "64Mi",
					    "64MM", "0x10"};
	uint64_t out = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(dis_parse_size(texts[i], &out), -EINVAL);
	assert_int_equal(dis_parse_size("18446744073709551616", &out), -ERANGE);
	assert_int_equal(dis_parse_size("16777216T", &out), -ERANGE);
	assert_int_equal(out, UNTOUCHED);
}

static void test_uint_within_limits_read(void **state)
{
	uint64_t out = UNTOUCHED;

	(void)state;
	assert_int_equal(dis_parse_uint("1", 1, 256, &out), 0);
	assert_int_equal(out, 1);
	assert_int_equal(dis_parse_uint("256", 1, 256, &out), 0);
	assert_int_equal(out, 256);
	assert_int_equal(
		dis_parse_uint("18446744073709551615", 0, UINT64_MAX, &out), 0);
	assert_int_equal(out, UINT64_MAX);
}

static void test_uint_outside_limits_out_of_range(void **state)
{
	uint64_t out = UNTOUCHED;

	(void)state;
	assert_int_equal(dis_parse_uint("0", 1, 256, &out), -ERANGE);
	assert_int_equal(dis_parse_uint("257", 1, 256, &out), -ERANGE);
	assert_int_equal(dis_parse_uint("18446744073709551617", 0, UINT64_MAX,
					&out),
			 -ERANGE);
	assert_int_equal(out, UNTOUCHED);
}

static void test_uint_malformed_refused(void **state)
{
	static const char *const texts[] = {"",   "-1",  "+1",  " 1",
					    "1 ", "1.0", "0x1", "a"};
	uint64_t out = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(dis_parse_uint(texts[i], 0, 10, &out), -EINVAL);
	assert_int_equal(out, UNTOUCHED);
}

static void expect_list(const char *text, uint64_t bits)
{
	uint64_t out = UINT64_MAX;

	assert_int_equal(dis_parse_list(text, 64, &out), 0);
	assert_int_equal(out, bits);
}

static void test_list_numbers_and_ranges_become_bits(void **state)
{
	(void)state;
	expect_list("0", 1);
	expect_list("0-3", 0xf);
	expect_list("0,2-3", 0xd);
	expect_list("0+2-3", 0xd);
	expect_list("3,1,1-2", 0xe);
	expect_list("63", UINT64_C(1) << 63);
	expect_list("0-63", UINT64_MAX);
}

static void test_list_beyond_one_word_clears_and_sets_all_words(void **state)
{
	uint64_t out[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};

	(void)state;
	assert_int_equal(dis_parse_list("63-64,255", 256, out), 0);
	assert_int_equal(out[0], UINT64_C(1) << 63);
	assert_int_equal(out[1], 1);
	assert_int_equal(out[2], 0);
	assert_int_equal(out[3], UINT64_C(1) << 63);
}

static void test_list_malformed_refused_and_untouched(void **state)
{
	static const char *const texts[] = {"",    ",",   "0,",    ",0",
					    "3-1", "0-",  "-1",    "0--1",
					    "a",   "0 1", "0-1-2", "0;1"};
	uint64_t out = UNTOUCHED;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(dis_parse_list(texts[i], 64, &out), -EINVAL);
	assert_int_equal(out, UNTOUCHED);
}

static void test_list_number_at_limit_out_of_range(void **state)
{
	uint64_t out = UNTOUCHED;

	(void)state;
	assert_int_equal(dis_parse_list("8", 8, &out), -ERANGE);
	assert_int_equal(dis_parse_list("0,7-8", 8, &out), -ERANGE);
	assert_int_equal(dis_parse_list("0-18446744073709551615", 8, &out),
			 -ERANGE);
	assert_int_equal(dis_parse_list("99999999999999999999", 8, &out),
			 -ERANGE);
	assert_int_equal(out, UNTOUCHED);
}

static void expect_format(uint64_t ns, const char *text)
{
	char buf[32];

	assert_string_equal(dis_format_duration(ns, buf, sizeof(buf)), text);
}

static void test_format_duration_whole_units_without_fraction(void **state)
{
	(void)state;
	expect_format(0, "0ns");
	expect_format(999, "999ns");
	expect_format(DIS_US_NS, "1us");
	expect_format(10 * DIS_MS_NS, "10ms");
	expect_format(5 * DIS_S_NS, "5s");
	expect_format(90 * DIS_S_NS, "90s");
}

static void test_format_duration_fraction_four_digits(void **state)
{
	(void)state;
	expect_format(1250 * DIS_US_NS, "1.25ms");
	expect_format(1234567, "1.235ms");
	expect_format(12345678, "12.35ms");
	expect_format(123456789, "123.5ms");
	expect_format(1002 * DIS_MS_NS, "1.002s");
}

static void test_format_duration_rounding_up_takes_next_unit(void **state)
{
	(void)state;
	expect_format(999949, "999.9us");
	expect_format(999950, "1ms");
	expect_format(999999999, "1s");
}

static void test_format_duration_greatest_values_fit(void **state)
{
	(void)state;
	expect_format(DIS_NEVER_NS - 1, "18446744074s");
	expect_format(DIS_NEVER_NS, "never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_each_unit_read),
		cmocka_unit_test(test_duration_fraction_read_exactly),
		cmocka_unit_test(test_duration_finer_than_a_nanosecond_refused),
		cmocka_unit_test(test_duration_zero_without_unit_read),
		cmocka_unit_test(test_duration_without_unit_refused),
		cmocka_unit_test(test_duration_malformed_refused),
		cmocka_unit_test(test_duration_too_long_out_of_range),
		cmocka_unit_test(test_size_each_unit_read),
		cmocka_unit_test(test_size_malformed_or_too_large_refused),
		cmocka_unit_test(test_uint_within_limits_read),
		cmocka_unit_test(test_uint_outside_limits_out_of_range),
		cmocka_unit_test(test_uint_malformed_refused),
		cmocka_unit_test(test_list_numbers_and_ranges_become_bits),
		cmocka_unit_test(
			test_list_beyond_one_word_clears_and_sets_all_words),
		cmocka_unit_test(test_list_malformed_refused_and_untouched),
		cmocka_unit_test(test_list_number_at_limit_out_of_range),
		cmocka_unit_test(
			test_format_duration_whole_units_without_fraction),
		cmocka_unit_test(test_format_duration_fraction_four_digits),
		cmocka_unit_test(
			test_format_duration_rounding_up_takes_next_unit),
		cmocka_unit_test(test_format_duration_greatest_values_fit),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
