/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar of the real-time clock, against the C library's (R: CARD-8). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "dev/rtc_calendar.h"

#define DAY_S 86400
#define REGS 0x40

static void set(uint8_t *regs, uint8_t b, const char *hms, const char *ymd)
{
	unsigned h, m, s, c, y, mo, d;

	memset(regs, 0, REGS);
	assert_int_equal(sscanf(hms, "%x:%x:%x", &h, &m, &s), 3);
	assert_int_equal(sscanf(ymd, "%2x%2x-%x-%x", &c, &y, &mo, &d), 4);
	regs[RTC_B] = b;
	regs[RTC_HOURS] = (uint8_t)h;
	regs[RTC_MINUTES] = (uint8_t)m;
	regs[RTC_SECONDS] = (uint8_t)s;
	regs[RTC_CENTURY] = (uint8_t)c;
	regs[RTC_YEAR] = (uint8_t)y;
	regs[RTC_MONTH] = (uint8_t)mo;
	regs[RTC_DAY] = (uint8_t)d;
}

/* Each day from 1900 to 2199, at a time of day that changes. */
static void test_rtc_calendar_agrees_with_the_library_on_300_years(void **state)
{
	struct tm first = {.tm_mday = 1};
	time_t t = timegm(&first);

	(void)state;
	for (unsigned i = 0; i < 109572; i++, t += DAY_S + 1) {
		uint8_t regs[REGS] = {[RTC_B] = RTC_B_24_HOURS | RTC_B_BINARY};
		int64_t back = 0;
		struct tm tm;

		gmtime_r(&t, &tm);
		rtc_calendar_encode(t, 0, regs);
		assert_int_equal(regs[RTC_SECONDS], tm.tm_sec);
		assert_int_equal(regs[RTC_MINUTES], tm.tm_min);
		assert_int_equal(regs[RTC_HOURS], tm.tm_hour);
		assert_int_equal(regs[RTC_DAY], tm.tm_mday);
		assert_int_equal(regs[RTC_MONTH], tm.tm_mon + 1);
		assert_int_equal(regs[RTC_CENTURY] * 100 + regs[RTC_YEAR],
				 tm.tm_year + 1900);
		assert_int_equal(regs[RTC_DAY_OF_WEEK], tm.tm_wday + 1);
		assert_true(rtc_calendar_decode(regs, &back));
		assert_int_equal(back, t);
	}
}

static void test_rtc_calendar_bcd_24_hours(void **state)
{
	uint8_t regs[REGS];
	int64_t t;

	(void)state;
	set(regs, RTC_B_24_HOURS, "23:59:58", "1999-12-31");
	assert_true(rtc_calendar_decode(regs, &t));
	assert_int_equal(t, 946684798);
	rtc_calendar_encode(t + 2, 0, regs);
	assert_int_equal(regs[RTC_HOURS], 0x00);
	assert_int_equal(regs[RTC_CENTURY], 0x20);
	assert_int_equal(regs[RTC_YEAR], 0x00);
	assert_int_equal(regs[RTC_MONTH], 0x01);
	assert_int_equal(regs[RTC_DAY], 0x01);
}

/* Midnight is 12 AM, noon 12 PM; the highest bit is PM. */
static void test_rtc_calendar_12_hours(void **state)
{
	static const struct {
		unsigned hour;
		uint8_t bcd, binary;
	} hours[] = {{0, 0x12, 12},   {1, 0x01, 1},     {11, 0x11, 11},
		     {12, 0x92, 140}, {13, 0x81, 0x81}, {23, 0x91, 139}};

	(void)state;
	for (unsigned i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		uint8_t regs[REGS] = {0};
		int64_t t = hours[i].hour * 3600, back = -1;

		rtc_calendar_encode(t, 0, regs);
		assert_int_equal(regs[RTC_HOURS], hours[i].bcd);
		assert_true(rtc_calendar_decode(regs, &back));
		assert_int_equal(back, t);
		regs[RTC_B] = RTC_B_BINARY;
		rtc_calendar_encode(t, 0, regs);
		assert_int_equal(regs[RTC_HOURS], hours[i].binary);
		assert_true(rtc_calendar_decode(regs, &back));
		assert_int_equal(back, t);
	}
}

static void test_rtc_calendar_refuses_what_is_no_date(void **state)
{
	static const struct {
		uint8_t b;
		const char *hms, *ymd;
	} wrong[] = {
		{RTC_B_24_HOURS, "24:00:00", "2000-01-01"},
		{RTC_B_24_HOURS, "00:60:00", "2000-01-01"},
		{RTC_B_24_HOURS, "00:00:60", "2000-01-01"},
		{RTC_B_24_HOURS, "00:00:0a", "2000-01-01"},
		{RTC_B_24_HOURS, "00:00:a0", "2000-01-01"},
		{RTC_B_24_HOURS, "00:00:00", "2000-00-01"},
		{RTC_B_24_HOURS, "00:00:00", "2000-13-01"},
		{RTC_B_24_HOURS, "00:00:00", "2000-01-00"},
		{RTC_B_24_HOURS, "00:00:00", "2000-01-32"},
		{RTC_B_24_HOURS, "00:00:00", "2001-02-29"},
		{RTC_B_24_HOURS, "00:00:00", "2100-02-29"},
		{RTC_B_24_HOURS, "00:00:00", "20fa-01-01"},
		{0, "00:00:00", "2000-01-01"},
		{0, "80:00:00", "2000-01-01"},
		{0, "13:00:00", "2000-01-01"},
		{RTC_B_24_HOURS | RTC_B_BINARY, "18:00:00", "1400-01-01"},
		{RTC_B_24_HOURS | RTC_B_BINARY, "00:00:00", "1464-01-01"},
		{RTC_B_24_HOURS | RTC_B_BINARY, "00:00:00", "1400-ff-01"},
	};
	uint8_t regs[REGS];
	int64_t t;

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set(regs, wrong[i].b, wrong[i].hms, wrong[i].ymd);
		if (rtc_calendar_decode(regs, &t))
			fail_msg("%s %s is taken", wrong[i].ymd, wrong[i].hms);
	}
	set(regs, RTC_B_24_HOURS, "00:00:00", "2000-02-29");
	assert_true(rtc_calendar_decode(regs, &t));
}

