/* SPDX-License-Identifier: Apache-2.0 */
/* What policy modules did wrong, as lines; see run_modules.h. */
#include "cli/run_modules.h"

#include <dis/module.h>

#include "cli/cli.h"

/* After "policy module 'NAME' ". */
static const char *what_it_did(enum dis_reason reason)
{
	switch (reason) {
	case DIS_REASON_POLICY_FOREIGN:
		return "picked a vCPU that is not in its queue";
	case DIS_REASON_POLICY_EMPTY:
		return "picked none though vCPUs are in its queue";
	case DIS_REASON_POLICY_LOST:
		return "lost a vCPU of its queue";
	case DIS_REASON_POLICY_OVERRUN:
		return "took too long";
	case DIS_REASON_POLICY_REENTRY:
		return "called back into the scheduler";
	default:
		return "failed";
	}
}

void run_modules_say(struct dis_domain *dom, struct dis_modules *modules,
		     unsigned count, uint64_t *said)
{
	struct dis_module_info info;

	for (unsigned i = 0; modules && i < count; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		if (*said & bit || !dis_modules_get_info(modules, i, &info) ||
		    !info.failed)
			continue;
		*said |= bit;
		cli_error("run",
			  "policy module '%s' %s (class %s, core %u): %s is "
			  "back to %s",
			  info.name, what_it_did(info.reason),
			  dis_class_name(info.klass), info.core,
			  dis_class_name(info.klass),
			  dis_domain_get_policy(dom, info.klass, NULL)->name);
	}
}

bool run_modules_stuck(const struct dis_domain *dom, uint64_t now_ns)
{
	unsigned core;
	const char *name =
		dis_domain_find_stuck(dom, now_ns, RUN_MODULE_STUCK_NS, &core);

	if (name)
		cli_error("run",
			  "policy module '%s' does not return on core %u: "
			  "giving up",
			  name, core);
	return name;
}
