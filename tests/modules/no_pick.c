/* SPDX-License-Identifier: Apache-2.0 */
/* Without operations. */
#include <dis/policy.h>

static const struct dis_policy_ops no_pick_ops = {
	.abi = DIS_POLICY_ABI,
	.name = "no_pick",
	.classes = 1u << DIS_CLASS_BATCH,
};

extern const struct dis_policy_module dis_policy_module;
const struct dis_policy_module dis_policy_module = {
	.abi = DIS_POLICY_ABI, .version = "test", .ops = &no_pick_ops};
