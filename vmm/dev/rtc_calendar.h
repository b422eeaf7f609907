/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The calendar in the registers of an MC146818: binary or BCD, hours to 12 or 24.
 *
 * Place in the flow: a part of cmos.h, which knows what time it is and whether it
 * runs. A second count is that since 1970, UTC, without leap seconds.
 *
 * The century is in a byte of RAM, where PCs have it; if that is none, it is the
 * 21st. Leap years are Gregory's. The day of the week is a counter of its own on
 * the chip: here a difference to the true one.
 *
 * Locking: none; pure functions.
 */
#ifndef DISVM_RTC_CALENDAR_H
#define DISVM_RTC_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RTC_SECONDS = 0x00,
	RTC_SECONDS_ALARM = 0x01,
	RTC_MINUTES = 0x02,
	RTC_MINUTES_ALARM = 0x03,
	RTC_HOURS = 0x04,
	RTC_HOURS_ALARM = 0x05,
	RTC_DAY_OF_WEEK = 0x06, /**< Sunday is 1 */
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_CENTURY = 0x32,
};

/** Of register B: the form of all others. */
#define RTC_B_BINARY 0x04u
#define RTC_B_24_HOURS 0x02u

/**
 * rtc_calendar_decode - the time in @regs, of which the form is in RTC_B.
 * Return: false if that is not a date and a time of day; @seconds is not set then.
 */
bool rtc_calendar_decode(const uint8_t *regs, int64_t *seconds);

/** The inverse: sets time, date, century, and the day of the week. */
void rtc_calendar_encode(int64_t seconds, unsigned dow_shift, uint8_t *regs);

/** Difference that makes register RTC_DAY_OF_WEEK be @dow (1..7) at @seconds. */
unsigned rtc_calendar_dow_shift(int64_t seconds, uint8_t dow);

/**
 * Seconds from @seconds on until the alarm in @regs matches, 1 to 86400; 0: never.
 * A register of 0xc0 and more matches all.
 */
uint32_t rtc_calendar_until_alarm(int64_t seconds, const uint8_t *regs);

#endif
