/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The registry of policy modules, private to sched/; see dis/module.h.
 *
 * Place in the flow: module.c loads and keeps them, policy_swap.c makes queues
 * of them, policy_guard.c judges them.
 * Invariant: a record is never freed before its registry; its object file is not
 * closed while queues are made of it.
 * Locking: the registry's mutex, but for `queues` and `verdict`, which any
 * thread may use, and what is constant after loading.
 */
#ifndef DIS_MODULE_PRIVATE_H
#define DIS_MODULE_PRIVATE_H

#include <stdatomic.h>

#include <dis/module.h>

struct policy_module {
	/* Constant after loading. */
	unsigned number;
	struct dis_policy_ops ops; /* a copy: checked once, then ours */
	char name[DIS_POLICY_NAME_MAX];
	char version[DIS_POLICY_NAME_MAX];
	char *path;

	/* The registry's mutex. */
	struct policy_module *next;
	void *handle; /* NULL: part of this program, or unloaded */
	bool loaded;

	/* Any thread. */
	atomic_uint queues;  /* made of it and not freed yet */
	atomic_uint verdict; /* 0, or how it failed: see module_fail() */
};

/** The module whose operations are @ops, or NULL; @modules may be NULL. */
struct policy_module *module_of(struct dis_modules *modules,
				const struct dis_policy_ops *ops);

/** Its first failure. Return: false if it has failed before. */
bool module_fail(struct policy_module *module, enum dis_reason reason,
		 enum dis_class klass, unsigned core);
bool module_failed(const struct policy_module *module);

/** Return: 0, or as dis_domain_unload_module(). */
int module_unload(struct dis_modules *modules, const char *name, char *err,
		  size_t err_size);

#endif
