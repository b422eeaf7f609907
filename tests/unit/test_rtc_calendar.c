/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the clock, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dev/cmos.h"
#include "dev/rtc_calendar.h"

static void expect_round_trip(unsigned year, uint8_t month, uint8_t day)
{
	uint8_t regs[128] = {0}, again[128] = {0};
	int64_t seconds;

	regs[RTC_B] = again[RTC_B] = RTC_B_BINARY | RTC_B_24_HOURS;
	regs[RTC_SECONDS] = 59;
	regs[RTC_MINUTES] = 58;
	regs[RTC_HOURS] = 23;
	regs[RTC_DAY] = day;
	regs[RTC_MONTH] = month;
	regs[RTC_YEAR] = (uint8_t)(year % 100);
	regs[RTC_CENTURY] = (uint8_t)(year / 100);
	assert_true(rtc_calendar_decode(regs, &seconds));
	rtc_calendar_encode(seconds, 0, again);
	regs[RTC_DAY_OF_WEEK] = again[RTC_DAY_OF_WEEK];
	assert_memory_equal(regs, again, sizeof(regs));
}

/* Found by fuzzing: long before 1970 the month ran beyond December. */
static void test_rtc_calendar_every_year_comes_back(void **state)
{
	(void)state;
	for (unsigned year = 100; year < 10000; year++) {
		expect_round_trip(year, 1, 1);
		expect_round_trip(year, 3, 1);
		expect_round_trip(year, 12, 31);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtc_calendar_every_year_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
