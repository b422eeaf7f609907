/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options from a JSON file: {"vcpus": 8, "intent": ["0=system", "batch"]}.
 *
 * Place in the flow: between the defaults and the command line, called by
 * options.c.
 *
 * Keys are the names of options without "--"; values are strings or whole
 * numbers, and arrays of them for options that can be repeated. Anything else
 * is refused, a key that stands there twice as well.
 *
 * Locking: none; the main thread only.
 */
#ifndef DISVM_CONFIG_FILE_H
#define DISVM_CONFIG_FILE_H

#include "option_table.h"

/**
 * config_file_read - apply the options in @path.
 * @err: one line with file and line:column, or file and key.
 *
 * Return: 0, -EINVAL or -ENOMEM; @values may have been set in part then.
 */
int config_file_read(const char *path, struct option_values *values, char *err,
		     size_t err_size);

#endif
