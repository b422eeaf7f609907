/* SPDX-License-Identifier: Apache-2.0 */
/* Made for another ABI: nothing behind the number is what it seems. */
#include <dis/policy.h>

extern const struct dis_policy_module dis_policy_module;
const struct dis_policy_module dis_policy_module = {
	.abi = DIS_POLICY_ABI + 1u,
	.version = (const char *)16,
	.ops = (const struct dis_policy_ops *)16,
};
