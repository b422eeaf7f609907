/* SPDX-License-Identifier: Apache-2.0 */
/* --policy and --policy-module; see option_table.h. */
#include <errno.h>

#include "option_table.h"

#define POLICIES_MAX 16u

int option_set_policy_module(struct option_values *v, const char *text,
			     char *err, size_t err_size)
{
	struct run_options *o = v->out;
	const struct dis_policy_ops *ops;
	int ret = 0;

	if (!*text)
		return option_refuse(err, err_size, "the file name is empty");
	if (o->n_modules == RUN_MODULES_MAX)
		return option_refuse(err, err_size, "more than %u modules",
				     RUN_MODULES_MAX);
	if (!o->modules)
		ret = dis_modules_create(&o->modules);
	if (ret)
		return ret;
	ret = dis_module_load(o->modules, text, &ops, err, err_size);
	if (ret)
		return ret == -ENOMEM ? ret : -EINVAL;
	o->n_modules++;
	return 0;
}

int option_set_policy(struct option_values *v, const char *text, char *err,
		      size_t err_size)
{
	const char *name;
	unsigned klass = 0;
	int ret = option_split_class(text, "NAME, e.g. batch=rr", &klass, &name,
				     err, err_size);

	return ret ? ret : option_string(&v->policy_names[klass], name);
}

/* Names of all policies there are. Return: how many. */
static size_t list_policies(const struct run_options *o, const char **names,
			    struct dis_module_info *infos)
{
	size_t count = 0;

	for (; count < POLICIES_MAX && dis_policies[count]; count++)
		names[count] = dis_policies[count]->name;
	for (unsigned i = 0; i < o->n_modules; i++)
		if (dis_modules_get_info(o->modules, i, &infos[i]))
			names[count++] = infos[i].name;
	return count;
}

int option_find_policies(struct option_values *values, char *err,
			 size_t err_size)
{
	struct dis_module_info infos[RUN_MODULES_MAX];
	const char *names[POLICIES_MAX + RUN_MODULES_MAX];
	struct run_options *o = values->out;
	size_t count = list_policies(o, names, infos);
	char why[384] = "";
	unsigned at;

	for (unsigned k = 0; k < DIS_CLASSES; k++) {
		const char *klass = dis_class_name((enum dis_class)k);
		const char *name = values->policy_names[k];

		if (!name)
			continue;
		if (option_word(name, names, count, &at, why, sizeof(why)))
			return option_refuse(err, err_size, "policy of %s: %s",
					     klass, why);
		o->policy[k] = dis_modules_find(o->modules, name);
		if (!(o->policy[k]->classes >> k & 1u))
			return option_refuse(err, err_size,
					     "policy of %s: '%s' does not "
					     "serve this class",
					     klass, name);
	}
	return 0;
}