static void test_rtc_calendar_wrong_century_is_the_21st(void **state)
{
	static const uint8_t centuries[] = {0x00, 0xff, 0x2a};
	uint8_t regs[REGS];
	int64_t t;

	(void)state;
	for (unsigned i = 0; i < sizeof(centuries); i++) {
		set(regs, RTC_B_24_HOURS, "00:00:00", "2000-01-01");
		regs[RTC_CENTURY] = centuries[i];
		assert_true(rtc_calendar_decode(regs, &t));
		assert_int_equal(t, 946684800);
	}
}

static void test_rtc_calendar_day_of_week_is_shifted(void **state)
{
	uint8_t regs[REGS] = {[RTC_B] = RTC_B_24_HOURS};

	(void)state;
	/* 2000-01-01 was a Saturday. */
	for (uint8_t dow = 1; dow <= 7; dow++) {
		unsigned shift = rtc_calendar_dow_shift(946684800, dow);

		rtc_calendar_encode(946684800, shift, regs);
		assert_int_equal(regs[RTC_DAY_OF_WEEK], dow);
		rtc_calendar_encode(946684800 + DAY_S, shift, regs);
		assert_int_equal(regs[RTC_DAY_OF_WEEK], dow % 7 + 1);
	}
}

static uint32_t until(uint8_t b, unsigned h, unsigned m, unsigned s, int64_t t)
{
	uint8_t regs[REGS] = {[RTC_B] = b,
			      [RTC_HOURS_ALARM] = (uint8_t)h,
			      [RTC_MINUTES_ALARM] = (uint8_t)m,
			      [RTC_SECONDS_ALARM] = (uint8_t)s};

	return rtc_calendar_until_alarm(t, regs);
}

static void test_rtc_calendar_alarm_is_the_next_match(void **state)
{
	int64_t noon = 946684800 + 12 * 3600;

	(void)state;
	assert_int_equal(until(RTC_B_24_HOURS, 0x12, 0x00, 0x01, noon), 1);
	assert_int_equal(until(RTC_B_24_HOURS, 0x12, 0x00, 0x00, noon), DAY_S);
	assert_int_equal(until(RTC_B_24_HOURS, 0x11, 0x59, 0x59, noon),
			 DAY_S - 1);
	assert_int_equal(until(RTC_B_24_HOURS, 0x13, 0x30, 0x00, noon), 5400);
	assert_int_equal(until(RTC_B_24_HOURS, 0x00, 0x00, 0x00, noon),
			 DAY_S / 2);
	/* 12-hour form, and binary. */
	assert_int_equal(until(0, 0x81, 0x00, 0x00, noon), 3600);
	assert_int_equal(until(RTC_B_24_HOURS | RTC_B_BINARY, 13, 45, 50, noon),
			 3600 + 45 * 60 + 50);
}

static void test_rtc_calendar_alarm_ff_matches_all(void **state)
{
	int64_t noon = 946684800 + 12 * 3600;

	(void)state;
	assert_int_equal(until(RTC_B_24_HOURS, 0xff, 0xff, 0xff, noon), 1);
	assert_int_equal(until(RTC_B_24_HOURS, 0xff, 0xc0, 0x30, noon), 30);
	assert_int_equal(until(RTC_B_24_HOURS, 0xff, 0x15, 0x00, noon), 900);
	assert_int_equal(until(RTC_B_24_HOURS, 0x14, 0xff, 0xff, noon), 7200);
}

static void test_rtc_calendar_alarm_that_is_none_never_matches(void **state)
{
	(void)state;
	assert_int_equal(until(RTC_B_24_HOURS, 0x24, 0, 0, 1), 0);
	assert_int_equal(until(RTC_B_24_HOURS, 0xff, 0x5a, 0, 1), 0);
	assert_int_equal(until(RTC_B_24_HOURS, 0xff, 0xff, 0x60, 1), 0);
	assert_int_equal(until(0, 0x00, 0xff, 0xff, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_rtc_calendar_agrees_with_the_library_on_300_years),
		cmocka_unit_test(test_rtc_calendar_bcd_24_hours),
		cmocka_unit_test(test_rtc_calendar_12_hours),
		cmocka_unit_test(test_rtc_calendar_refuses_what_is_no_date),
		cmocka_unit_test(test_rtc_calendar_wrong_century_is_the_21st),
		cmocka_unit_test(test_rtc_calendar_day_of_week_is_shifted),
		cmocka_unit_test(test_rtc_calendar_alarm_is_the_next_match),
		cmocka_unit_test(test_rtc_calendar_alarm_ff_matches_all),
		cmocka_unit_test(
			test_rtc_calendar_alarm_that_is_none_never_matches),
	};

	return cmocka_run_group_tests_name("rtc_calendar", tests, NULL, NULL);
}
