/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Modules that break a rule, inside the test program; see modules/faulty.h.
 *
 * Place in the flow: tests enter them into a registry as if they were loaded.
 * Locking: the hooks are the test's, set before and constant while they run.
 */
#ifndef TESTS_FAULTY_H
#define TESTS_FAULTY_H

#include <dis/module.h>

#include "modules/faulty_kinds.h"

/** One that keeps all rules too, but is another module than FAULTY_NOT. */
#define FAULTY_OTHER FAULTY_KINDS
#define FAULTY_MODULES (FAULTY_KINDS + 1)

/** Called by those that take time, and by the one that calls the scheduler. */
extern void (*faulty_on_pause)(uint64_t ns);
extern void (*faulty_on_reenter)(void);

/** Enters the module of @kind, not STUCK. Return: its operations there. */
const struct dis_policy_ops *faulty_add_one(struct dis_modules *modules,
					    enum faulty kind);
/** The one of @kind that is loaded. */
const struct dis_policy_ops *faulty_find(struct dis_modules *modules,
					 enum faulty kind);
/** All but STUCK into @modules; @ops by enum faulty, NULL for STUCK. */
void faulty_add(struct dis_modules *modules,
		const struct dis_policy_ops *ops[FAULTY_MODULES]);

#endif
