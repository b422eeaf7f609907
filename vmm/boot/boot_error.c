/* SPDX-License-Identifier: Apache-2.0 */
/* One-line errors; see boot_error.h. */
#include "boot/boot_error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int boot_error(int ret, char *err, size_t err_size, const char *fmt, ...)
{
	va_list args;

	if (err_size == 0)
		return ret;
	va_start(args, fmt);
	if (vsnprintf(err, err_size, fmt, args) < 0)
		err[0] = '\0';
	va_end(args);
	for (char *c = err; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return ret;
}

const char *boot_format_size(uint64_t bytes, char buf[BOOT_SIZE_TEXT])
{
	const char *unit = "bytes";

	if (bytes && bytes % (UINT64_C(1) << 20) == 0) {
		bytes >>= 20;
		unit = "MiB";
	} else if (bytes && bytes % (UINT64_C(1) << 10) == 0) {
		bytes >>= 10;
		unit = "KiB";
	}
	snprintf(buf, BOOT_SIZE_TEXT, "%" PRIu64 " %s", bytes, unit);
	return buf;
}
