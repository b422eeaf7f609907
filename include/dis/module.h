/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Policy modules: policies that come as shared objects (R: DIS-16).
 *
 * Place in the flow: whoever makes a domain makes a registry first, loads
 * modules into it and names it in the domain's configuration. A module's policy
 * is then set like any other, dis_domain_set_policy(), while vCPUs run.
 *
 * Invariant: what a module says about itself was checked and copied at load.
 * What it does is checked at each call (policy.h has the rules); when it breaks
 * one it has failed for good: every core returns to the policy that served the
 * class before, from its own list of who is queued, and one event says why. If
 * that one is a module and has failed as well, the last policy of this build
 * that served the class takes over.
 *
 * A module is code of this process with all its rights. The guard holds against
 * mistakes in scheduling, not against malice: who writes to memory that is not
 * his, crashes, or recurses until the stack is full, takes the process with him.
 *
 * Locking: the registry has a mutex (rank 2, inside a domain's); no function
 * here may be called by an executor. See domain.h for calls by a module.
 */
#ifndef DIS_MODULE_H
#define DIS_MODULE_H

#include <dis/domain.h>

struct dis_modules;

/** An empty registry. Return: 0 or -ENOMEM. */
int dis_modules_create(struct dis_modules **out);

/** Unloads all. The domains that used it are destroyed; NULL is fine. */
void dis_modules_destroy(struct dis_modules *modules);

/**
 * dis_module_load - load the shared object @path.
 * @path: a regular file; never searched for along library paths.
 * @out:  its operations, for dis_domain_set_policy(), until it is unloaded.
 * @err:  one line that names the file, when refused.
 *
 * The file's constructors run before anything can be checked.
 * Return: 0; -DIS_EEXISTS when a policy of this name is there; -EINVAL when it
 * is no module, of another ABI, or not as policy.h demands; -ENOMEM; -errno of
 * the file.
 */
int dis_module_load(struct dis_modules *modules, const char *path,
		    const struct dis_policy_ops **out, char *err,
		    size_t err_size);

/**
 * dis_module_add - the same for a module that is part of this program.
 * @origin: stands where the file's name does.
 */
int dis_module_add(struct dis_modules *modules,
		   const struct dis_policy_module *module, const char *origin,
		   const struct dis_policy_ops **out, char *err,
		   size_t err_size);

/** A policy of this build or of a loaded module by name, or NULL. */
const struct dis_policy_ops *dis_modules_find(struct dis_modules *modules,
					      const char *name);

/**
 * @number:  in order of loading, from 0.
 * @loaded:  false once it was unloaded.
 * @queues:  that are made of it, active or kept to return to.
 * @failed:  it misbehaved, first on core @core in class @klass: @reason.
 */
struct dis_module_info {
	unsigned number;
	char name[DIS_POLICY_NAME_MAX];
	char version[DIS_POLICY_NAME_MAX];
	const char *path; /**< until the registry is destroyed */
	unsigned classes;
	bool loaded;
	unsigned queues;
	bool failed;
	enum dis_reason reason;
	enum dis_class klass;
	unsigned core;
};

/** Return: false when there was no module @number. */
bool dis_modules_get_info(struct dis_modules *modules, unsigned number,
			  struct dis_module_info *out);

/**
 * dis_domain_get_policy - which policy orders @klass.
 * @former: the one to return to, should it fail; may be NULL.
 *
 * A module that has failed is not named, even while some core has not returned.
 */
const struct dis_policy_ops *
dis_domain_get_policy(struct dis_domain *dom, enum dis_class klass,
		      const struct dis_policy_ops **former);

/**
 * dis_domain_unload_module - let go of a module of the domain's registry.
 * @err: one line when refused.
 *
 * Return: 0; -DIS_ENOTFOUND; -DIS_ESTATE while it is active or kept to return
 * to; -EAGAIN while a core has not let go of it yet.
 */
int dis_domain_unload_module(struct dis_domain *dom, const char *name,
			     char *err, size_t err_size);

/**
 * dis_domain_find_stuck - a module whose operation does not return.
 * @bound_ns: it began longer ago than this.
 * @core:     that is inside it.
 *
 * It cannot be stopped: its core, and what runs there, is lost to this process.
 * Context: any thread but an executor, as often as it likes.
 * Return: its name, or NULL.
 */
const char *dis_domain_find_stuck(const struct dis_domain *dom, uint64_t now_ns,
				  uint64_t bound_ns, unsigned *core);

#endif
