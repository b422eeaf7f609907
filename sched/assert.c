/* SPDX-License-Identifier: Apache-2.0 */
/* The end of DIS_ASSERT: say where, then abort. See dis/assert.h. */
#include <stdio.h>
#include <stdlib.h>

#include <dis/assert.h>

void dis_assert_fail(const char *expr, const char *file, int line)
{
	fprintf(stderr, "disvm: %s:%d: assertion failed: %s\n", file, line,
		expr);
	abort();
}
