/* SPDX-License-Identifier: Apache-2.0 */
/* The table of policies; see policies.h. */
#include "policies.h"

#include <string.h>

const struct dis_policy_ops *const dis_policies[] = {
	&dis_policy_rr, &dis_policy_priority, &dis_policy_edf, &dis_policy_fair,
	NULL,
};

const struct dis_policy_ops *dis_policy_find(const char *name)
{
	for (size_t i = 0; dis_policies[i]; i++)
		if (strcmp(dis_policies[i]->name, name) == 0)
			return dis_policies[i];
	return NULL;
}
