/* SPDX-License-Identifier: Apache-2.0 */
/* See json_write.h. */
#include "cli/json_write.h"

#include <errno.h>

void json_write_prepare(void)
{
	json_object_seed(0);
}

int json_write(json_t *root, FILE *to)
{
	int ret = 0;

	if (!root)
		return -ENOMEM;
	errno = 0;
	if (json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
	    fputc('\n', to) == EOF || fflush(to))
		ret = errno ? -errno : -EIO;
	json_decref(root);
	return ret;
}
