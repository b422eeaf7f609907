/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing text: collected here and written in few large pieces.
 */
#include <user.h>

static char buffer[512];
static size_t used;

void print_flush(void)
{
	if (used)
		sys(SYS_WRITE, (uintptr_t)buffer, used, 0);
	used = 0;
}

void print_n(const char *s, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (used == sizeof(buffer))
			print_flush();
		buffer[used++] = s[i];
	}
}

void print(const char *s)
{
	print_n(s, text_length(s));
}

void print_number(uint64_t value)
{
	char digits[20];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + value % 10);
	while (value /= 10);
	print_n(digits + n, sizeof(digits) - n);
}

void print_duration(uint64_t ns)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	unsigned unit = 0;

	for (; unit < 3 && ns && ns % 1000 == 0; unit++)
		ns /= 1000;
	print_number(ns);
	print(names[unit]);
}

void print_take(char *to, size_t size)
{
	size_t n = used < size - 1 ? used : size - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = buffer[i];
	to[n] = 0;
	used = 0;
}

_Noreturn void die(uint32_t code, const char *what, const char *detail)
{
	const char *parts[] = {"guest: ", what, ": ", detail, "\n"};

	for (unsigned i = 0; i < 5; i++)
		sys(SYS_WRITE, (uintptr_t)parts[i], text_length(parts[i]), 0);
	sys(SYS_EXIT, code, 0, 0);
	__builtin_unreachable();
}
