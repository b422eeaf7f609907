/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How all JSON documents of disvm are written: reports, results, replays.
 *
 * Place in the flow: whoever made the document hands it over here.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_JSON_WRITE_H
#define DISVM_JSON_WRITE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/** JSON integers are signed here; a guest may have written anything. */
static inline json_int_t json_count(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

/**
 * For who cannot open files later: jansson reads random numbers of the host with its
 * first object.
 */
void json_write_prepare(void);

/**
 * json_write - write @root, indented, and free it.
 * @root: NULL: there was no memory for it.
 *
 * Return: 0, -ENOMEM, or -errno of writing, which has reached the file.
 */
int json_write(json_t *root, FILE *to);

#endif
