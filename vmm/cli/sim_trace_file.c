/* SPDX-License-Identifier: Apache-2.0 */
/* A trace from a file; see sim_trace.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"
#include "sim_trace.h"

int sim_trace_read(const char *path, struct sim_trace *out, char *err,
		   size_t err_size)
{
	FILE *file = fopen(path, "re");
	char why[640] = "", *text = NULL;
	size_t size = 0, room = 0;
	int ret = 0;

	if (!file)
		return option_refuse(err, err_size, "%s: %s", path,
				     strerror(errno));
	while (!feof(file) && !ret) {
		if (size == room) {
			char *more = realloc(text, room = 2 * room + 65536);

			if (!more) {
				ret = -ENOMEM;
				break;
			}
			text = more;
		}
		size += fread(text + size, 1, room - size, file);
		if (ferror(file))
			ret = option_refuse(why, sizeof(why), "%s",
					    strerror(errno));
		else if (size > SIM_TRACE_BYTES_MAX)
			ret = option_refuse(why, sizeof(why),
					    "larger than 512 MiB");
	}
	fclose(file);
	if (!ret)
		ret = sim_trace_parse(text, size, out, why, sizeof(why));
	free(text);
	if (ret)
		snprintf(err, err_size, "%s: %s", path,
			 ret == -ENOMEM ? "out of memory" : why);
	return ret;
}
