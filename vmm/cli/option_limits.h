/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Options that limit a guest or promise it something: shares, memory, NUMA node,
 * and those that no mechanism can keep yet (R: DIS-6).
 *
 * Place in the flow: rows of option_table.c; what cannot be promised is refused
 * before anything of the guest is built, never accepted and ignored.
 * Locking: none; the main thread only.
 */
#ifndef DISVM_OPTION_LIMITS_H
#define DISVM_OPTION_LIMITS_H

#include "option_table.h"

int set_vm_min(struct option_values *v, const char *text, char *err,
	       size_t err_size);
int set_vm_max(struct option_values *v, const char *text, char *err,
	       size_t err_size);
int set_mem_limit(struct option_values *v, const char *text, char *err,
		  size_t err_size);
int set_numa_node(struct option_values *v, const char *text, char *err,
		  size_t err_size);
int set_io_priority(struct option_values *v, const char *text, char *err,
		    size_t err_size);
int set_net_priority(struct option_values *v, const char *text, char *err,
		     size_t err_size);
int set_mem_bandwidth(struct option_values *v, const char *text, char *err,
		      size_t err_size);
int set_io_bandwidth(struct option_values *v, const char *text, char *err,
		     size_t err_size);

/**
 * option_limits_resolve - the pool is on the NUMA node, if one was given.
 * Return: 0, or -EINVAL with @err.
 */
int option_limits_resolve(struct option_values *values, char *err,
			  size_t err_size);

/** run_limits_refuse - can all be kept? Return: 0, or -EPERM with one line in
 * @err (exit status 4). */
int run_limits_refuse(const struct run_options *options, char *err,
		      size_t err_size);

#endif
