/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading text: prefixes, numbers, durations.
 */
#include <user.h>

size_t text_length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t text_prefix(const char *s, const char *prefix)
{
	size_t n = 0;

	for (; prefix[n]; n++)
		if (s[n] != prefix[n])
			return 0;
	return n;
}

bool text_equal(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (!*a)
			return true;
	return false;
}

bool text_number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	if (p == *s)
		return false;
	*s = p;
	*out = value;
	return true;
}

static uint64_t unit_ns(const char **s)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", US_NS},
		{"ms", MS_NS},
		{"s", S_NS},
	};

	for (unsigned i = 0; i < 4; i++) {
		size_t n = text_prefix(*s, units[i].name);

		if (n) {
			*s += n;
			return units[i].ns;
		}
	}
	return 0;
}

bool text_duration(const char **s, uint64_t *out_ns)
{
	const char *p = *s;
	uint64_t whole, part = 0, scale = 1, unit;

	if (!text_number(&p, &whole))
		return false;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (scale == S_NS)
				continue; /* below a nanosecond */
			part = part * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
	}
	unit = unit_ns(&p);
	if (!unit && (whole || part))
		return false;
	if (__builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, part * unit / scale, &whole))
		return false;
	*s = p;
	*out_ns = whole;
	return true;
}
