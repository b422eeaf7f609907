/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options that give a guest devices: disks, networks, a console, entropy.
 *
 * Place in the flow: rows of option_table.c; whether files and interfaces are there
 * is seen when they are opened.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OPTION_DEVICES_H
#define DISVM_OPTION_DEVICES_H

#include "option_table.h"

int set_disk(struct option_values *v, const char *text, char *err,
	     size_t err_size);
int set_net(struct option_values *v, const char *text, char *err,
	    size_t err_size);
int set_console(struct option_values *v, const char *text, char *err,
		size_t err_size);
int set_entropy(struct option_values *v, const char *text, char *err,
		size_t err_size);

/**
 * option_devices_check - there are not too many, and none is for several copies that
 * only one can have.
 * Return: 0, or -EINVAL with @err.
 */
int option_devices_check(const struct run_options *options, char *err,
			 size_t err_size);

void option_devices_free(struct run_options *options);

#endif
