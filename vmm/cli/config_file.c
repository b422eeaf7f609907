/* SPDX-License-Identifier: Apache-2.0 */
/* Options from a JSON file; see config_file.h. */
#include "config_file.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* One value of @row: a string, or a whole number as text. */
static int apply_scalar(struct option_values *values,
			const struct option_row *row, const json_t *value,
			const char *origin, char *err, size_t err_size)
{
	char number[32];

	if (json_is_string(value))
		return option_apply(values, row, origin,
				    json_string_value(value), err, err_size);
	if (!json_is_integer(value))
		return option_refuse(err, err_size,
				     "%s: must be a string or a whole number",
				     origin);
	snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		 json_integer_value(value));
	return option_apply(values, row, origin, number, err, err_size);
}

static int apply_key(struct option_values *values, const char *path,
		     const char *key, const json_t *value, char *err,
		     size_t err_size)
{
	const struct option_row *row = option_find(key);
	char origin[512];
	const json_t *item;
	size_t i;

	if (!row)
		return option_refuse(err, err_size, "%s: unknown key '%s'",
				     path, key);
	if (!row->set)
		return option_refuse(err, err_size,
				     "%s: '%s' is for the command line only",
				     path, key);
	snprintf(origin, sizeof(origin), "%s: %s", path, key);
	if (!json_is_array(value))
		return apply_scalar(values, row, value, origin, err, err_size);
	if (!row->repeatable)
		return option_refuse(err, err_size,
				     "%s: takes one value, not an array",
				     origin);
	json_array_foreach(value, i, item) {
		int ret;

		snprintf(origin, sizeof(origin), "%s: %s[%zu]", path, key, i);
		ret = apply_scalar(values, row, item, origin, err, err_size);
		if (ret)
			return ret;
	}
	return 0;
}

int config_file_read(const char *path, struct option_values *values, char *err,
		     size_t err_size)
{
	json_error_t error;
	json_t *root, *value;
	const char *key;
	FILE *file;
	int ret = 0;

	file = fopen(path, "re");
	if (!file)
		return option_refuse(err, err_size, "%s: %s", path,
				     strerror(errno));
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	fclose(file);
	if (!root && json_error_code(&error) == json_error_out_of_memory) {
		snprintf(err, err_size, "%s: out of memory", path);
		return -ENOMEM;
	}
	if (!root)
		return option_refuse(err, err_size, "%s:%d:%d: %s", path,
				     error.line, error.column, error.text);
	if (!json_is_object(root))
		ret = option_refuse(err, err_size,
				    "%s: must be an object {...}", path);
	else
		json_object_foreach(root, key, value) {
			ret = apply_key(values, path, key, value, err, err_size);
			if (ret)
				break;
		}
	json_decref(root);
	return ret;
}
