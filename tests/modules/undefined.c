/* SPDX-License-Identifier: Apache-2.0 */
/* Wants to call the scheduler, which exports nothing. */
#include <dis/domain.h>
#include <dis/policy.h>

static void undefined_init(void *queue)
{
	dis_vcpu_wake(queue);
}

static const struct dis_policy_ops undefined_ops = {
	.abi = DIS_POLICY_ABI,
	.name = "undefined",
	.init = undefined_init,
};

extern const struct dis_policy_module dis_policy_module;
const struct dis_policy_module dis_policy_module = {
	.abi = DIS_POLICY_ABI, .version = "test", .ops = &undefined_ops};
