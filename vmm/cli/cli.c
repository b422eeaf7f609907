/* SPDX-License-Identifier: Apache-2.0 */
/* Text that must stay one line, or plain; see cli.h. */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 1024

void cli_error(const char *verb, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (verb)
		fprintf(stderr, "disvm %s: %s\n", verb, message);
	else
		fprintf(stderr, "disvm: %s\n", message);
}

void cli_printable(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t n = 0;

	for (; n + 1 < to_size && n < from_size && from[n]; n++) {
		to[n] = from[n];
		if (from[n] < ' ' || from[n] > '~')
			to[n] = '?';
	}
	to[n] = '\0';
}
