/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Policy modules while guests run: saying what they did wrong.
 *
 * Place in the flow: run_wait.c calls both at each of its ticks, run.c the first
 * once more at the end.
 * Invariant: each module that fails has one line on standard error.
 * Locking: the main thread.
 */
#ifndef DISVM_RUN_MODULES_H
#define DISVM_RUN_MODULES_H

#include <stdbool.h>

#include <dis/types.h>

struct dis_domain;
struct dis_modules;

/** An operation of a module that takes so long will not return. */
#define RUN_MODULE_STUCK_NS (5 * DIS_S_NS)

/**
 * run_modules_say - a line for each module that has failed since the last call.
 * @modules: may be NULL; the first @count of them are looked at, at most 64.
 * @said:    bit per module that has had its line.
 */
void run_modules_say(struct dis_domain *dom, struct dis_modules *modules,
		     unsigned count, uint64_t *said);

/** Is a core stuck in a module? Then with a line that says where. */
bool run_modules_stuck(const struct dis_domain *dom, uint64_t now_ns);

#endif
