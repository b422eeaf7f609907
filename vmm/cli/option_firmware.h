/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options of guests that start with a firmware instead of a kernel.
 *
 * Place in the flow: rows of option_table.c; the file is looked at when it is
 * opened.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OPTION_FIRMWARE_H
#define DISVM_OPTION_FIRMWARE_H

#include "option_table.h"

int set_firmware(struct option_values *v, const char *text, char *err,
		 size_t err_size);
int set_firmware_log(struct option_values *v, const char *text, char *err,
		     size_t err_size);

/**
 * option_firmware_check - there is a kernel or a firmware, and nothing that belongs to
 * the other, or that a firmware cannot drive. Disks without either boot by SeaBIOS.
 * Return: 0, -EINVAL with @err, or -ENOMEM.
 */
int option_firmware_check(const struct option_values *values, char *err,
			  size_t err_size);

#endif
