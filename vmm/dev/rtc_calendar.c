/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of an MC146818 to seconds and back; see rtc_calendar.h. */
#include "rtc_calendar.h"

#define MINUTE_S 60u
#define HOUR_S 3600u
#define DAY_S 86400u
#define HOUR_PM 0x80u
#define ALARM_ANY 0xc0u
#define CENTURY_DEFAULT 20u

static int64_t days_of(int64_t seconds)
{
	return (seconds < 0 ? seconds - (int64_t)DAY_S + 1 : seconds) /
	       (int64_t)DAY_S;
}

static uint32_t second_of_day(int64_t seconds)
{
	return (uint32_t)(seconds - days_of(seconds) * (int64_t)DAY_S);
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970 to the first of January of @year. */
static int64_t days_to_year(int64_t year)
{
	/* Leap years before it, of a calendar that has always been Gregory's. */
	int64_t y = year - 1;

	return 365 * (year - 1970) + y / 4 - y / 100 + y / 400 - 477;
}

static bool from_register(uint8_t val, bool binary, unsigned *out)
{
	if (binary) {
		*out = val;
		return true;
	}
	*out = (val >> 4) * 10u + (val & 0xfu);
	return val >> 4 <= 9 && (val & 0xfu) <= 9;
}

static uint8_t to_register(unsigned val, bool binary)
{
	return (uint8_t)(binary ? val : val / 10 << 4 | val % 10);
}

static bool decode_hour(const uint8_t *regs, unsigned *hour)
{
	uint8_t val = regs[RTC_HOURS];
	bool binary = regs[RTC_B] & RTC_B_BINARY;

	if (regs[RTC_B] & RTC_B_24_HOURS)
		return from_register(val, binary, hour) && *hour < 24;
	if (!from_register(val & (uint8_t)~HOUR_PM, binary, hour) || !*hour ||
	    *hour > 12)
		return false;
	*hour = *hour % 12 + (val & HOUR_PM ? 12 : 0);
	return true;
}

static uint8_t encode_hour(unsigned hour, uint8_t b)
{
	bool binary = b & RTC_B_BINARY;
	uint8_t val;

	if (b & RTC_B_24_HOURS)
		return to_register(hour, binary);
	val = to_register(hour % 12 ? hour % 12 : 12, binary);
	return hour < 12 ? val : val | HOUR_PM;
}

bool rtc_calendar_decode(const uint8_t *regs, int64_t *seconds)
{
	bool binary = regs[RTC_B] & RTC_B_BINARY;
	unsigned second, minute, hour, day, month, year, century;
	int64_t days;

	if (!from_register(regs[RTC_SECONDS], binary, &second) ||
	    !from_register(regs[RTC_MINUTES], binary, &minute) ||
	    !decode_hour(regs, &hour) ||
	    !from_register(regs[RTC_DAY], binary, &day) ||
	    !from_register(regs[RTC_MONTH], binary, &month) ||
	    !from_register(regs[RTC_YEAR], binary, &year))
		return false;
	if (!from_register(regs[RTC_CENTURY], binary, &century) || !century ||
	    century > 99)
		century = CENTURY_DEFAULT;
	if (second > 59 || minute > 59 || month < 1 || month > 12 || year > 99)
		return false;
	year += century * 100;
	if (day < 1 || day > days_in(year, month))
		return false;
	days = days_to_year(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += days_in(year, m);
	second += hour * HOUR_S + minute * MINUTE_S;
	*seconds = days * (int64_t)DAY_S + second;
	return true;
}

static unsigned true_dow(int64_t seconds)
{
	/* 1970 began on a Thursday. */
	int64_t dow = (days_of(seconds) + 4) % 7;

	return (unsigned)(dow < 0 ? dow + 7 : dow);
}

unsigned rtc_calendar_dow_shift(int64_t seconds, uint8_t dow)
{
	return (dow - 1u + 7u - true_dow(seconds)) % 7u;
}

void rtc_calendar_encode(int64_t seconds, unsigned dow_shift, uint8_t *regs)
{
	uint8_t b = regs[RTC_B];
	bool binary = b & RTC_B_BINARY;
	uint32_t second = second_of_day(seconds);
	int64_t days = days_of(seconds);
	/* Never too early, also before 1970: the loop goes back. */
	int64_t year = 1970 + (days < 0 ? days / 366 : days / 365);
	unsigned month = 1, left;

	while (days_to_year(year) > days)
		year--;
	left = (unsigned)(days - days_to_year(year));
	while (left >= days_in((unsigned)year, month))
		left -= days_in((unsigned)year, month++);
	regs[RTC_SECONDS] = to_register(second % 60, binary);
	regs[RTC_MINUTES] = to_register(second / MINUTE_S % 60, binary);
	regs[RTC_HOURS] = encode_hour(second / HOUR_S, b);
	regs[RTC_DAY_OF_WEEK] =
		(uint8_t)((true_dow(seconds) + dow_shift) % 7 + 1);
	regs[RTC_DAY] = to_register(left + 1, binary);
	regs[RTC_MONTH] = to_register(month, binary);
	regs[RTC_YEAR] = to_register((unsigned)(year % 100), binary);
	regs[RTC_CENTURY] = to_register((unsigned)(year / 100 % 100), binary);
}

static bool matches(uint8_t alarm, uint8_t val)
{
	return alarm >= ALARM_ANY || alarm == val;
}

uint32_t rtc_calendar_until_alarm(int64_t seconds, const uint8_t *regs)
{
	uint8_t b = regs[RTC_B];
	bool binary = b & RTC_B_BINARY;
	uint32_t from = second_of_day(seconds);
	uint32_t at = from + 1;

	/* By hours, then minutes, then seconds: 24 + 60 + 60 steps at most. */
	while (at <= from + DAY_S) {
		uint32_t in_day = at % DAY_S;

		if (!matches(regs[RTC_HOURS_ALARM],
			     encode_hour(in_day / HOUR_S, b)))
			at += HOUR_S - in_day % HOUR_S;
		else if (!matches(regs[RTC_MINUTES_ALARM],
				  to_register(in_day / MINUTE_S % 60, binary)))
			at += MINUTE_S - in_day % MINUTE_S;
		else if (!matches(regs[RTC_SECONDS_ALARM],
				  to_register(in_day % 60, binary)))
			at++;
		else
			return at - from;
	}
	return 0;
}
