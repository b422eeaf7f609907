/* SPDX-License-Identifier: Apache-2.0 */
/* Options of how the scheduler accounts; see option_table.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"

static int set_bool(const char *text, const char *no, const char *yes,
		    bool *out, char *err, size_t err_size)
{
	const char *const words[] = {no, yes};
	unsigned i = *out;
	int ret = option_word(text, words, 2, &i, err, err_size);

	*out = i;
	return ret;
}

int option_set_slices(struct option_values *values, const char *text, char *err,
		      size_t err_size)
{
	return set_bool(text, "adaptive", "fixed", &values->out->fixed_slices,
			err, err_size);
}

int option_set_counters(struct option_values *values, const char *text,
			char *err, size_t err_size)
{
	return set_bool(text, "off", "on", &values->out->counters, err,
			err_size);
}

int option_set_profile(struct option_values *values, const char *text,
		       char *err, size_t err_size)
{
	return set_bool(text, "off", "on", &values->out->profile, err, err_size);
}

int option_set_tenant(struct option_values *values, const char *text, char *err,
		      size_t err_size)
{
	char *copy;

	if (!dis_tenant_valid(text))
		return option_refuse(err, err_size,
				     "'%s' is not 1 to %u printable characters "
				     "without space, quote and backslash",
				     text, DIS_NAME_MAX - 1u);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(values->out->tenant);
	values->out->tenant = copy;
	return 0;
}
