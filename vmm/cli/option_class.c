/* SPDX-License-Identifier: Apache-2.0 */
/* --quantum, --class-quantum and --floor; see option_table.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dis/units.h>

#include "option_table.h"

#define FLOOR_MAX_PERMILLE 500u

int option_split_class(const char *text, const char *form, unsigned *klass,
		       const char **value, char *err, size_t err_size)
{
	const char *names[DIS_CLASSES];
	const char *equals = strchr(text, '=');
	char *name;
	int ret;

	if (!equals)
		return option_refuse(err, err_size, "'%s' is not CLASS=%s",
				     text, form);
	name = strndup(text, (size_t)(equals - text));
	if (!name)
		return -ENOMEM;
	for (unsigned k = 0; k < DIS_CLASSES; k++)
		names[k] = dis_class_name((enum dis_class)k);
	ret = option_word(name, names, DIS_CLASSES, klass, err, err_size);
	free(name);
	*value = equals + 1;
	return ret;
}

int option_set_quantum(struct option_values *v, const char *text, char *err,
		       size_t err_size)
{
	return option_duration(text, DIS_QUANTUM_MIN_NS, DIS_QUANTUM_MAX_NS,
			       &v->out->quantum_ns, err, err_size);
}

int option_set_class_quantum(struct option_values *v, const char *text,
			     char *err, size_t err_size)
{
	const char *value;
	unsigned klass = 0;
	int ret = option_split_class(text, "DUR, e.g. batch=20ms", &klass,
				     &value, err, err_size);

	if (ret)
		return ret;
	if (klass == DIS_CLASS_REALTIME)
		return option_refuse(err, err_size,
				     "realtime has none: the slice of each "
				     "vCPU is its wcet");
	return option_duration(value, DIS_QUANTUM_MIN_NS, DIS_QUANTUM_MAX_NS,
			       &v->out->class_quantum_ns[klass], err, err_size);
}

int option_set_floor(struct option_values *v, const char *text, char *err,
		     size_t err_size)
{
	const char *value;
	uint64_t permille;
	unsigned klass = 0;
	int ret = option_split_class(text, "N, e.g. background=100", &klass,
				     &value, err, err_size);

	if (ret)
		return ret;
	if (klass == DIS_CLASS_SYSTEM)
		return option_refuse(err, err_size,
				     "system needs none: no class is more "
				     "urgent");
	if (dis_parse_uint(value, 0, FLOOR_MAX_PERMILLE, &permille))
		return option_refuse(err, err_size,
				     "'%s' is not a number from 0 to %u", value,
				     FLOOR_MAX_PERMILLE);
	v->out->floor_permille[klass] = (unsigned)permille;
	return 0;
}

int option_check_floors(const struct run_options *options, char *err,
			size_t err_size)
{
	unsigned sum = 0;

	for (unsigned k = 0; k < DIS_CLASSES; k++)
		sum += options->floor_permille[k];
	if (sum > 1000)
		return option_refuse(err, err_size,
				     "--floor: all floors are %u per mille of "
				     "a core in sum, more than the whole",
				     sum);
	return 0;
}
