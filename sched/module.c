/* SPDX-License-Identifier: Apache-2.0 */
/* Loading and keeping policy modules (R: DIS-16); see dis/module.h. */
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <dis/assert.h>
#include <dis/error.h>

#include "policies.h"
#include "policy_guard.h"

#define VERDICT_FAILED 0x80000000u

struct dis_modules {
	pthread_mutex_t lock; /* rank 2 */
	struct policy_module *first, **last;
	unsigned count;
};

int dis_modules_create(struct dis_modules **out)
{
	struct dis_modules *modules = calloc(1, sizeof(*modules));

	if (!modules)
		return -ENOMEM;
	pthread_mutex_init(&modules->lock, NULL);
	modules->last = &modules->first;
	*out = modules;
	return 0;
}

static void free_module(struct policy_module *module)
{
	if (module->handle)
		dlclose(module->handle);
	free(module->path);
	free(module);
}

void dis_modules_destroy(struct dis_modules *modules)
{
	struct policy_module *module, *next;

	if (!modules)
		return;
	for (module = modules->first; module; module = next) {
		next = module->next;
		DIS_ASSERT(!atomic_load(&module->queues));
		free_module(module);
	}
	pthread_mutex_destroy(&modules->lock);
	free(modules);
}

/* "FILE: what is wrong". Return: @code. */
static int __attribute__((format(printf, 5, 6)))
refuse(int code, char *err, size_t err_size, const char *origin,
       const char *fmt, ...)
{
	char why[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	snprintf(err, err_size, "%s: %s", origin, why);
	return code;
}

/* Is @text there, with 1 to @max - 1 characters of @set, or printable ones? */
static bool is_text(const char *text, size_t max, const char *set)
{
	size_t length = text ? strnlen(text, max) : 0;

	if (!length || length == max)
		return false;
	for (size_t i = 0; i < length; i++)
		if (set ? !strchr(set, text[i]) : text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

/* What the module says about itself: each field before the next relies on it. */
static int check(const struct dis_policy_module *module, const char *origin,
		 char *err, size_t err_size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const struct dis_policy_ops *ops;

	if (module->abi != DIS_POLICY_ABI)
		return refuse(-EINVAL, err, err_size, origin,
			      "made for policy ABI %u, this is ABI %u",
			      module->abi, DIS_POLICY_ABI);
	if (!is_text(module->version, DIS_POLICY_NAME_MAX, NULL))
		return refuse(-EINVAL, err, err_size, origin,
			      "version is missing, not printable or longer "
			      "than %u characters",
			      DIS_POLICY_NAME_MAX - 1u);
	ops = module->ops;
	if (!ops)
		return refuse(-EINVAL, err, err_size, origin, "ops is missing");
	if (ops->abi != DIS_POLICY_ABI)
		return refuse(-EINVAL, err, err_size, origin,
			      "ops: made for policy ABI %u, this is ABI %u",
			      ops->abi, DIS_POLICY_ABI);
	if (!is_text(ops->name, DIS_POLICY_NAME_MAX, letters))
		return refuse(-EINVAL, err, err_size, origin,
			      "name is missing, longer than %u characters or "
			      "not of a-z, 0-9, '-' and '_'",
			      DIS_POLICY_NAME_MAX - 1u);
	if (!ops->init || !ops->enqueue || !ops->dequeue || !ops->pick)
		return refuse(-EINVAL, err, err_size, origin,
			      "operation %s is missing",
			      !ops->init      ? "init"
			      : !ops->enqueue ? "enqueue"
			      : !ops->dequeue ? "dequeue"
					      : "pick");
	if (!ops->classes || ops->classes & ~DIS_POLICY_ALL_CLASSES)
		return refuse(-EINVAL, err, err_size, origin,
			      "classes 0x%x are not some of 0x%x", ops->classes,
			      DIS_POLICY_ALL_CLASSES);
	if (ops->choice < DIS_CHOICE_TURN ||
	    ops->choice > DIS_CHOICE_VIRTUAL_DEADLINE)
		return refuse(-EINVAL, err, err_size, origin,
			      "choice %u is not from %u to %u",
			      (unsigned)ops->choice, DIS_CHOICE_TURN,
			      DIS_CHOICE_VIRTUAL_DEADLINE);
	if (ops->queue_bytes > DIS_POLICY_QUEUE_BYTES_MAX)
		return refuse(-EINVAL, err, err_size, origin,
			      "queue_bytes %zu is more than %zu",
			      ops->queue_bytes, DIS_POLICY_QUEUE_BYTES_MAX);
	return 0;
}

static struct policy_module *find_loaded(struct dis_modules *modules,
					 const char *name)
{
	struct policy_module *module;

	for (module = modules->first; module; module = module->next)
		if (module->loaded && !strcmp(module->name, name))
			return module;
	return NULL;
}

/* Enters a checked module; @handle becomes the registry's. */
static int enter(struct dis_modules *modules,
		 const struct dis_policy_module *from, void *handle,
		 const char *origin, const struct dis_policy_ops **out,
		 char *err, size_t err_size)
{
	struct policy_module *module = calloc(1, sizeof(*module));
	int ret = 0;

	if (module)
		module->path = strdup(origin);
	if (!module || !module->path) {
		free(module);
		return refuse(-ENOMEM, err, err_size, origin, "out of memory");
	}
	snprintf(module->name, sizeof(module->name), "%s", from->ops->name);
	snprintf(module->version, sizeof(module->version), "%s", from->version);
	module->ops = *from->ops;
	module->ops.name = module->name;
	module->loaded = true;
	pthread_mutex_lock(&modules->lock);
	if (dis_policy_find(module->name) ||
	    find_loaded(modules, module->name)) {
		ret = refuse(-DIS_EEXISTS, err, err_size, origin,
			     "there is a policy '%s' already", module->name);
		free_module(module);
	} else {
		module->handle = handle;
		module->number = modules->count++;
		*modules->last = module;
		modules->last = &module->next;
		*out = &module->ops;
	}
	pthread_mutex_unlock(&modules->lock);
	return ret;
}

static int refuse_call(const char *origin, char *err, size_t err_size)
{
	return refuse(-DIS_EPERMISSION, err, err_size, origin,
		      "called by a policy");
}

int dis_module_add(struct dis_modules *modules,
		   const struct dis_policy_module *module, const char *origin,
		   const struct dis_policy_ops **out, char *err,
		   size_t err_size)
{
	int ret;

	if (policy_guard_reentered())
		return refuse_call(origin, err, err_size);
	ret = check(module, origin, err, err_size);
	return ret ? ret
		   : enter(modules, module, NULL, origin, out, err, err_size);
}

/* dlopen() would wait for ever at a pipe, and search for a bare name. */
static char *find_file(const char *path, char *err, size_t err_size, int *ret)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st)) {
		*ret = -errno;
		refuse(0, err, err_size, path, "%s", strerrordesc_np(errno));
	} else if (!S_ISREG(st.st_mode)) {
		*ret = refuse(-EINVAL, err, err_size, path,
			      "not a regular file");
	} else {
		return real;
	}
	free(real);
	return NULL;
}

