/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, sizes, numbers and lists as text. See dis/units.h.
 *
 * Written by hand because strtoull() takes signs, white space and hexadecimal,
 * and depends on the locale; floating point would lose nanoseconds.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <dis/units.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit duration_units[] = {
	{"ns", 1},       {"us", DIS_US_NS},    {"ms", DIS_MS_NS},
	{"s", DIS_S_NS}, {"m", 60 * DIS_S_NS},
};

static const struct unit size_units[] = {
	{"", 1},
	{"K", UINT64_C(1) << 10},
	{"KiB", UINT64_C(1) << 10},
	{"M", UINT64_C(1) << 20},
	{"MiB", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30},
	{"GiB", UINT64_C(1) << 30},
	{"T", UINT64_C(1) << 40},
	{"TiB", UINT64_C(1) << 40},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal digits at *@text, at least one; *@text ends up behind them. */
static int read_digits(const char **text, uint64_t *out)
{
	uint64_t value = 0;
	bool overflow = false;
	const char *p = *text;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		overflow |= __builtin_mul_overflow(value, 10u, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(*p - '0'),
						   &value);
	}
	*text = p;
	*out = value;
	return overflow ? -ERANGE : 0;
}

static const struct unit *find_unit(const struct unit *units, size_t count,
				    const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/*
 * The digits [from, to) behind the point, in units of @factor. Exact, or
 * refused: what is finer than 1 ns has no meaning here.
 */
static int scale_fraction(const char *from, const char *to, uint64_t factor,
			  uint64_t *out)
{
	uint64_t value = 0;

	for (; from < to; from++) {
		uint64_t digit = (uint64_t)(*from - '0');

		if (digit && factor % 10)
			return -EINVAL;
		factor /= 10;
		value += digit * factor;
	}
	*out = value;
	return 0;
}

int dis_parse_duration(const char *text, uint64_t *out_ns)
{
	const char *p = text, *fraction = "", *fraction_end = fraction;
	uint64_t whole, part;
	const struct unit *unit;
	int err;

	if (!strcmp(text, "0")) {
		*out_ns = 0;
		return 0;
	}
	err = read_digits(&p, &whole);
	if (err == -EINVAL)
		return err;
	if (*p == '.') {
		fraction = ++p;
		while (is_digit(*p))
			p++;
		if (p == fraction)
			return -EINVAL;
		fraction_end = p;
	}
	unit = find_unit(duration_units, COUNT(duration_units), p);
	if (!unit || scale_fraction(fraction, fraction_end, unit->factor, &part))
		return -EINVAL;
	if (err || __builtin_mul_overflow(whole, unit->factor, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) ||
	    whole == DIS_NEVER_NS)
		return -ERANGE;
	*out_ns = whole;
	return 0;
}

int dis_parse_size(const char *text, uint64_t *out_bytes)
{
	const char *p = text;
	const struct unit *unit;
	uint64_t value;
	int err;

	err = read_digits(&p, &value);
	if (err == -EINVAL)
		return err;
	unit = find_unit(size_units, COUNT(size_units), p);
	if (!unit)
		return -EINVAL;
	if (err || __builtin_mul_overflow(value, unit->factor, &value))
		return -ERANGE;
	*out_bytes = value;
	return 0;
}

int dis_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value;
	int err;

	err = read_digits(&text, &value);
	if (err == -EINVAL || *text)
		return -EINVAL;
	if (err || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

/* One pass over the list; bits are set if @words is not NULL. */
static int scan_list(const char *text, unsigned limit, uint64_t *words)
{
	for (;;) {
		uint64_t first, last;
		int err;

		err = read_digits(&text, &first);
		if (err)
			return err;
		last = first;
		if (*text == '-') {
			text++;
			err = read_digits(&text, &last);
			if (err)
				return err;
			if (last < first)
				return -EINVAL;
		}
		if (last >= limit)
			return -ERANGE;
		for (uint64_t i = first; words && i <= last; i++)
			words[i / 64] |= UINT64_C(1) << (i % 64);
		if (!*text)
			return 0;
		if (*text != ',' && *text != '+')
			return -EINVAL;
		text++;
	}
}

int dis_parse_list(const char *text, unsigned limit, uint64_t *words)
{
	/* Checked first, so that an error leaves @words alone. */
	int err = scan_list(text, limit, NULL);

	if (err)
		return err;
	memset(words, 0, (limit + 63) / 64 * sizeof(*words));
	return scan_list(text, limit, words);
}

const char *dis_format_duration(uint64_t ns, char *buf, size_t size)
{
	/* Minutes are for input only: "90s" is easier to compare. */
	static const struct unit *const units = duration_units;
	static const unsigned last = 3;

	if (ns == DIS_NEVER_NS) {
		snprintf(buf, size, "never");
		return buf;
	}
	for (unsigned i = 0;; i++) {
		uint64_t factor = units[i].factor, scale = 1, value, part;
		int digits = 0;

		if (i < last && ns / factor >= 1000)
			continue;
		/* Four significant digits, none behind the point of 1 ns. */
		while (scale < factor && digits < 3 &&
		       ns / factor * scale * 10 < 10000) {
			scale *= 10;
			digits++;
		}
		value = (ns / factor) * scale +
			(ns % factor * scale + factor / 2) / factor;
		if (i < last && value >= 1000 * scale)
			continue; /* rounded up into the next unit */
		part = value % scale;
		while (digits && part % 10 == 0) {
			part /= 10;
			digits--;
		}
		if (digits)
			snprintf(buf, size, "%" PRIu64 ".%0*" PRIu64 "%s",
				 value / scale, digits, part, units[i].name);
		else
			snprintf(buf, size, "%" PRIu64 "%s", value / scale,
				 units[i].name);
		return buf;
	}
}
