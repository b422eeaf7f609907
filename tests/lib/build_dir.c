/* SPDX-License-Identifier: Apache-2.0 */
/* See build_dir.h. */
#include "lib/build_dir.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

const char *build_dir(void)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_in_range(n, 1, sizeof(path) - 1);
	path[n] = '\0';
	for (unsigned i = 0; i < 3; i++) {
		char *end = strrchr(path, '/');

		assert_non_null(end);
		*end = '\0';
	}
	return path;
}