int dis_module_load(struct dis_modules *modules, const char *path,
		    const struct dis_policy_ops **out, char *err,
		    size_t err_size)
{
	const struct dis_policy_module *module;
	void *handle;
	int ret = 0;
	char *real;

	if (policy_guard_reentered())
		return refuse_call(path, err, err_size);
	real = find_file(path, err, err_size, &ret);
	if (!real)
		return ret;
	handle = dlopen(real, RTLD_NOW | RTLD_LOCAL);
	free(real);
	if (!handle)
		return refuse(-EINVAL, err, err_size, path, "%s", dlerror());
	module = dlsym(handle, DIS_POLICY_MODULE_SYMBOL);
	if (!module) {
		dlclose(handle);
		return refuse(-EINVAL, err, err_size, path,
			      "no policy module: the symbol '%s' is missing",
			      DIS_POLICY_MODULE_SYMBOL);
	}
	ret = check(module, path, err, err_size);
	if (!ret)
		ret = enter(modules, module, handle, path, out, err, err_size);
	if (ret)
		dlclose(handle);
	return ret;
}

const struct dis_policy_ops *dis_modules_find(struct dis_modules *modules,
					      const char *name)
{
	const struct dis_policy_ops *ops = dis_policy_find(name);
	const struct policy_module *module;

	if (ops || !modules || policy_guard_reentered())
		return ops;
	pthread_mutex_lock(&modules->lock);
	module = find_loaded(modules, name);
	pthread_mutex_unlock(&modules->lock);
	return module ? &module->ops : NULL;
}

struct policy_module *module_of(struct dis_modules *modules,
				const struct dis_policy_ops *ops)
{
	struct policy_module *module;

	if (!modules)
		return NULL;
	pthread_mutex_lock(&modules->lock);
	for (module = modules->first; module && &module->ops != ops;)
		module = module->next;
	pthread_mutex_unlock(&modules->lock);
	return module;
}

bool module_fail(struct policy_module *module, enum dis_reason reason,
		 enum dis_class klass, unsigned core)
{
	unsigned none = 0;

	return atomic_compare_exchange_strong(&module->verdict, &none,
					      VERDICT_FAILED | core << 16 |
						      (unsigned)klass << 8 |
						      (unsigned)reason);
}

bool module_failed(const struct policy_module *module)
{
	return atomic_load(&module->verdict);
}

bool dis_modules_get_info(struct dis_modules *modules, unsigned number,
			  struct dis_module_info *out)
{
	const struct policy_module *module;
	unsigned verdict;

	if (policy_guard_reentered())
		return false;
	pthread_mutex_lock(&modules->lock);
	for (module = modules->first; module && module->number != number;)
		module = module->next;
	if (module) {
		verdict = atomic_load(&module->verdict);
		*out = (struct dis_module_info){
			.number = number,
			.path = module->path,
			.classes = module->ops.classes,
			.loaded = module->loaded,
			.queues = atomic_load(&module->queues),
			.failed = verdict,
			.reason = (enum dis_reason)(verdict & 0xffu),
			.klass = (enum dis_class)(verdict >> 8 & 0xffu),
			.core = verdict >> 16 & 0x7fffu,
		};
		memcpy(out->name, module->name, sizeof(out->name));
		memcpy(out->version, module->version, sizeof(out->version));
	}
	pthread_mutex_unlock(&modules->lock);
	return module;
}

int module_unload(struct dis_modules *modules, const char *name, char *err,
		  size_t err_size)
{
	struct policy_module *module;
	int ret = 0;

	if (!modules)
		return refuse(-DIS_ENOTFOUND, err, err_size, name,
			      "no such policy module");
	pthread_mutex_lock(&modules->lock);
	module = find_loaded(modules, name);
	if (!module) {
		ret = refuse(-DIS_ENOTFOUND, err, err_size, name,
			     "no such policy module");
	} else if (atomic_load(&module->queues)) {
		ret = refuse(-EAGAIN, err, err_size, name,
			     "a core has not let go of it yet");
	} else {
		module->loaded = false;
		if (module->handle)
			dlclose(module->handle);
		module->handle = NULL;
	}
	pthread_mutex_unlock(&modules->lock);
	return ret;
}
